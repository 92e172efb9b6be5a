package table

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"petuum/table/kernel"
)

// Encoding says how the values of a table travel. All but Exact round, and what
// rounding takes away is kept and added to what is sent next (error feedback:
// Seide et al., Interspeech 2014; Karimireddy et al., ICML 2019), so that the
// error of a value does not grow with the clocks. Both ways it is differences
// that are rounded: what a client did, and what has changed since a client was
// sent it last.
type Encoding uint8

// The encodings. The bytes of a value of one block lie in planes: first the
// highest byte of each, which are alike and compress, then the next.
//
// Fixed1 to Fixed3 are fixed point of so many bytes. Their unit is a power of two
// for each block, the least with which its largest value can be written, so that a
// decoded value has no further rounding error.
const (
	Exact    Encoding = iota // as the table holds them
	Single                   // float32, for tables of float64
	BFloat16                 // the upper half of a float32
	Fixed1
	Fixed2
	Fixed3
)

var encodingNames = [...]string{"exact", "float32", "bfloat16", "fixed1", "fixed2", "fixed3"}

// String is the encoding as ParseEncoding takes it.
func (e Encoding) String() string {
	if int(e) < len(encodingNames) {
		return encodingNames[e]
	}
	return fmt.Sprintf("Encoding(%d)", uint8(e))
}

// EncodingNames lists what ParseEncoding takes.
func EncodingNames() []string { return encodingNames[:] }

// ParseEncoding reads the name of an encoding.
func ParseEncoding(name string) (Encoding, error) {
	for e, n := range encodingNames {
		if n == name {
			return Encoding(e), nil
		}
	}
	return 0, fmt.Errorf("%q is none of %s", name, strings.Join(encodingNames[:], ", "))
}

// size is the bytes of a value of a table of type t.
func (e Encoding) size(t Type) int {
	switch e {
	case Single:
		return 4
	case BFloat16, Fixed2:
		return 2
	case Fixed1:
		return 1
	case Fixed3:
		return 3
	}
	return t.Size()
}

// fixed is the bytes of a fixed-point encoding, 0 for others.
func (e Encoding) fixed() int {
	if e < Fixed1 {
		return 0
	}
	return int(e-Fixed1) + 1
}

// Filter keeps changes back that are not worth sending yet (Li et al., OSDI 2014,
// section 5.1); they are added to what comes later. The zero value sends
// everything.
type Filter struct {
	// Significant keeps a key back in clock t while no value of it has changed by
	// Significant/t: what a view lacks falls as 1/t, which leaves the convergence
	// proof of SSP intact. Clients and shards both do so. 0: off.
	Significant float64
	// Skip is the probability with which a client keeps a key back for a clock,
	// drawn from the seed of the job's choice alone: (table, origin, clock, key).
	Skip float64
}

// ParseFilter reads "none", "significant:C" or "skip:P".
func ParseFilter(s string) (f Filter, err error) {
	name, arg, _ := strings.Cut(s, ":")
	x, err := strconv.ParseFloat(arg, 64)
	switch {
	case s == "none":
		return f, nil
	case name == "significant" && err == nil:
		f.Significant = x
	case name == "skip" && err == nil:
		f.Skip = x
	default:
		return f, fmt.Errorf("%q is none of none, significant:C and skip:P with numbers C and P", s)
	}
	if x == 0 {
		return f, fmt.Errorf("%q: 0 keeps nothing back: write none", s)
	}
	return f, f.validate()
}

// String is the filter as ParseFilter takes it.
func (f Filter) String() string {
	switch {
	case f.Significant > 0:
		return "significant:" + strconv.FormatFloat(f.Significant, 'g', -1, 64)
	case f.Skip > 0:
		return "skip:" + strconv.FormatFloat(f.Skip, 'g', -1, 64)
	}
	return "none"
}

func (f Filter) validate() error {
	switch {
	case !(f.Significant >= 0) || math.IsInf(f.Significant, 0):
		return fmt.Errorf("the threshold %g of a filter is not a positive number", f.Significant)
	case !(f.Skip >= 0 && f.Skip < 1):
		return fmt.Errorf("the probability %g of a filter is not in [0, 1)", f.Skip)
	}
	return nil
}

// Lossy reports whether the table's values travel otherwise than at once and
// exactly.
func (s Spec) Lossy() bool { return s.Encoding != Exact || s.Filter != Filter{} }

// checkLossy reports what a lossy table cannot be.
func (s Spec) checkLossy() error {
	if int(s.Encoding) >= len(encodingNames) {
		return fmt.Errorf("unknown encoding %d", s.Encoding)
	}
	if err := s.Filter.validate(); err != nil {
		return err
	}
	switch {
	case !s.Lossy():
		return nil
	case s.Type == Int32:
		return fmt.Errorf("encoding %s, filter %s: whole numbers are not rounded or kept back", s.Encoding, s.Filter)
	case !s.Rule.sums():
		return fmt.Errorf("encoding %s, filter %s: the updates of rule %s do not add up", s.Encoding, s.Filter, s.Rule)
	case s.Filter != Filter{} && !s.Rule.skipsZero():
		return fmt.Errorf("filter %s: rule %s takes a step also where nothing changed", s.Filter, s.Rule)
	}
	return nil
}

// A packer rounds values to an encoding, packs and unpacks them.
type packer[T Elem] struct {
	enc  Encoding
	unit int // exponent of two of the unit of fixed point
}

// The exponents of units. What is smaller than the least is kept for later.
const (
	leastUnit = -120
	mostUnit  = 128
)

// round rounds x and reports whether it could: not where a value is infinite, not
// a number, or above what the encoding can write.
func (p *packer[T]) round(x []T) bool {
	if p.enc == Exact {
		return true
	}
	most := kernel.Largest(x)
	if limit := 3.38e38; !(most < limit) {
		return false
	}
	switch p.enc {
	case Single:
		kernel.RoundSingle(x)
	case BFloat16:
		kernel.RoundBFloat16(x)
	case Fixed1, Fixed2, Fixed3:
		p.unit = unitFor(most, p.enc.fixed())
		kernel.RoundFixed(x, p.unit)
	}
	return true
}

// unitFor is the least exponent of a unit with which most can be written in so
// many bytes.
func unitFor(most float64, bytes int) int {
	limit := float64(int(1)<<(8*bytes-1) - 1)
	half, e := math.Frexp(most / limit) // most/limit = half * 2^e, half in [0.5, 1)
	if half == 0.5 {
		e--
	}
	return max(e, leastUnit)
}

// append appends x, which round has rounded.
func (p *packer[T]) append(b []byte, x []T) []byte {
	switch p.enc {
	case Single, BFloat16:
		return kernel.AppendPlanes(b, x, p.enc.size(Float32))
	case Fixed1, Fixed2, Fixed3:
		return kernel.AppendFixed(appendVarint(b, int64(p.unit)), x, p.enc.fixed(), p.unit)
	}
	return kernel.Append(b, x)
}

// read reads what append wrote of len(x) values.
func (p *packer[T]) read(r *reader, x []T) {
	unit := 0
	if p.enc.fixed() > 0 {
		exponent := r.varint()
		if r.err == nil && (exponent < leastUnit || exponent > mostUnit) {
			r.fail(fmt.Errorf("a unit of 2^%d", exponent))
		}
		unit = int(exponent)
	}
	b := r.bytes(p.enc.size(typeOf[T]()) * len(x))
	if r.err != nil {
		return
	}
	switch p.enc {
	case Single, BFloat16:
		kernel.LoadPlanes(x, b, p.enc.size(Float32))
	case Fixed1, Fixed2, Fixed3:
		kernel.LoadFixed(x, b, p.enc.fixed(), unit)
	default:
		kernel.Load(x, b)
	}
}
