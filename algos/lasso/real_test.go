package lasso

import (
	"math"
	"os"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
)

// On real data objectives are those of scikit-learn's Lasso at a tolerance of 1e-14,
// whose duality gaps are below 1e-11, and the same coefficients are in use. Those of
// debian-size are of another solver, with gaps of 3e-10; which coefficients it uses was
// not recorded but how many, so the sums of their numbers are our own; its columns 4828
// and 4831 are equal, so that whatever is in use of one may as well be of the other.
func TestRealData(t *testing.T) {
	const dir, samples = "../../../shared/data/lasso/", "../../../shared/data/petuum-samples/lasso500by1K."
	plain := func(l *Lasso) { l.Standardize, l.Intercept = false, false }
	raw := func(l *Lasso) { l.Standardize = false }
	for _, c := range []struct {
		path, positive string
		set            func(*Lasso)
		ratio          float64
		want           float64
		used, places   int // coefficients in use, and the sum of their numbers from 1 on
	}{
		{dir + "diabetes.csv.gz", "", nil, 0.5, 2635.5458558870782, 2, 12},
		{dir + "diabetes.csv.gz", "", nil, 0.1, 1807.1652594097911, 5, 25},
		{dir + "diabetes.csv.gz", "", nil, 0.01, 1482.111859338385, 8, 48},
		{dir + "riboflavin.csv.gz", "", nil, 0.5, 0.34614778891783243, 8, 14387},
		{dir + "riboflavin.csv.gz", "", nil, 0.1, 0.12342518730517522, 31, 58685},
		{dir + "golub_train.csv.gz", "AML", nil, 0.5, 0.3272939532762587, 6, 19534},
		{dir + "golub_train.csv.gz", "AML", nil, 0.1, 0.09526344698786983, 26, 84968},
		{dir + "alon.csv.gz", "t", nil, 0.5, 0.4042228936339105, 7, 7240},
		{dir + "alon.csv.gz", "t", nil, 0.1, 0.18668896962351555, 29, 38263},
		{samples + "X.mmt.gz", "", plain, 0.5, 0.0009552418838383823, 61, 30939},
		{samples + "X.mmt.gz", "", plain, 0.1, 0.0005047011264715392, 307, 149038},
	} {
		check(t, c.path, c.positive, c.set, c.ratio, c.want, 1e-8, c.used, c.places)
	}
	if !testing.Short() {
		check(t, dir+"debian-size.train.libsvm.gz", "", raw, 0.1, 0.3221002, 3e-7, 66, 8824)
		check(t, dir+"debian-size.train.libsvm.gz", "", raw, 0.01, 0.2194968, 3e-7, 641, 556583)
	}
}

// check trains on a file and holds the result against the optimum.
func check(t *testing.T, path, positive string, set func(*Lasso), ratio, want, tolerance float64, used, places int) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Skip("the data set is not here: ", err)
	}
	o := dataset.Defaults()
	o.Positive, o.Quantity, o.Header = positive, true, "yes"
	o.Float64 = true // as float32 numbers such as 32.1 are off by 1e-8
	if set != nil && path[len(path)-7:] == ".mmt.gz" {
		o.Format, o.Labels = "mm", path[:len(path)-8]+"Y.mmt.gz"
	}
	r := algotest.Train(t, algotest.Job{Path: path, Options: o, Parts: 2, Stop: algos.Stop{Tolerance: tolerance / 100, Clocks: 300},
		New: with(func(l *Lasso) {
			if l.LambdaRatio = ratio; set != nil {
				set(l)
			}
		})})
	if off := r.Eval.Objective/want - 1; !(math.Abs(off) <= tolerance) || r.Reason != algos.ReasonTolerance {
		t.Errorf("%s, lambda_ratio %v: after %d rounds (%s) got %.12g, want %.12g: off by %.2g", path, ratio, r.Clocks, r.Reason, r.Eval.Objective, want, off)
	}
	keys := make([]uint64, r.Info.Features)
	for j := range keys {
		keys[j] = uint64(j)
	}
	values, err := r.Model.Values(weights, keys)
	if err != nil {
		t.Fatal(err)
	}
	if len(values) == 75924 {
		values[4827] += values[4830]
		values[4830] = values[4827]
	}
	n, sum := 0, 0
	for j, w := range values {
		if w != 0 {
			n, sum = n+1, sum+j+1
		}
	}
	if n != used || sum != places {
		t.Errorf("%s, lambda_ratio %v: %d coefficients in use whose numbers sum up to %d, want %d and %d", path, ratio, n, sum, used, places)
	}
}
