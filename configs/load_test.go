package configs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// job is the least that is a whole job, in three lines.
const job = "job.algorithm = \"lasso\"\ndata.train = \"a.csv\"\n\n"

// over is what --set gives.
func over(sets ...string) []Override {
	var list []Override
	for _, s := range sets {
		list = append(list, Set(s))
	}
	return list
}

func mustParse(t *testing.T, text string, sets ...string) *Config {
	t.Helper()
	c, err := Parse("job.toml", []byte(text), over(sets...))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return c
}

// problems is the text of the error that Parse gives.
func problems(t *testing.T, text string, sets ...string) string {
	t.Helper()
	c, err := Parse("job.toml", []byte(text), over(sets...))
	if err == nil {
		return ""
	}
	if c == nil {
		t.Errorf("got nothing of what could be read together with the error %v", err)
	}
	var list Errors
	if !errors.As(err, &list) {
		t.Fatalf("got error of type %T, want Errors", err)
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != len(list) {
		t.Errorf("got %d problems on %d lines, want one on each:\n%v", len(list), lines, err)
	}
	return err.Error()
}

func TestProblems(t *testing.T) {
	const needInt = "want an integer from 1 to 65536"
	for _, tt := range []struct {
		name, text string // the text follows the three lines of job
		sets       []string
		want       string // lines without "job.toml:"
	}{
		{name: "none"},
		{"unknown key", "[cluster]\nservrs = 3", nil, `5: cluster.servrs: unknown key; nearest valid name "servers"`},
		{"swapped letters", "[data]\nbsae = 1", nil, `5: data.bsae: unknown key; nearest valid name "base"`},
		{"case matters", "[cluster]\nServers = 3", nil, `5: cluster.Servers: unknown key; nearest valid name "servers"`},
		{"key of another section", "[output]\nservers = 3", nil, `5: output.servers: unknown key; nearest valid name "cluster.servers"`},
		{"unknown section", "[clustr]\nservers = 3", nil, `4: clustr: unknown section; nearest valid name "cluster"`},
		{"unknown section once", "[x]\na = 1\n[x.y]\nb = 1", nil, `4: x: unknown section; nearest valid name "job"`},
		{"key outside", "servers = 3", nil, `4: servers: unknown key outside of any section; nearest valid name "cluster.servers"`},
		{"dotted unknown", "cluster.x.y = 3", nil, `4: cluster.x: unknown key; nearest valid name "join"`},
		{"quoted unknown", "[cluster]\n\"a b\".c = 3", nil, `5: cluster."a b": unknown key; nearest valid name "data"`},
		{"inline unknown", "cluster = {servers = 3,\n  wrkers = 2}", nil, `5: cluster.wrkers: unknown key; nearest valid name "workers"`},
		{"setting as section", "[cluster.servers]\nx = 1", nil, "4: cluster.servers: " + needInt + ", got a table"},
		{"section as value", "cluster = 3", nil, "4: cluster: want a table, got the integer 3"},
		{"section as list", "[[cluster]]\nservers = 3", nil, "4: cluster: want a table, got a list of tables"},
		{"algorithm as value", "algorithm = \"lasso\"", nil, `4: algorithm: want a table, got the string "lasso"; nearest valid name "job.algorithm"`},

		{"float for integer", "cluster.servers = 2.0", nil, "4: cluster.servers: " + needInt + ", got the float 2.0"},
		{"integer for string", "job.name = 7", nil, `4: job.name: want a string, got the integer 7: a string needs quotes, as "7"`},
		{"string for boolean", "evaluate.test = \"yes\"", nil, `4: evaluate.test: want a boolean, got the string "yes"`},
		{"element", "[cluster]\njoin = [\n  # one\n  \"a:1\",\n  5,\n]", nil, `8: cluster.join[1]: want a string, got the integer 5: a string needs quotes, as "5"`},
		{"date", "job.name = 2024-01-01", nil, "4: job.name: a date or time is not a value of any setting"},
		{"int64 overflow", "job.seed = 99999999999999999999", nil, "4: job.seed: 99999999999999999999 is out of range for int64"},
		{"negative seed", "job.seed = -1", nil, "4: job.seed: -1 is out of range: want an integer of at least 0"},
		{"nan", "stop.seconds = nan", nil, "4: stop.seconds: nan is not a finite number"},
		{"infinite", "stop.objective = -inf", nil, "4: stop.objective: -inf is not a finite number"},
		{"negative seconds", "stop.seconds = -0.5", nil, "4: stop.seconds: -0.5 is out of range: want a float of at least 0"},
		{"no servers", "cluster.servers = 0", nil, "4: cluster.servers: 0 is out of range: " + needInt},
		{"no workers", "cluster.workers = 0", nil, "4: cluster.workers: 0 is out of range: " + needInt},
		{"negative epochs", "stop.epochs = -1", nil, "4: stop.epochs: -1 is out of range: want an integer of at least 0"},
		{"base", "data.base = 2", nil, "4: data.base: 2 is out of range: want an integer from -1 to 1"},
		{"format", "data.format = \"libsvn\"", nil, `4: data.format: "libsvn" is not one of auto, libsvm, csv, mm, binary, docword, ratings, text; nearest valid name "libsvm"`},
		{"level", "log.level = \"warning\"", nil, `4: log.level: "warning" is not one of debug, info, warn, error; nearest valid name "warn"`},
		{"policy", "consistency.policy = \"bps\"", nil, `4: consistency.policy: unknown policy "bps": use "bsp", "ssp:S" with a slack S of 0 to 1048576, or "asp"; nearest valid name "bsp"`},
		{"deterministic", "[consistency]\ndeterministic = true\npolicy = \"ssp:3\"", nil, `5: consistency.deterministic: needs the policy "bsp", not "ssp:3"`},
		{"deterministic is fine", "[consistency]\ndeterministic = true\npolicy = \"ssp:0\"", nil, ""},
		{"window", "[consistency]\nwindow = 5\npolicy = \"ssp:3\"", nil, `5: consistency.window: 5 is more than slack + 1 = 4 under the policy "ssp:3": reads would be staler than it allows`},
		{"window is fine", "[consistency]\nwindow = 50\npolicy = \"asp\"", nil, ""},
		{"few parts", "[cluster]\nworkers = 4\nparts = 3", nil, "6: cluster.parts: 3 parts are fewer than 4 workers: some would have no data"},
		{"many shards", "[cluster]\nservers = 3\nshards = 3073", nil, "6: cluster.shards: 3073 shards are more than 1024 a server: each costs time in every clock, so that the job would stand still"},
		{"few shards", "[cluster]\nshards = 1", nil, "5: cluster.shards: 1 shards are fewer than 2 servers: some would hold nothing"},
		{"too many parts", "[cluster]\nworkers = 60000\nthreads = 4000", nil, "6: cluster.threads: 60000 workers * 4000 threads are too many parts: at most 1048576"},
		{"label", "data.label = \"#x\"", nil, `4: data.label: "#x" is no column: want "#" and a number from 0, or a name`},
		{"label without header", "[data]\nheader = \"no\"\nlabel = \"y\"", nil, `6: data.label: a column cannot be named when data.header is "no": want its number, as "#0"`},
		{"label of libsvm", "[data]\nlabel = \"y\"\nformat = \"libsvm\"", nil, `5: data.label: is for CSV, but data.format is "libsvm"`},
		{"hash and features", "[data]\nhash = 4\nfeatures = 16", nil, `6: data.features: hashed features are 2^data.hash: leave data.features out`},
		{"hash and names", "[data]\nhash = 4\nnames = \"n\"", nil, `6: data.names: hashed features have no names: leave data.names out`},
		{"hash of mm", "[data]\nhash = 4\nformat = \"mm\"", nil, `5: data.hash: is for LIBSVM and CSV, but data.format is "mm"`},
		{"hash too large", "[data]\nhash = 63", nil, `5: data.hash: 63 is out of range: want an integer from 0 to 62`},
		{"categorical libsvm", "[data]\nformat = \"libsvm\"\ncategorical = [\"a\"]", nil, `6: data.categorical: is for CSV, but data.format is "libsvm"`},
		{"categorical number", "[data]\ncategorical = [\"#x\"]", nil, `5: data.categorical: "#x" is no column: want "#" and a number from 0, a name, or "*"`},
		{"categorical without header", "[data]\nheader = \"no\"\ncategorical = [\"a\"]", nil, `6: data.categorical: a column cannot be named when data.header is "no": want its number, as "#0"`},
		{"labels of csv", "[data]\nformat = \"csv\"\nlabels = \"y\"", nil, `6: data.labels: is for MatrixMarket data, but data.format is "csv"`},
		{"base of mm", "[data]\nformat = \"mm\"\nbase = 0", nil, `6: data.base: is for LIBSVM, but data.format is "mm"`},
		{"base of csv", "[data]\nformat = \"csv\"\nbase = 0", nil, `6: data.base: is for LIBSVM, but data.format is "csv"`},
		{"bind with port", "cluster.bind = \"127.0.0.1:80\"", nil, `4: cluster.bind: "127.0.0.1:80" is no address: want an address without port, as "127.0.0.1"`},
		{"bind mistyped", "cluster.bind = \"10.0.0.256\"", nil, `4: cluster.bind: "10.0.0.256" is no address: want an address without port, as "127.0.0.1"`},
		{"advertise anything", "cluster.advertise = \"::\"", nil, `4: cluster.advertise: :: is no address that others can reach`},
		{"join port", "cluster.join = [\"a:1\",\n\"b:0\"]", nil, `5: cluster.join[1]: "b:0" is no address: want host:port with a port from 1 to 65535, as "10.0.0.1:7946"`},
		{"gossip", "cluster.gossip = \"7946\"", nil, `4: cluster.gossip: "7946" is no address: want host:port with a port from 0 to 65535, as "10.0.0.1:7946"`},
		{"zero byte", "data.test = \"a\\u0000\"", nil, `4: data.test: "a\x00" cannot be a path`},

		{"duplicate key", "[stop]\nepochs = 1\nclocks = 2\nepochs = 3", nil, "7: stop.epochs: already set on line 5"},
		{"duplicate after dots", "[job]\nalgorithm = \"x\"", nil, "5: job.algorithm: already set on line 1"},
		{"duplicate section", "[stop]\n[log]\n[stop]\nepochs = -1", nil, "6: stop: section already opened on line 4\n7: stop.epochs: -1 is out of range: want an integer of at least 0"},
		{"duplicate inline", "stop = {epochs = 1, epochs = 2}", nil, "4: stop.epochs: already set on line 4"},
		{"set again as a value", "stop.epochs = 1\nstop = 2\nstop.clocks = 3", nil, "5: stop: already set on line 4"},
		{"set again as a table", "job.name.x = 1\njob.name = \"a\"", nil, "4: job.name: want a string, got a table\n5: job.name: already set on line 4"},
		{"closed inline", "stop = {epochs = 1}\nstop.clocks = 2", nil, "5: stop: already set on line 4"},
		{"no quotes", "job.name = lasso", nil, `4: job.name: lasso is no TOML value: a string needs quotes, as "lasso"`},
		{"no value", "job.name =  # none", nil, "4: job.name: no value after ="},
		{"no equals", "[job]\nname \"x\"", nil, "5: job.name: no = after the key"},
		{"open string", "job.name = \"abc\n[log]\nlevel = \"x\"", nil, "4: job.name: the string is not closed\n6: log.level: \"x\" is not one of debug, info, warn, error; nearest valid name \"info\""},
		{"open long string", "job.name = \"\"\"abc\n[log]\n", nil, "4: job.name: the string is not closed"},
		{"open list", "cluster.join = [\"a:1\"\n[log]\nlevl = 3", nil, "5: cluster.join: want , or ] in the list opened on line 4, got '['\n6: log.levl: unknown key; nearest valid name \"level\""},
		{"open list to the end", "cluster.join = [\"a:1\"\n\n", nil, "4: cluster.join: the list is not closed with ]"},
		{"open header", "[log\nlevl = 3", nil, "4: the section header is not closed with ]"},
		{"rest of line", "stop.epochs = 1 2\nstop.clocks = -1", nil, "4: stop.epochs: expected a top-level item to end with a newline, comment, or EOF, but got '2' instead\n5: stop.clocks: -1 is out of range: want an integer of at least 0"},
		{"after a string", "job.name = \"a\" b", nil, "4: want the end of the line, got 'b'"},
		{"bad escape", "[job]\nname = \"\"\"\na\n\\q\"\"\"", nil, `7: job.name: invalid escape in string '\q'`},
		{"six quotes", `job.name = """a\\""""""`, nil, `4: want the end of the line, got '"'`},
		{"only toml knows", "[job]\nname = \"a\" # \x01", nil, "5: TOML files cannot contain control characters: '0x01'"},
		{"not UTF-8", "[job]\n# \xff\nname = 3", nil, "5: the text is not valid UTF-8"},
		{"deep", "algorithm.x = " + strings.Repeat("[", 100), nil, "4: algorithm.x" + strings.Repeat("[0]", 33) + ": lists and tables are nested deeper than 32"},
		{"dots", "a" + strings.Repeat(".a", 100) + " = 1", nil, "4: a key of more than 16 parts"},

		{"all at once, by line", "[log]\nlevel = 3\nx = 1\n[cluster]\nservers = 0\n", []string{"stop.epochs=-1", "evaluate.test=3"},
			"5: log.level: want a string, got the integer 3: a string needs quotes, as \"3\"\n6: log.x: unknown key; nearest valid name \"level\"\n8: cluster.servers: 0 is out of range: " + needInt +
				"\n--set stop.epochs=-1: -1 is out of range: want an integer of at least 0\n--set evaluate.test=3: want a boolean, got the integer 3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want []string
			for _, line := range strings.Split(tt.want, "\n") {
				if line != "" && !strings.HasPrefix(line, "--set") {
					line = "job.toml:" + line
				}
				want = append(want, line)
			}
			if diff := cmp.Diff(strings.Join(want, "\n"), problems(t, job+tt.text, tt.sets...)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestRequired(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"both", "[log]\nlevel = \"info\"", "job.toml: job.algorithm: required: the name of an algorithm\njob.toml: data.train: required: the path of the training data"},
		{"empty", "[job]\nalgorithm = \"\"\n[data]\ntrain = \"a\"", "job.toml:2: job.algorithm: required: the name of an algorithm"},
		{"after the others", "data.train = \"a\"\nstop.epochs = -1", "job.toml:2: stop.epochs: -1 is out of range: want an integer of at least 0\njob.toml: job.algorithm: required: the name of an algorithm"},
		{"not when it has a problem", "data.train = \"a\"\njob.algorithm = lasso", `job.toml:2: job.algorithm: lasso is no TOML value: a string needs quotes, as "lasso"`},
		{"not when text is lost", "data.train = \"a\"\n= lasso", `job.toml:2: want a key, got '='`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, problems(t, tt.text)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Conclusions are not drawn from values that are wrong themselves.
func TestNoFollowUps(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"[cluster]\nworkers = \"x\"\nparts = 1", `job.toml:5: cluster.workers: want an integer from 1 to 65536, got the string "x"`},
		{"[consistency]\npolicy = 3\ndeterministic = true", `job.toml:5: consistency.policy: want a string, got the integer 3: a string needs quotes, as "3"`},
		{"[cluster]\nwrkers = 4\nparts = 1", `job.toml:5: cluster.wrkers: unknown key; nearest valid name "workers"`},
		{"[output]\nworkers = 4\n[cluster]\nparts = 1", `job.toml:5: output.workers: unknown key; nearest valid name "cluster.workers"`},
		{"[consistency]\npolicy = \"x\"\nwindow = 9", `job.toml:5: consistency.policy: unknown policy "x": use "bsp", "ssp:S" with a slack S of 0 to 1048576, or "asp"; nearest valid name "bsp"`},
	} {
		if got := problems(t, job+tt.text); got != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.text, got, tt.want)
		}
	}
}

func TestOverrides(t *testing.T) {
	param := func(c *Config) any { return string(c.params.fields["x"].appendTOML(nil)) }
	for _, tt := range []struct {
		set  string
		want string // problem; "" if get is to be compared
		get  func(c *Config) any
		has  any
	}{
		{set: "cluster.servers=5", get: func(c *Config) any { return c.Cluster.Servers }, has: 5},
		{set: " cluster . servers = 5 ", get: func(c *Config) any { return c.Cluster.Servers }, has: 5},
		{set: "data.train=b.csv", get: func(c *Config) any { return c.Data.Train.String() }, has: "b.csv"},
		{set: "data.train='b c.csv'", get: func(c *Config) any { return c.Data.Train.String() }, has: "b c.csv"},
		{set: "data.label=#3", get: func(c *Config) any { return c.Data.Label }, has: "#3"},
		{set: "data.test=", get: func(c *Config) any { return c.Data.Test.String() }, has: ""},
		{set: "job.name=a=b # c", get: func(c *Config) any { return c.Job.Name }, has: "a=b # c"},
		{set: "consistency.policy=ssp:2", get: func(c *Config) any { return c.Consistency.Policy }, has: "ssp:2"},
		{set: `cluster.join=["a:1", "b:2"]`, get: func(c *Config) any { return strings.Join(c.Cluster.Join, " ") }, has: "a:1 b:2"},
		{set: "algorithm.x=[1, 2]", get: param, has: "[1, 2]"},
		{set: "algorithm.x=l1", get: param, has: `"l1"`},
		{set: "algorithm.x=[1, 2", get: param, has: `"[1, 2"`},
		{set: "algorithm.x=[1, # \x01\n2]", get: param, has: `"[1, # \u0001\n2]"`}, // only the toml package knows
		{set: "job.name=7", get: func(c *Config) any { return c.Job.Name }, has: "7"},
		{set: "data.positive=2.50", get: func(c *Config) any { return c.Data.Positive }, has: "2.50"},
		{set: "data.ignore=id", get: func(c *Config) any { return strings.Join(c.Data.Ignore, " ") }, has: "id"},
		{set: "data.categorical=*", get: func(c *Config) any { return strings.Join(c.Data.Categorical, " ") }, has: "*"},
		{set: "data.train=2024", get: func(c *Config) any { return c.Data.Train.String() }, has: "2024"},
		{set: "job.name=[7]", want: `--set job.name=[7]: want a string, got a list`},
		{set: "cluster.servers=two", want: `--set cluster.servers=two: want an integer from 1 to 65536, got the string "two"`},
		{set: "cluster.servers=3#4", want: `--set cluster.servers=3#4: want an integer from 1 to 65536, got the string "3#4"`},
		{set: "cluster.servers=", want: `--set cluster.servers=: want an integer from 1 to 65536, got no value`},
		{set: "cluster.servers=3\nlog.level=4", want: `--set "cluster.servers=3\nlog.level=4": want an integer from 1 to 65536, got the string "3\nlog.level=4"`},
		{set: "cluster.join=a:1", get: func(c *Config) any { return strings.Join(c.Cluster.Join, " ") }, has: "a:1"},
		{set: "job.name=[7]", want: `--set job.name=[7]: want a string, got a list`},
		{set: `cluster.join=["a"]`, want: `--set cluster.join=["a"]: "a" is no address: want host:port with a port from 1 to 65535, as "10.0.0.1:7946"`},
		{set: "cluster.servrs=3", want: `--set cluster.servrs=3: unknown key; nearest valid name "servers"`},
		{set: "servers=3", want: `--set servers=3: unknown key outside of any section; nearest valid name "cluster.servers"`},
		{set: "clustr.servers=3", want: `--set clustr.servers=3: unknown section; nearest valid name "cluster"`},
		{set: "cluster={servers=3}", want: `--set cluster={servers=3}: want section.key=value: a section cannot be set as a whole`},
		{set: "algorithm=lasso", want: `--set algorithm=lasso: want section.key=value: a section cannot be set as a whole`},
		{set: "job.name.x=1", want: `--set job.name.x=1: job.name is not a table: it is the string "n"`},
		{set: "cluster.servers", want: `--set cluster.servers: want section.key=value`},
		{set: "", want: `--set "": want section.key=value`},
		{set: "=3", want: `--set =3: want section.key=value`},
		{set: "job.name=\xff", want: `--set "job.name=\xff": the text is not valid UTF-8`},
	} {
		t.Run(tt.set, func(t *testing.T) {
			text := job + "job.name = \"n\"\ncluster.servers = 4"
			if tt.want != "" {
				if got := problems(t, text, tt.set); got != tt.want {
					t.Errorf("\ngot  %s\nwant %s", got, tt.want)
				}
				return
			}
			if got := tt.get(mustParse(t, text, tt.set)); got != tt.has {
				t.Errorf("got %v, want %v", got, tt.has)
			}
		})
	}
}

func TestLaterOverrideWins(t *testing.T) {
	c := mustParse(t, job+"stop.epochs = -4", "stop.epochs=1", "stop.epochs=2")
	if c.Stop.Epochs != 2 {
		t.Errorf("got epochs %d, want 2, and no complaint about the value that does not count", c.Stop.Epochs)
	}
}

func TestFrom(t *testing.T) {
	c := mustParse(t, job+"[cluster]\n\nservers = 3 # three\nworkers=2\njoin = [\n\"a:1\"]\n[algorithm]\nlambda = 1\nstep.size = 2\n", "cluster.workers=4", "algorithm.new=1")
	for key, want := range map[string]string{
		"job.algorithm": "job.toml:1", "data.train": "job.toml:2", "cluster.servers": "job.toml:6",
		"cluster.workers": "--set", "cluster.join": "job.toml:8", "cluster.threads": "default", "job.name": "default",
		"algorithm.lambda": "job.toml:11", "algorithm.step.size": "job.toml:12", "algorithm.new": "--set", "algorithm.other": "default",
	} {
		if got := c.From(key); got != want {
			t.Errorf("From(%q): got %q, want %q", key, got, want)
		}
	}
}

func TestJobName(t *testing.T) {
	for file, want := range map[string]string{"a/b.toml": "b", "b": "b", "b.tml": "b.tml", ".toml": "job", "": "job"} {
		c, err := Parse(file, []byte(job), nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.Job.Name != want {
			t.Errorf("file %q: got name %q, want %q", file, c.Job.Name, want)
		}
	}
}

func TestEffectiveNumbers(t *testing.T) {
	c := mustParse(t, job+"[cluster]\nservers = 3\nworkers = 4\nthreads = 2\n[consistency]\npolicy = \"ssp:2\"")
	if c.Parts() != 8 || c.Shards(0) != 24 || c.Window() != 3 {
		t.Errorf("got %d parts, %d shards, window %d, want 8, 24, 3", c.Parts(), c.Shards(0), c.Window())
	}
	c = mustParse(t, job+"cluster.parts = 9\ncluster.shards = 5\n[consistency]\npolicy = \"asp\"\nwindow = 2")
	if c.Parts() != 9 || c.Shards(0) != 5 || c.Window() != 2 {
		t.Errorf("got %d parts, %d shards, window %d, want 9, 5, 2", c.Parts(), c.Shards(0), c.Window())
	}
	for bytes, want := range map[uint64]int{0: 16, 16 << 20: 16, 40_000_000: 38, 1 << 40: 128} {
		if got := mustParse(t, job).Shards(bytes); got != want {
			t.Errorf("tables of %d bytes: got %d shards, want %d", bytes, got, want)
		}
	}
	if c = mustParse(t, job); c.Shards(0) != 16 || c.Window() != 1 || c.Parts() != 2 {
		t.Errorf("got %d parts, %d shards, window %d, want 2, 16, 1", c.Parts(), c.Shards(0), c.Window())
	}
}

func TestFileTooLarge(t *testing.T) {
	want := "job.toml: 262145 bytes is too large for a configuration: at most 262144"
	if got := problems(t, strings.Repeat("[", maxText+1)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := problems(t, strings.Repeat("[", maxText)); got == "" {
		t.Error("a file of brackets was accepted")
	}
	path := filepath.Join(t.TempDir(), "big.toml")
	if err := os.WriteFile(path, []byte(strings.Repeat("#", maxText+9)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, nil); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("got %v, want a refusal of the size", err)
	}
}

func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "job.toml")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip("no named pipes here: ", err)
	}
	if _, err := Load(path, nil); err == nil || !strings.Contains(err.Error(), path+" is a pipe that nobody writes to: want a file") {
		t.Errorf("nobody writes: got %v", err)
	}
	r, w, err := os.Pipe() // as a shell's <(command)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("[job]\nalgorithm = 7\n"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	path = fmt.Sprintf("/dev/fd/%d", r.Fd())
	if _, err := Load(path, nil); err == nil || !strings.Contains(err.Error(), path+":2: job.algorithm: want a string") {
		t.Errorf("somebody wrote: got %v", err)
	}
}
