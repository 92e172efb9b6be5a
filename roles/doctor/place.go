package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"petuum/configs"
	"petuum/roles/cluster"
	"petuum/roles/control"
	"petuum/roles/enlist"
)

// checkPlace looks at where a role will be: its key, its addresses, and the files it
// may open. It holds no port when it returns.
func checkPlace(ctx context.Context, l *list, o enlist.Options, m Machine, role string) {
	c := o.Config.Cluster
	checkKey(l, c.KeyFile)
	gossip, err := o.Gossip(role)
	if err != nil {
		return // it is about the key
	}
	if err := gossip.Try(ctx); err != nil {
		fixes := map[error]string{
			syscall.EADDRNOTAVAIL: "set cluster.bind to an address of this machine: " + strings.Join(addresses(), ", "),
			syscall.EADDRINUSE:    "end what uses the port, or name another in cluster.gossip (--gossip)",
		}
		l.fail("gossip address", fixFor(err, fixes, "set cluster.bind, cluster.gossip, cluster.advertise and cluster.join so that this becomes true"),
			"%s", refusal(err, gossip.Bind))
	} else {
		l.ok("gossip address", "%s, %s", gossip.Bind, portOf(gossip.Bind))
	}
	checkAdvertise(l, c.Advertise)
	if role != control.Worker {
		checkData(ctx, l, o.Config)
	}
	checkFiles(l, o.Config, m, role)
}

// fixFor is what to do about an error, by its cause.
func fixFor(err error, fixes map[error]string, other string) string {
	for cause, fix := range fixes {
		if errors.Is(err, cause) {
			return fix
		}
	}
	return other
}

// refusal is why an address cannot be listened on, and who has it if it is taken.
func refusal(err error, addr string) string {
	_, digits, split := net.SplitHostPort(addr)
	port, number := strconv.ParseUint(digits, 10, 16)
	if !errors.Is(err, syscall.EADDRINUSE) || split != nil || number != nil {
		return plain(err)
	}
	text := addr + " is taken"
	if who := holder(uint16(port)); who != "" {
		text += " by " + who
	}
	return text
}

func portOf(addr string) string {
	if _, port, err := net.SplitHostPort(addr); err == nil && port != "0" {
		return "TCP and UDP are free"
	}
	return "any free port"
}

// addresses are those of this machine.
func addresses() (list []string) {
	all, _ := net.InterfaceAddrs()
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLinkLocalUnicast() {
			list = append(list, n.IP.String())
		}
	}
	return list
}

// checkAdvertise warns of an address that leads here only by detours.
func checkAdvertise(l *list, advertise string) {
	if advertise == "" {
		return
	}
	host := advertise
	if h, _, err := net.SplitHostPort(advertise); err == nil {
		host = h
	}
	ips, err := net.LookupHost(host)
	if err != nil {
		return // the gossip address says so
	}
	own := addresses()
	for _, ip := range ips {
		if slices.Contains(own, ip) {
			l.ok("advertised address", "%s is this machine", advertise)
			return
		}
	}
	l.warn("advertised address", "leave cluster.advertise (--advertise) out, unless the address is forwarded to this machine",
		"%s is none of this machine's, which are %s", advertise, strings.Join(own, ", "))
}

// checkData tries the data listener's address.
func checkData(ctx context.Context, l *list, c *configs.Config) {
	addr := c.Cluster.Data
	if addr == "" {
		addr = net.JoinHostPort(c.Cluster.Bind, "0")
	}
	var lc net.ListenConfig
	at, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		fixes := map[error]string{
			syscall.EADDRNOTAVAIL: "set cluster.data or cluster.bind to an address of this machine: " + strings.Join(addresses(), ", "),
			syscall.EADDRINUSE:    "end what uses the port, or name another in cluster.data",
		}
		l.fail("data address", fixFor(err, fixes, "set cluster.data or cluster.bind to an address of this machine"), "%s", refusal(err, addr))
		return
	}
	at.Close()
	_, port, _ := net.SplitHostPort(addr)
	if port == "0" {
		l.ok("data address", "%s, any free port", c.Cluster.Bind)
	} else {
		l.ok("data address", "%s, the port is free", addr)
	}
}

// othersMayRead are the permissions that make a key file known to all users.
const othersMayRead = 0o004

// checkKey looks at the gossip key's file.
func checkKey(l *list, path string) {
	if path == "" {
		l.ok("gossip key", "none: gossip is not encrypted")
		return
	}
	key, err := cluster.ReadKey(path)
	if err != nil {
		l.fail("gossip key", "make one with: head -c 32 /dev/urandom | base64, the same for all processes, readable by the user who runs them",
			"%s", plain(err))
		return
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&othersMayRead != 0 {
		l.warn("gossip key", fmt.Sprintf("chmod o-rwx %s", path), "%s can be read by every user of this machine (mode %04o)", path, info.Mode().Perm())
		return
	}
	l.ok("gossip key", "%s: %d bits", path, 8*len(key))
}

// spareFiles is what a process opens beside its connections: standard streams,
// listeners, data, the model, and a few connections that come and go.
const spareFiles = 64

// checkFiles holds the connections of a role against its limit of open files.
func checkFiles(l *list, c *configs.Config, m Machine, role string) {
	most := uint64(spareFiles)
	if role != control.Worker {
		most += uint64(c.Cluster.Workers)
	}
	if role != control.Server {
		most += uint64(c.Cluster.Servers)
	}
	switch limit := m.Files(); {
	case limit == 0:
		l.ok("open files", "the limit is not known; about %d are needed", most)
	case limit < most:
		l.fail("open files", fmt.Sprintf("raise the limit: ulimit -n %d, or LimitNOFILE=%[1]d of the service", most),
			"at most %s at once, about %s are needed", thousands(limit), thousands(most))
	default:
		l.ok("open files", "at most %s at once, about %s are needed", thousands(limit), thousands(most))
	}
}
