package cluster

import (
	"maps"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/serf/serf"
)

func tagged(node string, tags map[string]string) *serf.Member {
	return &serf.Member{Name: node, Addr: net.IPv4(10, 0, 0, 1), Port: 7946, Tags: tags}
}

func TestTagsRoundTrip(t *testing.T) {
	base := Member{Name: "server-0", Node: "server-0-1-ab", Role: Server, Seat: 3, Gossip: "10.0.0.1:7946",
		Data: "10.0.0.1:99", Version: "1.2.3-rc1+x", Job: "a job, with\x00any bytes"}
	bare := Member{Name: "w", Node: "w-1", Role: Worker, Seat: NoSeat, Gossip: "10.0.0.1:7946", Version: "0.0.1"}
	for _, want := range []claim{
		{Member: base, held: true, start: 1 << 62},
		{Member: base, start: -5, bye: true},
		{Member: bare},
		{Member: Member{Name: "s", Node: "s-1", Role: Scheduler, Seat: NoSeat, Gossip: "10.0.0.1:7946", Version: "9.0.0", Data: "[::1]:1"}},
	} {
		got, err := parseClaim(tagged(want.Node, want.tags()))
		if err != nil {
			t.Errorf("%s: %v", want.Name, err)
		}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(claim{})); d != "" {
			t.Errorf("%s (-want +got):\n%s", want.Name, d)
		}
	}
}

func TestParseClaimRefuses(t *testing.T) {
	good := claim{Member: Member{Name: "s", Role: Server, Seat: 1, Data: "10.0.0.1:99", Version: "1.0.0"}}.tags()
	for _, tc := range []struct{ tag, value, want string }{
		{"name", "", `name ""`},
		{"name", "a b", `name "a b"`},
		{"name", strings.Repeat("x", 65), "name"},
		{"role", "", `unknown role ""`},
		{"role", "admin", `unknown role "admin"`},
		{"role", "worker", `a worker with seat "1"`},
		{"seat", "-1", `a server with seat "-1"`},
		{"seat", "65537", `seat "65537"`},
		{"seat", "99999999999999999999", "seat"},
		{"seat", "one", "seat"},
		{"data", "nowhere", "data address"},
		{"data", "0.0.0.0:1", "data address"},
		{"data", ":1", "data address"},
		{"data", "h:65536", "data address"},
		{"ver", "", `version ""`},
		{"ver", "1.2.3x", "version"},
		{"ver", "12345678901.0.0", "version"},
		{"start", "", `start "" is no number`},
		{"start", "!", "start"},
	} {
		tags := maps.Clone(good)
		tags[tc.tag] = tc.value
		if _, err := parseClaim(tagged("n", tags)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s=%q: got %v, want %q", tc.tag, tc.value, err, tc.want)
		}
	}
	if _, err := parseClaim(tagged("n", nil)); err == nil {
		t.Error("no tags: got no error")
	}
}

func FuzzParseClaim(f *testing.F) {
	f.Add("server", "s-0", "3", "1", "127.0.0.1:9", "job", "1.2.3", "zz")
	f.Add("worker", "", "", "", "[::1]:0", "", "1..3", "-1")
	f.Fuzz(func(t *testing.T, role, name, seat, flag, data, job, ver, start string) {
		tags := map[string]string{"role": role, "name": name, "held": flag, "bye": flag, "data": data, "job": job, "ver": ver, "start": start}
		if seat != "" {
			tags["seat"] = seat
		}
		a, err := parseClaim(tagged("n", tags))
		if err != nil {
			return
		}
		if a.Seat < NoSeat || a.Seat > maxSeat || a.Role != Server && a.Seat != NoSeat {
			t.Errorf("a %s with seat %d", a.Role, a.Seat)
		}
		b, err := parseClaim(tagged("n", a.tags()))
		if err != nil || !cmp.Equal(a, b, cmp.AllowUnexported(claim{})) {
			t.Errorf("tags written and read again: got %+v, %v, want %+v", b, err, a)
		}
	})
}

func TestCheckTags(t *testing.T) {
	a := claim{Member: Member{Name: strings.Repeat("n", 64), Role: Server, Seat: NoSeat, Version: "1.0.0", Data: "127.0.0.1:65535"}, start: 1 << 62}
	fits := func(n int) bool { a.Job = strings.Repeat("j", n); return checkTags(a) == nil }
	n := 0
	for fits(n + 1) {
		n++
	}
	if n < 200 || n > 512 {
		t.Errorf("longest job: got %d bytes, want some hundreds", n)
	}
	// What just fits is what Serf takes, with a seat as well.
	a.Name, a.Job = "server-0", strings.Repeat("j", n)
	c := conf("server-0", Server, NoSeat)
	c.Job, c.Data = a.Job, a.Data
	cl := mustStart(t, c)
	if err := cl.SetSeat(maxSeat); err != nil {
		t.Error(err)
	}
}

func TestBeats(t *testing.T) {
	mk := func(held bool, start int64, node string) claim {
		return claim{Member: Member{Node: node}, held: held, start: start}
	}
	order := []claim{mk(true, 1, "b"), mk(true, 2, "a"), mk(false, 0, "c"), mk(false, 1, "a"), mk(false, 1, "b")}
	for i, a := range order {
		for j, b := range order {
			if got, want := a.beats(b), i < j; got != want {
				t.Errorf("claim %d beats claim %d: got %v, want %v", i, j, got, want)
			}
		}
	}
}

func TestMajor(t *testing.T) {
	for v, want := range map[string]int{"0.1.2": 0, "12.0.0": 12, "3.4.5-rc.1+build": 3} {
		if got, err := majorOf(v); got != want || err != nil {
			t.Errorf("%s: got %d, %v, want %d", v, got, err, want)
		}
	}
	for _, v := range []string{"", "1", "1.2", "v1.2.3", "1.2.3.4", "-1.2.3", " 1.2.3", "1.2.3\n"} {
		if _, err := majorOf(v); err == nil {
			t.Errorf("%q: got no error", v)
		}
	}
}

func TestStrings(t *testing.T) {
	m := Member{Name: "server-0", Role: Server, Seat: 2, Gossip: "h:1"}
	if got, want := m.String(), "server server-0 at h:1 (seat 2)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var got []string
	for k := range EventKind(5) {
		got = append(got, k.String())
	}
	if want := []string{"event 0", "joined", "left", "failed", "event 4"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
