package scheduler

import (
	"strings"
	"testing"

	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/algos/model"
	"petuum/configs"
	"petuum/table"
)

func TestSameData(t *testing.T) {
	here := dataset.Info{Format: dataset.LIBSVM, Features: 3, Base: 1, Classes: []string{"a", "b"}, Names: []string{"x", "y", "z"}}
	for _, c := range []struct {
		name    string
		change  func(there *dataset.Info)
		classes bool
		want    string // "": the same
	}{
		{"the same", func(*dataset.Info) {}, true, ""},
		{"more features", func(i *dataset.Info) { i.Features = 4 }, true, "has 3 features, and the model's had 4: set data.features = 4"},
		{"fewer features", func(i *dataset.Info) { i.Features = 2 }, true, "has 3 features, and the model's had 2: it must have as many"},
		{"another base", func(i *dataset.Info) { i.Base = 0 }, true, "counted from 1, and the model's from 0: set data.base"},
		{"another base of another format", func(i *dataset.Info) { i.Base, i.Format = 0, dataset.CSV }, true, ""},
		{"another name", func(i *dataset.Info) { i.Names = []string{"x", "u", "z"} }, true, `feature 1 of the training data is "y", and the model's was "u"`},
		{"no names", func(i *dataset.Info) { i.Names = nil }, true, ""},
		{"other classes", func(i *dataset.Info) { i.Classes = []string{"a", "c"} }, true, `are ["a" "b"], and of the model's ["a" "c"]`},
		{"many classes", func(i *dataset.Info) { i.Classes = strings.Split("0123456789", "") }, true, `"7"] and 2 more`},
		{"other classes, which are quantities", func(i *dataset.Info) { i.Classes = nil }, false, ""},
		{"another positive", func(i *dataset.Info) { i.Positive = "b" }, true, "classes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			there := here
			c.change(&there)
			err := sameData(here, there, c.classes)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
		})
	}
}

func TestSameTable(t *testing.T) {
	cfg := configs.Default()
	cfg.Job.Algorithm = "ridge"
	s := &scheduler{cfg: cfg, alg: algotest.NewRidge(), info: dataset.Info{Features: 3}}
	spec := table.Spec{Name: "w", Keys: 3, Width: 2, Type: table.Float64, Init: table.Init{Seed: 7}}
	for _, c := range []struct {
		name   string
		spec   func(*table.Spec)
		change func(*model.Table)
		want   string
		all    bool // all keys must be loaded
	}{
		{name: "the same, of another algorithm"},
		{name: "float32", change: func(t *model.Table) { t.Type = "float32" }},
		{name: "integers", change: func(t *model.Table) { t.Type = "int32" }, want: `its table "w" is of int32, and the job's of float64`},
		{name: "width", change: func(t *model.Table) { t.Width = 1 }, want: "has 3 keys of 1 values, and the job's 3 of 2: other with other parameters"},
		{name: "keys", change: func(t *model.Table) { t.Keys = 4 }, want: "has 4 keys"},
		{name: "name", change: func(t *model.Table) { t.Name = "v" }, want: `it is of other and has no table "w", which ridge needs`},
		{name: "meaning", change: func(t *model.Table) { t.Features, t.Names = 2, []string{"(intercept)"} }, want: "mean something else"},
		{name: "another seed of nothing", change: func(t *model.Table) { t.Init.Seed = 8 }},
		{name: "initial values", change: func(t *model.Table) { t.Init.Value = 1 }, all: true},
		{name: "another seed", spec: func(s *table.Spec) { s.Init.Spread = 1 }, change: func(t *model.Table) { t.Init.Spread, t.Init.Seed = 1, 8 }, all: true},
		{name: "too many initial values", spec: func(s *table.Spec) { s.Store = table.StoreSparse }, change: func(t *model.Table) { t.Init.Value = 1 }, want: "too many to be listed", all: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := spec
			if c.spec != nil {
				c.spec(&spec)
			}
			about := model.Table{Name: "w", Keys: 3, Width: 2, Type: "float64", Features: 3, Init: model.Init{Seed: 7}}
			if c.change != nil {
				c.change(&about)
			}
			err := s.sameTable(spec, model.Manifest{Algorithm: "other", Tables: []model.Table{about}})
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
			if got := !sameInit(spec, about); got != c.all {
				t.Errorf("all keys: got %t, want %t", got, c.all)
			}
		})
	}
}
