package output

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// files lists a directory.
func files(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func create(t *testing.T, path, text string) *File {
	t.Helper()
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return f
}

func check(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s: got %q, want %q", path, got, want)
	}
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	f := create(t, path, "new")
	check(t, path, "old")
	f.Abort()
	if got := files(t, dir); got != "out" {
		t.Errorf("after Abort there are %s", got)
	}
	f = create(t, path, "new")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.Abort()
	if err := f.Close(); err != nil {
		t.Errorf("got %v from the second Close", err)
	}
	check(t, path, "new")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("got mode %v, want that of the old file: %v", info.Mode(), err)
	}
	if got := files(t, dir); got != "out" {
		t.Errorf("after Close there are %s", got)
	}
}

func TestLinkStays(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "out"), filepath.Join(dir, "link")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := create(t, link, "new").Close(); err != nil {
		t.Fatal(err)
	}
	check(t, path, "new")
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link became %v: %v", info.Mode(), err)
	}
}

func TestDevice(t *testing.T) {
	if err := create(t, os.DevNull, "gone").Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s became %v: %v", os.DevNull, info.Mode(), err)
	}
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	nowhere := filepath.Join(dir, "nowhere")
	if err := os.Symlink(filepath.Join(dir, "none"), nowhere); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"":                                "no name",
		dir:                               "is a directory",
		filepath.Join(dir, "none", "out"): "cannot be written",
		nowhere:                           "link to nowhere",
	} {
		if f, err := Create(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v and error %v, want %q", path, f, err, want)
		}
	}
}
