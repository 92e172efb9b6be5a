package dataset

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestMemory: loading takes at most 1.3 times what is loaded, and 64 MB. A process of
// its own loads the data, as the most it had at a time is what counts.
func TestMemory(t *testing.T) {
	if path := os.Getenv("PETUUM_TEST_LOAD"); path != "" {
		loadAndTell(t, path)
		return
	}
	if runtime.GOOS != "linux" {
		t.Skip("the system does not tell how much memory a process had at most")
	}
	if b, ok := debug.ReadBuildInfo(); !ok || slices.Contains(b.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("the race detector takes memory of its own")
	}
	dir := t.TempDir()
	for _, c := range []struct {
		name, line string
		repeat     int
	}{
		{"ones.svm", "1" + indices(60, ":1") + "\n-1" + indices(60, ":1") + "\n", 270_000},
		{"reals.svm", "1" + indices(60, ":0.53125") + "\n-1" + indices(60, ":-2") + "\n", 150_000},
		{"dense.csv", "1" + strings.Repeat(",0.53125", 99) + "\n", 240_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, c.name)
			if err := os.WriteFile(path, bytes.Repeat([]byte(c.line), c.repeat), 0o600); err != nil {
				t.Fatal(err)
			}
			defer os.Remove(path)
			cmd := exec.Command(os.Args[0], "-test.run=^TestMemory$", "-test.v")
			cmd.Env = append(os.Environ(), "PETUUM_TEST_LOAD="+path)
			out, err := cmd.CombinedOutput()
			_, after, found := strings.Cut(string(out), "loaded and most: ")
			var size, most int
			if n, _ := fmt.Sscan(after, &size, &most); err != nil || !found || n != 2 {
				t.Fatalf("%v: %s", err, out)
			}
			t.Logf("%d MB loaded, %d MB at most", size>>20, most>>20)
			if limit := size + 3*size/10 + 64<<20; most > limit {
				t.Errorf("%d bytes are loaded, at most there were %d, want up to %d", size, most, limit)
			}
		})
	}
}

// indices are tokens of n increasing indices.
func indices(n int, value string) string {
	var s strings.Builder
	for i := range n {
		s.WriteString(" " + strconv.Itoa(1+i*i*18) + value)
	}
	return s.String()
}

func loadAndTell(t *testing.T, path string) {
	o := Defaults()
	if strings.HasSuffix(path, ".csv") {
		o.Label = "#0"
	}
	parts := scanFiles(t, []string{path}, o, 2).parts
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	most, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, p := range parts {
		size += p.X.Bytes() + 12*len(p.Labels) + 8*len(p.Keys)
	}
	fmt.Printf("loaded and most: %d %d\n", size, most<<10)
}
