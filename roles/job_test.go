package roles_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryConfig runs every example as a user would, and holds what is known of
// its result against it.
func TestEveryConfig(t *testing.T) {
	want := map[string]func(t *testing.T, s summary){
		"logreg-a9a.toml": func(t *testing.T, s summary) {
			near(t, "objective", s.Objective, 0.32450692, 1e-4)
			near(t, "test accuracy", s.Metrics["test_accuracy"], 0.850, 0.001/0.85)
			if s.Servers != 2 || s.Workers != 2 {
				t.Errorf("%d servers and %d workers, want 2 and 2", s.Servers, s.Workers)
			}
		},
		"logreg-batch.toml": func(t *testing.T, s summary) {
			near(t, "objective", s.Objective, 0.32689896, 1e-6)
			near(t, "test accuracy", s.Metrics["test_accuracy"], 0.850, 0.001/0.85)
			if n := s.Metrics["nonzeros"]; n < 70 || n > 80 {
				t.Errorf("%v non-zeros, want 75 or so", n)
			}
			if len(s.Choices) != 1 || !strings.Contains(s.Choices[0], "newton") {
				t.Errorf("choices: got %q, want newton and why", s.Choices)
			}
		},
		"logreg-path.toml": func(t *testing.T, s summary) {
			near(t, "objective", s.Objective, 0.32689896, 1e-5)
			if len(s.Path) != 10 {
				t.Fatalf("%d stages, want 10", len(s.Path))
			}
			near(t, "first lambda", s.Path[0].Metrics["lambda"], 0.1, 1e-12)
			near(t, "first objective", s.Path[0].Objective, 0.62930267, 1e-6)
			if n := s.Path[0].Metrics["nonzeros"]; n != 1 {
				t.Errorf("%v non-zeros at first, want 1", n)
			}
		},
		"logreg-letter.toml": func(t *testing.T, s summary) {
			near(t, "objective", s.Objective, 0.819702993, 1e-5)
			near(t, "test accuracy", s.Metrics["test_accuracy"], 0.77375, 0.001/0.77)
		},
		"svm-a9a.toml": func(t *testing.T, s summary) {
			near(t, "objective", s.Objective, 0.4220501, 1e-4) // LIBLINEAR's, of -s 2 -B 1
			near(t, "test accuracy", s.Metrics["test_accuracy"], 0.849, 0.001/0.85)
			if s.Gap == nil || *s.Gap > 1e-4*s.Objective {
				t.Errorf("gap %v, want at most 1e-4 of the objective", s.Gap)
			}
		},
		"regression-diabetes.toml": func(t *testing.T, s summary) {
			near(t, "objective", s.Objective, 1300.60348, 1e-8)
			near(t, "mean absolute error", s.Metrics["train_mae"], 43.3113, 1e-4)
		},
		"lda-sotu.toml": func(t *testing.T, s summary) {
			near(t, "objective", s.Objective, 8.619, 0.01) // minus the log-likelihood of a token
			is(t, "tokens", s.Metrics["tokens"], 758188)
		},
		"lda-ap.toml": func(t *testing.T, s summary) {
			near(t, "objective", s.Objective, 8.529, 0.01) // minus the log-likelihood of a token
			is(t, "tokens", s.Metrics["tokens"], 435838)
		},
		"lda-kos.toml": func(t *testing.T, s summary) {
			near(t, "objective", s.Objective, 8.212, 0.01) // minus the log-likelihood of a token
			is(t, "tokens", s.Metrics["tokens"], 467714)
		},
		"dml-letter.toml": func(t *testing.T, s summary) {
			near(t, "objective", s.Objective, 0.53, 0.02)
		},
		"logreg-online.toml": func(t *testing.T, s summary) {
			near(t, "test accuracy", s.Metrics["test_accuracy"], 0.85, 0.005)
			if s.Epochs != 2 || s.StopReason != "epochs" {
				t.Errorf("got %v epochs and a stop by %s, want 2 and one by epochs", s.Epochs, s.StopReason)
			}
		},
		"lasso-diabetes.toml": func(t *testing.T, s summary) {
			near(t, "objective", s.Objective, 1807.1653, 1e-6)
			if s.Gap == nil || *s.Gap > 1e-6*s.Objective {
				t.Errorf("gap %v, want at most 1e-6 of the objective", s.Gap)
			}
			if s.Metrics["nonzeros"] != 5 {
				t.Errorf("%v non-zeros, want 5", s.Metrics["nonzeros"])
			}
		},
		"lasso-path.toml": func(t *testing.T, s summary) {
			near(t, "objective", s.Objective, 2011.61277, 1e-6)
			if len(s.Path) != 100 {
				t.Fatalf("%d stages, want the 100 of all rows", len(s.Path))
			}
			near(t, "lambda of the model", s.Metrics["lambda"], s.Metrics["cv_lambda_1se"], 1e-12)
			near(t, "the largest lambda", s.Path[0].Metrics["lambda"], 45.16, 1e-5)
			if m := s.Metrics; !(m["cv_lambda_min"] < m["cv_lambda_1se"]) || m["nonzeros"] != 4 {
				t.Errorf("lambdas of min and 1se, non-zeros: got %v, %v, %v; want 1se above min, and 4", m["cv_lambda_min"], m["cv_lambda_1se"], m["nonzeros"])
			}
		},
		"lasso-logistic.toml": func(t *testing.T, s summary) {
			near(t, "objective", s.Objective, 0.3468984, 1e-6) // glmnet's at thresh 1e-12
			near(t, "test accuracy", s.Metrics["test_accuracy"], 0.850, 0.001/0.85)
			is(t, "non-zeros", s.Metrics["nonzeros"], 42)
		},
		"lasso-sparse.toml": func(t *testing.T, s summary) { // on the small data below
			if s.Gap == nil || *s.Gap > 1e-6*s.Objective {
				t.Errorf("gap %v, want at most 1e-6 of the objective", s.Gap)
			}
			if n := s.Metrics["nonzeros"]; n < 20 || n > 500 {
				t.Errorf("%v non-zeros of 20,000 features and 500 rows, want some", n)
			}
		},
	}
	rated := func(rmse float64) func(t *testing.T, s summary) {
		return func(t *testing.T, s summary) {
			near(t, "test RMSE", s.Metrics["test_rmse"], rmse, 0.003)
		}
	}
	want["mf-implicit.toml"] = func(t *testing.T, s summary) {
		near(t, "NDCG", s.Metrics["test_ndcg_at_10"], 0.262, 0.02)
	}
	want["mf-ml-latest-small.toml"], want["mf-anime.toml"] = rated(0.8408), rated(1.1363)
	more := map[string]func(t *testing.T, dir string) []string{ // settings without which an example does not run here
		"lasso-sparse.toml": func(t *testing.T, dir string) []string {
			start(t, dir, "data", "gen", "lasso", "--rows", "500", "--features", "20000", "--parts", "2", "--output", "small.petuum").gone()
			return []string{"--set", "data.train=small.petuum"}
		},
	}
	for _, name := range []string{"ap", "kos"} {
		more["lda-"+name+".toml"] = func(t *testing.T, _ string) []string {
			if data := filepath.Join("..", "..", "shared", "data", "lda", "docword."+name+".txt.gz"); !there(data) {
				t.Skipf("there is no %s", data)
			}
			return nil
		}
	}
	paths, err := filepath.Glob(filepath.Join("..", "configs", "*.toml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			if rest, ok := strings.CutPrefix(name, "mf-"); ok {
				data := strings.TrimSuffix(rest, ".toml")
				if data == "implicit" {
					data = "ml-latest-small"
				}
				shared(t, filepath.Join("ratings", data+".train.tsv.gz"))
			}
			dir := t.TempDir()
			args := []string{config(t, name)}
			if needs, ok := more[name]; ok {
				args = append(needs(t, dir), args...)
			}
			s := train(t, dir, args...)
			check, ok := want[name]
			if !ok {
				t.Fatalf("nothing is known of the result of %s: add it to this test", name)
			}
			check(t, s)
			checkLedger(t, s)
			if s.Model == "" {
				t.Fatal("an example should write a model")
			}
			if _, err := os.Stat(filepath.Join(s.Model, "manifest.json")); err != nil {
				t.Error(err)
			}
			if !strings.HasPrefix(s.Model, dir) {
				t.Errorf("the model went to %s, outside the working directory", s.Model)
			}
		})
	}
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// checkLedger asserts that the wait ledger accounts for the time of the parts.
func checkLedger(t *testing.T, s summary) {
	t.Helper()
	wall, _ := s.Wait.Sum["wall"].(float64)
	sum := 0.0
	for _, term := range []string{"compute", "evaluate", "encode", "decode", "slowest", "queue", "apply", "wire", "barrier", "scheduler", "unaccounted"} {
		v, ok := s.Wait.Sum[term].(float64)
		if !ok || v < -1e-3*wall {
			t.Errorf("wait ledger: %s is %v", term, s.Wait.Sum[term])
		}
		sum += v
	}
	near(t, "sum of the ledger", sum, wall, 1e-6)
	checkBytes(t, s.Bytes)
}

// checkBytes asserts that the numbers of bytes fit each other.
func checkBytes(t *testing.T, b wireBytes) {
	t.Helper()
	for _, s := range []stages{b.stages, b.Updates, b.Answers} {
		if s.Compressed <= 0 || s.Compressed > s.Encoded || s.Sent <= s.Compressed {
			t.Errorf("bytes: %+v of %+v", s, b)
		}
	}
	if b.Received == 0 || b.Sent < b.Updates.Sent+b.Answers.Sent || b.Encoded < b.Updates.Encoded+b.Answers.Encoded ||
		b.Raw-b.Encoded != b.Updates.Raw-b.Updates.Encoded+b.Answers.Raw-b.Answers.Encoded {
		t.Errorf("totals do not fit the directions: %+v", b)
	}
	if f := b.Compression; f.Updates.All == 0 || f.Answers.All == 0 {
		t.Errorf("frames: %+v", f)
	}
}

// TestCompression asserts that both ends of the connections of a job obey its
// setting.
func TestCompression(t *testing.T) {
	for _, example := range []string{"logreg-a9a.toml", "dml-letter.toml"} {
		for _, how := range []string{"off", "zstd"} {
			t.Run(example+" "+how, func(t *testing.T) {
				s := train(t, t.TempDir(), "--set", "wire.compression="+how, "--set", "stop.clocks=40", "--set", "output.model=", config(t, example))
				checkBytes(t, s.Bytes)
				b, f := s.Bytes, s.Bytes.Compression
				shorter := [2]bool{b.Updates.Compressed < b.Updates.Encoded, b.Answers.Compressed < b.Answers.Encoded}
				some := [2]bool{f.Updates.Compressed > 0, f.Answers.Compressed > 0}
				is(t, "frames of updates and answers went compressed", some, [2]bool{how == "zstd", how == "zstd"})
				is(t, "they were shorter", shorter, some)
			})
		}
	}
}

// TestSameOptimum trains on the same data in many ways; every way must end at
// the same optimum with the same settings.
func TestSameOptimum(t *testing.T) {
	for _, c := range []struct{ workers, threads, servers int }{{1, 1, 1}, {2, 1, 5}, {2, 3, 2}} {
		for _, policy := range []string{"bsp", "ssp:3", "asp"} {
			t.Run(fmt.Sprintf("%d workers of %d parts, %d servers, %s", c.workers, c.threads, c.servers, policy), func(t *testing.T) {
				s := train(t, t.TempDir(), "--set", fmt.Sprint("cluster.workers=", c.workers), "--set", fmt.Sprint("cluster.threads=", c.threads),
					"--set", fmt.Sprint("cluster.servers=", c.servers), "--set", "consistency.policy="+policy, "--set", "output.model=", "--set", "stop.epochs=60",
					config(t, "logreg-a9a.toml"))
				near(t, "objective", s.Objective, 0.32450692, 1e-4)
			})
		}
	}
}

func TestDeterministic(t *testing.T) {
	for _, example := range []string{"logreg-a9a.toml", "lasso-diabetes.toml"} {
		t.Run(example, func(t *testing.T) {
			var first [sha256.Size]byte
			for i, c := range []struct{ workers, servers int }{{1, 2}, {2, 1}, {4, 3}} {
				s := train(t, t.TempDir(), "--set", "cluster.parts=4", "--set", "consistency.deterministic=true", "--set", "consistency.policy=bsp",
					"--set", fmt.Sprint("cluster.workers=", c.workers), "--set", fmt.Sprint("cluster.servers=", c.servers), config(t, example))
				text, err := os.ReadFile(filepath.Join(s.Model, "weights.bin"))
				if err != nil {
					t.Fatal(err)
				}
				sum := sha256.Sum256(text)
				if i == 0 {
					first = sum
				} else if sum != first {
					t.Errorf("%d workers, %d servers: sha256 %x, want %x as with 1 worker", c.workers, c.servers, sum, first)
				}
			}
		})
	}
}

// TestRealData trains on the shared data, where it is there, and compares with
// the optimum that independent solvers found.
func TestRealData(t *testing.T) {
	for _, c := range []struct {
		data      string
		settings  []string
		objective float64
		relative  float64
		nonzeros  float64 // 0: not checked; else within 1
	}{
		{"sparse-binary/debian-arch.train.libsvm.gz", []string{"job.algorithm=logreg", "algorithm.lambda=1e-4", "stop.epochs=30"}, 0.05974325, 1e-3, 0},
		{"lasso/riboflavin.csv.gz", []string{"job.algorithm=lasso", "algorithm.lambda_ratio=0.1", "stop.tolerance=1e-6"}, 0.12342519, 1e-5, 31},
		{"lasso/golub_train.csv.gz", []string{"job.algorithm=lasso", "data.positive=AML", "algorithm.lambda_ratio=0.1", "stop.tolerance=1e-6"}, 0.095263447, 1e-5, 26},
		{"petuum-samples/lasso500by1K.X.mmt.gz", []string{"job.algorithm=lasso", "data.labels=DIR/lasso500by1K.Y.mmt.gz", "algorithm.lambda_ratio=0.1", "algorithm.standardize=false",
			"stop.tolerance=1e-6"}, 0.00050470112647, 1e-5, 307},
		{"lasso/debian-size.train.libsvm.gz", []string{"job.algorithm=lasso", "algorithm.lambda_ratio=0.01", "algorithm.standardize=false", "stop.tolerance=1e-6"}, 0.2194968, 1e-5, 641},
	} {
		t.Run(c.data, func(t *testing.T) {
			path := shared(t, c.data)
			dir := t.TempDir()
			job := filepath.Join(dir, "job.toml")
			if err := os.WriteFile(job, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			args := []string{"--set", "data.train=" + path}
			for _, s := range c.settings {
				args = append(args, "--set", strings.Replace(s, "DIR", filepath.Dir(path), 1))
			}
			s := train(t, dir, append(args, job)...)
			near(t, "objective", s.Objective, c.objective, c.relative)
			if got := s.Metrics["nonzeros"]; c.nonzeros > 0 && (got < c.nonzeros-1 || got > c.nonzeros+1) {
				t.Errorf("%v non-zeros, want %v or one more or less", got, c.nonzeros)
			}
			t.Logf("objective %.9g, %v s, %d clocks", s.Objective, s.Seconds["total"], s.Clocks)
		})
	}
}

// TestUntested gives a job test data that is not of the kind it was trained on:
// the result of the training must not be lost.
func TestUntested(t *testing.T) {
	dir := t.TempDir()
	late := filepath.Join(dir, "late.libsvm")
	if err := os.WriteFile(late, []byte(strings.Repeat("-1 3:1\n", 5000)+"-1 3:x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		test    string
		trained bool // what is wrong is not at the beginning
	}{{config(t, "data/diabetes.csv"), false}, {late, true}} {
		p := start(t, dir, "run", "--set", "stop.epochs=3", "--set", "data.test="+c.test, config(t, "logreg-a9a.toml"))
		if code := p.status(); code != 1 {
			t.Errorf("%s: exit status %d, want 1", c.test, code)
		}
		if !strings.Contains(p.stderr(), filepath.Base(c.test)) {
			t.Errorf("stderr does not name the test file:\n%s", p.stderr())
		}
		if got := strings.Contains(p.stdout.String(), "train_accuracy"); got != c.trained {
			t.Errorf("%s: a summary: got %t, want %t\n%s", c.test, got, c.trained, p.stdout.String())
		}
	}
}

// TestNames: the features of a model have the names of the data's header and
// categories, or those of data.names; too few of these end the job.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.csv":  "y,job,age\n1.5,cook,3\n2.5,nurse,4\n3,cook,9\n2,,1\n",
		"a.svm":  "1 1:2 2:1\n2 2:3\n4 1:5\n",
		"three":  "one\ntwo\nthree\n",
		"one":    "one\n",
		"job.to": "[job]\nalgorithm = \"lasso\"\n[cluster]\nservers = 1\n[algorithm]\nlambda = 0.01\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, train, set, want, refused string }{
		{"categories", "a.csv", "data.categorical=[\"job\"]", `["job=","job=cook","job=nurse","age"]`, ""},
		{"file", "a.svm", "data.names=three", `["one","two"]`, ""},
		{"too few", "a.svm", "data.names=one", "", "one has 1 feature names, but there are 2 features"},
		{"header too", "a.csv", "data.names=three", "", `column "job": "cook" is not a number: list the column in data.categorical`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, dir, "run", "--json", "--set", "data.train="+c.train, "--set", c.set, "--set", "output.model=model", "job.to")
			if c.refused != "" {
				if code := p.status(); code != 1 || !strings.Contains(p.stderr(), c.refused) {
					t.Errorf("got status %d, want 1 and %q:\n%s", code, c.refused, p.stderr())
				}
				return
			}
			p.result()
			text, err := os.ReadFile(filepath.Join(dir, "model", "manifest.json"))
			if err != nil {
				t.Fatal(err)
			}
			if flat := strings.Join(strings.Fields(string(text)), ""); !strings.Contains(flat, `"names":`+c.want) {
				t.Errorf("the manifest has no names %s:\n%s", c.want, text)
			}
		})
	}
}
