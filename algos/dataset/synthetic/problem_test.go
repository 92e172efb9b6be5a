package synthetic

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/algos/dataset"
)

// small problems, one of a kind.
func small() (Columns, Columns, PowerLaw) {
	r, m, l := Regression(), Multiclass(), Logistic()
	r.Rows, r.TestRows, r.Features, r.NonZeros, r.Density = 300, 50, 400, 20, 0.1
	m.Rows, m.TestRows, m.Features, m.NonZeros, m.Density, m.Classes = 300, 50, 40, 200, 0.5, 5
	l.Rows, l.TestRows, l.Features, l.NonZeros = 300, 50, 5000, 12
	return r, m, l
}

func text(t testing.TB, p Problem, format string, set Set) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(t.Context(), &b, format, p, set, nil); err != nil {
		t.Fatalf("%v: %v", p, err)
	}
	return b.Bytes()
}

// samples collects a set.
func samples(t testing.TB, p Problem, set Set) (rows []Row) {
	t.Helper()
	err := p.Samples(t.Context(), set, func(r *Row) error {
		rows = append(rows, Row{r.Label, slices.Clone(r.Index), slices.Clone(r.Value)})
		return nil
	})
	if err != nil {
		t.Fatalf("%v: %v", p, err)
	}
	return rows
}

func weights(t testing.TB, p Problem) []int64 {
	t.Helper()
	w := make([]int64, p.Common().Features)
	if err := p.Common().Truth(t.Context(), func(j uint64, v int64) error { w[j] = v; return nil }); err != nil {
		t.Fatal(err)
	}
	return w
}

// score is x.w in 1/LabelUnit.
func (r Row) score(w []int64) (sum int64) {
	for k, j := range r.Index {
		if r.Value == nil {
			sum += w[j] * ValueUnit
		} else {
			sum += w[j] * r.Value[k]
		}
	}
	return sum
}

// The bytes are what they were, whatever the machine and the version of Go.
func TestGolden(t *testing.T) {
	r, m, l := small()
	scattered := l
	scattered.Scatter, scattered.Zipf, scattered.Bias, scattered.Seed = true, 1, -0.5, 7
	for _, c := range []struct {
		name   string
		p      Problem
		format string
		set    Set
		want   string
	}{
		{"lasso", r, dataset.LIBSVM, Train, "685e02f48bb14829"},
		{"lasso test", r, dataset.LIBSVM, Test, "136638a9fbecfb64"},
		{"lasso csv", r, dataset.CSV, Train, "09e4bbcd26c4fb36"},
		{"multiclass", m, dataset.LIBSVM, Train, "cfe78c689b98ecbf"},
		{"multiclass test", m, dataset.CSV, Test, "bbc41eff2f3947eb"},
		{"logistic", l, dataset.LIBSVM, Train, "4dace3dd074c4017"},
		{"logistic test", l, dataset.LIBSVM, Test, "381d61d6dd6f435a"},
		{"logistic scattered", scattered, dataset.LIBSVM, Train, "0c6a7b1f08c49d6a"},
	} {
		sum := sha256.Sum256(text(t, c.p, c.format, c.set))
		if got := hex.EncodeToString(sum[:8]); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	var b bytes.Buffer
	if err := WriteTruth(t.Context(), &b, r); err != nil {
		t.Fatal(err)
	}
	const want = "# the true weights of petuum data gen lasso --rows 300 --test-rows 50 --features 400 --nnz 20 --correlation 0.9 --density 0.1 --noise 0.1 --seed 1\n1\t0.181\n"
	if !strings.HasPrefix(b.String(), want) {
		t.Errorf("truth: got %.200q..., want it to begin with %q", b.String(), want)
	}
}

// What is transposed at a time changes nothing, nor do the sizes of sets.
func TestBlocks(t *testing.T) {
	r, _, _ := small()
	want := text(t, r, dataset.LIBSVM, Train)
	for _, most := range []uint64{1, 7, 100, 500} {
		r.most = most
		if got := text(t, r, dataset.LIBSVM, Train); !bytes.Equal(got, want) {
			t.Errorf("blocks of %d entries: other bytes", most)
		}
	}
	r, m, l := small()
	r2, m2, l2 := r, m, l
	r2.TestRows, m2.TestRows, l2.TestRows = 7, 7, 7
	for _, c := range [][2]Problem{{r, r2}, {m, m2}, {l, l2}} {
		if diff := cmp.Diff(samples(t, c[0], Train), samples(t, c[1], Train)); diff != "" {
			t.Errorf("%v: the training set depends on the size of the test set:\n%s", c[0], diff)
		}
	}
}

// Every number depends on the seed, and the test set is not the training set.
func TestSeedAndSets(t *testing.T) {
	r, m, l := small()
	r2, m2, l2 := r, m, l
	r2.Seed, m2.Seed, l2.Seed = 2, 2, 2
	for _, c := range [][2]Problem{{r, r2}, {m, m2}, {l, l2}} {
		a, b, test := samples(t, c[0], Train), samples(t, c[1], Train), samples(t, c[0], Test)
		same := func(x, y []Row) (n int) {
			for i := range min(len(x), len(y)) {
				if len(x[i].Index) > 0 && slices.Equal(x[i].Index, y[i].Index) && slices.Equal(x[i].Value, y[i].Value) {
					n++
				}
			}
			return n
		}
		if n := same(a, b); n > 3 {
			t.Errorf("%v: with another seed %d rows have the same features", c[0], n)
		}
		if n := same(a, test); n > 3 || len(test) != 50 {
			t.Errorf("%v: the test set has %d rows, %d of them with the features of the training set", c[0], len(test), n)
		}
		if slices.Equal(weights(t, c[0]), weights(t, c[1])) {
			t.Errorf("%v: the same weights with another seed", c[0])
		}
	}
}

// The recipe by columns: how many non-zeros, where, and of what size.
func TestColumns(t *testing.T) {
	for _, correlation := range []float64{0, 0.5, 0.9, 1} {
		c := Regression()
		c.Rows, c.TestRows, c.Features, c.NonZeros, c.Correlation, c.Seed = 1000, 500, 3000, 20, correlation, 3
		for set, count := range map[Set]int{Train: 20, Test: 10} {
			columns := make([]map[int]int64, c.Features)
			for i, row := range samples(t, c, set) {
				for k, j := range row.Index {
					if columns[j] == nil {
						columns[j] = map[int]int64{}
					}
					if v := row.Value[k]; v < 1 || v > ValueUnit || k > 0 && j <= row.Index[k-1] {
						t.Fatalf("row %d: index %d, value %d", i, j, v)
					}
					columns[j][i] = row.Value[k]
				}
			}
			c.checkColumns(t, columns, count, int(c.Size(set)))
		}
	}
}

func (c Columns) checkColumns(t *testing.T, columns []map[int]int64, count, rows int) {
	kept, occupied := 0, make([]int, 10)
	for j, column := range columns {
		if len(column) != count {
			t.Fatalf("correlation %v: column %d has %d non-zeros, want %d", c.Correlation, j, len(column), count)
		}
		same := j > 0
		for i, v := range column {
			before, found := columns[max(0, j-1)][i]
			same = same && found && v > before/2 && v <= before/2+ValueUnit/2+1
		}
		if same {
			kept++
			continue
		}
		for i := range column {
			occupied[i*len(occupied)/rows]++
		}
	}
	n := float64(len(columns) - 1)
	want, bound := c.Correlation*n, 5*math.Sqrt(n*c.Correlation*(1-c.Correlation))
	if math.Abs(float64(kept)-want) > bound {
		t.Errorf("correlation %v: %d of %v columns keep the rows, want %.0f +- %.0f", c.Correlation, kept, n, want, bound)
	}
	if c.Correlation < 1 {
		chiSquare(t, "rows of new runs", occupied, func(int) float64 { return 0.1 })
	}
}

// The labels of regression are scores and noise, of the training set's deviation.
func TestRegressionLabels(t *testing.T) {
	for _, noise := range []float64{0, 0.1, 2} {
		c := Regression()
		c.Rows, c.TestRows, c.Features, c.NonZeros, c.Density, c.Noise = 5000, 3000, 1000, 200, 0.2, noise
		w, unit := weights(t, c), 0.0
		for _, set := range []Set{Train, Test} {
			var scores, rest []int64
			for _, row := range samples(t, c, set) {
				scores = append(scores, row.score(w))
				rest = append(rest, row.Label-row.score(w))
			}
			if set == Train {
				unit = deviation(scores)
			}
			if got := deviation(rest) / unit; math.Abs(got-noise) > 0.05*noise {
				t.Errorf("set %d: noise: got %.4f, want %v", set, got, noise)
			}
			if got := deviation(scores) / unit; math.Abs(got-1) > 0.2 {
				t.Errorf("set %d: deviation of scores: got %.3f of the training set's", set, got)
			}
		}
	}
}

// Classes are quantiles of the scores, and as many of them wrong as Noise says.
func TestClassLabels(t *testing.T) {
	for n, classes := range []int{2, 5, 5} {
		c, noise := Multiclass(), []float64{0.15, 0.15, 0}[n]
		c.Rows, c.TestRows, c.Features, c.NonZeros, c.Density, c.Classes, c.Noise = 5000, 3000, 100, 1500, 0.5, classes, noise
		c.Correlation = 0.5
		w := weights(t, c)
		var sorted []int64
		for _, set := range []Set{Train, Test} {
			rows := samples(t, c, set)
			if set == Train {
				for _, row := range rows {
					sorted = append(sorted, row.score(w))
				}
				slices.Sort(sorted)
			}
			sizes, wrong, offsets := make([]int, classes), 0.0, make([]int, classes-1)
			for _, row := range rows {
				rank, _ := slices.BinarySearch(sorted, row.score(w))
				want, got := min(rank*classes/len(sorted), classes-1), int(row.Label/LabelUnit)
				sizes[want]++
				if got != want {
					wrong++
					offsets[(got-want+classes)%classes-1]++
				}
			}
			n := float64(len(rows))
			if rate, bound := wrong/n, 5*math.Sqrt(noise*(1-noise)/n); math.Abs(rate-noise) > bound {
				t.Errorf("%d classes, set %d: %.4f of the labels are flipped, want %v +- %.4f", classes, set, rate, noise, bound)
			}
			if noise > 0 {
				chiSquare(t, "offsets of wrong classes", offsets, func(int) float64 { return 1 / float64(classes-1) })
			}
			for k, size := range sizes {
				if share := float64(size) * float64(classes) / n; math.Abs(share-1) > 0.15 {
					t.Errorf("%d classes, set %d: class %d has %d of %v rows", classes, set, k, size, n)
				}
			}
		}
	}
}

// Labels are 1 as often as the score says, after flips.
func TestLogisticLabels(t *testing.T) {
	for _, bias := range []float64{0, 1} {
		l := Logistic()
		l.Rows, l.Features, l.NonZeros, l.Density, l.Bias, l.Noise = 150_000, 2000, 20, 0.3, bias, 0.2
		l.Scatter = bias > 0
		w := weights(t, l)
		want, got, variance := make([]float64, 5), make([]float64, 5), make([]float64, 5)
		steep, spread := 0.0, 0.0 // how much labels follow scores more than they should
		for i, row := range samples(t, l, Train) {
			if len(row.Index) != 20 || !slices.IsSorted(row.Index) || row.Value != nil {
				t.Fatalf("row %d: got %+v, want 20 ascending features without values", i, row)
			}
			score := float64(row.score(w)) / LabelUnit
			p := 1 / (1 + math.Exp(-score-bias))
			p = 0.8*p + 0.2*(1-p)
			bin := min(int((p-0.2)/0.6*5), 4)
			want[bin] += p
			variance[bin] += p * (1 - p)
			spread += p * (1 - p) * score * score
			steep -= p * score
			if row.Label == LabelUnit {
				got[bin]++
				steep += score
			} else if row.Label != -LabelUnit {
				t.Fatalf("row %d has the label %d", i, row.Label)
			}
		}
		if math.Abs(steep) > 5*math.Sqrt(spread) {
			t.Errorf("bias %v: labels follow scores by %.0f, want 0 +- %.0f", bias, steep, 5*math.Sqrt(spread))
		}
		for k := range want {
			if math.Abs(got[k]-want[k]) > 5*math.Sqrt(variance[k]) || variance[k] < 100 {
				t.Errorf("bias %v, bin %d: got %v positive labels, want %.0f +- %.0f", bias, k, got[k], want[k], 5*math.Sqrt(variance[k]))
			}
		}
	}
}

func TestTruth(t *testing.T) {
	for _, density := range []float64{1e-9, 0.01, 0.5, 1} {
		s := Settings{Features: 100_000, Density: density, Seed: 5}
		w, n, sum, squares := weights(t, PowerLaw{Settings: s}), 0.0, 0.0, 0.0
		for _, v := range w {
			if v != 0 {
				n++
				sum += float64(v) / ValueUnit
				squares += float64(v) * float64(v) / ValueUnit / ValueUnit
			}
		}
		want, bound := density*1e5, 1+5*math.Sqrt(1e5*density*(1-density))
		if w[0] == 0 || math.Abs(n-want) > bound {
			t.Errorf("density %v: %v weights, want %.0f +- %.0f, and the first among them", density, n, want, bound)
		}
		if density >= 0.01 && (math.Abs(sum/n) > 5/math.Sqrt(n) || math.Abs(squares/n-1) > 7/math.Sqrt(n)) {
			t.Errorf("density %v: mean %.3f and square %.3f of the weights, want 0 and 1", density, sum/n, squares/n)
		}
	}
}

func TestValidate(t *testing.T) {
	r, m, l := Regression(), Multiclass(), Logistic()
	columns := func(set func(*Columns)) Problem { c := m; set(&c); return c }
	law := func(set func(*PowerLaw)) Problem { c := l; set(&c); return c }
	for _, c := range []struct {
		p    Problem
		want []string // of each line
	}{
		{r, nil}, {m, nil}, {l, nil},
		{Columns{}, []string{"rows 0", "features 0", "density 0", "nnz 0"}},
		{PowerLaw{Zipf: math.NaN()}, []string{"rows 0", "features 0", "density 0", "nnz 0", "zipf NaN"}},
		{columns(func(c *Columns) { c.NonZeros = 10_001 }), []string{"nnz 10001"}},
		{columns(func(c *Columns) { c.Classes = 1 }), []string{"classes 1"}},
		{columns(func(c *Columns) { c.Rows, c.NonZeros = 1, 1 }), []string{"classes 2"}},
		{columns(func(c *Columns) { c.Classes = -3 }), []string{"classes -3"}},
		{columns(func(c *Columns) { c.Rows, c.NonZeros, c.Classes = 5, 2, 6 }), []string{"classes 6"}},
		{columns(func(c *Columns) { c.Correlation, c.Noise, c.Density = 1.5, 1.5, math.Inf(1) }), []string{"density +Inf", "correlation 1.5", "noise 1.5"}},
		{columns(func(c *Columns) { c.Correlation = math.NaN() }), []string{"correlation NaN"}},
		{columns(func(c *Columns) { c.Features = 1 << 32 }), []string{"features 4294967296"}},
		{columns(func(c *Columns) { c.Rows, c.TestRows = 100_000_001, math.MaxUint64 }), []string{"rows 100000001", "test-rows 18446744073709551615"}},
		{columns(func(c *Columns) { c.Features, c.Correlation = 10_000_000, 1 }), []string{"a row would have some 1e+07 non-zeros"}},
		{columns(func(c *Columns) { c.Features, c.Rows, c.NonZeros = 10_000_000, 4, 2 }), []string{"a row would have some 5e+06 non-zeros"}},
		{law(func(c *PowerLaw) { c.NonZeros, c.Zipf, c.Bias, c.Noise = 1<<20+1, -1, 31, -0.1 }), []string{"nnz 1048577", "zipf -1", "noise -0.1", "bias 31"}},
		{law(func(c *PowerLaw) { c.Features = 10 }), []string{"nnz 33: want 1 to 10"}},
	} {
		var got []string
		if err := c.p.Validate(); err != nil {
			got = strings.Split(err.Error(), "\n")
		}
		if len(got) != len(c.want) {
			t.Errorf("%v: got %q, want %q", c.p, got, c.want)
			continue
		}
		for k, line := range got {
			if !strings.HasPrefix(line, c.want[k]) {
				t.Errorf("%v: got %q, want it to begin with %q", c.p, line, c.want[k])
			}
		}
	}
}

// The extremes that are allowed do end.
func TestExtremes(t *testing.T) {
	r, m, l := small()
	for _, p := range []Problem{
		Columns{Settings: Settings{Rows: 1, Features: 1, NonZeros: 1, Density: 1}},
		Columns{Settings: Settings{Rows: 7, TestRows: 1, Features: 3, NonZeros: 7, Density: 1e-300, Noise: 1000}, Correlation: 1},
		Columns{Settings: Settings{Rows: 7, TestRows: 100, Features: 3, NonZeros: 7, Density: 1, Noise: 1}, Classes: 2},
		Columns{Settings: Settings{Rows: 2, Features: 1, NonZeros: 1, Density: 1}, Classes: 2},
		PowerLaw{Settings: Settings{Rows: 2, TestRows: 9, Features: 1, NonZeros: 1, Density: 1, Noise: 1}, Zipf: 4, Scatter: true},
		PowerLaw{Settings: Settings{Rows: 2, Features: 1<<32 - 1, NonZeros: 100, Density: 1}, Bias: -30, Scatter: true},
		r, m, l,
	} {
		if err := p.Validate(); err != nil {
			t.Errorf("%v: %v", p, err)
			continue
		}
		for _, set := range []Set{Train, Test} {
			if got, want := len(samples(t, p, set)), int(p.Common().Size(set)); got != want {
				t.Errorf("%v: got %d rows, want %d", p, got, want)
			}
		}
	}
}

// Both formats read back as the samples they were written from.
func TestReadBack(t *testing.T) {
	r, m, l := small()
	l.Features, l.NonZeros = 100, 10
	for n, p := range []Problem{r, m, l} {
		for _, format := range []string{dataset.LIBSVM, dataset.CSV} {
			path := filepath.Join(t.TempDir(), "x."+format)
			if err := os.WriteFile(path, text(t, p, format, Train), 0o666); err != nil {
				t.Fatal(err)
			}
			o := dataset.Defaults()
			o.Quantity = n == 0
			s, err := dataset.Scan([]string{path}, o, []int{0}, 1)
			if err != nil {
				t.Fatal(err)
			}
			parts, err := s.Parts(s.Info(0))
			if err != nil {
				t.Fatal(err)
			}
			rows := samples(t, p, Train)
			if parts[0].X.Rows() != len(rows) {
				t.Fatalf("%v as %s: got %d rows, want %d", p, format, parts[0].X.Rows(), len(rows))
			}
			for i, row := range rows {
				var got Row
				got.Label = int64(math.Round(parts[0].Labels[i] * LabelUnit))
				for c, v := range parts[0].X.Row(i) {
					got.Index = append(got.Index, parts[0].Keys[c])
					if row.Value != nil {
						got.Value = append(got.Value, int64(math.Round(v*ValueUnit)))
					}
				}
				if got.Label != row.Label || !slices.Equal(got.Index, row.Index) || !slices.Equal(got.Value, row.Value) {
					t.Fatalf("%v as %s: row %d: got %v, want %v", p, format, i, got, row)
				}
			}
		}
	}
}

// Progress counts up to the number of rows.
func TestProgress(t *testing.T) {
	_, _, l := small()
	l.Rows = 5000
	var told []uint64
	if err := Write(t.Context(), &fullDisk{1 << 30}, dataset.LIBSVM, l, Train, func(rows uint64) { told = append(told, rows) }); err != nil {
		t.Fatal(err)
	}
	if len(told) < 3 || told[0] == 0 || !slices.IsSorted(told) || told[len(told)-1] != 5000 {
		t.Errorf("got %v, want several numbers up to 5000", told)
	}
}

func TestFixed(t *testing.T) {
	for v, want := range map[int64]string{0: "0", 1: "0.001", -1: "-0.001", 10: "0.01", 999: "0.999", 1000: "1", -12345: "-12.345", 100500: "100.5"} {
		if got := string(appendFixed(nil, v, ValueUnit)); got != want {
			t.Errorf("%d: got %s, want %s", v, got, want)
		}
	}
}

type fullDisk struct{ left int }

var errFull = errors.New("full")

func (f *fullDisk) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// A full disk and an interrupt end everything at once.
func TestStops(t *testing.T) {
	r, m, l := small()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, p := range []Problem{r, m, l} {
		for left := range 3 {
			if err := Write(t.Context(), &fullDisk{left * 1000}, dataset.LIBSVM, p, Train, nil); !errors.Is(err, errFull) {
				t.Errorf("%v: a disk with %d bytes: got %v", p, left*1000, err)
			}
		}
		if err := WriteTruth(t.Context(), &fullDisk{50}, p); !errors.Is(err, errFull) {
			t.Errorf("%v: truth on a full disk: got %v", p, err)
		}
		if err := Write(canceled, &fullDisk{1 << 30}, dataset.LIBSVM, p, Train, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("%v: interrupted: got %v", p, err)
		}
		if err := WriteTruth(canceled, &fullDisk{1 << 30}, p); !errors.Is(err, context.Canceled) {
			t.Errorf("%v: truth interrupted: got %v", p, err)
		}
		if err := Write(t.Context(), &fullDisk{1 << 30}, "tsv", p, Train, nil); err == nil {
			t.Errorf("%v: format tsv: got no error", p)
		}
	}
	wide := Logistic()
	if err := Write(t.Context(), &fullDisk{1 << 30}, dataset.CSV, wide, Train, nil); err == nil || !strings.Contains(err.Error(), "features 1048576") {
		t.Errorf("CSV of many columns: got %v", err)
	}
}
