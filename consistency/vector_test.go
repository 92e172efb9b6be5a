package consistency

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// vectorModel is a Vector by the book: a map, and every answer by looking at all.
type vectorModel struct {
	clocks map[Origin]Clock
	last   Clock // the minimum where nobody is left
	left   Clock
}

func (m *vectorModel) min() Clock {
	if len(m.clocks) == 0 {
		return m.last
	}
	return slices.Min(slices.Collect(maps.Values(m.clocks)))
}

func TestVectorAgainstModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		var v Vector
		m := vectorModel{clocks: map[Origin]Clock{}}
		for range 100 {
			o := Origin(rnd.IntN(6))
			was := m.min()
			switch rnd.IntN(10) {
			case 0, 1:
				at := was + Clock(rnd.IntN(4)) - 1
				v.Enter(o, at)
				m.clocks[o] = at
			case 2:
				c, ok := m.clocks[o]
				if ok {
					m.left = max(m.left, c)
					if delete(m.clocks, o); len(m.clocks) == 0 {
						m.last = max(was, m.left)
					}
				}
				if got, want := v.Leave(o), m.min() > was; got != want {
					t.Fatalf("Leave(%d): got advanced %t, want %t", o, got, want)
				}
			default:
				to := m.clocks[o] + Clock(rnd.IntN(4)) - 1
				advanced, err := v.Tick(o, to)
				c, ok := m.clocks[o]
				if wrong := !ok || to < c; (err != nil) != wrong {
					t.Fatalf("Tick(%d, %d) at %d: got error %v, want one: %t", o, to, c, err, wrong)
				}
				if err == nil {
					m.clocks[o] = to
				}
				if want := m.min() > was; advanced != want {
					t.Fatalf("Tick(%d, %d): got advanced %t, want %t", o, to, advanced, want)
				}
			}
			check(t, &v, &m)
		}
	}
}

func check(t *testing.T, v *Vector, m *vectorModel) {
	t.Helper()
	if got, want := v.Origins(), slices.Sorted(maps.Keys(m.clocks)); !slices.Equal(got, want) || v.Len() != len(want) {
		t.Fatalf("origins: got %v, %d of them, want %v", got, v.Len(), want)
	}
	if got, want := v.Min(), m.min(); got != want {
		t.Fatalf("Min of %v: got %d, want %d", m.clocks, got, want)
	}
	slowest, ok := v.Slowest()
	if ok != (len(m.clocks) > 0) {
		t.Fatalf("Slowest: got %t with %d origins", ok, len(m.clocks))
	}
	for o := range Origin(6) {
		got, ok := v.Clock(o)
		if want, there := m.clocks[o]; got != want || ok != there {
			t.Fatalf("Clock(%d): got %d, %t, want %d, %t", o, got, ok, want, there)
		}
		if there := ok && got == m.min(); there && o < slowest {
			t.Fatalf("Slowest: got %d, want %d", slowest, o)
		}
	}
	if ok && m.clocks[slowest] != m.min() {
		t.Fatalf("Slowest: got %d at clock %d, want one at %d", slowest, m.clocks[slowest], m.min())
	}
}
