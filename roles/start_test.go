package roles_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStart stops a job early and goes on from its model.
func TestStart(t *testing.T) {
	for _, servers := range []int{1, 3} {
		t.Run(fmt.Sprint(servers, " servers"), func(t *testing.T) {
			dir := t.TempDir()
			args := func(sets ...string) (all []string) {
				for _, s := range append([]string{"algorithm.lambda=0.01", "output.model=m"}, sets...) {
					all = append(all, "--set", s)
				}
				return append(all, config(t, "logreg-a9a.toml"))
			}
			early := train(t, dir, args("stop.epochs=2", "cluster.servers=2")...)
			late := train(t, dir, args("stop.epochs=30", "job.start=m", fmt.Sprint("cluster.servers=", servers))...)
			near(t, "objective where it begins", late.Curve[0].Objective, early.Objective, 1e-12)
			optimum := train(t, dir, args("stop.epochs=100", "stop.tolerance=1e-10", "output.model=")...)
			near(t, "objective where it ends", late.Objective, optimum.Objective, 1e-5)
			if late.Objective >= early.Objective {
				t.Errorf("it ends at %v, where the earlier job did at %v", late.Objective, early.Objective)
			}
		})
	}
}

// TestStartRefused: a model that cannot be where the job begins is refused, and why.
func TestStartRefused(t *testing.T) {
	dir := rows(t)
	base := []string{"job.algorithm=logreg", "stop.clocks=3"}
	run := func(sets ...string) *program {
		args := []string{"run", "--json"}
		for _, s := range append([]string{"data.train=full.csv", "data.ignore=[]"}, sets...) {
			args = append(args, "--set", s)
		}
		return startToys(t, dir, append(args, "job.toml")...)
	}
	run(append(base, "output.model=good")...).result()
	run("job.algorithm=ridge", "stop.clocks=3", "output.model=ridge").result()
	run("job.algorithm=lasso", "algorithm.lambda=0.1", "output.model=lasso").result()
	run(append(base, "data.train=sparse", "output.model=two")...).result()
	for name, text := range map[string]string{"other.csv": "y,z,a,b,d\n0,1,2,3,4\n1,2,3,4,5\n", "words.csv": "y,z,a,b,c\nno,1,2,3,4\nyes,2,3,4,5\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		sets []string
		code int
		want string
	}{
		{"no folder", []string{"job.start=none"}, 2, "--set job.start=none: no such folder: looked for "},
		{"no model", []string{"job.start=."}, 1, "job.start: model: there is none in "},
		{"a solver that cannot", []string{"job.start=good", "algorithm.solver=dual"}, 2, "solver dual cannot start from the weights of a model"},
		{"auto is dual", []string{"job.start=good", "consistency.policy=ssp:2"}, 2, "solver dual cannot start from the weights of a model"},
		{"an algorithm that cannot", []string{"job.start=good", "job.algorithm=apart"}, 2, "job.start=good: apart cannot begin with a model"},
		{"features", []string{"job.start=good", "data.train=less.csv"}, 1, "the training data has 1 features, and the model's had 4"},
		{"fewer features of LIBSVM", []string{"job.start=good", "data.train=sparse"}, 1, "set data.features = 4"},
		{"names", []string{"job.start=good", "data.train=other.csv"}, 1, `feature 3 of the training data is "d", and the model's was "c"`},
		{"classes", []string{"job.start=good", "data.train=words.csv"}, 1, `the classes of the training data are ["no" "yes"], and of the model's ["0" "1"]`},
		{"base", []string{"job.start=two", "data.train=sparse", "data.base=0", "data.features=2"}, 1, "feature"},
		{"quantities", []string{"job.start=ridge"}, 1, `the classes of the training data are ["0" "1"], and of the model's none`},
		{"another algorithm", []string{"job.start=lasso", "job.algorithm=ridge"}, 1, `it is of lasso and has no table "w", which ridge needs`},
		{"other keys", []string{"job.start=good", "algorithm.intercept=true"}, 1, `its table "weights" has 4 keys of 1 values, and the job's 5 of 1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			sets := append(append([]string{}, base...), c.sets...)
			if len(c.sets) > 1 && strings.HasPrefix(c.sets[1], "job.algorithm=") {
				sets = c.sets
			}
			p := run(append(sets, "output.model=never")...)
			is(t, "exit status", p.status(), c.code)
			says(t, p.stderr(), c.want)
			if _, err := os.Stat(filepath.Join(dir, "never")); err == nil {
				t.Error("a model was written")
			}
		})
	}
}
