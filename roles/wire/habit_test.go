package wire

import (
	"math"
	"testing"
	"time"
)

const mib = 1 << 20

func TestPays(t *testing.T) {
	const ns = 1000 // picoseconds
	at := func(link, decode uint32) pace { return pace{link, decode} }
	half := trial{raw: mib, packed: mib / 2, nanos: 3 * mib}
	for _, tt := range []struct {
		name          string
		trial         trial
		pace          pace
		begin, goesOn bool
	}{
		{"loopback", half, at(200, ns), false, false},
		{"100 Mbit/s, a half", half, at(80*ns, ns), true, true},
		{"100 Mbit/s, 0.98", trial{mib, mib * 98 / 100, 3 * mib}, at(80*ns, ns), false, false},
		{"10 Gbit/s, a half", half, at(800, ns), false, false},
		{"1 Gbit/s, a half", half, at(8*ns, ns), true, true},
		{"1 Gbit/s, dear to encode", trial{mib, mib / 2, 8 * mib}, at(8*ns, ns), false, false},
		{"100 Mbit/s, 0.92", trial{mib, mib * 92 / 100, 3 * mib}, at(80*ns, ns), true, true},
		{"as much as it costs", half, at(4*ns, ns), false, false},
		{"just not enough to begin", half, at(4100, ns), false, true},
		{"just enough to begin", half, at(4200, ns), true, true},
		{"decoding dear", half, at(80*ns, 80*ns), false, false},
		{"decoding unknown counts half", half, at(4200, 0), false, true},
		{"decoding unknown, slower", half, at(4400, 0), true, true},
		{"longer than before", trial{mib, mib + 9, 1}, at(math.MaxUint32, 1), false, false},
		{"nothing tried", trial{}, at(math.MaxUint32, 1), false, false},
		{"the worst pace", half, at(math.MaxUint32, math.MaxUint32), false, false},
		{"the worst link", half, at(math.MaxUint32, 1), true, true},
	} {
		for _, c := range []struct{ already, want bool }{{false, tt.begin}, {true, tt.goesOn}} {
			if got := tt.trial.pays(tt.pace, c.already); got != c.want {
				t.Errorf("%s, packing %v: got %v, want %v", tt.name, c.already, got, c.want)
			}
		}
	}
}

func TestTrialForgets(t *testing.T) {
	var sum trial
	sum.add(trial{1 << 30, 1 << 30, 1 << 40})
	for range 10 {
		sum.add(trial{mib, mib / 2, mib})
	}
	if sum.raw > trialMemory {
		t.Errorf("raw: got %d, want at most %d", sum.raw, trialMemory)
	}
	if got := float64(sum.packed) / float64(sum.raw); got > 0.51 {
		t.Errorf("ratio: got %.3f, want 0.5 by now", got)
	}
}

// probes counts those of n bytes of a kind in bodies of 64 KiB that a trial does not pay for.
func probes(h *habit, p pace, n int) (count int) {
	for range n >> 16 {
		if h.due(p, 1<<16) {
			h.probe(p, trial{raw: 1 << 15, packed: 1 << 15, nanos: 1 << 15})
			count++
		}
	}
	return count
}

func TestProbesGrowRare(t *testing.T) {
	var h habit
	slow := pace{link: 20_000, decode: 100}
	if got, want := probes(&h, slow, 64*mib), 8; got < want-1 || got > want+1 {
		t.Errorf("in the first 64 MiB: got %d probes, want about %d", got, want)
	}
	if got, most := probes(&h, slow, 1024*mib), 1024/64+2; got > most || got < 8 {
		t.Errorf("in another GiB: got %d probes, want 8 to %d", got, most)
	}
	if got := probes(&h, pace{link: 40_000}, 1<<16); got != 1 {
		t.Errorf("in the first body on a slower link: got %d probes, want 1", got)
	}
}

func TestPackingBeginsAndEnds(t *testing.T) {
	slow := pace{link: 20_000, decode: 100}
	good, bad := trial{1 << 16, 1 << 14, 1 << 16}, trial{1 << 16, 1 << 16, 1 << 22}
	for _, tt := range []struct {
		name  string
		good  int // bodies
		waits int64
	}{
		{"at once", 0, 2 * probeSoonest},
		{"after it was worth its while", 64, probeSoonest},
	} {
		h := habit{}
		h.probe(slow, bad)
		if !h.probe(slow, good) {
			t.Fatalf("%s: got no packing after a good probe", tt.name)
		}
		for range tt.good {
			h.learn(slow, good)
		}
		if !h.packing || !h.goesOn(pace{link: 4000, decode: 100}) {
			t.Fatalf("%s: got no packing where it pays", tt.name)
		}
		for i := 0; h.packing; i++ {
			if i > 100 {
				t.Fatalf("%s: got no end of packing what does not shrink", tt.name)
			}
			h.learn(slow, bad)
		}
		if h.wait != tt.waits {
			t.Errorf("ended %s: got a wait of %d, want %d", tt.name, h.wait, tt.waits)
		}
	}
	h := habit{}
	h.probe(slow, good)
	if h.goesOn(pace{link: 1100, decode: 100}) || h.packing {
		t.Error("on a link that became fast: got it packing, want it ended")
	}
}

func TestParseCompression(t *testing.T) {
	for name, want := range map[string]Compression{"auto": Auto, "off": Off, "zstd": Zstd} {
		if got, err := ParseCompression(name); got != want || err != nil {
			t.Errorf("%s: got %d, %v, want %d", name, got, err, want)
		}
	}
	if _, err := ParseCompression("gzip"); err == nil {
		t.Error("gzip: got no error")
	}
}

func TestMeter(t *testing.T) {
	const us = time.Microsecond
	type step struct {
		bytes   int
		blocked time.Duration
		raw     int
		unpack  time.Duration
		told    bool // the sender is to hear of it
	}
	many := func(n int, s step) (list []step) {
		for range n {
			list = append(list, s)
		}
		return list
	}
	for _, tt := range []struct {
		name  string
		steps []step
		want  pace
	}{
		{"nothing blocked", many(100, step{bytes: paceWindow}), pace{}},
		{"loopback", many(100, step{bytes: paceWindow, blocked: 60 * us}), pace{link: 228}},
		{"10 Gbit/s", many(20, step{bytes: paceWindow, blocked: 210 * us}), pace{link: 801}},
		{"one long stall", append(many(9, step{bytes: paceWindow}), step{bytes: 9 * paceWindow, blocked: time.Second}), pace{}},
		{"a slow link", []step{{bytes: paceWindow, blocked: 5243 * us}, {bytes: paceWindow, blocked: 5243 * us}, {bytes: paceWindow, blocked: 5243 * us, told: true}, {bytes: paceWindow, blocked: 9000 * us}}, pace{link: 20_000}},
		{"large frames", []step{{bytes: 32 * paceWindow, blocked: 32 * 5243 * us}, {bytes: 32 * paceWindow, blocked: 32 * 5243 * us, told: true}}, pace{link: 20_000}},
		{"less than a window", many(1, step{bytes: paceWindow - 1, blocked: time.Second}), pace{}},
		{"decoding", []step{{bytes: 8 * paceWindow, blocked: 8 * 5243 * us, raw: mib, unpack: 1049 * us}, {bytes: 8 * paceWindow, blocked: 8 * 5243 * us, raw: mib, unpack: 1049 * us, told: true}}, pace{20_000, 1000}},
		{"decoding on a fast link", many(3, step{bytes: paceWindow, raw: mib, unpack: 1049 * us}), pace{0, 1000}},
		{"a link that becomes fast", []step{{bytes: 2 * paceWindow, blocked: 2 * 525 * us}, {bytes: 2 * paceWindow, blocked: 2 * 525 * us, told: true}, {bytes: paceWindow}, {bytes: paceWindow}, {bytes: paceWindow, told: true}, {bytes: 20 * paceWindow}}, pace{}},
	} {
		var m meter
		for i, s := range tt.steps {
			got := m.frame(s.bytes, s.blocked, s.raw, s.unpack)
			if got != s.told {
				t.Errorf("%s, frame %d: got told %v, want %v (pace %v, told %v)", tt.name, i, got, s.told, m.now, m.told)
			}
			if got {
				m.told = m.now
			}
		}
		if m.now.link/10 != tt.want.link/10 || m.now.decode/10 != tt.want.decode/10 {
			t.Errorf("%s: got %v, want %v", tt.name, m.now, tt.want)
		}
	}
}

func TestPaceIsAlwaysValid(t *testing.T) {
	for _, p := range []pace{{}, {1, 0}, {math.MaxUint32, 1}, {1, math.MaxUint32}} {
		if got := paceOf(p.word()); got != p {
			t.Errorf("got %v, want %v", got, p)
		}
	}
	if got := perByte(1000*time.Hour, 1); got != math.MaxUint32 {
		t.Errorf("a byte in 1000 hours: got %d, want the most", got)
	}
	if got := perByte(1, 1<<40); got != 1 {
		t.Errorf("a TiB in a nanosecond: got %d, want 1", got)
	}
	if (pace{}).differs(pace{paceFast, 7}) || !(pace{}).differs(pace{2 * paceFast, 0}) {
		t.Error("differs: want fast links alike, and none like one of twice as long")
	}
}
