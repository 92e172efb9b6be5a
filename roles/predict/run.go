package predict

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"

	"petuum/algos"
	"petuum/algos/metrics"
	"petuum/algos/model"
)

// Result is what was found in predicting.
type Result struct {
	Rows    uint64
	Metrics map[string]float64 // see package metrics; empty without labels
}

// Lines writes a line for each row to W, with tabs between the columns under a
// line of names:
//
//	Binary      class  probability   of the later class; the class is the one with
//	                                 the larger probability, by its name
//	Regression  prediction
type Lines struct {
	W     io.Writer // nil: none are written
	Score bool      // one more column: the raw score, see algos.Predictor
}

// Run predicts all rows, writes lines, and measures the predictions where rows
// have labels. For metrics of a binary model it keeps 8 bytes a row.
func (m *Model) Run(ctx context.Context, rows Rows, lines Lines) (Result, error) {
	var found Result
	acc := metrics.Of(m.Task)
	format := m.format(lines.Score)
	if lines.W == nil {
		format = nil
	} else if _, err := io.WriteString(lines.W, m.header(lines.Score)); err != nil {
		return found, err
	}
	err := m.Apply(ctx, rows, format, func(b *Batch) error {
		if err := check(b.Scores, found.Rows); err != nil {
			return fmt.Errorf("model %s: %w", m.dir, err)
		}
		found.Rows += uint64(len(b.Scores))
		if lines.W != nil {
			if _, err := lines.W.Write(b.Text); err != nil {
				return err
			}
		}
		if b.Part.Labels == nil {
			return nil
		}
		return acc.Add(b.Scores, b.Part)
	})
	found.Metrics = acc.Metrics()
	return found, err
}

// check refuses scores that are no numbers; row is that of the first.
func check(scores []float64, row uint64) error {
	for i, s := range scores {
		if math.IsNaN(s) || math.IsInf(s, 0) {
			return fmt.Errorf("the score of row %d (from 0) is %v: the model diverged or the data does not fit it", row+uint64(i), s)
		}
	}
	return nil
}

// header is the line of names.
func (m *Model) header(score bool) string {
	line := "prediction"
	if m.Task == algos.Binary {
		line = "class\tprobability"
	}
	if score {
		line += "\tscore"
	}
	return line + "\n"
}

// format makes the lines of a batch.
func (m *Model) format(score bool) Format {
	classes := [2][]byte{[]byte("0"), []byte("1")}
	for k := range min(2, len(m.manifest.Data.Classes)) {
		classes[k] = model.AppendName(nil, m.manifest.Data.Classes[k])
	}
	return func(b []byte, batch *Batch) []byte {
		for _, s := range batch.Scores {
			if m.Task == algos.Binary {
				class := classes[0]
				if s > 0 {
					class = classes[1]
				}
				b = strconv.AppendFloat(append(append(b, class...), '\t'), probability(s), 'g', -1, 64)
			} else {
				b = strconv.AppendFloat(b, s, 'g', -1, 64)
			}
			if score {
				b = strconv.AppendFloat(append(b, '\t'), s, 'g', -1, 64)
			}
			b = append(b, '\n')
		}
		return b
	}
}

// probability of log-odds, without overflow.
func probability(s float64) float64 {
	if s >= 0 {
		return 1 / (1 + math.Exp(-s))
	}
	e := math.Exp(s)
	return e / (1 + e)
}
