package dataset

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// TestSingle: float32 serves where it holds what the text says.
func TestSingle(t *testing.T) {
	for _, c := range []struct {
		text   string
		narrow bool
	}{
		{"0", true}, {"1", true}, {"-1", true}, {"0.5", true}, {"0.1", true}, {"-0.038076", true}, {"123.4567", true},
		{"9.999999", true}, {"1e-20", true}, {"1e30", true}, {"0.000001234567", true},
		{"16777216", true}, {"16777217", false}, {"1700000000", true}, {"1700000001", false}, {"123456789", false},
		{"0.123456789", false}, {"0.12345678901234567", false}, {"0.038075906433423026", false},
		{"0.500000000000", true}, {"0.50000000000000000000000000", true}, {"1e39", false}, {"1e-39", false}, {"1e300", false},
		{"0.10000000149011612", true},               // a float32 in full
		{"1234567.13", true}, {"1234567.14", false}, // float32 has 1234567.125
		{"0.00000000000000000001", true}, {"0.1000000000", true}, {"0.12345678900", false}, {"100000000000", false},
		{"12345.678", true}, {"12345.6789", false}, {"3.4028235e38", true}, {"3.4028236e38", false},
	} {
		v, d, err := parseDecimal([]byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		got, narrow := d.single(v)
		want := v
		if c.narrow {
			want = float64(float32(v))
		}
		if narrow != c.narrow || got != want {
			t.Errorf("%s: got %v, %v, want %v, %v", c.text, got, narrow, want, c.narrow)
		}
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 200_000 {
		f := math.Float32frombits(r.Uint32())
		if size := math.Abs(float64(f)); !(size >= 1e-37 && size <= 3e38) {
			continue // beyond float32 when it is rounded to few digits
		}
		for _, text := range []string{strconv.FormatFloat(float64(f), "eg"[r.IntN(2)], -1, 32), fmt.Sprintf("%.*e", r.IntN(7), f), fmt.Sprintf("%.8e", f)} {
			v, d, _ := parseDecimal([]byte(text))
			got, narrow := d.single(v)
			if !narrow || got != float64(float32(v)) {
				t.Errorf("%s, written of the float32 %v: got %v, %v, want it to be kept so", text, f, got, narrow)
			}
		}
	}
}

// TestShortDecimal: what is read by words is what strconv reads, and ends where the
// number does.
func TestShortDecimal(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	taken := 0
	for range 300_000 {
		var s strings.Builder
		for range 1 + r.IntN(22) {
			s.WriteByte("0123456789012345678901234567890123456789.-+eE:, \n"[r.IntN(49)])
		}
		text := s.String() + " 1:2 3:4 5:6 7:8 9:10 11:12 13:14"
		v, d, end, ok := shortDecimal([]byte(text), 0)
		if !ok {
			continue
		}
		taken++
		want, err := strconv.ParseFloat(text[:end], 64)
		if err != nil || math.Float64bits(v) != math.Float64bits(want) {
			t.Fatalf("seed %d: %q: got %v up to byte %d, want %v, %v", seed, text, v, end, want, err)
		}
		if _, same, _ := parseDecimal([]byte(text[:end])); same != d {
			t.Fatalf("seed %d: %q: got %v, want %v", seed, text[:end], d, same)
		}
	}
	if taken < 10_000 {
		t.Errorf("only %d of 300,000 were read by words", taken)
	}
	// 20 digits are 1 beyond 2^64: what is left of them is no number that was written.
	if v, _, _, ok := shortDecimal([]byte("1844674.4073709551617 1:2 3:4 5:6 7:8"), 0); ok {
		t.Errorf("more digits than an integer holds are read as %v", v)
	}
	if _, _, _, ok := shortDecimal([]byte("1.5"), 0); ok {
		t.Error("a number at the end of the text is read by words, beyond the text")
	}
}

// TestValueKinds: values are kept as small as the text allows, and what a number is
// does not depend on those around it.
func TestValueKinds(t *testing.T) {
	var more strings.Builder // rows that make a dense matrix too large
	for i := range 60 {
		fmt.Fprintf(&more, "-1 %d:1\n", 100+i)
	}
	sparse := more.String()
	for _, c := range []struct {
		name, text string
		kind       valueKind
		index      indexKind
		want       string
	}{
		{"a.svm", "1 1:1 5:1\n-1 2:1\n" + sparse, ones, index16, "1/1 0:1 4:1"},
		{"a.svm", "1 1:0.1 5:1\n-1 2:1\n" + sparse, values32, index16, "1/1 0:0.10000000149011612 4:1"},
		{"a.svm", "1 1:0.1 5:1\n-1 2:0.12345678901\n" + sparse, values64, index16, "1/1 0:0.10000000149011612 4:1"},
		{"a.svm", "1 5:1 99999:16777217\n-1 2:1\n" + sparse, values64, index16, "1/1 4:1 99998:1.6777217e+07"},
		{"a.csv", "y,a,b\n1,0.1,2\n-1,3,4\n", values32, dense, "1/1 0:0.10000000149011612 1:2"},
		{"a.csv", "y,a,b\n1,0.1,2.00000000001\n-1,3,4\n", values64, dense, "1/1 0:0.10000000149011612 1:2.00000000001"},
		{"a.csv", "y,a,b\n1,1,1\n-1,1,1\n", ones, index16, "1/1 0:1 1:1"},
		{"a.csv", "y,a,b,c,d\n1,0,0,2,0\n-1,0,3,0,0\n" + strings.Repeat("1,0,0,0,0\n", 50), values32, dense, "1/1 2:2"},
	} {
		l := mustLoad(t, c.name, c.text, Defaults(), 1)
		if x := &l.parts[0].X; x.value != c.kind || x.index != c.index {
			t.Errorf("%q: got values of kind %d and columns of kind %d, want %d and %d", c.text, x.value, x.index, c.kind, c.index)
		}
		if got := l.rows()[0]; got != c.want {
			t.Errorf("%q: got row %q, want %q", c.text, got, c.want)
		}
		o := Defaults()
		if c.name == "a.csv" {
			o.Label = "y"
		}
		for _, of := range []int{2, 3} {
			if got := mustLoad(t, c.name, c.text, o, of).rows(); fmt.Sprint(got) != fmt.Sprint(l.rows()) {
				t.Errorf("%q in %d parts: got %q, want %q", c.text, of, got, l.rows())
			}
		}
	}
}

// TestFloat64: on request numbers are what the text says to the last bit, in test data,
// too, and those that float32 holds as they are do not need more.
func TestFloat64(t *testing.T) {
	for name, text := range map[string]string{"a.svm": "1 1:0.1 2:3\n-1 1:0.5 2:7\n", "a.csv": "1,0.1,3\n-1,0.5,7\n"} {
		o := Defaults()
		o.Float64 = true
		if name == "a.csv" {
			o.Label, o.Header = "#0", "no"
		}
		l := mustLoad(t, name, text, o, 1)
		if got := l.rows()[0]; got != "1/1 0:0.1 1:3" || l.parts[0].X.value != values64 {
			t.Errorf("%s: got %q and values of kind %d, want 0.1 in float64", name, got, l.parts[0].X.value)
		}
		o.Float64, o.Like = false, &l.info
		if got := mustLoad(t, name, text, o, 1).rows()[0]; got != "1/1 0:0.1 1:3" {
			t.Errorf("%s: test data: got %q", name, got)
		}
		exact := strings.ReplaceAll(text, "0.1", "0.25")
		o.Float64, o.Like = true, nil
		if got := mustLoad(t, name, exact, o, 1); got.parts[0].X.value != values32 {
			t.Errorf("%s: got values of kind %d, want float32 for numbers that it holds exactly", name, got.parts[0].X.value)
		}
	}
}

// TestMatrixMarketValues: numbers of a matrix are as those of other formats.
func TestMatrixMarketValues(t *testing.T) {
	text := "%%MatrixMarket matrix array real general\n2 1\n0.1\n0.12345678901\n"
	for exact, want := range map[bool]string{false: "? 0:0.10000000149011612", true: "? 0:0.1"} {
		o := unlabelled()
		o.Float64 = exact
		if got := mustLoad(t, "a.mtx", text, o, 1).rows(); got[0] != want || got[1] != "? 0:0.12345678901" {
			t.Errorf("float64 %v: got %q, want %q first", exact, got, want)
		}
	}
}

// TestManyColumns: more than 2^16 columns take numbers of 32 bits.
func TestManyColumns(t *testing.T) {
	var s strings.Builder
	for i := range 70_000 {
		fmt.Fprintf(&s, "%d %d:1\n", i%2, 1+i*3)
	}
	l := mustLoad(t, "a.svm", s.String(), Defaults(), 1)
	if x := &l.parts[0].X; x.index != index32 || x.Cols() != 70_000 || rowOf(x, 69_999)[0].col != 69_999 {
		t.Errorf("got columns of kind %d, %d of them, the last one %v", x.index, x.Cols(), rowOf(x, 69_999))
	}
	checkParts(t, l)
}
