package table

import (
	"math"

	"petuum/consistency"
)

// ftrl is rule FTRL, ready for use.
type ftrl struct {
	perAlpha float64 // 1 / alpha
	l1       float64
	base     float64 // beta/alpha + l2
	salt     uint64  // what the draws of this clock begin with
}

func (r Rule) ftrl() ftrl {
	return ftrl{bounded[float64](1 / r.eta), r.reg, bounded[float64](r.eps/r.eta + r.l2), r.salt}
}

// in is the rule as it is applied to the updates of a clock.
func (r Rule) in(clock consistency.Clock) Rule {
	r.salt = mix(uint64(clock))
	return r
}

// begin says of which clock the updates are that are applied next.
func (s *store[T]) begin(clock consistency.Clock) { s.rule = s.spec.Rule.in(clock) }

// ftrlStep makes a step of FTRL with gradient u. The state is z and the root of n:
// it has the range of u, spares a root, and is what is wanted of n. sigma is the
// difference of the roots as they are stored, for the sum of sigmas to be the root:
// otherwise what is rounded away would be counted again and again.
//
// Small gradients on top of a large n would vanish in a float32, in the root as in
// n itself. So what does not fit is rounded up with the probability that keeps the
// mean right, drawn from the step's own numbers and its clock: the same updates of
// the same clocks in the same order give the same bits.
func ftrlStep[T Elem](r *ftrl, v, z, root, u T) (v2, z2, root2 T) {
	g := float64(u)
	if g == 0 || g-g != 0 { // the difference is not a number where g is infinite or none
		return v, z, root
	}
	n := float64(root)
	square := n*n + g*g
	after := math.Sqrt(square)
	if square < 1e-290 || square > 1e300 {
		after = math.Hypot(n, g)
	}
	draw := r.draw(float64(z), g)
	root2 = roundBy[T](after, draw)
	sigma := (float64(root2) - n) * r.perAlpha
	sum := float64(z) + g - sigma*float64(v)
	if sum-sum != 0 {
		sum = bounded[float64](float64(z)+g) - bounded[float64](bounded[float64](sigma)*float64(v))
	}
	z2 = roundBy[T](sum, draw<<29)
	if over := math.Abs(float64(z2)) - r.l1; over > 0 {
		v2 = bounded[T](math.Copysign(over/(float64(root2)*r.perAlpha+r.base), -float64(z2)))
	}
	return v2, z2, root2
}

// draw mixes the numbers of a step to 64 bits, of which the upper ones are good.
func (r *ftrl) draw(z, u float64) uint64 {
	x := (math.Float64bits(z) ^ r.salt ^ math.Float64bits(u)<<7) * 0x9e3779b97f4a7c15
	return (x ^ x>>32) * 0xd6e8feb86659fd93
}

// roundBy rounds x to a T: to a float32 up or down by the upper 29 bits of draw,
// which are as many as it lacks.
func roundBy[T Elem](x float64, draw uint64) T {
	if single[T]() {
		const lacking = 1<<29 - 1
		x = math.Float64frombits((math.Float64bits(x) + draw>>35) &^ lacking)
	}
	return bounded[T](x)
}

// single reports whether T is no wider than a float32; it costs next to nothing,
// which a look at the type does not.
func single[T Elem]() bool {
	x := float64(1<<24 + 1)
	return float64(T(x)) != x
}

// bounded is x, or the largest float of its sign where x is beyond.
func bounded[T Elem](x float64) T {
	limit := math.MaxFloat64
	if single[T]() {
		limit = math.MaxFloat32
	}
	if math.Abs(x) > limit {
		return T(math.Copysign(limit, x))
	}
	return T(x)
}

// adaGrad is rule AdaGrad with penalties.
type adaGrad struct{ eta, eps, initial, l1, l2 float64 }

func (r Rule) adaGrad() adaGrad { return adaGrad{r.eta, r.eps, r.g0, r.reg, r.l2} }

// adaGradStep makes a step of AdaGrad with gradient u; sum is that of the squares.
func adaGradStep[T Elem](r *adaGrad, v, sum, u T) (v2, sum2 T) {
	g := float64(u)
	if g == 0 || g-g != 0 {
		return v, sum
	}
	sum2 = bounded[T](float64(sum) + g*g)
	root := math.Sqrt(r.initial+float64(sum2)) + r.eps
	if root == 0 {
		root = math.Abs(g) // its square is too small
	}
	h := r.eta / root
	x := float64(v) - h*g
	if r.l1 > 0 {
		x = SoftThreshold(x, h*r.l1)
	}
	if r.l2 > 0 {
		x = bounded[float64](x) / (1 + h*r.l2)
	}
	return bounded[T](x), sum2
}

// batch is how many rows are gathered, stepped and scattered together: a gather
// waits for all its misses of the cache at once.
const batch = 64

// gathered are the values and the state of the rows of a batch.
type gathered[T Elem] struct {
	pages [batch]*page[T]
	vals  [batch]T
	state [2 * batch]T // as applyRow has it: a run for each kind of state
}

// applyScattered is apply for listed rows of width 1, each of which is listed once.
func (s *store[T]) applyScattered(rows []uint32, u []T, stamp uint32) {
	b := &s.gathered
	for len(rows) > 0 {
		n := min(len(rows), batch)
		first, second := b.state[:n], b.state[n:2*n]
		for i, row := range rows[:n] {
			p, j := s.pages[row>>pageBits], int(row&pageMask)
			if p == nil {
				p = s.writable(row)
			}
			b.pages[i], b.vals[i] = p, p.vals[j]
			p.stamps[j], p.latest = stamp, stamp
			switch s.states {
			case 1:
				first[i] = p.state[j]
			case 2:
				first[i], second[i] = p.state[2*j], p.state[2*j+1]
			}
		}
		applyRow(s.rule, b.vals[:n], b.state[:n*s.states], u[:n])
		for i, row := range rows[:n] {
			p, j := b.pages[i], int(row&pageMask)
			p.vals[j] = b.vals[i]
			switch s.states {
			case 1:
				p.state[j] = first[i]
			case 2:
				p.state[2*j], p.state[2*j+1] = first[i], second[i]
			}
		}
		rows, u = rows[n:], u[n:]
	}
}
