package predict

import (
	"context"
	"fmt"
	"io"
	"math"

	"petuum/algos"
	"petuum/algos/metrics"
)

// Result is what was found in predicting.
type Result struct {
	Rows      uint64
	Metrics   map[string]float64 // see package metrics; empty without labels
	Confusion [][]uint64         // see metrics.Multiclass; nil for other models, for many classes, and without labels
}

// Run predicts all rows, writes lines, and measures the predictions where rows
// have labels. For metrics of a model of two classes it keeps 8 bytes a row.
func (m *Model) Run(ctx context.Context, rows Rows, lines Lines) (Result, error) {
	var found Result
	task := m.Task
	if task == algos.Margin && m.Probable() {
		task = algos.Binary
	}
	acc := metrics.Of(task, m.width)
	var sums []float64 // of a Measurer
	var format Format
	if lines.W != nil {
		format = m.format(lines)
		if _, err := io.WriteString(lines.W, m.header(lines)); err != nil {
			return found, err
		}
	}
	err := m.Apply(ctx, rows, format, func(b *Batch) error {
		if err := m.check(b, found.Rows); err != nil {
			return err
		}
		found.Rows += uint64(b.Part.X.Rows())
		if lines.W != nil {
			if _, err := lines.W.Write(b.Text); err != nil {
				return err
			}
		}
		if m.measurer != nil {
			sums = added(sums, b.Sums)
			return nil
		}
		if b.Part.Labels == nil || m.paired != nil && !m.paired.Rates() {
			return nil
		}
		return acc.Add(b.Odds, b.Part)
	})
	if found.Metrics = acc.Metrics(); m.measurer != nil {
		found.Metrics = m.measurer.Measured(sums)
	}
	if c, ok := acc.(*metrics.Multiclass); ok && len(found.Metrics) > 0 {
		found.Confusion = c.Confusion()
	}
	return found, err
}

// added is the sums of two sets of rows, of which a may have none.
func added(a, b []float64) []float64 {
	if a == nil {
		return append(a, b...)
	}
	for i, v := range b {
		a[i] += v
	}
	return a
}

// check refuses scores that are no numbers; row is that of the first.
func (m *Model) check(b *Batch, row uint64) error {
	for i, s := range b.Scores {
		if math.IsNaN(s) || math.IsInf(s, 0) {
			return fmt.Errorf("model %s: the score of row %d (from 0) is %v: the model diverged or the data does not fit it", m.dir, row+uint64(i/m.width), s)
		}
	}
	return nil
}
