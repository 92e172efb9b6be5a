package doctor

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Machine is what this process can ask of its machine. Tests put their own in.
type Machine struct {
	// Memory is the memory that processes may still take, in bytes, and what
	// limits it; 0 if that cannot be known.
	Memory func() (free uint64, limit string)
	// Disk is the free space of the file system that holds a directory, in bytes.
	Disk func(dir string) (free uint64, err error)
	// Files is how many files a process may have open; 0 if that cannot be known.
	Files func() uint64
	// Host tells machines, and containers on one, apart.
	Host func() string
}

// Real is the machine that this process runs on.
func Real() Machine {
	return Machine{
		Memory: func() (uint64, string) { return memory("/") },
		Disk:   disk, Files: files, Host: host,
	}
}

// disk asks the system.
func disk(dir string) (uint64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("doctor: free space of %s: %w", dir, err)
	}
	return uint64(s.Bavail) * uint64(s.Bsize), nil
}

// files asks the system.
func files() uint64 {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0
	}
	return uint64(l.Cur)
}

// host is the name of the machine or container, and its last boot.
func host() string {
	name, _ := os.Hostname()
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return name + " " + string(bytes.TrimSpace(boot))
}

// memory is the least of what Linux says to be available and what the control
// groups of this process leave, read under root. Elsewhere it is not known.
func memory(root string) (free uint64, limit string) {
	note := func(bytes uint64, what string) {
		if limit == "" || bytes < free {
			free, limit = bytes, what
		}
	}
	if kb, ok := field(filepath.Join(root, "proc/meminfo"), "MemAvailable:"); ok {
		note(kb*1024, "of this machine")
	}
	text, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return free, limit
	}
	for line := range strings.Lines(string(text)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		top, most, now, cache := "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
		switch {
		case f[0] == "0" && f[1] == "": // version 2
		case slices.Contains(strings.Split(f[1], ","), "memory"):
			top, most, now, cache = "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
		default:
			continue
		}
		for dir := path.Clean("/" + f[2]); ; dir = path.Dir(dir) {
			at := filepath.Join(root, top, dir)
			max, ok := number(filepath.Join(at, most))
			if used, known := number(filepath.Join(at, now)); ok && known {
				reclaimable, _ := field(filepath.Join(at, "memory.stat"), cache)
				used -= min(used, reclaimable)
				note(max-min(max, used), "under the limit of the control group "+dir)
			}
			if dir == "/" {
				break
			}
		}
	}
	return free, limit
}

// number reads a file that holds one; "max" is none.
func number(path string) (uint64, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 10, 64)
	return n, err == nil
}

// field reads the number behind a name in a file of such lines.
func field(path, name string) (uint64, bool) {
	f, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if w := strings.Fields(s.Text()); len(w) >= 2 && w[0] == name {
			n, err := strconv.ParseUint(w[1], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
