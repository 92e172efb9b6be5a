package algos_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/table"
)

// chooser is the scheduler's instance of an algorithm whose rounds are written down.
type chooser struct {
	tally
	left   []algos.Block // the blocks as Schedule found them
	pulled []string
	total  *table.View[int32]
}

func (c *chooser) Begin(s *algos.Scheduler) (err error) {
	c.total, err = algos.SchedulerView[int32](s, "sums", table.Span(0, 1), table.Increments)
	return err
}

func (c *chooser) Schedule(s *algos.Scheduler, blocks []algos.Block) {
	c.left = slices.Clone(blocks)
	s.All(blocks, algos.Block{Keys: []uint64{uint64(s.Round)}})
	blocks[0] = algos.Block{Keys: []uint64{90}}
}

func (c *chooser) Pull(_ *algos.Scheduler, round consistency.Clock, blocks []algos.Block, emitted [][]float64) {
	c.pulled = append(c.pulled, fmt.Sprint(round, " ", blocks[0].Keys, blocks[2].Keys, emitted))
	c.total.Inc(0, 1)
}

var _ algos.ModelParallel = (*chooser)(nil)

func newRounds(t *testing.T) (*algos.Rounds, *chooser) {
	t.Helper()
	specs, _ := (&tally{parts: 1}).Tables(dataset.Info{})
	j := newJob(t, consistency.BSP(), specs, 1)
	c := &chooser{}
	r := algos.NewRounds(c, algos.NewScheduler(3, dataset.Info{}, 1, j.clients[0]), nil)
	if err := r.Begin(); err != nil {
		t.Fatal(err)
	}
	j.start()
	return r, c
}

func TestRounds(t *testing.T) {
	r, c := newRounds(t)
	if err := r.Settle(); err != nil {
		t.Fatal(err)
	}
	buf := make([]float64, 2)
	for round := consistency.Clock(1); round <= 2; round++ {
		if r.Round() != round {
			t.Fatalf("round %d, want %d", r.Round(), round)
		}
		if due := r.Next(3); due != algos.DueSchedule {
			t.Fatalf("due is %d, want a schedule", due)
		}
		at, blocks, ok := r.Schedule()
		if !ok || at != round {
			t.Fatalf("scheduled round %d (%t), want %d", at, ok, round)
		}
		if diff := cmp.Diff(make([]algos.Block, 3), c.left); diff != "" {
			t.Errorf("blocks left from before: (-want +got)\n%s", diff)
		}
		if &blocks[1].Keys[0] != &blocks[2].Keys[0] {
			t.Error("parts do not share the block that all got")
		}
		for _, p := range []int{2, 0, 1} {
			if due := r.Next(3); due != algos.DueEmitted {
				t.Errorf("due is %d before part %d emitted, want to wait", due, p)
			}
			buf[0], buf[1] = float64(p), float64(round)
			if err := r.Collect(p, round, buf[:2-p/2]); err != nil {
				t.Error(err)
			}
		}
		if due := r.Next(3); due != algos.DuePull {
			t.Errorf("due is %d, want a pull", due)
		}
		if err := r.Pull(); err != nil {
			t.Fatal(err)
		}
	}
	if due := r.Next(3); due != algos.Drained {
		t.Errorf("due is %d at the barrier, want nothing", due)
	}
	want := []string{"1 [90] [1] [[0 1] [1 1] [2]]", "2 [90] [2] [[0 2] [1 2] [2]]"}
	if diff := cmp.Diff(want, c.pulled); diff != "" {
		t.Errorf("pulls: (-want +got)\n%s", diff)
	}
	if got := c.total.Values()[0]; got != 2 {
		t.Errorf("%d pulls in the table, want 2", got)
	}
}

// TestCollectRefused checks that nothing is taken that is not of a round in flight.
func TestCollectRefused(t *testing.T) {
	r, _ := newRounds(t)
	refused := func(when string, part int, round consistency.Clock) {
		t.Helper()
		if err := r.Collect(part, round, []float64{1}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("part %d", part)) {
			t.Errorf("%s, part %d in round %d: the error %v, want one that names the part", when, part, round, err)
		}
	}
	refused("before the first round", 0, 0)
	r.Schedule()
	for _, part := range []int{-1, 3, 1 << 30} {
		refused("no such part", part, 0)
	}
	for _, round := range []consistency.Clock{-1, 1} {
		refused("another round", 0, round)
	}
	if err := r.Collect(0, 0, nil); err != nil {
		t.Fatal(err)
	}
	refused("again", 0, 0)
	if err := r.Pull(); err == nil {
		t.Error("a round is pulled before it is complete")
	}
	for _, part := range []int{1, 2} {
		if err := r.Collect(part, 0, nil); err != nil {
			t.Errorf("part %d after what was refused: %v", part, err)
		}
	}
	if err := r.Pull(); err != nil {
		t.Fatal(err)
	}
	refused("the round before", 0, 0)
	refused("before it is scheduled", 0, 1)
}
