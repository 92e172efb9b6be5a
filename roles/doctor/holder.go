package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// holder names the process that listens on a TCP port or has a UDP port, as far as
// Linux tells this user: "" if it does not.
func holder(port uint16) string { return holderUnder("/proc", port) }

func holderUnder(proc string, port uint16) string {
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		text, err := os.ReadFile(filepath.Join(proc, "net", table))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			inode, ok := socketOn(strings.Fields(line), port, strings.HasPrefix(table, "tcp"))
			if !ok {
				continue
			}
			if name := owner(proc, inode); name != "" {
				return name
			}
		}
	}
	return ""
}

// socketOn reads a line of /proc/net/tcp or udp and returns the inode of its socket if
// that is on port, and listens where that is asked for.
func socketOn(f []string, port uint16, listens bool) (inode string, ok bool) {
	const local, state, at, listen = 1, 3, 9, "0A"
	if len(f) <= at || listens && f[state] != listen {
		return "", false
	}
	_, digits, _ := strings.Cut(f[local], ":")
	n, err := strconv.ParseUint(digits, 16, 16)
	return f[at], err == nil && uint16(n) == port
}

// owner is the name and id of the process that has a socket open.
func owner(proc, inode string) string {
	open, err := filepath.Glob(filepath.Join(proc, "[0-9]*", "fd", "*"))
	if err != nil {
		return ""
	}
	for _, fd := range open {
		if to, err := os.Readlink(fd); err != nil || to != "socket:["+inode+"]" {
			continue
		}
		dir := filepath.Dir(filepath.Dir(fd))
		name, _ := os.ReadFile(filepath.Join(dir, "comm"))
		return fmt.Sprintf("%s (process %s)", strings.TrimSpace(string(name)), filepath.Base(dir))
	}
	return ""
}
