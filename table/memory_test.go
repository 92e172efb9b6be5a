package table

import (
	"os"
	"runtime"
	"testing"

	"petuum/consistency"
	"petuum/table/placement"
)

// big tells whether the tests that need many gigabytes run: PETUUM_BIG=1.
var big = os.Getenv("PETUUM_BIG") != ""

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// touchKeys lets a shard take holds of keys of a hashed key space, in lists of a
// million keys, and returns the bytes a key that it grew by. With keep the lists
// stay held; else each is dropped before the next one.
func touchKeys(t *testing.T, keys uint64, list int, keep bool) float64 {
	t.Helper()
	specs := []Spec{{Name: "w", Keys: 1 << 32, Type: Float32, Rule: Aggregate(0.1, 1e-6)}}
	before := heap()
	s, err := NewShard(0, 1, specs, placement.NewRoster(1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	send := func(msg []byte) {
		if err := s.Handle(msg, func(_ consistency.Origin, _ *Buffer) {}); err != nil {
			t.Fatal(err)
		}
	}
	send(helloMessage(0))
	gap := (uint64(1) << 32) / keys
	for first := uint64(0); first < keys; first += uint64(list) {
		set := make([]uint64, 0, list)
		for i := range min(uint64(list), keys-first) {
			set = append(set, (first+i)*gap+(first+i)%gap)
		}
		id := uint64(first / uint64(list))
		send(appendSet(appendUints(appendHeader(nil, kindHold, 1, 0), 0, id, 0), Keys(set)))
		if !keep {
			send(appendUints(appendHeader(nil, kindDrop, 1, 0), 0, id))
		}
	}
	grown := heap() - before
	st := s.stores[0].(*store[float32])
	if uint64(st.rows) != keys {
		t.Fatalf("rows: got %d, want %d", st.rows, keys)
	}
	runtime.KeepAlive(s)
	return float64(grown) / float64(keys)
}

// A touched key of a hashed key space takes at most 32 bytes with a value, two of
// state and a client that holds it, however full the index is.
func TestBytesATouchedKey(t *testing.T) {
	for _, keys := range []uint64{1_000_000, 1_300_000} {
		alone := touchKeys(t, keys, 20_000, false)
		held := touchKeys(t, keys, 20_000, true)
		t.Logf("%d keys: %.1f bytes a key, %.1f while a client holds them all", keys, alone, held)
		if alone > 28 || held > 32 {
			t.Errorf("%d keys: got %.1f bytes a key, %.1f held, want at most 28 and 32", keys, alone, held)
		}
	}
}

func TestBytesATouchedKeyOfManyBig(t *testing.T) {
	if !big {
		t.Skip("needs 4 GB: set PETUUM_BIG=1")
	}
	t.Logf("100 million keys: %.1f bytes a key", touchKeys(t, 100_000_000, 1_000_000, false))
}

// viewBytes is the bytes a key of a client whose one part holds a range.
func viewBytes(t *testing.T, keys uint64) float64 {
	t.Helper()
	before := heap()
	r := newRig(t, rigJob{specs: []Spec{{Name: "w", Keys: keys, Type: Float32}}})
	v := openView[float32](r, 0, 0, "w", Span(0, keys), Increments)
	r.start()
	grown := heap() - before
	runtime.KeepAlive(v)
	return float64(grown) / float64(keys)
}

// A key of a range takes a value, its answered copy, a delta and 3 bits, and a
// position in the scratch space of the refresh that brought the whole range.
func TestBytesAKeyOfAView(t *testing.T) {
	got := viewBytes(t, 1_000_000)
	t.Logf("a range of 1,000,000 keys: %.2f bytes a key", got)
	if want := 4*4 + 1.5; got > want {
		t.Errorf("got %.2f bytes a key, want at most %.1f", got, want)
	}
}

func TestBytesAKeyOfAViewBig(t *testing.T) {
	if !big {
		t.Skip("needs memory: set PETUUM_BIG=1")
	}
	t.Logf("a range of 10,000,000 keys: %.2f bytes a key", viewBytes(t, 10_000_000))
}
