package command

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/urfave/cli/v2"

	"petuum/algos/registry"
	"petuum/configs"
)

// petuum runs a command line in this process.
func petuum(args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = Run(registry.Algorithms, append([]string{"petuum"}, args...), &out, &err)
	return status, out.String(), err.String()
}

// folder is a new working directory with files in it.
func folder(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const good = `[job]
algorithm = "logreg"
[data]
train = "rows"
[algorithm]
C = 2
[stop]
epochs = 3
`

func TestConfigShow(t *testing.T) {
	folder(t, map[string]string{"good.toml": good, "rows": ""})
	t.Setenv("PETUUM_CLUSTER_WORKERS", "5")
	status, out, stderr := petuum("config", "show", "good.toml", "--set", "job.seed=9")
	if status != 0 || stderr != "" {
		t.Fatalf("got status %d, stderr %s", status, stderr)
	}
	for _, want := range []string{`algorithm = "logreg" *# good.toml:2`, `workers = 5 *# PETUUM_CLUSTER_WORKERS`, `seed = 9 *# --set`, `servers = 2 *# default`,
		`C = 2.0 *# good.toml:6`, `multi = "auto" *# default`, `# objective is not set`} {
		if !regexp.MustCompile("(?m)^" + want + "$").MatchString(out) {
			t.Errorf("no line %s in\n%s", want, out)
		}
	}
	status, out, _ = petuum("config", "show", "good.toml", "--changed")
	if status != 0 || strings.Contains(out, "default") || !strings.Contains(out, "epochs = 3") {
		t.Errorf("only what is set: got status %d\n%s", status, out)
	}
	_, out, _ = petuum("config", "show", "good.toml", "--json")
	var object struct {
		Settings map[string]struct {
			Value any
			From  string
		}
	}
	if err := json.Unmarshal([]byte(out), &object); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := object.Settings["cluster.workers"]; got.Value != 5.0 || got.From != "PETUUM_CLUSTER_WORKERS" {
		t.Errorf("got %+v, want 5 from the environment", got)
	}
	if got := object.Settings["stop.objective"]; got.Value != nil || got.From != "default" {
		t.Errorf("got %+v, want null, the default", got)
	}
	if status, out, _ := petuum("config", "show"); status != 0 || !strings.Contains(out, "threads = 1") {
		t.Errorf("without a file: got status %d\n%s", status, out)
	}
	if status, out, _ := petuum("config", "show", "--set", "job.algorithm=lasso"); status != 0 || !strings.Contains(out, "priority = \"delta\"") {
		t.Errorf("an algorithm without a file: got status %d\n%s", status, out)
	}
}

// What is shown is a job, and the same one.
func TestConfigShowIsTheSame(t *testing.T) {
	examples, err := filepath.Glob(filepath.Join("..", "..", "configs", "*.toml"))
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for i := range examples {
		if examples[i], err = filepath.Abs(examples[i]); err != nil {
			t.Fatal(err)
		}
	}
	folder(t, map[string]string{"good.toml": good, "rows": "", "sparse.petuum": "", "more 1.csv": "", "more 2.csv": ""}) // of which one is for lasso-sparse.toml
	p := &program{algorithms: registry.Algorithms}
	for _, path := range append(examples, "good.toml") {
		for _, sets := range [][]string{nil, {"job.name=a \"b\" # c", "data.train=more*", "stop.objective=1e-300", `cluster.join=["a:1", "b:2"]`, "consistency.policy=ssp:2"}} {
			args := []string{"config", "show", path}
			var over []configs.Override
			for _, s := range sets {
				args, over = append(args, "--set", s), append(over, configs.Set(s))
			}
			status, out, stderr := petuum(args...)
			if status != 0 {
				t.Fatalf("%v: %s", args, stderr)
			}
			if err := os.WriteFile("again.toml", []byte(out), 0o600); err != nil {
				t.Fatal(err)
			}
			was, wasAlg, err := p.load(path, over)
			if err != nil {
				t.Fatal(err)
			}
			again, alg, err := p.load("again.toml", nil)
			if err != nil {
				t.Fatalf("%v: cannot be read again: %v\n%s", args, err, out)
			}
			if diff := cmp.Diff(was.Values(wasAlg), again.Values(alg), cmpopts.IgnoreFields(configs.Value{}, "From")); diff != "" {
				t.Errorf("%v: (-first +again)\n%s", args, diff)
			}
		}
	}
}

const bad = `[job]
algorithm = "lasso"
[data]
train = "norows"
[algorithm]
blok = 3
standardize = 1
lambda = 0.1
lambda_ratio = 0.1
[cluster]
servrs = 2
workers = "two"
parts = 1
`

const badProblems = `bad.toml:4: data.train: no such file: looked for DIR/norows
bad.toml:6: algorithm.blok: unknown key; nearest valid name "block"
bad.toml:7: algorithm.standardize: want a boolean, got the integer 1
bad.toml:8: algorithm.lambda: set lambda or lambda_ratio, one of the two; lambda_ratio = 0.1 is a good start
bad.toml:11: cluster.servrs: unknown key; nearest valid name "servers"
bad.toml:12: cluster.workers: want an integer from 1 to 65536, got the string "two"
--log-level inf: "inf" is not one of debug, info, warn, error; nearest valid name "info"
`

// Whatever is wrong, wherever it stands, is said at once, and nothing starts.
func TestAllAtOnce(t *testing.T) {
	folder(t, map[string]string{"bad.toml": bad})
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"run", "bad.toml"}, {"scheduler", "--config", "bad.toml"}} {
		status, stdout, stderr := petuum(append(args, "--log-level", "inf")...)
		if status != statusUsage || stdout != "" {
			t.Errorf("%v: got status %d, stdout %s", args, status, stdout)
		}
		if diff := cmp.Diff("petuum: "+badProblems, strings.ReplaceAll(stderr, dir, "DIR")); diff != "" {
			t.Errorf("%v: (-want +got)\n%s", args, diff)
		}
	}
}

func TestConfigCheck(t *testing.T) {
	folder(t, map[string]string{"good.toml": good, "rows": "", "bad.toml": bad, "worse.toml": "[job]\nalgorithm = \"laso\"\n[data]\ntrain = \"rows\"\n"})
	status, stdout, stderr := petuum("config", "check", "good.toml")
	if status != 0 || stderr != "" {
		t.Errorf("got status %d, stderr %s", status, stderr)
	}
	for _, want := range []string{"good.toml: logreg on ", "rows; 2 parts, bsp, 2 servers, 2 workers; stops after 3 epochs; no model is written\n"} {
		if !strings.Contains(stdout, want) || strings.Count(stdout, "\n") != 1 {
			t.Errorf("got %s, want one line with %s", stdout, want)
		}
	}
	status, stdout, stderr = petuum("config", "check", "bad.toml", "good.toml", "none.toml", "worse.toml")
	if status != statusUsage || !strings.HasPrefix(stdout, "good.toml: ") || strings.Count(stdout, "\n") != 1 {
		t.Errorf("several: got status %d, stdout %s", status, stdout)
	}
	for _, want := range []string{"bad.toml:12: cluster.workers", "none.toml", `worse.toml:2: job.algorithm: no algorithm is called "laso": there are dml, lasso, lda, logreg, mf, regression, svm; nearest valid name "lasso"`} {
		if !strings.Contains(stderr, want) {
			t.Errorf("several: stderr does not say %s:\n%s", want, stderr)
		}
	}
	status, stdout, _ = petuum("config", "check", "--json", "bad.toml", "good.toml", "--set", "job.sed=1")
	var object struct {
		Jobs     []plan
		Problems []configProblem
	}
	if err := json.Unmarshal([]byte(stdout), &object); err != nil || status != statusUsage {
		t.Fatalf("got status %d, %v\n%s", status, err, stdout)
	}
	if len(object.Jobs) != 0 || len(object.Problems) != 8 {
		t.Errorf("got %+v, want no job and 8 problems", object)
	}
	want := configProblem{File: "bad.toml", Line: 11, Key: "cluster.servrs", What: "unknown key", Nearest: "servers"}
	if object.Problems[4] != want {
		t.Errorf("got %+v, want %+v", object.Problems[4], want)
	}
	want = configProblem{File: "good.toml", From: "--set", Key: "job.sed", What: "unknown key", Nearest: "seed"}
	if last := object.Problems[7]; last != want {
		t.Errorf("got %+v, want %+v", last, want)
	}
	status, stdout, _ = petuum("config", "check", "--json", "good.toml")
	if err := json.Unmarshal([]byte(stdout), &object); err != nil || status != 0 || len(object.Jobs) != 1 || len(object.Problems) != 0 || object.Jobs[0].Workers != 2 {
		t.Errorf("got status %d, %v\n%s", status, err, stdout)
	}
}

func TestMistypedCommandLines(t *testing.T) {
	folder(t, map[string]string{"good.toml": good, "rows": "", "job": ""})
	for _, tt := range []struct {
		args string
		env  string
		want string
	}{
		{"run good.toml --jso", "", `--jso: no such flag; nearest --json`},
		{"scheduler --confg good.toml", "", `--confg: no such flag; nearest --config`},
		{"worker -x", "", `-x: no such flag; nearest -c`},
		{"--versoin", "", `--versoin: no such flag; nearest --version`},
		{"server --shard two", "", `--shard two: want a number`},
		{"server --shard=1.5", "", `--shard 1.5: want a number`},
		{"server --shard", "", `--shard: no value after it`},
		{"server", "PETUUM_SHARD=two", `PETUUM_SHARD=two: want a number`},
		{"server --shard -3 --join 127.0.0.1:1", "", `server: --shard -3: a seat is a number from 0`},
		{"run --json=maybe good.toml", "", `--json maybe: want true or false`},
		{"run good.toml --log-level inf", "", `--log-level inf: "inf" is not one of debug, info, warn, error; nearest valid name "info"`},
		{"worker --join a", "", `--join a: "a" is no address: want host:port with a port from 1 to 65535, as "10.0.0.1:7946"`},
		{"worker --bind 0.0.0.0.0 --join a:1", "", `--bind 0.0.0.0.0: "0.0.0.0.0" is no address: want an address without port, as "127.0.0.1"`},
		{"worker --advertise 0.0.0.0 --join a:1", "", `--advertise 0.0.0.0: 0.0.0.0 is no address that others can reach`},
		{"worker --gossip 7946 --join a:1", "", `--gossip 7946: "7946" is no address: want host:port with a port from 0 to 65535, as "10.0.0.1:7946"`},
		{"worker --log-format xml --join a:1", "", `--log-format xml: "xml" is not one of text, json; nearest valid name "text"`},
		{"worker --set a", "", `--set a: want section.key=value`},
		{"worker", "PETUUM_CLUSTER_JOIN=a", `PETUUM_CLUSTER_JOIN=a: "a" is no address: want host:port with a port from 1 to 65535, as "10.0.0.1:7946"`},
		{"worker", "PETUUM_CLUSTER_JION=a", `PETUUM_CLUSTER_JION=a: no setting has this variable; nearest valid name "PETUUM_CLUSTER_JOIN"`},
		{"worker", "PETUUM_CONFIG=none.toml", `none.toml`},
		{"good.toml", "", `"good.toml" is no command: to run a job, petuum run good.toml`},
		{"good.toml --json --set a=b", "", `"good.toml" is no command: to run a job, petuum run good.toml`},
		{"job", "", `"job" is no command: to run a job, petuum run job`},
		{"rnu good.toml", "", `no command is called "rnu"; nearest "run"; see petuum --help`},
		{"scheduler good.toml", "", `scheduler: unexpected argument "good.toml": a configuration is given by --config good.toml`},
		{"worker good.toml", "", `worker: unexpected argument "good.toml": a configuration is given by --config good.toml`},
		{"worker extra", "", `worker: unexpected argument "extra"`},
		{"run", "", `run: which job? petuum run FILE.toml`},
		{"config chek good.toml", "", `petuum: config: no command is called "chek"; nearest "check"; see petuum config --help`},
		{"data gen lasso --rows -5 --output a.csv", "", `--rows -5: want a number of 0 or more`},
		{"run good.toml --set", "", `--set: no value after it`},
		{"predict data.csv --model", "", `--model: no value after it`},
		{"config check", "", `config check: which jobs? petuum config check FILE.toml...`},
		{"config show a b", "", `config show: one job at a time: unexpected argument "b"`},
	} {
		t.Run(tt.args+" "+tt.env, func(t *testing.T) {
			if name, value, ok := strings.Cut(tt.env, "="); ok {
				t.Setenv(name, value)
			}
			status, _, stderr := petuum(strings.Fields(tt.args)...)
			if status != statusUsage {
				t.Errorf("got status %d, want %d", status, statusUsage)
			}
			if !strings.Contains(stderr, tt.want) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("\ngot  %s\nwant %s", stderr, tt.want)
			}
		})
	}
}

// TestEveryFlag sees what each flag of the commands that read a configuration does.
// A flag that is added to them needs an entry here.
func TestEveryFlag(t *testing.T) {
	folder(t, map[string]string{"good.toml": good, "rows": "", "wrong.toml": "[x]\n"})
	// A command line that is refused because of the flag, and what is said of it.
	said := map[string][2]string{
		"set": {"--set x", "--set x: want"}, "log-level": {"--log-level x", "--log-level x: "}, "log-format": {"--log-format x", "--log-format x: "},
		"config": {"--config wrong.toml", "wrong.toml:1: x: unknown section"}, "c": {"-c wrong.toml", "wrong.toml:1: x: unknown section"},
		"join": {"--join x", "--join x: "}, "bind": {"--bind :", "--bind :: "}, "advertise": {"--advertise :", "--advertise :: "}, "gossip": {"--gossip x", "--gossip x: "},
		"shard": {"--shard -2 --join a:1", "--shard -2: "}, "key-file": {"--key-file none.key --join a:1", "--key-file none.key: "}, "json": {"--json --set x", `"error":`}, "explain": {"--explain=maybe", "--explain maybe: want true or false"}, "resume": {"--resume=maybe", "--resume maybe: want true or false"}, "changed": {"--changed --set x", "--set x"},
	}
	needs := map[string]string{"run": "good.toml", "scheduler": "--config good.toml", "config check": "good.toml", "config show": "good.toml"}
	seen := map[string]bool{}
	p := &program{algorithms: registry.Algorithms}
	var walk func(prefix string, list []*cli.Command)
	walk = func(prefix string, list []*cli.Command) {
		for _, c := range list {
			name := strings.TrimSpace(prefix + " " + c.Name)
			walk(name, c.Subcommands)
			if !slices.Contains([]string{"run", "scheduler", "server", "worker", "config check", "config show"}, name) {
				continue
			}
			for _, f := range c.Flags {
				for _, flag := range f.Names() {
					entry, ok := said[flag]
					if !ok {
						t.Errorf("%s --%s: nothing is known of this flag: add it to this test", name, flag)
						continue
					}
					seen[flag] = true
					before := strings.Fields(name + " " + needs[name])
					if f.Names()[0] == "config" {
						before = before[:1]
					}
					status, stdout, stderr := petuum(append(before, strings.Fields(entry[0])...)...)
					want := entry[1]
					if flag == "json" && strings.HasPrefix(name, "config") {
						want = `"problems":`
					}
					if status != statusUsage || !strings.Contains(stdout+stderr, want) {
						t.Errorf("%s %s: got status %d, %s%s, want %s", name, entry[0], status, stdout, stderr, want)
					}
				}
			}
		}
	}
	walk("", p.app(io.Discard, io.Discard).Commands)
	for flag := range said {
		if !seen[flag] {
			t.Errorf("--%s is no flag of these commands", flag)
		}
	}
}
