package roles_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/registry"
	"petuum/roles/command"
)

// toysEnv has the program of the tests be petuum, with algorithms of the test kit.
const toysEnv = "ROLES_TEST_TOYS"

func toys() int {
	list := registry.Algorithms.With("ridge", func() algos.Algorithm { return algotest.NewRidge() }).
		With("apart", func() algos.Algorithm { return algotest.NewApart() }).
		With("tally", func() algos.Algorithm { return algotest.NewTally() })
	return command.Run(list, os.Args, os.Stdout, os.Stderr)
}

// startToys starts petuum with the algorithms of the test kit.
func startToys(t *testing.T, dir string, args ...string) *program {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes: skipped with -short")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), toysEnv+"=1")
	return launch(t, dir, cmd)
}

// staged are the arguments of a job of stages in dir.
func staged(data, algorithm string, sets ...string) []string {
	args := []string{"run", "--json"}
	for _, s := range append([]string{"job.algorithm=" + algorithm, "data.train=" + filepath.Join(data, "full.csv"), "output.model=m"}, sets...) {
		args = append(args, "--set", s)
	}
	return append(args, filepath.Join(data, "job.toml"))
}

// entries are the names in a directory, hidden ones included.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range found {
		names = append(names, e.Name())
	}
	return names
}

// TestStages follows a path by real processes, under every policy.
func TestStages(t *testing.T) {
	data := rows(t)
	for _, c := range []struct {
		algorithm string
		clocks    int // of a stage
		sets      []string
	}{
		{"ridge", 300, []string{"stop.clocks=300", "consistency.policy=bsp"}},
		{"ridge", 300, []string{"stop.clocks=300", "consistency.policy=ssp:3"}},
		{"ridge", 300, []string{"stop.clocks=300", "consistency.policy=asp", "cluster.servers=1", "cluster.threads=2"}},
		{"ridge", 301, []string{"stop.clocks=300", "wire.encoding=fixed2"}}, // one more to settle
		{"apart", 4, []string{"stop.epochs=1"}},
	} {
		t.Run(fmt.Sprint(c.algorithm, c.sets), func(t *testing.T) {
			dir := t.TempDir()
			sets := append([]string{"algorithm.count=3", "algorithm.ratio=0.5"}, c.sets...)
			test := c.algorithm == "ridge"
			if test {
				sets = append(sets, "data.test="+filepath.Join(data, "full.csv"))
			}
			s := startToys(t, dir, staged(data, c.algorithm, sets...)...).result()
			if len(s.Path) != 3 || len(s.Curve) == 0 {
				t.Fatalf("got a path of %d stages, want 3: %+v", len(s.Path), s.Path)
			}
			for i, p := range s.Path {
				lambda := 1.0
				for range i {
					lambda /= 2
				}
				alone := startToys(t, dir, staged(data, c.algorithm, append(sets, "algorithm.count=1", fmt.Sprint("algorithm.first=", lambda), "output.model=")...)...).result()
				near(t, fmt.Sprintf("objective of stage %d", i), p.Objective, alone.Objective, 1e-4)
				if i == 0 && c.algorithm == "apart" {
					near(t, "objective of stage 0", p.Objective, alone.Objective, 1e-12)
				}
				is(t, "a path of one problem", len(alone.Path), 0)
				is(t, "number", p.Stage, i)
				is(t, "clock", p.Clock, (i+1)*c.clocks)
				is(t, "instances at another stage", p.Metrics["apart"], 0)
				_, tested := p.Metrics["test_mse"]
				is(t, "tested", tested, test)
				is(t, "model", p.Model, filepath.Join(dir, "m", "path", fmt.Sprintf("%03d", i)))
				var shown struct {
					Objective float64
					Metrics   map[string]float64
				}
				p0 := startToys(t, dir, "model", "show", "--json", p.Model)
				is(t, "status of model show", p0.status(), 0)
				if err := json.Unmarshal(p0.stdout.Bytes(), &shown); err != nil {
					t.Fatal(err)
				}
				is(t, "objective in the model", shown.Objective, p.Objective)
				is(t, "test metric in the model", shown.Metrics["test_mse"], p.Metrics["test_mse"])
				if test {
					out := startToys(t, dir, "predict", "--json", "--model", filepath.Join("m", "path", fmt.Sprintf("%03d", i)), "--data", filepath.Join(data, "full.csv"))
					is(t, "status of predict", out.status(), 0)
					var got struct{ Metrics map[string]float64 }
					if err := json.Unmarshal(out.stdout.Bytes(), &got); err != nil {
						t.Fatal(err)
					}
					near(t, "mse by predict", got.Metrics["mse"], p.Metrics["test_mse"], 1e-12)
				}
			}
			last := s.Path[2]
			is(t, "objective", s.Objective, last.Objective)
			is(t, "test metric", s.Metrics["test_mse"], last.Metrics["test_mse"])
			is(t, "stop reason", s.StopReason, last.StopReason)
			stages := map[int]int{}
			for _, p := range s.Curve {
				if p.Stage == nil {
					t.Fatal("a point without its stage")
				}
				stages[*p.Stage]++
			}
			is(t, "stages on the curve", len(stages), 3)
			show := startToys(t, dir, "model", "show", "m")
			is(t, "status of model show", show.status(), 0)
			if want := "3 models of stages, m/path/000 to m/path/002\n"; !strings.Contains(show.stdout.String(), want) {
				t.Errorf("model show does not say %q:\n%s", want, show.stdout.String())
			}
			same(t, filepath.Join(dir, "m", "w.bin"), filepath.Join(last.Model, "w.bin"))
			is(t, "what is there", fmt.Sprint(entries(t, dir), entries(t, filepath.Join(dir, "m", "path"))), "[m] [000 001 002]")
		})
	}
}

// TestModelPath: the gap of each stage is in its model, and petuum model path has all.
func TestModelPath(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes: skipped with -short")
	}
	dir := filepath.Join(t.TempDir(), "m")
	out, _ := mustUse(t, "", "run", config(t, "regression-diabetes.toml"), "--json", "--set", "output.model="+dir,
		"--set", "algorithm.penalty=elastic", "--set", "algorithm.unpenalised_intercept=false", "--set", "algorithm.path=4", "--set", "algorithm.path_from=100")
	var s struct {
		Path []struct {
			Gap     *float64
			Metrics map[string]float64
		}
		Metrics map[string]float64
	}
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatal(err)
	}
	var found struct {
		Stages []struct {
			Lambda  float64
			Metrics map[string]float64
		}
		Coefficients []struct {
			Name   string
			Values []float64
		}
	}
	out, _ = mustUse(t, "", "model", "path", "--json", dir)
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		t.Fatal(err)
	}
	if len(s.Path) != 4 || len(found.Stages) != 4 || len(found.Coefficients) == 0 {
		t.Fatalf("got %d stages in the summary, %d and %d coefficients of the model, want 4, 4 and some", len(s.Path), len(found.Stages), len(found.Coefficients))
	}
	for i, p := range s.Path {
		if p.Gap == nil {
			t.Fatalf("stage %d: no gap in the summary", i)
		}
		gap, ok := found.Stages[i].Metrics["gap"]
		is(t, fmt.Sprintf("stage %d: a gap in the model", i), ok, true)
		is(t, fmt.Sprintf("stage %d: gap", i), gap, *p.Gap)
		is(t, fmt.Sprintf("stage %d: lambda", i), found.Stages[i].Lambda, p.Metrics["lambda"])
	}
	_, twice := s.Metrics["gap"]
	is(t, "a second gap among the metrics of the job", twice, false)
}

// same asserts that two files are.
func same(t *testing.T, a, b string) {
	t.Helper()
	x, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	is(t, a+" is "+b, string(x) == string(y), true)
}

// TestStagesStopped stops a job in the middle of its path.
func TestStagesStopped(t *testing.T) {
	data := rows(t)
	endless := []string{"algorithm.count=100000", "algorithm.ratio=0.99", "stop.clocks=200"}
	t.Run("seconds", func(t *testing.T) {
		dir := t.TempDir()
		p := startToys(t, dir, staged(data, "ridge", append(endless, "stop.seconds=0.2", "stop.clocks=20")...)...)
		s := p.result()
		is(t, "stop reason", s.StopReason, "seconds")
		if n := len(s.Path); n == 0 || n == 100000 {
			t.Fatalf("got %d stages", n)
		}
		is(t, "models", len(entries(t, filepath.Join(dir, "m", "path"))), len(s.Path))
		is(t, "objective", s.Objective, s.Path[len(s.Path)-1].Objective)
		if !strings.Contains(p.stderr(), "stage 1/100000  clock ") {
			t.Errorf("the stage is not told:\n%s", p.stderr())
		}
	})
	for name, stop := range map[string]func(p *program){
		"Ctrl-C":         func(p *program) { is(t, "signal", p.cmd.Process.Signal(os.Interrupt), nil) },
		"a dead worker":  func(p *program) { is(t, "kill", syscall.Kill(p.children()["worker"][0], syscall.SIGKILL), nil) },
		"a model before": func(p *program) { is(t, "signal", p.cmd.Process.Signal(os.Interrupt), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			want := "[]"
			if name == "a model before" {
				startToys(t, dir, staged(data, "ridge", "algorithm.count=2", "stop.clocks=3")...).result()
				want = "[m]"
			}
			p := startToys(t, dir, staged(data, "ridge", endless...)...)
			p.until("stage 3/")
			stop(p)
			if code := p.status(); code == 0 {
				t.Error("exit status 0")
			}
			is(t, "left over", fmt.Sprint(entries(t, dir)), want)
			if want == "[m]" {
				is(t, "the model of before", fmt.Sprint(entries(t, filepath.Join(dir, "m", "path"))), "[000 001]")
			}
		})
	}
}

// TestChoices: what an algorithm chose is logged once, and in the summary.
func TestChoices(t *testing.T) {
	data := rows(t)
	p := startToys(t, t.TempDir(), staged(data, "ridge", "stop.clocks=3", "log.level=info")...)
	s := p.result()
	is(t, "choices", strings.Join(s.Choices, "; "), "1 penalties from 1 on, as first and ratio say; step 0.1 for 4 features")
	is(t, "times in the log", strings.Count(p.stderr(), "step 0.1 for 4 features"), 1)
}

// TestExplain: whoever asks is told what the algorithm chose and learned, once, and the
// summary repeats it.
func TestExplain(t *testing.T) {
	data := rows(t)
	p := startToys(t, t.TempDir(), append(staged(data, "ridge", "stop.clocks=3"), "--explain")...)
	s := p.result()
	is(t, "choices", strings.Join(s.Choices, "; "), "1 penalties from 1 on, as first and ratio say; step 0.1 for 4 features")
	is(t, "times that it is told", strings.Count(p.stderr(), "step 0.1 for 4 features"), 1)
}

// TestSlowPart: with a slack of 2, three rounds are in flight while one part is far
// behind the others, and every round still counts.
func TestSlowPart(t *testing.T) {
	data := rows(t)
	plain := startToys(t, t.TempDir(), staged(data, "apart", "stop.epochs=3")...).result()
	p := startToys(t, t.TempDir(), append(staged(data, "apart", "stop.epochs=3", "consistency.policy=ssp:2", "cluster.workers=2",
		"cluster.parts=3", "algorithm.slow=200000"), "--explain")...)
	s := p.result()
	near(t, "objective", s.Objective, plain.Objective, 1e-12)
	is(t, "choices", strings.Join(s.Choices, "; "), "12 rounds, at most 3 in flight")
	is(t, "times that it is told", strings.Count(p.stderr(), "12 rounds, at most 3 in flight"), 1)
	if got := s.Scheduling; got["rounds_per_second"] <= 0 || got["push"] <= 0 || got["wait"] <= 0 || len(got) != 6 {
		t.Errorf("scheduling is %v, want how long rounds took", got)
	}
}
