package lda

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/consistency"
)

// made makes instances for the small data: of 6 topics over 120 words.
func made(set func(*LDA)) func() algos.Algorithm {
	return func() algos.Algorithm {
		a := New()
		a.Topics, a.Alpha, a.OptimizeAlpha = 6, 0.1, false
		if set != nil {
			set(a)
		}
		return a
	}
}

func policy(t *testing.T, name string) consistency.Policy {
	t.Helper()
	p, err := consistency.ParsePolicy(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// settled is the mean over the last evaluations of some seeds: single ones of so small a corpus differ
// by where they got stuck.
func settled(t *testing.T, job algotest.Job) (mean float64) {
	t.Helper()
	const seeds, last = 4, 10
	for seed := range uint64(seeds) {
		job.Seed = 5 + seed
		r := algotest.Train(t, job)
		if _, wrong := r.Eval.Metrics["miscounted"]; wrong || r.Eval.Metrics["tokens"] != 9373 {
			t.Fatalf("seed %d: got %v, want 9373 tokens, each counted once", job.Seed, r.Eval.Metrics)
		}
		for _, p := range r.Curve[len(r.Curve)-last:] {
			mean += p.Objective / seeds / last
		}
	}
	return mean
}

// Whatever the mode, the number of parts, the policy and how rows are kept: the same likelihood as
// the plain sampler in one part, and each token is counted once.
func TestModes(t *testing.T) {
	job := algotest.Job{Path: "testdata/tiny.libsvm", Stop: algos.Stop{Epochs: 80}, Shards: 3}
	job.New = made(func(a *LDA) { a.Sampler, a.Mode = "plain", "data" })
	want := settled(t, job)
	for _, c := range []struct{ mode, rows, sampler string }{
		{"data", "dense", "auto"}, {"rotate", "dense", "auto"}, {"rotate", "packed", "auto"}, {"rotate", "packed", "sparse"},
	} {
		for _, p := range []string{"bsp", "ssp:3", "asp"} {
			for _, parts := range []int{1, 2, 6} {
				if testing.Short() && (parts < 6 || p != "ssp:3") {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%s/%s/parts=%d", c.mode, c.rows, c.sampler, p, parts), func(t *testing.T) {
					job := job
					job.New = made(func(a *LDA) { a.Mode, a.RowsKind, a.Sampler = c.mode, c.rows, c.sampler })
					job.Parts, job.Policy = parts, policy(t, p)
					got := settled(t, job)
					t.Logf("objective %.4f, plain %.4f", got, want)
					if !(math.Abs(got-want) <= 0.02*want) {
						t.Errorf("got an objective of %.4f, want that of the plain sampler, %.4f", got, want)
					}
				})
			}
		}
	}
}

// In one slice, so that a job can be stopped at any clock. In mode rotate Push allocates what the table
// needs for a lease.
func TestConformance(t *testing.T) {
	algotest.Conformance(t, algotest.Suite{New: func() algos.Algorithm { return New() },
		Set: func(a algos.Algorithm) {
			l := a.(*LDA)
			l.Topics, l.Alpha, l.Mode, l.Slices, l.OptimizeAlpha = 6, 0.1, "data", 1, false
		},
		Path: "testdata/tiny.libsvm", Stop: algos.Stop{Epochs: 60}, Tolerance: 0.06, Reference: plain,
		Refused: []string{"topics = 0", "alpha = -1", "beta = 0", "sampler = \"gibs\"", "mode = \"data\"\nrows = \"packed\"", "memory = 0", "slices = 100000000000", "memory = 20000000000000", "topics = 1000000\nmode = \"data\"", "slices = 1\nmode = \"rotate\"\nrows = \"dense\"\ntopics = 1000000"}})
}

// A rotation is the same to the bit with the same seed, and stopped behind some sweeps and taken up again
// it goes on as if it had not been.
func TestRotationGoesOn(t *testing.T) {
	const parts, sweep = 3, 6
	for _, rows := range []string{"dense", "packed"} {
		t.Run(rows, func(t *testing.T) {
			job := algotest.Job{New: made(func(a *LDA) {
				a.Mode, a.RowsKind, a.OptimizeAlpha, a.OptimizeBeta, a.BurnIn = "rotate", rows, true, true, 3
			}), Path: "testdata/tiny.libsvm", Parts: parts, Shards: 2, Deterministic: true, Keep: true, Seed: 3, Stop: algos.Stop{Epochs: 14}}
			want := algotest.Train(t, job)
			early := job
			early.Stop.Epochs = 8
			late := job
			late.From = algotest.Train(t, early).Kept
			got := algotest.Train(t, late)
			if !bytes.Equal(got.Tables, want.Tables) || got.Clocks != 14*sweep {
				t.Errorf("stopped behind 8 sweeps of 14, got other tables at clock %d than without the stop", got.Clocks)
			}
			if g, w := got.Eval.Objective, want.Eval.Objective; g != w {
				t.Errorf("got the objective %v, want %v as without the stop", g, w)
			}
			a := New()
			a.plan, a.step = &plan{cuts: make([]int, sweep+1)}, 7
			if err := a.Save(io.Discard); err == nil || !strings.Contains(err.Error(), "evaluate.every") {
				t.Errorf("saved within a sweep: got error %v, want one that names evaluate.every", err)
			}
		})
	}
}

// plain is what the plain sampler comes to.
func plain(t testing.TB, _ dataset.Info, _ *dataset.Part) float64 {
	r := algotest.Train(t, algotest.Job{New: made(func(a *LDA) { a.Sampler = "plain" }), Path: "testdata/tiny.libsvm", Seed: 2, Stop: algos.Stop{Epochs: 80}})
	return r.Eval.Objective
}
