package scheduler

import (
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/lasso"
	"petuum/configs"
)

// weighing is an algorithm that takes weights if it says so.
type weighing struct {
	algos.Algorithm
	takes bool
}

func (w weighing) Weights() bool { return w.takes }

func TestWeights(t *testing.T) {
	plain := dataset.Info{Rows: 2, Weight: 2}
	weighted := dataset.Info{Rows: 2, Weight: 0.5, Weighted: true}
	nothing := dataset.Info{Rows: 2, Weighted: true}
	const csv = "data.weight = \"w\"\n"
	for _, c := range []struct {
		name string
		text string
		alg  algos.Algorithm
		info dataset.Info
		want string // "" if the job may go on
	}{
		{"no weights", csv, lasso.New(), plain, ""},
		{"taken", csv, weighing{takes: true}, weighted, ""},
		{"column", csv, lasso.New(), weighted, `job.toml:3: data.weight: lasso does not take weights of samples: leave column "w" out with data.ignore`},
		{"file", "data.weights = \"w.txt\"\n", lasso.New(), weighted, "job.toml:3: data.weights: lasso does not take weights of samples: leave this file out"},
		{"behind labels", "", lasso.New(), weighted, "job.toml:2: data.train: lasso does not take weights of samples: "},
		{"not with these parameters", csv, weighing{}, weighted, "does not take weights"},
		{"all are 0", csv, weighing{takes: true}, nothing, "data.weight: all samples have weight 0"},
	} {
		cfg, err := configs.Parse("job.toml", []byte("job.algorithm = \"lasso\"\ndata.train = \"a.svm\"\n"+c.text), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := checkWeights(cfg, c.alg, c.info); err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
