package algotest

import (
	"sync"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
)

// tested counts the test rows that its parts get.
type tested struct {
	algos.Algorithm
	got *rowsGot
}

type rowsGot struct {
	sync.Mutex
	parts map[int]int
}

func (a tested) Tests() bool { return true }

func (a tested) LoadTest(d *dataset.Part, w *algos.Worker) error {
	a.got.Lock()
	defer a.got.Unlock()
	a.got.parts[w.Part] = d.X.Rows()
	return nil
}

// TestTested: each part gets its share of the test data.
func TestTested(t *testing.T) {
	got := &rowsGot{parts: map[int]int{}}
	path := writeData(t, 60)
	Train(t, Job{New: func() algos.Algorithm { return tested{newRidge(1)(), got} }, Path: path, Test: path, Parts: 3, Stop: algos.Stop{Clocks: 1}})
	rows := 0
	for _, n := range got.parts {
		rows += n
	}
	if len(got.parts) != 3 || rows != 60 {
		t.Errorf("got %d rows in %v, want 60 in 3 parts", rows, got.parts)
	}
}
