package roles_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
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

// TestTour types what the README has under "Five minutes", word by word, in a tree
// like a fresh clone. Blocks that begin with "# shell" run at the same time.
func TestTour(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program and starts processes: skipped with -short")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, tour, _ := strings.Cut(string(page), "## Five minutes\n")
	tour, _, _ = strings.Cut(tour, "\n## ")
	tour = strings.ReplaceAll(tour, "127.0.0.1:7946", freeAddr(t))

	clone := t.TempDir()
	for _, name := range []string{"main.go", "go.mod", "go.sum", "algos", "configs", "consistency", "roles", "table"} {
		if err := os.Symlink(filepath.Join(root, name), filepath.Join(clone, name)); err != nil {
			t.Fatal(err)
		}
	}
	type shell struct {
		block string
		out   []byte
		err   error
	}
	var together []*shell
	var all strings.Builder
	finish := func() {
		var typing sync.WaitGroup
		for _, s := range together {
			typing.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				defer cancel()
				cmd := exec.CommandContext(ctx, "sh", "-e", "-c", s.block+"\nwait\n")
				cmd.Dir = clone
				s.out, s.err = cmd.CombinedOutput()
			})
		}
		typing.Wait()
		for _, s := range together {
			all.Write(s.out)
			if s.err != nil {
				t.Fatalf("%s: %v\n%s", s.block, s.err, s.out)
			}
		}
		together = nil
	}
	blocks := shellBlock.FindAllStringSubmatch(tour, -1)
	for _, b := range blocks {
		if !strings.HasPrefix(b[1], "# shell") {
			finish()
		}
		together = append(together, &shell{block: b[1]})
		if !strings.HasPrefix(b[1], "# shell") {
			finish()
		}
	}
	finish()
	for _, want := range []string{"objective       0.3245", "class\tprobability\n", "heating=gas", "(intercept)\t", "prediction\n", "0 FAIL"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("%d blocks do not show %q:\n%s", len(blocks), want, all.String())
		}
	}
}

// freeAddr is an address of loopback that nobody listened on a moment ago.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
