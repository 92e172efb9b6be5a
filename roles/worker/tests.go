package worker

import (
	"fmt"
	"strconv"

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
	if what := leftOut(o.Like.Format, parts); what != "" {
		w.log.Warn("test data: " + what)
	}
	byPart := make(map[int]*dataset.Part, len(parts))
	for _, p := range parts {
		byPart[p.Index] = p
	}
	return byPart, nil
}

// leftOut says how much of the test data is not tested, "" if all is.
func leftOut(format string, parts []*dataset.Part) string {
	dropped := uint64(0)
	for _, p := range parts {
		dropped += p.Dropped
	}
	what := "values of features"
	switch {
	case dropped == 0:
		return ""
	case format == dataset.Ratings:
		return strconv.FormatUint(dropped, 10) + " ratings are of users or items that the training data does not have"
	case format == dataset.Docword || format == dataset.Text:
		what = "counts of words"
	}
	return "left out: " + strconv.FormatUint(dropped, 10) + " " + what + " that the training data does not have"
}
