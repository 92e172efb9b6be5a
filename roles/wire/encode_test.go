package wire

import (
	"bytes"
	"testing"
)

func TestCompressionIsGivenUpAndTriedAgain(t *testing.T) {
	enc := encoder{above: DefaultCompressAbove}
	hard, easy := noise(2000), prose(2000)
	tries := 0
	for range 100 {
		before := enc.habits[kindData]
		if _, packed, err := enc.appendZstd(nil, kindData, hard, nil); packed || err != nil {
			t.Fatalf("noise: got compressed %v, %v", packed, err)
		}
		if after := enc.habits[kindData]; after.misses != before.misses || after.passed < before.passed {
			tries++
		}
	}
	if want := patience + (100-patience)/retry; tries != want {
		t.Errorf("tries in 100 frames of noise: got %d, want %d", tries, want)
	}
	if _, packed, _ := enc.appendZstd(nil, kindData+1, easy, nil); !packed {
		t.Error("prose of another kind: got it raw, want it compressed")
	}
	raw := 0
	for range 100 {
		if _, packed, _ := enc.appendZstd(nil, kindData, easy, nil); !packed {
			raw++
		}
	}
	if raw >= retry {
		t.Errorf("prose after noise: got %d frames raw, want fewer than %d", raw, retry)
	}
}

func TestWhatIsCompressed(t *testing.T) {
	for _, tt := range []struct {
		name  string
		above int
		body  []byte
		want  bool
	}{
		{"prose above the threshold", 512, prose(513), true},
		{"prose at the threshold", 512, prose(512), false},
		{"noise", 512, noise(5000), false},
		{"never", -1, prose(5000), false},
		{"nothing", 0, nil, false},
	} {
		enc := encoder{above: tt.above}
		out, packed, err := enc.appendZstd([]byte("before"), kindData, tt.body, nil)
		if packed != tt.want || err != nil {
			t.Errorf("%s: got compressed %v, %v, want %v", tt.name, packed, err, tt.want)
		}
		if !bytes.HasPrefix(out, []byte("before")) || !packed && len(out) != 6 {
			t.Errorf("%s: what was there before has changed", tt.name)
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
