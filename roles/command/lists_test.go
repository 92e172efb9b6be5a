package command

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/model"
	"petuum/table"
)

// factors are the rows of a model of the users 7, ann and bob and the items 3, 5 and 12,
// with a bias and two factors, of ratings from 1 to 5 with the mean 3.
var factors = map[string][][]float64{
	"users": {{0.5, 1, 0}, {-0.5, 0, 1}, {0, 1, 1}},
	"items": {{0.25, 0.5, -1}, {-0.25, 1, 0.5}, {0, -4, 4}},
	"scale": {{3, 1, 5}},
}

// rated is what the model says of a pair, without bounds.
func rated(user, item int) float64 {
	p, q := factors["users"][user], factors["items"][item]
	return 3 + p[0] + q[0] + p[1]*q[1] + p[2]*q[2]
}

// saveFactors writes the model to dir, with the parameters.
func saveFactors(t *testing.T, dir, parameters string) {
	t.Helper()
	train := filepath.Join(t.TempDir(), "train.tsv")
	if err := os.WriteFile(train, []byte("7\t12\t1\nbob\t3\t5\nann\t5\t3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := dataset.Scan([]string{train}, dataset.Options{Format: dataset.Ratings, Unlabelled: true, Unsupervised: true}, []int{0}, 1)
	if err != nil {
		t.Fatal(err)
	}
	w, err := model.Create(dir, model.Manifest{Job: "rated", Algorithm: "mf", Parameters: "rank = 2\n" + parameters, Data: s.Info(0)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for _, spec := range []table.Spec{{Name: "users", Keys: 3, Width: 3}, {Name: "items", Keys: 3, Width: 3}, {Name: "scale", Keys: 1, Width: 3, Type: table.Float64}} {
		tw, err := w.Table(spec, algos.KeyNames{Rows: spec.Name == "users"}, true)
		if err != nil {
			t.Fatal(err)
		}
		for key, row := range factors[spec.Name] {
			var b []byte
			for _, v := range row {
				if spec.Type == table.Float64 {
					b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
				} else {
					b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
				}
			}
			if err := tw.Append(uint64(key), b); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// writeLines writes a file of a folder of its own.
func writeLines(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPredictPairs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	saveFactors(t, dir, "")
	pairs := writeLines(t, "pairs.tsv", "bob\t5\t4\n7\t12\t3\nann\t12\t2\neve\t3\t4\n7\t99\t3\nbob\t5\t1\n")
	want := fmt.Sprintf("prediction\n%v\n1\n5\n3.25\n3.5\n%v\n", rated(2, 1), rated(2, 1)) // 7 and 12, ann and 12 are beyond the bounds
	status, out, errs := typed(t, "predict", "--model", dir, "--data", pairs)
	if status != 0 || out != want || !strings.Contains(errs, "dropped  2, pairs of a user or an item that the model does not have") {
		t.Errorf("got status %d, %q and\n%s\nwant %q", status, out, errs, want)
	}
	file := filepath.Join(t.TempDir(), "out.tsv")
	status, out, errs = typed(t, "predict", "--model", dir, "--json", "--output", file, pairs)
	var got predicted
	if err := json.Unmarshal([]byte(out), &got); err != nil || status != 0 {
		t.Fatalf("got status %d, %s, %v and\n%s", status, errs, err, out)
	}
	squares, sizes := 0.0, 0.0
	for _, e := range []float64{rated(2, 1) - 4, 1 - 3, 5 - 2, 3.25 - 4, 3.5 - 3, rated(2, 1) - 1} {
		squares, sizes = squares+e*e, sizes+math.Abs(e)
	}
	if math.Abs(got.Metrics["rmse"]-math.Sqrt(squares/6)) > 1e-9 || math.Abs(got.Metrics["mae"]-sizes/6) > 1e-9 || got.Rows != 6 || got.Dropped != 2 || !got.Labelled {
		t.Errorf("got %+v, want an rmse of %v and an mae of %v", got, math.Sqrt(squares/6), sizes/6)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != want {
		t.Errorf("got %q and %v in the file, want %q", b, err, want)
	}
	t.Run("no ratings", func(t *testing.T) {
		status, out, errs := typed(t, "predict", "--model", dir, "--data", writeLines(t, "pairs.csv", "bob,5\nbob,3\n"))
		if want := fmt.Sprintf("prediction\n%v\n%v\n", rated(2, 1), rated(2, 0)); status != 0 || out != want || errs != "" {
			t.Errorf("got status %d, %q and %q, want %q", status, out, errs, want)
		}
	})
	t.Run("malformed", func(t *testing.T) {
		before := filepath.Join(t.TempDir(), "before.tsv")
		if err := os.WriteFile(before, []byte("before"), 0o600); err != nil {
			t.Fatal(err)
		}
		status, _, errs := typed(t, "predict", "--model", dir, "--output", before, "--data", writeLines(t, "pairs.tsv", "bob\t5\t4\nbob\t5\tx\n"))
		b, _ := os.ReadFile(before)
		entries, _ := os.ReadDir(filepath.Dir(before))
		if status != 1 || !strings.Contains(errs, `pairs.tsv:2:7: rating "x" is not a number`) || string(b) != "before" || len(entries) != 1 {
			t.Errorf("got status %d, %q, and %q in one of %d files", status, errs, b, len(entries))
		}
	})
	t.Run("implicit", func(t *testing.T) { // ratings measure nothing
		dir := filepath.Join(t.TempDir(), "model")
		saveFactors(t, dir, "feedback = \"implicit\"\nsolver = \"als\"\n")
		status, out, errs := typed(t, "predict", "--model", dir, "--data", pairs, "--json")
		if status != 0 || !strings.Contains(out, `"rows":6`) || !strings.Contains(out, `"metrics":{}`) {
			t.Errorf("got status %d, %s and\n%s\nwant no metrics", status, errs, out)
		}
	})
}

func TestPredictTop(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	saveFactors(t, dir, "")
	some, seen := writeLines(t, "users.txt", "bob\n\n7\nbob\n"), writeLines(t, "seen.csv", "bob,5,1\nbob,nothing,2\neve,5,3\n7,3,1\n7,5,1\n7,12,1\n")
	line := func(user string, list ...any) string {
		return fmt.Sprintf(user+strings.Repeat("\t%v\t%v", len(list)/2)+"\n", list...)
	}
	const names = "user\titem\tscore\titem\tscore\n"
	bob := line("bob", 5, rated(2, 1), 12, rated(2, 2))
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"all", nil, names + line("7", 3, rated(0, 0), 5, rated(0, 1)) + line("ann", 12, rated(1, 2), 5, rated(1, 1)) + bob},
		{"some", []string{"--users", some}, names + bob + line("7", 3, rated(0, 0), 5, rated(0, 1)) + bob},
		{"seen", []string{"--users", some, "--seen", seen}, names + line("bob", 12, rated(2, 2), 3, rated(2, 0)) + "7\n" + line("bob", 12, rated(2, 2), 3, rated(2, 0))},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, out, errs := typed(t, append([]string{"predict", "--model", dir, "--top", "2"}, c.args...)...)
			if status != 0 || out != c.want || errs != "" {
				t.Errorf("got status %d, %q and\n%s\nwant\n%s", status, errs, out, c.want)
			}
			file := filepath.Join(t.TempDir(), "lists.tsv")
			status, out, errs = typed(t, append([]string{"predict", "--model", dir, "--top", "2", "--output", file}, c.args...)...)
			if b, err := os.ReadFile(file); status != 0 || out != "" || !strings.Contains(errs, "users    3\n") || err != nil || string(b) != c.want {
				t.Errorf("--output: got status %d, %q, %q, %v and\n%s", status, out, errs, err, b)
			}
		})
	}
	status, out, errs := typed(t, "predict", "--model", dir, "--top", "9", "--users", some, "--seen", seen, "--json")
	var got listing
	if err := json.Unmarshal([]byte(out), &got); err != nil || status != 0 {
		t.Fatalf("got status %d, %s, %v and\n%s", status, errs, err, out)
	}
	if got.Users != 3 || got.Top != 9 || len(got.Lists) != 3 || got.Lists[0].User != "bob" || fmt.Sprint(got.Lists[0].Items) != fmt.Sprintf("[{12 %v} {3 %v}]", rated(2, 2), rated(2, 0)) || len(got.Lists[1].Items) != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestPredictTopRefuses(t *testing.T) {
	parent := t.TempDir()
	dir, topics := filepath.Join(parent, "model"), filepath.Join(parent, "topics")
	saveFactors(t, dir, "")
	saveTopics(t, topics)
	users, bad := writeLines(t, "users.txt", "bob\nx9\n"), writeLines(t, "bad.tsv", "bob\t3\t1\nbob\t5\tx\n")
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"--top 3", 2, "which model?"},
		{"--top 0 --model " + dir, 2, "--top 0: want 1 to 100000"},
		{"--top 3 --data x --model " + dir, 2, "needs no data"},
		{"--top 3 --model " + dir + " x", 2, "needs no data"},
		{"--top 3 --score --model " + dir, 2, "--score: it does not go with --top"},
		{"--top 3 --users= --model " + dir, 2, "--users: want the name of a file"},
		{"--top 3 --seen - --seen x --model " + dir, 2, "goes with no other"},
		{"--users x --data x --model " + dir, 2, "--users: it goes with --top"},
		{"--seen x --data x --model " + dir, 2, "--seen: it goes with --top"},
		{"--top 3 --output " + users + " --users " + users + " --model " + dir, 2, "would replace the data"},
		{"--top 3 --model " + topics, 2, "lda scores no pairs"},
		{"--top 3 --model " + parent, 1, "there is none"},
		{"--top 3 --users " + users + " --model " + dir, 1, `users.txt:2:1: "x9" is none of the 3 users`},
		{"--top 3 --users " + users + "x --model " + dir, 1, "users.txtx"},
		{"--top 3 --seen " + bad + " --model " + dir, 1, `bad.tsv:2:7: rating "x" is not a number`},
		{"--data " + users + " --format csv --model " + dir, 1, "want ratings"},
	} {
		status, out, errs := typed(t, append([]string{"predict"}, strings.Fields(c.args)...)...)
		if status != c.status || !strings.Contains(errs, c.want) || out != "" {
			t.Errorf("%s: got status %d, %q and %q, want %d and %q", c.args, status, out, errs, c.status, c.want)
		}
	}
}

// What is exported says the same as predict.
func TestExportFactors(t *testing.T) {
	dir, file := filepath.Join(t.TempDir(), "model"), filepath.Join(t.TempDir(), "model.npz")
	saveFactors(t, dir, "")
	if status, _, errs := typed(t, "model", "export", dir, "--format", "npz", "--output", file); status != 0 {
		t.Fatalf("got status %d and %s", status, errs)
	}
	z := readNPZ(t, file)
	user, item := -1, -1
	for k, name := range z.texts["rows"] {
		if name == "bob" {
			user = k
		}
	}
	for k, name := range z.texts["features"] {
		if name == "5" {
			item = k
		}
	}
	if user < 0 || item < 0 {
		t.Fatalf("got rows %v and features %v, want bob and 5 among them", z.texts["rows"], z.texts["features"])
	}
	p, q, scale := z.numbers["users"][3*user:][:3], z.numbers["items"][3*item:][:3], z.numbers["scale"]
	if got, want := scale[0]+p[0]+q[0]+p[1]*q[1]+p[2]*q[2], rated(2, 1); got != want {
		t.Errorf("got %v by the arrays, want %v", got, want)
	}
	status, out, errs := typed(t, "model", "export", dir, "--table", "users")
	if want := "7\t0.5 1 0\nann\t-0.5 0 1\nbob\t0 1 1\n"; status != 0 || out != want {
		t.Errorf("text: got status %d, %s and %q, want %q", status, errs, out, want)
	}
}
