package control

import (
	"errors"
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
// its parameters. What is wrong with these, or with how its tables are to travel,
// comes as configs.Errors.
func NewAlgorithm(list registry.List, c *configs.Config) (algos.Algorithm, error) {
	make, ok := list[c.Job.Algorithm]
	if !ok {
		names := slices.DeleteFunc(slices.Sorted(maps.Keys(list)), func(name string) bool { return strings.HasPrefix(name, "_") })
		return nil, c.Refuse("job.algorithm", fmt.Sprintf("no algorithm is called %q: there are %s", c.Job.Algorithm, strings.Join(names, ", ")), names...)
	}
	a := make()
	err := c.ValidAlgorithm(a)
	if _, ok := a.(algos.Predictor); !ok && !algos.TestsParts(a) && len(c.Data.Test) > 0 {
		err = configs.Join(err, c.Refuse("data.test", c.Job.Algorithm+" does not predict: there is nothing to test"))
	}
	t, wrong := readTravel(c)
	if wrong != nil {
		err = configs.Join(err, wrong)
	}
	if err != nil {
		return nil, err
	}
	if s, ok := a.(algos.Consistent); ok {
		if err := s.Under(c.Policy(), t.exact()); err != nil {
			return nil, refusal(c, err)
		}
	}
	if err := resumes(c, a); err != nil {
		return nil, err
	}
	if c.Checkpoint.Path != "" {
		if err := algos.CanSave(a); err != nil {
			return nil, c.Refuse("checkpoint.path", fmt.Sprintf("%s cannot go on from a checkpoint: %v: leave it out, and begin with a model (job.start) where that will do", c.Job.Algorithm, err))
		}
	}
	return a, nil
}

// resumes refuses to begin with a model if the algorithm cannot.
func resumes(c *configs.Config, a algos.Algorithm) error {
	if c.Job.Start == "" {
		return nil
	}
	r, ok := a.(algos.Resumer)
	if !ok {
		return c.Refuse("job.start", c.Job.Algorithm+" cannot begin with a model: leave it out")
	}
	if err := r.Resumes(); err != nil {
		return c.Refuse("job.start", err.Error())
	}
	return nil
}

// refusal is the error of parameters that do not go with how the job reads.
func refusal(c *configs.Config, err error) error {
	key := "job.algorithm"
	var about *algos.ParameterError
	if errors.As(err, &about) && len(about.Keys) > 0 {
		key = "algorithm." + about.Keys[0]
	}
	return c.Refuse(key, err.Error())
}

// TestsParts says whether the parts of the job get test data.
func TestsParts(c *configs.Config, a algos.Algorithm) bool {
	return algos.TestsParts(a) && len(c.Data.Test) > 0 && c.Evaluate.Test
}

// TestOptions says how test data is to be read: like the training data, of which info is
// known.
func TestOptions(c *configs.Config, a algos.Algorithm, info *dataset.Info) dataset.Options {
	o := DataOptions(c, a)
	o.Like, o.Labels, o.Weights = info, "", ""
	return o
}

// DataOptions says how the job's data is to be read.
func DataOptions(c *configs.Config, a algos.Algorithm) dataset.Options {
	o := dataset.Options{Format: c.Data.Format, Label: c.Data.Label, Weight: c.Data.Weight, Positive: c.Data.Positive, Header: c.Data.Header, Base: c.Data.Base, Features: c.Data.Features,
		Categorical: append([]string(nil), c.Data.Categorical...), Ignore: append([]string(nil), c.Data.Ignore...), Missing: c.Data.Missing, Float64: c.Data.Float64, Labels: c.Data.Labels, Weights: c.Data.Weights, Hash: c.Data.Hash, MinLength: c.Data.MinLength, StopWords: c.Data.StopWords}
	if s, ok := a.(algos.Streaming); ok {
		o.Stream = s.Streams()
	}
	if c, ok := a.(algos.Columnar); ok {
		o.Columns = c.ByColumns()
	}
	o.ByFeatures = algos.ReadsByFeatures(a)
	o.Sums = algos.NeedsSums(a)
	o.Unsupervised = algos.IsUnsupervised(a)
	if p, ok := a.(algos.Predictor); ok {
		o.Quantity = p.Task(dataset.Info{}) == algos.Regression
	}
	return o
}
