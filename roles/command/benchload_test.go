package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"petuum/roles/bench"
)

// TestBenchLoad parses a file, puts it in a cache, and maps it.
func TestBenchLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.svm")
	if err := os.WriteFile(path, []byte(strings.Repeat("1 1:1 3:2\n-1 2:1\n", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(dir, "cache")
	for _, cached := range []bool{false, true} {
		status, stdout, stderr := run("bench", "load", path, "--cache", cache, "--parts", "2", "--columns", "--json")
		var r bench.LoadReport
		if err := json.Unmarshal([]byte(stdout), &r); err != nil || status != 0 {
			t.Fatalf("got status %d, %v: %s%s", status, err, stdout, stderr)
		}
		if r.Parts != 2 || r.Rows != 1000 || r.Features != 3 || r.NonZeros != 1500 || r.Stored != 8500 || r.Cached != cached || len(r.Notes) != 2 {
			t.Errorf("cached %v: got %+v", cached, r)
		}
		if r.Scan <= 0 || r.Place <= 0 || r.Pass <= 0 || r.Columns <= 0 || r.Loaded < 1500*6 {
			t.Errorf("cached %v: got %+v, want all of it measured", cached, r)
		}
	}
	status, stdout, stderr := run("bench", "load", path)
	for _, want := range []string{"1000 rows, 3 features, 1500 values", "parsed: ", "first pass", "memory"} {
		if status != 0 || !strings.Contains(stdout, want) {
			t.Errorf("got status %d, %q%s, want %q in it", status, stdout, stderr, want)
		}
	}
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, 2, "bench load: which data?"},
		{[]string{path, "--parts", "0"}, 2, "--parts 0: want 1 to 65536"},
		{[]string{path, "--format", "arff"}, 2, `format "arff"`},
		{[]string{filepath.Join(dir, "none")}, 1, "no such file"},
	} {
		if status, _, stderr := run(append([]string{"bench", "load"}, c.args...)...); status != c.status || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: got status %d, %q, want %d and %q", c.args, status, stderr, c.status, c.want)
		}
	}
}
