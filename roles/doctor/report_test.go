package doctor

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"petuum/roles/wire"
)

func TestReport(t *testing.T) {
	var r Report
	for _, process := range []string{"worker-10", "server-1", "worker-2", "scheduler"} {
		l := list{process: process}
		l.ok("gossip", "3 of 3")
		r.Add(l.checks...)
	}
	l := list{process: ThisMachine}
	l.warn("key", "chmod", "mode %04o", 0o644)
	l.fail("bind", "bind elsewhere", "%v", errors.Join(errors.New("no such address"), errors.New("none")))
	r.Add(l.checks...)
	const want = `this machine
  warn  key: mode 0644
        fix: chmod
  FAIL  bind: no such address; none
        fix: bind elsewhere
scheduler
  ok    gossip: 3 of 3
server-1
  ok    gossip: 3 of 3
worker-2
  ok    gossip: 3 of 3
worker-10
  ok    gossip: 3 of 3

6 checks: 4 ok, 1 warn, 1 FAIL
`
	var b strings.Builder
	if err := r.Text(&b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	b.Reset()
	if err := r.JSON(&b); err != nil {
		t.Fatal(err)
	}
	back, err := ReadJSON([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Errorf("through JSON, -want +got:\n%s", diff)
	}
	if !r.Failed() || !strings.Contains(b.String(), `"ok": false`) {
		t.Errorf("a report with a failure is said to be well:\n%s", b.String())
	}
}

func TestFigures(t *testing.T) {
	for n, want := range map[uint64]string{1: "1 byte", 999: "999 bytes", 1000: "1 kB", 1234567: "1.23 MB", 1 << 40: "1.1 TB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d): got %s, want %s", n, got, want)
		}
	}
	for n, want := range map[uint64]string{1: "1", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d): got %s, want %s", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{34 * time.Microsecond: "34 µs", 1234 * time.Microsecond: "1.2 ms", 123 * time.Millisecond: "123 ms", 90 * time.Second: "90 s"} {
		if got := short(d); got != want {
			t.Errorf("short(%d): got %s, want %s", d, got, want)
		}
	}
}

// A clock that is ahead by so much sends at 1000, and the packets take 30 there, 10 at
// the scheduler and 50 back.
func TestAhead(t *testing.T) {
	for _, ahead := range []int64{0, 500, -500} {
		p := Probed{Probe{1000 + ahead}, 1030, 1040}
		by, took := p.ahead(1090 + ahead)
		if off := int64(by) - ahead; took != 80 || off < -40 || off > 40 {
			t.Errorf("%d ahead: got %d with a round trip of %d, want it within 40 with 80", ahead, by, took)
		}
	}
}

func TestJudgeClock(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		by, trip time.Duration
		result   Result
		want     string
	}{
		{0, 2 * ms, OK, "as the scheduler's, to within 1.0 ms"},
		{-ms, 2 * ms, OK, "as the scheduler's"},
		{30 * ms, 2 * ms, OK, "30 ms ahead of the scheduler's, to within 1.0 ms"},
		{-3 * time.Second, 2 * ms, Warn, "3 s behind the scheduler's"},
		{101 * ms, 2 * ms, Warn, "101 ms ahead of"},
		{0, 0, Warn, "did not answer"},
	} {
		l := list{}
		judgeClock(&l, c.by, c.trip)
		if g := l.checks[0]; g.Result != c.result || !strings.Contains(g.Detail, c.want) {
			t.Errorf("%s with a round trip of %s: got %+v, want %s with %q", c.by, c.trip, g, c.result, c.want)
		}
	}
}

func TestCheckVersion(t *testing.T) {
	scheduler := build{"1.2.3", wire.Hello{Major: 1, Minor: 0}}
	for _, c := range []struct {
		b    build
		want Result
	}{
		{build{"1.2.3", wire.Hello{Major: 1}}, OK},
		{build{"1.2.4", wire.Hello{Major: 1}}, Warn},
		{build{"1.3.3", wire.Hello{Major: 1}}, Fail},
		{build{"1.2.3", wire.Hello{Major: 1, Minor: 1}}, Fail},
	} {
		l := list{}
		checkVersion(&l, scheduler, c.b)
		if g := l.checks[0]; g.Result != c.want {
			t.Errorf("%s: got %+v, want %s", c.b, g, c.want)
		}
	}
}

func TestCheckSame(t *testing.T) {
	a, b, c := Sample{Path: "rows", Bytes: 10, Head: "x"}, Sample{Path: "rows", Bytes: 11, Head: "x"}, Sample{Path: "rows", Bytes: 10, Head: "y"}
	for _, tc := range []struct {
		name    string
		samples map[string]Sample
		want    map[string]Result
	}{
		{"one worker", map[string]Sample{"worker-0": a}, map[string]Result{}},
		{"the same", map[string]Sample{"worker-0": a, "worker-1": a}, map[string]Result{"worker-0": OK, "worker-1": OK}},
		{"another length", map[string]Sample{"worker-0": b, "worker-1": a, "worker-2": a}, map[string]Result{"worker-0": Fail, "worker-1": OK, "worker-2": OK}},
		{"other bytes", map[string]Sample{"worker-0": a, "worker-1": c}, map[string]Result{"worker-0": OK, "worker-1": Fail}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := map[string]Result{}
			for _, c := range checkSame(tc.samples) {
				got[c.Process] = c.Result
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
