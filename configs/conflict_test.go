package configs

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustRole(t *testing.T, text string, sets ...string) *Config {
	t.Helper()
	c, err := parse("role.toml", []byte(text), over(sets...)).finish()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConflicts(t *testing.T) {
	scheduler := mustParse(t, `[job]
name = "j"
algorithm = "lasso"
[data]
train = "/home/a/data/x.csv"
[cluster]
threads = 3
[consistency]
policy = "ssp:2"
[algorithm]
lambda = 1
step = {size = 2, kind = "a"}
grid = [1, 2]
`)
	const is, fix = " differs from the scheduler's, which is ", ": leave it out or make it the same"
	for _, tt := range []struct {
		name, text string
		sets       []string
		want       string
	}{
		{name: "no file"},
		{"its own place", "[cluster]\njoin = [\"a:1\"]\nbind = \"0.0.0.0\"\nadvertise = \"h\"\ngossip = \"h:1\"\ndata = \"h:2\"\nkey_file = \"k\"\n[log]\nlevel = \"debug\"\nformat = \"json\"", nil, ""},
		{"the same", "[job]\nalgorithm = \"lasso\"\n[cluster]\nservers = 2\n[algorithm]\nlambda = 1.0\nstep.size = 2\ngrid = [1, 2]", nil, ""},
		{"the same in effect", "cluster.parts = 6\ncluster.shards = 16\n[consistency]\nwindow = 3\npolicy = \"ssp:02\"", nil, ""},
		{"another number", "[cluster]\n\nservers = 3", nil, "role.toml:3: cluster.servers: 3" + is + "2" + fix},
		{"a default that is set", "consistency.policy = \"bsp\"", nil, `role.toml:1: consistency.policy: "bsp"` + is + `"ssp:2"` + fix},
		{"override", "", []string{"job.seed=4"}, "--set job.seed=4: 4" + is + "1" + fix},
		{"override of an own place", "", []string{"cluster.bind=::", "log.level=warn"}, ""},
		{"not set there", "stop.objective = 1", nil, "role.toml:1: stop.objective: 1.0" + is + "not set" + fix},
		{"parameter", "algorithm.lambda = 2", nil, "role.toml:1: algorithm.lambda: 2" + is + "1" + fix},
		{"parameter below", "algorithm.step.kind = \"b\"", nil, `role.toml:1: algorithm.step.kind: "b"` + is + `"a"` + fix},
		{"parameter not set there", "algorithm.mu = 2", nil, "role.toml:1: algorithm.mu: 2" + is + "not set" + fix},
		{"list", "algorithm.grid = [1]", nil, "role.toml:1: algorithm.grid: [1]" + is + "[1, 2]" + fix},
		{"path in another folder", "data.train = \"../data/x.csv\"", nil, ""},
		{"path by name", "data.train = \"x.csv\"", nil, ""},
		{"part of a name", "data.train = \"ta/x.csv\"", nil, `role.toml:1: data.train: "ta/x.csv"` + is + `"/home/a/data/x.csv"` + fix},
		{"another absolute path", "data.train = \"/x.csv\"", nil, `role.toml:1: data.train: "/x.csv"` + is + `"/home/a/data/x.csv"` + fix},
		{"all, by line", "algorithm.lambda = 3\njob.name = \"k\"", []string{"stop.epochs=1"},
			"role.toml:1: algorithm.lambda: 3" + is + "1" + fix + "\nrole.toml:2: job.name: \"k\"" + is + `"j"` + fix + "\n--set stop.epochs=1: 1" + is + "0" + fix},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := mustRole(t, tt.text, tt.sets...).Conflicts(scheduler); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Every setting of the job conflicts when it differs; none of a place does.
func TestConflictOfEverySetting(t *testing.T) {
	scheduler := mustParse(t, job+"job.name = \"j\"")
	own := map[string]bool{"cluster.join": true, "cluster.bind": true, "cluster.advertise": true, "cluster.gossip": true,
		"cluster.data": true, "cluster.key_file": true, "log.level": true, "log.format": true}
	for key, value := range other {
		if key == "consistency.window" { // 1 is what bsp has by itself
			value = "0"
			scheduler = mustParse(t, job+"job.name = \"j\"\nconsistency.window = 1")
		}
		err := mustRole(t, key+" = "+value).Conflicts(scheduler)
		if refused := err != nil; refused == own[key] && key != "consistency.window" {
			t.Errorf("%s = %s: got %v, want a refusal: %v", key, value, err, !own[key])
		}
	}
}
