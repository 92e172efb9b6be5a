// Package roles_test holds the tests that concern the tree as a whole.
package roles_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A layer may import only what is listed for it, of ours. The order of the list
// is the order of the layers: a package belongs to the first whose prefix it has.
var layers = []struct {
	prefix  string
	imports []string // prefixes of packages of ours
	advice  string
}{
	{"petuum/consistency", nil, "the rule of consistency stands alone"},
	{"petuum/table/placement", []string{"petuum/consistency"}, "placement is a pure value"},
	{"petuum/table/kernel", nil, "kernels know only slices"},
	{"petuum/table", []string{"petuum/consistency", "petuum/table"}, "tables know nothing of algorithms or roles: pass what they need as an argument"},
	{"petuum/algos/dataset", []string{"petuum/algos/dataset", "petuum/table/kernel"}, "the input is not the tables' business"},
	{"petuum/algos/algotest", []string{"petuum/consistency", "petuum/table", "petuum/algos", "petuum/configs"}, "the test kit drives algorithms without roles"},
	{"petuum/algos", []string{"petuum/consistency", "petuum/table", "petuum/algos"}, "an algorithm is told what it needs by algos.Worker and algos.Scheduler"},
	{"petuum/configs", []string{"petuum/consistency"}, "a configuration is data: let a role act on it"},
	{"petuum/roles/wire", nil, "the wire carries bytes: decode them in roles/control"},
	{"petuum/roles/cluster", nil, "membership knows only addresses and tags"},
	{"petuum/roles", []string{"petuum/"}, ""},
	{"petuum", []string{"petuum/"}, ""},
}

// Packages that tables, consistency and algorithms must not use: they take bytes,
// numbers and times as arguments instead.
var forbidden = map[string]string{
	"net":       "only roles open sockets",
	"net/http":  "only roles open sockets",
	"log":       "return an error: only roles log",
	"log/slog":  "return an error: only roles log",
	"time":      "take the time as an argument",
	"math/rand": "use math/rand/v2 with a seed from the job",
	"unsafe":    "the hot paths are fast enough without",
	"reflect":   "say what the types are",
	"os":        "take a reader or a writer",
}

// pure lists where forbidden packages are forbidden; exempt where they are not.
var (
	pure   = []string{"petuum/consistency", "petuum/table", "petuum/algos"}
	exempt = map[string][]string{
		"petuum/algos/dataset":       {"os"},
		"petuum/algos/dataset/cache": {"unsafe"}, // sections are slices of numbers, mapped
		"petuum/algos/model":         {"os"},
		"petuum/algos/checkpoint":    {"os"}, // files, as those of models
		"petuum/algos/durable":       {"os"},
		"petuum/algos/algotest":      {"os", "time", "reflect"},
		"petuum/table/kernel":        {"unsafe"}, // the memory of values is the form of messages
	}
)

func TestLayers(t *testing.T) {
	root := ".."
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		seen++
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		pkg := strings.TrimSuffix("petuum/"+filepath.ToSlash(rel), "/.")
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			checkImport(t, path, pkg, imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 20 {
		t.Fatalf("read only %d files: is the tree where the test thinks it is?", seen)
	}
}

func under(pkg, prefix string) bool {
	return pkg == prefix || strings.HasPrefix(pkg, strings.TrimSuffix(prefix, "/")+"/")
}

func checkImport(t *testing.T, path, pkg, imported string) {
	t.Helper()
	if under(imported, "petuum") {
		for _, l := range layers {
			if !under(pkg, l.prefix) {
				continue
			}
			for _, ok := range l.imports {
				if under(imported, ok) {
					return
				}
			}
			t.Errorf("%s imports %s, which its layer must not: %s", path, imported, l.advice)
			return
		}
		t.Errorf("%s: package %s belongs to no layer: add it to layers", path, pkg)
		return
	}
	advice, bad := forbidden[imported]
	if !bad {
		return
	}
	for _, p := range pure {
		if !under(pkg, p) {
			continue
		}
		for e, allowed := range exempt {
			if under(pkg, e) {
				for _, a := range allowed {
					if a == imported {
						return
					}
				}
			}
		}
		t.Errorf("%s imports %s, which %s must not: %s", path, imported, p, advice)
		return
	}
}

// TestTop keeps the top level as users know it.
func TestTop(t *testing.T) {
	known := map[string]bool{"main.go": true, "roles": true, "table": true, "consistency": true, "algos": true, "configs": true,
		"go.mod": true, "go.sum": true, "README.md": true, "LICENSE": true, "docs": true, "petuum": true, "out": true}
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !known[e.Name()] {
			t.Errorf("%s does not belong at the top level: find it a package or docs/", e.Name())
		}
	}
}

// TestSize keeps files to what can be read in one sitting.
func TestSize(t *testing.T) {
	const most = 520
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if n := strings.Count(string(text), "\n"); n > most {
			t.Errorf("%s has %d lines, more than %d: split it by what it is about", path, n, most)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
