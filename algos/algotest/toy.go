package algotest

import (
	"encoding/binary"
	"math"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	saved "petuum/algos/model"
	"petuum/table"
)

// Toy is an algorithm that only predicts, for tests of what is done with models: the
// scores are x.w of each column of the table "weights".
type Toy struct {
	algos.Algorithm // nil: nobody trains it

	Kind   algos.Task
	Solver string // see algos.LIBLINEAR
}

// ToyOf makes instances for a registry.List.
func ToyOf(task algos.Task, solver string) func() algos.Algorithm {
	return func() algos.Algorithm { return &Toy{Kind: task, Solver: solver} }
}

var _ algos.LIBLINEAR = (*Toy)(nil)

// Task implements [algos.Predictor].
func (y *Toy) Task(dataset.Info) algos.Task { return y.Kind }

// SolverType implements [algos.LIBLINEAR].
func (y *Toy) SolverType(dataset.Info) string { return y.Solver }

// Predict implements [algos.Predictor].
func (y *Toy) Predict(d dataset.Info, m algos.Model, part *dataset.Part, scores []float64) error {
	k := y.Kind.Width(d)
	w, err := m.Values("weights", part.Keys)
	if err != nil {
		return err
	}
	clear(scores)
	for i := range part.X.Rows() {
		for j, x := range part.X.Row(i) {
			for c := range k {
				scores[i*k+c] += x * w[j*k+c]
			}
		}
	}
	return nil
}

// SaveToy writes a model of a Toy that is called algorithm: with a row of weights for
// each feature, whose columns are called as the classes if there are as many.
func SaveToy(t testing.TB, dir, algorithm string, data dataset.Info, weights [][]float64) {
	t.Helper()
	data.Features, data.Seen = uint64(len(weights)), uint64(len(weights))
	w, err := saved.Create(dir, saved.Manifest{Petuum: "1.2.3", Job: "toy", Algorithm: algorithm, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	names := algos.KeyNames{Features: data.Features}
	if len(weights[0]) == len(data.Classes) {
		names.Columns = data.Classes
	}
	tw, err := w.Table(table.Spec{Name: "weights", Keys: data.Features, Width: len(weights[0]), Type: table.Float64}, names, false)
	if err != nil {
		t.Fatal(err)
	}
	for key, row := range weights {
		var b []byte
		for _, v := range row {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
		if err := tw.Append(uint64(key), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
