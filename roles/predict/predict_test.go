package predict

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/model"
	"petuum/algos/registry"
	"petuum/table"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// saved writes a model with the weights 1, 2, 3, ... of one feature each.
func saved(t *testing.T, algorithm, parameters string, data dataset.Info) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	w, err := model.Create(dir, model.Manifest{Petuum: "1.2.3", Algorithm: algorithm, Parameters: parameters, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for name, keys := range map[string]uint64{"weights": data.Features, "intercept": 1} {
		tw, err := w.Table(table.Spec{Name: name, Keys: keys, Type: table.Float64}, algos.KeyNames{}, false)
		if err != nil {
			t.Fatal(err)
		}
		for key := range keys {
			if err := tw.Append(key, binary.LittleEndian.AppendUint64(nil, math.Float64bits(float64(key+1)))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// two is data of two classes and three features.
func two() dataset.Info {
	return dataset.Info{Format: dataset.LIBSVM, Rows: 2, Features: 3, Seen: 3, Base: 1, Classes: []string{"no", "yes\t!"}, Counts: []uint64{1, 1}}
}

func mustOpen(t *testing.T, dir string) *Model {
	t.Helper()
	m, err := OpenModel(dir, registry.Algorithms)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// made is rows of one value each: row i has i/1000 in column i mod 3, and the
// class i mod 2.
type made struct {
	rows, at  int
	labelled  bool
	fail      error       // in place of the end
	asked     []int       // how many, each time
	countdown func(n int) // called at each Next, with how many there were
}

func (s *made) Next(n int) (*dataset.Part, error) {
	s.asked = append(s.asked, n)
	if s.countdown != nil {
		s.countdown(len(s.asked))
	}
	n = min(n, s.rows-s.at)
	if n == 0 && s.fail != nil {
		return nil, s.fail
	}
	if n == 0 {
		return nil, io.EOF
	}
	p := &dataset.Part{Keys: []uint64{0, 1, 2}}
	ptr, cols, vals := []int64{0}, []uint32(nil), []float64(nil)
	for i := s.at; i < s.at+n; i++ {
		cols, vals, ptr = append(cols, uint32(i%3)), append(vals, float64(i)/1000), append(ptr, int64(len(cols)+1))
		if s.labelled {
			p.Labels, p.Class = append(p.Labels, float64(i%2)), append(p.Class, int32(i%2))
		}
	}
	s.at += n
	p.X = dataset.NewMatrix(3, ptr, cols, vals)
	return p, nil
}

func score(i int) float64 { return float64(i) / 1000 * float64(i%3+1) }

// Lines come in the order of rows, whoever scored them, and batches are small.
func TestRun(t *testing.T) {
	m := mustOpen(t, saved(t, "logreg", "", two()))
	for _, labelled := range []bool{false, true} {
		for _, n := range []int{0, 1, 255, 256, 257, 30_000} {
			rows := &made{rows: n, labelled: labelled}
			var out bytes.Buffer
			got, err := m.Run(t.Context(), rows, Lines{W: &out, Score: true})
			if err != nil {
				t.Fatal(err)
			}
			var want strings.Builder
			want.WriteString("class\tprobability\tscore\n")
			for i := range n {
				class := "no"
				if i > 0 {
					class = `"yes\t!"`
				}
				fmt.Fprintf(&want, "%s\t%s\t%s\n", class, strconv.FormatFloat(probability(score(i)), 'g', -1, 64), strconv.FormatFloat(score(i), 'g', -1, 64))
			}
			if out.String() != want.String() {
				t.Errorf("%d rows: got other lines than in order", n)
			}
			if got.Rows != uint64(n) || (len(got.Metrics) > 0) != (labelled && n > 0) {
				t.Errorf("%d rows, labelled %v: got %+v", n, labelled, got)
			}
			for _, asked := range rows.asked {
				if asked > mostRows {
					t.Errorf("asked for %d rows at a time, want at most %d", asked, mostRows)
				}
			}
		}
	}
}

func TestRunRegression(t *testing.T) {
	m := mustOpen(t, saved(t, "lasso", "lambda = 1.0\n", dataset.Info{Format: dataset.LIBSVM, Features: 3, Seen: 3, Numeric: true}))
	var out bytes.Buffer
	got, err := m.Run(t.Context(), &made{rows: 4, labelled: true}, Lines{W: &out})
	if err != nil {
		t.Fatal(err)
	}
	if want := "prediction\n1\n1.002\n1.006\n1.003\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	if want := (1 + 0.002 + 1.006 + 0.003) / 4; math.Abs(got.Metrics["mae"]-want) > 1e-15 {
		t.Errorf("got mae %v, want %v", got.Metrics["mae"], want)
	}
}

// However long the data is, only a few batches of it are there at a time: with a
// reader that has as much as is asked for, and somebody who is slow to take.
func TestMemoryIsOfBatches(t *testing.T) {
	dir := saved(t, "logreg", "", two())
	m := mustOpen(t, dir)
	synctest.Test(t, func(t *testing.T) {
		rows := &made{rows: 400_000}
		taken := 0
		err := m.Apply(t.Context(), rows, nil, func(*Batch) error {
			synctest.Wait() // until all others wait for this one
			taken++
			// In the queue and with each scorer, and one that waits for a scorer.
			if ahead, limit := len(rows.asked)-taken, 2*runtime.GOMAXPROCS(0)+1; ahead > limit {
				return fmt.Errorf("%d batches were read beyond the one that is taken, want at most %d", ahead, limit)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if taken < 40 {
			t.Errorf("got %d batches of 400,000 rows, want at least 40", taken)
		}
	})
}

func TestBatchRows(t *testing.T) {
	for _, c := range []struct{ rows, values, scores, want int }{
		{256, 0, 1, mostRows}, {256, 256, 1, mostRows}, {256, 256 * 1024, 1, 256}, {16, 16 << 20, 1, leastRows}, {100, 100 * 100, 1, batchValues / 100},
		{256, 0, 1024, 256}, {256, 256, 1 << 20, leastRows},
	} {
		if got := batchRows(c.rows, c.values, c.scores); got != c.want {
			t.Errorf("%d rows with %d values and %d scores each: got %d, want %d", c.rows, c.values, c.scores, got, c.want)
		}
	}
}

func TestRunEndsEarly(t *testing.T) {
	dir := saved(t, "logreg", "", two())
	m := mustOpen(t, dir)
	broken := errors.New("line 7 is malformed")
	t.Run("reading", func(t *testing.T) {
		var out bytes.Buffer
		got, err := m.Run(t.Context(), &made{rows: 20_000, fail: broken}, Lines{W: &out})
		if !errors.Is(err, broken) || got.Rows != 20_000 || strings.Count(out.String(), "\n") != 20_001 {
			t.Errorf("got error %v after %d rows and %d lines, want all rows before it", err, got.Rows, strings.Count(out.String(), "\n"))
		}
	})
	t.Run("writing", func(t *testing.T) {
		full := errors.New("no space left")
		if _, err := m.Run(t.Context(), &made{rows: 20_000}, Lines{W: failing{full}}); !errors.Is(err, full) {
			t.Errorf("got error %v, want %v", err, full)
		}
		calls := 0
		err := m.Apply(t.Context(), &made{rows: 400_000}, nil, func(*Batch) error { calls++; return full })
		if !errors.Is(err, full) || calls != 1 {
			t.Errorf("got error %v after %d calls, want %v after 1", err, calls, full)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		rows := &made{rows: 1 << 40, countdown: func(n int) {
			if n == 5 {
				cancel(why)
			}
		}}
		if _, err := m.Run(ctx, rows, Lines{}); !errors.Is(err, why) {
			t.Errorf("got error %v, want %v", err, why)
		}
	})
	t.Run("no number", func(t *testing.T) {
		huge := &dataset.Part{Keys: []uint64{1, 2}, X: dataset.NewMatrix(2, []int64{0, 1, 2}, []uint32{1, 0}, []float64{1, math.MaxFloat64})}
		if _, err := m.Run(t.Context(), &once{part: huge}, Lines{}); err == nil || !strings.Contains(err.Error(), "score of row 1 (from 0) is +Inf") {
			t.Errorf("got error %v", err)
		}
	})
	t.Run("scoring", func(t *testing.T) {
		beyond := &dataset.Part{Keys: []uint64{3}, X: dataset.NewMatrix(1, []int64{0, 1}, []uint32{0}, nil)}
		if _, err := m.Run(t.Context(), &once{part: beyond}, Lines{}); err == nil || !strings.Contains(err.Error(), "key 3 of table") {
			t.Errorf("got error %v", err)
		}
	})
}

// mute is an algorithm that makes no predictions.
type mute struct{ algos.Algorithm }

func TestOpenRefuses(t *testing.T) {
	list := maps.Clone(registry.Algorithms)
	list["mute"] = func() algos.Algorithm { return &mute{} }
	empty := t.TempDir()
	damaged := saved(t, "logreg", "", two())
	if err := os.Truncate(filepath.Join(damaged, "weights.bin"), 40); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, dir, want string }{
		{"nothing", filepath.Join(empty, "none"), "model: there is none in " + filepath.Join(empty, "none")},
		{"no model", empty, "model: there is none in " + empty},
		{"damaged", damaged, "the model is damaged: restore it from a copy or train it again"},
		{"another algorithm", saved(t, "kmeans", "", two()), `it is of algorithm "kmeans", which this program does not have (there are dml, lasso, lda, logreg, mf, mute, regression, svm): use the petuum that wrote it (1.2.3)`},
		{"no predictions", saved(t, "mute", "", two()), "algorithm mute makes no predictions: look at the model with petuum model show"},
		{"other parameters", saved(t, "logreg", "lamda = 2\n", two()), `its parameters are not those of this program's logreg`},
		{"impossible parameters", saved(t, "logreg", "solver = \"magic\"\n", two()), `"magic" is none of`},
		{"text that is no TOML", saved(t, "logreg", "= = =\n", two()), `its parameters are not those of this program's logreg`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := OpenModel(c.dir, list)
			if err == nil {
				m.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %v, want a line with %q", err, c.want)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// once is one part.
type once struct{ part *dataset.Part }

func (o *once) Next(int) (*dataset.Part, error) {
	if o.part == nil {
		return nil, io.EOF
	}
	p := o.part
	o.part = nil
	return p, nil
}
