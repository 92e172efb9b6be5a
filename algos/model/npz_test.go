package model

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/algos"
	"petuum/table"
)

// ndarray is an array as a reader of .npy sees it.
type ndarray struct {
	Type  string
	Shape []int
	List  []any // flat; numbers are float64
}

// readNPY is an own reader of what this package writes.
func readNPY(t *testing.T, b []byte) ndarray {
	t.Helper()
	if string(b[:8]) != "\x93NUMPY\x01\x00" {
		t.Fatalf("got magic %q", b[:8])
	}
	begin := 10 + int(binary.LittleEndian.Uint16(b[8:]))
	if begin%64 != 0 || b[begin-1] != '\n' {
		t.Errorf("values begin at byte %d, behind %q", begin, b[begin-1])
	}
	var a ndarray
	dict := strings.NewReplacer("'", `"`, "False", "false", "(", "[", ")", "]", ",)", "]", ", }", "}").Replace(string(b[10:begin]))
	var head struct {
		Descr string `json:"descr"`
		Shape []int  `json:"shape"`
		Order *bool  `json:"fortran_order"`
	}
	if err := json.Unmarshal([]byte(dict), &head); err != nil || head.Order == nil || *head.Order {
		t.Fatalf("header %q: %v", b[10:begin], err)
	}
	a.Type, a.Shape = head.Descr, head.Shape
	size := 8
	if strings.HasPrefix(a.Type, "<U") {
		_, _ = fmt.Sscanf(a.Type, "<U%d", &size)
		size *= 4
	} else if a.Type[2] == '4' {
		size = 4
	}
	for v := b[begin:]; len(v) > 0; v = v[size:] {
		switch a.Type {
		case "<f8":
			a.List = append(a.List, math.Float64frombits(binary.LittleEndian.Uint64(v)))
		case "<f4":
			a.List = append(a.List, float64(math.Float32frombits(binary.LittleEndian.Uint32(v))))
		case "<i4":
			a.List = append(a.List, float64(int32(binary.LittleEndian.Uint32(v))))
		case "<u8":
			a.List = append(a.List, float64(binary.LittleEndian.Uint64(v)))
		default:
			var s []rune
			for i := 0; i < size; i += 4 {
				if c := binary.LittleEndian.Uint32(v[i:]); c != 0 {
					s = append(s, rune(c))
				}
			}
			a.List = append(a.List, string(s))
		}
	}
	return a
}

// export writes an npz of tables and names, dense and sparse, and returns what is
// to be read from it.
func export(t *testing.T) (file []byte, want map[string]ndarray) {
	dir := filepath.Join(t.TempDir(), "model")
	m := example()
	m.Data.Features, m.Data.Seen, m.Data.Names = 3, 3, []string{"ä", "\U0001F600 b\"\t", ""}
	save(t, dir, m,
		rowsOf{table.Spec{Name: "weights", Keys: 4, Type: table.Float64}, map[uint64][]float64{1: {0.1}, 3: {-2}}, true, algos.KeyNames{Features: 2}},
		rowsOf{table.Spec{Name: "wide", Keys: 3, Width: 2, Init: table.Init{Value: 0.5}}, map[uint64][]float64{1: {1, -0.25}}, false, algos.KeyNames{}},
		rowsOf{table.Spec{Name: "count", Keys: 2, Type: table.Int32}, map[uint64][]float64{1: {-3}}, false, algos.KeyNames{}},
		rowsOf{table.Spec{Name: "far", Keys: 1 << 52, Width: 2, Type: table.Float64}, map[uint64][]float64{7: {1, 2}, 1 << 51: {3, 4}}, false, algos.KeyNames{}},
	)
	var b bytes.Buffer
	if err := mustOpen(t, dir).WriteNPZ(&b, []string{"weights", "wide", "count", "far"}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), map[string]ndarray{
		"weights":    {"<f8", []int{4}, []any{0.0, 0.1, 0.0, -2.0}},
		"wide":       {"<f4", []int{3, 2}, []any{0.5, 0.5, 1.0, -0.25, 0.5, 0.5}},
		"count":      {"<i4", []int{2}, []any{0.0, -3.0}},
		"far.keys":   {"<u8", []int{2}, []any{7.0, float64(1 << 51)}},
		"far.values": {"<f8", []int{2, 2}, []any{1.0, 2.0, 3.0, 4.0}},
		"features":   {"<U5", []int{3}, []any{"ä", "\U0001F600 b\"\t", "#3"}},
		"classes":    {"<U4", []int{2}, []any{"ham", "spam"}},
	}
}

func TestWriteNPZ(t *testing.T) {
	file, want := export(t)
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]ndarray{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r) // checks the CRC, too
		if err != nil {
			t.Fatal(err)
		}
		got[strings.TrimSuffix(f.Name, ".npy")] = readNPY(t, b)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	again, _ := export(t)
	if !bytes.Equal(file, again) {
		t.Error("the same model is other bytes")
	}
}

// NumPy itself reads the same.
func TestNumPy(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import numpy").Run(); err != nil {
		t.Skipf("NumPy is not installed for %s: %v", python, err)
	}
	file, want := export(t)
	path := filepath.Join(t.TempDir(), "model.npz")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, "-c", `
import json, numpy, sys
z = numpy.load(sys.argv[1])
print(json.dumps({k: {"Type": z[k].dtype.str, "Shape": z[k].shape, "List": z[k].ravel().tolist()} for k in z.files}))
`, path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := map[string]ndarray{}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// A table that bears the name of an array of names wins.
func TestTableCalledFeatures(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	save(t, dir, example(), rowsOf{spec: table.Spec{Name: "features", Keys: 1}, rows: map[uint64][]float64{0: {4}}})
	var b bytes.Buffer
	if err := mustOpen(t, dir).WriteNPZ(&b, []string{"features"}); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	if got, want := fmt.Sprint(names), "[features.npy classes.npy]"; got != want {
		t.Errorf("got arrays %s, want %s", got, want)
	}
}

func TestSmallAndFull(t *testing.T) {
	for _, c := range []struct {
		keys        uint64
		width       int
		rows        uint64
		small, full bool
	}{
		{1 << 24, 1, 0, true, false}, {1<<24 + 1, 1, 0, false, false}, {1 << 22, 4, 0, true, false}, {1<<22 + 1, 4, 0, false, false},
		{1 << 30, 1, 1 << 29, false, true}, {1 << 30, 1, 1<<29 - 1, false, false}, {3, 1, 1, true, false}, {3, 1, 2, true, true},
	} {
		r := tableReader{l: layout{keys: c.keys, width: c.width}, x: index{rows: c.rows}}
		if r.small() != c.small || r.full() != c.full {
			t.Errorf("%+v: got small %v, full %v", c, r.small(), r.full())
		}
	}
}
