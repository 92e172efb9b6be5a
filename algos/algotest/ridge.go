package algotest

import (
	"errors"
	"fmt"
	"io"
	"math"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/table"
)

// Penalties are those of a path: First, First*Ratio, and so on.
type Penalties struct {
	Count int     `toml:"count" min:"1" doc:"problems on the path"`
	First float64 `toml:"first" min:"0" doc:"penalty of the first"`
	Ratio float64 `toml:"ratio" min:"0" doc:"penalty over the one before"`
}

func (p Penalties) at(stage int) float64 { return p.First * math.Pow(p.Ratio, float64(stage)) }

// Ridge is a small algorithm with stages: least squares with an L2 penalty,
//
//	P(w) = |y - X w|^2 / (2n) + lambda/2 |w|^2
//
// by gradient descent, for one lambda after another. It tests what drives
// algorithms.
type Ridge struct {
	Penalties
	Step float64 `toml:"step" min:"0" doc:"step size"`

	lambda float64
	x      dataset.Matrix
	y      []float64
	n      float64
	w      *table.View[float64]
	g      []float64
}

var (
	_ algos.Staged    = (*Ridge)(nil)
	_ algos.Resumer   = (*Ridge)(nil)
	_ algos.Explainer = (*Ridge)(nil)
	_ algos.Predictor = (*Ridge)(nil)
	_ algos.Stateful  = (*Ridge)(nil)
)

// NewRidge makes an instance with one penalty.
func NewRidge() *Ridge {
	return &Ridge{Penalties: Penalties{Count: 1, First: 1, Ratio: 0.1}, Step: 0.1}
}

// Tables declares w.
func (a *Ridge) Tables(d dataset.Info) ([]table.Spec, error) {
	if d.Rows == 0 {
		return nil, errors.New("ridge: no rows")
	}
	a.Stage(0)
	return []table.Spec{{Name: "w", Keys: d.Features, Type: table.Float64}}, nil
}

// Load takes the part in.
func (a *Ridge) Load(part *dataset.Part, w *algos.Worker) (err error) {
	if err := part.Widen(w.Info.Features); err != nil {
		return err
	}
	a.x, a.y, a.n, a.g = part.X, part.Labels, float64(w.Info.Rows), make([]float64, w.Info.Features)
	a.Stage(0)
	a.w, err = algos.View[float64](w, "w", table.Span(0, w.Info.Features), table.Increments)
	return err
}

// Stages is the number of penalties.
func (a *Ridge) Stages(dataset.Info) int { return a.Count }

// Stage takes the next penalty.
func (a *Ridge) Stage(s int) { a.lambda = a.at(s) }

// Resumes says that it can.
func (a *Ridge) Resumes() error { return nil }

// Save has nothing to write: all that a part knows is in the tables.
func (a *Ridge) Save(io.Writer) error { return nil }

// Restore has nothing to read.
func (a *Ridge) Restore(io.Reader) error { return nil }

// Explain says what the path is.
func (a *Ridge) Explain(d dataset.Info) []string {
	return []string{fmt.Sprintf("%d penalties from %g on, as first and ratio say", a.Count, a.First), fmt.Sprintf("step %g for %d features", a.Step, d.Features)}
}

// Push adds the part's share of a step down the gradient.
func (a *Ridge) Push(*algos.Worker, algos.Block) {
	clear(a.g)
	w := a.w.Values()
	for i := range a.y {
		a.x.AddTo(i, (a.y[i]-a.x.Dot(i, w))/a.n, a.g)
	}
	share := float64(len(a.y)) / a.n
	for j, g := range a.g {
		a.w.Inc(j, a.Step*(g-share*a.lambda*w[j]))
	}
}

// Evaluate adds up the squares, and what the part takes the penalty for.
func (a *Ridge) Evaluate(_ *algos.Worker, e *algos.Eval) {
	for i := range a.y {
		r := a.y[i] - a.x.Dot(i, a.w.Values())
		e.Add("loss", r*r)
	}
	e.Max("most", a.lambda)
	e.Max("least", -a.lambda)
}

// Conclude makes the objective; the metric apart tells parts that are at another stage.
func (a *Ridge) Conclude(d dataset.Info, e *algos.Eval) {
	e.Objective = e.Sum("loss")/(2*float64(d.Rows)) + a.lambda/2*e.Norms("w").Squares
	e.Metrics["lambda"] = a.lambda
	e.Metrics["apart"] = math.Abs(e.Maximum("most")-a.lambda) + math.Abs(e.Maximum("least")+a.lambda)
}

// Task is to predict y.
func (a *Ridge) Task(dataset.Info) algos.Task { return algos.Regression }

// Predict scores rows by w.x.
func (a *Ridge) Predict(_ dataset.Info, m algos.Model, part *dataset.Part, scores []float64) error {
	w, err := m.Values("w", part.Keys)
	if err != nil {
		return err
	}
	for i := range scores {
		scores[i] = part.X.Dot(i, w)
	}
	return nil
}

// Apart is a small algorithm with stages and a schedule: ridge regression of y on
// each feature by itself, one feature a round,
//
//	P(w) = sum over the features j of |y - x_j w_j|^2 / 2 + lambda/2 w_j^2
type Apart struct {
	Penalties
	Slow int `toml:"slow" min:"1" doc:"times that part 0 computes what it emits, to be behind the others"`

	lambda float64
	x      dataset.Matrix // transposed
	y      []float64
	w      *table.View[float64] // of the part, or of the scheduler
	work   []uint64
	rounds int // scheduled
	most   int // of them in flight
}

var (
	_ algos.Staged        = (*Apart)(nil)
	_ algos.ModelParallel = (*Apart)(nil)
	_ algos.Reporter      = (*Apart)(nil)
	_ algos.Stateful      = (*Apart)(nil)
)

// NewApart makes an instance with one penalty.
func NewApart() *Apart { return &Apart{Penalties: Penalties{Count: 1, First: 1, Ratio: 0.1}, Slow: 1} }

// Tables declares w.
func (a *Apart) Tables(d dataset.Info) ([]table.Spec, error) {
	if d.Rows == 0 {
		return nil, errors.New("apart: no rows")
	}
	a.Stage(0)
	return []table.Spec{{Name: "w", Keys: d.Features, Type: table.Float64, Rule: table.Replace}}, nil
}

// Load takes the part in.
func (a *Apart) Load(part *dataset.Part, w *algos.Worker) (err error) {
	if err := part.Widen(w.Info.Features); err != nil {
		return err
	}
	a.x, a.y = part.X.Transpose(), part.Labels
	a.Stage(0)
	a.w, err = algos.View[float64](w, "w", table.Span(0, w.Info.Features), table.Increments)
	return err
}

// Stages is the number of penalties.
func (a *Apart) Stages(dataset.Info) int { return a.Count }

// Stage takes the next penalty.
func (a *Apart) Stage(s int) { a.lambda = a.at(s) }

// ClocksPerEpoch is a round for each feature.
func (a *Apart) ClocksPerEpoch(d dataset.Info) int { return int(d.Features) }

// Begin opens the scheduler's view.
func (a *Apart) Begin(s *algos.Scheduler) (err error) {
	a.w, err = algos.SchedulerView[float64](s, "w", table.Span(0, s.Info.Features), table.Increments)
	return err
}

// Schedule takes the features in turn.
func (a *Apart) Schedule(s *algos.Scheduler, blocks []algos.Block) {
	a.rounds, a.most = a.rounds+1, max(a.most, s.InFlight+1)
	a.work = append(a.work[:0], uint64(s.Round)%s.Info.Features)
	s.All(blocks, algos.Block{Keys: a.work})
}

// Push emits the part's products.
func (a *Apart) Push(w *algos.Worker, b algos.Block) {
	for _, key := range b.Work() {
		again := 0.0
		for range a.Slow - 1 {
			if w.Part == 0 {
				again += a.x.Dot(int(key), a.y)
			}
		}
		w.Emit(a.x.Dot(int(key), a.y), a.x.Square(int(key)), again)
	}
}

// Save writes the number of rounds, which only the scheduler's instance counts.
func (a *Apart) Save(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%d %d", a.rounds, a.most)
	return err
}

// Restore reads it.
func (a *Apart) Restore(r io.Reader) error {
	_, err := fmt.Fscanf(r, "%d %d", &a.rounds, &a.most)
	return err
}

// Report says how full the window was.
func (a *Apart) Report() []string {
	return []string{fmt.Sprintf("%d rounds, at most %d in flight", a.rounds, a.most)}
}

// Pull solves the problem of the feature.
func (a *Apart) Pull(_ *algos.Scheduler, _ consistency.Clock, blocks []algos.Block, emitted [][]float64) {
	xy, xx := 0.0, a.lambda
	for _, e := range emitted {
		xy, xx = xy+e[0], xx+e[1]
	}
	a.w.Put(int(blocks[0].Keys[0]), []float64{xy / xx})
}

// Evaluate adds up the squares.
func (a *Apart) Evaluate(_ *algos.Worker, e *algos.Eval) {
	y2 := 0.0
	for _, y := range a.y {
		y2 += y * y
	}
	for j, w := range a.w.Values() {
		e.Add("loss", y2-2*w*a.x.Dot(j, a.y)+w*w*a.x.Square(j))
	}
	e.Max("most", a.lambda)
	e.Max("least", -a.lambda)
}

// Conclude makes the objective.
func (a *Apart) Conclude(_ dataset.Info, e *algos.Eval) {
	e.Objective = e.Sum("loss")/2 + a.lambda/2*e.Norms("w").Squares
	e.Metrics["lambda"] = a.lambda
	e.Metrics["apart"] = math.Abs(e.Maximum("most")-a.lambda) + math.Abs(e.Maximum("least")+a.lambda)
}
