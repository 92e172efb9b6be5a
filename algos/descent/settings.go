package descent

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"petuum/algos/dataset"
)

// Settings of a problem.
type Settings struct {
	Loss Loss
	Path
	Lambda      float64 // weight of the penalty; 0: LambdaRatio
	LambdaRatio float64 // as a fraction of the least with which no coefficient is kept
	L1Ratio     float64 // share of L1 in the penalty, in (0, 1]
	Standardize bool
	Intercept   bool
	Center      float64 // what labels count less; log-odds of the labels where the loss is logistic
	Groups      []int   // ends of groups of features; nil: none
	Kind        string  // of the schedule; "" and auto: working sets
	Priority    string
	Block       int
	Rho         float64
	Schedulers  int // each with a range of the coefficients; 0 and 1: one with all
	Seed        uint64
}

// GroupsOf is the ends of groups of features as a setting describes them, nil for none:
// a number, so many consecutive features each; a list of sizes; or "columns", the
// categories of each column of a CSV file.
func GroupsOf(text string, d dataset.Info) (ends []int, err error) {
	var sizes []int
	switch each, err := strconv.Atoi(text); {
	case text == "":
		return nil, nil
	case text == "columns":
		for _, c := range d.Columns {
			sizes = append(sizes, max(1, len(c.Categories)))
		}
		if sizes == nil {
			return nil, errors.New("groups = \"columns\", but no column of the data has categories; see data.categorical")
		}
	case err == nil && each > 0:
		for end := uint64(0); end < d.Features; end += uint64(each) {
			sizes = append(sizes, int(min(uint64(each), d.Features-end)))
		}
	default:
		for _, text := range strings.Split(text, ",") {
			size, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil || size < 1 || uint64(size) > d.Features {
				return nil, fmt.Errorf("groups: %q is not the size of a group of the data's %d features: want a number, a list such as \"3,1,4\", or columns", text, d.Features)
			}
			sizes = append(sizes, size)
		}
	}
	end := uint64(0)
	for _, size := range sizes {
		if uint64(size) > d.Features-end {
			return nil, fmt.Errorf("groups have more than the %d features that the data has", d.Features)
		}
		end += uint64(size)
		ends = append(ends, int(end))
	}
	if end != d.Features {
		return nil, fmt.Errorf("groups have %d features together, the data has %d", end, d.Features)
	}
	return ends, nil
}
