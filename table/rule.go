package table

import (
	"fmt"
	"math"

	"petuum/table/kernel"
)

// Rule says how updates become values: a client combines what its parts did in
// a clock (Combine), a shard folds it into the value (Apply). It is a value with
// its parameters; the zero value is Add.
//
//	rule        update u       combine      apply                                  preview
//	Add         a difference   u + u'       v += u                                 yes
//	Min, Max    a candidate    min(u, u')   v = min(v, u)                          yes
//	Replace     a new value    the later    v = u                                  yes
//	AdaGrad     a gradient     u + u'       G += u^2; v -= eta u / (sqrt(G) + eps) no
//	Aggregate   a change of    u + u'       g += u; G += g^2;                      no
//	            the gradient                v -= eta g / (sqrt(G) + eps)
//	ProximalL1  a gradient     u + u'       v = S(v - eta u, eta lambda)           no
//	FTRL        a gradient     u + u'       see FTRL                               no
//
// Min, Max and Replace are Piccolo's accumulators (Power and Li, OSDI 2010),
// AdaGrad in the server is DistBelief's (Dean et al., NIPS 2012), ProximalL1 the
// Parameter Server's user-defined function (Li et al., OSDI 2014), FTRL that of
// click prediction (McMahan et al., KDD 2013); S is soft thresholding. Plain
// stochastic gradient steps are ProximalL1 with lambda 0. Under a rule with a preview a part sees its own updates at once
// (read-my-writes); an optimiser previews nothing, its values come from the
// shard.
//
// Aggregate keeps the sum g of what every origin sent last, so that a fast
// origin counts no more than a slow one: its fixed point is g = 0, the optimum,
// whatever the rates (incremental aggregated gradient, Blatt et al. 2007).
type Rule struct {
	kind ruleKind
	eta  float64 // step size; FTRL: alpha
	eps  float64 // AdaGrad: added to the root; FTRL: beta
	reg  float64 // the penalty on absolute values
	l2   float64 // the penalty on squares
	g0   float64 // AdaGrad: where the sum of squares starts
	salt uint64  // FTRL: what rounding depends on; 0 but in use
}

type ruleKind uint8

const (
	ruleAdd ruleKind = iota
	ruleMin
	ruleMax
	ruleReplace
	ruleAdaGrad
	ruleAggregate
	ruleProximalL1
	ruleFTRL
)

// The rules without parameters.
var (
	Add     = Rule{kind: ruleAdd}
	Min     = Rule{kind: ruleMin}
	Max     = Rule{kind: ruleMax}
	Replace = Rule{kind: ruleReplace}
)

// AdaGrad takes gradients and steps by eta over the root of the sum of their
// squares, which starts at 0; eps keeps the first step finite.
func AdaGrad(eta, eps float64) Rule { return Rule{kind: ruleAdaGrad, eta: eta, eps: eps} }

// AdaGradOptions are the parameters of AdaGrad with penalties.
type AdaGradOptions struct {
	Eta     float64 // step size
	Eps     float64 // added to the root; 0 is allowed
	Initial float64 // where the sum of squares starts: the larger, the shorter are the first steps
	L1      float64 // adds L1 |v| to what is minimised
	L2      float64 // adds L2 v^2 / 2
}

// AdaGradWith is AdaGrad with a composite objective (Duchi et al., JMLR 2011):
//
//	G += u^2; h = eta / (sqrt(Initial + G) + eps); v = S(v - h u, h L1) / (1 + h L2)
//
// A gradient of 0 makes no step, so that penalties act on the keys that a clock
// touches; one that is not a finite number is ignored, unless all but Eta and Eps
// are 0: that is AdaGrad(Eta, Eps).
func AdaGradWith(o AdaGradOptions) Rule {
	return Rule{kind: ruleAdaGrad, eta: o.Eta, eps: o.Eps, g0: o.Initial, reg: o.L1, l2: o.L2}
}

// FTRL is follow the regularised leader, proximal (McMahan et al., KDD 2013). Of
// each value it keeps z and n, of which the value is a function; it starts at 0.
//
//	sigma = (sqrt(n + u^2) - sqrt(n)) / alpha; z += u - sigma v; n += u^2
//	v = 0 where |z| <= l1, else -(z - sign(z) l1) / ((beta + sqrt(n)) / alpha + l2)
//
// A gradient of 0 changes nothing, and one that is not a finite number is ignored:
// a value is never infinite and always a number.
func FTRL(alpha, beta, l1, l2 float64) Rule {
	return Rule{kind: ruleFTRL, eta: alpha, eps: beta, reg: l1, l2: l2}
}

// Aggregate takes changes of each origin's gradient and makes AdaGrad steps
// with the sum of all origins' latest gradients.
func Aggregate(eta, eps float64) Rule { return Rule{kind: ruleAggregate, eta: eta, eps: eps} }

// ProximalL1 takes gradients, steps by eta and soft-thresholds by eta*lambda.
func ProximalL1(eta, lambda float64) Rule {
	return Rule{kind: ruleProximalL1, eta: eta, reg: lambda}
}

// String names the rule and its parameters.
func (r Rule) String() string {
	switch r.kind {
	case ruleAdd:
		return "add"
	case ruleMin:
		return "min"
	case ruleMax:
		return "max"
	case ruleReplace:
		return "replace"
	case ruleAdaGrad:
		if r.composite() {
			return fmt.Sprintf("adagrad(eta=%g, eps=%g, initial=%g, l1=%g, l2=%g)", r.eta, r.eps, r.g0, r.reg, r.l2)
		}
		return fmt.Sprintf("adagrad(eta=%g, eps=%g)", r.eta, r.eps)
	case ruleFTRL:
		return fmt.Sprintf("ftrl(alpha=%g, beta=%g, l1=%g, l2=%g)", r.eta, r.eps, r.reg, r.l2)
	case ruleAggregate:
		return fmt.Sprintf("aggregate(eta=%g, eps=%g)", r.eta, r.eps)
	case ruleProximalL1:
		return fmt.Sprintf("proximal-l1(eta=%g, lambda=%g)", r.eta, r.reg)
	}
	return fmt.Sprintf("Rule(%d)", r.kind)
}

func (r Rule) validate(t Type) error {
	if r.kind > ruleFTRL {
		return fmt.Errorf("unknown rule %d", r.kind)
	}
	if r.kind < ruleAdaGrad {
		return nil
	}
	if t == Int32 {
		return fmt.Errorf("rule %s needs a float type", r)
	}
	step, rest := "eta", "eps and lambda"
	switch {
	case r.kind == ruleFTRL:
		step, rest = "alpha", "beta, l1 and l2"
	case r.composite():
		rest = "eps, initial, l1 and l2"
	}
	if !(r.eta > 0) || math.IsInf(r.eta, 0) {
		return fmt.Errorf("rule %s: the step size %s must be positive, and finite", r, step)
	}
	for _, x := range []float64{r.eps, r.reg, r.l2, r.g0} {
		if !(x >= 0) || math.IsInf(x, 0) {
			return fmt.Errorf("rule %s: %s must not be negative, and finite", r, rest)
		}
	}
	return nil
}

// composite reports whether AdaGrad has to do more than steps.
func (r Rule) composite() bool { return r.reg != 0 || r.l2 != 0 || r.g0 != 0 }

// stateWidth is the values that a shard keeps for each value of a key.
func (r Rule) stateWidth() int {
	switch r.kind {
	case ruleAdaGrad:
		return 1
	case ruleAggregate, ruleFTRL:
		return 2
	}
	return 0
}

// preview reports whether a part sees its own updates before the shard does.
func (r Rule) preview() bool { return r.kind < ruleAdaGrad }

// skipsZero reports whether an update of zeros changes nothing, so that it need
// not be sent. Aggregate and ProximalL1 take a step even then.
func (r Rule) skipsZero() bool {
	return r.kind == ruleAdd || r.kind == ruleAdaGrad || r.kind == ruleFTRL
}

// sums reports whether updates are differences or gradients, which may come in
// pieces.
func (r Rule) sums() bool { return r.kind == ruleAdd || r.kind >= ruleAdaGrad }

// fold reports whether the clock of all origins has to be combined before it is
// applied, for the result not to depend on how the work was divided.
func (r Rule) fold() bool { return r.kind >= ruleAdaGrad }

// combineRow folds update u into the earlier update acc.
func combineRow[T Elem](r Rule, acc, u []T) {
	u = u[:len(acc)]
	switch r.kind {
	case ruleMin:
		for j, x := range u {
			acc[j] = min(acc[j], x)
		}
	case ruleMax:
		for j, x := range u {
			acc[j] = max(acc[j], x)
		}
	case ruleReplace:
		copy(acc, u)
	default:
		if len(acc) >= 16 {
			kernel.Add(acc, u)
			return
		}
		for j, x := range u {
			acc[j] += x
		}
	}
}

// applyRow folds update u into the value v with the rule's state of that key:
// stateWidth runs of len(v).
func applyRow[T Elem](r Rule, v, state, u []T) {
	w := len(v)
	u = u[:w]
	switch r.kind {
	case ruleAdaGrad:
		state = state[:w]
		if r.composite() {
			r := r.adaGrad()
			for j, g := range u {
				v[j], state[j] = adaGradStep(&r, v[j], state[j], g)
			}
			return
		}
		for j, g := range u {
			state[j] += g * g
			v[j] -= adaStep(r, g, state[j])
		}
	case ruleAggregate:
		sum, g2 := state[:w], state[w:2*w]
		for j, d := range u {
			sum[j] += d
			g2[j] += sum[j] * sum[j]
			v[j] -= adaStep(r, sum[j], g2[j])
		}
	case ruleProximalL1:
		for j, g := range u {
			v[j] = T(SoftThreshold(float64(v[j])-r.eta*float64(g), r.eta*r.reg))
		}
	case ruleFTRL:
		z, root, r := state[:w], state[w:2*w], r.ftrl()
		for j, g := range u {
			v[j], z[j], root[j] = ftrlStep(&r, v[j], z[j], root[j], g)
		}
	default:
		combineRow(r, v, u)
	}
}

// resumeRow makes the state with which a row begins whose first values are v. Rules
// keep sums over past updates, which no model has: they begin at 0. So does the n of
// FTRL, whose z is the one of which v is made then.
func resumeRow[T Elem](r Rule, v, state []T) {
	clear(state)
	if r.kind != ruleFTRL {
		return
	}
	f := r.ftrl()
	for j, x := range v {
		if x != 0 {
			state[j] = bounded[T](-float64(x)*f.base - math.Copysign(f.l1, float64(x)))
		}
	}
}

func adaStep[T Elem](r Rule, g, g2 T) T {
	if g == 0 {
		return 0 // also where g2 and eps are 0
	}
	return T(r.eta * float64(g) / (math.Sqrt(float64(g2)) + r.eps))
}

// SoftThreshold is S(x, t) = sign(x) max(|x| - t, 0).
func SoftThreshold(x, t float64) float64 {
	switch {
	case x > t:
		return x - t
	case x < -t:
		return x + t
	}
	return 0
}
