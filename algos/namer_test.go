package algos_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/table"
)

// plain is an algorithm that does not name its keys; namer one that does.
type plain struct{ algos.Algorithm }

type namer struct{ plain }

func (namer) KeyNames(d dataset.Info, table string) algos.KeyNames {
	return algos.KeyNames{Features: d.Features - 1, Names: []string{"of " + table}}
}

func TestKeyNamesOf(t *testing.T) {
	d := dataset.Info{Features: 5}
	for _, c := range []struct {
		name string
		a    algos.Algorithm
		keys uint64
		want algos.KeyNames
	}{
		{"as many keys as features", plain{}, 5, algos.KeyNames{Features: 5}},
		{"another number of keys", plain{}, 6, algos.KeyNames{}},
		{"its own names", namer{}, 5, algos.KeyNames{Features: 4, Names: []string{"of t"}}},
	} {
		if d := cmp.Diff(c.want, algos.KeyNamesOf(c.a, d, table.Spec{Name: "t", Keys: c.keys})); d != "" {
			t.Errorf("%s: -want +got:\n%s", c.name, d)
		}
	}
}
