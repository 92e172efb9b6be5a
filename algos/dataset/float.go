package dataset

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
)

// decimal is a number as a text writes it: mantissa times ten to exp, whatever the
// sign. The mantissa is math.MaxUint64 where it has too many digits to tell.
type decimal struct {
	mantissa uint64
	exp      int
}

// long is a decimal of which no more is known: its value is rounded to nothing.
var long = decimal{mantissa: math.MaxUint64}

// parseFloat is strconv.ParseFloat(string(s), 64), to the bit and for every
// input, without an allocation where s is at most 32 bytes long and a number.
func parseFloat(s []byte) (float64, error) {
	v, _, err := parseDecimal(s)
	return v, err
}

// parseDecimal is parseFloat that also tells how s writes the number.
//
// A decimal of at most 19 digits whose digits make an integer below 2^53 and
// whose power of ten is at most 22 is the quotient or the product of two exact
// floats, hence correctly rounded; all else is left to strconv. This takes about
// a quarter of the time of strconv for the short numbers that data is made of.
func parseDecimal(s []byte) (float64, decimal, error) {
	i, negative := 0, false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		i = 1
	}
	begin := i
	var d decimal
	zeros := 0 // before all other digits
	for i < len(s) && s[i]-'0' <= 9 {
		d.mantissa = d.mantissa*10 + uint64(s[i]-'0')
		if d.mantissa == 0 && s[i] == '0' {
			zeros++
		}
		i++
	}
	digits := i - begin
	if i < len(s) && s[i] == '.' {
		i++
		point := i
		for i < len(s) && s[i]-'0' <= 9 {
			d.mantissa = d.mantissa*10 + uint64(s[i]-'0')
			if d.mantissa == 0 && s[i] == '0' {
				zeros++
			}
			i++
		}
		d.exp = point - i
		digits += i - point
	}
	if digits == 0 || digits-zeros > 19 {
		v, err := strconv.ParseFloat(string(s), 64)
		return v, long, err
	}
	if i < len(s) {
		e, ok := smallExponent(s[i:])
		if !ok {
			v, err := strconv.ParseFloat(string(s), 64)
			return v, long, err
		}
		d.exp += e
	}
	if d.mantissa >= 1<<53 || d.exp < -22 || d.exp > 22 {
		v, err := strconv.ParseFloat(string(s), 64)
		return v, d, err
	}
	return d.value(negative), d, nil
}

// value returns the number of a decimal whose parts are exact in a float64.
func (d decimal) value(negative bool) float64 {
	v := float64(d.mantissa)
	if d.exp < 0 {
		v /= powersOfTen[-d.exp]
	} else {
		v *= powersOfTen[d.exp]
	}
	if negative {
		v = -v
	}
	return v
}

// single returns the number that v, the value of d, has in data: rounded to float32
// if that holds what the text says. It does where the text has at most seven digits
// that count, or nine and the float32 is within half a unit of the last one, as it is
// where the number was a float32 before it was text. ok is false where v is more.
func (d decimal) single(v float64) (rounded float64, ok bool) {
	f := float64(float32(v))
	for d.mantissa >= 1e7 && d.mantissa%10 == 0 && d.exp < 0 { // 0.1000000000
		d.mantissa, d.exp = d.mantissa/10, d.exp+1
	}
	if d.mantissa < 1e9 && -22 <= d.exp && d.exp <= 0 { // float32 has the range
		if d.tells(f, powersOfTen[-d.exp]) {
			return f, true
		}
	} else if d.mantissa < 1e9 && math.Abs(v) >= 0x1p-126 && !math.IsInf(f, 0) && d.tells(f, math.Pow10(-d.exp)) {
		return f, true
	}
	return v, f == v
}

// tells says whether f has the digits of d, when it is written as that is, or d has
// few. What differs from number to number, how many it has, is no branch here.
func (d decimal) tells(f, scale float64) bool {
	few := 0
	if d.mantissa < 1e7 {
		few = 1
	}
	off := math.Abs(math.Abs(f)*scale - float64(d.mantissa)) // to 1e-6
	return off <= [2]float64{0.5 + 1e-6, math.MaxFloat64}[few]
}

// digits reads the decimal digits, at most 8, that an 8-byte word of text begins
// with, all at once: their number and their value.
func digits(word uint64) (n int, value uint64) {
	x := word ^ 0x3030303030303030 // digits become 0 to 9
	// The first byte above 9 has its top bit set here: no byte before it carries.
	other := (x | (x + 0x7676767676767676)) & 0x8080808080808080
	n = bits.TrailingZeros64(other) / 8
	x <<= 64 - 8*n // zeros before the digits
	x = x * (10<<8 + 1) >> 8
	x = (x & 0x00ff00ff00ff00ff) * (100<<16 + 1) >> 16
	x = (x & 0x0000ffff0000ffff) * (10000<<32 + 1) >> 32
	return n, x
}

// shortDecimal reads a number of up to 7 digits before the point and 15 behind it that
// begins at text[i], and returns where it ends. ok is false where it is written
// otherwise, or so near the end of the text that it is not to be read by words.
func shortDecimal(text []byte, i int) (v float64, d decimal, end int, ok bool) {
	if i+26 > len(text) {
		return 0, long, 0, false
	}
	text = text[i : i+26]
	minus := 0
	if text[0] == '-' {
		minus = 1
	}
	n, m := digits(binary.LittleEndian.Uint64(text[minus:]))
	if n == 8 {
		return 0, long, 0, false
	}
	at, places := minus+n, 0
	if text[at] == '.' {
		k, fraction := digits(binary.LittleEndian.Uint64(text[at+1:]))
		m, places = m*tens[k]+fraction, k
		if k == 8 {
			if k, fraction = digits(binary.LittleEndian.Uint64(text[at+9:])); k == 8 {
				return 0, long, 0, false
			}
			m, places = m*tens[k]+fraction, 8+k
		}
		at += 1 + places
	}
	if n+places == 0 || n+places > 19 || m >= 1<<53 {
		return 0, long, 0, false
	}
	v = float64(m) / powersOfTen[places]
	v = math.Float64frombits(math.Float64bits(v) | uint64(minus)<<63)
	return v, decimal{m, -places}, i + at, true
}

// tens are the powers of ten of a few digits. They are never written.
var tens = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}

// smallExponent reads e and an exponent of at most three digits.
func smallExponent(s []byte) (exp int, ok bool) {
	if s[0]|0x20 != 'e' {
		return 0, false
	}
	s = s[1:]
	negative := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		s = s[1:]
	}
	if len(s) == 0 || len(s) > 3 {
		return 0, false
	}
	for _, c := range s {
		if c-'0' > 9 {
			return 0, false
		}
		exp = exp*10 + int(c-'0')
	}
	if negative {
		exp = -exp
	}
	return exp, true
}

// powersOfTen holds those that are exact in a float64. It is never written.
var powersOfTen = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}
