package linear

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"petuum/algos"
	"petuum/algos/dataset"
)

// Parameters are those of all linear models.
type Parameters struct {
	Loss        string   `toml:"loss" doc:"what a row costs: logistic; hinge or squared_hinge; squared, huber or poisson, as the algorithm has it"`
	Delta       float64  `toml:"delta" min:"0" doc:"huber: residuals up to this count squared, larger ones linearly"`
	Lambda      *float64 `toml:"lambda" min:"0" doc:"weight of the penalty; unset it is 1e-4, or what C says"`
	C           float64  `toml:"C" min:"0" doc:"in place of lambda, the weight of the losses as LIBLINEAR has it: lambda = 1/(C n); 0 is off"`
	Penalty     string   `toml:"penalty" doc:"of the weights: l2, l1, elastic or none"`
	Ratio       float64  `toml:"l1_ratio" min:"0" doc:"elastic: the share of l1 in the penalty, 0 to 1"`
	Intercept   bool     `toml:"intercept" doc:"fit an intercept: one more feature, which is always 1 and penalised as all others (LIBLINEAR's -B 1)"`
	Unpenalised bool     `toml:"unpenalised_intercept" doc:"leave the intercept out of the penalty"`
	Multi       string   `toml:"multi" doc:"more than two classes: softmax (in one loss), ovr (one-vs-rest), or auto: softmax for logistic, else ovr"`
	ClassWeight []string `toml:"class_weight" doc:"how often a row of a class counts, as \"label:weight\"; 1 for classes that are not listed"`
	Balanced    bool     `toml:"balanced" doc:"weigh classes so that they count alike: rows / (classes * rows of the class)"`
	Solver      string   `toml:"solver" doc:"newton, dual, proximal, or auto: the first of these that works for the loss, the penalty and the policy"`
	Blocks      int      `toml:"blocks" min:"0" max:"65536" doc:"proximal: blocks of features in a pass, one a clock; 0: chosen by the slack"`
}

const (
	auto    = "auto"
	softmax = "softmax"
	ovr     = "ovr"

	defaultLambda = 1e-4
)

func defaults(f Family) Parameters {
	return Parameters{Loss: f.Losses[0], Delta: 1, Penalty: "l2", Ratio: 0.5, Multi: auto, Solver: auto}
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

// lambda is the weight of the penalty where the weights of the rows add up to n.
func (m *Model) lambda(n float64) float64 {
	switch {
	case m.Penalty == "none":
		return 0
	case m.C > 0:
		return 1 / (m.C * n)
	case m.Lambda != nil:
		return *m.Lambda
	}
	return defaultLambda
}

// penalties shares lambda out.
func (m *Model) penalties(lambda float64) (l1, l2 float64) {
	switch m.Penalty {
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
	for _, entry := range m.ClassWeight {
		_, w, err := classWeight(entry)
		bad(err != nil || !within(w), "class_weight", "class_weight %q: want a label, a colon and a number of at least 0", entry)
	}
	one("loss", m.Loss, m.losses)
	one("penalty", m.Penalty, []string{"l2", "l1", "elastic", "none"})
	one("multi", m.Multi, []string{auto, softmax, ovr})
	bad(m.Multi == softmax && m.Loss != Logistic, "multi loss", "multi = \"softmax\" is of loss logistic: set multi = \"ovr\"")
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
	if len(m.ClassWeight) == 0 && !m.Balanced {
		return nil, nil
	}
	if quantities(m.Loss) {
		return nil, algos.Refuse("class_weight balanced", "loss %s has no classes to weigh", m.Loss)
	}
	list, total := make([]float64, len(d.Classes)), 0.0
	for k := range list {
		if list[k] = 1; m.Balanced && d.Counts[k] > 0 {
			list[k] = float64(d.Rows) / (float64(len(list)) * float64(d.Counts[k]))
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

func root(x float64) float64 { return math.Sqrt(max(x, 0)) }
