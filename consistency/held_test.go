package consistency

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

type heldEntry struct {
	floor   Clock
	request int // in the order of arrival
}

func drain(h *Held[int]) (requests []int) {
	for {
		r, ok := h.Ready(1 << 40)
		if !ok {
			return requests
		}
		requests = append(requests, r)
	}
}

func TestHeldAgainstSortedSlice(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		var h Held[int]
		var model []heldEntry
		for n := range 80 {
			switch rnd.IntN(8) {
			default:
				e := heldEntry{Clock(rnd.IntN(6)), n}
				h.Add(e.floor, n)
				model = append(model, e)
				slices.SortStableFunc(model, func(a, b heldEntry) int { return cmp.Compare(a.floor, b.floor) })
			case 0, 1:
				min := Clock(rnd.IntN(7)) - 1
				got, ok := h.Ready(min)
				if want := len(model) > 0 && model[0].floor <= min; ok != want {
					t.Fatalf("Ready(%d) of %v: got %t, want %t", min, model, ok, want)
				}
				if ok {
					if got != model[0].request {
						t.Fatalf("Ready(%d) of %v: got %d", min, model, got)
					}
					model = model[1:]
				}
			case 2:
				k := rnd.IntN(5)
				match := func(r int) bool { return r%5 == k }
				h.Remove(match)
				model = slices.DeleteFunc(model, func(e heldEntry) bool { return match(e.request) })
			case 3:
				var all []heldEntry
				h.All(func(floor Clock, r int) { all = append(all, heldEntry{floor, r}) })
				if !slices.Equal(all, model) {
					t.Fatalf("All: got %v, want %v", all, model)
				}
			}
			if h.Len() != len(model) {
				t.Fatalf("Len: got %d, want %d", h.Len(), len(model))
			}
		}
		want := make([]int, 0, len(model))
		for _, e := range model {
			want = append(want, e.request)
		}
		if got := drain(&h); !slices.Equal(got, want) {
			t.Fatalf("what was left: got %v, want %v", got, want)
		}
	}
}

func TestHeldKeepsTheOrderOfEqualFloors(t *testing.T) {
	var h Held[int]
	for r, floor := range []Clock{5, 5, 5, 4, 5, Beginning, 4} {
		h.Add(floor, r)
	}
	// A copy made through All comes out in the same order.
	var other Held[int]
	h.All(func(floor Clock, r int) { other.Add(floor, r) })
	want := []int{5, 3, 6, 0, 1, 2, 4}
	if got := drain(&h); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := drain(&other); !slices.Equal(got, want) {
		t.Errorf("the copy: got %v, want %v", got, want)
	}
}
