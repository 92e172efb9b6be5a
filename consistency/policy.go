package consistency

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Clock counts the iterations that an origin has finished. Every origin that
// is there from the start begins at clock 0.
type Clock int64

// Beginning is the clock before every update: a floor of Beginning never waits.
const Beginning Clock = math.MinInt64

// asyncWindow is how many updates an ASP client may leave unanswered: enough to
// hide a round trip behind small clocks, few enough to bound what is resent.
const asyncWindow = 8

// maxSlack bounds what a configuration may ask for; beyond it a user means asp.
const maxSlack = 1 << 20

// Policy says how far behind a read may be. The zero value is BSP. Policies are
// values: comparable, immutable, safe to copy.
type Policy struct {
	slack Clock
	async bool
}

// BSP is slack 0: a reader at clock c sees every update made before clock c.
func BSP() Policy { return Policy{} }

// SSP bounds the lag by slack clocks; SSP(0) is BSP. It panics when slack is
// negative, which is a caller's bug: text from users goes through ParsePolicy.
func SSP(slack Clock) Policy {
	if slack < 0 {
		panic(fmt.Sprintf("consistency: negative slack %d", slack))
	}
	return Policy{slack: slack}
}

// ASP is unbounded slack: nothing ever waits for the slowest origin.
func ASP() Policy { return Policy{async: true} }

// ParsePolicy reads the text form: "bsp", "ssp:S" with a slack S, or "asp".
func ParsePolicy(text string) (Policy, error) {
	switch text {
	case "bsp":
		return BSP(), nil
	case "asp":
		return ASP(), nil
	}
	if s, ok := strings.CutPrefix(text, "ssp:"); ok {
		slack, err := strconv.ParseUint(s, 10, 32)
		if err == nil && slack <= maxSlack {
			return SSP(Clock(slack)), nil
		}
	}
	return Policy{}, fmt.Errorf(`consistency: unknown policy %q: use "bsp", "ssp:S" with a slack S of 0 to %d, or "asp"`, text, maxSlack)
}

// String is the text form that ParsePolicy reads. SSP(0) prints as "bsp".
func (p Policy) String() string {
	switch {
	case p.async:
		return "asp"
	case p.slack == 0:
		return "bsp"
	}
	return "ssp:" + strconv.FormatInt(int64(p.slack), 10)
}

// MarshalText implements encoding.TextMarshaler.
func (p Policy) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Policy) UnmarshalText(text []byte) error {
	q, err := ParsePolicy(string(text))
	if err == nil {
		*p = q
	}
	return err
}

// Floor is the version that a reader at clock now needs: values must hold every
// update made before it.
func (p Policy) Floor(now Clock) Clock {
	if p.async {
		return Beginning
	}
	return now - p.slack
}

// Window is how many updates a client may leave unanswered before Clock blocks.
func (p Policy) Window() int {
	if p.async {
		return asyncWindow
	}
	return int(p.slack) + 1
}

// Ahead is how many clocks a part may be ahead of its origin, the group of parts
// whose updates travel together: what it did since is held back until the others
// have caught up, and nobody else sees it.
func (p Policy) Ahead() Clock {
	if p.async {
		return 1
	}
	return p.slack
}

// Synchronous reports whether the policy is BSP: a clock can be folded as one.
func (p Policy) Synchronous() bool { return !p.async && p.slack == 0 }

// Eager reports whether servers do well to send what changed unasked whenever
// the slowest origin advances: only where a reader may be behind, yet bounded
// (Wei et al., "Managed Communication and Consistency", SoCC 2015: SSPPush).
func (p Policy) Eager() bool { return !p.async && p.slack > 0 }
