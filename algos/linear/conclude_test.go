package linear_test

import (
	"testing"

	"petuum/algos"
	"petuum/algos/linear"
	"petuum/algos/linear/online"
)

// An evaluation that no row of a stream came before, such as the last one of a job whose
// tables are lossy, tells of the rows before it and is no sign that all is done.
func TestConcludeWithoutRows(t *testing.T) {
	m := linear.New(linear.Family{Losses: []string{linear.Logistic}, Methods: []linear.Method{online.FTRL}})
	m.Solver = "ftrl"
	for n, c := range []struct {
		rows      linear.Guesses
		objective float64
		accuracy  float64
		unsettled bool
	}{
		{linear.Guesses{}, 0, 0, true},
		{linear.Guesses{Weight: 4, Loss: 2, Correct: 3}, 0.5, 0.75, false},
		{linear.Guesses{}, 0.5, 0.75, true},
		{linear.Guesses{Weight: 2, Loss: 0.5, Correct: 2}, 0.25, 1, false},
	} {
		e := algos.NewEval(0)
		c.rows.Add(e)
		m.Conclude(classes("a", "b"), e)
		if got := e.Metrics["train_accuracy"]; e.Objective != c.objective || got != c.accuracy || e.Unsettled != c.unsettled {
			t.Errorf("evaluation %d: got objective %v, accuracy %v, unsettled %t, want %v, %v, %t",
				n, e.Objective, got, e.Unsettled, c.objective, c.accuracy, c.unsettled)
		}
	}
}
