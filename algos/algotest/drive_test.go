package algotest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/table"
)

// descent is least squares by gradient descent, the smallest data-parallel
// algorithm: each part adds its share of the gradient or, with memory, tells how
// its share has changed, so that the optimum is the same under any policy.
type descent struct {
	Step   float64 `toml:"step" doc:"step size"`
	Memory bool    `toml:"memory" doc:"remember the gradient"`

	x      dataset.Matrix
	y      []float64
	w      *table.View[float64]
	counts *table.View[int32]
	g, old []float64

	loadErr error  // Load returns it
	extra   func() // Push calls it
}

func newDescent() algos.Algorithm { return &descent{Step: 0.05} }

func (a *descent) Tables(d dataset.Info) ([]table.Spec, error) {
	if d.Rows == 0 || a.Step <= 0 {
		return nil, errors.New("descent: no rows, or no step")
	}
	w := table.Spec{Name: "w", Keys: d.Features, Type: table.Float64}
	if a.Memory {
		w.Rule = table.Aggregate(a.Step, 0)
	}
	return []table.Spec{w, {Name: "rows", Keys: 1, Type: table.Int32}}, nil
}

func (a *descent) Load(part *dataset.Part, w *algos.Worker) (err error) {
	a.x, a.y = part.X, part.Labels
	a.g, a.old = make([]float64, len(part.Keys)), make([]float64, len(part.Keys))
	if a.w, err = algos.View[float64](w, "w", table.Keys(part.Keys), table.Increments); err == nil {
		a.counts, err = algos.View[int32](w, "rows", table.Span(0, 1), table.Increments)
	}
	return errors.Join(err, a.loadErr)
}

func (a *descent) Prepare(*algos.Worker) { a.counts.Inc(0, int32(len(a.y))) }

func (a *descent) residual(i int, w []float64) float64 {
	return a.y[i] - a.x.Dot(i, w)
}

func (a *descent) Push(*algos.Worker, algos.Block) {
	if a.extra != nil {
		a.extra()
	}
	step := a.Step / float64(a.counts.Values()[0])
	clear(a.g)
	for i := range a.y {
		r := a.residual(i, a.w.Values())
		a.x.AddTo(i, r, a.g)
	}
	for j, g := range a.g {
		if a.Memory {
			a.w.Inc(j, a.old[j]-g)
		} else {
			a.w.Inc(j, step*g)
		}
	}
	a.g, a.old = a.old, a.g
}

func (a *descent) Evaluate(_ *algos.Worker, e *algos.Eval) {
	for i := range a.y {
		r := a.residual(i, a.w.Values())
		e.Add("loss", r*r)
	}
}

func (a *descent) Conclude(d dataset.Info, e *algos.Eval) {
	e.Objective = e.Sum("loss") / float64(d.Rows)
	e.Metrics["norm"] = e.Norms("w").Squares
}

// margins regresses the label on one feature at a time, the smallest
// model-parallel algorithm; it minimises the sum over the features.
type margins struct {
	x    dataset.Matrix // transposed
	keys []uint64
	y    []float64
	w    *table.View[float64] // of the part, or of the scheduler
	work []uint64
}

func newMargins() algos.Algorithm { return &margins{} }

func (a *margins) Tables(d dataset.Info) ([]table.Spec, error) {
	if d.Rows == 0 {
		return nil, errors.New("margins: no rows")
	}
	return []table.Spec{{Name: "w", Keys: d.Features, Type: table.Float64, Rule: table.Replace, Init: table.Init{Value: 7}}}, nil
}

func (a *margins) Load(part *dataset.Part, w *algos.Worker) (err error) {
	a.x, a.y, a.keys = part.X.Transpose(), part.Labels, part.Keys
	a.w, err = algos.View[float64](w, "w", table.Keys(part.Keys), table.Increments)
	return err
}

func (a *margins) Begin(s *algos.Scheduler) (err error) {
	a.w, err = algos.SchedulerView[float64](s, "w", table.Span(0, s.Info.Features), table.Increments)
	return err
}

func (a *margins) Schedule(s *algos.Scheduler, blocks []algos.Block) {
	a.work = append(a.work[:0], uint64(s.Round)%s.Info.Features)
	s.All(blocks, algos.Block{Keys: a.work})
}

func (a *margins) Push(w *algos.Worker, b algos.Block) {
	var xy, xx float64
	for _, key := range b.Work() {
		if j, ok := table.Keys(a.keys).Position(key); ok {
			xy += a.x.Dot(j, a.y)
			xx += a.x.Square(j)
		}
	}
	w.Emit(xy, xx)
}

func (a *margins) Pull(_ *algos.Scheduler, _ consistency.Clock, blocks []algos.Block, emitted [][]float64) {
	var xy, xx float64
	for _, e := range emitted {
		xy, xx = xy+e[0], xx+e[1]
	}
	a.w.Put(int(blocks[0].Keys[0]), []float64{xy / xx})
}

func (a *margins) Evaluate(_ *algos.Worker, e *algos.Eval) {
	for j, w := range a.w.Values() {
		for i, v := range a.x.Row(j) {
			e.Add("loss", (a.y[i]-w*v)*(a.y[i]-w*v))
		}
	}
}

func (a *margins) Conclude(_ dataset.Info, e *algos.Eval) { e.Objective = e.Sum("loss") }

func (a *margins) ClocksPerEpoch(d dataset.Info) int { return int(d.Features) }

// writeData writes rows with 5 features, the last of them rare.
func writeData(t testing.TB, rows int) string {
	rng := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for i := range rows {
		fmt.Fprintf(&b, "%.6f", 3*rng.NormFloat64()+1)
		for j := range 4 {
			fmt.Fprintf(&b, " %d:%.6f", j+1, rng.NormFloat64())
		}
		if i%9 == 5 {
			fmt.Fprintf(&b, " 5:%.6f", rng.NormFloat64())
		}
		b.WriteByte('\n')
	}
	path := filepath.Join(t.TempDir(), "data.libsvm")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConformanceDataParallel(t *testing.T) {
	Conformance(t, Suite{
		New:       newDescent,
		Set:       func(a algos.Algorithm) { a.(*descent).Step, a.(*descent).Memory = 0.3, true },
		Path:      writeData(t, 60),
		Stop:      algos.Stop{Clocks: 2000},
		Every:     10,
		Tolerance: 1e-6,
		Refused:   []string{"step = 0", "step = -1.5"},
		Reference: func(_ testing.TB, d dataset.Info, all *dataset.Part) float64 {
			a := &descent{x: all.X, y: all.Labels}
			w, loss := make([]float64, d.Features), 0.0
			for range 3000 {
				loss = 0
				g := make([]float64, len(w))
				for i := range a.y {
					r := a.residual(i, w)
					a.x.AddTo(i, r, g)
					loss += r * r
				}
				for j := range w {
					w[j] += 0.3 * g[j] / float64(len(a.y))
				}
			}
			return loss / float64(len(a.y))
		},
	})
}

func TestConformanceModelParallel(t *testing.T) {
	Conformance(t, Suite{
		New:       newMargins,
		Path:      writeData(t, 61),
		Stop:      algos.Stop{Epochs: 2},
		Tolerance: 1e-12,
		Reference: func(_ testing.TB, _ dataset.Info, all *dataset.Part) (loss float64) {
			x := all.X.Transpose()
			for j := range x.Rows() {
				var xy, xx, yy float64
				for i, v := range x.Row(j) {
					xy += v * all.Labels[i]
					xx += v * v
					yy += all.Labels[i] * all.Labels[i]
				}
				loss += yy - xy*xy/xx
			}
			return loss
		},
	})
}

// The model says what the views said, and of unwritten keys the initial value.
func TestTrainModel(t *testing.T) {
	path := writeData(t, 30)
	r := Train(t, Job{New: newMargins, Path: path, Parts: 2, Shards: 3, Stop: algos.Stop{Clocks: 3}, Every: 2})
	w, err := r.Model.Values("w", []uint64{0, 2, 3, 4})
	if err != nil {
		t.Fatal(err)
	}
	if w[0] == 7 || w[1] == 7 || w[2] != 7 || w[3] != 7 {
		t.Errorf("after 3 of 5 features got %v, want 7 for the other two only", w)
	}
	if _, err := r.Model.Values("v", nil); err == nil {
		t.Error("a table that does not exist has values")
	}
	clocks := []consistency.Clock{}
	for _, p := range r.Curve {
		clocks = append(clocks, p.Clock)
	}
	if got := fmt.Sprintln(clocks, r.Clocks, r.Reason, r.Eval.Clock); got != "[0 2 3] 3 clocks 3\n" {
		t.Errorf("got clocks %s, want [0 2 3] 3 clocks 3", got)
	}
}

// Whatever goes wrong ends the job, and says what it was.
func TestTrainErrors(t *testing.T) {
	path := writeData(t, 40)
	broken := errors.New("broken")
	ctx, cancel := context.WithCancelCause(context.Background())
	for _, c := range []struct {
		name string
		job  Job
		want string
	}{
		{"no file", Job{New: newDescent, Path: path + ".no"}, "no such file"},
		{"refused", Job{New: func() algos.Algorithm { return &descent{} }, Path: path}, "no step"},
		{"load", Job{New: func() algos.Algorithm { return &descent{Step: 1, loadErr: broken} }, Path: path, Parts: 3}, "part 0: broken"},
		{"groups", Job{New: newDescent, Path: path, Parts: 4, Group: 2, Deterministic: true}, "deterministic"},
		{"diverged", Job{New: func() algos.Algorithm { return &descent{Step: 1e9} }, Path: path, Stop: algos.Stop{Clocks: 1000}}, "diverged"},
		{"cancelled", Job{New: func() algos.Algorithm {
			return &descent{Step: 1e-9, extra: func() { cancel(broken) }}
		}, Path: path, Parts: 3, Stop: algos.Stop{Seconds: 1e9}, Every: 1 << 40}, "broken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := ctx
			if c.name != "cancelled" {
				ctx = t.Context()
			}
			if _, err := train(ctx, c.job); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one with %q", err, c.want)
			}
		})
	}
}

// A deadline ends a job that nothing else would.
func TestTrainDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := train(ctx, Job{New: newDescent, Path: writeData(t, 40), Parts: 2, Stop: algos.Stop{Seconds: 1e9}, Every: 1 << 40})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
}

var sink []byte

// What a Push allocates is counted, and nothing else.
func TestPushedCounts(t *testing.T) {
	for _, allocates := range []uint64{0, 1, 3} {
		counts := map[uint64]int{}
		job := Job{Path: writeData(t, 40), Stop: algos.Stop{Clocks: 50}, New: func() algos.Algorithm {
			return &descent{Step: 0.1, extra: func() {
				for range allocates {
					sink = make([]byte, 1000)
				}
			}}
		}}
		job.pushed = func(_ consistency.Clock, mallocs uint64) { counts[mallocs]++ }
		Train(t, job)
		if counts[allocates] < 45 {
			t.Errorf("%d allocations a push were counted as %v (number: pushes)", allocates, counts)
		}
	}
}

// With delays, messages of different lanes do cross: an ASP job ends in other
// bytes than without, and a BSP job in the same up to the order of sums.
func TestDelay(t *testing.T) {
	job := Job{New: newDescent, Path: writeData(t, 60), Parts: 3, Shards: 2, Policy: consistency.ASP(), Stop: algos.Stop{Clocks: 30}}
	want := Train(t, job)
	different := 0
	for seed := range uint64(5) {
		job.Delay = seed + 1
		if r := Train(t, job); string(r.Tables) != string(want.Tables) {
			different++
		}
	}
	if different == 0 {
		t.Error("delays change nothing")
	}
	job.Policy, job.Delay = consistency.BSP(), 0
	bsp := Train(t, job).Eval.Objective
	job.Delay = 9
	if got := Train(t, job).Eval.Objective; math.Abs(got-bsp) > 1e-12*bsp {
		t.Errorf("bsp with delays ends at %v, without at %v", got, bsp)
	}
}

// Under BSP the optimum's path is the same whatever the grouping: a part never
// sees what another part of its origin does in the next clock.
func TestGroupsUnderBSP(t *testing.T) {
	path := writeData(t, 60)
	want := math.NaN()
	for _, group := range []int{1, 2, 3, 6} {
		for delay := range uint64(4) {
			r := Train(t, Job{New: newDescent, Path: path, Parts: 6, Group: group, Shards: 2, Delay: delay, Stop: algos.Stop{Clocks: 60}, Every: 60})
			got := r.Eval.Objective
			if math.IsNaN(want) {
				want = got
			}
			if math.Abs(got-want) > 1e-12*want {
				t.Errorf("parts in groups of %d, delay %d: got %v, want %v", group, delay, got, want)
			}
		}
	}
}
