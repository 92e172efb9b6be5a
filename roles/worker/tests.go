package worker

import (
	"fmt"

	"petuum/algos/dataset"
	"petuum/roles/control"
)

// tests reads the test data of this worker's parts; nil if they need none. info is that of
// the training data, with names.
func (w *worker) tests(info dataset.Info) (map[int]*dataset.Part, error) {
	alg, err := control.NewAlgorithm(w.place.Algorithms, w.cfg)
	if err != nil || !control.TestsParts(w.cfg, alg) {
		return nil, err
	}
	var numbers []int
	for _, g := range w.job.Groups {
		numbers = append(numbers, g.Parts...)
	}
	o := control.TestOptions(w.cfg, alg, &info)
	o.Stream, o.Columns, o.Sums = false, false, false
	parts, err := dataset.ReadTest(w.cfg.Data.Test, o, numbers, w.job.Parts)
	if err != nil {
		return nil, fmt.Errorf("data.test: %w", err)
	}
	byPart := make(map[int]*dataset.Part, len(parts))
	for _, p := range parts {
		byPart[p.Index] = p
	}
	return byPart, nil
}
