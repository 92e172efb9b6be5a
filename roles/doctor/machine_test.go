package doctor

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/configs"
	"petuum/roles/control"
)

// write makes files under a new directory and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestMemory(t *testing.T) {
	const info = "MemTotal: 9000 kB\nMemAvailable:    1000 kB\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		free  uint64
		limit string
	}{
		{"not Linux", nil, 0, ""},
		{"a machine", map[string]string{"proc/meminfo": info}, 1024000, "of this machine"},
		{"a limit", map[string]string{"proc/meminfo": info, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "5000\n", "sys/fs/cgroup/a/b/memory.current": "2000\n"}, 3000, "under the limit of the control group /a/b"},
		{"a limit above, and a cache", map[string]string{"proc/meminfo": info, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n",
			"sys/fs/cgroup/a/memory.max": "4000\n", "sys/fs/cgroup/a/memory.current": "3900\n", "sys/fs/cgroup/a/memory.stat": "anon 1\ninactive_file 900\n"},
			1000, "under the limit of the control group /a"},
		{"used up", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "10\n", "sys/fs/cgroup/memory.current": "11\n"},
			0, "under the limit of the control group /"},
		{"version 1", map[string]string{"proc/meminfo": info, "proc/self/cgroup": "9:cpu:/\n4:memory,x:/a\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "700\n", "sys/fs/cgroup/memory/a/memory.usage_in_bytes": "100\n"},
			600, "under the limit of the control group /a"},
		{"a limit above what there is", map[string]string{"proc/meminfo": info, "proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "9000000000\n", "sys/fs/cgroup/memory.current": "0\n"}, 1024000, "of this machine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			free, limit := memory(write(t, c.files))
			if free != c.free || limit != c.limit {
				t.Errorf("got %d %q, want %d %q", free, limit, c.free, c.limit)
			}
		})
	}
}

func TestCheckMemory(t *testing.T) {
	needs := map[string]uint64{control.Scheduler: 10, control.Server: 100, control.Worker: 1000}
	at := func(process, host string, free uint64) seated {
		role, _, _ := strings.Cut(process, "-")
		return seated{process, role, Room{host, free, "of this machine"}}
	}
	for _, c := range []struct {
		name string
		all  []seated
		want []Check
	}{
		{"enough", []seated{at("server-0", "a", 125)}, []Check{{Process: "server-0", Result: OK, Detail: "server-0 needs about 100 bytes, 125 bytes are free of this machine"}}},
		{"just enough", []seated{at("server-0", "a", 124)}, []Check{{Process: "server-0", Result: Warn}}},
		{"too little", []seated{at("server-0", "a", 99)}, []Check{{Process: "server-0", Result: Fail}}},
		{"too little together", []seated{at("server-0", "a", 1099), at("worker-0", "a", 1099), at("worker-1", "b", 2000)},
			[]Check{{Process: "server-0", Result: Fail, Detail: "server-0 and worker-0 need about 1.1 kB, 1.1 kB are free of this machine (a server 100 bytes, a worker 1 kB)"}, {Process: "worker-1", Result: OK}}},
		{"not known", []seated{{"server-0", control.Server, Room{Host: "a"}}}, []Check{{Process: "server-0", Result: OK, Detail: "server-0 needs about 100 bytes; what is free is not known"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := checkMemory(needs, c.all)
			if len(got) != len(c.want) {
				t.Fatalf("got %+v, want %+v", got, c.want)
			}
			for i, w := range c.want {
				g := got[i]
				if g.Process != w.Process || g.Result != w.Result || w.Detail != "" && g.Detail != w.Detail || (g.Result == OK) != (g.Fix == "") {
					t.Errorf("got %+v, want %+v", g, w)
				}
			}
		})
	}
}

func TestCheckOutput(t *testing.T) {
	root := write(t, map[string]string{"file": "", "other/mine.txt": "not a model"})
	for _, c := range []struct {
		name, path string
		free, most uint64
		result     Result
		want       string
	}{
		{"none", "", 0, 9, OK, "no model is written"},
		{"beside others", "model", 10, 9, OK, "takes up to 9 bytes, 10 bytes are free"},
		{"below what is missing", "a/b/model", 10, 0, OK, "is writable"},
		{"a full disk", "model", 8, 9, Fail, "takes up to 9 bytes, 8 bytes are free"},
		{"below a file", "file/model", 10, 9, Fail, "is no directory"},
		{"in place of other things", "other", 10, 9, Fail, "other"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := configs.Default()
			if c.path != "" {
				cfg.Output.Model = filepath.Join(root, c.path)
			}
			l := list{process: "scheduler"}
			checkOutput(&l, cfg, Machine{Disk: func(string) (uint64, error) { return c.free, nil }}, c.most)
			if len(l.checks) != 1 || l.checks[0].Result != c.result || !strings.Contains(l.checks[0].Detail, c.want) {
				t.Errorf("got %+v, want %s with %q", l.checks, c.result, c.want)
			}
		})
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if diff := cmp.Diff([]string{"file", "other"}, left); diff != "" {
		t.Errorf("what is there afterwards, -want +got:\n%s", diff)
	}
}

func TestReadOnlyOutput(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	root := t.TempDir()
	if err := os.Chmod(root, 0o555); err != nil {
		t.Fatal(err)
	}
	cfg := configs.Default()
	for _, path := range []string{"model", "a/model"} {
		cfg.Output.Model = filepath.Join(root, path)
		l := list{}
		checkOutput(&l, cfg, Real(), 0)
		if !l.failed() {
			t.Errorf("%s: got %+v, want a failure", path, l.checks)
		}
	}
}

// What a process opens has an owner; so has what it listens on.
func TestHolder(t *testing.T) {
	const tcp = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
		"   0: 0100007F:1F0A 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n" +
		"   1: 0100007F:1F0B 00000000:0000 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0\n"
	proc := write(t, map[string]string{"net/tcp": tcp, "net/udp": "short\n", "123/comm": "postgres\n", "123/fd/x": ""})
	for fd, inode := range map[string]int{"3": 4711, "4": 4712} {
		if err := os.Symlink("socket:["+strconv.Itoa(inode)+"]", filepath.Join(proc, "123", "fd", fd)); err != nil {
			t.Fatal(err)
		}
	}
	for port, want := range map[uint16]string{0x1f0a: "postgres (process 123)", 0x1f0b: "", 1: ""} {
		if got := holderUnder(proc, port); got != want {
			t.Errorf("port %d: got %q, want %q", port, got, want)
		}
	}
}
