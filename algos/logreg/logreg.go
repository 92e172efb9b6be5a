// Package logreg is data-parallel logistic regression with an L2 penalty: of two
// classes, y = +1 for the later one and -1 for the other, it finds the weights w
// that minimise
//
//	P(w) = mean of log(1 + exp(-y w.x)) + lambda/2 |w|^2
//
// An intercept is one more feature, which is always 1: the last key of the table
// "weights", penalised as the others are (LIBLINEAR's -B 1). The optimum depends on
// neither the parts, the shards nor the policy. Three solvers share that table, of
// one float64 a key:
//
//	newton   Newton steps in the span of a few directions: ten to a hundred passes
//	         of two clocks, however many parts, and a certified gap. It needs
//	         lockstep and tables that travel exactly (BSP, no wire.encoding or
//	         wire.filter)
//	dual     coordinate ascent on the dual, CoCoA+: a certified gap, no step size;
//	         under any policy; ten clocks a pass
//	adagrad  gradients of small batches and AdaGrad in the servers, DistBelief:
//	         for as many clocks as you like; lambda may be 0
//
// Auto is newton where that works, else dual.
//
// # Stopping
//
// Newton and dual know the duality gap, so [stop] tolerance means
// P(w) - P* <= tolerance P(w). Newton's closes with the objective. A step of it that
// turns out to be too long is halved in the clocks after it, so the objective
// may rise for an epoch; give it a tolerance rather than few epochs.
//
// With several parts the gap of dual trails: w gets within 1e-5 of the optimum in
// some 30 passes, which the gap may take hundreds to prove. Prefer a rule on epochs,
// or a tolerance of about 1e-3, there. What the parts do at once slows them down, and
// the more so the older what they see: BSP needs the fewest passes, ASP the most.
package logreg

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/table"
)

// Regression is one instance of the algorithm.
type Regression struct {
	Lambda    *float64 `toml:"lambda" min:"0" doc:"weight of the L2 penalty; unset it is 1e-4, or what C says"`
	C         float64  `toml:"C" min:"0" doc:"in place of lambda, the weight of the losses as LIBLINEAR has it: lambda = 1/(C n); 0 is off"`
	Penalty   string   `toml:"penalty" doc:"penalty of the weights; l2 is the one there is"`
	Intercept bool     `toml:"intercept" doc:"fit an intercept: one more feature, which is always 1 and penalised as all others (LIBLINEAR's -B 1)"`
	Solver    string   `toml:"solver" doc:"newton, dual, adagrad, or auto: newton under policy bsp where no table is rounded or filtered on its way, else dual"`
	Batch     int      `toml:"batch" min:"0" doc:"adagrad: rows that all parts together take in a clock; 0 takes all"`
	Step      float64  `toml:"step" min:"0" doc:"adagrad: step size eta"`
	Memory    bool     `toml:"memory" doc:"adagrad: remember each row's last gradient to reduce the variance (SAGA): closer to the optimum, twice the traffic"`

	samples
	solver   solver
	lockstep bool // all parts see the same, at every clock
}

const (
	defaultLambda = 1e-4
	weights       = "weights" // the table of w
)

// A solver works on the samples of one part.
type solver interface {
	open(w *algos.Worker) error // makes room and opens its views
	prepare()                   // at clock 0
	push(now consistency.Clock) // a clock
}

// New makes an instance with the default parameters.
func New() *Regression {
	return &Regression{Penalty: "l2", Solver: "auto", Batch: 64, Step: 0.2, Memory: true}
}

// weight is lambda for n rows.
func (r *Regression) weight(n uint64) float64 {
	switch {
	case r.C > 0:
		return 1 / (r.C * float64(n))
	case r.Lambda != nil:
		return *r.Lambda
	}
	return defaultLambda
}

// method is the solver in use.
func (r *Regression) method() string {
	switch {
	case r.Solver != "auto":
		return r.Solver
	case r.lockstep:
		return "newton"
	}
	return "dual"
}

// Under has auto choose the solver. Newton steps need all parts to see the same.
func (r *Regression) Under(p consistency.Policy, exact bool) error {
	r.lockstep = p.Synchronous() && exact
	if r.Solver != "newton" || r.lockstep {
		return nil
	}
	if exact {
		return algos.Refuse("solver", "solver = \"newton\" needs policy \"bsp\", not %q: set that, or solver = \"dual\"", p)
	}
	return algos.Refuse("solver", "solver = \"newton\" needs tables that travel exactly: leave wire.encoding and wire.filter out, or set solver = \"dual\"")
}

// columns is how many weights there are.
func (r *Regression) columns(d dataset.Info) uint64 {
	if r.Intercept {
		return d.Features + 1
	}
	return d.Features
}

// Validate reports parameters that make no sense, alone or together.
func (r *Regression) Validate() error {
	var errs []error
	bad := func(wrong bool, keys, format string, args ...any) {
		if wrong {
			errs = append(errs, algos.Refuse(keys, format, args...))
		}
	}
	within := func(x float64) bool { return x >= 0 && !math.IsInf(x, 0) }
	bad(r.Lambda != nil && r.C != 0, "lambda C", "lambda and C are two ways to say the same: give one")
	bad(r.Lambda != nil && !within(*r.Lambda), "lambda", "lambda must be a number of at least 0")
	bad(!within(r.C), "C", "C must be a number above 0, or 0 to use lambda")
	bad(r.Penalty != "l2", "penalty", "penalty %q is not built; l2 is", r.Penalty)
	switch r.Solver {
	case "auto", "newton", "dual":
		bad(r.Lambda != nil && *r.Lambda == 0, "lambda solver", "lambda = 0 has no dual: set solver = \"adagrad\"")
	case "adagrad":
		bad(r.Batch < 0, "batch", "batch must be at least 0")
		bad(!within(r.Step) || r.Step == 0, "step", "step must be above 0")
	default:
		bad(true, "solver", "solver %q is none of auto, newton, dual and adagrad", r.Solver)
	}
	return errors.Join(errs...)
}

// onePositive is what helps against other labels than those of two classes.
const onePositive = "set data.positive to the label that is to be told from all others"

// Tables declares what the job shares.
func (r *Regression) Tables(d dataset.Info) ([]table.Spec, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	switch classes := d.Classes; {
	case d.Rows == 0:
		return nil, errors.New("logreg: the data has no rows")
	case d.TooMany || d.Classes == nil:
		return nil, errors.New("logreg: want labels of two classes, the data has quantities: " + onePositive)
	case len(classes) > 8:
		return nil, fmt.Errorf("logreg: want labels of two classes, the data has %d (%s, ...): %s", len(classes), strings.Join(classes[:8], ", "), onePositive)
	case len(classes) == 1:
		return nil, fmt.Errorf("logreg: want labels of two classes, all rows of the data have the label %s", classes[0])
	case len(classes) != 2:
		return nil, fmt.Errorf("logreg: want labels of two classes, the data has %d (%s): %s", len(classes), strings.Join(classes, ", "), onePositive)
	case d.Features == 0:
		return nil, errors.New("logreg: the data has no features")
	}
	keys := r.columns(d)
	switch r.method() {
	case "newton":
		return newtonTables(keys, d), nil
	case "dual":
		return []table.Spec{{Name: weights, Keys: keys, Type: table.Float64}}, nil
	}
	specs := []table.Spec{
		{Name: weights, Keys: keys, Type: table.Float64, Rule: table.AdaGrad(r.Step, tiny)},
		{Name: counts, Keys: keys, Type: table.Float32, Scratch: true}}
	if r.Memory {
		specs = append(specs, table.Spec{Name: mean, Keys: keys, Type: table.Float64, Scratch: true})
	}
	return specs, nil
}

// KeyNames says that a weight is of a feature, the last one perhaps the intercept.
func (r *Regression) KeyNames(d dataset.Info, _ string) algos.KeyNames {
	names := algos.KeyNames{Features: d.Features}
	if r.Intercept {
		names.Names = []string{"(intercept)"}
	}
	return names
}

// Load takes the part in and opens the views.
func (r *Regression) Load(part *dataset.Part, w *algos.Worker) (err error) {
	if len(part.Class) != part.X.Rows() {
		return errors.New("logreg: the data has no classes")
	}
	if r.Intercept {
		if err := part.Append(w.Info.Features, 1); err != nil {
			return err
		}
	}
	r.samples = samples{x: part.X, class: part.Class, keys: table.Keys(part.Keys),
		n: float64(w.Info.Rows), lambda: r.weight(w.Info.Rows)}
	if r.w, err = algos.View[float64](w, weights, r.keys, table.Increments); err != nil {
		return err
	}
	r.passes = newPasses(part.X.Rows(), r.ClocksPerEpoch(w.Info), w.Seed, w.Part)
	switch r.method() {
	case "newton":
		r.solver = &newton{samples: &r.samples, columns: r.columns(w.Info)}
	case "dual":
		r.solver = &dual{samples: &r.samples}
	default:
		r.solver = &adagrad{samples: &r.samples, remember: r.Memory}
	}
	return r.solver.open(w)
}

// ClocksPerEpoch is the same for all parts, whatever rows they have.
func (r *Regression) ClocksPerEpoch(d dataset.Info) int {
	switch method := r.method(); {
	case method == "newton":
		return newtonClocks
	case method == "dual":
		return dualClocks
	case r.Batch <= 0 || uint64(r.Batch) >= d.Rows:
		return 1
	}
	return int((d.Rows + uint64(r.Batch) - 1) / uint64(r.Batch))
}

// Prepare gathers what adagrad has to know of the columns.
func (r *Regression) Prepare(*algos.Worker) { r.solver.prepare() }

// Push works on the next rows of the part.
func (r *Regression) Push(w *algos.Worker, _ algos.Block) { r.solver.push(w.Clock) }

// Evaluate adds up the losses of the part.
func (r *Regression) Evaluate(_ *algos.Worker, e *algos.Eval) {
	if n, ok := r.solver.(*newton); ok {
		n.evaluate(e)
		return
	}
	w := r.w.Values()
	loss, correct := 0.0, 0.0
	for i := range r.x.Rows() {
		m := r.sign(i) * r.x.Dot(i, w)
		loss += logistic(m)
		if m > 0 { // a score of 0 decides nothing
			correct++
		}
	}
	e.Add("loss", loss)
	e.Add("correct", correct)
	if d, ok := r.solver.(*dual); ok {
		e.Add("entropy", d.entropy())
	}
}

// Conclude makes the objective, its gap and the metrics.
func (r *Regression) Conclude(d dataset.Info, e *algos.Eval) {
	n, norms := float64(d.Rows), e.Norms(weights)
	lambda := r.weight(d.Rows)
	loss, penalty := e.Sum("loss")/n, lambda/2*norms.Squares
	e.Objective = loss + penalty
	switch r.method() {
	case "newton":
		e.Gap = e.Sum("slope") / (2 * lambda)
	case "dual":
		e.Gap = e.Objective - (e.Sum("entropy")/n - penalty)
	}
	e.Metrics["train_logloss"] = loss
	e.Metrics["train_accuracy"] = e.Sum("correct") / n
	e.Metrics["nonzeros"] = float64(norms.NonZeros)
	e.Metrics["lambda"] = lambda
}

// Task is to tell two classes apart.
func (r *Regression) Task() algos.Task { return algos.Binary }

// SolverType is LIBLINEAR's for the same problem.
func (r *Regression) SolverType() string { return "L2R_LR" }

// Predict scores rows by w.x, the log-odds of the later class.
func (r *Regression) Predict(d dataset.Info, m algos.Model, part *dataset.Part, scores []float64) error {
	keys := slices.Clone(part.Keys)
	if r.Intercept {
		keys = append(keys, d.Features)
	}
	w, err := m.Values(weights, keys)
	if err != nil {
		return fmt.Errorf("logreg: %w", err)
	}
	b := 0.0
	if r.Intercept {
		b = w[len(part.Keys)]
	}
	for i := range part.X.Rows() {
		scores[i] = part.X.Dot(i, w) + b
	}
	return nil
}
