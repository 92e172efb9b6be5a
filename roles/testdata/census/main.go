// Census is petuum with an algorithm more, for tests: it counts features in data that
// is read while the job runs, and keeps the most memory that it saw.
package main

import (
	"os"
	"runtime"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/registry"
	"petuum/roles/command"
	"petuum/table"
)

func main() {
	list := registry.Algorithms.With("census", func() algos.Algorithm { return &census{Batch: 100} })
	os.Exit(command.Run(list, os.Args, os.Stdout, os.Stderr))
}

type census struct {
	Batch int `toml:"batch" min:"1" doc:"rows of a clock, about"`

	stream *dataset.Stream
	counts *table.View[float64]
	rows   float64
	heap   float64 // most bytes in use
}

func (a *census) Streams() bool { return true }

func (a *census) ClocksPerEpoch(d dataset.Info) int { return max(1, int(d.Rows)/a.Batch) }

func (a *census) Tables(d dataset.Info) ([]table.Spec, error) {
	return []table.Spec{{Name: "counts", Keys: d.Features, Type: table.Float64}}, nil
}

func (a *census) Load(part *dataset.Part, w *algos.Worker) (err error) {
	a.stream = part.Stream
	if err := a.stream.Start(a.ClocksPerEpoch(w.Info), dataset.Global); err != nil {
		return err
	}
	a.counts, err = algos.View[float64](w, "counts", table.Span(0, w.Info.Features), table.Increments)
	return err
}

func (a *census) Push(*algos.Worker, algos.Block) {
	b := a.stream.Next()
	a.rows += float64(b.Rows())
	for _, j := range b.Cols {
		a.counts.Inc(int(j), 1)
	}
}

func (a *census) Evaluate(_ *algos.Worker, e *algos.Eval) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	a.heap = max(a.heap, float64(m.HeapSys))
	e.Add("rows", a.rows)
	e.Max("heap", a.heap)
}

func (a *census) Conclude(d dataset.Info, e *algos.Eval) {
	e.Objective = 1 / (1 + e.Sum("rows"))
	e.Metrics["rows"] = e.Sum("rows")
	e.Metrics["values"] = e.Norms("counts").Sum
	e.Metrics["heap"] = e.Maximum("heap")
	e.Metrics["estimate"] = float64(d.Rows)
}

func (a *census) Task(dataset.Info) algos.Task { return algos.Binary }

func (a *census) Predict(_ dataset.Info, m algos.Model, part *dataset.Part, scores []float64) error {
	counts, err := m.Values("counts", part.Keys)
	for i := range scores {
		for j, v := range part.X.Row(i) {
			scores[i] += counts[j] * v
		}
	}
	return err
}
