package table

import (
	"errors"
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
//
// Min, Max and Replace are Piccolo's accumulators (Power and Li, OSDI 2010),
// AdaGrad in the server is DistBelief's (Dean et al., NIPS 2012), ProximalL1 the
// Parameter Server's user-defined function (Li et al., OSDI 2014); S is soft
// thresholding. Under a rule with a preview a part sees its own updates at once
// (read-my-writes); an optimiser previews nothing, its values come from the
// shard.
//
// Aggregate keeps the sum g of what every origin sent last, so that a fast
// origin counts no more than a slow one: its fixed point is g = 0, the optimum,
// whatever the rates (incremental aggregated gradient, Blatt et al. 2007).
type Rule struct {
	kind ruleKind
	eta  float64 // step size
	eps  float64 // AdaGrad: added to the root
	reg  float64 // ProximalL1: lambda
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
		return fmt.Sprintf("adagrad(eta=%g, eps=%g)", r.eta, r.eps)
	case ruleAggregate:
		return fmt.Sprintf("aggregate(eta=%g, eps=%g)", r.eta, r.eps)
	case ruleProximalL1:
		return fmt.Sprintf("proximal-l1(eta=%g, lambda=%g)", r.eta, r.reg)
	}
	return fmt.Sprintf("Rule(%d)", r.kind)
}

func (r Rule) validate(t Type) error {
	if r.kind > ruleProximalL1 {
		return fmt.Errorf("unknown rule %d", r.kind)
	}
	if r.kind < ruleAdaGrad {
		return nil
	}
	if t == Int32 {
		return fmt.Errorf("rule %s needs a float type", r)
	}
	if !(r.eta > 0) || math.IsInf(r.eta, 0) {
		return fmt.Errorf("rule %s: the step size eta must be positive", r)
	}
	if !(r.eps >= 0) || !(r.reg >= 0) || math.IsInf(r.eps+r.reg, 0) {
		return errors.New("rule " + r.String() + ": eps and lambda must not be negative")
	}
	return nil
}

// stateWidth is the values that a shard keeps for each value of a key.
func (r Rule) stateWidth() int {
	switch r.kind {
	case ruleAdaGrad:
		return 1
	case ruleAggregate:
		return 2
	}
	return 0
}

// preview reports whether a part sees its own updates before the shard does.
func (r Rule) preview() bool { return r.kind < ruleAdaGrad }

// skipsZero reports whether an update of zeros changes nothing, so that it need
// not be sent. Aggregate and ProximalL1 take a step even then.
func (r Rule) skipsZero() bool { return r.kind == ruleAdd || r.kind == ruleAdaGrad }

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
			v[j] = T(softThreshold(float64(v[j])-r.eta*float64(g), r.eta*r.reg))
		}
	default:
		combineRow(r, v, u)
	}
}

// resumeRow makes the state with which a row begins whose first values are v. The
// rules there are keep sums over past updates, which no model has: they begin at 0.
func resumeRow[T Elem](_ Rule, _, state []T) { clear(state) }

func adaStep[T Elem](r Rule, g, g2 T) T {
	if g == 0 {
		return 0 // also where g2 and eps are 0
	}
	return T(r.eta * float64(g) / (math.Sqrt(float64(g2)) + r.eps))
}

// softThreshold is S(x, t) = sign(x) max(|x| - t, 0).
func softThreshold(x, t float64) float64 {
	switch {
	case x > t:
		return x - t
	case x < -t:
		return x + t
	}
	return 0
}
