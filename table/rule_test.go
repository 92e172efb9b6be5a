package table

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// plainApply is the table of doc comment Rule, value by value in float64.
func plainApply(r Rule, v, s1, s2, u float64) (v2, s3, s4 float64) {
	step := func(g, g2 float64) float64 {
		if g == 0 {
			return 0
		}
		return r.eta * g / (math.Sqrt(g2) + r.eps)
	}
	switch r.kind {
	case ruleMin:
		return math.Min(v, u), 0, 0
	case ruleMax:
		return math.Max(v, u), 0, 0
	case ruleReplace:
		return u, 0, 0
	case ruleAdaGrad:
		s1 += u * u
		if u != 0 && r != AdaGrad(r.eta, r.eps) {
			h := r.eta / (math.Sqrt(r.g0+s1) + r.eps)
			x := v - h*u
			return math.Copysign(math.Max(math.Abs(x)-h*r.reg, 0), x) / (1 + h*r.l2), s1, 0
		}
		return v - step(u, s1), s1, 0
	case ruleAggregate:
		s1 += u
		s2 += s1 * s1
		return v - step(s1, s2), s1, s2
	case ruleFTRL: // the paper's algorithm 1, but for the state: the root of n
		if u != 0 {
			n := s2*s2 + u*u
			sigma := (math.Sqrt(n) - s2) / r.eta
			s1 += u - sigma*v
			s2 = math.Sqrt(n)
		}
		if math.Abs(s1) <= r.reg {
			return 0, s1, s2
		}
		return -(s1 - math.Copysign(r.reg, s1)) / ((r.eps+s2)/r.eta + r.l2), s1, s2
	case ruleProximalL1:
		x := v - r.eta*u
		return math.Copysign(math.Max(math.Abs(x)-r.eta*r.reg, 0), x), 0, 0
	}
	return v + u, 0, 0
}

func plainCombine(r Rule, a, u float64) float64 {
	switch r.kind {
	case ruleMin:
		return math.Min(a, u)
	case ruleMax:
		return math.Max(a, u)
	case ruleReplace:
		return u
	}
	return a + u
}

var everyRule = []Rule{Add, Min, Max, Replace, AdaGrad(0.3, 0), AdaGrad(0.1, 1e-3), Aggregate(0.2, 1e-6), Aggregate(0.2, 0), ProximalL1(0.1, 2), ProximalL1(0.5, 0),
	FTRL(0.1, 1, 1, 1), FTRL(0.5, 0, 0, 0), FTRL(2, 0.5, 3, 0),
	AdaGradWith(AdaGradOptions{Eta: 0.3, Initial: 2}), AdaGradWith(AdaGradOptions{Eta: 0.3, Eps: 0.1, L1: 0.5}),
	AdaGradWith(AdaGradOptions{Eta: 0.2, Initial: 0.1, L1: 0.1, L2: 3}), AdaGradWith(AdaGradOptions{Eta: 0.3, L2: 0.5})}

func TestRulesAgainstPlainFormulas(t *testing.T) {
	for _, r := range everyRule {
		testRule[float64](t, r, 1e-12)
		testRule[float32](t, r, 2e-4)
		if r.preview() {
			testRule[int32](t, r, 0)
		}
	}
}

func testRule[T Elem](t *testing.T, r Rule, tolerance float64) {
	t.Helper()
	const width = 3
	rnd := rand.New(rand.NewPCG(5, uint64(r.kind)))
	v, state := make([]T, width), make([]T, r.stateWidth()*width)
	plain := make([][3]float64, width)
	for j := range v {
		if v[j] = T(rnd.IntN(9) - 4); r.kind == ruleFTRL {
			v[j] = 0
		}
		plain[j][0] = float64(v[j])
	}
	close := func(got T, want float64) bool {
		return math.Abs(float64(got)-want) <= tolerance*math.Max(1, math.Abs(want))
	}
	for n := range 50 {
		// An update is a sum of up to three, combined at the client.
		u := make([]T, width)
		for c := range 1 + rnd.IntN(3) {
			more := make([]T, width)
			for j := range more {
				more[j] = T(float64(rnd.IntN(17)-8) / 4)
			}
			want := make([]float64, width)
			for j := range want {
				want[j] = float64(more[j])
				if c > 0 {
					want[j] = plainCombine(r, float64(u[j]), float64(more[j]))
				}
			}
			if c == 0 {
				copy(u, more)
			} else {
				combineRow(r, u, more)
			}
			for j := range u {
				if !close(u[j], want[j]) {
					t.Fatalf("%s in %T: combine: got %v, want %v", r, v, u, want)
				}
			}
		}
		given := slices.Clone(u)
		applyRow(r, v, state, u)
		if !slices.Equal(u, given) {
			t.Fatalf("%s in %T: apply changed the update to %v", r, v, u)
		}
		for j := range v {
			p := &plain[j]
			p[0], p[1], p[2] = plainApply(r, p[0], p[1], p[2], float64(u[j]))
			if !close(v[j], p[0]) {
				t.Fatalf("%s in %T, update %d: value %d: got %v, want %v", r, v, n, j, v[j], p[0])
			}
			for i := range r.stateWidth() {
				if got := state[i*width+j]; !close(got, p[1+i]) {
					t.Fatalf("%s in %T, update %d: state %d of value %d: got %v, want %v", r, v, n, i, j, got, p[1+i])
				}
			}
		}
	}
}

func TestIntegerSumsWrap(t *testing.T) {
	v := []int32{math.MaxInt32, math.MinInt32}
	applyRow(Add, v, nil, []int32{1, -1})
	wantValues(t, "sum beyond int32", v, math.MinInt32, math.MaxInt32)
	applyRow(Add, v, nil, []int32{-1, 1})
	wantValues(t, "and back", v, math.MaxInt32, math.MinInt32)
}

func TestFirstStepOfZeroIsFinite(t *testing.T) {
	for _, r := range []Rule{AdaGrad(1, 0), Aggregate(1, 0)} {
		v, state := []float64{2}, make([]float64, 2)
		applyRow(r, v, state, []float64{0})
		wantValues(t, r.String()+" of gradient 0", v, 2)
		applyRow(r, v, state, []float64{5})
		wantValues(t, r.String()+" of the first gradient", v, 1)
	}
}

// What a rule says of itself must be true of what it does.
func TestRuleProperties(t *testing.T) {
	for _, r := range everyRule {
		v, state := []float64{3, 0.25}, make([]float64, 4)
		if r.kind == ruleFTRL {
			v = make([]float64, 2)
		}
		applyRow(r, v, state, []float64{1, -1})
		before, stateBefore := slices.Clone(v), slices.Clone(state)
		applyRow(r, v, state, []float64{0, 0})
		if r.skipsZero() && (!slices.Equal(v, before) || !slices.Equal(state, stateBefore)) {
			t.Errorf("%s skips zeros, but they change %v, %v to %v, %v", r, before, stateBefore, v, state)
		}
		if r.preview() {
			a, b := slices.Clone(v), slices.Clone(v)
			u := []float64{2, -7}
			applyRow(r, a, nil, u)
			combineRow(r, b, u)
			if !slices.Equal(a, b) {
				t.Errorf("%s: a part previews %v, a shard makes %v", r, b, a)
			}
		}
		if r.preview() == r.fold() {
			t.Errorf("%s: either it shows at once or a clock is folded", r)
		}
	}
}

// Under BSP an optimiser takes one step a clock, whoever did which part of the
// gradient and whenever it came.
func TestFoldDoesNotDependOnTheDivisionOfWork(t *testing.T) {
	for _, rule := range []Rule{AdaGrad(0.1, 1e-6), Aggregate(0.1, 1e-6), ProximalL1(0.1, 0.5), FTRL(0.1, 1, 0.1, 0.1), AdaGradWith(AdaGradOptions{Eta: 1, L1: 0.1})} {
		specs := []Spec{{Name: "w", Keys: 5000, Type: Float64, Rule: rule, Init: Init{Spread: 1}}}
		if rule.kind == ruleFTRL {
			specs[0].Init = Init{}
		}
		var want map[uint64][]float64
		for _, parts := range [][]int{{1}, {1, 1}, {3}, {2, 1, 1}} {
			r := newRig(t, rigJob{specs: specs, parts: parts})
			var views []*View[float64]
			for o, n := range parts {
				for p := range n {
					views = append(views, openView[float64](r, o, p, "w", Span(0, 5000), Increments))
				}
			}
			r.start()
			for clock := range 5 {
				for g := range 12 { // twelve gradients in eighths, whose sums are exact, dealt out
					v := views[(g+g/4+clock)%len(views)] // several have the same key
					v.Inc((g%4)*1100, float64(g-3)/8)    // no sum is 0, which AdaGrad does not send
				}
				r.clock()
			}
			got := stored[float64](r.shards[0], 0)
			if want == nil {
				want = got
			}
			wantEqual(t, rule.String(), got, want)
		}
	}
}

// Deterministic folding gives the same bytes in whichever order origins come.
func TestDeterministicFold(t *testing.T) {
	specs := []Spec{{Name: "w", Keys: 10}}
	var want string
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 2, 0}} {
		r := newRig(t, rigJob{specs: specs, parts: []int{1, 1, 1}, deterministic: true})
		var views []*View[float32]
		for o := range 3 {
			views = append(views, openView[float32](r, o, 0, "w", Span(0, 10), Increments))
		}
		r.start()
		for range 3 {
			for _, o := range order {
				views[o].Inc(4, []float32{1e8, 1, -1e8}[o]) // the order of these shows
				r.clients[o].Steps().BeginClock(0)
				r.pump()
			}
			for o := range 3 {
				r.end(o, 0)
			}
		}
		var got []byte
		r.shards[0].Export(0, func(_ uint64, values []byte) { got = append(got, values...) })
		if want == "" {
			want = string(got)
		}
		wantEqual(t, "the bytes", got, []byte(want))
	}
}

func TestSoftThreshold(t *testing.T) {
	for _, c := range [][3]float64{{3, 1, 2}, {-3, 1, -2}, {0.5, 1, 0}, {-0.5, 1, 0}, {1, 1, 0}, {2, 0, 2}} {
		if got := SoftThreshold(c[0], c[1]); got != c[2] {
			t.Errorf("SoftThreshold(%v, %v): got %v, want %v", c[0], c[1], got, c[2])
		}
	}
}
