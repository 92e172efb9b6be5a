package algotest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"petuum/algos"
	"petuum/consistency"
	"petuum/table"
)

// Kept is the state of a whole job at one clock, as a checkpoint has it.
type Kept struct {
	start, clock consistency.Clock
	curve        []algos.Point
	best         *algos.Leader
	tables       [][]keptRow
	parts        [][]byte
	scheduler    []byte
}

type keptRow struct {
	key uint64
	row []byte
}

// keep takes the state of the job at its last barrier.
func (t *training) keep() (*Kept, error) {
	if err := algos.CanSave(t.alg); err != nil {
		return nil, err
	}
	k := &Kept{start: t.start, clock: t.at, curve: slices.Clone(t.director.Curve()), best: t.director.Leader(), tables: make([][]keptRow, len(t.specs)), parts: make([][]byte, len(t.crew))}
	for _, s := range t.shards {
		s.do(func(s *table.Shard) {
			for i := range t.specs {
				s.ExportWhole(i, func(key uint64, row []byte) {
					k.tables[i] = append(k.tables[i], keptRow{key, bytes.Clone(row)})
				})
			}
		})
	}
	for p := range t.crew {
		t.order(p, func(part *algos.Part) error {
			var b bytes.Buffer
			err := part.Save(&b)
			k.parts[p] = b.Bytes()
			return err
		})
	}
	if err := t.settle(); err != nil || t.rounds == nil {
		return k, err
	}
	var b bytes.Buffer
	err := t.rounds.Save(&b)
	k.scheduler = b.Bytes()
	return k, err
}

// loadWhole has the shards begin with the tables that were kept.
func (t *training) loadWhole() (err error) {
	if len(t.job.From.tables) != len(t.specs) {
		return errors.New("algotest: what was kept is of another job")
	}
	for i, rows := range t.job.From.tables {
		for _, r := range rows {
			k := 0
			for !table.ShardRange(t.specs[i].Keys, k, len(t.shards)).Contains(r.key) {
				k++
			}
			t.shards[k].do(func(s *table.Shard) {
				if e := s.LoadWhole(i, r.key, r.row); err == nil {
					err = e
				}
			})
		}
	}
	return err
}

// restore takes parts to where they were.
func (t *training) restore() error {
	from := t.job.From
	if len(from.parts) != len(t.crew) || t.start != from.start {
		return errors.New("algotest: what was kept is of another job")
	}
	t.at = from.clock
	t.director.Resume(from.curve, from.best)
	for p := range t.crew {
		t.order(p, func(part *algos.Part) error { return part.Restore(bytes.NewReader(from.parts[p])) })
	}
	if t.rounds != nil {
		if err := t.rounds.Restore(bytes.NewReader(from.scheduler)); err != nil {
			return err
		}
	}
	return t.settle()
}

// Stateful is the part of Conformance for checkpoints: it stops deterministic jobs in
// mid-run and has them go on, and nothing is otherwise
// than without the stop. Damaged states are refused, or at least bear it.
func (s Suite) Stateful(t *testing.T) {
	job := s.job(3, 1, 2, "bsp")
	job.Deterministic, job.Keep, job.Every = true, true, 1
	a, err := job.instance()
	if err != nil {
		t.Fatal(err)
	}
	if err := algos.CanSave(a); err != nil {
		t.Skipf("the algorithm has no checkpoints: %v", err)
	}
	const half, all = 7, 16
	job.Stop = algos.Stop{Clocks: all}
	want := Train(t, job)
	job.Stop = algos.Stop{Clocks: half}
	early := Train(t, job)
	for _, shards := range []int{2, 3} {
		late := job
		late.Stop, late.Shards, late.From = algos.Stop{Clocks: all}, shards, early.Kept
		got := Train(t, late)
		if !bytes.Equal(got.Tables, want.Tables) {
			t.Errorf("%d shards: stopped at clock %d, the tables of clock %d are others than without the stop", shards, half, all)
		}
		if len(got.Curve) != len(want.Curve) {
			t.Fatalf("%d shards: %d evaluations, want %d as without the stop", shards, len(got.Curve), len(want.Curve))
		}
		for i, p := range got.Curve {
			w := want.Curve[i]
			off := math.Abs(p.Objective - w.Objective)
			if p.Clock != w.Clock || shards == 2 && off != 0 || !(off <= 1e-12*math.Abs(w.Objective)) {
				t.Errorf("%d shards: got %v at clock %d, want %v at %d as without the stop", shards, p.Objective, p.Clock, w.Objective, w.Clock)
			}
		}
		for p := range got.Kept.parts {
			if !bytes.Equal(got.Kept.parts[p], want.Kept.parts[p]) {
				t.Errorf("%d shards: part %d saves another state at clock %d than without the stop", shards, p, all)
			}
		}
	}
	s.damaged(t, job, early.Kept)
}

// damaged restores states that are cut short or too long.
func (s Suite) damaged(t *testing.T, job Job, from *Kept) {
	ctx, cancel := deadline(t)
	defer cancel()
	for _, length := range []int{0, 1, len(from.parts[0]) - 1, len(from.parts[0]) + 1} {
		if length < 0 || length == len(from.parts[0]) {
			continue
		}
		bad := *from
		bad.parts = slices.Clone(from.parts)
		bad.parts[0] = append(bytes.Clone(from.parts[0]), 0)[:length]
		job.From = &bad
		if _, err := train(ctx, job); err == nil {
			t.Errorf("a state of %d bytes, cut to %d, is not refused", len(from.parts[0]), length)
		} else {
			t.Log(fmt.Sprint(length, " bytes: ", err))
		}
	}
}
