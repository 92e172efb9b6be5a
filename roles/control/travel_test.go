package control

import (
	"fmt"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/registry"
	"petuum/configs"
	"petuum/table"
)

// several is an algorithm in name only, with tables of several kinds.
type several struct{}

func (*several) Tables(dataset.Info) ([]table.Spec, error) {
	return []table.Spec{{Name: "weights", Keys: 10, Type: table.Float64}, {Name: "small", Keys: 10},
		{Name: "counts", Keys: 10, Type: table.Int32}, {Name: "own", Keys: 10, Encoding: table.Fixed3}}, nil
}
func (*several) Load(*dataset.Part, *algos.Worker) error { return nil }
func (*several) Push(*algos.Worker, algos.Block)         {}
func (*several) Evaluate(*algos.Worker, *algos.Eval)     {}
func (*several) Conclude(dataset.Info, *algos.Eval)      {}

func travelling(t *testing.T, encoding, filter string) (*configs.Config, algos.Algorithm, error) {
	t.Helper()
	text := "[job]\nalgorithm = \"several\"\n[data]\ntrain = \"x\"\n[wire]\n"
	if encoding != "" {
		text += fmt.Sprintf("encoding = %q\n", encoding)
	}
	if filter != "" {
		text += fmt.Sprintf("filter = %q\n", filter)
	}
	cfg, err := configs.Parse("job.toml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewAlgorithm(registry.List{"several": func() algos.Algorithm { return &several{} }}, cfg)
	return cfg, a, err
}

func TestHowTablesTravel(t *testing.T) {
	for _, c := range []struct{ encoding, filter, want string }{
		{"", "", "weights exact none, small exact none, counts exact none, own fixed3 none"},
		{"exact", "", "weights exact none, small exact none, counts exact none, own exact none"},
		{"float32", "", "weights float32 none, small exact none, counts exact none, own exact none"},
		{"bfloat16", "skip:0.5", "weights bfloat16 skip:0.5, small bfloat16 skip:0.5, counts exact none, own bfloat16 skip:0.5"},
		{"fixed1, small:fixed2", "weights:significant:0.1", "weights fixed1 significant:0.1, small fixed2 none, counts exact none, own fixed1 none"},
		{"small:fixed2", "small:skip:0.25,significant:3", "weights exact significant:3, small fixed2 significant:3, counts exact none, own fixed3 significant:3"},
	} {
		cfg, a, err := travelling(t, c.encoding, c.filter)
		if err != nil {
			t.Fatal(err)
		}
		specs, err := Tables(cfg, a, dataset.Info{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range specs {
			got = append(got, fmt.Sprintf("%s %s %s", s.Name, s.Encoding, s.Filter))
		}
		if g := strings.Join(got, ", "); g != c.want {
			t.Errorf("encoding %q, filter %q: got %s, want %s", c.encoding, c.filter, g, c.want)
		}
	}
}

func TestWaysToTravelThatAreRefused(t *testing.T) {
	for _, c := range []struct{ encoding, filter, want string }{
		{"bf16", "", `job.toml:6: wire.encoding: "bf16" is none of exact, float32, bfloat16, fixed1, fixed2, fixed3`},
		{"fixd1", "", `nearest valid name "fixed1"`},
		{"weights:bf16", "", `job.toml:6: wire.encoding: "weights:bf16" is none of`},
		{"fixed1,", "", `wire.encoding: "" is none of`},
		{"", "significant:-1", `job.toml:6: wire.filter:`},
		{"", "skip:1", `the probability 1 of a filter is not in [0, 1)`},
		{"weigths:fixed1", "", `job.toml:6: wire.encoding: "weigths:fixed1": several has no table "weigths", but weights, small, counts, own`},
		{"counts:fixed1", "", `job.toml:6: wire.encoding: "counts:fixed1" cannot be: table: "counts": encoding fixed1`},
	} {
		cfg, a, err := travelling(t, c.encoding, c.filter)
		if err == nil {
			_, err = Tables(cfg, a, dataset.Info{})
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("encoding %q, filter %q: got %v, want %q in it", c.encoding, c.filter, err, c.want)
		}
	}
}
