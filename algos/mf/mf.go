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
//
// # Solvers
//
//	sgd  descent, a rating at a time: the fastest to a good model of many ratings; slices of
//	     the items go round, and any policy will do
//	als  least squares: every step is the best for its row; few sweeps
//	ccd  CCD++: a rank at a time; sweeps are cheap, and as good as those of als
//	bpr  pairs of what a user took and did not take; slices go round
//
// als and ccd want all parts at one clock, as they add up sums of all of them. A clock of ccd
// sends two numbers an item and part; a sweep of als sends (K+1)(K+2)/2 of them with K
// factors, however few the ratings are: for several parts it is for items with more ratings
// than factors.
//
// Implicit feedback says what users took and not how they liked it: als and bpr rank what
// is left. Their test data measures lists, of what users have not in the training data.
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
	Solver      string   `toml:"solver" oneof:"sgd als ccd bpr" doc:"sgd: stochastic gradient descent, slices of the items go round the parts; als: alternating least squares; ccd: a rank at a time (CCD++); bpr: Bayesian personalised ranking, of implicit feedback"`
	Feedback    string   `toml:"feedback" oneof:"explicit implicit" doc:"explicit: ratings are to be predicted; implicit: a rating above 0 says that the user took the item, and what each is likely to take next is to be ranked (als and bpr)"`
	Rank        int      `toml:"rank" min:"1" max:"4096" doc:"factors of each user and item; multiples of 8 take no more time than what is below"`
	Lambda      *float64 `toml:"lambda" min:"0" doc:"weight of the penalty of a row's squared length, in standard deviations of the ratings where these are explicit; if not given, 0.85 for sqrt, 0.1 for ratings, 1 for plain, of implicit feedback 10 and with bpr 0.01"`
	Penalty     string   `toml:"penalty" oneof:"auto sqrt ratings plain" doc:"what lambda counts times: the square root of the row's ratings, their number, or 1; auto: sqrt with sgd, ratings with als and ccd, plain of implicit feedback"`
	Biases      bool     `toml:"biases" doc:"learn the mean and a bias of each user and item; of implicit feedback, bpr learns those of items and als none"`
	BiasLambda  float64  `toml:"bias_lambda" min:"0" doc:"weight of the penalty of a squared bias, for each rating (once, where the penalty is plain)"`
	Nonnegative bool     `toml:"nonnegative" doc:"keep factors from being negative"`
	Rate        float64  `toml:"rate" doc:"sgd: how fast factors learn at first, of users and items with few ratings"`
	BiasRate    float64  `toml:"bias_rate" min:"0" doc:"sgd: how fast biases learn at first"`
	Decay       float64  `toml:"decay" min:"0" doc:"sgd: epochs in which rates fall to a fiftieth; 0 keeps them"`
	Spread      float64  `toml:"spread" doc:"what the product of a user's and an item's factors deviates by at first, in standard deviations of the ratings"`
	Alpha       float64  `toml:"alpha" min:"0" doc:"als of implicit feedback: confidence in a rating r is 1 + alpha r, and 1 where there is none"`
	Step        float64  `toml:"step" doc:"bpr: how far a step goes"`
	Top         int      `toml:"top" min:"1" max:"1000" doc:"implicit feedback: length of the lists whose precision, recall and NDCG are measured on test data"`
	Room        int      `toml:"slice_mb" min:"1" max:"65536" doc:"als with several parts: megabytes of the normal equations that are added up in a clock, of a slice of the items"`
	Patience    int      `toml:"patience" min:"0" doc:"evaluations without a better test_rmse (train_rmse without test data) after which the job stops; the model is the best one's; 0 is off"`

	part
}

// New makes an instance with the default parameters.
func New() *MF {
	return &MF{Solver: "sgd", Feedback: "explicit", Penalty: "auto", Alpha: 1, Step: 0.05, Top: 10, Room: 64, Rank: 32, Biases: true, BiasLambda: 0.03, Rate: 0.2, BiasRate: 0.03, Decay: 6, Spread: 0.03}
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
	return errors.Join(append(errs, a.together()...)...)
}

// Unsupervised says that ratings have no labels.
func (a *MF) Unsupervised() bool { return true }

// Sums asks for the sum of each item's ratings, by which slices are cut.
func (a *MF) Sums() bool { return true }

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
	return append([]table.Spec{
		{Name: users, Keys: d.Rows, Width: 1 + a.Rank},
		{Name: items, Keys: d.Features, Width: 1 + a.Rank},
		{Name: scale, Keys: 1, Width: 3, Type: table.Float64, Rule: table.Replace},
		{Name: counts, Keys: d.Features, Width: 2, Type: table.Float64, Scratch: true},
		{Name: moments, Keys: 1, Width: 3, Type: table.Float64, Scratch: true},
		{Name: extreme, Keys: 1, Width: 2, Type: table.Float64, Rule: table.Min, Init: table.Init{Value: math.MaxFloat64}, Scratch: true},
	}, a.newSolver().tables(a, d)...), nil
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
		if n.Rows = name == users; !n.Rows {
			n.Features = d.Features
		}
	case scale:
		n.Columns = []string{"mean", "least", "largest"}
	}
	return n
}

// ClocksPerEpoch is the solver's.
func (a *MF) ClocksPerEpoch(d dataset.Info) int { return a.newSolver().clocks(a, d) }

// Load takes the part in and opens views.
func (a *MF) Load(data *dataset.Part, w *algos.Worker) error {
	if err := data.Widen(w.Info.Features); err != nil {
		return err
	}
	if err := a.part.open(a, data, w); err != nil {
		return err
	}
	a.solver = a.newSolver()
	return a.solver.load(a, data, w)
}

// Tests asks for test data.
func (a *MF) Tests() bool { return true }

// LoadTest takes the ratings that the part's users gave and that are not learned from.
func (a *MF) LoadTest(data *dataset.Part, w *algos.Worker) error { return a.part.openTest(data, w) }

// Prepare gathers what all ratings have in common.
func (a *MF) Prepare(w *algos.Worker) {
	a.part.gather()
	a.solver.prepare(a, w)
}

// Push is the solver's.
func (a *MF) Push(w *algos.Worker, _ algos.Block) {
	a.begin(a)
	a.solver.push(a, w)
	a.pushes++
}

// Evaluate adds the part's errors and penalties.
func (a *MF) Evaluate(w *algos.Worker, e *algos.Eval) {
	a.begin(a)
	a.solver.collect(a, w)
	if a.implicit() {
		a.evaluateImplicit(w, e)
	} else {
		a.evaluate(a, w, e)
	}
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
	if a.implicit() {
		a.concludeImplicit(e)
		return
	}
	e.Objective = (train[1] + e.Sum("penalty")) / train[0]
	e.Metrics["train_rmse"] = math.Sqrt(train[1] / train[0])
	e.Patience, e.Held = a.Patience, e.Metrics["train_rmse"]
	if len(test) > 0 && test[0] > 0 {
		e.Held = math.Sqrt(test[1] / test[0])
		e.Metrics["test_rmse"] = math.Sqrt(test[1] / test[0])
		e.Metrics["test_mae"] = test[2] / test[0]
	}
}

// Publish writes the users' rows, and those of items where the table has not the best.
func (a *MF) Publish(w *algos.Worker) {
	a.restore(w)
	a.publish(a, w)
}
