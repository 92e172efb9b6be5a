package mf

import (
	"fmt"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/consistency"
)

func options() dataset.Options {
	o := dataset.Defaults()
	o.Format = dataset.Ratings
	o.Unlabelled = true
	return o
}

// tiny is a job on 60 users and 40 items.
func tiny(parts int, policy string, set func(*MF)) algotest.Job {
	p, err := consistency.ParsePolicy(policy)
	if err != nil {
		panic(err)
	}
	return algotest.Job{Path: "testdata/tiny.train.tsv", Options: options(), Parts: parts, Shards: 2, Policy: p, Eager: p.Eager(), Seed: 1,
		Stop: algos.Stop{Epochs: 30},
		New: func() algos.Algorithm {
			a := New()
			a.Rank = 5
			set(a)
			return a
		}}
}

// However many parts there are, and however they wait for each other, the ratings are
// learned about as well.
func TestParts(t *testing.T) {
	for _, policy := range []string{"bsp", "ssp:2", "asp"} {
		for _, parts := range []int{1, 2, 6} {
			t.Run(fmt.Sprintf("%s/%d", policy, parts), func(t *testing.T) {
				r := algotest.Train(t, tiny(parts, policy, func(*MF) {}))
				for _, p := range r.Curve {
					t.Logf("%+v", p.Objective)
				}
				t.Logf("%v", r.Eval.Metrics)
			})
		}
	}
}
