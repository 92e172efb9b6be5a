package dataset

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// sameFloat compares parseFloat with strconv, to the bit.
func sameFloat(t *testing.T, s string) {
	t.Helper()
	got, gotErr := parseFloat([]byte(s))
	want, wantErr := strconv.ParseFloat(s, 64)
	if math.Float64bits(got) != math.Float64bits(want) || (gotErr == nil) != (wantErr == nil) {
		t.Errorf("parseFloat(%q): got %v (%x), %v, want %v (%x), %v",
			s, got, math.Float64bits(got), gotErr, want, math.Float64bits(want), wantErr)
	}
}

var floats = []string{
	"", "-", "+", ".", "-.", "e", "1e", "1e+", ".e1", "0", "-0", "+0", "00", "1", "-1", "+1", "1.", ".5", "-.5", "0.1",
	"0.3", "123.456", "6.64385618977472", "-8.49240360503487", "9007199254740991", "9007199254740992", "9007199254740993",
	"9007199254740993.0", "0.9007199254740993", "1e22", "1e23", "9007199254740991e22", "1e-22", "1e-23", "123e-25",
	"9999999999999999999", "10000000000000000000", "18446744073709551616", "18446744073709551617", "0000000000000000000000.1",
	"1e1000", "1e9999", "1e-9999", "1e308", "1e309", "4.9e-324", "2e-324", "2.2250738585072011e-308", "1E5", "1e05", "1e+05",
	"1e-05", "1e005", "1e0005", "1x", "1 ", " 1", "1_000", "0x1p-2", "0x_1p3", "0x", "inf", "-Inf", "infinity", "nan", "NaN",
	"+nan", "1.2.3", "--1", "1e5.5", "1e5e5", "١", "1\x00", "0.1000000000000000055511151231257827021181583404541015625",
}

func TestParseFloat(t *testing.T) {
	for _, s := range floats {
		sameFloat(t, s)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 100_000 {
		v := math.Float64frombits(r.Uint64())
		sameFloat(t, strconv.FormatFloat(v, "efg"[r.IntN(3)], r.IntN(20)-1, 64))
		v = float64(r.Int64N(1<<54)) / math.Pow10(r.IntN(26))
		sameFloat(t, strconv.FormatFloat(v, "efg"[r.IntN(3)], -1, 64))
	}
}

func FuzzParseFloat(f *testing.F) {
	for _, s := range floats {
		f.Add(s)
	}
	f.Fuzz(sameFloat)
}

func TestParseFloatAllocates(t *testing.T) {
	for _, s := range []string{"1", "-0.25", "6.64385618977472", "-1.7976931348623157e+308", "0x1p-2", "123456789012345678901234567890"} {
		token := []byte(s)
		if n := testing.AllocsPerRun(100, func() { parseFloat(token) }); n != 0 {
			t.Errorf("parseFloat(%s): got %v allocations, want 0", s, n)
		}
	}
}

func BenchmarkParseFloat(b *testing.B) {
	for _, s := range []string{"1", "0.25", "-12.345", "6.64385618977472", "0.12345678901234567"} {
		token := []byte(s)
		b.Run("own/"+s, func(b *testing.B) {
			for b.Loop() {
				parseFloat(token)
			}
		})
		b.Run("strconv/"+s, func(b *testing.B) {
			for b.Loop() {
				strconv.ParseFloat(string(token), 64)
			}
		})
	}
}
