package command

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"petuum/algos/dataset"
	"petuum/algos/registry"
)

// generated runs petuum data gen and returns its exit status and what it printed.
func generated(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = Run(registry.Algorithms, append([]string{"petuum", "data", "gen"}, args...), &out, &errs)
	return status, out.String(), errs.String()
}

// content is the text of a file, plain or compressed.
func content(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := io.Reader(f)
	switch filepath.Ext(path) {
	case ".gz":
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	case ".zst":
		z, err := zstd.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		r = z
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return string(b)
}

// files lists a directory.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// The same text on stdout and in every kind of file, of every problem; its first
// line says how to make it again.
func TestGenFiles(t *testing.T) {
	for _, said := range []string{
		"lasso --rows 300 --test-rows 0 --features 50 --nnz 20 --correlation 0.5 --density 0.5 --noise 0.3 --seed 9",
		"multiclass --rows 300 --test-rows 0 --features 50 --nnz 20 --correlation 0.25 --density 0.5 --classes 4 --noise 0.2 --seed 8",
		"logistic --rows 300 --test-rows 0 --features 50 --nnz 20 --zipf 1.3 --density 0.5 --bias 0.5 --noise 0.05 --scatter --seed 7",
	} {
		size := strings.Fields(said)
		problem := size[0]
		status, want, errs := generated(t, append(size, "--output", "-")...)
		if status != 0 || errs != "" || strings.Count(want, "\n") != 301 {
			t.Fatalf("%s: status %d, %q, %d lines, want 0, nothing and 301", problem, status, errs, strings.Count(want, "\n"))
		}
		first, _, _ := strings.Cut(want, "\n")
		if want := "# petuum data gen " + said; first != want {
			t.Errorf("first line: got %q, want %q", first, want)
		}
		dir := t.TempDir()
		for _, name := range []string{"a.libsvm", "a.SVM.gz", "a.svmlight.zst"} {
			path := filepath.Join(dir, name)
			if status, out, errs := generated(t, append(size, "-o", path)...); status != 0 || !strings.HasPrefix(out, path+": 300 rows, 50 features, ") {
				t.Errorf("%s: status %d, got %q and %q", name, status, out, errs)
			} else if got := content(t, path); got != want {
				t.Errorf("%s: got %.100q..., want %.100q...", name, got, want)
			}
		}
		all := append(size, "-o", filepath.Join(dir, "b.csv"), "--test-rows", "40", "--test", filepath.Join(dir, "t.libsvm.gz"), "--truth", filepath.Join(dir, "w.tsv"))
		if status, _, errs := generated(t, all...); status != 0 {
			t.Fatalf("%s: %s", problem, errs)
		}
		for name, lines := range map[string]int{"b.csv": 302, "t.libsvm.gz": 42} {
			path := filepath.Join(dir, name)
			if got := strings.Count(content(t, path), "\n"); got != lines {
				t.Errorf("%s: got %d lines, want %d", name, got, lines)
			}
			if _, err := dataset.Scan([]string{path}, dataset.Defaults(), []int{0}, 1); err != nil {
				t.Errorf("%s of %s: %v", name, problem, err)
			}
		}
		if truth := content(t, filepath.Join(dir, "w.tsv")); strings.Count(truth, "\n") < 10 || !strings.Contains(truth, "\n1\t") {
			t.Errorf("true weights of %s: got %q", problem, truth)
		}
		if got := files(t, dir); len(got) != 6 {
			t.Errorf("%s: got the files %q, want 6", problem, got)
		}
	}
}

// A binary file has the training set in parts and the test set in one; what loads and
// describes data takes it, and a job that does not have as many parts is told.
func TestGenBinary(t *testing.T) {
	dir := t.TempDir()
	path, test := filepath.Join(dir, "a.petuum"), filepath.Join(dir, "t.petuum")
	size := strings.Fields("lasso --rows 300 --features 50 --nnz 20 --parts 2 --test-rows 40")
	status, out, errs := generated(t, append(size, "-o", path, "--test", test)...)
	if status != 0 || errs != "" || !strings.HasPrefix(out, path+": 300 rows, 50 features, 2 parts, ") || !strings.Contains(out, test+": 40 rows, 50 features, 1 parts, ") {
		t.Fatalf("got status %d, %q, %q", status, out, errs)
	}
	if got := files(t, dir); len(got) != 2 {
		t.Errorf("got the files %q, want 2", got)
	}
	status, out, errs = run("data", "stat", path)
	for _, want := range []string{"format      binary, indices from 1", "rows        300 (210 without a value)", "features    50", "non-zeros   1,000, 6.667 % of all"} {
		words := strings.Join(strings.Fields(want), " ")
		if said := strings.Join(strings.Fields(out), " "); status != 0 || !strings.Contains(said, words) {
			t.Errorf("stat: got status %d, %s%s, want %q", status, out, errs, words)
		}
	}
	for _, columns := range []string{"--columns", "--only-columns"} {
		status, out, errs = run("bench", "load", path, "--parts", "2", "--quantity", columns)
		if status != 0 || !strings.Contains(out, "300 rows, 50 features, 1000 values, 2 parts") || !strings.Contains(out, "mapped: ") {
			t.Errorf("bench load %s: got status %d, %s%s", columns, status, out, errs)
		}
	}
	if status, _, errs = run("bench", "load", path, "--parts", "3"); status != 1 || !strings.Contains(errs, path+" has 2 parts, and the job 3: set cluster.parts = 2") {
		t.Errorf("bench load in 3 parts: got status %d, %s", status, errs)
	}
	if err := os.Truncate(path, 1000); err != nil {
		t.Fatal(err)
	}
	if status, _, errs = run("data", "stat", path); status != 1 || !strings.Contains(errs, path+": it ends at byte 1000 of ") {
		t.Errorf("stat of a file that was cut: got status %d, %s", status, errs)
	}
}

// What is impossible is refused, all of it at once, and nothing is written.
func TestGenRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.csv"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.csv"), 0o666); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, c := range []struct {
		args   string
		status int
		want   []string
	}{
		{"lasso", 2, []string{"--output: which file?"}},
		{"lasso --rows 0 --density 2 -o a.libsvm --test b.csv --format tsv", 2, []string{"--rows 0", "--density 2", "--test: how many rows?", `--output: format "tsv"`, `--test: format "tsv"`}},
		{"logistic --zipf 9 -o a.csv", 2, []string{"--zipf 9", "--output: features 1048576: CSV"}},
		{"lasso -o a", 2, []string{"let it end in .libsvm, .csv or .petuum"}},
		{"lasso -o a.csv --format libsvm", 2, []string{"the name says csv, --format says libsvm"}},
		{"lasso -o a.csv --truth a.csv", 2, []string{"--output and --truth are the same file"}},
		{"lasso -o a.csv --test-rows 5", 2, []string{"--test-rows: into which file?"}},
		{"lasso -o a.csv --truth -", 2, []string{"only --output can be stdout"}},
		{"lasso -o a.csv --truth=", 2, []string{"--truth: which file?"}},
		{"lasso -o a.petuum --parts 0", 2, []string{"--output: parts 0: want 1 to"}},
		{"lasso -o a.petuum --rows 30 --parts 31 --partition rows", 2, []string{"--output: parts 31: want 1 to"}},
		{"lasso -o a.csv --parts 2", 2, []string{"--parts: only a .petuum file has parts"}},
		{"lasso -o a.petuum.zst", 2, []string{"neither stdout nor a compressed file will do"}},
		{"lasso -o - --format binary", 2, []string{"neither stdout nor a compressed file will do"}},
		{"logistic -o a.petuum", 2, []string{"binary files have columns: want libsvm"}},
		{"lasso -o " + in("none/x.petuum"), 1, []string{in("none/x.petuum") + ": no such file or directory"}},
		{"lasso -o a.csv more", 2, []string{`unexpected argument "more"`}},
		{"lasso -o a.csv --rows -5", 2, []string{"rows"}},
		{"tree", 2, []string{`no command is called "tree"`}},
		{"lasso -o a.csv --truth " + in("none/x"), 1, []string{in("none/x") + ": no such file or directory"}},
		{"lasso -o " + in("file/x.csv"), 1, []string{in("file/x.csv") + ": not a directory"}},
		{"lasso -o a.csv --truth " + in("folder.csv"), 1, []string{in("folder.csv") + ": it is there and not a regular file"}},
		{"lasso -o " + in("pipe.csv"), 1, []string{in("pipe.csv") + ": it is there and not a regular file"}},
	} {
		args := strings.Fields(c.args)
		for i, a := range args {
			if strings.HasPrefix(a, "a.") || strings.HasPrefix(a, "b.") {
				args[i] = in(a)
			}
		}
		status, out, errs := generated(t, args...)
		if status != c.status || out != "" {
			t.Errorf("%s: got status %d and %q, want %d and nothing", c.args, status, out, c.status)
		}
		for _, want := range c.want {
			if !strings.Contains(errs, want) {
				t.Errorf("%s: got %q, want it to say %q", c.args, errs, want)
			}
		}
		if lines := strings.Count(errs, "\n"); lines != max(1, len(c.want)) {
			t.Errorf("%s: got %d lines, want %d: %s", c.args, lines, len(c.want), errs)
		}
		if got := files(t, dir); len(got) != 3 {
			t.Fatalf("%s: left %q", c.args, got)
		}
	}
}

// An output follows links, replaces files, and leaves nothing of what failed.
func TestOutput(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real.gz"), filepath.Join(dir, "link.gz")
	if err := os.WriteFile(real, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	for _, fails := range []bool{true, false} {
		o, err := create(link, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(o, "new"); err != nil {
			t.Fatal(err)
		}
		if fails {
			o.file.Close() // so that the next write is an error
			if err := o.finish(); err == nil || !strings.HasPrefix(err.Error(), link+": ") || strings.Contains(err.Error(), ".tmp-") {
				t.Errorf("finish: got %v, want an error that names %s alone", err, link)
			}
		} else if err := o.finish(); err != nil {
			t.Fatal(err)
		} else if err := o.publish(); err != nil {
			t.Fatal(err)
		}
		o.abort()
		if got := files(t, dir); len(got) != 2 {
			t.Errorf("got %q, want the file and the link", got)
		}
		if old, _ := os.ReadFile(real); fails && string(old) != "old" {
			t.Errorf("after a failure: got %q, want what was there", old)
		}
	}
	if fi, err := os.Lstat(link); err != nil || fi.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link: got %v, %v", fi, err)
	}
	if got := content(t, real); got != "new" {
		t.Errorf("got %q, want %q", got, "new")
	}
}

func TestSizeOfBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1000: "1 kB", 70_969_807: "71 MB", 3_445_142_714: "3.45 GB", 5e15: "5e+03 TB"} {
		if got := size(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

// A write that fails names the file as the user does, not the one it has until it
// is complete.
func TestOutputFails(t *testing.T) {
	for _, name := range []string{"p.tsv", "p.tsv.gz"} {
		path := filepath.Join(t.TempDir(), name)
		o, err := create(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		o.file.Close()
		for err == nil { // until a compressor has enough
			_, err = o.Write(make([]byte, 1<<16))
		}
		if got, want := err.Error(), "write "+path+": file already closed"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		o.abort()
		if got := files(t, filepath.Dir(path)); len(got) != 0 {
			t.Errorf("left behind: %q", got)
		}
	}
}

func TestRunNothing(t *testing.T) {
	if status, _, stderr := petuum("run", ""); status != statusUsage || !strings.Contains(stderr, "run: which job?") {
		t.Errorf("got status %d, %s", status, stderr)
	}
}
