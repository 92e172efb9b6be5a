package descent_test

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
	"petuum/algos/descent"
	"petuum/algos/lasso"
	"petuum/table"
)

const (
	pathRows, pathFeatures = 60, 12
	pathLambdas, pathFolds = 6, 4
	pathEnd                = 0.02 // of lambda_max
)

// sample writes a regression problem with an intercept.
func sample(t *testing.T) string {
	rng := rand.New(rand.NewPCG(5, 6))
	var b strings.Builder
	for range pathRows {
		x := make([]float64, pathFeatures)
		y := 3 + 2*rng.NormFloat64()
		for j := range x {
			x[j] = rng.NormFloat64() + float64(j%3)
			if j < 4 {
				y += x[j] * float64(2-j)
			}
		}
		fmt.Fprintf(&b, "%.17g", y)
		for j, v := range x {
			fmt.Fprintf(&b, " %d:%.17g", j+1, v)
		}
		b.WriteByte('\n')
	}
	path := filepath.Join(t.TempDir(), "sample.libsvm")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// plain is the Lasso with an intercept and without scaling, by coordinate descent on
// rows that are whole.
func plain(x [][]float64, y []float64, lambda float64) (b []float64, b0, objective float64) {
	n := float64(len(y))
	b = make([]float64, len(x[0]))
	r := slices.Clone(y)
	for range 20000 {
		moved, mean := 0.0, 0.0
		for _, v := range r {
			mean += v / n
		}
		b0 += mean
		for i := range r {
			r[i] -= mean
		}
		for j := range b {
			z, g := 0.0, 0.0
			for i := range r {
				z += x[i][j] * r[i]
				g += x[i][j] * x[i][j]
			}
			to := table.SoftThreshold(z+g*b[j], n*lambda) / g
			for i := range r {
				r[i] -= (to - b[j]) * x[i][j]
			}
			moved = max(moved, math.Abs(to-b[j]))
			b[j] = to
		}
		if max(moved, math.Abs(mean)) < 1e-13 {
			break
		}
	}
	for _, v := range r {
		objective += v * v / (2 * n)
	}
	for _, v := range b {
		objective += lambda * math.Abs(v)
	}
	return b, b0, objective
}

// The problems of a path are those of its lambdas, one by one; the errors of rows held
// out are those of models made without them, whatever the number of parts; and the
// model is that of the lambda with the least error, or of the largest within a standard
// error of it.
func TestPath(t *testing.T) {
	path := sample(t)
	o := dataset.Defaults()
	o.Quantity, o.Float64 = true, true
	scanned, err := dataset.Scan([]string{path}, o, []int{0}, 1)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := scanned.Parts(scanned.Info(0))
	if err != nil {
		t.Fatal(err)
	}
	all := parts[0]
	x, y := make([][]float64, pathRows), all.Labels
	for i := range x {
		x[i] = make([]float64, pathFeatures)
		for j, v := range all.X.Row(i) {
			x[i][j] = v
		}
	}
	const seed = 11
	fold := descent.Deal(all, all.ByColumn(), pathFolds, seed)
	for _, choice := range []string{"min", "1se"} {
		for _, parts := range []int{1, 3} {
			r := algotest.Train(t, algotest.Job{Path: path, Options: o, Parts: parts, Seed: seed, Stop: algos.Stop{Tolerance: 1e-11, Clocks: 1000},
				New: func() algos.Algorithm {
					l := lasso.New()
					l.LambdaRatio, l.Standardize, l.Path, l.Folds, l.Select = pathEnd, false, pathLambdas, pathFolds, choice
					return l
				}})
			if want := 2 + pathLambdas*(pathFolds+1); len(r.Path) != want {
				t.Fatalf("got %d stages, want %d", len(r.Path), want)
			}
			most := r.Path[0].Metrics["lambda_max"]
			best, chosen := math.Inf(1), 0
			mean, se := make([]float64, pathLambdas), make([]float64, pathLambdas)
			for k := range pathLambdas {
				lambda := most * math.Pow(pathEnd, float64(k)/(pathLambdas-1))
				mean[k], se[k] = held(x, y, fold, lambda)
				s := r.Path[1+pathLambdas*pathFolds+k]
				_, _, objective := plain(x, y, lambda)
				for name, pair := range map[string][2]float64{"lambda": {s.Metrics["lambda"], lambda}, "objective": {s.Objective, objective},
					"cv_error": {s.Metrics["cv_error"], mean[k]}, "cv_se": {s.Metrics["cv_se"], se[k]}} {
					if math.Abs(pair[0]-pair[1]) > 1e-7*math.Abs(pair[1]) {
						t.Errorf("%d parts, lambda %d: %s is %.12g, want %.12g", parts, k, name, pair[0], pair[1])
					}
				}
				if mean[k] < best {
					best, chosen = mean[k], k
				}
			}
			if choice == "1se" {
				bound := mean[chosen] + se[chosen]
				for chosen = 0; mean[chosen] > bound; chosen++ {
				}
			}
			want := most * math.Pow(pathEnd, float64(chosen)/(pathLambdas-1))
			if got := r.Eval.Metrics["lambda"]; math.Abs(got-want) > 1e-12*want {
				t.Errorf("%d parts, %s: the model is of lambda %v, want %v", parts, choice, got, want)
			}
		}
	}
}

// held is the mean squared error of rows by the models without their folds, and its
// standard error.
func held(x [][]float64, y []float64, fold []uint8, lambda float64) (mean, se float64) {
	sums, rows := make([]float64, pathFolds), make([]float64, pathFolds)
	for f := range pathFolds {
		var xs [][]float64
		var ys []float64
		for i := range y {
			if int(fold[i]) != f {
				xs, ys = append(xs, x[i]), append(ys, y[i])
			}
		}
		b, b0, _ := plain(xs, ys, lambda)
		for i := range y {
			if int(fold[i]) == f {
				e := y[i] - b0
				for j, v := range b {
					e -= v * x[i][j]
				}
				sums[f], rows[f] = sums[f]+e*e, rows[f]+1
			}
		}
		mean += sums[f] / float64(len(y))
	}
	for f := range pathFolds {
		d := sums[f]/rows[f] - mean
		se += rows[f] / float64(len(y)) * d * d / (pathFolds - 1)
	}
	return mean, math.Sqrt(se)
}
