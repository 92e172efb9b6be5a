package linear

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/table"
)

// Parameters are those of all linear models.
type Parameters struct {
	Loss        string   `toml:"loss" doc:"what a row costs: logistic; hinge or squared_hinge; squared, huber or poisson, as the algorithm has it"`
	Delta       float64  `toml:"delta" min:"0" doc:"huber: residuals up to this count squared, larger ones linearly"`
	Lambda      *float64 `toml:"lambda" min:"0" doc:"weight of the penalty; unset it is 1e-4, or what C says, or 1/n for ftrl and adagrad"`
	C           float64  `toml:"C" min:"0" doc:"in place of lambda, the weight of the losses as LIBLINEAR has it: lambda = 1/(C n); 0 is off"`
	Penalty     string   `toml:"penalty" doc:"of the weights: l2, l1, elastic or none; auto is l2, but l1 for ftrl and none for adagrad"`
	Ratio       float64  `toml:"l1_ratio" min:"0" doc:"elastic: the share of l1 in the penalty, 0 to 1"`
	Intercept   bool     `toml:"intercept" doc:"fit an intercept: one more feature, which is always 1 and penalised as all others (LIBLINEAR's -B 1)"`
	Unpenalised bool     `toml:"unpenalised_intercept" doc:"leave the intercept out of the penalty"`
	Multi       string   `toml:"multi" doc:"more than two classes: softmax (in one loss), ovr (one-vs-rest), or auto: softmax for logistic, else ovr"`
	ClassWeight []string `toml:"class_weight" doc:"how often a row of a class counts, as \"label:weight\"; 1 for classes that are not listed"`
	Balanced    bool     `toml:"balanced" doc:"weigh classes so that they count alike: rows / (classes * rows of the class)"`
	Alpha       float64  `toml:"alpha" min:"0" doc:"ftrl, adagrad: how long steps are; 0 is 0.25 for ftrl, 0.2 for adagrad"`
	Beta        float64  `toml:"beta" min:"0" doc:"ftrl: added to the root of the sum of squared gradients; adagrad: where that sum starts; 0 is 1"`
	Batch       int      `toml:"batch" min:"0" doc:"ftrl, adagrad: rows that all parts together take in a clock; 0 is a 125th of them, from 10 to 8000"`
	Late        string   `toml:"late" doc:"ftrl, adagrad: how much a late update counts: add (like any other), mean (1/workers) or dyn (1/(1 + clocks that it is late))"`
	Tail        int      `toml:"tail" min:"0" doc:"ftrl, adagrad: leave a feature out before its tail-th row; 0 and 1 take all"`
	TailBits    int      `toml:"tail_bits" min:"8" max:"30" doc:"ftrl, adagrad: 2^tail_bits counters tell how often a feature was seen"`
	Path        int      `toml:"path" min:"0" doc:"solve for so many penalties one after another, from lambda times path_from down to lambda, each from where the last one ended; 0 and 1 are lambda alone"`
	PathFrom    float64  `toml:"path_from" min:"1" doc:"path: the first penalty is so many times lambda"`
	Solver      string   `toml:"solver" doc:"newton, dual, proximal, or auto: the first of these that works for the loss, the penalty and the policy; by name, also ftrl and adagrad, which read their data as they learn"`
	Blocks      int      `toml:"blocks" min:"0" max:"65536" doc:"proximal: blocks of features in a pass, one a clock; 0: chosen by the slack"`
}

const (
	auto    = "auto"
	softmax = "softmax"
	ovr     = "ovr"

	defaultLambda = 1e-4
)

func defaults(f Family) Parameters {
	return Parameters{Loss: f.Losses[0], Delta: 1, Penalty: auto, Ratio: 0.5, Multi: auto, Solver: auto, PathFrom: 1000, Late: table.LateAdd.String(), TailBits: 22}
}

// multi is what is done about more than two classes.
func (m *Model) multi() string {
	switch {
	case m.Multi != auto:
		return m.Multi
	case m.Loss == Logistic:
		return softmax
	}
	return ovr
}

// lambda is the weight of the penalty of this stage where the weights of the rows add
// up to n: those of a path are in geometric progression.
func (m *Model) lambda(n float64) float64 {
	if m.Path > 1 {
		return m.last(n) * math.Pow(m.PathFrom, 1-float64(m.stage)/float64(m.Path-1))
	}
	return m.last(n)
}

// last is the weight of the penalty of the last stage.
func (m *Model) last(n float64) float64 {
	switch {
	case m.penalty() == "none":
		return 0
	case m.C > 0:
		return 1 / (m.C * n)
	case m.Lambda != nil:
		return *m.Lambda
	case m.Streams():
		return 1 / n
	}
	return defaultLambda
}

// penalty is the kind of penalty.
func (m *Model) penalty() string {
	switch {
	case m.Penalty != auto:
		return m.Penalty
	case m.Solver == "ftrl":
		return "l1"
	case m.Solver == "adagrad":
		return "none"
	}
	return "l2"
}

// penalties shares lambda out.
func (m *Model) penalties(lambda float64) (l1, l2 float64) {
	switch m.penalty() {
	case "l1":
		return lambda, 0
	case "elastic":
		return lambda * m.Ratio, lambda * (1 - m.Ratio)
	}
	return 0, lambda
}

// Validate reports parameters that make no sense, alone or together.
func (m *Model) Validate() error {
	var errs []error
	bad := func(wrong bool, keys, format string, args ...any) {
		if wrong {
			errs = append(errs, algos.Refuse(keys, format, args...))
		}
	}
	within := func(x float64) bool { return x >= 0 && !math.IsInf(x, 0) }
	one := func(key, value string, of []string) {
		bad(!slices.Contains(of, value), key, "%s %q is none of %s", key, value, strings.Join(of, ", "))
	}
	bad(m.Lambda != nil && m.C != 0, "lambda C", "lambda and C are two ways to say the same: give one")
	bad(m.Lambda != nil && !within(*m.Lambda), "lambda", "lambda must be a number of at least 0")
	bad(!within(m.C), "C", "C must be a number above 0, or 0 to use lambda")
	bad(!within(m.Delta) || m.Delta == 0, "delta", "delta must be a number above 0")
	bad(!(m.Ratio >= 0 && m.Ratio <= 1), "l1_ratio", "l1_ratio must be between 0 and 1")
	bad(m.Unpenalised && !m.Intercept, "unpenalised_intercept intercept", "unpenalised_intercept needs intercept = true")
	bad(len(m.ClassWeight) > 0 && m.Balanced, "class_weight balanced", "class_weight and balanced both weigh classes: give one")
	bad(quantities(m.Loss) && (len(m.ClassWeight) > 0 || m.Balanced), "class_weight balanced loss", "loss %s has no classes to weigh", m.Loss)
	for _, entry := range m.ClassWeight {
		_, w, err := classWeight(entry)
		bad(err != nil || !within(w), "class_weight", "class_weight %q: want a label, a colon and a number of at least 0", entry)
	}
	one("loss", m.Loss, m.losses)
	one("penalty", m.Penalty, []string{auto, "l2", "l1", "elastic", "none"})
	one("multi", m.Multi, []string{auto, softmax, ovr})
	bad(m.Multi == softmax && m.Loss != Logistic, "multi loss", "multi = \"softmax\" is of loss logistic: set multi = \"ovr\"")
	bad(m.Path > 1 && m.Streams(), "path solver", "a path is for solvers that reach an optimum, not for %s", m.Solver)
	one("late", m.Late, table.LateNames())
	names := []string{auto}
	for _, k := range m.methods {
		names = append(names, k.Name)
	}
	one("solver", m.Solver, names)
	return errors.Join(errs...)
}

// classWeight reads "label:weight".
func classWeight(entry string) (class string, w float64, err error) {
	at := max(strings.LastIndexByte(entry, ':'), 0)
	w, err = strconv.ParseFloat(strings.TrimPrefix(entry[at:], ":"), 64)
	return entry[:at], w, err
}

// classWeights returns the weight of each class; nil if they are alike.
func (m *Model) classWeights(d dataset.Info) ([]float64, error) {
	if quantities(m.Loss) || len(m.ClassWeight) == 0 && !m.Balanced {
		return nil, nil
	}
	list, total := make([]float64, len(d.Classes)), 0.0
	for k := range list {
		if list[k] = 1; m.Balanced && d.ClassWeight(k) > 0 {
			list[k] = mass(d) / (float64(len(list)) * d.ClassWeight(k))
		}
	}
	for _, entry := range m.ClassWeight {
		class, w, _ := classWeight(entry)
		k := slices.Index(d.Classes, class)
		if k < 0 {
			return nil, algos.Refuse("class_weight", "class_weight names the class %q, the data has %s", class, strings.Join(d.Classes[:min(len(d.Classes), 8)], ", "))
		}
		list[k] = w
	}
	for _, w := range list {
		total += w
	}
	if total == 0 {
		return nil, algos.Refuse("class_weight", "class_weight: all classes weigh 0")
	}
	return list, nil
}
