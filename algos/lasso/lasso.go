// Package lasso is model-parallel sparse linear regression and classification: the
// Lasso, the elastic net, the group Lasso and logistic regression with an L1 penalty,
// for one lambda, a path of them, or the one that cross-validation chooses. For
//
//	P(b) = |y - b0 - X b|^2 / (2n) + lambda |b|_1
//
// or its kin, the rounds of package descent find intercept b0 and coefficients b, and
// certify the objective with a duality gap: [stop] tolerance = 1e-6 means
// P(b) - P* <= 1e-6 P(b). The table "weights" holds the coefficients, "intercept" b0.
package lasso

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/descent"
	"petuum/consistency"
	"petuum/table"
)

// Lasso is one instance of the algorithm: of a part, or of the scheduler.
type Lasso struct {
	Loss        string  `toml:"loss" oneof:"squared logistic" doc:"of a row: squared, for quantities; logistic, for two classes"`
	Lambda      float64 `toml:"lambda" min:"0" doc:"weight of the penalty; this or lambda_ratio"`
	LambdaRatio float64 `toml:"lambda_ratio" min:"0" max:"1" doc:"in place of lambda, its fraction of lambda_max, from which on all coefficients are 0"`
	L1Ratio     float64 `toml:"l1_ratio" min:"0" max:"1" doc:"share of the L1 norm in the penalty, above 0; the rest is half the squared L2 norm (elastic net)"`
	Groups      string  `toml:"groups" doc:"coefficients that are kept or dropped together: a number, so many consecutive features each; a list of sizes such as \"3,1,4\"; columns, the categories of a CSV column"`
	Standardize bool    `toml:"standardize" doc:"scale columns to unit variance, as seen by the penalty"`
	Intercept   bool    `toml:"intercept" doc:"fit an intercept, which is not penalised"`
	Path        int     `toml:"path" min:"0" max:"10000" doc:"solve for so many penalties one after another, from lambda_max down to lambda; 0 and 1 are lambda alone"`
	Folds       int     `toml:"folds" min:"0" max:"255" doc:"cross-validation: of each penalty the error of rows held out, one of so many folds at a time, and the model of the penalty that is chosen; with path"`
	Select      string  `toml:"select" oneof:"min 1se" doc:"folds: min, the penalty of the least error; 1se, the largest whose error is within a standard error of that"`
	Kind        string  `toml:"schedule" oneof:"auto round-robin random priority checked exact" doc:"which coefficients are updated together: auto, working sets that are solved as one; round-robin, random and priority, blocks of which each takes a step by itself; checked, priority without those that correlate by rho; exact, blocks by priority that are solved"`
	Block       int     `toml:"block" min:"0" max:"4096" doc:"schedule, but auto: most coefficients in a round; 0 is 32, or 256 where blocks are solved"`
	Schedulers  int     `toml:"schedulers" min:"0" doc:"schedule, but auto: so many schedulers take turns, each with a range of the coefficients, and prepare rounds while others are worked on; 0 and 1 are one"`
	Rho         float64 `toml:"rho" min:"0" max:"1" doc:"schedule checked: correlation from which on coefficients are not updated together"`
	Priority    string  `toml:"priority" oneof:"delta square value" doc:"what gives a coefficient priority: delta, its last or promised change; square, that squared; value, its square"`

	part  descent.Part
	model descent.Model
}

var (
	_ algos.ModelParallel = (*Lasso)(nil)
	_ algos.Predictor     = (*Lasso)(nil)
	_ algos.Rehearsing    = (*Lasso)(nil)
	_ algos.Paced         = (*Lasso)(nil)
	_ algos.Windowed      = (*Lasso)(nil)
	_ algos.Detached      = (*Lasso)(nil)
	_ algos.Featurewise   = (*Lasso)(nil)
	_ algos.Explainer     = (*Lasso)(nil)
	_ algos.Reporter      = (*Lasso)(nil)
	_ algos.Namer         = (*Lasso)(nil)
)

const (
	maxBlock  = 4096
	weights   = descent.Weights   // w_j of feature j
	intercept = descent.Intercept // b0
)

var schedules = []string{"auto", "round-robin", "random", "priority", "checked", "exact"}

// New makes an instance with the default parameters; lambda or lambda_ratio has
// to be set.
func New() *Lasso {
	return &Lasso{Loss: "squared", L1Ratio: 1, Standardize: true, Intercept: true, Priority: "delta", Select: "min", Kind: "auto", Rho: 0.1}
}

// loss is the loss of a row.
func (l *Lasso) loss() descent.Loss {
	if l.Loss == "logistic" {
		return descent.Logistic
	}
	return descent.Squared
}

// settings is the problem, as far as the data does not matter.
func (l *Lasso) settings() descent.Settings {
	return descent.Settings{Loss: l.loss(), Path: l.path(), Lambda: l.Lambda, LambdaRatio: l.LambdaRatio, L1Ratio: l.L1Ratio,
		Standardize: l.Standardize, Intercept: l.Intercept, Kind: l.Kind, Priority: l.Priority, Block: l.Block, Rho: l.Rho, Schedulers: l.Schedulers}
}

// ClocksPerEpoch is the rounds up to an evaluation, which is a pass over the data.
func (l *Lasso) ClocksPerEpoch(d dataset.Info) int {
	s := l.settings()
	return s.ClocksPerEpoch(d)
}

// Load takes the columns of the part.
func (l *Lasso) Load(part *dataset.Part, w *algos.Worker) error {
	return l.part.Load(l.loss(), l.center(w.Info), l.Folds, part, w)
}

// Push emits what the block asks for.
func (l *Lasso) Push(w *algos.Worker, b algos.Block) { l.part.Push(w, b) }

// Evaluate adds the part's share of the objective and of what columns promise.
func (l *Lasso) Evaluate(_ *algos.Worker, e *algos.Eval) { l.part.Evaluate(e) }

// Begin opens the scheduler's views.
func (l *Lasso) Begin(s *algos.Scheduler) error {
	groups, err := descent.GroupsOf(l.Groups, s.Info)
	if err != nil {
		return err
	}
	l.model.Settings = l.settings()
	l.model.Center, l.model.Groups, l.model.Seed = l.center(s.Info), groups, s.Seed
	return l.model.Begin(s)
}

// Window is one round where a working set's problem is solved, which needs what the
// round before came to.
func (l *Lasso) Window() int {
	s := l.settings()
	return s.Window()
}

// Detached says that rounds need no tables: coefficients travel in blocks.
func (l *Lasso) Detached() bool { return true }

// ByColumns says that parts are read by columns.
func (l *Lasso) ByColumns() bool { return true }

// ByFeatures says that parts may be ranges of columns with all rows.
func (l *Lasso) ByFeatures() bool { return true }

// Schedule chooses the block of a round.
func (l *Lasso) Schedule(s *algos.Scheduler, blocks []algos.Block) { l.model.Schedule(s, blocks) }

// Pull solves it.
func (l *Lasso) Pull(s *algos.Scheduler, _ consistency.Clock, blocks []algos.Block, emitted [][]float64) {
	l.model.Pull(blocks, emitted)
}

// Conclude computes the objective and the gap.
func (l *Lasso) Conclude(d dataset.Info, e *algos.Eval) { l.model.Conclude(d, e) }

// path is the problems of the job.
func (l *Lasso) path() descent.Path {
	return descent.Path{Lambdas: l.Path, Folds: l.Folds, OneSE: l.Select == "1se"}
}

// Stages is the number of problems.
func (l *Lasso) Stages(dataset.Info) int { return l.path().Stages() }

// Rehearses says whether a problem is not on the path of all rows.
func (l *Lasso) Rehearses(stage int) bool { return l.path().Rehearses(stage) }

// Stage begins a problem.
func (l *Lasso) Stage(stage int) {
	if l.model.Loaded() {
		l.model.Stage(stage)
	} else {
		l.part.Stage(l.path(), stage)
	}
}

// Explain says how the schedule works.
func (l *Lasso) Explain(d dataset.Info) []string {
	s := l.settings()
	return s.Explain(d.Features)
}

// Report says what the schedule learned.
func (l *Lasso) Report() []string { return l.model.Report() }

// Validate reports parameters that make no sense, alone or together.
func (l *Lasso) Validate() error {
	var errs []error
	bad := func(wrong bool, keys, format string, args ...any) {
		if wrong {
			errs = append(errs, algos.Refuse(keys, format, args...))
		}
	}
	bad((l.Lambda > 0) == (l.LambdaRatio > 0), "lambda lambda_ratio", "set lambda or lambda_ratio, one of the two; lambda_ratio = 0.1 is a good start")
	bad(!(l.Lambda >= 0) || math.IsInf(l.Lambda, 0), "lambda", "lambda must be a number of at least 0")
	bad(!(l.LambdaRatio >= 0 && l.LambdaRatio <= 1), "lambda_ratio", "lambda_ratio must be in [0, 1]")
	bad(l.Loss != "squared" && l.Loss != "logistic", "loss", "loss %q is neither squared nor logistic", l.Loss)
	s := l.settings()
	bad(!slices.Contains(schedules, l.Kind), "schedule", "schedule %q is none of %s", l.Kind, strings.Join(schedules, ", "))
	bad(l.Kind == "checked" && l.Block > maxBlock/4, "block schedule", "block must be at most %d with schedule checked, which looks at 4 candidates for each place", maxBlock/4)
	bad(l.Kind == "exact" && l.Loss == "logistic", "schedule loss", "schedule exact is for loss squared; auto solves blocks for both")
	bad(s.Published() && l.Groups != "", "schedule groups", "groups are for schedule auto")
	bad(l.Schedulers < 0 || l.Schedulers > 1 && !s.Published(), "schedulers schedule", "several schedulers are for a schedule other than auto")
	bad(!(l.Rho >= 0 && l.Rho <= 1), "rho", "rho must be in [0, 1]")
	bad(l.Path < 0 || l.Path > 10000, "path", "path must be in [0, 10000]")
	bad(l.Folds < 0 || l.Folds == 1 || l.Folds > 255, "folds", "folds must be 0 or in [2, 255]")
	bad(l.Folds > 0 && l.Path < 2, "folds path", "folds choose among the penalties of a path: set path, say to 100")
	bad(l.Select != "min" && l.Select != "1se", "select", "select %q is neither min nor 1se", l.Select)
	bad(!(l.L1Ratio > 0 && l.L1Ratio <= 1), "l1_ratio", "l1_ratio must be above 0 and at most 1; for a penalty without L1 take algorithm regression or logreg")
	bad(l.Block < 0 || l.Block > maxBlock, "block", "block must be in [0, %d]", maxBlock)
	bad(l.Priority != "delta" && l.Priority != "square" && l.Priority != "value", "priority", "priority %q is none of delta, square and value", l.Priority)
	return errors.Join(errs...)
}

// Tables declares what the job shares.
func (l *Lasso) Tables(d dataset.Info) ([]table.Spec, error) {
	err := l.Validate()
	switch {
	case err != nil:
	case d.Rows == 0 || d.Features == 0:
		err = fmt.Errorf("lasso: the data has %d rows and %d features", d.Rows, d.Features)
	case l.Loss == "logistic" && len(d.Classes) != 2:
		err = fmt.Errorf("lasso: loss logistic wants labels of two classes, got %d: see data.positive", len(d.Classes))
	case d.ByFeatures && l.Kind != "auto":
		err = fmt.Errorf("lasso: schedule %s wants parts that have whole rows, and those of the data are ranges of features: take schedule auto, or make the data again by rows (petuum data convert --partition rows)", l.Kind)
	case !d.Numeric && len(d.Classes) != 2:
		err = errors.New("lasso: labels are words: want numbers, or data.positive, the word that counts as 1 while others count as -1")
	}
	if err == nil {
		if _, err = descent.GroupsOf(l.Groups, d); err != nil {
			err = fmt.Errorf("lasso: %w", err)
		}
	}
	if err != nil {
		return nil, err
	}
	specs := []table.Spec{
		{Name: weights, Keys: d.Features, Type: table.Float64, Rule: table.Replace},
		{Name: intercept, Keys: 1, Type: table.Float64, Rule: table.Replace, Init: table.Init{Value: l.center(d)}},
	}
	if d.ByFeatures {
		specs = append(specs, descent.PredictionsTable(d, l.loss(), l.center(d)))
	}
	return specs, nil
}

// center is what labels count less, their mean, or the log-odds of the later class, if
// there is an intercept: the model without coefficients.
func (l *Lasso) center(d dataset.Info) float64 {
	if !l.Intercept {
		return 0
	}
	if l.Loss == "logistic" {
		return math.Log(max(float64(d.Counts[1]), 0.5) / max(float64(d.Counts[0]), 0.5))
	}
	return d.LabelSum / float64(d.Rows)
}

// KeyNames says that a weight is of a feature, and the other value the intercept.
func (l *Lasso) KeyNames(d dataset.Info, table string) algos.KeyNames {
	if table == intercept {
		return algos.KeyNames{Names: []string{"(intercept)"}}
	}
	return algos.KeyNames{Features: d.Features}
}

// Task says that predictions are labels, or log-odds of the later class.
func (l *Lasso) Task(dataset.Info) algos.Task {
	if l.Loss == "logistic" {
		return algos.Binary
	}
	return algos.Regression
}

// SolverType is one of LIBLINEAR that predicts w.x, whatever the loss was.
func (l *Lasso) SolverType(dataset.Info) string {
	if l.Loss == "logistic" {
		return "L1R_LR"
	}
	return "L2R_L2LOSS_SVR"
}

// Predict computes b0 + x.w of each row.
func (l *Lasso) Predict(_ dataset.Info, m algos.Model, part *dataset.Part, scores []float64) error {
	w, err := m.Values(weights, part.Keys)
	if err != nil {
		return err
	}
	b0, err := m.Values(intercept, []uint64{0})
	if err != nil {
		return err
	}
	for i := range scores {
		scores[i] = b0[0] + part.X.Dot(i, w)
	}
	return nil
}
