package dml

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
)

// tiles writes a file of six equal sixths, of rows in two classes that differ in
// the first of two features and vary in the second. So 1, 2, 3 or 6 parts see
// the same pairs, but for this: in a larger part some pairs are of a row and its
// copy, up to 1/rows of a class and sixth.
func tiles(t testing.TB) string {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for range 100 {
		for class := range 2 {
			fmt.Fprintf(&b, "%d,%.3f,%.3f\n", class, float64(class)+0.5*random.NormFloat64(), 100+20*random.NormFloat64())
		}
	}
	path := filepath.Join(t.TempDir(), "tiles.csv")
	if err := os.WriteFile(path, []byte(strings.Repeat(b.String(), 6)), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func labelled(column string) dataset.Options {
	o := dataset.Defaults()
	o.Label = column
	return o
}

func TestConformance(t *testing.T) {
	algotest.Conformance(t, algotest.Suite{
		New: func() algos.Algorithm { return New() },
		Set: func(a algos.Algorithm) {
			d := a.(*DML)
			d.Lambda, d.Candidates, d.Batch, d.Pairs = lambda, 1, 120, 120_000
		},
		Path:      tiles(t),
		Options:   labelled("#0"),
		Stop:      algos.Stop{Epochs: 150},
		Every:     1500,
		Tolerance: 0.015, // of it 0.01 are the tiles', the rest mini-batches and the pairs to evaluate
		Reference: optimum,
		Refused:   []string{"lambda = -1", "threshold = 0", "step = 0", "batch = 1", "candidates = 0", "rank = -1"},
	})
}

const lambda = 3

// optimum is the objective over all pairs at its minimum, by gradient descent.
func optimum(_ testing.TB, d dataset.Info, all *dataset.Part) float64 {
	n, x := all.X.Rows(), make([][2]float64, all.X.Rows())
	for j := range 2 {
		mean, square := 0.0, 0.0
		for i := range x {
			for c, v := range all.X.Row(i) {
				if c == j {
					x[i][j] = v
				}
			}
			mean += x[i][j] / float64(n)
		}
		for i := range x {
			x[i][j] -= mean
			square += x[i][j] * x[i][j] / float64(n)
		}
		for i := range x {
			x[i][j] /= math.Sqrt(square)
		}
	}
	// The similar pairs matter by the mean of z z^T only.
	var s [2][2]float64
	var dissimilar [][2]float64
	for i := range x {
		for k := range i {
			z := [2]float64{x[i][0] - x[k][0], x[i][1] - x[k][1]}
			if all.Class[i] != all.Class[k] {
				dissimilar = append(dissimilar, z)
				continue
			}
			weight := 2 / float64(n) / float64(d.Counts[all.Class[i]]-1)
			for r := range 2 {
				for c := range 2 {
					s[r][c] += weight * z[r] * z[c]
				}
			}
		}
	}
	l, objective := [2][2]float64{{0.5, 0.1}, {-0.1, 0.5}}, 0.0
	for range 300 {
		m := s // the matrix M of the gradient 2 L M
		hinge := 0.0
		for _, z := range dissimilar {
			u := [2]float64{l[0][0]*z[0] + l[0][1]*z[1], l[1][0]*z[0] + l[1][1]*z[1]}
			if short := 1 - u[0]*u[0] - u[1]*u[1]; short > 0 {
				hinge += short / float64(len(dissimilar))
				for r := range 2 {
					for c := range 2 {
						m[r][c] -= lambda / float64(len(dissimilar)) * z[r] * z[c]
					}
				}
			}
		}
		objective = lambda * hinge
		next := l
		for r := range 2 {
			for c := range 2 {
				for k := range 2 {
					objective += l[r][c] * s[c][k] * l[r][k]
					next[r][c] -= 0.1 * 2 * l[r][k] * m[k][c]
				}
			}
		}
		l = next
	}
	return objective
}

// TestGradient holds the gradient against differences of the objective, where
// lambda is not 1.
func TestGradient(t *testing.T) {
	const rows, features, rank, batch = 40, 4, 3, 100
	random := rand.New(rand.NewPCG(3, 4))
	a := New()
	a.Lambda, a.Candidates, a.share = 2.5, 3, 0.4
	class := make([]int32, rows)
	ptr, cols, vals := []int64{0}, []uint32(nil), []float64(nil)
	for i := range class {
		class[i] = int32(random.IntN(3))
		for j := range features {
			if random.IntN(4) > 0 {
				cols, vals = append(cols, uint32(j)), append(vals, random.NormFloat64())
			}
		}
		ptr = append(ptr, int64(len(cols)))
	}
	a.x = dataset.NewMatrix(features, ptr, cols, vals)
	a.pairs = newPairs(&a.x, class, 3, a.Candidates)
	a.lz, a.diff = make([]float32, rank), make([]float64, features)
	l, gradient := make([]float32, features*rank), make([]float32, features*rank)
	for k := range l {
		l[k] = float32(random.NormFloat64()) / 3
	}
	sample := make([][2]int32, batch)
	a.pairs.sample(sample, random, a.diff)
	a.objective(l, gradient, sample)
	objective := func(k int, v float32) float64 {
		moved := slices.Clone(l)
		moved[k] = v
		similar, dissimilar := a.objective(moved, nil, sample)
		return similar + a.Lambda*dissimilar
	}
	for k, v := range l {
		const h = 1.0 / 1024
		want := (objective(k, v+h) - objective(k, v-h)) / (2 * h)
		if got := float64(gradient[k]); math.Abs(got-want) > 2e-3 {
			t.Errorf("L[%d][%d]: got %.5f, want %.5f", k%rank, k/rank, got, want)
		}
	}
	if similar, dissimilar := a.objective(l, nil, sample); similar == 0 || dissimilar == 0 {
		t.Errorf("got %g and %g, want pairs of both kinds to matter", similar, dissimilar)
	}
}

// TestPairs lists the partners of each row: all the other rows of its class, and
// all rows of other classes, each once.
func TestPairs(t *testing.T) {
	class := []int32{2, 0, 1, 0, 2, 2, 0, 1, 0, 3} // one row alone in its class
	p := newPairs(new(dataset.NewMatrix(1, make([]int64, len(class)+1), nil, nil)), class, 5, 1)
	for i, c := range class {
		for _, similar := range []bool{true, false} {
			var got, want []int
			for at := range p.others(i, similar) {
				got = append(got, p.partner(i, similar, at))
			}
			for j, o := range class {
				if j != i && (o == c) == similar {
					want = append(want, j)
				}
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("partners of row %d, similar %t: got %v, want %v", i, similar, got, want)
			}
		}
	}
}

// TestCandidates draws pairs of numbers: with as many candidates as there are
// rows of a class the partner is the nearest of all; with one it is any.
func TestCandidates(t *testing.T) {
	const rows = 40
	random := rand.New(rand.NewPCG(7, 8))
	ptr, vals := []int64{0}, []float64(nil)
	class := make([]int32, rows)
	for i := range class {
		class[i] = int32(i % 2)
		vals, ptr = append(vals, random.NormFloat64()), append(ptr, int64(i+1))
	}
	x := dataset.NewMatrix(1, ptr, make([]uint32, rows), vals)
	for _, candidates := range []int{1, rows} {
		p := newPairs(&x, class, 2, candidates)
		for i, v := range vals {
			p.norm[i] = v * v
		}
		sample, seen := make([][2]int32, 2000), map[[2]int32]bool{}
		p.sample(sample, random, []float64{0})
		for n, pair := range sample {
			i, got := int(pair[0]), int(pair[1])
			if (class[i] == class[got]) != (n%2 == 0) || i == got {
				t.Fatalf("pair %d is of rows %d and %d", n, i, got)
			}
			seen[pair] = true
			if candidates == 1 || n%2 == 1 {
				continue
			}
			for j, v := range vals {
				if class[j] == class[i] && j != i && math.Abs(v-vals[i]) < math.Abs(vals[got]-vals[i]) {
					t.Fatalf("row %d: got row %d as its partner, want row %d, which is nearer", i, got, j)
				}
			}
		}
		if all := rows * (rows - 1); candidates == 1 && len(seen) < all/2 {
			t.Errorf("got %d different pairs, want most of %d", len(seen), all)
		}
	}
}

// TestRefused is about data that has nothing to learn from.
func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(*DML)
		info dataset.Info
		want string
	}{
		{"one class", nil, dataset.Info{Rows: 3, Features: 2, Classes: []string{"a"}}, "at least two classes"},
		{"quantities", nil, dataset.Info{Rows: 3, Features: 2}, "at least two classes"},
		{"all different", nil, dataset.Info{Rows: 2, Features: 2, Classes: []string{"a", "b"}}, "no pair is similar"},
		{"many features", nil, dataset.Info{Rows: 3, Features: 5000, Classes: []string{"a", "b"}}, "set algorithm.rank"},
		{"rank given", func(a *DML) { a.Rank = 2 }, dataset.Info{Rows: 3, Features: 5000, Classes: []string{"a", "b"}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := New()
			if tt.set != nil {
				tt.set(a)
			}
			_, err := a.Tables(tt.info)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	part := &dataset.Part{Labels: []float64{1, 1}, Class: []int32{1, 1}, X: dataset.NewMatrix(0, []int64{0, 0, 0}, nil, nil)}
	w := &algos.Worker{Part: 1, Parts: 2, Info: dataset.Info{Rows: 4, Features: 2, Classes: []string{"a", "b"}}}
	if err := New().Load(part, w); err == nil || !strings.Contains(err.Error(), "part 1 of 2 has rows of class b only") {
		t.Errorf("a part of one class: got %v", err)
	}
}

// TestScale holds the factors in the model against the variances: of 0, 1, 2, 3,
// of 100 times that and far from zero, and of a constant.
func TestScale(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.csv")
	text := strings.Repeat("0,0,5000,0.1\n1,1,5100,0.1\n0,2,5200,0.1\n1,3,5300,0.1\n", 20)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for standardize, want := range map[bool][]float64{
		true:  {1 / math.Sqrt(1.25), 0.01 / math.Sqrt(1.25), 0},
		false: {1 / math.Sqrt(1.25*10_001/3), 1 / math.Sqrt(1.25*10_001/3), 0},
	} {
		instance := func() algos.Algorithm {
			a := New()
			a.Standardize = standardize
			return a
		}
		r := algotest.Train(t, algotest.Job{New: instance, Path: path, Options: labelled("#0"), Parts: 3, Shards: 2, Seed: 1, Stop: algos.Stop{Epochs: 2}})
		got, err := r.Model.Values("scale", []uint64{0, 1, 2})
		if err != nil {
			t.Fatal(err)
		}
		for j := range want {
			if math.Abs(got[j]-want[j]) > 1e-9 {
				t.Errorf("standardize %t, feature %d: got a factor of %g, want %g", standardize, j, got[j], want[j])
			}
		}
	}
}
