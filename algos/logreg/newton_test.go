package logreg

import (
	"math"
	"os"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/consistency"
)

// Newton steps come within 1e-6 of the optimum in few epochs, whatever the parts.
// The reference objectives are those of L-BFGS and LIBLINEAR, lambda = 1e-4.
func TestNewtonRealData(t *testing.T) {
	const embedded, shared = "../../configs/data/", "../../../shared/data/sparse-binary/"
	for _, c := range []struct {
		dir, name string
		parts     int
		group     int
		epochs    int
		want      float64
	}{
		{embedded, "a9a", 1, 1, 14, 0.32450692},
		{embedded, "a9a", 6, 4, 14, 0.32450692},
		{shared, "agaricus", 2, 1, 20, 0.01145219},
		{shared, "spamassassin", 2, 1, 90, 0.00802580},
		{shared, "debian-arch", 2, 1, 60, 0.05974325},
	} {
		t.Run(c.name, func(t *testing.T) {
			train := c.dir + c.name + ".train.libsvm.gz"
			if _, err := os.Stat(train); err != nil {
				t.Skip("the data set is not here: ", err)
			}
			r := algotest.Train(t, algotest.Job{New: func() algos.Algorithm { return New() },
				Path: train, Parts: c.parts, Group: c.group, Shards: 2, Policy: consistency.BSP(), Seed: 1, Stop: algos.Stop{Epochs: c.epochs}})
			for _, p := range r.Curve {
				t.Logf("%+v %.2g", p, p.Objective/c.want-1)
			}
			if off := r.Eval.Objective/c.want - 1; !(math.Abs(off) <= 1e-6) {
				t.Errorf("objective: got %.10f, want %.8f: off by %.2g", r.Eval.Objective, c.want, off)
			}
		})
	}
}
