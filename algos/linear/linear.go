// Package linear is what the linear models share: a problem, made of a loss and a
// penalty, its parameters, its evaluation and its predictions. The packages logreg, svm
// and regression name the losses that belong together, those below this one solve.
//
//	P(w) = mean over rows of loss(w.x, y) + penalty(w)
//	penalty   l2       lambda/2 |w|^2
//	          l1       lambda |w|_1
//	          elastic  lambda (r |w|_1 + (1-r)/2 |w|^2), r = l1_ratio (Zou and Hastie, 2005)
//	          none
//
// Rows may have weights, in the data and by their class; the mean is over the weights in
// the data. An intercept is one more feature, which is always 1: the last key of the
// table "weights", penalised as the others are (LIBLINEAR's -B 1) unless it is free.
//
// Two classes have one score, y = +1 for the later one and -1 for the other. More have
// one each, in one loss (softmax) or as so many problems side by side (one-vs-rest).
//
// The optimum depends on neither the parts, the shards nor the policy.
package linear

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

// Model is one instance of a linear model.
type Model struct {
	Parameters

	name    string   // of the algorithm
	losses  []string // to choose from
	methods []Method // in the order in which auto takes them

	policy  consistency.Policy
	exact   bool
	problem Problem
	solver  Solver
	stage   int     // of the path
	seen    Guesses // of the last evaluation of a stream that had rows
}

// Family says what models of one name have in common.
type Family struct {
	Name    string
	Losses  []string // the first is the default
	Methods []Method // auto takes the first that suits
}

// New makes an instance with the default parameters.
func New(f Family) *Model {
	return &Model{name: f.Name, losses: f.Losses, methods: f.Methods, Parameters: defaults(f)}
}

// Under has auto choose the solver, by how the parts see what the others do.
func (m *Model) Under(p consistency.Policy, exact bool) error {
	m.policy, m.exact = p, exact
	if m.Solver == auto {
		return nil
	}
	k, ok := m.find(m.Solver)
	switch {
	case !ok || !k.Lockstep || p.Synchronous() && exact:
		return nil
	case exact:
		return algos.Refuse("solver", "solver = %q needs policy \"bsp\", not %q: set that, or solver = \"auto\"", m.Solver, p)
	}
	return algos.Refuse("solver", "solver = %q needs tables that travel exactly: leave wire.encoding and wire.filter out, or set solver = \"auto\"", m.Solver)
}

func (m *Model) find(name string) (Method, bool) {
	i := slices.IndexFunc(m.methods, func(k Method) bool { return k.Name == name })
	if i < 0 {
		return Method{}, false
	}
	return m.methods[i], true
}

// method chooses the solver of a problem, and says why.
func (m *Model) method(p *Problem) (k Method, why string, err error) {
	if m.Solver != auto {
		k, _ := m.find(m.Solver)
		if not := k.Suits(p); not != "" {
			return k, "", algos.Refuse("solver", "solver = %q %s: set solver = \"auto\"", m.Solver, not)
		}
		return k, "", nil
	}
	var against []string
	for _, k := range m.methods {
		not := k.Suits(p)
		switch {
		case k.Streams:
			continue // to be asked for by name
		case not != "":
		case m.Path > 1 && !k.Resumes:
			not = "cannot go on where another penalty ended"
		case k.Lockstep && !m.policy.Synchronous():
			not = fmt.Sprintf("needs policy bsp, not %s", m.policy)
		case k.Lockstep && !m.exact:
			not = "needs tables that travel exactly"
		default:
			why := "solver " + k.Name + ": the first choice for " + m.about()
			if len(against) > 0 {
				why = "solver " + k.Name + " for " + m.about() + ": " + strings.Join(against, ", ")
			}
			return k, why, nil
		}
		against = append(against, k.Name+" "+not)
	}
	return k, "", algos.Refuse("solver", "no solver suits %s: %s", m.about(), strings.Join(against, ", "))
}

// Streams reports whether the solver reads its data as it learns.
func (m *Model) Streams() bool {
	k, _ := m.find(m.Solver)
	return k.Streams
}

// about names the problem.
func (m *Model) about() string { return m.Loss + " loss with penalty " + m.penalty() }

// Explain says which solver auto took.
func (m *Model) Explain(d dataset.Info) []string {
	p := m.describe(d)
	if _, why, err := m.method(&p); err == nil && why != "" {
		return []string{why}
	}
	return nil
}

// describe makes the problem of the data.
func (m *Model) describe(d dataset.Info) Problem {
	p := Problem{Parameters: m.Parameters, Outputs: 1, N: mass(d), Columns: m.columns(d), Free: -1, FreeKey: NoKey, Policy: m.policy, Exact: m.exact}
	if m.Intercept && m.Unpenalised {
		p.FreeKey = d.Features
	}
	if k := len(d.Classes); k > 2 && !quantities(m.Loss) {
		p.Outputs, p.Coupled = k, m.multi() == softmax
	}
	p.L1, p.L2 = m.penalties(m.lambda(p.N))
	return p
}

// mass is the weight of all rows.
func mass(d dataset.Info) float64 {
	if d.Weighted {
		return d.Weight
	}
	return float64(d.Rows)
}

// Weights says that rows may have weights.
func (m *Model) Weights() bool { return true }

// Resumes says whether the weights of an earlier model can be the first ones.
func (m *Model) Resumes() error {
	p := m.describe(dataset.Info{Rows: 1})
	if k, _, err := m.method(&p); err == nil && !k.Resumes {
		return algos.Refuse("solver", "solver %s cannot start from the weights of a model: set consistency.policy = \"bsp\" and leave wire.encoding and wire.filter out, for solver newton", k.Name)
	}
	return nil
}

// Stages is the penalties of the path.
func (m *Model) Stages(dataset.Info) int { return m.Path }

// Stage takes the next penalty.
func (m *Model) Stage(s int) {
	m.stage = s
	m.problem.L1, m.problem.L2 = m.penalties(m.lambda(m.problem.N))
}

// columns is how many features there are, with the intercept.
func (m *Model) columns(d dataset.Info) uint64 {
	if m.Intercept {
		return d.Features + 1
	}
	return d.Features
}

// Tables declares what the job shares.
func (m *Model) Tables(d dataset.Info) ([]table.Spec, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	if err := m.suits(d); err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	p := m.describe(d)
	k, _, err := m.method(&p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	return k.Tables(&p, d), nil
}

// suits refuses data that the model has no use for.
func (m *Model) suits(d dataset.Info) error {
	const one = "set data.positive to the label that is to be told from all others"
	classes := d.Classes
	switch {
	case d.Rows == 0:
		return errors.New("the data has no rows")
	case d.Features == 0:
		return errors.New("the data has no features")
	case quantities(m.Loss) && d.Unlabelled:
		return errors.New("the data has no labels")
	case quantities(m.Loss) && !d.Numeric:
		return errors.New("want labels that are numbers, the data has words")
	case m.Loss == Poisson && d.LabelMin < 0:
		return fmt.Errorf("loss poisson wants counts, the data has the label %g", d.LabelMin)
	case quantities(m.Loss):
	case d.TooMany || classes == nil:
		return errors.New("want labels that are classes, the data has quantities: " + one)
	case len(classes) == 1:
		return fmt.Errorf("want labels of at least two classes, all rows of the data have the label %s", classes[0])
	}
	_, err := m.classWeights(d)
	return err
}

// KeyNames says that a weight is of a feature, the last one perhaps the intercept.
func (m *Model) KeyNames(d dataset.Info, table string) algos.KeyNames {
	if table != Weights {
		return algos.KeyNames{}
	}
	names := algos.KeyNames{Features: d.Features}
	if m.Intercept {
		names.Names = []string{"(intercept)"}
	}
	return names
}

// Load takes the part in and opens the views.
func (m *Model) Load(part *dataset.Part, w *algos.Worker) (err error) {
	p := m.describe(w.Info)
	if !quantities(m.Loss) && len(part.Class) != part.X.Rows() {
		return fmt.Errorf("%s: the data has no classes", m.name)
	}
	if m.Intercept && part.Stream == nil {
		if err := part.Append(w.Info.Features, 1); err != nil {
			return err
		}
	}
	p.X, p.Keys = part.X, table.Keys(part.Keys)
	p.importance = part.Weight
	if quantities(m.Loss) {
		p.Labels = part.Labels
	} else {
		p.Class = part.Class
		if p.classes, err = m.classWeights(w.Info); err != nil {
			return err
		}
	}
	if j, ok := p.Keys.Position(p.FreeKey); ok {
		p.Free = j
	}
	k, _, err := m.method(&p)
	if err != nil {
		return err
	}
	if k.Streams {
		p.Stream = part.Stream
	} else if p.W, err = algos.View[float64](w, Weights, p.Keys, table.Increments); err != nil {
		return err
	}
	m.problem = p
	m.solver, err = k.Open(&m.problem, w)
	return err
}

// ClocksPerEpoch is the same for all parts, whatever rows they have.
func (m *Model) ClocksPerEpoch(d dataset.Info) int {
	p := m.describe(d)
	if k, _, err := m.method(&p); err == nil {
		return k.Clocks(&p, d)
	}
	return 1
}

// Prepare gathers what the solver has to know first.
func (m *Model) Prepare(*algos.Worker) { m.solver.Prepare() }

// Push does the work of one clock.
func (m *Model) Push(w *algos.Worker, _ algos.Block) { m.solver.Push(w.Clock) }

// Evaluate adds up the losses of the part.
func (m *Model) Evaluate(_ *algos.Worker, e *algos.Eval) { m.solver.Evaluate(e) }

// Conclude makes the objective, its gap and the metrics.
func (m *Model) Conclude(d dataset.Info, e *algos.Eval) {
	p, n, norms := m.describe(d), 1.0, e.Norms(Weights)
	k, _, _ := m.method(&p)
	g := guesses(e)
	if k.Streams { // of the rows since the last evaluation that had any; the penalty is the servers'
		if g.Weight > 0 {
			m.seen = g
		} else {
			g = m.seen
			e.Add(Unsettled, 1)
		}
		if n = g.Weight; n == 0 {
			n = 1
		}
		p.L1, p.L2 = 0, 0
	}
	loss := g.Loss / n
	e.Objective = loss + p.L1*(norms.Abs-e.Sum("free_abs")) + p.L2/2*(norms.Squares-e.Sum("free_squares"))
	if k.Gap != nil {
		e.Gap = k.Gap(&p, d, e)
	}
	e.Unsettled = e.Unsettled || e.Sum(Unsettled) > 0
	if v := e.Maximum(Before); v > math.Inf(-1) {
		e.Before = v
	}
	switch {
	case quantities(m.Loss):
		e.Metrics["train_rmse"] = math.Sqrt(g.Squares / n)
		e.Metrics["train_mae"] = g.Absolute / n
		e.Metrics["train_loss"] = loss
	case m.Loss == Logistic && (p.Outputs == 1 || p.Coupled):
		e.Metrics["train_logloss"] = loss
		e.Metrics["train_accuracy"] = g.Correct / n
	default:
		e.Metrics["train_loss"] = loss
		e.Metrics["train_accuracy"] = g.Correct / n
	}
	e.Metrics["nonzeros"] = float64(norms.NonZeros)
	e.Metrics["lambda"] = m.lambda(p.N)
	if f := e.Sums(Filtered); len(f) == 4 && f[3] > 0 {
		e.Metrics["kkt_filtered"], e.Metrics["kkt_filtered_values"] = f[0]/f[1], f[2]/f[3]
	}
	if v := e.Maximum("violation"); v >= 0 {
		e.Metrics["kkt_violation"] = v
	}
}
