package ccd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"petuum/algos/mf/penalty"
)

const mean = 3

// problem is ratings dealt out to parts by users.
type problem struct {
	Settings
	values       [][]float64 // of user u and item i; NaN: not rated
	users, items int
}

func newProblem(rng *rand.Rand, s Settings, users, items int) *problem {
	p := &problem{Settings: s, users: users, items: items}
	for u := range users {
		p.values = append(p.values, make([]float64, items))
		for i := range items {
			p.values[u][i] = math.NaN()
			if rng.Float64() < 0.3 && u != 2 && i != 4 { // one of each has none
				p.values[u][i] = float64(1 + rng.IntN(5))
			}
		}
	}
	return p
}

func (p *problem) size() int {
	if p.Biases {
		return p.Rank + 1
	}
	return p.Rank
}

func (p *problem) start(rng *rand.Rand, n int) Rows {
	r := Rows{make([]float32, n*(p.Rank+3)), p.Rank + 3}
	for i := range n {
		for k := range p.size() {
			v := float32(rng.NormFloat64()) * 0.3
			if p.NonNegative {
				v = max(v, -v)
			}
			r.Values[i*r.Stride+k] = v
		}
	}
	return r
}

// solvers deals the users out to so many parts, each with items of its own. The first is
// given by whatever rows say.
func (p *problem) solvers(parts int, users, items Rows) (all []*Solver) {
	counts := make([]float32, p.items)
	for _, row := range p.values {
		for i, v := range row {
			if v == v {
				counts[i]++
			}
		}
	}
	for part := range parts {
		lo, hi := p.users*part/parts, p.users*(part+1)/parts
		r := Ratings{Start: []int{0}}
		for u := lo; u < hi; u++ {
			for i, v := range p.values[u] {
				if v == v {
					r.Items, r.Left = append(r.Items, uint32(i)), append(r.Left, float32(v)-mean)
				}
			}
			r.Start = append(r.Start, len(r.Items))
		}
		mine := Rows{users.Values[lo*users.Stride : hi*users.Stride], users.Stride}
		s := New(p.Settings, r, mine, Rows{append([]float32(nil), items.Values...), items.Stride}, counts)
		s.Subtract()
		all = append(all, s)
	}
	return all
}

func (p *problem) score(users, items Rows, u, i int) float64 {
	a, b := users.Values[u*users.Stride:], items.Values[i*items.Stride:]
	s := float64(mean)
	for k := range p.Rank {
		s += float64(a[k]) * float64(b[k])
	}
	if p.Biases {
		s += float64(a[p.Rank]) + float64(b[p.Rank])
	}
	return s
}

// objective is the plain sum, and the squares in it.
func (p *problem) objective(users, items Rows) (all, squares float64) {
	n := p.size()
	penalty := func(row []float32, ratings int) {
		w, bias := p.Penalty(float64(ratings))
		for k, v := range row[:n] {
			if k == p.Rank {
				w = bias
			}
			all += w * float64(v) * float64(v)
		}
	}
	counts := make([]int, p.items)
	for u, row := range p.values {
		n := 0
		for i, v := range row {
			if v == v {
				e := v - p.score(users, items, u, i)
				squares += e * e
				counts[i]++
				n++
			}
		}
		penalty(users.Values[u*users.Stride:], n)
	}
	for i, n := range counts {
		penalty(items.Values[i*items.Stride:], n)
	}
	return all + squares, squares
}

// step is one step of all parts.
func step(all []*Solver, k int) {
	var sums []float32
	for _, s := range all {
		of := s.Users(k)
		if sums == nil {
			sums = make([]float32, len(of))
		}
		for i, v := range of {
			sums[i] += v
		}
	}
	for _, s := range all {
		s.Items(k, sums)
	}
}

// plain is a penalty of lambda times the squares, weighted of lambda times them and the
// ratings; biases cost half.
func plain(lambda float64) penalty.Weights {
	return func(float64) (factor, bias float64) { return lambda, lambda / 2 }
}

func weighted(lambda float64) penalty.Weights {
	return func(n float64) (factor, bias float64) { return lambda * n, lambda * n / 2 }
}

var kinds = []Settings{
	{Penalty: plain(0.5)},
	{Penalty: weighted(0.1)},
	{Biases: true, Penalty: plain(0.4)},
	{Biases: true, Penalty: weighted(0.1)},
	{NonNegative: true, Penalty: plain(0.1)},
	{NonNegative: true, Biases: true, Penalty: weighted(0.1)},
}

func TestObjectiveFalls(t *testing.T) {
	for which, kind := range kinds {
		for _, parts := range []int{1, 3} {
			t.Run(fmt.Sprintf("%d parts %d", which, parts), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(1, 2))
				kind.Rank = 4
				p := newProblem(rng, kind, 40, 25)
				users, items := p.start(rng, 40), p.start(rng, 25)
				all := p.solvers(parts, users, items)
				before, _ := p.objective(users, all[0].items)
				for sweep := range 10 {
					for k := range p.Columns() {
						step(all, k)
						after, _ := p.objective(users, all[0].items)
						if after > before*(1+1e-6) {
							t.Errorf("sweep %d column %d: the objective rises from %v to %v", sweep, k, before, after)
						}
						before = after
					}
				}
				p.check(t, all, users)
			})
		}
	}
}

// check compares what the parts keep with the plain sums, and their items with each other.
func (p *problem) check(t *testing.T, all []*Solver, users Rows) {
	t.Helper()
	_, want := p.objective(users, all[0].items)
	got := 0.0
	for _, s := range all {
		s.Settle()
		s.Settle() // once is enough
		got += s.Loss()
		for i, v := range s.items.Values {
			if v != all[0].items.Values[i] {
				t.Fatalf("parts differ at value %d of the items", i)
			}
		}
	}
	if math.Abs(got-want) > 1e-4*want {
		t.Errorf("squares: got %v, want %v", got, want)
	}
	if !p.NonNegative {
		return
	}
	zeros, free := 0, 0
	for _, r := range []Rows{users, all[0].items} {
		for k, v := range r.Values {
			if k%r.Stride < p.Rank && v < 0 {
				t.Fatalf("a factor is %v", v)
			}
			if k%r.Stride < p.Rank && v == 0 {
				zeros++
			}
			if k%r.Stride == p.Rank && v < 0 {
				free++
			}
		}
	}
	if zeros == 0 || p.Biases && free == 0 {
		t.Errorf("%d factors are 0 and %d biases below: nothing is shown", zeros, free)
	}
}

// After one step of the users' values of a column, the objective is lowest there: a plain
// parabola through three points says where.
func TestStepGoesToTheLowest(t *testing.T) {
	for _, kind := range kinds[:4] {
		rng := rand.New(rand.NewPCG(3, 4))
		kind.Rank = 3
		p := newProblem(rng, kind, 20, 15)
		users, items := p.start(rng, 20), p.start(rng, 15)
		s := p.solvers(1, users, items)[0]
		for k := range p.Columns() {
			c := s.column(k)
			sums := s.Users(k)
			if !c.fixedUsers {
				for u := range 20 {
					p.lowest(t, users, s.items, &users.Values[u*users.Stride+c.value])
				}
			}
			s.Items(k, sums)
			if !c.fixedItem {
				for i := range 15 {
					p.lowest(t, users, s.items, &s.items.Values[i*s.items.Stride+c.value])
				}
			}
		}
	}
}

func (p *problem) lowest(t *testing.T, users, items Rows, value *float32) {
	t.Helper()
	was := *value
	at, _ := p.objective(users, items)
	*value = was + 0.5
	up, _ := p.objective(users, items)
	*value = was - 0.5
	down, _ := p.objective(users, items)
	*value = was
	if bend := up - 2*at + down; math.Abs(up-down) > 1e-4*math.Max(bend, 1) {
		t.Errorf("biases %v: half a step up is %v, half a step down %v: want the same", p.Biases, up-at, down-at)
	}
}

// One part or several: the same but for rounding.
func TestPartsAgree(t *testing.T) {
	for which, kind := range kinds {
		var want []float32
		for _, parts := range []int{1, 2, 6} {
			rng := rand.New(rand.NewPCG(5, 6))
			kind.Rank = 4
			p := newProblem(rng, kind, 30, 20)
			users, items := p.start(rng, 30), p.start(rng, 20)
			all := p.solvers(parts, users, items)
			for range 5 {
				for k := range p.Columns() {
					step(all, k)
				}
			}
			got := all[0].items.Values
			if parts == 1 {
				want = got
			}
			for i, v := range got {
				if math.Abs(float64(v-want[i])) > 1e-3 {
					t.Fatalf("kind %d parts %d value %d: got %v, want %v", which, parts, i, v, want[i])
				}
			}
		}
	}
}

func TestStepDoesNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	p := newProblem(rng, Settings{Rank: 3, Biases: true, Penalty: plain(1)}, 20, 20)
	s := p.solvers(1, p.start(rng, 20), p.start(rng, 20))[0]
	if got := testing.AllocsPerRun(20, func() {
		for k := range p.Columns() {
			s.Items(k, s.Users(k))
		}
		s.Settle()
	}); got >= 1 {
		t.Errorf("got %v allocations, want 0", got)
	}
}
