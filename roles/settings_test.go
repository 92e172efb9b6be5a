package roles_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"petuum/algos/registry"
	"petuum/configs"
	_ "petuum/roles/command" // the program is built by the tests: go test must run them anew when it changes
)

// A probe changes one setting and looks for what that does, other than that the
// value is shown again.
type probe struct {
	value   string   // as TOML
	with    []string // what else is set, without the changed value as well
	refused string   // the job must fail with this in its message
	seen    func(t *testing.T, got outcome, plain func() outcome)
	watch   func(t *testing.T, args []string) // in place of running the job
}

// outcome is what a job left.
type outcome struct {
	summary
	Wait struct {
		Sum   struct{ Blocked int }
		Parts []struct{ Part int }
	} `json:"wait"`
	Ledgers []struct{ Updates, Answers, Stalest int } `json:"server_ledgers"`

	status int
	stderr string
	dir    string // where it ran
}

// manifest is what the model says of itself.
func (o outcome) manifest(t *testing.T) (m struct {
	Job  string
	Data struct {
		Rows, Features int
		Label          string
		Names, Classes []string
		Missing        *float64
		Float64        bool
	}
	Tables []struct {
		Name  string
		Width int
	}
}) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(o.dir, "m", "manifest.json"))
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (o outcome) answers() (n int) {
	for _, l := range o.Ledgers {
		n += l.Answers
	}
	return n
}

// members are the processes of a role that joined, by their names.
func (o outcome) members(role string) int {
	names := map[string]bool{}
	for _, word := range strings.Fields(o.stderr) {
		if strings.HasPrefix(word, "name="+role+"-") {
			names[word] = true
		}
	}
	return len(names)
}

func is[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func says(t *testing.T, stderr, text string) {
	t.Helper()
	if !strings.Contains(stderr, text) {
		t.Errorf("stderr does not say %q:\n%s", text, stderr)
	}
}

// another asserts that training took another way.
func another(t *testing.T, got outcome, plain func() outcome) {
	t.Helper()
	if was := plain().Objective; !(math.Abs(got.Objective-was) > 1e-9*math.Abs(was)) {
		t.Errorf("got the objective %.12g with and without it", got.Objective)
	}
}

// settled asserts that a lossy job evaluated once more than another, after everybody
// had paid what it owed, and came to the same objective.
func settled(t *testing.T, got outcome, plain func() outcome) {
	t.Helper()
	was := plain()
	is(t, "evaluations", len(got.Curve), len(was.Curve)+1)
	is(t, "clocks", got.Clocks, was.Clocks)
	if math.Abs(got.Objective-was.Objective) > 1e-3*math.Abs(was.Objective) {
		t.Errorf("got the objective %.12g, want about %.12g", got.Objective, was.Objective)
	}
}

// rows writes tiny data: two columns that a label can be, then numbers.
func rows(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	state := uint64(1)
	next := func() float64 {
		state = state*6364136223846793005 + 1442695040888963407
		return float64(state>>11)/(1<<53) - 0.5
	}
	var full, three, less, bare, sparse, wide, matrix, labels, documents, rated strings.Builder
	matrix.WriteString("%%MatrixMarket matrix coordinate real general\n60 1 60\n")
	full.WriteString("y,z,a,b,c\n")
	three.WriteString("y,a,b,c\n")
	less.WriteString("y,a\n")
	for i := range 60 {
		a, b, c := next(), next(), next()
		y, z := 0, 0
		if a-b/2+next()/2 > 0 {
			y = 1
		}
		if b+c > 0 {
			z = 1
		}
		fmt.Fprintf(&full, "%d,%d,%.3f,%.3f,%.3f\n", y, z, a, b, c)
		fmt.Fprintf(&three, "%d,%.3f,%.3f,%.3f\n", y+z, a, b, c)
		fmt.Fprintf(&less, "%d,%.3f\n", y, a)
		fmt.Fprintf(&bare, "%d,%.3f,%.3f\n", y, a, b)
		fmt.Fprintf(&matrix, "%d 1 %.3f\n", i+1, a)
		fmt.Fprintln(&labels, y)
		for k, v := range []float64{a, b, c} {
			fmt.Fprintf(&rated, "%d %d %.3f\n", i, (i+3*k)%10, 3+4*v)
		}
		fmt.Fprintf(&sparse, "%d 1:%.3f 2:%.3f\n", y, a, b)
		fmt.Fprint(&wide, y)
		for j := range 500 {
			fmt.Fprintf(&wide, " %d:%.3f", j+1, a)
		}
		fmt.Fprintln(&wide)
		fmt.Fprint(&documents, y)
		for j := range 10 { // a word of each five, twice or four times
			fmt.Fprintf(&documents, " %d:%d", 5*j+3+int(4*next()), 2+2*(i+j)%4)
		}
		fmt.Fprintln(&documents)
	}
	for name, text := range map[string]string{"full.csv": full.String(), "three.csv": three.String(), "less.csv": less.String(), "bare.csv": bare.String(),
		"sparse": sparse.String(), "wide": wide.String(), "key": "not a key\n", "names": "first\nsecond\n", "rows.mtx": matrix.String(), "labels": labels.String(), "documents": documents.String(), "rated": rated.String(), "job.toml": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// ftrl learns from a stream.
var ftrl = []string{"algorithm.solver=ftrl"}

// dual works, with a seed, whatever is rounded on the way.
var dual = []string{"algorithm.solver=dual"}

// keeps is a job that says of each checkpoint that it keeps it.
var keeps = []string{"job.algorithm=dml", "checkpoint.path=kept", "log.level=debug"}

// checkpoints are those that a job has left.
func checkpoints(t *testing.T, o outcome) []string {
	t.Helper()
	manifests, err := filepath.Glob(filepath.Join(o.dir, "kept", "*", "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	return manifests
}

// onlyTheLast expects that a job kept only its last checkpoint, and another kept more.
func onlyTheLast(t *testing.T, got outcome, more func() outcome) {
	t.Helper()
	const said = "kept a checkpoint"
	is(t, "checkpoints", strings.Count(got.stderr, said), 1)
	is(t, "there can be more", strings.Count(more().stderr, said) > 1, true)
}

// probes has an entry for each setting; those of parameters begin with the name of
// the algorithm.
func probes(dir string) map[string]probe {
	file := func(name string) string { return filepath.Join(dir, name) }
	quoted := func(name string) string { return fmt.Sprintf("%q", file(name)) }
	all := map[string]probe{
		"job.name": {value: `"zebra"`, seen: func(t *testing.T, got outcome, _ func() outcome) {
			is(t, "name in the model", got.manifest(t).Job, "zebra")
		}},
		"job.algorithm": {value: `"lasso"`, with: []string{"algorithm.lambda=0.01"}, seen: func(t *testing.T, got outcome, _ func() outcome) { has(t, got, "train_mse", true) }},
		"job.seed":      {value: "7", with: dual, seen: another},
		"job.start": {value: quoted("model"), seen: func(t *testing.T, got outcome, plain func() outcome) {
			is(t, "it begins where the model is", got.Curve[0].Objective < plain().Curve[0].Objective, true)
		}},
		"data.train":  {value: quoted("less.csv"), seen: func(t *testing.T, got outcome, _ func() outcome) { is(t, "features", got.manifest(t).Data.Features, 1) }},
		"data.test":   {value: quoted("full.csv"), seen: func(t *testing.T, got outcome, _ func() outcome) { has(t, got, "test_accuracy", true) }},
		"data.format": {value: `"libsvm"`, refused: "is not a number"},
		"data.label":  {value: `"z"`, seen: func(t *testing.T, got outcome, _ func() outcome) { is(t, "label", got.manifest(t).Data.Label, "z") }},
		"data.positive": {value: `"0"`, seen: func(t *testing.T, got outcome, _ func() outcome) {
			is(t, "classes", strings.Join(got.manifest(t).Data.Classes, " "), "!0 0")
		}},
		"data.weight": {value: `"z"`, seen: another},
		"data.header": {value: `"yes"`, with: []string{"data.train=" + file("bare.csv"), "data.label=#0"},
			seen: func(t *testing.T, got outcome, plain func() outcome) {
				is(t, "rows", got.manifest(t).Data.Rows, plain().manifest(t).Data.Rows-1)
			}},
		"data.base": {value: "0", with: []string{"data.train=" + file("sparse")}, seen: func(t *testing.T, got outcome, plain func() outcome) {
			is(t, "features", got.manifest(t).Data.Features, plain().manifest(t).Data.Features+1)
		}},
		"data.features": {value: "9", with: []string{"data.train=" + file("sparse")}, seen: func(t *testing.T, got outcome, _ func() outcome) {
			is(t, "features", got.manifest(t).Data.Features, 9)
		}},
		"data.hash": {value: "1", with: []string{"data.train=" + file("wide"), "data.format=libsvm"}, seen: func(t *testing.T, got outcome, plain func() outcome) {
			is(t, "features", got.manifest(t).Data.Features, 2)
			is(t, "by default there are more", plain().manifest(t).Data.Features > 2, true)
		}},
		"data.categorical": {value: `["z"]`, seen: func(t *testing.T, got outcome, plain func() outcome) {
			is(t, "features, a category each", got.manifest(t).Data.Features, plain().manifest(t).Data.Features+1)
		}},
		"data.ignore": {value: `["z"]`, seen: func(t *testing.T, got outcome, plain func() outcome) {
			is(t, "features", got.manifest(t).Data.Features, plain().manifest(t).Data.Features-1)
		}},
		"data.missing": {value: "7.0", seen: func(t *testing.T, got outcome, plain func() outcome) {
			is(t, "in the model", *got.manifest(t).Data.Missing, 7)
			is(t, "by default", plain().manifest(t).Data.Missing == nil, true)
		}},
		"data.float64": {value: "true", seen: func(t *testing.T, got outcome, plain func() outcome) {
			is(t, "in the model", got.manifest(t).Data.Float64, true)
			is(t, "by default", plain().manifest(t).Data.Float64, false)
		}},
		"data.names": {value: quoted("names"), with: []string{"data.train=" + file("sparse")}, seen: func(t *testing.T, got outcome, _ func() outcome) {
			is(t, "names in the model", strings.Join(got.manifest(t).Data.Names, " "), "first second")
		}},
		"data.labels": {value: quoted("labels"), with: []string{"data.train=" + file("rows.mtx")}, seen: func(t *testing.T, got outcome, _ func() outcome) {
			is(t, "classes", len(got.manifest(t).Data.Classes), 2)
		}},
		"data.weights":    {value: quoted("labels"), with: []string{"data.train=" + file("rows.mtx"), "data.labels=" + file("labels")}, seen: another},
		"data.min_length": {value: "2", with: []string{"data.format=csv"}, refused: "is for text"},
		"data.stop_words": {value: `""`, with: []string{"data.format=csv"}, refused: "is for text"},
		"data.document":   {value: `"file"`, with: []string{"data.format=csv"}, refused: "is for text"},
		"data.min_rows":   {value: "2", with: []string{"data.format=csv"}, refused: "is for text"},
		"data.max_share":  {value: "0.5", with: []string{"data.format=csv"}, refused: "is for text"},
		"data.cache": {value: quoted("parsed"), with: []string{"log.level=info"}, seen: func(t *testing.T, got outcome, _ func() outcome) {
			says(t, got.stderr, "is in the cache "+file("parsed"))
			if caches, err := filepath.Glob(file("parsed/*.cache")); err != nil || len(caches) == 0 {
				t.Errorf("got caches %v, %v", caches, err)
			}
		}},
		"output.model": {value: `"elsewhere"`, seen: func(t *testing.T, got outcome, _ func() outcome) { exists(t, got, "elsewhere/manifest.json", true) }},
		"output.text": {value: "false", seen: func(t *testing.T, got outcome, plain func() outcome) {
			exists(t, got, "m/weights.txt", false)
			exists(t, plain(), "m/weights.txt", true)
		}},
		"checkpoint.path": {value: `"kept"`, with: []string{"job.algorithm=dml"}, seen: func(t *testing.T, got outcome, plain func() outcome) {
			is(t, "checkpoints", len(checkpoints(t, got)), 1)
			is(t, "by default", len(checkpoints(t, plain())), 0)
		}},
		"checkpoint.every": {value: "1000", with: slices.Concat(keeps, []string{"checkpoint.seconds=0"}), seen: onlyTheLast},
		"checkpoint.seconds": {value: "0", with: keeps, seen: func(t *testing.T, got outcome, plain func() outcome) {
			onlyTheLast(t, plain(), func() outcome { return got })
		}},
		"log.level":  {value: `"debug"`, seen: func(t *testing.T, got outcome, _ func() outcome) { says(t, got.stderr, "level=DEBUG") }},
		"log.format": {value: `"json"`, with: []string{"log.level=info"}, seen: func(t *testing.T, got outcome, _ func() outcome) { says(t, got.stderr, `{"time":`) }},
	}
	for _, more := range []map[string]probe{clusterProbes(file), stopProbes(file), parameterProbes(dir)} {
		maps.Copy(all, more)
	}
	return all
}

func clusterProbes(file func(string) string) map[string]probe {
	ssp := []string{"consistency.policy=ssp:3", "stop.clocks=50"}
	info := []string{"log.level=info"}
	return map[string]probe{
		"consistency.policy": {value: `"asp"`, seen: func(t *testing.T, got outcome, plain func() outcome) {
			is(t, "staleness under bsp", plain().Ledgers[0].Stalest, 0)
			if s := got.Ledgers[0].Stalest; s <= 0 {
				t.Errorf("staleness under asp: got %d, want more than 0", s)
			}
		}},
		"consistency.deterministic": {value: "true", with: []string{"cluster.workers=1", "cluster.threads=2"}, seen: func(t *testing.T, got outcome, plain func() outcome) {
			is(t, "updates, each part's by itself", got.Ledgers[0].Updates, 2*plain().Ledgers[0].Updates)
		}},
		"consistency.window": {value: "1", with: []string{"consistency.policy=asp", "stop.clocks=50"}, seen: func(t *testing.T, got outcome, plain func() outcome) {
			if g, w := got.Wait.Sum.Blocked, plain().Wait.Sum.Blocked; g <= w {
				t.Errorf("blocked %d times, with a larger window %d", g, w)
			}
		}},
		"consistency.eager": {value: "false", with: ssp, seen: func(t *testing.T, got outcome, plain func() outcome) {
			if g, w := got.answers(), plain().answers(); g >= w {
				t.Errorf("%d answers, with eager servers %d", g, w)
			}
		}},
		"wire.compression": {value: `"zstd"`, with: []string{"data.train=" + file("wide"), "data.format=libsvm", "cluster.shards=1"}, seen: func(t *testing.T, got outcome, plain func() outcome) {
			with, without := got.Bytes.Compression, plain().Bytes.Compression
			is(t, "updates and answers were compressed", [2]bool{with.Updates.Compressed > 0, with.Answers.Compressed > 0}, [2]bool{true, true})
			is(t, "frames compressed by default, on loopback", without.Updates.Compressed+without.Answers.Compressed, 0)
		}},
		"cluster.servers": {value: "2", seen: func(t *testing.T, got outcome, _ func() outcome) { is(t, "ledgers of servers", len(got.Ledgers), 2) }},
		"cluster.workers": {value: "3", with: append(info, "cluster.parts=3"), seen: func(t *testing.T, got outcome, _ func() outcome) { is(t, "workers", got.members("worker"), 3) }},
		"cluster.threads": {value: "2", seen: func(t *testing.T, got outcome, _ func() outcome) { is(t, "parts", len(got.Wait.Parts), 4) }},
		"cluster.parts":   {value: "5", seen: func(t *testing.T, got outcome, _ func() outcome) { is(t, "parts", len(got.Wait.Parts), 5) }},
		"cluster.shards":  {value: "3", with: info, seen: func(t *testing.T, got outcome, _ func() outcome) { says(t, got.stderr, "shards=3 of=3") }},
		"cluster.join":    {value: `["127.0.0.1:1"]`, refused: "127.0.0.1:1"},
		"cluster.bind":    {value: `"127.0.0.2"`, with: info, seen: func(t *testing.T, got outcome, _ func() outcome) { says(t, got.stderr, "gossip=127.0.0.2:") }},
		"cluster.advertise": {value: `"127.0.0.3"`, watch: func(t *testing.T, args []string) {
			start(t, t.TempDir(), append([]string{"scheduler"}, args...)...).until("to join 127.0.0.3:")
		}},
		"cluster.gossip":   {value: `"127.0.0.4:0"`, with: info, seen: func(t *testing.T, got outcome, _ func() outcome) { says(t, got.stderr, "gossip=127.0.0.4:") }},
		"cluster.data":     {value: `"127.0.0.5:0"`, with: info, seen: func(t *testing.T, got outcome, _ func() outcome) { says(t, got.stderr, "data=127.0.0.5:") }},
		"cluster.key_file": {value: fmt.Sprintf("%q", file("key")), refused: file("key")},
	}
}

func stopProbes(file func(string) string) map[string]probe {
	free := []string{"stop.clocks=0"}
	reason := func(want string) func(*testing.T, outcome, func() outcome) {
		return func(t *testing.T, got outcome, _ func() outcome) { is(t, "reason to stop", got.StopReason, want) }
	}
	return map[string]probe{
		"wire.encoding": {value: `"fixed1"`, with: dual, seen: settled},
		"wire.filter":   {value: `"significant:0.01"`, with: dual, seen: settled},
		"evaluate.every": {value: "3", seen: func(t *testing.T, got outcome, plain func() outcome) {
			is(t, "evaluations of 12 clocks", len(got.Curve), 5)
			is(t, "evaluations by default", len(plain().Curve), 7)
		}},
		"evaluate.test": {value: "false", with: []string{"data.test=" + file("full.csv")}, seen: func(t *testing.T, got outcome, plain func() outcome) {
			has(t, got, "test_accuracy", false)
			has(t, plain(), "test_accuracy", true)
		}},
		"stop.epochs":    {value: "2", with: free, seen: func(t *testing.T, got outcome, _ func() outcome) { is(t, "epochs", got.Epochs, 2) }},
		"stop.clocks":    {value: "5", seen: func(t *testing.T, got outcome, _ func() outcome) { is(t, "clocks", got.Clocks, 5) }},
		"stop.seconds":   {value: "0.001", with: free, seen: reason("seconds")},
		"stop.tolerance": {value: "0.9", with: []string{"stop.clocks=100000"}, seen: reason("tolerance")},
		"stop.objective": {value: "100", seen: reason("objective")},
	}
}

func has(t *testing.T, o outcome, metric string, want bool) {
	t.Helper()
	_, got := o.Metrics[metric]
	is(t, "metric "+metric, got, want)
}

func exists(t *testing.T, o outcome, name string, want bool) {
	t.Helper()
	_, err := os.Stat(filepath.Join(o.dir, name))
	is(t, "file "+name, err == nil, want)
}

// TestEverySetting changes each setting and sees that it does something. A setting
// that is added needs a probe here.
func TestEverySetting(t *testing.T) {
	binary(t)
	dir := rows(t)
	known := map[string]string{} // algorithm, by the name of the probe
	for _, s := range configs.Settings() {
		known[s.Key] = "logreg"
	}
	for name, make := range registry.Algorithms {
		for _, s := range configs.Describe(make()) {
			known[name+" "+s.Key] = name
		}
	}
	start(t, dir, "run", "--set", "job.algorithm=logreg", "--set", "data.train=full.csv", "--set", "stop.clocks=100",
		"--set", "cluster.servers=1", "--set", "output.model=model", "job.toml").gone() // for job.start
	all := probes(dir)
	for name := range all {
		if known[name] == "" {
			t.Errorf("a probe of %s, which is no setting", name)
		}
	}
	r := &runs{t: t, done: map[string]func() outcome{}}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		p, ok := all[name]
		if !ok {
			t.Errorf("no probe of %s: say in this test what it does", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p.check(t, r, dir, known[name], name)
		})
	}
}

func (p probe) check(t *testing.T, r *runs, dir, algorithm, name string) {
	key := name[strings.LastIndex(name, " ")+1:]
	args := []string{filepath.Join(dir, "job.toml")}
	base := []string{"job.algorithm=" + algorithm, "data.train=" + filepath.Join(dir, "full.csv"), "stop.clocks=12", "output.model=m", "cluster.servers=1"}
	if algorithm == "lasso" {
		base = append(base, "algorithm.lambda_ratio=0.1")
	}
	if algorithm == "lda" {
		base = append(base, "data.train="+filepath.Join(dir, "documents"))
	}
	for _, s := range append(base, p.with...) {
		args = append(args, "--set", s)
	}
	changed := append(slices.Clone(args), "--set", key+"="+p.value)
	if p.watch != nil {
		changed[0] = "--config=" + changed[0]
		p.watch(t, changed)
		return
	}
	got := r.job(t, changed)
	if p.refused != "" {
		is(t, "the job is refused", got.status != 0, true)
		says(t, got.stderr, p.refused)
		return
	}
	if got.status != 0 {
		t.Fatalf("exit status %d:\n%s", got.status, got.stderr)
	}
	p.seen(t, got, func() outcome {
		o := r.job(t, args)
		if o.status != 0 {
			t.Fatalf("without it: exit status %d:\n%s", o.status, o.stderr)
		}
		return o
	})
}

// runs are the jobs that have run, each once.
type runs struct {
	t    *testing.T
	mu   sync.Mutex
	done map[string]func() outcome
}

func (r *runs) job(t *testing.T, args []string) outcome {
	t.Helper()
	r.mu.Lock()
	id := strings.Join(args, "\n")
	if r.done[id] == nil {
		dir := r.t.TempDir()
		r.done[id] = sync.OnceValue(func() outcome {
			p := start(r.t, dir, append([]string{"run", "--json"}, args...)...)
			o := outcome{status: p.status(), stderr: p.stderr(), dir: dir}
			if err := json.Unmarshal(p.stdout.Bytes(), &o); err != nil {
				r.t.Errorf("%v: stdout is not one JSON object: %v", args, err)
			}
			return o
		})
	}
	run := r.done[id]
	r.mu.Unlock()
	return run()
}

// The variables of settings are the job's, which the scheduler sends to the others.
func TestEnvironment(t *testing.T) {
	dir := rows(t)
	for name, value := range map[string]string{"PETUUM_JOB_ALGORITHM": "logreg", "PETUUM_DATA_TRAIN": filepath.Join(dir, "full.csv"), "PETUUM_CLUSTER_WORKERS": "3",
		"PETUUM_STOP_CLOCKS": "9", "PETUUM_LOG_LEVEL": "info", "PETUUM_ALGORITHM_LAMBDA": "0.5", "PETUUM_CONFIG": filepath.Join(dir, "none.toml"), "PETUUM_SHARD": "77"} {
		t.Setenv(name, value)
	}
	p := start(t, t.TempDir(), "run", "--json", "--set", "stop.clocks=7", filepath.Join(dir, "job.toml"))
	s := p.result()
	is(t, "clocks", s.Clocks, 7)
	is(t, "workers", outcome{stderr: p.stderr()}.members("worker"), 3)
	is(t, "lambda", s.Metrics["lambda"], 0.5)
}
