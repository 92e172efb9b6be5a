package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"petuum/algos/registry"
)

// run runs a command line and returns what it leaves.
func run(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = Run(registry.Algorithms, append([]string{"petuum"}, args...), &out, &errs)
	return status, out.String(), errs.String()
}

// TestDataStat describes small files as text and as JSON.
func TestDataStat(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	svm := write("a.svm", "1 1:1 3:2\n-1 2:1\n1\n")
	more := write("b.svm", "1 1234567:1\n")
	csv := write("a.csv", "y,job,age\n1.5,cook,3\n2.5,nurse,4\n")
	x := write("x.mtx", "%%MatrixMarket matrix array real general\n2 1\n1\n2\n")
	y := write("y.txt", "p\nq\n")
	gap := write("gap.csv", "y,a\n1,3\n2,\n")
	weighed := write("w.svm", "1:0.5 1:1\n-1:2 1:1\n-1 2:1\n")
	column := write("w.csv", "y,w,a\n1,3,1\n1,0,2\n")
	z := write("z.txt", "0.25\n4\n")
	bare := write("bare.csv", "a,b\n1,2\n")
	write("test.svm", "-1 2:1 9:1\n")
	job := write("job.toml", "[job]\nalgorithm = \"logreg\"\n[data]\ntrain = \"a.svm\"\ntest = \"test.svm\"\n[algorithm]\nlambda = 0.1\n")
	for _, c := range []struct {
		name   string
		args   []string
		status int
		want   []string // words of lines of stdout, or of stderr if the status is not 0
	}{
		{"files", []string{svm, more}, 0, []string{"libsvm, indices from 1", "rows 4 (1 without a value)", "features 1,234,567",
			"non-zeros 4, 8.1e-05 % of all; 0 to 2 a row", "values 1 to 2", "largest index 1,234,567, first in " + more + ":1",
			"labels mean 0.5, sd 0.866025, -1 to 1", "-1: 1 rows, 25 %", "files a.svm: 3 rows, 19 bytes", "b.svm: 1 rows, 12 bytes"}},
		{"categorical", []string{csv, "--categorical", "*"}, 0, []string{"format csv", "features 3", "labels y mean 2, sd 0.5, 1.5 to 2.5", "categorical job: 2 categories"}},
		{"ignored", []string{csv, "--ignore", "job"}, 0, []string{"features 1", "ignored job", "values 3 to 4"}},
		{"missing", []string{gap, "--missing", "7"}, 0, []string{"features 1", "values 3 to 7"}},
		{"not missing", []string{gap}, 1, []string{`gap.csv:3:3: column "a": the value is missing`, "data.missing"}},
		{"matrix", []string{x, "--labels", y}, 0, []string{"format mm", "labels p: 1 rows, 50 %", "q: 1 rows, 50 %", "y.txt: 4 bytes"}},
		{"weights", []string{weighed, "--base", "1"}, 0, []string{"rows 3", "weights sum 3.5, 0.5 to 2", "-1: 2 rows, 66.67 %, weight 3", "1: 1 rows, 33.33 %, weight 0.5"}},
		{"column of weights", []string{column, "--weight", "w"}, 0, []string{"features 1", "weights w sum 3, 0 to 3", "1: 2 rows, 100 %, weight 3"}},
		{"file of weights", []string{x, "--weights", z}, 0, []string{"labels none", "weights sum 4.25, 0.25 to 4"}},
		{"weight and job", []string{"--config", job, "--weight", "w"}, 2, []string{"override with --set data.weight="}},
		{"no labels", []string{bare}, 0, []string{"labels none", "features 2"}},
		{"job", []string{"--config", job}, 0, []string{"data.train", "rows 3 (1", "data.test", "rows 1 (0", "dropped 1 values of features"}},
		{"nothing", nil, 2, []string{"data stat: which data? petuum data stat FILE... or --config FILE.toml"}},
		{"set without a job", []string{svm, "--set", "data.base=0"}, 2, []string{"--set is for the job of --config"}},
		{"both", []string{"--config", job, svm}, 2, []string{"either files or --config, not both"}},
		{"label and job", []string{"--config", job, "--label", "y"}, 2, []string{"override with --set data.label="}},
		{"no such label", []string{csv, "--label", "z"}, 1, []string{`there is no column "z" for the label (data.label): the nearest is "y"`}},
		{"word", []string{csv}, 1, []string{`a.csv:2:5: column "job": "cook" is not a number: list the column in data.categorical`}},
		{"no file", []string{filepath.Join(dir, "none")}, 1, []string{"no such file"}},
		{"bad format", []string{svm, "--format", "arff"}, 2, []string{`format "arff": want auto, libsvm, csv, mm, binary, docword, ratings or text`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, stdout, stderr := run(append([]string{"data", "stat"}, c.args...)...)
			said := stdout
			if c.status != 0 {
				said = stderr
			}
			words := strings.Join(strings.Fields(said), " ")
			if status != c.status {
				t.Errorf("got status %d, want %d: %s%s", status, c.status, stdout, stderr)
			}
			for _, want := range c.want {
				if !strings.Contains(words, want) {
					t.Errorf("got\n%s\nwant %q", said, want)
				}
			}
			_, stdout, _ = run(append([]string{"data", "stat", "--json"}, c.args...)...)
			var object map[string]any
			d := json.NewDecoder(strings.NewReader(stdout))
			if err := d.Decode(&object); err != nil || d.More() {
				t.Errorf("--json: got %q, want one object: %v", stdout, err)
			}
			if _, failed := object["error"]; failed != (c.status != 0) {
				t.Errorf("--json: got %v", object)
			}
		})
	}
	if status, _, stderr := run("data", "stats"); status != 2 || !strings.Contains(stderr, `data: no command is called "stats"`) {
		t.Errorf("data stats: got status %d, %s", status, stderr)
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}
