package control

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/registry"
	"petuum/configs"
)

// NewAlgorithm makes an instance of the job's algorithm, which is one of list, with
// its parameters. What is wrong with these comes as configs.Errors.
func NewAlgorithm(list registry.List, c *configs.Config) (algos.Algorithm, error) {
	make, ok := list[c.Job.Algorithm]
	if !ok {
		names := slices.Sorted(maps.Keys(list))
		return nil, c.Refuse("job.algorithm", fmt.Sprintf("no algorithm is called %q: there are %s", c.Job.Algorithm, strings.Join(names, ", ")), names...)
	}
	a := make()
	if err := c.ValidAlgorithm(a); err != nil {
		return nil, err
	}
	return a, nil
}

// Single is the only one of the files of a setting.
func Single(c *configs.Config, key string, paths configs.Paths) (string, error) {
	if len(paths) != 1 {
		return "", c.Refuse(key, fmt.Sprintf("%d files: the reader takes one: join them", len(paths)))
	}
	return paths[0], nil
}

// DataOptions says how the job's data is to be read.
func DataOptions(c *configs.Config, a algos.Algorithm) dataset.Options {
	o := dataset.Options{Format: c.Data.Format, Label: c.Data.Label, Header: c.Data.Header, Base: c.Data.Base, Features: c.Data.Features}
	if p, ok := a.(algos.Predictor); ok {
		o.Quantity = p.Task() == algos.Regression
	}
	return o
}
