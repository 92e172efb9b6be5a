package linear_test

import (
	"fmt"
	"math"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/algos/linear"
	"petuum/algos/linear/plain"
	"petuum/consistency"
	"petuum/table"
)

func read(t *testing.T, text string, parts int) (dataset.Info, []*dataset.Part) {
	t.Helper()
	return algotest.Read(t, text, dataset.Defaults(), parts)
}

// sharer adds up a vector of all columns and outputs, and shares the columns out.
type sharer struct {
	linear.Sum
	linear.Owners
	part, outputs int
	columns       int
	typ           table.Type
	turn          float64
}

func (s *sharer) Tables(d dataset.Info) ([]table.Spec, error) {
	return []table.Spec{{Name: "sum", Keys: d.Features, Width: s.outputs, Type: s.typ, Scratch: true}, linear.OwnersTable(d.Features)}, nil
}

func (s *sharer) Load(part *dataset.Part, w *algos.Worker) error {
	s.part, s.columns = w.Part, part.X.Cols()
	keys := table.Keys(part.Keys)
	if err := s.Sum.Open(w, "sum", keys, s.outputs, s.typ); err != nil {
		return err
	}
	return s.Owners.Open(w, keys)
}

func (s *sharer) Prepare(*algos.Worker) { s.Offer() }

// share is what a part has of output c and column j at a turn.
func (s *sharer) share(c, j int) float64 {
	return math.Sin(float64(1+s.part)*float64(1+c)*float64(1+j) + s.turn)
}

func (s *sharer) Push(*algos.Worker, algos.Block) {
	s.Learn()
	s.turn++
	v := s.Begin()
	for i := range v {
		v[i] = s.share(i/s.columns, i%s.columns)
	}
	s.End()
}

func (s *sharer) Evaluate(*algos.Worker, *algos.Eval)    {}
func (s *sharer) Conclude(_ dataset.Info, e *algos.Eval) { e.Objective = 1 }

// Sums are of what the parts have now, not of what they had; each column has one owner.
func TestShares(t *testing.T) {
	for _, parts := range []int{1, 3, 45} {
		for outputs, typ := range map[int]table.Type{1: table.Float64, 3: table.Float64, 2: table.Float32} {
			tol := 1e-12
			if typ == table.Float32 {
				tol = 1e-5
			}
			info, data := read(t, plain.Text(2, 40, 15, false, plain.Sign), parts)
			h := algotest.Play(t, consistency.BSP(), info, data, func() algos.Algorithm { return &sharer{outputs: outputs, typ: typ} }, nil)
			for range 3 { // what a view says in between is not kept
				h.Push(1)
				for _, a := range h.Algorithms {
					a.(*sharer).Values()
				}
			}
			want, owners := map[string]float64{}, make([]float64, info.Features)
			for n, a := range h.Algorithms {
				s := a.(*sharer)
				for j, key := range data[n].Keys {
					owners[key] += s.Own[j]
					for c := range outputs {
						want[fmt.Sprint(key, c)] += s.share(c, j)
					}
				}
			}
			for n, a := range h.Algorithms {
				for i, got := range a.(*sharer).Values() {
					key := data[n].Keys[i/outputs]
					if w := want[fmt.Sprint(key, i%outputs)]; math.Abs(got-w) > tol {
						t.Errorf("%d parts, %d outputs: part %d: column %d, output %d: got %v, want %v", parts, outputs, n, key, i%outputs, got, w)
					}
				}
			}
			for j, n := range owners {
				if n != 1 {
					t.Errorf("%d parts: column %d has %v owners", parts, j, n)
				}
			}
		}
	}
}

// At w = 0 all is known; a score of 0 is not a right guess; the intercept that is free
// costs nothing.
func TestConclude(t *testing.T) {
	const text = "-1 1:1\n+1 2:1\n-1\n+1 1:1 2:1\n"
	info, data := read(t, text, 2)
	for _, solver := range []string{"newton", "dual"} {
		h := algotest.Play(t, consistency.BSP(), info, data, func() algos.Algorithm { m := linear.New(all); m.Solver = solver; return m }, nil)
		e := h.Evaluate(linear.Weights)
		if e.Metrics["train_accuracy"] != 0 || math.Abs(e.Objective-math.Ln2) > 1e-12 || e.Metrics["train_logloss"] != e.Objective {
			t.Errorf("%s, w = 0: got the objective %v and %v, want ln 2 and nothing right", solver, e.Objective, e.Metrics)
		}
		h.Push(300)
		if got := h.Evaluate(linear.Weights).Metrics["train_accuracy"]; got < 0.5 || got > 0.75 {
			t.Errorf("%s: accuracy: got %v, want 1/2 or 3/4: the empty row is never right", solver, got)
		}
	}
	for _, penalty := range []string{"l1", "l2"} {
		set := func(free bool) *algos.Eval {
			info, data := read(t, text, 2) // an intercept is appended to the part
			h := algotest.Play(t, consistency.BSP(), info, data, func() algos.Algorithm {
				m := linear.New(all)
				m.Penalty, m.Intercept, m.Unpenalised, m.Lambda = penalty, true, free, new(0.1)
				return m
			}, func(specs []table.Spec) { specs[0].Init = table.Init{Value: 2} })
			return h.Evaluate(linear.Weights)
		}
		want := map[string]float64{"l1": 0.2, "l2": 0.2}[penalty]
		if got := set(false).Objective - set(true).Objective; math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: a free intercept of 2 spares %v, want %v", penalty, got, want)
		}
	}
}

// Quantities have their errors as metrics, more classes the share of right ones.
func TestMetrics(t *testing.T) {
	o := dataset.Defaults()
	o.Quantity = true
	info, data := algotest.Read(t, "3 1:1\n-1 1:1\n0 2:1\n", o, 2)
	h := algotest.Play(t, consistency.BSP(), info, data, func() algos.Algorithm { m := linear.New(all); m.Loss = "squared"; return m }, nil)
	e := h.Evaluate(linear.Weights)
	if got, want := e.Metrics["train_rmse"], math.Sqrt(10.0/3); math.Abs(got-want) > 1e-12 {
		t.Errorf("rmse: got %v, want %v", got, want)
	}
	if got, want := e.Metrics["train_mae"], 4.0/3; math.Abs(got-want) > 1e-12 {
		t.Errorf("mae: got %v, want %v", got, want)
	}
	info, data = read(t, "1 1:1\n2 2:1\n7 3:1\n2 1:1 2:2\n", 2)
	for _, multi := range []string{"softmax", "ovr"} {
		h = algotest.Play(t, consistency.BSP(), info, data, func() algos.Algorithm { m := linear.New(all); m.Multi = multi; return m }, nil)
		h.Push(60)
		if got := h.Evaluate(linear.Weights).Metrics["train_accuracy"]; got != 1 {
			t.Errorf("%s: accuracy: got %v, want 1", multi, got)
		}
	}
}
