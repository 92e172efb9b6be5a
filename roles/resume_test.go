package roles_test

import (
	"os"
	"path/filepath"
	"testing"
)

// read is the text of a file.
func read(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestPublish: what parts kept to themselves is in the model that real processes write.
func TestPublish(t *testing.T) {
	dir := rows(t)
	startToys(t, dir, staged(dir, "tally", "stop.clocks=7", "cluster.threads=2")...).result()
	counts, own := read(t, dir, "m", "counts.txt"), read(t, dir, "m", "own.txt")
	if counts != own || counts == "" {
		t.Errorf("got the counts\n%s\nand, published,\n%s\nwant the same", counts, own)
	}
}
