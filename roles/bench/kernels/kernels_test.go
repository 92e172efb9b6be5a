package kernels

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"petuum/table/kernel"
)

// small is what tests measure: the kernels get something to do, in no time.
var small = Options{Seconds: 1e-9, sizes: sizes{levels: [4]int{1 << 10, 2 << 10, 4 << 10, 8 << 10}, picked: [3]int{8 << 10, 16 << 10, 32 << 10},
	values: [3]int{1000, 2000, 4000}, square: [3]int{8, 33, 40}}}

func only(names ...string) Options {
	o := small
	o.Only = names
	return o
}

func TestRun(t *testing.T) {
	r, err := Run(t.Context(), small)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	checkPositive(t, "the report", got)
	types := map[string]map[string]bool{}
	for _, f := range r.Kernels {
		if types[f.Kernel] == nil {
			types[f.Kernel] = map[string]bool{}
		}
		types[f.Kernel][f.Types] = true
		if share := f.Rate / f.Machine; math.Abs(f.Share-share) > 1e-9*share {
			t.Errorf("%+v: got a share of %g, want %g", f, f.Share, share)
		}
		if f.Group == "functions" && !(f.Math > 0) {
			t.Errorf("%+v: got no figure of package math", f)
		}
	}
	for _, g := range Groups() {
		for _, name := range g.Kernels {
			want := 2
			if strings.HasSuffix(name, "bfloat16s") || name == "roundsingle" {
				want = 1 // the other type has nothing to round
			}
			if got := slices.Collect(maps.Keys(types[name])); len(got) < want {
				t.Errorf("%s was measured with the types %v, want %d", name, got, want)
			}
		}
	}
	checkText(t, r)
}

// checkPositive looks for numbers that are not above 0, and for texts and lists
// that are empty.
func checkPositive(t *testing.T, what string, v any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		for name, v := range v {
			checkPositive(t, what+"."+name, v)
		}
	case []any:
		if len(v) == 0 {
			t.Errorf("%s is empty", what)
		}
		for _, v := range v {
			checkPositive(t, what, v)
		}
	case float64:
		if !(v > 0) || math.IsInf(v, 0) {
			t.Errorf("%s: got %v, want a number above 0", what, v)
		}
	case string:
		if v == "" {
			t.Errorf("%s: got an empty text", what)
		}
	default:
		t.Errorf("%s: got %v", what, v)
	}
}

// checkText expects all figures in lines that are not too long: each kernel once for
// each of its types and rows, in all columns of its group.
func checkText(t *testing.T, r *Report) {
	t.Helper()
	var b strings.Builder
	if err := r.Text(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	seen := map[string]int{}
	for _, line := range lines {
		if len(line) > 100 {
			t.Errorf("a line of %d characters: %s", len(line), line)
		}
		if words := strings.Fields(line); len(words) > 1 && len(line) > nameWidth && line[nameWidth] == ' ' {
			seen[strings.TrimSpace(line[:nameWidth])]++
		}
	}
	for name, want := range map[string]int{"dot f32": 1, "dot f64": 1, "dot f32,f64": 1, "exp f32": 1, "gemm f64": 1, "gemvt f32": 1,
		"loadfixed3 f64": 1, "rows of 10": 10, "rows of 1000": 10, "read": 1, kernel.Paths()[0]: 1} {
		if seen[name] != want {
			t.Errorf("%q: got %d lines, want %d:\n%s", name, seen[name], want, b.String())
		}
	}
	if len(r.Kernels) < 300 {
		t.Errorf("got %d figures", len(r.Kernels))
	}
	for _, f := range r.Kernels {
		if n := len(f.cell()); n > cellWidth && f.Math == 0 {
			t.Errorf("%+v: got a cell of %d characters, want %d", f, n, cellWidth)
		}
	}
}

func TestOnly(t *testing.T) {
	for _, c := range []struct {
		only []string
		want []string
	}{
		{[]string{"dot"}, []string{"dot"}},
		{[]string{"gatherdot", "exp"}, []string{"exp", "gatherdot"}},
		{[]string{"gemvs", "sum"}, []string{"gemv", "gemvt", "sum"}},
	} {
		r, err := Run(t.Context(), only(c.only...))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range r.Kernels {
			got = append(got, f.Kernel)
		}
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.only, got, c.want)
		}
	}
}

// Whenever a measurement is interrupted, it ends, and kernels take the path that
// they took before.
func TestInterrupted(t *testing.T) {
	paths := kernel.Paths()
	restore := kernel.Use(paths[len(paths)-1])
	have := kernel.Peak[float64](1)
	restore()
	for _, at := range []string{"the machine", "dense", "sparse", "wire"} {
		ctx, cancel := context.WithCancel(t.Context())
		o := small
		o.Status = func(what string) {
			if what == at {
				cancel()
			}
		}
		if r, err := Run(ctx, o); r != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("during %s: got %v, %v", at, r, err)
		}
		if got := kernel.Peak[float64](1); got != have {
			t.Fatalf("during %s: another path is left", at)
		}
		cancel()
	}
}

func TestNamesAreDistinct(t *testing.T) {
	names := Names()
	slices.Sort(names)
	if got := slices.Compact(slices.Clone(names)); len(got) != len(names) {
		t.Errorf("got names that mean two things: %q", names)
	}
}

func TestLimit(t *testing.T) {
	m := Machine{Bandwidth: []Bandwidth{{16, 1, 2, 3}, {64, 4, 5, 6}}, Peak: []Peak{{"slow", 7, 8}, {"fast", 9, 10}}}
	for _, c := range []struct {
		l    limit
		want float64
	}{
		{limit{reads, 1}, 1}, {limit{reads, 16}, 1}, {limit{copies, 17}, 5}, {limit{updates, 64}, 6}, {limit{reads, 1000}, 4},
		{limit{products, 4}, 9}, {limit{products, 8}, 10},
	} {
		if got := m.limit(c.l); got != c.want {
			t.Errorf("%+v: got %v, want %v", c.l, got, c.want)
		}
	}
}

// Rows are in order, distinct and all over the memory.
func TestIndices(t *testing.T) {
	const rows, length, width = 50, 33, 257
	list := indices[uint16](rows, length, width)
	if len(list) != rows*length {
		t.Fatalf("got %d indices, want %d", len(list), rows*length)
	}
	for row := range slices.Chunk(list, length) {
		for k, i := range row {
			if k > 0 && row[k-1] >= i || i >= width {
				t.Fatalf("got the row %v", row)
			}
		}
		if row[0] > width/length || row[length-1] < width-width/length-2 {
			t.Errorf("got a row from %d to %d of %d", row[0], row[length-1], width)
		}
	}
}

func TestDigits(t *testing.T) {
	for _, c := range []struct {
		v     float64
		width int
		want  string
	}{
		{0.0384, 5, "0.038"}, {9.9996, 5, "10.00"}, {123.456, 5, "123.5"}, {9.97, 3, "10"}, {195.3, 4, "195"}, {99.96, 4, "100"},
		{12345, 4, "12345"}, // rather too wide than wrong
	} {
		if got := digits(c.v, c.width); got != c.want {
			t.Errorf("%v in %d: got %q, want %q", c.v, c.width, got, c.want)
		}
	}
}

// A figure is the median of what calls take.
func TestSeconds(t *testing.T) {
	b := &bench{ctx: t.Context(), o: Options{Seconds: 1e-9}}
	calls := 0
	if got := b.seconds(func() { calls++ }); !(got > 0) || calls < 4 {
		t.Errorf("got %v s and %d calls", got, calls)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.ctx, b.o.Seconds, calls = ctx, 1000, 0
	b.seconds(func() { calls++ })
	if calls != 1 {
		t.Errorf("after the end: got %d calls, want 1", calls)
	}
}
