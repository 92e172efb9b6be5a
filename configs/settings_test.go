package configs

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// other holds for each setting a value that is not its default.
var other = map[string]string{
	"job.name": `"n"`, "job.algorithm": `"logreg"`, "job.seed": "7", "job.start": `"m"`,
	"data.train": `"t.csv"`, "data.test": `"u.csv"`, "data.format": `"csv"`, "data.label": `"#3"`, "data.positive": `"yes"`, "data.weight": `"#4"`, "data.header": `"yes"`, "data.base": "0", "data.features": "12", "data.hash": "20",
	"data.categorical": `["a", "b"]`, "data.ignore": `["c"]`, "data.missing": "-0.5", "data.float64": "true", "data.min_length": "2", "data.stop_words": `""`, "data.names": `"n.txt"`, "data.labels": `"l.txt"`, "data.weights": `"w.txt"`, "data.cache": `"parsed"`,
	"consistency.policy": `"ssp:3"`, "consistency.deterministic": "true", "consistency.window": "1", "consistency.eager": "false",
	"wire.compression": `"zstd"`,
	"cluster.servers":  "3", "cluster.workers": "4", "cluster.threads": "5", "cluster.parts": "6", "cluster.shards": "7", "cluster.join": `["a:1", "b:2"]`,
	"cluster.bind": `"::1"`, "cluster.advertise": `"h.example"`, "cluster.gossip": `"0.0.0.0:0"`, "cluster.data": `"[::1]:9"`, "cluster.key_file": `"key"`,
	"wire.encoding": `"fixed1"`, "wire.filter": `"skip:0.5"`,
	"evaluate.every": "9", "evaluate.test": "false",
	"stop.epochs": "10", "stop.clocks": "11", "stop.seconds": "12.5", "stop.tolerance": "1e-06", "stop.objective": "-0.25",
	"output.model": `"out"`, "output.text": "false", "checkpoint.path": `"kept"`, "checkpoint.every": "3", "checkpoint.seconds": "1.5", "log.level": `"debug"`, "log.format": `"json"`,
}

// valueOf is the value of a setting as TOML.
func valueOf(t *testing.T, c *Config, key string) string {
	t.Helper()
	for _, section := range fields(reflect.ValueOf(c).Elem()) {
		for _, f := range fields(section.value) {
			if join(section.name, f.name) == key {
				n := nodeOf(f.value)
				if n == nil {
					return ""
				}
				return string(n.appendTOML(nil))
			}
		}
	}
	t.Fatalf("no setting %s", key)
	return ""
}

// wrongValues are of a type that the setting cannot have; the second is for an
// override, which takes what is not TOML as a string.
func wrongValues(s Setting) (file, set string) {
	switch s.Type {
	case "string", "string or list of strings":
		return "5", "[5]"
	case "list of strings":
		return `"x"`, "[5]"
	case "boolean":
		return "1", "yes"
	}
	return "true", "many"
}

// TestEverySetting walks the schema: each setting arrives from the file and
// from an override, and a wrong type of it is refused with its key and line.
func TestEverySetting(t *testing.T) {
	settings := Settings()
	if len(settings) != len(other) {
		t.Errorf("got %d settings, want the %d of this test", len(settings), len(other))
	}
	for _, s := range settings {
		t.Run(s.Key, func(t *testing.T) {
			value := other[s.Key]
			if value == "" || value == s.Default || s.Doc == "" || strings.Contains(s.Doc, "\n") {
				t.Fatalf("got setting %+v, want one line of doc and, in this test, a value other than the default", s)
			}
			base := job
			if s.Key == "job.algorithm" || s.Key == "data.train" {
				base = "\n" + strings.Replace(job, s.Key, "#", 1) + "\n"
			} else if got := valueOf(t, mustParse(t, job, "job.name="), s.Key); got != s.Default && s.Key != "job.name" {
				t.Errorf("got default %s, want %s", got, s.Default)
			}
			section, name, _ := strings.Cut(s.Key, ".")
			line := strings.Count(base, "\n") + 1
			for _, form := range []struct {
				format string
				line   int
			}{{"%[1]s.%[2]s = %[3]s", line}, {"%[1]s = { %[2]s = %[3]s }", line}, {"[%[1]s] # x\n\n%[2]s=%[3]s", line + 2}} {
				if section == "job" || section == "data" { // the base has set keys with dots there
					form.format, form.line = "%[1]s.%[2]s = %[3]s", line
				}
				c := mustParse(t, base+fmt.Sprintf(form.format, section, name, value))
				if got := valueOf(t, c, s.Key); got != value {
					t.Errorf("file: got %s, want %s", got, value)
				}
				if got, want := c.From(s.Key), fmt.Sprintf("job.toml:%d", form.line); got != want {
					t.Errorf("file: got origin %s, want %s", got, want)
				}
				wrong, _ := wrongValues(s)
				got := problems(t, base+fmt.Sprintf(form.format, section, name, wrong))
				if want := fmt.Sprintf("job.toml:%d: %s: want a", form.line, s.Key); !strings.HasPrefix(got, want) || strings.Contains(got, "\n") {
					t.Errorf("wrong type: got %s, want only %s...", got, want)
				}
			}
			set := s.Key + "=" + value
			c := mustParse(t, base, set)
			if got := valueOf(t, c, s.Key); got != value || c.From(s.Key) != "--set" {
				t.Errorf("override: got %s from %s, want %s from --set", got, c.From(s.Key), value)
			}
			if strings.HasPrefix(s.Type, "string") { // not TOML, or a number that is one
				if got := valueOf(t, mustParse(t, base, s.Key+"="+strings.Trim(value, `"`)), s.Key); got != value {
					t.Errorf("bare override: got %s, want %s", got, value)
				}
			}
			_, wrong := wrongValues(s)
			got := problems(t, base, s.Key+"="+wrong)
			if want := fmt.Sprintf("--set %s=%s: want a", s.Key, wrong); !strings.HasPrefix(got, want) || strings.Contains(got, "\n") {
				t.Errorf("wrong override: got %s, want only %s...", got, want)
			}
		})
	}
}

func TestOwnSettings(t *testing.T) {
	var own []string
	for _, section := range fields(reflect.ValueOf(Default()).Elem()) {
		for _, f := range fields(section.value) {
			if f.own {
				own = append(own, join(section.name, f.name))
			}
		}
	}
	want := []string{"cluster.join", "cluster.bind", "cluster.advertise", "cluster.gossip", "cluster.data", "cluster.key_file", "log.level", "log.format"}
	if diff := cmp.Diff(want, own); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestSettingsTable(t *testing.T) {
	list := Settings()
	for _, want := range []Setting{
		{"job.algorithm", "string", `""`, "algorithm to run (required)"},
		{"cluster.join", "list of strings", "[]", "gossip addresses (host:port) of members to join"},
		{"stop.objective", "float", "", "stop when the objective is at most this"},
		{"stop.seconds", "float", "0.0", "stop after that many seconds of training; 0 is off"},
		{"output.text", "boolean", "true", "write the model as readable text, too"},
	} {
		found := false
		for _, s := range list {
			found = found || s == want
		}
		if !found {
			t.Errorf("no setting %+v", want)
		}
	}
}
