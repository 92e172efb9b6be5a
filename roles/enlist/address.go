package enlist

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"time"

	"petuum/configs"
	"petuum/roles/cluster"
	"petuum/roles/wire"
)

// checkAddresses refuses addresses that leave the others without one to dial:
// gossip would spread them, and the job would hang or die much later. data says
// whether the process has a data listener.
func checkAddresses(ctx context.Context, c *configs.Cluster, data bool) error {
	key, host := "cluster.bind", c.Bind
	gossipKey, gossip := key, host
	if c.Gossip != "" {
		gossipKey, gossip = "cluster.gossip", hostOf(c.Gossip)
	}
	if c.Data != "" {
		key, host = "cluster.data", hostOf(c.Data)
	}
	if c.Advertise == "" {
		for _, b := range []struct {
			key, host string
			used      bool
		}{{gossipKey, gossip, true}, {key, host, data}} {
			if ip, err := netip.ParseAddr(b.host); b.used && err == nil && ip.IsUnspecified() {
				return fmt.Errorf("%s: %s is every address of this machine and none that others can dial: add --advertise ADDRESS, the one at which they reach it", b.key, b.host)
			}
		}
	}
	told := gossip
	if c.Advertise != "" {
		told = c.Advertise
	}
	if data && loopback(ctx, host) && !loopback(ctx, told) {
		return fmt.Errorf("%s: the data listener would be on %s, where nobody who knows this process as %s gets: add --bind with an address of this machine that others reach", key, host, told)
	}
	return nil
}

// hostOf is the host of host:port, which loading has checked.
func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return host
}

// loopback reports whether a host is this machine to itself. A name that cannot be
// looked up is not: whoever binds to it says so.
func loopback(ctx context.Context, host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	return err == nil && len(ips) > 0 && ips[0].Unmap().IsLoopback()
}

// readKey reads the gossip key from path; "" is none. A key that every user of the
// machine can read is worth a warning.
func readKey(path string, log *slog.Logger) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	key, err := cluster.ReadKey(path)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o004 != 0 {
		log.Warn("every user of this machine can read the gossip key: chmod o-r", "file", path, "mode", info.Mode().Perm().String())
	}
	return key, nil
}

// explainKey adds to the refusal of a join which key was used: that it is another
// than the cluster's is the usual reason.
func explainKey(err error, path string) error {
	switch {
	case !errors.Is(err, cluster.ErrForeign):
		return err
	case path == "":
		return fmt.Errorf("%w: cluster.key_file is not set here; if the others have one, set it to a file with the same key", err)
	}
	return fmt.Errorf("%w: is the key in %s (cluster.key_file) the one that the others have?", err, path)
}

// dialFor bounds a first dial. Where a firewall drops packets nothing ever comes
// back, and the system would try for minutes.
const dialFor = 10 * time.Second

// Dial connects for the first time to a member that is said to be at addr.
func (p *Place) Dial(ctx context.Context, addr string) (*wire.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, dialFor, fmt.Errorf("no answer within %v", dialFor))
	defer cancel()
	c, err := wire.Dial(ctx, addr, p.Hello(), p.Wire(nil))
	return c, unreached(err)
}

// unreached adds to the error of a dial what may be wrong, where nobody was there
// to answer.
func unreached(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "dial" {
		return err
	}
	return fmt.Errorf("%w: is that where it can be reached from here (its --advertise, else its --bind), and does every firewall let its data port through?", err)
}
