// Package mf factorises ratings: of item i by user u
//
//	r = mean + b_u + b_i + p_u.q_i
//
// with biases b and rows p and q of Rank factors, such that the squared errors are small
// and the rows short (see package sgd for what exactly is minimised). Rows of the data are
// users, columns items, and values ratings; what is not listed is not known.
//
// # Parts and tables
//
// The rows of a part's users stay with the part and are written to the table users at the
// end. Those of items are in the table items; a [solver] says how parts come by them. Both
// tables have the bias first and then the factors. The table scale has the mean of the
// ratings, the least and the largest.
package mf

import (
	"errors"
	"math"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/table"
)

// MF is one instance: of one part of the users.
type MF struct {
	Solver      string  `toml:"solver" oneof:"sgd" doc:"sgd: stochastic gradient descent, slices of the items go round the parts"`
	Rank        int     `toml:"rank" min:"1" max:"4096" doc:"factors of each user and item; multiples of 8 take no more time than what is below"`
	Lambda      float64 `toml:"lambda" min:"0" doc:"weight of the penalty: a row of n ratings costs lambda sqrt(n) times its squared length, in standard deviations of the ratings"`
	Biases      bool    `toml:"biases" doc:"learn the mean and a bias of each user and item"`
	BiasLambda  float64 `toml:"bias_lambda" min:"0" doc:"weight of the penalty of a squared bias, for each rating"`
	Nonnegative bool    `toml:"nonnegative" doc:"keep factors from being negative"`
	Rate        float64 `toml:"rate" doc:"sgd: how fast factors learn at first, of users and items with few ratings"`
	BiasRate    float64 `toml:"bias_rate" min:"0" doc:"sgd: how fast biases learn at first"`
	Decay       float64 `toml:"decay" min:"0" doc:"sgd: epochs in which rates fall to a fiftieth; 0 keeps them"`
	Spread      float64 `toml:"spread" doc:"what the product of a user's and an item's factors deviates by at first, in standard deviations of the ratings"`
	Patience    int     `toml:"patience" min:"0" doc:"evaluations without a better test_rmse (train_rmse without test data) after which the job stops; the model is the best one's; 0 is off"`

	part
}

// New makes an instance with the default parameters.
func New() *MF {
	return &MF{Solver: "sgd", Rank: 32, Lambda: 0.85, Biases: true, BiasLambda: 0.03, Rate: 0.2, BiasRate: 0.03, Decay: 6, Spread: 0.03}
}

// Validate refuses what the tags cannot.
func (a *MF) Validate() error {
	var errs []error
	if !(a.Rate > 0) {
		errs = append(errs, algos.Refuse("rate", "want a number above 0"))
	}
	if !(a.Spread > 0) {
		errs = append(errs, algos.Refuse("spread", "want a number above 0: factors that are all 0 stay so"))
	}
	return errors.Join(errs...)
}

// Unsupervised says that ratings have no labels.
func (a *MF) Unsupervised() bool { return true }

// Names of the tables.
const (
	users = "users"
	items = "items"
	scale = "scale"

	counts  = "counts"  // of each item: ratings and their sum
	moments = "moments" // of all ratings: how many, sum, sum of squares
	extreme = "extreme" // of all ratings: the least, and the negative of the largest
)

// Tables declares the model, and what is gathered before the first clock.
func (a *MF) Tables(d dataset.Info) ([]table.Spec, error) {
	if d.Rows == 0 || d.Features == 0 || d.NonZeros == 0 {
		return nil, errors.New("mf: there are no ratings")
	}
	if d.Features > math.MaxUint32 {
		return nil, errors.New("mf: more than 2^32 items")
	}
	return []table.Spec{
		{Name: users, Keys: d.Rows, Width: 1 + a.Rank},
		{Name: items, Keys: d.Features, Width: 1 + a.Rank},
		{Name: scale, Keys: 1, Width: 3, Type: table.Float64, Rule: table.Replace},
		{Name: counts, Keys: d.Features, Width: 2, Type: table.Float64, Scratch: true},
		{Name: moments, Keys: 1, Width: 3, Type: table.Float64, Scratch: true},
		{Name: extreme, Keys: 1, Width: 2, Type: table.Float64, Rule: table.Min, Scratch: true},
	}, nil
}

// KeyNames says what the values of a row are.
func (a *MF) KeyNames(d dataset.Info, name string) algos.KeyNames {
	var n algos.KeyNames
	switch name {
	case users, items:
		n.Columns = []string{"bias"}
		for range a.Rank {
			n.Columns = append(n.Columns, factorName(len(n.Columns)))
		}
		if name == items {
			n.Features = d.Features
		}
	case scale:
		n.Columns = []string{"mean", "least", "largest"}
	}
	return n
}

// ClocksPerEpoch is the solver's.
func (a *MF) ClocksPerEpoch(d dataset.Info) int { return slicesOf(max(1, len(d.PartRows))) }

// Load takes the part in and opens views.
func (a *MF) Load(data *dataset.Part, w *algos.Worker) error {
	if err := data.Widen(w.Info.Features); err != nil {
		return err
	}
	if err := a.part.open(a, data, w); err != nil {
		return err
	}
	a.solver = &rotation{}
	return a.solver.load(a, data, w)
}

// LoadTest takes the ratings that the part's users gave and that are not learned from.
func (a *MF) LoadTest(data *dataset.Part, w *algos.Worker) error { return a.part.openTest(data, w) }

// Prepare gathers what all ratings have in common.
func (a *MF) Prepare(w *algos.Worker) {
	a.part.gather()
	a.solver.prepare(a, w)
}

// Push is the solver's.
func (a *MF) Push(w *algos.Worker, _ algos.Block) {
	a.begin(a, w)
	a.solver.push(a, w)
	a.pushes++
}

// Evaluate adds the part's errors and penalties.
func (a *MF) Evaluate(w *algos.Worker, e *algos.Eval) {
	a.begin(a, w)
	a.solver.collect(a, w)
	a.evaluate(a, w, e)
	if a.Patience > 0 {
		a.keep(w, e.Clock)
	}
}

// Conclude makes means out of the sums.
func (a *MF) Conclude(_ dataset.Info, e *algos.Eval) {
	train, test := e.Sums("train"), e.Sums("test")
	if len(train) == 0 || train[0] == 0 {
		return
	}
	e.Objective = (train[1] + e.Sum("penalty")) / train[0]
	e.Metrics["train_rmse"] = math.Sqrt(train[1] / train[0])
	if len(test) > 0 && test[0] > 0 {
		e.Metrics["test_rmse"] = math.Sqrt(test[1] / test[0])
		e.Metrics["test_mae"] = test[2] / test[0]
	}
}

// Publish writes the users' rows, and those of items where the table has not the best.
func (a *MF) Publish(w *algos.Worker) {
	a.restore(w)
	a.publish(a, w)
}
