package lasso

import (
	"bytes"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/consistency"
)

// products equals plain loops over a dense copy, for full and sparse columns,
// columns of ones and columns that the part does not have, and leaves no trace.
func TestProducts(t *testing.T) {
	const n, p = 30, 12
	rng := rand.New(rand.NewPCG(3, 4))
	for _, ones := range []bool{false, true} {
		ptr, cols, vals := []int64{0}, []uint32(nil), []float64(nil) // by column
		dense := make([][]float64, p+1)                              // and column -1 last
		for j := range dense {
			dense[j] = make([]float64, n)
		}
		for j := range p {
			for i := range n {
				if j%4 == 0 || rng.IntN(3) == 0 { // each fourth is full
					dense[j][i] = 1
					if !ones {
						dense[j][i] = rng.NormFloat64()
						vals = append(vals, dense[j][i])
					}
					cols = append(cols, uint32(i))
				}
			}
			ptr = append(ptr, int64(len(cols)))
		}
		part := &rows{x: dataset.NewMatrix(n, ptr, cols, vals), r: make([]float64, n), first: make([]int32, n)}
		for i := range part.first {
			part.first[i] = -1
		}
		for round := range 200 {
			order := rng.Perm(p + 1)[:1+rng.IntN(p)]
			known := rng.IntN(len(order) + 1)
			part.columns = part.columns[:0]
			for _, j := range order {
				if j == p {
					j = -1
				}
				part.columns = append(part.columns, j)
			}
			part.products(known)
			at := 0
			for q := known; q < len(order); q++ {
				for k := range q {
					want := inner(dense[order[q]], dense[order[k]])
					if got := part.gram[at]; math.Abs(got-want) > 1e-12 {
						t.Fatalf("ones %v, round %d: product of positions %d and %d is %v, want %v", ones, round, q, k, got, want)
					}
					at++
				}
			}
			if at != len(part.gram) {
				t.Fatalf("round %d: %d products, want %d", round, len(part.gram), at)
			}
		}
	}
}

// Fresh values may come twice, or not at all where the part lacks the column;
// residuals are those of the values, also after many changes.
func TestResiduals(t *testing.T) {
	_, all := read(t, shape{rows: 50, features: 8, density: 0.5}.write(t))
	part := &rows{keys: all.Keys, x: all.X.Transpose(), y: all.Labels, r: make([]float64, 50), w: make([]float64, len(all.Keys)),
		sums: make([]float64, len(all.Keys)), first: make([]int32, 50), features: 8}
	ones := make([]float64, 50)
	for i := range ones {
		ones[i] = 1
	}
	for j := range part.sums {
		part.sums[j] = part.x.Dot(j, ones)
	}
	part.rebuild(part.w)
	l := &Lasso{rows: *part}
	rng := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		key := uint64(rng.IntN(8))
		b := algos.Block{Keys: []uint64{key}, Values: []float64{rng.NormFloat64()}}
		l.Push(&algos.Worker{}, b)
		l.Push(&algos.Worker{}, b)
	}
	sum := 0.0
	for i, y := range all.Labels {
		want := y - all.X.Dot(i, l.rows.w)
		sum += want
		if math.Abs(l.rows.r[i]-want) > 1e-11 {
			t.Fatalf("row %d: residual %v, want %v", i, l.rows.r[i], want)
		}
	}
	if math.Abs(l.rows.sum-sum) > 1e-9 {
		t.Errorf("the sum of residuals is %v, want %v", l.rows.sum, sum)
	}
}

// The policy changes no number, nor do shards or the order of messages.
func TestPolicyChangesNothing(t *testing.T) {
	path := shape{rows: 60, features: 90, density: 0.3, correlation: 0.4}.write(t)
	job := algotest.Job{New: with(func(l *Lasso) { l.Block = 5 }), Path: path, Parts: 3, Stop: algos.Stop{Clocks: 60}}
	want := algotest.Train(t, job)
	for i, policy := range []consistency.Policy{consistency.BSP(), consistency.SSP(2), consistency.ASP()} {
		job.Policy, job.Shards, job.Delay, job.Group, job.Eager = policy, 1+2*i, uint64(i)+1, 1+i, policy.Eager()
		if got := algotest.Train(t, job); !bytes.Equal(got.Tables, want.Tables) || got.Eval.Objective != want.Eval.Objective {
			t.Errorf("%s: objective %v, under bsp %v; the tables are equal: %v", policy, got.Eval.Objective, want.Eval.Objective, bytes.Equal(got.Tables, want.Tables))
		}
	}
}

// The optima of real data, as a plain coordinate descent to 1e-9 found them.
func TestRealData(t *testing.T) {
	for _, c := range []struct {
		file        string
		ratio       float64
		standardize bool
		want        float64
		nonzeros    float64
		rounds      consistency.Clock // no more than that
	}{
		{"../../configs/data/diabetes.csv", 0.5, true, 2635.5459, 2, 10},
		{"../../configs/data/diabetes.csv", 0.1, true, 1807.1653, 5, 10},
		{"../../configs/data/diabetes.csv", 0.01, true, 1482.1119, 8, 10},
		{"riboflavin.csv.gz", 0.1, true, 0.12342519, 31, 60},
		{"golub_train.csv.gz", 0.1, true, 0.095263447, 26, 60},
		{"alon.csv.gz", 0.1, true, 0.18668897, 29, 60},
		{"debian-size.train.libsvm.gz", 0.01, false, 0.2194968, 641, 60},
	} {
		t.Run(filepath.Base(c.file), func(t *testing.T) {
			path := c.file
			if filepath.Base(path) == path {
				path = filepath.Join("../../../shared/data/lasso", path)
			}
			if _, err := os.Stat(path); err != nil {
				t.Skip("the data is not here: ", err)
			}
			if strings.Contains(path, "golub") || strings.Contains(path, "alon") {
				path = numeric(t, path)
			}
			r := algotest.Train(t, algotest.Job{New: with(func(l *Lasso) { l.LambdaRatio, l.Standardize = c.ratio, c.standardize }),
				Path: path, Parts: 2, Shards: 4, Stop: algos.Stop{Tolerance: 1e-6, Clocks: 2000}})
			t.Logf("objective %.9g after %d rounds and %.2f s", r.Eval.Objective, r.Clocks, r.Seconds)
			if off := math.Abs(r.Eval.Objective/c.want - 1); !(off < 1e-6) || r.Reason != algos.ReasonTolerance || r.Clocks > c.rounds {
				t.Errorf("got an objective of %.9g after %d rounds (%s), want %.9g in %d: off by %.3g", r.Eval.Objective, r.Clocks, r.Reason, c.want, c.rounds, off)
			}
			if got := r.Eval.Metrics["nonzeros"]; math.Abs(got-c.nonzeros) > 1 {
				t.Errorf("got %v nonzeros, want %v", got, c.nonzeros)
			}
		})
	}
}

// numeric returns a copy of a data set whose first column, the label, is -1 and 1 in
// place of the classes.
func numeric(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	r := strings.NewReplacer("\nALL,", "\n-1,", "\nAML,", "\n1,", "\nn,", "\n-1,", "\nt,", "\n1,")
	to := filepath.Join(t.TempDir(), "numeric.csv")
	if err := os.WriteFile(to, []byte(r.Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}
