package doctor

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"

	"petuum/algos/registry"
	"petuum/roles/control"
	"petuum/roles/enlist"
)

// plenty is a machine that has enough of everything.
func plenty() Machine {
	return Machine{
		Memory: func() (uint64, string) { return 1 << 40, "of this machine" },
		Disk:   func(string) (uint64, error) { return 1 << 40, nil },
		Files:  func() uint64 { return 1 << 20 },
		Host:   func() string { return "here" },
	}
}

func TestCheckPlace(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	key := file(t, "key", []byte(base64.StdEncoding.EncodeToString(make([]byte, 32))))
	secret := file(t, "secret", []byte(base64.StdEncoding.EncodeToString(make([]byte, 32))))
	if err := os.Chmod(secret, 0o600); err != nil {
		t.Fatal(err)
	}
	short := file(t, "short", []byte(base64.StdEncoding.EncodeToString(make([]byte, 31))))
	by := "" // where the system does not tell
	if _, err := os.Stat("/proc/net/tcp"); err == nil {
		by = fmt.Sprintf(" by doctor.test (process %d)", os.Getpid())
	}
	for _, c := range []struct {
		name   string
		sets   []string
		role   string
		files  uint64
		result Result // the worst
		check  string
		want   []string
	}{
		{name: "good", result: OK, check: "data address"},
		{name: "good key", sets: []string{"cluster.key_file=" + secret}, result: OK, check: "gossip key", want: []string{"256 bits"}},
		{name: "key that others read", sets: []string{"cluster.key_file=" + key}, result: Warn, check: "gossip key", want: []string{"0644", "chmod"}},
		{name: "short key", sets: []string{"cluster.key_file=" + short}, result: Fail, check: "gossip key", want: []string{"31 bytes"}},
		{name: "no key", sets: []string{"cluster.key_file=/none"}, result: Fail, check: "gossip key", want: []string{"no such file"}},
		{name: "taken gossip port", sets: []string{"cluster.gossip=" + taken.Addr().String()}, result: Fail, check: "gossip address",
			want: []string{taken.Addr().String() + " is taken" + by, "cluster.gossip"}},
		{name: "taken data port", sets: []string{"cluster.data=" + taken.Addr().String()}, result: Fail, check: "data address", want: []string{"is taken", "cluster.data"}},
		{name: "a worker has no data address", sets: []string{"cluster.data=" + taken.Addr().String()}, role: control.Worker, result: OK, check: "open files"},
		{name: "another machine's address", sets: []string{"cluster.bind=198.51.100.1"}, result: Fail, check: "gossip address", want: []string{"no such address", "127.0.0.1"}},
		{name: "another machine's data address", sets: []string{"cluster.data=198.51.100.1:0"}, result: Fail, check: "data address", want: []string{"127.0.0.1"}},
		{name: "advertised in vain", sets: []string{"cluster.advertise=198.51.100.1"}, result: Fail, check: "gossip address", want: []string{"nobody gets there"}},
		{name: "advertised by a detour", sets: []string{"cluster.advertise=127.0.0.9"}, result: Warn, check: "advertised address", want: []string{"none of this machine's"}},
		{name: "few files", files: 67, result: Fail, check: "open files", want: []string{"at most 67", "about 68", "ulimit -n 68"}},
		{name: "enough files", files: 68, result: OK, check: "open files"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := plenty()
			if c.files > 0 {
				m.Files = func() uint64 { return c.files }
			}
			role := c.role
			if role == "" {
				role = control.Scheduler
			}
			o := enlist.Options{Config: job(t, "rows", c.sets...), Algorithms: registry.Algorithms, Log: slog.New(slog.DiscardHandler)}
			l := list{process: role}
			checkPlace(t.Context(), &l, o, m, role)
			worst := OK
			for _, g := range l.checks {
				if g.Result == Fail || worst == OK {
					worst = g.Result
				}
				if g.Name != c.check {
					continue
				}
				for _, want := range c.want {
					if !strings.Contains(g.Detail+g.Fix, want) {
						t.Errorf("got %+v, want %q in it", g, want)
					}
				}
				if g.Result != c.result {
					t.Errorf("got %+v, want %s", g, c.result)
				}
			}
			if worst != c.result {
				t.Errorf("got %+v, want nothing else than %s", l.checks, c.result)
			}
		})
	}
}
