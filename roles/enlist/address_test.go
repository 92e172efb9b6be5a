package enlist

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"petuum/configs"
	"petuum/roles/cluster"
	"petuum/roles/control"
)

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		name      string
		cluster   configs.Cluster
		dataless  bool
		want, say string // want "": it will do
	}{
		{"loopback", configs.Cluster{Bind: "127.0.0.1"}, false, "", ""},
		{"loopback 6", configs.Cluster{Bind: "::1"}, false, "", ""},
		{"one address", configs.Cluster{Bind: "10.0.0.2", Gossip: "10.0.0.2:7946"}, false, "", ""},
		{"all, advertised", configs.Cluster{Bind: "0.0.0.0", Advertise: "10.0.0.2"}, false, "", ""},
		{"all 6, advertised", configs.Cluster{Bind: "::", Advertise: "fd00::2"}, false, "", ""},
		{"all, for this machine", configs.Cluster{Bind: "0.0.0.0", Advertise: "127.0.0.1"}, false, "", ""},
		{"all", configs.Cluster{Bind: "0.0.0.0"}, false, "cluster.bind: 0.0.0.0", "--advertise"},
		{"all 6", configs.Cluster{Bind: "::"}, false, "cluster.bind: ::", "--advertise"},
		{"all, no data listener", configs.Cluster{Bind: "0.0.0.0"}, true, "cluster.bind: 0.0.0.0", "--advertise"},
		{"gossip on all", configs.Cluster{Bind: "10.0.0.2", Gossip: "0.0.0.0:7946"}, false, "cluster.gossip: 0.0.0.0", "--advertise"},
		{"data on all", configs.Cluster{Bind: "10.0.0.2", Data: "[::]:7947"}, false, "cluster.data: ::", "--advertise"},
		{"data on all, but none", configs.Cluster{Bind: "10.0.0.2", Data: "[::]:7947"}, true, "", ""},
		{"gossip alone leaves loopback", configs.Cluster{Bind: "127.0.0.1", Gossip: "10.0.0.1:7946"}, false, "knows this process as 10.0.0.1", "--bind"},
		{"gossip alone, no data listener", configs.Cluster{Bind: "127.0.0.1", Gossip: "10.0.0.1:7946"}, true, "", ""},
		{"advertised, data on loopback", configs.Cluster{Bind: "10.0.0.1", Data: "127.0.0.1:7947"}, false, "cluster.data", "127.0.0.1"},
		{"advertised, bound to loopback", configs.Cluster{Bind: "::1", Advertise: "fd00::2"}, false, "cluster.bind", "::1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := checkAddresses(t.Context(), &c.cluster, !c.dataless)
			if c.want == "" {
				if err != nil {
					t.Errorf("got %q, want no error", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.say) {
				t.Errorf("got %v, want %q and %q in it", err, c.want, c.say)
			}
		})
	}
}

// An address that cannot work is refused before anything listens.
func TestOpenRefusesAddress(t *testing.T) {
	cfg := &configs.Config{Cluster: configs.Cluster{Bind: "0.0.0.0"}}
	for _, role := range []string{control.Scheduler, control.Server, control.Worker} {
		p, err := Open(t.Context(), Options{Config: cfg, Log: slog.New(slog.DiscardHandler)}, role, "", -1, "")
		if err == nil {
			p.Close()
			t.Fatalf("%s: got no error", role)
		}
		if !strings.HasPrefix(err.Error(), role+": cluster.bind: 0.0.0.0") || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %q, want one line on cluster.bind of the %s", err, role)
		}
	}
}

func TestReadKeyWarns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("MDEyMzQ1Njc4OWFiY2RlZg==\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mode os.FileMode
		want int
	}{{0o600, 0}, {0o640, 0}, {0o644, 1}} {
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		key, err := readKey(path, slog.New(slog.NewTextHandler(&out, nil)))
		if err != nil || len(key) != 16 {
			t.Fatalf("mode %v: got %d bytes, %v, want 16", c.mode, len(key), err)
		}
		if got := strings.Count(out.String(), path); got != c.want {
			t.Errorf("mode %v: warned %d times, want %d: %s", c.mode, got, c.want, &out)
		}
	}
	if key, err := readKey("", nil); key != nil || err != nil {
		t.Errorf("no file: got %v, %v, want nil, nil", key, err)
	}
}

func TestExplain(t *testing.T) {
	foreign := fmt.Errorf("join: %w", cluster.ErrForeign)
	for _, c := range []struct {
		err        error
		path, want string
	}{
		{foreign, "/etc/gossip.key", "/etc/gossip.key"},
		{foreign, "", "cluster.key_file is not set here"},
		{cluster.ErrSeat, "/etc/gossip.key", "seat taken"},
	} {
		got := explainKey(c.err, c.path)
		if !errors.Is(got, c.err) || !strings.Contains(got.Error(), c.want) {
			t.Errorf("key file %q: got %q, want %q in it", c.path, got, c.want)
		}
		if !errors.Is(c.err, cluster.ErrForeign) && got != c.err {
			t.Errorf("got %q, want %q as it was", got, c.err)
		}
	}
	dial := &net.OpError{Op: "dial", Err: errors.New("no route")}
	if got := unreached(dial); !errors.Is(got, dial) || !strings.Contains(got.Error(), "--advertise") {
		t.Errorf("a dial: got %q, want advice", got)
	}
	if got := unreached(foreign); got != foreign {
		t.Errorf("no dial: got %q, want %q as it was", got, foreign)
	}
}
