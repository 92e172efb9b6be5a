// Package online learns linear models from streams, in one or a few passes and constant
// memory: each clock every part reads the next rows of its stream and sends the sum of
// their gradients, of which the servers make steps, each for the keys that it has
// (DistBelief: Dean et al., NIPS 2012; McMahan et al., KDD 2013).
//
//	ftrl     follow the regularised leader, proximal: weights that L1 makes 0 exactly
//	adagrad  steps that shrink with the squares of the gradients seen
//
// Gradients are sums over rows, not means, so that steps depend on neither the number of
// parts nor on how the rows are dealt out; penalties are in that scale, too: N lambda,
// and 1 where lambda is not set. A part that has waited for others works on older
// weights; what it then sends may count less (see table.Late).
//
// A model of up to 2^heldBits columns is held whole by every part. Of a larger one a
// part holds the keys of its rows and asks for those of the next rows while it works on
// these, so that neither servers nor parts have more than what was touched.
//
// # Rare features
//
// With tail = n a feature counts from its n-th row on. How often a feature was seen is
// told by a Count-Min sketch (Cormode and Muthukrishnan, 2005), a table that the parts
// share: each of its two counters is at least that often, and no counter goes on beyond
// n. What parts do in the same clock they do not see of each other, so a feature may come
// some rows late; one that shares both counters with others comes early. Of features that
// occur once, with n = 2, these are 38 of a hundred where there are as many counters as
// features, and 17 and 6 with twice and four times as many. Of a large model a part asks
// only for the keys of what counts, so that the servers have no more.
//
// The objective is the mean loss of the rows since the last evaluation, each scored
// before it was learned from: in the first pass that is an honest estimate for new rows.
package online

import (
	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/linear"
	"petuum/consistency"
	"petuum/table"
	"petuum/table/kernel"
)

// The solvers of this package.
var (
	FTRL = method("ftrl", func(p *linear.Problem, l1, l2 float64) table.Rule {
		return table.FTRL(or(p.Alpha, 0.25), or(p.Beta, 1), l1, l2)
	})
	AdaGrad = method("adagrad", func(p *linear.Problem, l1, l2 float64) table.Rule {
		return table.AdaGradWith(table.AdaGradOptions{Eta: or(p.Alpha, 0.2), Initial: or(p.Beta, 1), L1: l1, L2: l2})
	})
)

// heldBits is up to which size a part holds all of a model; tests hold less.
var heldBits = 22

const sketch = "sketch"

func or(x, otherwise float64) float64 {
	if x > 0 {
		return x
	}
	return otherwise
}

func method(name string, rule func(p *linear.Problem, l1, l2 float64) table.Rule) linear.Method {
	return linear.Method{
		Name: name, Streams: true, Resumes: true, Open: open, Clocks: clocks,
		Suits: func(p *linear.Problem) string {
			if p.FreeKey != linear.NoKey && p.L1+p.L2 > 0 {
				return "penalises all columns alike"
			}
			return ""
		},
		Tables: func(p *linear.Problem, d dataset.Info) []table.Spec {
			l1, l2 := p.L1*p.N, p.L2*p.N
			late, _ := table.ParseLate(p.Late)
			specs := []table.Spec{{Name: linear.Weights, Keys: p.Columns, Width: p.Outputs, Type: table.Float32, Rule: rule(p, l1, l2), Late: late}}
			if p.Tail > 1 {
				specs = append(specs, table.Spec{Name: sketch, Keys: 1 << p.TailBits, Type: table.Int32, Scratch: true})
			}
			return specs
		},
	}
}

// clocks cuts a pass in batches, which the parts share.
func clocks(p *linear.Problem, d dataset.Info) int {
	batch := uint64(p.Batch)
	if batch == 0 {
		batch = min(max(d.Rows/125, 10), 8000)
	}
	return int(max((d.Rows+batch-1)/batch, 1))
}

type solver struct {
	*linear.Problem
	stream *dataset.Stream
	batch  *dataset.Batch // to work on; nil where the model is held whole
	w      *table.View[float32]
	tail   *tail // nil: there is none

	scores, slope []float64
	seen          linear.Guesses // since the last evaluation
}

func open(p *linear.Problem, w *algos.Worker) (linear.Solver, error) {
	s := &solver{Problem: p, stream: p.Stream, scores: make([]float64, p.Outputs), slope: make([]float64, p.Outputs)}
	keys, coding := table.Span(0, p.Columns), dataset.Global
	if p.Columns > 1<<heldBits {
		keys, coding = table.Keys(nil), dataset.Local
	}
	var err error
	if s.w, err = algos.View[float32](w, linear.Weights, keys, table.Increments); err != nil {
		return nil, err
	}
	if p.Tail > 1 {
		if s.tail, err = openTail(p, w); err != nil {
			return nil, err
		}
	}
	return s, s.stream.Start(clocks(p, w.Info), coding)
}

// Prepare asks for the keys of the first batch.
func (s *solver) Prepare() {
	if s.Columns > 1<<heldBits {
		s.next()
	}
}

// next reads a batch and asks for its keys.
func (s *solver) next() {
	s.batch = s.stream.Next()
	if s.tail != nil {
		s.tail.sieve(s.batch)
	}
	keys := s.batch.Keys
	if s.Intercept {
		keys = append(keys, s.Columns-1)
	}
	s.w.Hold(table.Keys(keys))
}

// Push learns from a batch.
func (s *solver) Push(consistency.Clock) {
	b := s.batch
	if b == nil {
		if b = s.stream.Next(); s.tail != nil {
			s.tail.sieve(b)
		}
	}
	for i := range b.Rows() {
		s.row(b, i)
	}
	if s.batch != nil {
		s.next()
	}
}

// row adds the gradient of a row.
func (s *solver) row(b *dataset.Batch, i int) {
	cols, values := b.Row(i)
	k, w := s.Outputs, s.w.Values()
	intercept := s.w.Len() - 1
	clear(s.scores)
	switch {
	case k == 1:
		s.scores[0] = float64(kernel.GatherDot(cols, values, w))
	default:
		for n, j := range cols {
			for c, x := range w[int(j)*k : int(j+1)*k] {
				s.scores[c] += float64(values[n] * x)
			}
		}
	}
	if s.Intercept {
		for c, x := range w[intercept*k : (intercept+1)*k] {
			s.scores[c] += float64(x)
		}
	}
	weight := s.learn(b, i)
	for c, g := range s.slope {
		g := float32(g * weight)
		if g == 0 {
			continue
		}
		if k == 1 {
			s.w.Scatter(cols, g, values)
		} else {
			for n, j := range cols {
				s.w.Inc(int(j)*k+c, g*values[n])
			}
		}
		if s.Intercept {
			s.w.Inc(intercept*k+c, g)
		}
	}
}

// learn takes the slopes of a row's loss by its scores, and returns its weight.
func (s *solver) learn(b *dataset.Batch, i int) (weight float64) {
	class, label := int32(-1), 0.0
	if s.Quantities() {
		label = b.Labels[i]
	} else {
		class = b.Class[i]
	}
	importance := 1.0
	if b.Weight != nil {
		importance = float64(b.Weight[i])
	}
	s.seen.Loss += importance * s.Row(s.scores, s.slope, class, label)
	s.Guess(&s.seen, importance, s.scores, class, label)
	return importance * s.Factor(class)
}

// Evaluate reports the rows since the last evaluation.
func (s *solver) Evaluate(e *algos.Eval) { s.seen.Add(e) }
