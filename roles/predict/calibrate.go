package predict

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"petuum/algos"
	"petuum/algos/calibration"
	"petuum/algos/model"
)

// Calibrated is a calibration and what it is good for: metrics of the rows that it
// was fitted to.
type Calibrated struct {
	Map    *calibration.Map
	Before map[string]float64 // nil where scores are no probabilities
	After  map[string]float64
}

// Calibrate fits a calibration to the scores of rows with labels, by a method that goes
// with the model's task; "" is the first of calibration.Methods. A calibration that the
// model has is passed over. The model stays as it is: see SaveCalibration.
func (m *Model) Calibrate(ctx context.Context, rows Rows, method string) (found Calibrated, err error) {
	methods := calibration.Methods(m.Task)
	if len(methods) == 0 {
		return found, fmt.Errorf("model %s: %s predicts quantities: only probabilities of classes can be calibrated", m.dir, m.manifest.Algorithm)
	}
	if method == "" {
		method = methods[0]
	}
	if !slices.Contains(methods, method) {
		return found, fmt.Errorf("model %s: the method for scores of %s is %s, not %s", m.dir, m.manifest.Algorithm, strings.Join(methods, " or "), method)
	}
	f, err := calibration.For(m.Task, m.width)
	if err != nil {
		return found, err
	}
	n := uint64(0)
	err = m.Apply(ctx, rows, nil, func(b *Batch) error {
		if err := m.check(b, n); err != nil {
			return err
		}
		if len(b.Part.Class) != b.Part.X.Rows() {
			return fmt.Errorf("model %s: the data has no labels: calibrate with rows whose class is known", m.dir)
		}
		n += uint64(b.Part.X.Rows())
		f.Add(b.Scores, b.Part.Class)
		return nil
	})
	if err != nil {
		return found, err
	}
	if found.Map, err = f.Fit(method); err != nil {
		return found, fmt.Errorf("model %s: %w", m.dir, err)
	}
	if m.Task != algos.Margin {
		found.Before = f.Measure(nil)
	}
	found.After = f.Measure(found.Map)
	return found, nil
}

// SaveCalibration keeps a calibration in the directory of the model.
func (m *Model) SaveCalibration(c *calibration.Map) error {
	return model.Calibrate(m.dir, m.manifest, c)
}
