package logreg

import (
	"math"

	"petuum/algos"
	"petuum/consistency"
	"petuum/table"
)

// adagrad sends gradients of small batches to servers that make AdaGrad steps of
// them (DistBelief: Dean et al., NIPS 2012).
//
// The slice of a part is 1/K of its rows, K clocks a pass; with k_i = -y_i /
// (1 + e^(y_i w.x_i)), what it sends for column j is its share of an unbiased
// estimate of the gradient of P,
//
//	g_j = K/n  sum over its rows i that have column j of
//	           [ k_i x_ij + n/c_j lambda w_j ]
//
// Only columns of the batch are touched: a column's penalty is dealt out over
// the c_j rows of all parts that have it, counted before the first round. The
// sum over the parts is the gradient whatever the parts, which is what the
// server steps by under BSP. Under SSP and ASP it steps by each part's share;
// AdaGrad's steps do not depend on the scale of what it is sent, so the same
// step size serves.
//
// With memory (SAGA: Defazio et al., NIPS 2014) a row remembers its last k_i, a
// table the mean m = sum k_i x_i / n over all rows, and with d the change of k_i
//
//	g_j = K/n  sum [ d x_ij + n/c_j (m_j + lambda w_j) ]
//
// whose variance vanishes at the optimum.
type adagrad struct {
	*samples
	scale    float64 // K/n
	counts   *table.View[float32]
	remember bool
	mean     *table.View[float64] // nil without memory
	k        []float64            // of each row; nil without memory

	// Of the batch, by column: the sum of k_i x_ij (of d x_ij), and the rows that
	// have it. Zero between clocks.
	sum     []float64
	rows    []float64
	touched []uint32 // columns with rows
}

const (
	counts = "counts" // the table of c
	mean   = "mean"   // the table of m
	tiny   = 1e-12    // AdaGrad's eps
)

func (a *adagrad) open(w *algos.Worker) (err error) {
	a.scale = float64(a.clocks) / a.n
	if a.counts, err = algos.View[float32](w, counts, a.keys, table.Increments); err != nil {
		return err
	}
	if a.remember {
		a.k = make([]float64, a.x.Rows())
		if a.mean, err = algos.View[float64](w, mean, a.keys, table.Increments); err != nil {
			return err
		}
	}
	a.sum = make([]float64, a.keys.Len())
	a.rows = make([]float64, a.keys.Len())
	a.touched = make([]uint32, 0, a.keys.Len())
	return nil
}

// prepare counts the rows that have each column.
func (a *adagrad) prepare() {
	for i := range a.x.Rows() {
		for j := range a.x.Row(i) {
			a.counts.Inc(j, 1)
		}
	}
}

// push sends what the batch says of the gradient.
func (a *adagrad) push(consistency.Clock) {
	a.gather()
	w, c := a.w.Values(), a.counts.Values()
	for _, j := range a.touched {
		every := a.lambda * w[j] // what every row has in common
		if a.mean != nil {
			every += a.mean.Values()[j]
			a.mean.Inc(int(j), a.sum[j]/a.n)
		}
		a.w.Inc(int(j), a.scale*(a.sum[j]+a.rows[j]*a.n/float64(c[j])*every))
		a.sum[j], a.rows[j] = 0, 0
	}
	a.touched = a.touched[:0]
}

// gather sums up the rows of the batch.
func (a *adagrad) gather() {
	w := a.w.Values()
	for _, r := range a.next() {
		i := int(r)
		y := a.sign(i)
		k := -y / (1 + math.Exp(y*a.x.Dot(i, w)))
		if a.k != nil {
			k, a.k[i] = k-a.k[i], k
		}
		a.x.AddTo(i, k, a.sum)
		for j := range a.x.Row(i) {
			if a.rows[j] == 0 {
				a.touched = append(a.touched, uint32(j))
			}
			a.rows[j]++
		}
	}
}
