package linear_test

import (
	"math"
	"os"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/linear"
	"petuum/algos/linear/dual"
	"petuum/algos/linear/newton"
	"petuum/configs"
	"petuum/consistency"
)

// all is a family that has everything.
var all = linear.Family{Name: "linear", Methods: []linear.Method{newton.Method, dual.Method},
	Losses: []string{linear.Logistic, linear.Hinge, linear.SquaredHinge, linear.Squared, linear.Huber, linear.Poisson}}

// classes is data of so many classes.
func classes(names ...string) dataset.Info {
	d := dataset.Info{Rows: 200, NonZeros: 600, Features: 5, Numeric: true, Classes: names}
	for range names {
		d.Counts = append(d.Counts, 200/uint64(len(names)))
	}
	return d
}

func TestParameters(t *testing.T) {
	data := t.TempDir() + "/d"
	if err := os.WriteFile(data, []byte("1 1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	quantity := dataset.Info{Rows: 200, NonZeros: 600, Features: 5, Numeric: true, LabelMin: -1}
	for _, c := range []struct {
		set  string
		info dataset.Info
		want string
	}{
		{"", classes("a", "b"), ""},
		{"lambda = 0.5", classes("a", "b"), ""},
		{"C = 2", classes("a", "b"), ""},
		{"lambda = 0", classes("a", "b"), ""},
		{"penalty = 'elastic'\nl1_ratio = 1", classes("a", "b"), ""},
		{"penalty = 'none'\nintercept = true\nunpenalised_intercept = true", classes("a", "b"), ""},
		{"class_weight = ['a:2', 'b:0']", classes("a", "b"), ""},
		{"class_weight = ['x:y:3']", classes("x:y", "z"), ""}, // a label with a colon
		{"balanced = true", classes("a", "b", "c"), ""},
		{"multi = 'ovr'", classes("a", "b", "c"), ""},
		{"loss = 'hinge'", classes("a", "b", "c"), ""},
		{"loss = 'squared'", quantity, ""},
		{"loss = 'huber'\ndelta = 0.1", quantity, ""},

		{"lambda = 1e-4\nC = 1", classes("a", "b"), "give one"},
		{"lambda = nan", classes("a", "b"), "lambda"},
		{"lambda = inf", classes("a", "b"), "lambda: inf is not a finite number"},
		{"lambda = -1", classes("a", "b"), "lambda"},
		{"C = inf", classes("a", "b"), "C: inf"},
		{"C = -1", classes("a", "b"), "C"},
		{"delta = 0", classes("a", "b"), "delta must be a number above 0"},
		{"delta = inf", classes("a", "b"), "delta: inf"},
		{"l1_ratio = 1.5", classes("a", "b"), "l1_ratio must be between 0 and 1"},
		{"l1_ratio = nan", classes("a", "b"), "l1_ratio"},
		{"unpenalised_intercept = true", classes("a", "b"), "needs intercept = true"},
		{"loss = 'cubic'", classes("a", "b"), `loss "cubic" is none of logistic`},
		{"penalty = 'l3'", classes("a", "b"), `penalty "l3" is none of auto, l2, l1`},
		{"multi = 'pairs'", classes("a", "b"), `multi "pairs" is none of auto`},
		{"solver = 'sgd'", classes("a", "b"), `solver "sgd" is none of auto, newton, dual`},
		{"solver = 'x'\npenalty = 'y'", classes("a", "b"), "penalty"}, // all at once
		{"lamda = 1", classes("a", "b"), "unknown key"},
		{"multi = 'softmax'\nloss = 'hinge'", classes("a", "b"), `multi = "softmax" is of loss logistic`},
		{"class_weight = ['a:2']\nbalanced = true", classes("a", "b"), "both weigh classes"},
		{"class_weight = ['a']", classes("a", "b"), `"a": want a label, a colon and a number`},
		{"class_weight = ['']", classes("a", "b"), "want a label, a colon"},
		{"class_weight = ['a:-1']", classes("a", "b"), "want a label, a colon"},
		{"class_weight = ['a:nan']", classes("a", "b"), "want a label, a colon"},
		{"class_weight = ['c:1']", classes("a", "b"), `names the class "c", the data has a, b`},
		{"class_weight = ['a:0', 'b:0']", classes("a", "b"), "all classes weigh 0"},
		{"loss = 'squared'\nbalanced = true", quantity, "has no classes to weigh"},
		{"loss = 'squared'\nclass_weight = ['a:1']", quantity, "has no classes to weigh"},

		{"solver = 'dual'\nlambda = 0", classes("a", "b"), `solver = "dual" needs an L2 penalty`},
		{"solver = 'dual'\npenalty = 'l1'", classes("a", "b"), "needs an L2 penalty"},
		{"solver = 'dual'", classes("a", "b", "c"), "needs a score of its own"},
		{"solver = 'newton'\nloss = 'hinge'", classes("a", "b"), `solver = "newton" needs a loss with a slope`},
		{"loss = 'hinge'\npenalty = 'l1'", classes("a", "b"), "no solver suits hinge loss with penalty l1: newton needs a loss with a slope everywhere, dual needs an L2"},
		{"loss = 'poisson'", quantity, "loss poisson wants counts, the data has the label -1"},
	} {
		cfg, err := configs.Parse("job.toml", []byte("[job]\nalgorithm = 'x'\n[data]\ntrain = '"+data+"'\n[algorithm]\n"+c.set+"\n"), nil)
		m := linear.New(all)
		if err == nil {
			err = cfg.Algorithm(m)
		}
		if err == nil {
			err = m.Under(consistency.BSP(), true)
		}
		if err == nil {
			_, err = m.Tables(c.info)
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want an error with %q", c.set, err, c.want)
		}
	}
}

// What is wrong is told with the parameters that say it.
func TestValidateNames(t *testing.T) {
	m := linear.New(all)
	m.Solver, m.Penalty, m.Delta = "x", "y", -1
	err := m.Validate()
	list, ok := err.(interface{ Unwrap() []error })
	if !ok || len(list.Unwrap()) != 3 {
		t.Fatalf("got %v, want three problems", err)
	}
	for i, want := range []string{"delta", "penalty", "solver"} {
		if p, ok := list.Unwrap()[i].(*algos.ParameterError); !ok || p.Keys[0] != want {
			t.Errorf("problem %d: got %v, want one of %s", i, list.Unwrap()[i], want)
		}
	}
}

func TestData(t *testing.T) {
	for _, c := range []struct {
		loss string
		info dataset.Info
		want string
	}{
		{"logistic", classes("0", "1"), ""},
		{"logistic", classes("a", "b", "c"), ""},
		{"logistic", dataset.Info{Features: 1}, "no rows"},
		{"logistic", dataset.Info{Rows: 3, Classes: []string{"0", "1"}}, "no features"},
		{"logistic", classes("7"), "all rows of the data have the label 7"},
		{"logistic", dataset.Info{Rows: 3, Features: 1, TooMany: true}, "the data has quantities: set data.positive"},
		{"logistic", dataset.Info{Rows: 3, Features: 1}, "the data has quantities"},
		{"squared", dataset.Info{Rows: 3, Features: 1, Numeric: true}, ""},
		{"squared", dataset.Info{Rows: 3, Features: 1}, "want labels that are numbers"},
		{"squared", dataset.Info{Rows: 3, Features: 1, Unlabelled: true}, "the data has no labels"},
		{"poisson", dataset.Info{Rows: 3, Features: 1, Numeric: true}, ""},
		{"poisson", dataset.Info{Rows: 3, Features: 1, Numeric: true, LabelMin: -0.5}, "the data has the label -0.5"},
	} {
		m := linear.New(all)
		m.Loss = c.loss
		if err := m.Under(consistency.BSP(), true); err != nil {
			t.Fatal(err)
		}
		_, err := m.Tables(c.info)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %+v: got %v, want an error with %q", c.loss, c.info, err, c.want)
		}
	}
}

// auto takes the first solver that works, and says why.
func TestUnder(t *testing.T) {
	for _, c := range []struct {
		solver, loss, policy string
		exact                bool
		want                 string // the tables of the solver, or a part of the error
		why                  string // a part of what is explained
	}{
		{"auto", "logistic", "bsp", true, "newton", "solver newton: the first choice"},
		{"auto", "logistic", "bsp", false, "dual", "solver dual for logistic loss with penalty l2: newton needs tables that travel exactly"},
		{"auto", "logistic", "ssp:2", true, "dual", "newton needs policy bsp, not ssp:2"},
		{"auto", "logistic", "asp", true, "dual", "newton needs policy bsp"},
		{"auto", "hinge", "bsp", true, "dual", "newton needs a loss with a slope everywhere"},
		{"newton", "logistic", "bsp", true, "newton", ""},
		{"newton", "logistic", "ssp:2", true, `needs policy "bsp", not "ssp:2"`, ""},
		{"newton", "logistic", "asp", true, `needs policy "bsp"`, ""},
		{"newton", "logistic", "bsp", false, "leave wire.encoding and wire.filter out", ""},
		{"dual", "logistic", "bsp", true, "dual", ""},
		{"auto", "poisson", "asp", true, "no solver suits poisson loss", ""},
	} {
		policy, err := consistency.ParsePolicy(c.policy)
		if err != nil {
			t.Fatal(err)
		}
		m := linear.New(all)
		m.Solver, m.Loss = c.solver, c.loss
		info := classes("0", "1")
		err = m.Under(policy, c.exact)
		got := ""
		if err == nil {
			specs, e := m.Tables(info)
			if err = e; err == nil {
				got = map[int]string{1: "dual"}[len(specs)]
				if len(specs) > 1 {
					got = "newton"
				}
			}
		}
		if err != nil && (!strings.Contains(err.Error(), c.want) || c.want == c.solver) || err == nil && got != c.want {
			t.Errorf("%+v: got %s and %v", c, got, err)
		}
		if why := strings.Join(m.Explain(info), "; "); err == nil && (!strings.Contains(why, c.why) || (why == "") != (c.why == "")) {
			t.Errorf("%+v: explained as %q", c, why)
		}
	}
}

// lambda is what it, C or nothing says; l1 and l2 are shared out.
func TestLambda(t *testing.T) {
	conclude := func(set func(*linear.Model)) float64 {
		m := linear.New(all)
		set(m)
		e := algos.NewEval(0)
		m.Conclude(classes("a", "b"), e)
		return e.Metrics["lambda"]
	}
	for _, c := range []struct {
		name string
		set  func(*linear.Model)
		want float64
	}{
		{"default", func(*linear.Model) {}, 1e-4},
		{"lambda", func(m *linear.Model) { m.Lambda = new(0.5) }, 0.5},
		{"lambda 0", func(m *linear.Model) { m.Lambda = new(0.0) }, 0},
		{"C", func(m *linear.Model) { m.C = 2 }, 1 / 400.0},
		{"none", func(m *linear.Model) { m.C, m.Penalty = 2, "none" }, 0},
	} {
		if got := conclude(c.set); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// keyed is a model of one table.
type keyed map[uint64]float64

func (m keyed) Values(_ string, keys []uint64) ([]float64, error) {
	v := make([]float64, len(keys))
	for i, k := range keys {
		v[i] = m[k]
	}
	return v, nil
}

func TestPredict(t *testing.T) {
	info, part := read(t, "-1 1:2 3:1\n+1 2:1 3:-1\n-1\n", 1)
	model := keyed{0: 0.5, 1: 3, 2: -1, 3: 10}
	for _, c := range []struct {
		loss      string
		intercept bool
		want      [3]float64
	}{
		{"logistic", false, [3]float64{0, 4, 0}},
		{"squared", false, [3]float64{0, 4, 0}},
		{"logistic", true, [3]float64{10, 14, 10}},
		{"poisson", false, [3]float64{1, math.Exp(4), 1}},
	} {
		m := linear.New(all)
		m.Loss, m.Intercept = c.loss, c.intercept
		var scores [3]float64
		if err := m.Predict(info, model, part[0], scores[:]); err != nil {
			t.Fatal(err)
		}
		if scores != c.want {
			t.Errorf("%s, intercept %t: got %v, want %v", c.loss, c.intercept, scores, c.want)
		}
		want := algos.Regression
		if c.loss == "logistic" {
			want = algos.Binary
		}
		if got := m.Task(dataset.Info{}); got != want {
			t.Errorf("%s: task: got %v, want %v", c.loss, got, want)
		}
	}
}
