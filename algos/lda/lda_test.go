package lda

import (
	"fmt"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/consistency"
)

func small(set func(*LDA)) func() algos.Algorithm {
	return func() algos.Algorithm {
		a := New()
		a.Topics = 6
		set(a)
		return a
	}
}

func TestModes(t *testing.T) {
	for _, mode := range []string{"data", "rotate"} {
		for _, policy := range []string{"bsp", "ssp:3", "asp"} {
			for _, parts := range []int{1, 2, 6} {
				t.Run(fmt.Sprintf("%s/%s/%d", mode, policy, parts), func(t *testing.T) {
					p, _ := consistency.ParsePolicy(policy)
					r := algotest.Train(t, algotest.Job{New: small(func(a *LDA) { a.Mode = mode; a.Slices = 12 * flag(mode == "rotate") }), Path: "testdata/tiny.libsvm", Parts: parts, Shards: 3, Policy: p, Seed: 7, Stop: algos.Stop{Epochs: 60}})
					for i, p := range r.Curve {
						if i%5 == 0 {
							t.Log(p.Clock, p.Objective)
						}
					}
					t.Log(r.Eval.Metrics)
				})
			}
		}
	}
}
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
