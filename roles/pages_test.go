package roles_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// namedFile is a file on a page: its name, and the block that follows.
var namedFile = regexp.MustCompile("(?s)`mine/([^`]+)`:\n\n```[a-z]+\n(.*?)```\n")

// shellBlock is a block of commands on a page.
var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```\n")

// TestAlgorithmPage follows docs/algorithm.md word by word: it writes its files
// beside the tree, in a module of their own, and runs its commands.
func TestAlgorithmPage(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program and starts processes: skipped with -short")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "algorithm.md"))
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	if err := os.Symlink(root, filepath.Join(work, "petuum")); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(work, "mine")
	files := namedFile.FindAllStringSubmatch(string(page), -1)
	for _, f := range files {
		path := filepath.Join(mine, f[1])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(f[2]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(mine, "go.sum"), sums, 0o644); err != nil {
		t.Fatal(err)
	}
	objectives := 0
	for _, block := range shellBlock.FindAllStringSubmatch(string(page), -1) {
		for line := range strings.Lines(block[1]) {
			line = strings.TrimSpace(line)
			if line == "go mod tidy" { // asks the network; -mod=mod does the same from what is there
				continue
			}
			cmd := exec.Command("sh", "-c", line)
			cmd.Dir = mine
			cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v\n%s", line, err, out)
			}
			if strings.Contains(string(out), "objective       0.4300") {
				objectives++
			}
		}
	}
	if len(files) < 5 || objectives != 2 {
		t.Errorf("got %d files and %d runs with the objective of the page, want at least 5 and 2", len(files), objectives)
	}
}
