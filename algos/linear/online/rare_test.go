package online_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/algos/linear"
	"petuum/algos/linear/online"
	"petuum/algos/logreg"
)

// TestTail: a feature has no weight before its n-th row and one from that on, whether it
// has a counter of its own or shares two; where counters are far too few, rare ones come
// through, and none that is frequent is kept out.
func TestTail(t *testing.T) {
	const n = 4
	var text strings.Builder
	for i := range 200 {
		fmt.Fprintf(&text, "%d 1:1", i%2)
		for j := range 10 { // feature 10+j is in j+1 of the rows
			if i < j+1 {
				fmt.Fprintf(&text, " %d:1", 10+j)
			}
		}
		for j := range 5 {
			fmt.Fprintf(&text, " %d:1", 1000+5*i+j) // in one row each
		}
		text.WriteByte('\n')
	}
	path := file(t, "tail", []byte(text.String()))
	for _, c := range []struct {
		bits, hash int
		crowded    bool
	}{{20, 12, false}, {22, 24, false}, {8, 12, true}} {
		for _, held := range []int{30, 2} {
			t.Run(fmt.Sprintf("2^%d counters, 2^%d features, 2^%d held", c.bits, c.hash, held), func(t *testing.T) {
				defer online.HoldBits(min(held, 22))()
				o := dataset.Defaults()
				o.Hash = c.hash
				r := algotest.Train(t, algotest.Job{New: func() algos.Algorithm {
					m := logreg.New()
					m.Solver, m.Batch, m.Tail, m.TailBits = "adagrad", 1, n, c.bits
					return m
				}, Path: path, Options: o})
				var keys []uint64
				for j := range uint64(10) {
					keys = append(keys, 10+j)
				}
				for j := range uint64(1000) {
					keys = append(keys, 1000+j)
				}
				w, err := r.Model.Values(linear.Weights, keys)
				if err != nil {
					t.Fatal(err)
				}
				through := 0
				for k, x := range w {
					rows := k + 1
					if k >= 10 {
						rows = 1
					}
					if rows >= n && x == 0 {
						t.Errorf("feature of %d rows: got no weight, want one from the %d-th on", rows, n)
					}
					if rows < n && x != 0 {
						through++
					}
				}
				if (through > 0) != c.crowded {
					t.Errorf("got %d features of less than %d rows with a weight, want some: %v", through, n, c.crowded)
				}
			})
		}
	}
}

// TestSketch: of features that occur once as many come through as the package says.
func TestSketch(t *testing.T) {
	const distinct = 4096
	var text strings.Builder
	for i := range distinct / 8 {
		fmt.Fprint(&text, i%2)
		for j := range 8 {
			fmt.Fprintf(&text, " %d:1", 1000003*(8*i+j))
		}
		text.WriteByte('\n')
	}
	path, o := file(t, "once", []byte(text.String())), dataset.Defaults()
	o.Hash = 40
	keys := make([]uint64, distinct)
	for j := range keys {
		keys[j] = 1000003 * uint64(j)
	}
	for bits, percent := range map[int]float64{12: 38, 13: 17, 14: 6} {
		r := algotest.Train(t, algotest.Job{New: func() algos.Algorithm {
			m := logreg.New()
			m.Solver, m.Tail, m.TailBits = "adagrad", 2, bits
			return m
		}, Path: path, Options: o})
		w, err := r.Model.Values(linear.Weights, keys)
		if err != nil {
			t.Fatal(err)
		}
		through := 0
		for _, x := range w {
			if x != 0 {
				through++
			}
		}
		if got := 100 * float64(through) / distinct; math.Abs(got-percent) > 3 {
			t.Errorf("2^%d counters, %d features: got %.1f %% that come through, want %v %%", bits, distinct, got, percent)
		}
	}
}
