package table

import (
	"errors"
	"fmt"
	"math/bits"
	"regexp"
)

// Type is the element type of a table's values.
type Type uint8

// The element types. The zero value is Float32.
const (
	Float32 Type = iota
	Float64
	Int32
)

// Elem is any element type in Go.
type Elem interface{ float32 | float64 | int32 }

// Size is the bytes of one element.
func (t Type) Size() int {
	if t == Float64 {
		return 8
	}
	return 4
}

// String names the type as the model's manifest does.
func (t Type) String() string {
	switch t {
	case Float32:
		return "float32"
	case Float64:
		return "float64"
	case Int32:
		return "int32"
	}
	return fmt.Sprintf("Type(%d)", uint8(t))
}

func typeOf[T Elem]() Type {
	var v T
	switch any(v).(type) {
	case float64:
		return Float64
	case int32:
		return Int32
	}
	return Float32
}

// Limits of a table.
const (
	MaxWidth = 1 << 20
	// denseKeys is the largest key space that StoreAuto lays out densely; a
	// larger one is taken for hashed.
	denseKeys = 1 << 28
	// maxDenseRange is how many rows a dense store can number.
	maxDenseRange = 1 << 32
	// maxRange is how many keys may be held as a range: a position is an int32.
	maxRange = 1 << 31
	// maxSparseRange is how many keys of a sparse table may be held as a range.
	maxSparseRange = 1 << 20
)

// Store says how a shard lays out its keys.
type Store uint8

// The stores. StoreAuto is StoreDense for key spaces up to 2^28 and StoreSparse
// beyond.
const (
	StoreAuto   Store = iota
	StoreDense        // pages of consecutive keys, allocated on first write
	StoreSparse       // touched keys only, by open addressing
)

// Spec declares a table: an ordered key space [0, Keys) with Width values a key.
type Spec struct {
	Name  string
	Keys  uint64
	Width int // values a key; 0 means 1
	Type  Type
	Rule  Rule // how updates are combined and applied; the zero value is Add
	Init  Init // the values of a key that nobody wrote; the zero value is 0
	Store Store

	Encoding Encoding // how values travel; the zero value is Exact
	Filter   Filter   // what is kept back; the zero value is nothing

	Late Late // what updates count; the zero value is 1 each

	Scratch bool // of use while the job runs only: not part of the model
}

var tableName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// Validate reports everything that is wrong with the specification.
func (s Spec) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("table: %q: "+format, append([]any{s.Name}, args...)...))
	}
	if !tableName.MatchString(s.Name) {
		bad("a name is a lower-case letter and up to 62 letters, digits, - or _")
	}
	if s.Keys == 0 {
		bad("no keys")
	}
	if s.Width < 0 || s.Width > MaxWidth {
		bad("width %d is not in [1, %d]", s.Width, MaxWidth)
	}
	if s.Type > Int32 {
		bad("unknown element type %d", s.Type)
	}
	if s.Store > StoreSparse {
		bad("unknown store %d", s.Store)
	}
	if err := s.Rule.validate(s.Type); err != nil {
		bad("%w", err)
	}
	if err := s.checkLossy(); err != nil {
		bad("%w", err)
	}
	if err := s.checkLate(); err != nil {
		bad("%w", err)
	}
	if s.Rule.kind == ruleFTRL && !s.Init.zero() {
		bad("rule ftrl makes every value itself: an initial value must be 0")
	}
	if s.Type == Int32 && s.Init.Spread != 0 {
		bad("random initial values need a float type")
	}
	return errors.Join(errs...)
}

func (s Spec) width() int { return max(s.Width, 1) }

func (s Spec) sparse() bool {
	return s.Store == StoreSparse || s.Store == StoreAuto && s.Keys > denseKeys
}

// KeyBytes is about what a shard keeps for a key that was written, in bytes.
func (s Spec) KeyBytes() int {
	const stamp, found = 4, 12 // sparse: the key and its slot of the index
	n := stamp + s.Type.Size()*s.width()*(1+s.Rule.stateWidth())
	if s.sparse() {
		n += found
	}
	return n
}

// DenseBytes is the size of all values of a dense table, 0 of a sparse one, of
// which nobody knows how many keys are in use.
func (s Spec) DenseBytes() uint64 {
	if s.sparse() {
		return 0
	}
	return s.Keys * uint64(s.width()*s.Type.Size())
}

// Range is the half-open interval of keys [Begin, End).
type Range struct{ Begin, End uint64 }

// Len is the number of keys in r.
func (r Range) Len() uint64 {
	if r.End <= r.Begin {
		return 0
	}
	return r.End - r.Begin
}

// Contains reports whether key is in r.
func (r Range) Contains(key uint64) bool { return r.Begin <= key && key < r.End }

// Intersect is the keys in both.
func (r Range) Intersect(o Range) Range {
	i := Range{max(r.Begin, o.Begin), min(r.End, o.End)}
	if i.End < i.Begin {
		i.End = i.Begin
	}
	return i
}

// ShardRange is the range of a table of keys keys that shard k of n holds: the
// key space is cut in n nearly equal ranges.
func ShardRange(keys uint64, k, n int) Range {
	cut := func(i int) uint64 {
		hi, lo := bits.Mul64(keys, uint64(i))
		q, _ := bits.Div64(hi, lo, uint64(n))
		return q
	}
	return Range{cut(k), cut(k + 1)}
}

// Init makes the value of a key that nobody wrote. It depends on the seed and
// the key alone, so that every process makes the same one: value j of a key is
// Value + Spread*u with u uniform in [-1, 1) by (Seed, key, j).
type Init struct {
	Value  float64
	Spread float64
	Seed   uint64
}

func (i Init) zero() bool { return i.Value == 0 && i.Spread == 0 }

func fillInit[T Elem](i Init, key uint64, row []T) {
	if i.Spread == 0 {
		for j := range row {
			row[j] = T(i.Value)
		}
		return
	}
	first := mix(i.Seed ^ mix(key)) // mixed again, or neighbouring seeds would make the same values, moved by one
	for j := range row {
		u := float64(mix(first+uint64(j))>>11)*(2.0/(1<<53)) - 1
		row[j] = T(i.Value + i.Spread*u)
	}
}

// InitialRow fills row with the values of a key that nobody wrote, as the
// table's element type holds them.
func (s Spec) InitialRow(key uint64, row []float64) {
	fillInit(s.Init, key, row)
	for j, v := range row {
		switch s.Type {
		case Float32:
			row[j] = float64(float32(v))
		case Int32:
			row[j] = float64(int32(v))
		}
	}
}

// mix is the finaliser of SplitMix64: a bijection whose output bits all depend
// on all input bits.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
