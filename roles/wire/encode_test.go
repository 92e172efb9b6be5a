package wire

import (
	"bytes"
	"math"
	"testing"
)

func TestWhatIsCompressed(t *testing.T) {
	slow, fast := pace{link: 100_000_000, decode: 1000}, pace{link: 200}
	for _, tt := range []struct {
		name  string
		how   Compression
		pace  pace
		above int
		body  []byte
		want  bool
	}{
		{"prose above the threshold", Zstd, fast, 512, prose(513), true},
		{"prose at the threshold", Zstd, fast, 512, prose(512), false},
		{"noise", Zstd, fast, 512, noise(5000), false},
		{"never", Zstd, slow, -1, prose(5000), false},
		{"nothing", Zstd, slow, 0, nil, false},
		{"off", Off, slow, 512, prose(5000), false},
		{"auto and a pace unknown", Auto, pace{}, 512, prose(5000), false},
		{"auto on a fast link", Auto, fast, 512, prose(5000), false},
		{"auto on a slow link", Auto, slow, 512, prose(5000), true},
		{"auto and noise", Auto, slow, 512, noise(5000), false},
		{"auto and an endless link", Auto, pace{link: math.MaxUint32, decode: 1}, 512, prose(5000), true},
		{"auto and endless decoding", Auto, pace{link: 2000, decode: math.MaxUint32}, 512, prose(5000), false},
	} {
		enc := encoder{above: tt.above}
		out, packed, err := enc.appendZstd([]byte("before"), tt.how, tt.pace, kindData, tt.body, nil)
		if packed != tt.want || err != nil {
			t.Errorf("%s: got compressed %v, %v, want %v", tt.name, packed, err, tt.want)
		}
		if !bytes.HasPrefix(out, []byte("before")) || !packed && len(out) != 6 {
			t.Errorf("%s: what was there before has changed", tt.name)
		}
		if idle := enc.zstd == nil; tt.how == Auto && idle != !tt.pace.slow() {
			t.Errorf("%s: got no compressor made: %v, want %v", tt.name, idle, !tt.pace.slow())
		}
	}
}

// A body of one plane of bytes after the other is probed everywhere, also where it
// is in two pieces.
func TestProbeLooksAtAllOfABody(t *testing.T) {
	mixed := append(prose(300_000), noise(100_000)...)
	for name, split := range map[string]int{"whole": len(mixed), "in two pieces": 100} {
		var enc encoder
		if err := enc.begin(); err != nil {
			t.Fatal(err)
		}
		h := &enc.habits[kindData]
		enc.wants(h, pace{link: 80_000}, mixed[:split], mixed[split:])
		if got, want := h.trial.raw, int64(32<<10); got != want {
			t.Errorf("%s: got %d bytes probed, want %d", name, got, want)
		}
		if got, least, most := h.trial.packed, int64(8<<10), int64(12<<10); got < least || got > most {
			t.Errorf("%s: got them packed to %d, want %d to %d", name, got, least, most)
		}
	}
}

func TestQueueKeepsFewBuffers(t *testing.T) {
	var q queue
	q.recycle(make([]byte, keepBuffer+1), true)
	if got := len(q.larges); got != 0 {
		t.Errorf("a huge buffer: got %d kept, want 0", got)
	}
	for i := range 10 {
		q.recycle(make([]byte, largeBody+i), true)
	}
	if got := len(q.larges); got != keepLarge {
		t.Errorf("ten buffers: got %d kept, want %d", got, keepLarge)
	}
	if b := q.reuse(largeBody + 10); b != nil {
		t.Errorf("a buffer for more than any: got one of %d, want none", cap(b))
	}
	if b := q.reuse(largeBody + 9); cap(b) != largeBody+9 || len(b) != 0 || len(q.larges) != keepLarge-1 {
		t.Errorf("a buffer for the longest: got %d of %d, %d left, want an empty one, taken out", len(b), cap(b), len(q.larges))
	}
	for range 2 * keepChunks {
		q.recycle(make([]byte, chunkSize), false)
	}
	if got := len(q.chunks); got != keepChunks {
		t.Errorf("many chunks: got %d kept, want %d", got, keepChunks)
	}
	q.push(kindData, make([]byte, 9))
	if got := len(q.chunk); got != 9 || len(q.chunks) != keepChunks-1 {
		t.Errorf("a body of 9 bytes: got a chunk of %d, %d left, want an emptied one, taken out", got, len(q.chunks))
	}
}

// Every buffer comes back once, and after the last body in it.
func TestQueueGivesBackEachBufferOnce(t *testing.T) {
	var q queue
	var want [][]byte
	for i, n := range []int{0, 10, largeBody, largeBody + 1, 0, chunkSize / 3, chunkSize / 3, chunkSize/3 + 3, 5, largeBody} {
		body := bytes.Repeat([]byte{byte(i + 1)}, n)
		want = append(want, body)
		if n >= largeBody {
			q.pushLarge(kindData, bytes.Clone(body))
		} else {
			q.push(kindData, body)
		}
	}
	items := q.swap(nil)
	for i, it := range items {
		if !bytes.Equal(it.body, want[i]) {
			t.Errorf("body %d: got %d bytes, want the %d pushed", i, len(it.body), len(want[i]))
		}
		clear(it.done[:cap(it.done)])
	}
	for i, it := range items {
		if bytes.ContainsFunc(it.body, func(r rune) bool { return r != 0 }) {
			t.Errorf("the buffer of body %d was not given back", i)
		}
	}
	if len(q.items) != 0 || q.chunk != nil || q.bytes != 0 {
		t.Errorf("queue after swap: got %d items, a chunk of %d and %d bytes, want none", len(q.items), len(q.chunk), q.bytes)
	}
}
