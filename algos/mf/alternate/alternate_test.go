package alternate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/algos/mf/als"
	"petuum/algos/mf/ccd"
	"petuum/consistency"
	"petuum/table"
)

// solver is what the tests ask of either.
type solver interface {
	Plan(items int)
	Tables() []table.Spec
	Clocks() int
	Size() int
	Load(r Ratings, w *algos.Worker) error
	Begin(r Rows)
	Push()
	Settle()
	Rows() (users, items []float32)
	Objective(w *algos.Worker) float64
}

// factors is an algorithm around a solver.
type factors struct {
	solver
	implicit bool

	ratings        Ratings
	counted, items *table.View[float64]
	begun          bool
}

func (f *factors) Unsupervised() bool { return true }

func (f *factors) Tables(d dataset.Info) ([]table.Spec, error) {
	f.Plan(int(d.Features))
	return append([]table.Spec{
		{Name: "items", Keys: d.Features, Width: f.Size(), Type: table.Float64},
		{Name: "counts", Keys: d.Features, Type: table.Float64, Scratch: true},
	}, f.solver.Tables()...), nil
}

func (f *factors) ClocksPerEpoch(dataset.Info) int { return f.Clocks() }

func (f *factors) Load(part *dataset.Part, w *algos.Worker) (err error) {
	f.Plan(int(w.Info.Features))
	f.ratings = Ratings{Start: []int{0}}
	for i := range part.X.Rows() {
		for j, v := range part.X.Row(i) {
			f.ratings.Items, f.ratings.Values = append(f.ratings.Items, uint32(part.Keys[j])), append(f.ratings.Values, float32(v))
		}
		f.ratings.Start = append(f.ratings.Start, len(f.ratings.Items))
	}
	all := table.Span(0, w.Info.Features)
	if f.items, err = algos.View[float64](w, "items", all, table.Increments); err != nil {
		return err
	}
	if f.counted, err = algos.View[float64](w, "counts", all, table.Increments); err != nil {
		return err
	}
	return f.solver.Load(f.ratings, w)
}

func (f *factors) Prepare(*algos.Worker) {
	for _, j := range f.ratings.Items {
		f.counted.Inc(int(j), 1)
	}
}

// begin gives all parts the same rows of items.
func (f *factors) begin() {
	if f.begun {
		return
	}
	f.begun = true
	r := Rows{Users: make([]float32, f.ratings.Users()*f.Size())}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range f.counted.Values() {
		r.Counts = append(r.Counts, float32(n))
		for range f.Size() {
			r.Items = append(r.Items, rng.Float32())
		}
	}
	if !f.implicit {
		r.Mean = 3
	}
	f.solver.Begin(r)
}

func (f *factors) Push(*algos.Worker, algos.Block) {
	f.begin()
	f.solver.Push()
}

func (f *factors) Evaluate(w *algos.Worker, e *algos.Eval) {
	f.begin()
	f.Settle()
	e.Add("objective", f.Objective(w))
}

func (f *factors) Conclude(_ dataset.Info, e *algos.Eval) { e.Objective = e.Sum("objective") }

func (f *factors) Publish(w *algos.Worker) {
	_, items := f.Rows()
	if w.Part == w.Parts-1 {
		for k, v := range items {
			f.items.Inc(k, float64(v))
		}
	}
}

func plain(lambda float64) func(float64) (factor, bias float64) {
	return func(float64) (factor, bias float64) { return lambda, lambda / 2 }
}

func weighted(lambda float64) func(float64) (factor, bias float64) {
	return func(n float64) (factor, bias float64) { return lambda * n, lambda * n / 2 }
}

var kinds = []struct {
	name string
	make func() *factors
}{
	{"als", func() *factors {
		return &factors{solver: &ALS{Settings: als.Settings{Rank: 3, Biases: true, Penalty: weighted(0.2)}, Room: 1 << 20}}
	}},
	{"als in slices", func() *factors {
		return &factors{solver: &ALS{Settings: als.Settings{Rank: 3, Biases: true, Penalty: weighted(0.2)}, Room: 700}}
	}},
	{"als an item a slice, non-negative", func() *factors {
		return &factors{solver: &ALS{Settings: als.Settings{Rank: 3, NonNegative: true, Penalty: plain(2)}}}
	}},
	{"implicit als", func() *factors {
		return &factors{solver: &ALS{Settings: als.Settings{Rank: 4, Implicit: true, Alpha: 3, Penalty: plain(1)}, Room: 2000}, implicit: true}
	}},
	{"ccd", func() *factors {
		return &factors{solver: &CCD{Settings: ccd.Settings{Rank: 3, Biases: true, Penalty: weighted(0.2)}}}
	}},
	{"ccd non-negative", func() *factors {
		return &factors{solver: &CCD{Settings: ccd.Settings{Rank: 3, NonNegative: true, Penalty: plain(2)}}}
	}},
}

// data writes ratings with a user and an item that have none.
func data(t *testing.T) string {
	rng := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for u := range 40 {
		b.WriteString("1")
		for i := range 25 {
			if u != 7 && i != 3 && rng.IntN(3) == 0 {
				fmt.Fprintf(&b, " %d:%d", i+1, 1+rng.IntN(5))
			}
		}
		b.WriteString("\n")
	}
	path := filepath.Join(t.TempDir(), "ratings.libsvm")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// One part or several, alone or together: the objectives are the same after the same number
// of sweeps, and do not rise.
func TestPartsComeToTheSame(t *testing.T) {
	path := data(t)
	for _, kind := range kinds {
		var want []algos.Point
		for _, c := range []struct{ parts, group, shards int }{{1, 1, 1}, {2, 1, 1}, {6, 1, 3}, {6, 4, 1}} {
			t.Run(fmt.Sprintf("%s/%d parts in %d/%d shards", kind.name, c.parts, c.group, c.shards), func(t *testing.T) {
				r := algotest.Train(t, algotest.Job{New: func() algos.Algorithm { return kind.make() }, Path: path,
					Parts: c.parts, Group: c.group, Shards: c.shards, Policy: consistency.Policy{}, Seed: 1, Stop: algos.Stop{Epochs: 8}})
				for k, p := range r.Curve {
					if k > 0 && p.Objective > r.Curve[k-1].Objective*(1+1e-5) {
						t.Errorf("sweep %d: the objective rises from %v to %v", k, r.Curve[k-1].Objective, p.Objective)
					}
				}
				if first, last := r.Curve[0].Objective, r.Eval.Objective; !(last < 0.9*first) {
					t.Errorf("the objective goes from %v to %v", first, last)
				}
				if want == nil {
					want = r.Curve
				}
				if len(r.Curve) != len(want) || len(want) < 9 {
					t.Fatalf("got %d evaluations, want %d", len(r.Curve), len(want))
				}
				for k, p := range r.Curve {
					if math.Abs(p.Objective-want[k].Objective) > 1e-4*want[k].Objective {
						t.Errorf("sweep %d: got %v, want %v", k, p.Objective, want[k].Objective)
					}
				}
			})
		}
	}
}

// Nor does it matter how often the rows are looked at.
func TestEvaluationsChangeNothing(t *testing.T) {
	path := data(t)
	for _, kind := range kinds {
		job := algotest.Job{New: func() algos.Algorithm { return kind.make() }, Path: path,
			Parts: 3, Group: 1, Shards: 1, Policy: consistency.Policy{}, Seed: 1, Stop: algos.Stop{Epochs: 4}}
		var got [3]float64
		f := kind.make()
		f.Plan(25)
		for k, every := range []int{1, f.Clocks(), 4 * f.Clocks()} {
			job.Every = every
			r := algotest.Train(t, job)
			got[k] = r.Eval.Objective
			for i, p := range r.Curve[1:] {
				if p.Objective > r.Curve[i].Objective*(1+1e-5) {
					t.Errorf("%s: clock %d: the objective rises from %v to %v", kind.name, p.Clock, r.Curve[i].Objective, p.Objective)
				}
			}
		}
		if math.Abs(got[1]/got[0]-1) > 1e-5 || math.Abs(got[2]/got[0]-1) > 1e-5 {
			t.Errorf("%s: evaluated in every clock, every sweep, and at the end: got %v, want the same", kind.name, got)
		}
	}
}

// What is published are the rows that were evaluated.
func TestPublishedRowsAreThoseEvaluated(t *testing.T) {
	path := data(t)
	for _, kind := range kinds {
		var want []float64
		for _, parts := range []int{1, 3} {
			r := algotest.Train(t, algotest.Job{New: func() algos.Algorithm { return kind.make() }, Path: path,
				Parts: parts, Group: 1, Shards: 2, Policy: consistency.Policy{}, Seed: 1, Stop: algos.Stop{Epochs: 3}})
			keys := make([]uint64, 25)
			for k := range keys {
				keys[k] = uint64(k)
			}
			got, err := r.Model.Values("items", keys)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			for k, v := range got {
				if math.Abs(v-want[k]) > 1e-3 {
					t.Fatalf("%s: value %d of the items: got %v, want %v", kind.name, k, v, want[k])
				}
			}
			f := kind.make()
			if n := f.Size(); got[0] == 0 || got[3*n] != 0 {
				t.Errorf("%s: the rows begin with %v, an item without ratings is %v", kind.name, got[:n], got[3*n])
			}
		}
	}
}

func TestPushDoesNotAllocate(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			algotest.Suite{New: func() algos.Algorithm { return kind.make() }, Path: data(t)}.Allocations(t)
		})
	}
}
