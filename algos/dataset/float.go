package dataset

import "strconv"

// parseFloat is strconv.ParseFloat(string(s), 64), to the bit and for every
// input, without an allocation where s is at most 32 bytes long and a number.
//
// A decimal of at most 19 digits whose digits make an integer below 2^53 and
// whose power of ten is at most 22 is the quotient or the product of two exact
// floats, hence correctly rounded; all else is left to strconv. This takes about
// a quarter of the time of strconv for the short numbers that data is made of.
func parseFloat(s []byte) (float64, error) {
	i, negative := 0, false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		i = 1
	}
	begin := i
	var mantissa uint64
	for i < len(s) && s[i]-'0' <= 9 {
		mantissa = mantissa*10 + uint64(s[i]-'0')
		i++
	}
	digits, exp := i-begin, 0
	if i < len(s) && s[i] == '.' {
		i++
		point := i
		for i < len(s) && s[i]-'0' <= 9 {
			mantissa = mantissa*10 + uint64(s[i]-'0')
			i++
		}
		exp = point - i
		digits += i - point
	}
	if digits == 0 || digits > 19 {
		return strconv.ParseFloat(string(s), 64)
	}
	if i < len(s) {
		e, ok := smallExponent(s[i:])
		if !ok {
			return strconv.ParseFloat(string(s), 64)
		}
		exp += e
	}
	if mantissa >= 1<<53 || exp < -22 || exp > 22 {
		return strconv.ParseFloat(string(s), 64)
	}
	f := float64(mantissa)
	if exp < 0 {
		f /= powersOfTen[-exp]
	} else {
		f *= powersOfTen[exp]
	}
	if negative {
		f = -f
	}
	return f, nil
}

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
