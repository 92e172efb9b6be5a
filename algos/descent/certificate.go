package descent

import (
	"math"

	"petuum/algos"
	"petuum/table/kernel"
)

// certificate is what an evaluation says of the model at a lambda.
type certificate struct {
	objective, gap float64
	used           int
	top            float64 // the largest slope of a unit, in units of L1
	scale          float64 // a: the slopes times a are feasible
	pen            Penalty
}

// dualScales are the scales at which parts compute the dual of losses whose dual at
// another scale they would have to be asked for. As the dual is concave, what is
// between two of them is at least what the line says.
var dualScales = []float64{0, 1 - 1./4, 1 - 1./16, 1 - 1./64, 1 - 1./256, 1 - 1./1024, 1 - 1./4096, 1 - 1./16384, 1 - 1./65536, 1}

// certify computes objective and duality gap. The dual point is the slopes r of the
// rows times a, so small that no column's slope is above L1; the L2 part of the
// penalty is rows of its own, with the slopes -sqrt(L2) b (Zou and Hastie 2005).
//
//	squared    D = a y.r - a^2 (r.r + L2 b.b) / 2, a the best that is feasible
//	logistic   D = sum of entropies of y - a r, less a^2 L2 b.b / 2
//
// An intercept demands that a r adds up to 0, which it does where the loss is squared,
// as the intercept is eliminated there. Else what is left of the sum counts as if the
// intercept, that of centred columns, were known to be within bounds far off.
func (m *Model) certify(lambda float64, e *algos.Eval) certificate {
	c := certificate{pen: m.penalty(lambda), scale: 1}
	l1, bb, b0 := 0.0, 0.0, m.b0
	for _, u := range m.used {
		length := 0.0
		lo, hi := m.unit(u)
		for j := lo; j < hi; j++ {
			if b := m.b[j]; b != 0 {
				length += b * b
				b0 += m.mean[j] * b / m.scale[j]
				c.used++
			}
		}
		l1 += math.Sqrt(length * float64(hi-lo))
		bb += length
		c.top = max(c.top, m.slope(u, c.pen.L2))
	}
	c.top = max(c.top, m.steepest(c.pen.L2))
	if c.top > c.pen.L1 {
		c.scale = c.pen.L1 / c.top
	}
	primal := m.rows.loss + c.pen.L1*l1 + c.pen.L2/2*bb
	dual := 0.0
	if m.Loss == Squared {
		rr := m.rows.rr + c.pen.L2*bb
		if rr > 0 {
			c.scale = min(max(m.rows.ry/rr, -c.scale), c.scale)
		}
		dual = c.scale*m.rows.ry - c.scale*c.scale*rr/2
	} else {
		dual = between(e.Sums("entropy"), c.scale) - c.scale*c.scale*c.pen.L2*bb/2
		if m.Intercept {
			dual -= c.scale * math.Abs(m.rows.r1) * 2 * (1 + math.Abs(b0))
		}
	}
	c.objective, c.gap = primal/m.n, max(0, primal-dual)/m.n
	return c
}

// steepest is the largest slope of the units that are not in use; without L2 it does not
// matter which are.
func (m *Model) steepest(l2 float64) (most float64) {
	if l2 == 0 {
		return kernel.Largest(m.steep)
	}
	used := m.used
	for u, slope := range m.steep {
		if len(used) > 0 && used[0] == u {
			used = used[1:]
			continue
		}
		most = max(most, math.Abs(slope))
	}
	return most
}

// between is a lower bound of a concave function at a, of its values at dualScales.
func between(values []float64, a float64) float64 {
	for k := len(dualScales) - 2; k >= 0; k-- {
		if lo, hi := dualScales[k], dualScales[k+1]; a >= lo {
			return values[k] + (values[k+1]-values[k])*(a-lo)/(hi-lo)
		}
	}
	return values[0]
}

// screen puts units to sleep that are 0 at the optimum for certain: the dual optimum
// is within a ball about the dual point (Ndiaye, Fercoq, Gramfort and Salmon, "Gap
// Safe Screening Rules for Sparsity Enforcing Penalties", JMLR 18, 2017), so a column
// whose slope is below L1 all over the ball is not in use there.
func (m *Model) screen(c certificate) {
	radius := math.Sqrt(2 * c.gap * m.n * m.Loss.smooth())
	a := math.Abs(c.scale)
	for u, slope := range m.steep {
		if a*math.Abs(slope)+radius*m.reach(u, c.pen.L2) >= c.pen.L1*(1-1e-9) || m.inUse(u) {
			continue
		}
		lo, hi := m.unit(u)
		for j := lo; j < hi; j++ {
			m.asleep[j] = true
		}
	}
}
