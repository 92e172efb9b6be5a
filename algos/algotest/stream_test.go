package algotest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/table"
)

// census counts the values of each feature, in quarters, as its part reads them from
// disk: what streams give in a job is exactly what the tables hold in the end.
type census struct {
	local  bool // hold the keys of a batch, not all
	slices int
	stream *dataset.Stream
	batch  *dataset.Batch
	counts *table.View[int32]
	rows   int
}

var (
	_ algos.Streaming = (*census)(nil)
	_ algos.Paced     = (*census)(nil)
)

func (a *census) Streams() bool { return true }

func (a *census) ClocksPerEpoch(dataset.Info) int { return a.slices }

func (a *census) Tables(d dataset.Info) ([]table.Spec, error) {
	if !d.Sampled || d.Rows == 0 {
		return nil, errors.New("census: the data is not streamed, or has no rows")
	}
	return []table.Spec{{Name: "counts", Keys: d.Features, Type: table.Int32}}, nil
}

func (a *census) Load(part *dataset.Part, w *algos.Worker) (err error) {
	a.stream = part.Stream
	coding, keys := dataset.Global, table.Span(0, w.Info.Features)
	if a.local {
		coding = dataset.Local
	}
	if err := a.stream.Start(a.slices, coding); err != nil {
		return err
	}
	if a.local {
		a.batch = a.stream.Next()
		keys = table.Keys(a.batch.Keys)
	}
	a.counts, err = algos.View[int32](w, "counts", keys, table.Increments)
	return err
}

func (a *census) Push(*algos.Worker, algos.Block) {
	if !a.local {
		a.batch = a.stream.Next()
	}
	a.rows += a.batch.Rows()
	for i := range a.batch.Rows() {
		cols, values := a.batch.Row(i)
		for k, j := range cols {
			a.counts.Inc(int(j), int32(4*values[k]))
		}
	}
	if a.local { // the batch of the next clock, and its keys
		a.batch = a.stream.Next()
		a.counts.Hold(table.Keys(a.batch.Keys))
	}
}

func (a *census) Evaluate(_ *algos.Worker, e *algos.Eval) { e.Add("rows", float64(a.rows)) }

func (a *census) Conclude(_ dataset.Info, e *algos.Eval) { e.Objective = e.Sum("rows") }

// streamFile writes rows and returns what census counts in a pass.
func streamFile(t *testing.T, rng *rand.Rand, rows, hash int) (path string, counts []float64) {
	t.Helper()
	var text strings.Builder
	counts = make([]float64, 1<<hash)
	for i := range rows {
		fmt.Fprintf(&text, "%d", i%2)
		id := 0
		for range rng.IntN(8) {
			id += 1 + rng.IntN(30)
			v := 1 + rng.IntN(8)
			fmt.Fprintf(&text, " %d:%g", id, float64(v)/4)
			counts[id%(1<<hash)] += float64(v)
		}
		text.WriteByte('\n')
	}
	path = filepath.Join(t.TempDir(), "rows.svm")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, counts
}

// TestStream trains on data that is read while it is learned: whatever the parts, the
// policy and the coding, every row counts once a pass.
func TestStream(t *testing.T) {
	const seed, rows, hash, epochs = 11, 1003, 6, 3
	t.Logf("seed %d", seed)
	path, counts := streamFile(t, rand.New(rand.NewPCG(seed, 1)), rows, hash)
	keys := make([]uint64, len(counts))
	for k := range keys {
		keys[k] = uint64(k)
	}
	for _, policy := range []consistency.Policy{consistency.BSP(), consistency.SSP(2), consistency.ASP()} {
		for _, parts := range []int{1, 3, 8} {
			for _, local := range []bool{false, true} {
				t.Run(fmt.Sprintf("%v-%d-parts-local-%v", policy, parts, local), func(t *testing.T) {
					r := Train(t, Job{New: func() algos.Algorithm { return &census{local: local, slices: 7} }, Path: path,
						Options: dataset.Options{Format: "auto", Header: "auto", Base: -1, Hash: hash}, Parts: parts, Group: 2, Shards: 3,
						Policy: policy, Stop: algos.Stop{Epochs: epochs}})
					if r.Clocks != 7*epochs || r.Eval.Objective != rows*epochs {
						t.Errorf("got %d clocks and %v rows, want %d and %d", r.Clocks, r.Eval.Objective, 7*epochs, rows*epochs)
					}
					got, err := r.Model.Values("counts", keys)
					if err != nil {
						t.Fatal(err)
					}
					for k, n := range counts {
						if got[k] != epochs*n {
							t.Errorf("feature %d: got %v, want %v", k, got[k], epochs*n)
						}
					}
				})
			}
		}
	}
}

// A line that is malformed fails the job with its place, once.
func TestStreamFails(t *testing.T) {
	var text strings.Builder
	for i := range 200000 {
		fmt.Fprintf(&text, "%d 1:1 2:1 3:1\n", i%2)
	}
	const line = 20000 // that no sample of a part has
	bad := strings.Split(text.String(), "\n")
	bad[line-1] = "1 1:1 2:oops"
	path := filepath.Join(t.TempDir(), "rows.svm")
	if err := os.WriteFile(path, []byte(strings.Join(bad, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, local := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := train(ctx, Job{New: func() algos.Algorithm { return &census{local: local, slices: 20} }, Path: path,
			Options: dataset.Options{Format: "auto", Header: "auto", Base: -1, Hash: 4}, Parts: 2, Stop: algos.Stop{Epochs: 3}})
		cancel()
		want := fmt.Sprintf("part 0: dataset: %s:%d:9: value \"oops\" is not a number", path, line)
		if err == nil || strings.Count(err.Error(), want) != 1 {
			t.Errorf("local %v: got error %v, want one with %s", local, err, want)
		}
	}
}
