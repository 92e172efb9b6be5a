package configs

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// parameters are those of the algorithm that tests speak of.
func parameters() []Setting {
	p := defaults()
	return Describe(&p)
}

func TestEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name    string
		environ []string
		sets    []string
		get     func(c *Config) any
		want    any
		from    string // "key origin"
	}{
		{"integer", []string{"PETUUM_CLUSTER_WORKERS=4"}, nil, func(c *Config) any { return c.Cluster.Workers }, 4, "cluster.workers PETUUM_CLUSTER_WORKERS"},
		{"over the file", []string{"PETUUM_CLUSTER_SERVERS=4"}, nil, func(c *Config) any { return c.Cluster.Servers }, 4, "cluster.servers PETUUM_CLUSTER_SERVERS"},
		{"under a flag", []string{"PETUUM_CLUSTER_SERVERS=4"}, []string{"cluster.servers=5"}, func(c *Config) any { return c.Cluster.Servers }, 5, "cluster.servers --set"},
		{"a key of two words", []string{"PETUUM_CLUSTER_KEY_FILE=k"}, nil, func(c *Config) any { return c.Cluster.KeyFile }, "k", "cluster.key_file PETUUM_CLUSTER_KEY_FILE"},
		{"text that looks like a number", []string{"PETUUM_JOB_NAME=7"}, nil, func(c *Config) any { return c.Job.Name }, "7", "job.name PETUUM_JOB_NAME"},
		{"text with =", []string{"PETUUM_JOB_NAME=a=b"}, nil, func(c *Config) any { return c.Job.Name }, "a=b", "job.name PETUUM_JOB_NAME"},
		{"text in quotes", []string{`PETUUM_JOB_NAME="a b"`}, nil, func(c *Config) any { return c.Job.Name }, "a b", "job.name PETUUM_JOB_NAME"},
		{"path", []string{"PETUUM_DATA_TRAIN=b.csv"}, nil, func(c *Config) any { return strings.Join(c.Data.Train, " ") }, "b.csv", "data.train PETUUM_DATA_TRAIN"},
		{"paths", []string{`PETUUM_DATA_TRAIN=["b.csv", "c.csv"]`}, nil, func(c *Config) any { return strings.Join(c.Data.Train, " ") }, "b.csv c.csv", "data.train PETUUM_DATA_TRAIN"},
		{"list", []string{`PETUUM_CLUSTER_JOIN=["a:1", "b:2"]`}, nil, func(c *Config) any { return strings.Join(c.Cluster.Join, " ") }, "a:1 b:2", "cluster.join PETUUM_CLUSTER_JOIN"},
		{"list of one", []string{"PETUUM_CLUSTER_JOIN=a:1"}, nil, func(c *Config) any { return strings.Join(c.Cluster.Join, " ") }, "a:1", "cluster.join PETUUM_CLUSTER_JOIN"},
		{"the last of a name", []string{"PETUUM_JOB_SEED=4", "PETUUM_JOB_SEED=5"}, nil, func(c *Config) any { return c.Job.Seed }, uint64(5), "job.seed PETUUM_JOB_SEED"},
		{"a parameter", []string{"PETUUM_ALGORITHM_LAMBDA=0.25"}, nil, func(c *Config) any { return filled(t, c).Lambda }, 0.25, "algorithm.lambda PETUUM_ALGORITHM_LAMBDA"},
		{"a parameter in capitals", []string{"PETUUM_ALGORITHM_C=3"}, nil, func(c *Config) any { return *filled(t, c).C }, 3.0, "algorithm.C PETUUM_ALGORITHM_C"},
		{"a parameter below", []string{"PETUUM_ALGORITHM_STEP_SIZE=3"}, nil, func(c *Config) any { return filled(t, c).Step.Size }, 3.0, "algorithm.step.size PETUUM_ALGORITHM_STEP_SIZE"},
		{"a list of floats", []string{"PETUUM_ALGORITHM_GRID=3"}, nil, func(c *Config) any { return filled(t, c).Grid[0] }, 3.0, "algorithm.grid PETUUM_ALGORITHM_GRID"},
		{"others are left alone", []string{"PETUUM_DATA=x", "PETUUM_SHARD=x", "PETUUM_LIFELINE=3", "PETUUMCLUSTER_X=1", "CLUSTER_WORKERS=9", "X"}, nil, func(c *Config) any { return c.Cluster.Workers }, 2, "cluster.workers default"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Parse("job.toml", []byte(job+"cluster.servers = 3\n"), append(Environment(tt.environ, parameters()), over(tt.sets...)...))
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.get(c); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			key, from, _ := strings.Cut(tt.from, " ")
			if got := c.From(key); got != from {
				t.Errorf("from: got %s, want %s", got, from)
			}
			roundTrip(t, c)
		})
	}
}

func filled(t *testing.T, c *Config) params {
	t.Helper()
	p := defaults()
	if err := c.Algorithm(&p); err != nil {
		t.Fatal(err)
	}
	return p
}

// Every setting can come from the environment.
func TestEnvironmentOfEverySetting(t *testing.T) {
	for key, value := range other {
		c, err := Parse("job.toml", []byte(job), Environment([]string{Variable(key) + "=" + value}, nil))
		if err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		if got := valueOf(t, c, key); got != value || c.From(key) != Variable(key) {
			t.Errorf("%s: got %s from %s, want %s from %s", key, got, c.From(key), value, Variable(key))
		}
	}
}

func TestEnvironmentProblems(t *testing.T) {
	for _, tt := range []struct {
		name    string
		environ []string
		want    string
	}{
		{"unknown", []string{"PETUUM_CLUSTER_WORKER=4"}, `PETUUM_CLUSTER_WORKER=4: no setting has this variable; nearest valid name "PETUUM_CLUSTER_WORKERS"`},
		{"unknown parameter", []string{"PETUUM_ALGORITHM_LAMDA=4"}, `PETUUM_ALGORITHM_LAMDA=4: no setting has this variable; nearest valid name "PETUUM_ALGORITHM_LAMBDA"`},
		{"wrong type", []string{"PETUUM_CLUSTER_WORKERS=two"}, `PETUUM_CLUSTER_WORKERS=two: want an integer from 1 to 65536, got the string "two"`},
		{"no value", []string{"PETUUM_CLUSTER_WORKERS="}, `PETUUM_CLUSTER_WORKERS=: want an integer from 1 to 65536, got no value`},
		{"not UTF-8", []string{"PETUUM_JOB_NAME=\xff"}, `PETUUM_JOB_NAME="\xff": the text is not valid UTF-8`},
		{"choice", []string{"PETUUM_LOG_LEVEL=warning"}, `PETUUM_LOG_LEVEL=warning: "warning" is not one of debug, info, warn, error; nearest valid name "warn"`},
		{"by name, before flags", []string{"PETUUM_STOP_CLOCKS=x", "PETUUM_JOB_SEED=x"},
			"PETUUM_JOB_SEED=x: want an integer, got the string \"x\"\nPETUUM_STOP_CLOCKS=x: want an integer of at least 0, got the string \"x\""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("job.toml", []byte(job), Environment(tt.environ, parameters()))
			if err == nil || err.Error() != tt.want {
				t.Errorf("\ngot  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestWithoutSettings(t *testing.T) {
	all := []string{"PATH=/bin", "PETUUM_CLUSTER_WORKERS=4", "PETUUM_CLUSTER_WORKER=4", "PETUUM_DATA=x", "PETUUM_ALGORITHM_X=1", "PETUUM_SHARD=1"}
	before := slices.Clone(all)
	if diff := cmp.Diff([]string{"PATH=/bin", "PETUUM_DATA=x", "PETUUM_SHARD=1"}, WithoutSettings(all)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !slices.Equal(all, before) {
		t.Errorf("the argument was changed: %v", all)
	}
}

// A flag is what the user typed, and what the user is told.
func TestFlags(t *testing.T) {
	flag := func(name, key, text string) Override { return Override{Label: name, Key: key, Text: text} }
	for _, tt := range []struct {
		name string
		over []Override
		want string // problem; "" if key is to have value
		key  string
		has  string
	}{
		{"text is text", []Override{flag("--bind", "cluster.bind", "7")}, `--bind 7: "7" is no address: want an address without port, as "127.0.0.1"`, "", ""},
		{"quotes are text, too", []Override{flag("--bind", "cluster.bind", `"::1"`)}, `--bind "::1": "\"::1\"" is no address: want an address without port, as "127.0.0.1"`, "", ""},
		{"wrong", []Override{flag("--bind", "cluster.bind", "0.0.0.0.0")}, `--bind 0.0.0.0.0: "0.0.0.0.0" is no address: want an address without port, as "127.0.0.1"`, "", ""},
		{"empty", []Override{flag("--bind", "cluster.bind", "")}, `--bind "": "" is no address: want an address without port, as "127.0.0.1"`, "", ""},
		{"a list, one at a time", []Override{flag("--join", "cluster.join", "a:1"), flag("--join", "cluster.join", "b:2")}, "", "cluster.join", `["a:1", "b:2"]`},
		{"in place of a list", []Override{Set(`cluster.join=["c:3"]`), flag("--join", "cluster.join", "a:1")}, "", "cluster.join", `["a:1"]`},
		{"the wrong one of a list", []Override{flag("--join", "cluster.join", "a:1"), flag("--join", "cluster.join", "b")},
			`--join b: "b" is no address: want host:port with a port from 1 to 65535, as "10.0.0.1:7946"`, "", ""},
		{"over --set", []Override{Set("log.level=debug"), flag("--log-level", "log.level", "warn")}, "", "log.level", `"warn"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Parse("job.toml", []byte(job), tt.over)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Fatalf("\ngot  %s\nwant %s", got, tt.want)
			}
			if tt.key == "" {
				return
			}
			if got := valueOf(t, c, tt.key); got != tt.has || c.From(tt.key) != tt.over[len(tt.over)-1].Label {
				t.Errorf("got %s from %s, want %s", got, c.From(tt.key), tt.has)
			}
		})
	}
}

// refusal is an error about parameters.
type refusal struct {
	keys []string
	what string
}

func (r refusal) Error() string        { return r.what }
func (r refusal) Parameters() []string { return r.keys }

// strict is an algorithm that refuses.
type strict struct {
	Lambda float64 `toml:"lambda" min:"0"`
	Ratio  float64 `toml:"ratio" min:"0"`
	Block  int     `toml:"block"`
}

func (s *strict) Validate() error {
	var errs []error
	if (s.Lambda > 0) == (s.Ratio > 0) {
		errs = append(errs, refusal{[]string{"lambda", "ratio"}, "set one of the two"})
	}
	if s.Block > 4 {
		errs = append(errs, refusal{[]string{"block"}, "too large"})
	}
	if s.Block == 3 {
		errs = append(errs, errors.New("three is\nunlucky"))
	}
	return errors.Join(errs...)
}

func TestValidAlgorithm(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		sets       []string
		want       string
	}{
		{"fine", "[algorithm]\nlambda = 1", nil, ""},
		{"nothing set", "", nil, "job.toml:1: algorithm.lambda: set one of the two"},
		{"an empty section", "[stop]\n[algorithm]\n", nil, "job.toml:5: algorithm.lambda: set one of the two"},
		{"where one is set", "[algorithm]\n\nratio = 1\nlambda = 2", nil, "job.toml:7: algorithm.lambda: set one of the two"},
		{"where another is set", "[algorithm]\nratio = 0", nil, "job.toml:5: algorithm.lambda: set one of the two"},
		{"an override", "[algorithm]\nratio = 1", []string{"algorithm.lambda=1"}, "--set algorithm.lambda=1: set one of the two"},
		{"all, by line", "[algorithm]\nblock = 5\nratio = -1\nx = 1", nil, "job.toml:5: algorithm.block: too large\n" +
			"job.toml:6: algorithm.ratio: -1 is out of range: want a float of at least 0\njob.toml:7: algorithm.x: unknown key; nearest valid name \"ratio\""},
		{"no conclusion from what was mistyped", "[algorithm]\nratoi = 1", nil, `job.toml:5: algorithm.ratoi: unknown key; nearest valid name "ratio"`},
		{"no conclusion from what cannot be read", "[algorithm]\nratio = x", nil, `job.toml:5: algorithm.ratio: x is no TOML value: a string needs quotes, as "x"`},
		{"an error without keys", "[algorithm]\nlambda = 1\nblock = 3", nil, `job.toml:4: algorithm: "three is\nunlucky"`},
		{"with all else", "[algorithm]\nblock = 5\nlambda = 1\n[stop]\nepochs = x\nclocks = -1", nil, "job.toml:5: algorithm.block: too large\n" +
			"job.toml:8: stop.epochs: x is no TOML value: a string needs quotes, as \"x\"\njob.toml:9: stop.clocks: -1 is out of range: want an integer of at least 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Parse("job.toml", []byte(job+tt.text), over(tt.sets...))
			var s strict
			got := ""
			if err = Join(err, c.ValidAlgorithm(&s)); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestJoin(t *testing.T) {
	if err := Join(nil, nil); err != nil {
		t.Errorf("got %v of nothing", err)
	}
	lost := errors.New("lost")
	if err := Join(Errors{{What: "x"}}, lost); !errors.Is(err, lost) {
		t.Errorf("got %v, want the error that is no problem of a configuration", err)
	}
	if err := Join(Errors{{What: "x"}}, Errors{{What: "x"}}); err.Error() != "no file: x" {
		t.Errorf("got %v, want it once", err)
	}
}

func TestRefuse(t *testing.T) {
	c := mustParse(t, job)
	want := `job.toml:1: job.algorithm: unknown; nearest valid name "lasso"`
	if got := c.Refuse("job.algorithm", "unknown", "logreg", "lasso").Error(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := c.Refuse("data.test", "unknown").Error(), "job.toml: data.test: unknown"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzOverrides checks that no variable and no flag makes loading panic, that each
// problem is one line, and that what is accepted survives being sent.
func FuzzOverrides(f *testing.F) {
	for key, value := range other {
		f.Add(strings.TrimPrefix(Variable(key), prefix), value, key)
	}
	f.Add("ALGORITHM_STEP_SIZE", "[1, {a = 2}]", "algorithm.step")
	f.Add("CLUSTER_X", "\xff\n", "cluster.join")
	f.Fuzz(func(t *testing.T, name, text, key string) {
		list := Environment([]string{prefix + name + "=" + text}, parameters())
		for _, s := range Settings() {
			if s.Key == key {
				list = append(list, Override{Label: "--flag", Key: key, Text: text}, Override{Label: "--flag", Key: key, Text: text})
			}
		}
		c, err := Parse("f", []byte(job), list)
		p := defaults()
		if err = Join(err, c.ValidAlgorithm(&p)); err == nil {
			roundTrip(t, c)
			return
		}
		for _, problem := range err.(Errors) {
			text := strings.TrimPrefix(problem.Error(), `"`) // a label that does not print is quoted
			if strings.Contains(text, "\n") || !strings.HasPrefix(text, prefix) && !strings.HasPrefix(text, "--flag ") && !strings.HasPrefix(text, "f:") {
				t.Errorf("got %q, want one line that begins with the place", text)
			}
		}
	})
}
