package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
)

// A place is where gossip listens, what it tells others, and whom it joins: a Config's addresses,
// looked up and checked.
type place struct {
	bind      netip.AddrPort // port 0: any free one
	advertise netip.AddrPort // not valid: the bound address; port 0: the bound port
	join      []target
}

// A target is one join address as written, with what it stands for.
type target struct {
	text  string
	addrs []netip.AddrPort
}

// Try looks the addresses up and listens on the gossip address for a moment: it returns the error with which
// Start would refuse them. It meets nobody.
func (c *Config) Try(ctx context.Context) error {
	_, err := c.resolve(ctx)
	return err
}

// resolve looks the addresses up and refuses those that cannot work.
func (c *Config) resolve(ctx context.Context) (p place, err error) {
	if p.bind, err = resolveBind(ctx, c.Bind); err != nil {
		return p, err
	}
	if err := checkBind(ctx, p.bind); err != nil {
		return p, err
	}
	if p.advertise, err = resolveAdvertise(ctx, c.Advertise, p.bind); err != nil {
		return p, err
	}
	told := p.bind.Addr()
	if p.advertise.IsValid() {
		told = p.advertise.Addr()
	}
	for _, text := range c.Join {
		host, port, err := splitHost(text)
		if err != nil {
			return p, fmt.Errorf("cluster: join %s: %w", text, err)
		}
		if port == 0 {
			return p, fmt.Errorf("cluster: join %s: no port; want host:port as a member printed it", text)
		}
		t := target{text: text}
		ips, err := lookup(ctx, host)
		if err != nil {
			return p, fmt.Errorf("cluster: join %s: %w", text, err)
		}
		for _, ip := range ips {
			if told.IsLoopback() && !ip.IsLoopback() {
				return p, fmt.Errorf("cluster: advertise %s: members at %s cannot reach a loopback address: bind to an address of this machine that they can reach", told, text)
			}
			t.addrs = append(t.addrs, netip.AddrPortFrom(ip, port))
		}
		p.join = append(p.join, t)
	}
	return p, nil
}

func resolveBind(ctx context.Context, text string) (netip.AddrPort, error) {
	if text == "" {
		text = "127.0.0.1"
	}
	host, port, err := splitHost(text)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("cluster: bind %s: %w", text, err)
	}
	ips, err := lookup(ctx, host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("cluster: bind %s: %w", text, err)
	}
	return netip.AddrPortFrom(ips[0], port), nil
}

// checkBind tries the address for a moment: here the cause of a refusal has a type, and nothing
// has been started that would have to be stopped.
func checkBind(ctx context.Context, bind netip.AddrPort) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", bind.String())
	if err == nil {
		l.Close()
		if bind.Port() == 0 {
			return nil
		}
		var u net.PacketConn
		if u, err = lc.ListenPacket(ctx, "udp", bind.String()); err == nil {
			return u.Close()
		}
	}
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("cluster: bind %s: this machine has no such address; bind to one of its own, or to 127.0.0.1: %w", bind, err)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("cluster: bind %s: the port is taken; name another, or none for any free one: %w", bind, err)
	}
	return fmt.Errorf("cluster: bind %s: %w", bind, err)
}

func resolveAdvertise(ctx context.Context, text string, bind netip.AddrPort) (netip.AddrPort, error) {
	var none netip.AddrPort
	if text == "" {
		if bind.Addr().IsUnspecified() {
			return none, fmt.Errorf("cluster: advertise: bound to %s, every address of this machine: set advertise to the one that others use", bind.Addr())
		}
		return none, nil
	}
	host, port, err := splitHost(text)
	if err != nil {
		return none, fmt.Errorf("cluster: advertise %s: %w", text, err)
	}
	ips, err := lookup(ctx, host)
	if err != nil {
		return none, fmt.Errorf("cluster: advertise %s: %w", text, err)
	}
	ip := ips[0]
	switch {
	case ip.IsUnspecified():
		return none, fmt.Errorf("cluster: advertise %s: stands for no particular machine; set the address that others use", text)
	case ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return none, fmt.Errorf("cluster: advertise %s: is no machine's address", text)
	case bind.Addr().IsLoopback() && !ip.IsLoopback():
		return none, fmt.Errorf("cluster: advertise %s: nobody gets there while gossip is bound to %s: set bind as well", text, bind.Addr())
	case port != 0 && bind.Port() == 0:
		return none, fmt.Errorf("cluster: advertise %s: names a port, but bind takes any free one: give bind a port, or advertise none", text)
	}
	return netip.AddrPortFrom(ip, port), nil
}

// splitHost splits host[:port]; without a port it is 0. IPv6 may be bare or in brackets.
func splitHost(text string) (host string, port uint16, err error) {
	bare := text
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		bare = text[1 : len(text)-1]
	}
	if _, err := netip.ParseAddr(bare); err == nil {
		return bare, 0, nil
	}
	host = text
	if strings.Contains(text, ":") {
		var digits string
		if host, digits, err = net.SplitHostPort(text); err != nil {
			return "", 0, err
		}
		n, err := strconv.ParseUint(digits, 10, 16)
		if err != nil {
			return "", 0, fmt.Errorf("port %q: want a number up to 65535", digits)
		}
		port = uint16(n)
	}
	if host == "" {
		return "", 0, errors.New("names no host; write 127.0.0.1, or 0.0.0.0 for every address of this machine")
	}
	return host, port, nil
}

// lookup returns the addresses of a host, IPv4 first. It never returns an empty list.
func lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	ips := []netip.Addr{}
	if ip, err := netip.ParseAddr(host); err == nil {
		ips = append(ips, ip)
	} else if ips, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err != nil {
		return nil, err
	}
	var v4, v6 []netip.Addr
	for _, ip := range ips {
		switch ip = ip.Unmap(); {
		case ip.Zone() != "": // Serf would drop the zone and listen everywhere
			return nil, fmt.Errorf("%s: addresses with a zone are not supported", ip)
		case ip.Is4():
			v4 = append(v4, ip)
		default:
			v6 = append(v6, ip)
		}
	}
	if ips = append(v4, v6...); len(ips) == 0 {
		return nil, fmt.Errorf("%s has no address", host)
	}
	return ips, nil
}
