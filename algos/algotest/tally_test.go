package algotest

import (
	"slices"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/consistency"
)

func newTally() algos.Algorithm { return NewTally() }

// tallied are the counts of a job's tables, and what its parts published.
func tallied(t *testing.T, m algos.Model) (counts, own []float64) {
	t.Helper()
	keys := []uint64{0, 1, 2, 3, 4}
	counts, err := m.Values("counts", keys)
	if err == nil {
		own, err = m.Values("own", keys)
	}
	if err != nil {
		t.Fatal(err)
	}
	return counts, own
}

// TestStateful holds the toys against what algorithms that save are held against.
func TestStateful(t *testing.T) {
	path := writeData(t, 60)
	for name, make := range map[string]func() algos.Algorithm{"tally": newTally, "ridge": newRidge(1), "apart": newApart(1)} {
		t.Run(name, Suite{New: make, Path: path}.Stateful)
	}
}

// TestKept stops jobs under every policy and has them go on with other origins: counts
// stay exact.
func TestKept(t *testing.T) {
	path := writeData(t, 60)
	for _, policy := range []consistency.Policy{consistency.BSP(), consistency.SSP(2), consistency.ASP()} {
		job := Job{New: newTally, Path: path, Parts: 4, Group: 2, Shards: 2, Policy: policy, Eager: policy.Eager(), Seed: 1, Delay: 3, Stop: algos.Stop{Clocks: 5}, Keep: true}
		early := Train(t, job)
		job.From, job.Group, job.Shards, job.Stop = early.Kept, 4, 3, algos.Stop{Clocks: 12}
		late := Train(t, job)
		counts, own := tallied(t, late.Model)
		if sum := counts[0] + counts[1] + counts[2] + counts[3] + counts[4]; sum != 60 || !slices.Equal(counts, own) {
			t.Errorf("%s: got counts %v of %v rows and published ones %v, want the same, of 60", policy, counts, sum, own)
		}
		for _, p := range late.Curve {
			if late.Clocks != 13 || p.Clock > 13 {
				t.Errorf("%s: got an evaluation at clock %d of %d, want at most 13", policy, p.Clock, late.Clocks)
			}
		}
	}
}

// TestPublish: what parts kept to themselves is in the model, once.
func TestPublish(t *testing.T) {
	path := writeData(t, 60)
	for _, policy := range []consistency.Policy{consistency.BSP(), consistency.SSP(2), consistency.ASP()} {
		r := Train(t, Job{New: newTally, Path: path, Parts: 3, Group: 2, Shards: 2, Policy: policy, Seed: 1, Stop: algos.Stop{Clocks: 7}})
		counts, own := tallied(t, r.Model)
		if sum := counts[0] + counts[1] + counts[2] + counts[3] + counts[4]; sum != 60 || !slices.Equal(counts, own) || r.Eval.Metrics["apart"] != 0 {
			t.Errorf("%s: got counts %v of %v rows and published ones %v, want the same, of 60", policy, counts, sum, own)
		}
		if r.Clocks != 8 { // one to prepare, none to publish
			t.Errorf("%s: got %d clocks, want 8", policy, r.Clocks)
		}
	}
	info, parts, err := Job{New: newTally}.read(path, dataset.Options{}, 2)
	if err != nil {
		t.Fatal(err)
	}
	l := Play(t, consistency.BSP(), info, parts, newTally, nil)
	l.Push(3)
	l.Publish()
	if n := l.Shard.Norms(1); n.Sum != 60 {
		t.Errorf("in lockstep: got %v rows published, want 60", n.Sum)
	}
}
