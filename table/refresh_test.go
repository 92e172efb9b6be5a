package table

import (
	"math/rand/v2"
	"testing"

	"petuum/consistency"
)

// Views of width 1 take in what others did, wherever it lies, in ranges that begin
// and end anywhere.
func TestRefreshOfScatteredKeys(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 60 {
		const keys = 1000
		begin := rnd.Uint64N(keys)
		end := begin + 1 + rnd.Uint64N(keys-begin)
		r := newRig(t, rigJob{specs: oneTable(Float32, 1, keys, FTRL(1, 1, 0, 0)), shards: 1 + rnd.IntN(4), parts: []int{1, 2}, policy: consistency.BSP()})
		w := openView[float32](r, 0, 0, "w", Span(0, keys), Increments)
		v := openView[float32](r, 1, 0, "w", Span(begin, end), Increments)
		openView[float32](r, 1, 1, "w", Span(begin/2, end), Increments)
		r.start()
		v.Changed()
		for range 4 {
			lo := rnd.IntN(keys)
			hi, step := lo+rnd.IntN(keys-lo+1), 1+rnd.IntN(90)
			if rnd.IntN(2) == 0 {
				step = 1
			}
			for i := lo; i < hi; i += step {
				w.Inc(i, float32(i+1))
			}
			before := append([]float32(nil), v.Values()...)
			r.clock()
			changed := map[int32]bool{}
			for _, i := range v.Changed() {
				changed[i] = true
			}
			for i := range v.Len() {
				want := w.Values()[v.Key(i)]
				if got := v.Values()[i]; got != want || changed[int32(i)] != (got != before[i]) {
					t.Fatalf("range [%d, %d), key %d: got %v, changed %t, want %v", begin, end, v.Key(i), got, changed[int32(i)], want)
				}
			}
		}
	}
}
