package newton

import (
	"testing"

	"petuum/algos"
	"petuum/algos/linear"
	"petuum/algos/linear/plain"
	"petuum/consistency"
)

// With L1 a job stops by tolerance however far apart its evaluations are: also where none
// of them comes right after a gradient of all columns.
func TestSettles(t *testing.T) {
	for _, every := range []int{1, 2, 3, 5, 10, 14, 20, 30} {
		info, data := read(t, plain.Text(21, 150, 18, false, plain.Sign), 2, false)
		h := play(t, info, data, func(m *linear.Model) { m.Lambda, m.Penalty = new(0.02), "l1" })
		d := algos.NewDirector(algos.Stop{Epochs: 100, Tolerance: 1e-6}, 1, 2, every)
		reason := ""
		for clock := 1; reason == ""; {
			h.Push(every)
			clock += every
			e := h.Evaluate(linear.Weights)
			e.Clock = consistency.Clock(clock)
			var err error
			if reason, err = d.Evaluated(e, 0); err != nil {
				t.Fatal(err)
			}
		}
		if reason != algos.ReasonTolerance {
			t.Errorf("an evaluation every %d clocks: stopped by %s, want %s", every, reason, algos.ReasonTolerance)
		}
	}
}
