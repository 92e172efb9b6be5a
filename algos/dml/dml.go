// Package dml learns a distance: the matrix L (rank x features) for which
// |L(x-y)|^2 is small between rows x and y of the same class, the similar pairs,
// and large between others, the dissimilar ones. It minimises
//
//	mean over similar |L(x-y)|^2 + lambda mean over dissimilar max(0, threshold - |L(x-y)|^2)
//
// which is Xing, Ng, Jordan and Russell's problem (Distance metric learning with
// application to clustering, NIPS 2002) with a hinge in place of its constraint
// and L^T L in place of its matrix, by stochastic gradients: with z = x-y, each
// similar pair gives 2 L z z^T and each dissimilar one within the threshold
// -2 lambda L z z^T. The servers turn them into steps by AdaGrad's rule.
//
// # Pairs
//
// Half of a mini-batch are similar pairs. A pair is a row, every one equally
// often, and its partner: the nearest of a few candidates, which are drawn from
// the rows that share its class, or from those that don't. So neighbours learn
// from neighbours: a class may be made of several clusters. With one candidate
// partners are random, as in Petuum's own program.
//
// Both rows are of the same part, which counts as much as it has rows. So what is
// minimised does not depend on the number of parts, as far as each sees the
// classes as the whole data does: rows should be in random order, and a part
// should have more of each class than there are candidates.
//
// # Model
//
// Features are multiplied by the factors in table scale first, of which their
// variances are 1; table metric has the columns of L. Embed maps rows to
// L(scale x), where the learned distance is Euclid's.
package dml

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/table"
)

// DML is one instance: of one part of the data.
type DML struct {
	Rank        int     `toml:"rank" min:"0" doc:"rows of L; 0 is as many as there are features"`
	Lambda      float64 `toml:"lambda" min:"0" doc:"weight of the dissimilar pairs"`
	Threshold   float64 `toml:"threshold" doc:"squared distance at which a dissimilar pair is far enough; the unit of the learned distance"`
	Step        float64 `toml:"step" doc:"step size of AdaGrad, relative to the values that L starts with"`
	Candidates  int     `toml:"candidates" min:"1" doc:"rows drawn to find a row's partner, the nearest of them before L; 1 makes pairs at random"`
	Batch       int     `toml:"batch" min:"2" doc:"pairs that all parts together take in a clock, half of them similar"`
	Pairs       int     `toml:"pairs" min:"2" doc:"pairs that all parts together take to evaluate the objective, half of them similar"`
	Standardize bool    `toml:"standardize" doc:"scale features to unit variance; else all by the same factor"`

	x      dataset.Matrix // standardised when the work begins
	pairs  pairs
	share  float64    // of the part's rows in all rows
	source *rand.PCG  // of random
	random *rand.Rand // for mini-batches
	later  []byte     // the state of source behind begin; nil: as begin leaves it
	batch  [][2]int32
	fixed  [][2]int32 // the pairs to evaluate

	metric  *table.View[float32]
	scale   *table.View[float64]
	moments *table.View[float64] // of each feature: sum, sum of squares

	factor   []float64 // nil: the rows are not standardised yet
	told     bool      // the table scale has it
	gradient []float32
	cols     []uint32  // the features in which the last pair differs
	z        []float64 // and by how much
	lz       []float32
	diff     []float64 // of all features; zero between pairs
}

// New makes an instance with the default parameters.
func New() *DML {
	return &DML{Lambda: 5, Threshold: 1, Step: 0.3, Candidates: 100, Batch: 512, Pairs: 20_000, Standardize: true}
}

// mostFeatures is how many features may be had without a word on the rank.
const mostFeatures = 4096

// Validate refuses what the tags cannot.
func (a *DML) Validate() error {
	var errs []error
	if !(a.Threshold > 0) {
		errs = append(errs, algos.Refuse("threshold", "want a number above 0"))
	}
	if !(a.Step > 0) {
		errs = append(errs, algos.Refuse("step", "want a number above 0"))
	}
	return errors.Join(errs...)
}

func (a *DML) rank(d dataset.Info) int {
	if a.Rank == 0 {
		return int(d.Features)
	}
	return a.Rank
}

// Tables declares L by columns, so that only the features in which a pair
// differs are touched. Its values are drawn such that the squared distance of a
// pair is the threshold on average, at most.
func (a *DML) Tables(d dataset.Info) ([]table.Spec, error) {
	switch {
	case d.Rows == 0 || d.Features == 0:
		return nil, errors.New("dml: the data is empty")
	case len(d.Classes) < 2:
		return nil, fmt.Errorf("dml: want labels of at least two classes, at most %d, to tell similar rows from others", dataset.MaxClasses)
	case uint64(len(d.Classes)) == d.Rows:
		return nil, errors.New("dml: no two rows have the same label: no pair is similar")
	case a.Rank == 0 && d.Features > mostFeatures:
		return nil, fmt.Errorf("dml: L would be %d x %[1]d: set algorithm.rank", d.Features)
	}
	spread := math.Sqrt(1.5 * a.Threshold / float64(d.Features) / float64(a.rank(d)))
	return []table.Spec{
		{Name: "metric", Keys: d.Features, Width: a.rank(d), Rule: table.AdaGrad(a.Step*spread, 1e-12), Init: table.Init{Spread: spread, Seed: 1}},
		{Name: "scale", Keys: d.Features, Type: table.Float64, Rule: table.Replace},
		{Name: "moments", Keys: d.Features, Width: 2, Type: table.Float64, Scratch: true},
	}, nil
}

// Load takes the part in and opens the views. It refuses rows of one class: the
// part would know of nothing that is dissimilar.
func (a *DML) Load(part *dataset.Part, w *algos.Worker) (err error) {
	features := w.Info.Features
	if err := part.Widen(features); err != nil {
		return err
	}
	a.x, a.share = part.X, float64(part.X.Rows())/float64(w.Info.Rows)
	a.pairs = newPairs(&a.x, part.Class, len(w.Info.Classes), a.Candidates)
	if a.x.Rows() > 0 {
		if lo, hi := a.pairs.of(0); hi-lo == a.x.Rows() {
			return fmt.Errorf("dml: part %d of %d has rows of class %s only: put the rows in random order, or take fewer parts", w.Part, w.Parts, w.Info.Classes[part.Class[0]])
		}
	}
	a.source = rand.NewPCG(w.Seed, uint64(w.Part))
	a.random = rand.New(a.source)
	a.batch, a.fixed = a.own(a.Batch), a.own(a.Pairs)

	all := table.Span(0, features)
	if a.metric, err = algos.View[float32](w, "metric", all, table.Increments); err != nil {
		return err
	}
	if a.scale, err = algos.View[float64](w, "scale", all, table.Increments); err != nil {
		return err
	}
	if a.moments, err = algos.View[float64](w, "moments", all, table.Increments); err != nil {
		return err
	}
	rank := a.rank(w.Info)
	a.gradient, a.lz = make([]float32, int(features)*rank), make([]float32, rank)
	a.cols, a.z, a.diff = make([]uint32, 0, features), make([]float64, 0, features), make([]float64, features)
	return nil
}

// ClocksPerEpoch makes an epoch of as many pairs as there are rows.
func (a *DML) ClocksPerEpoch(d dataset.Info) int {
	return max(1, int(d.Rows)/a.Batch)
}

// Push sends the gradient of a mini-batch.
func (a *DML) Push(w *algos.Worker, _ algos.Block) {
	a.begin(w.Info)
	if !a.told {
		for j := range a.factor {
			a.scale.Put(j, a.factor[j:j+1])
		}
		a.told = true
	}
	clear(a.gradient)
	a.pairs.sample(a.batch, a.random, a.diff)
	a.objective(a.metric.Values(), a.gradient, a.batch)
	for j := range a.metric.Len() {
		a.metric.AddTo(j, 1, a.gradient[j*len(a.lz):(j+1)*len(a.lz)])
	}
}

// own makes room for the part's own of n pairs, an even number.
func (a *DML) own(n int) [][2]int32 {
	if a.x.Rows() == 0 {
		return nil
	}
	return make([][2]int32, 2*max(1, int(math.Round(a.share*float64(n)/2))))
}

// objective returns the part's share of the two means over a sample. Unless
// gradient is nil, the gradient with respect to l of similar + lambda dissimilar
// is added to it.
func (a *DML) objective(l, gradient []float32, sample [][2]int32) (similar, dissimilar float64) {
	weight := 2 * a.share / float64(len(sample))
	for n, pair := range sample {
		squared := a.apply(l, int(pair[0]), int(pair[1]))
		switch short := a.Threshold - squared; {
		case n%2 == 0:
			similar += weight * squared
			a.addTo(gradient, 2*weight)
		case short >= 0:
			dissimilar += weight * short
			a.addTo(gradient, -2*a.Lambda*weight)
		}
	}
	return similar, dissimilar
}

// apply leaves the z of two rows and its Lz, and returns |Lz|^2.
func (a *DML) apply(l []float32, i, j int) (squared float64) {
	a.x.AddTo(i, 1, a.diff)
	a.x.AddTo(j, -1, a.diff)
	a.cols, a.z = a.cols[:0], a.z[:0]
	clear(a.lz)
	for _, row := range [2]int{i, j} {
		for c := range a.x.Row(row) {
			z := a.diff[c]
			if z == 0 { // or done with the other row
				continue
			}
			a.diff[c] = 0
			a.cols, a.z = append(a.cols, uint32(c)), append(a.z, z)
			for r, v := range l[c*len(a.lz):][:len(a.lz)] {
				a.lz[r] += float32(z) * v
			}
		}
	}
	for _, v := range a.lz {
		squared += float64(v) * float64(v)
	}
	return squared
}

// addTo adds alpha L z z^T of the last pair.
func (a *DML) addTo(gradient []float32, alpha float64) {
	if gradient == nil {
		return
	}
	for k, c := range a.cols {
		alphaZ := float32(alpha * a.z[k])
		column := gradient[int(c)*len(a.lz):][:len(a.lz)]
		for r, v := range a.lz {
			column[r] += alphaZ * v
		}
	}
}

// Evaluate takes the same pairs each time.
func (a *DML) Evaluate(w *algos.Worker, e *algos.Eval) {
	a.begin(w.Info)
	similar, dissimilar := a.objective(a.metric.Values(), nil, a.fixed)
	e.Add("similar", similar)
	e.Add("dissimilar", dissimilar)
}

// Conclude adds the two means up.
func (a *DML) Conclude(_ dataset.Info, e *algos.Eval) {
	e.Metrics["similar"], e.Metrics["dissimilar"] = e.Sum("similar"), e.Sum("dissimilar")
	e.Objective = e.Sum("similar") + a.Lambda*e.Sum("dissimilar")
}
