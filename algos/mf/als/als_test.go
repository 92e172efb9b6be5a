package als

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"petuum/algos/algotest"
	"petuum/algos/mf/penalty"
)

// problem is ratings of users, in both orders.
type problem struct {
	users, items int
	of           [2]map[int][]rating // of each user, of each item
	mean         float32
}

type rating struct {
	id    uint32
	value float32
}

func newProblem(rng *rand.Rand, users, items int, dense float64, implicit bool) *problem {
	p := &problem{users: users, items: items, mean: 3}
	p.of[0], p.of[1] = map[int][]rating{}, map[int][]rating{}
	for u := range users {
		for i := range items {
			if rng.Float64() > dense {
				continue
			}
			r := float32(1 + rng.IntN(5))
			if implicit {
				r = float32(rng.IntN(4)) // 0 as well
			}
			p.of[0][u] = append(p.of[0][u], rating{uint32(i), r})
			p.of[1][i] = append(p.of[1][i], rating{uint32(u), r})
		}
	}
	return p
}

func (p *problem) row(side, i int) (ids []uint32, values []float32) {
	for _, x := range p.of[side][i] {
		ids, values = append(ids, x.id), append(values, x.value)
	}
	return ids, values
}

func (p *problem) count(side int) int {
	if side == 0 {
		return p.users
	}
	return p.items
}

func randomRows(rng *rand.Rand, n, size, stride int, positive bool) Rows {
	r := Rows{make([]float32, n*stride), stride}
	for i := range n {
		for k := range size {
			v := float32(rng.NormFloat64()) * 0.5
			if positive {
				v = max(v, -v)
			}
			r.Row(i)[k] = v
		}
	}
	return r
}

// half solves all rows of a side.
func (p *problem) half(s *Solver, side int, to, fixed Rows) {
	if s.Implicit {
		gram := make([]float64, s.Size()*s.Size())
		s.AddGram(gram, fixed, p.count(1-side))
		s.SetGram(gram)
	}
	for i := range p.count(side) {
		ids, values := p.row(side, i)
		s.Begin()
		s.Add(ids, values, fixed, p.mean)
		s.Solve(to.Row(i))
	}
}

// objective is the plain sum.
func (p *problem) objective(s Settings, users, items Rows) (sum float64) {
	n := s.Size()
	score := func(u, i int) float64 {
		dot := 0.0
		for k := range s.Rank {
			dot += float64(users.Row(u)[k]) * float64(items.Row(i)[k])
		}
		if s.Implicit {
			return dot
		}
		if s.Biases {
			dot += float64(users.Row(u)[s.Rank]) + float64(items.Row(i)[s.Rank])
		}
		return dot + float64(p.mean)
	}
	for u := range p.users {
		seen := map[int]float64{}
		for _, r := range p.of[0][u] {
			seen[int(r.id)] = float64(r.value)
		}
		for i := range p.items {
			r, ok := seen[i]
			switch {
			case s.Implicit && r > 0:
				sum += (1 + s.Alpha*r) * (1 - score(u, i)) * (1 - score(u, i))
			case s.Implicit:
				sum += score(u, i) * score(u, i)
			case ok:
				sum += (r - score(u, i)) * (r - score(u, i))
			}
		}
	}
	for side, r := range []Rows{users, items} {
		for i := range p.count(side) {
			w, bias := s.Penalty(float64(len(p.of[side][i])))
			for k, v := range r.Row(i)[:n] {
				if k == s.Rank {
					w = bias
				}
				sum += w * float64(v) * float64(v)
			}
		}
	}
	return sum
}

// eliminated solves the normal equations of a row as they are written, by elimination.
func (p *problem) eliminated(s Settings, side, i int, fixed Rows) []float64 {
	n := s.Size()
	a := make([][]float64, n)
	for k := range a {
		a[k] = make([]float64, n+1)
	}
	add := func(x []float64, weight, want float64) {
		for k := range n {
			for l := range n {
				a[k][l] += weight * x[k] * x[l]
			}
			a[k][n] += weight * want * x[k]
		}
	}
	of := func(j int) []float64 {
		x := make([]float64, n)
		for k := range x {
			x[k] = float64(fixed.Row(j)[k])
		}
		return x
	}
	seen := map[int]float64{}
	for _, r := range p.of[side][i] {
		seen[int(r.id)] = float64(r.value)
	}
	for j := range p.count(1 - side) {
		x, r := of(j), seen[j]
		_, ok := seen[j]
		switch {
		case s.Implicit && r > 0:
			add(x, 1+s.Alpha*r, 1)
		case s.Implicit:
			add(x, 1, 0)
		case ok:
			want := r - float64(p.mean)
			if s.Biases {
				want -= x[s.Rank]
				x[s.Rank] = 1
			}
			add(x, 1, want)
		}
	}
	for k := range n {
		w, bias := s.Penalty(float64(len(p.of[side][i])))
		if k == s.Rank {
			w = bias
		}
		a[k][k] += w
	}
	return gauss(a)
}

// gauss solves a system whose right side is its last column, with pivots.
func gauss(a [][]float64) []float64 {
	n := len(a)
	for c := range n {
		best := c
		for r := c; r < n; r++ {
			if math.Abs(a[r][c]) > math.Abs(a[best][c]) {
				best = r
			}
		}
		a[c], a[best] = a[best], a[c]
		for r := c + 1; r < n; r++ {
			by := a[r][c] / a[c][c]
			for k := c; k <= n; k++ {
				a[r][k] -= by * a[c][k]
			}
		}
	}
	x := make([]float64, n)
	for r := n - 1; r >= 0; r-- {
		x[r] = a[r][n]
		for k := r + 1; k < n; k++ {
			x[r] -= a[r][k] * x[k]
		}
		x[r] /= a[r][r]
	}
	return x
}

// plain is a penalty of lambda times the squares, weighted of lambda times them and the
// ratings; biases cost half.
func plain(lambda float64) penalty.Weights {
	return func(float64) (factor, bias float64) { return lambda, lambda / 2 }
}

func weighted(lambda float64) penalty.Weights {
	return func(n float64) (factor, bias float64) { return lambda * n, lambda * n / 2 }
}

var kinds = []struct {
	name string
	s    Settings
}{
	{"plain", Settings{Penalty: plain(0.5)}},
	{"weighted", Settings{Penalty: weighted(0.1)}},
	{"biases", Settings{Biases: true, Penalty: plain(0.2)}},
	{"weighted biases", Settings{Biases: true, Penalty: weighted(0.1)}},
	{"implicit", Settings{Implicit: true, Alpha: 5, Penalty: plain(0.3)}},
	{"implicit weighted", Settings{Implicit: true, Alpha: 2, Penalty: weighted(0.1)}},
}

func TestRowIsSolutionByElimination(t *testing.T) {
	for _, kind := range kinds {
		for _, rank := range []int{1, 3, 16, 33, 70, 129} {
			t.Run(fmt.Sprint(kind.name, rank), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(3, uint64(rank)))
				s := kind.s
				s.Rank = rank
				p := newProblem(rng, 3, 700, 0.8, s.Implicit) // more than two batches
				fixed := randomRows(rng, 700, s.Size(), s.Size()+2, false)
				got := Rows{make([]float32, 3*s.Size()), s.Size()}
				p.half(New(s), 0, got, fixed)
				for u := range 3 {
					want := p.eliminated(s, 0, u, fixed)
					for k, v := range got.Row(u) {
						if math.Abs(float64(v)-want[k]) > 2e-4*(0.1+math.Abs(want[k])) {
							t.Fatalf("user %d value %d: got %v, want %v", u, k, v, want[k])
						}
					}
				}
			})
		}
	}
}

func TestSumsOfPartsSolveTheSame(t *testing.T) {
	for _, kind := range kinds {
		for _, rank := range []int{5, 66} {
			rng := rand.New(rand.NewPCG(4, uint64(rank)))
			s := kind.s
			s.Rank = rank
			p := newProblem(rng, 1, 200, 0.7, s.Implicit)
			fixed := randomRows(rng, 200, s.Size(), s.Size(), false)
			solver := New(s)
			ids, values := p.row(0, 0)
			whole, added := make([]float32, s.Size()), make([]float32, s.Size())
			solver.Begin()
			solver.Add(ids, values, fixed, p.mean)
			solver.Solve(whole)
			sums := make([]float32, s.SumsSize())
			for lo := 0; lo < len(ids); lo += 50 {
				hi := min(lo+50, len(ids))
				solver.Begin()
				solver.Add(ids[lo:hi], values[lo:hi], fixed, p.mean)
				of := solver.AppendSums(nil)
				if len(of) != s.SumsSize() {
					t.Fatalf("%s: got %d sums, want %d", kind.name, len(of), s.SumsSize())
				}
				for k, v := range of {
					sums[k] += v
				}
			}
			solver.SetSums(sums)
			solver.Solve(added)
			for k, want := range whole {
				if got := added[k]; math.Abs(float64(got-want)) > 1e-4*(0.1+math.Abs(float64(want))) {
					t.Errorf("%s rank %d value %d: got %v, want %v", kind.name, rank, k, got, want)
				}
			}
		}
	}
}

// What is said of the objective part by part adds up to the plain sum, which no half-step
// lets rise, and no factor is negative where none may be.
func TestObjectiveFalls(t *testing.T) {
	for _, kind := range kinds {
		for _, positive := range []bool{false, true} {
			t.Run(fmt.Sprint(kind.name, positive), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(5, 6))
				s := kind.s
				s.Rank, s.NonNegative = 6, positive
				p := newProblem(rng, 40, 30, 0.3, s.Implicit)
				delete(p.of[0], 7) // a user without ratings
				for i, l := range p.of[1] {
					kept := l[:0]
					for _, r := range l {
						if r.id != 7 {
							kept = append(kept, r)
						}
					}
					p.of[1][i] = kept
				}
				users, items := randomRows(rng, 40, s.Size(), s.Size(), positive), randomRows(rng, 30, s.Size(), s.Size(), positive)
				solver, before := New(s), p.objective(s, users, items)
				for step := range 12 {
					if step%2 == 0 {
						p.half(solver, 0, users, items)
					} else {
						p.half(solver, 1, items, users)
					}
					after := p.objective(s, users, items)
					if after > before*(1+1e-6) {
						t.Errorf("half-step %d: the objective rises from %v to %v", step, before, after)
					}
					before = after
				}
				if got := p.dealt(solver, users, items); math.Abs(got-before) > 1e-5*before {
					t.Errorf("objective: got %v, want %v", got, before)
				}
				for _, r := range []Rows{users, items} {
					for k, v := range r.Values {
						if positive && k%r.Stride < s.Rank && v < 0 {
							t.Fatalf("a factor is %v", v)
						}
					}
				}
			})
		}
	}
}

// dealt is the objective as a part computes it.
func (p *problem) dealt(s *Solver, users, items Rows) (sum float64) {
	for u := range p.users {
		ids, values := p.row(0, u)
		sum += s.Loss(users.Row(u), ids, values, items, p.mean) + s.Penalty.Cost(users.Row(u), s.Rank, s.Biases, len(ids))
	}
	for i := range p.items {
		sum += s.Penalty.Cost(items.Row(i), s.Rank, s.Biases, len(p.of[1][i]))
	}
	if s.Implicit {
		n := s.Size()
		a, b := make([]float64, n*n), make([]float64, n*n)
		s.AddGram(a, users, p.users)
		s.AddGram(b, items, p.items)
		sum += Squares(a, b, n)
	}
	return sum
}

// At the least of the quadratic where no factor is negative, it does not fall in any
// direction that may be gone.
func TestNonNegativeRowIsTheBest(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	s := Settings{Rank: 12, NonNegative: true, Biases: true, Penalty: plain(0.1)}
	p := newProblem(rng, 1, 60, 0.9, false)
	fixed := randomRows(rng, 60, s.Size(), s.Size(), false)
	ids, values := p.row(0, 0)
	row, solver := make([]float32, s.Size()), New(s)
	solver.Begin()
	solver.Add(ids, values, fixed, p.mean)
	solver.Solve(row)
	zeros := 0
	for k, v := range row {
		w, bias := s.Penalty(float64(len(ids)))
		if k == s.Rank {
			w = bias
		}
		slope := -w * float64(v)
		for j, id := range ids {
			x := float64(fixed.Row(int(id))[k])
			if k == s.Rank {
				x = 1
			}
			slope += x * (float64(values[j]) - float64(s.Score(row, fixed.Row(int(id)), p.mean)))
		}
		if v == 0 {
			zeros++
		}
		if math.Abs(slope) > 1e-2 && !(v == 0 && slope < 0 && k < s.Rank) {
			t.Errorf("value %d is %v: got a slope of %v, want 0", k, v, slope)
		}
	}
	if zeros == 0 || zeros == len(row) {
		t.Errorf("%d of %d values are 0: nothing is shown", zeros, len(row))
	}
}

func TestEqualRowsWithoutPenaltyStayFinite(t *testing.T) {
	for _, positive := range []bool{false, true} {
		s := Settings{Rank: 4, NonNegative: positive, Penalty: plain(0)}
		fixed := Rows{make([]float32, 10*4), 4}
		for k := range fixed.Values {
			fixed.Values[k] = 1
		}
		solver, row := New(s), make([]float32, 4)
		solver.Begin()
		solver.Add([]uint32{1, 2, 3}, []float32{4, 4, 4}, fixed, 0)
		solver.Solve(row)
		if got := s.Score(row, fixed.Row(0), 0); !(math.Abs(float64(got)-4) < 1e-2) {
			t.Errorf("positive %v: got a score of %v of %v, want 4", positive, got, row)
		}
		solver.Begin()
		solver.Solve(row)
		if row[0] != 0 || row[3] != 0 {
			t.Errorf("without ratings: got %v, want 0", row)
		}
	}
}

func TestSolverDoesNotAllocate(t *testing.T) {
	for _, kind := range kinds {
		rng := rand.New(rand.NewPCG(9, 9))
		s := kind.s
		s.Rank = 70
		p := newProblem(rng, 1, 600, 0.9, s.Implicit)
		fixed := randomRows(rng, 600, s.Size(), s.Size(), false)
		ids, values := p.row(0, 0)
		solver, row, sums := New(s), make([]float32, s.Size()), make([]float32, 0, s.SumsSize())
		if got := testing.AllocsPerRun(20, func() {
			solver.Begin()
			solver.Add(ids, values, fixed, 3)
			sums = solver.AppendSums(sums[:0])
			solver.SetSums(sums)
			solver.Solve(row)
		}); got >= 1 && !algotest.Raced {
			t.Errorf("%s: got %v allocations, want 0", kind.name, got)
		}
	}
}

func BenchmarkRow(b *testing.B) {
	for _, rank := range []int{16, 32, 64, 128, 200} {
		b.Run(fmt.Sprint(rank), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			s := Settings{Rank: rank, Penalty: weighted(0.1)}
			p := newProblem(rng, 1, 100, 1, false)
			fixed := randomRows(rng, 100, rank, rank, false)
			ids, values := p.row(0, 0)
			solver, row := New(s), make([]float32, rank)
			for range b.N {
				solver.Begin()
				solver.Add(ids, values, fixed, 3)
				solver.Solve(row)
			}
			b.ReportMetric(float64(rank*(rank+1)*100)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFlop/s")
		})
	}
}
