package scheduler

import (
	"fmt"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/configs"
)

// checkWeights refuses weights of samples that the algorithm would ignore, and such
// that leave nothing to learn from.
func checkWeights(c *configs.Config, a algos.Algorithm, info dataset.Info) error {
	if !info.Weighted {
		return nil
	}
	where, remedy := "data.train", fmt.Sprintf("%s has weights behind its labels: remove them", c.Data.Train)
	switch {
	case c.Data.Weight != "":
		where, remedy = "data.weight", fmt.Sprintf("leave column %q out with data.ignore in place of data.weight", c.Data.Weight)
	case c.Data.Weights != "":
		where, remedy = "data.weights", "leave this file out"
	}
	switch {
	case !algos.TakesWeights(a):
		return c.Refuse(where, fmt.Sprintf("%s does not take weights of samples: %s", c.Job.Algorithm, remedy))
	case info.Weight == 0:
		return c.Refuse(where, "all samples have weight 0")
	}
	return nil
}
