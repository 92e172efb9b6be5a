package algotest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/table"
)

// Tally is a small algorithm with state of its own: every row of a part is in one of a
// few bins, which the table counts has the numbers of, and Push moves each row to a bin
// at random, the full ones more often. It tests what saves, restores and publishes: the
// rows' bins and the generator are in no table before Publish.
type Tally struct {
	Bins int `toml:"bins" min:"1" max:"65536" doc:"bins"`

	source *rand.PCG
	random *rand.Rand
	bins   []uint16 // of each row
	counts *table.View[int32]
	own    *table.View[int32]
	weight []float64 // running sums
}

var (
	_ algos.Preparer  = (*Tally)(nil)
	_ algos.Stateful  = (*Tally)(nil)
	_ algos.Publisher = (*Tally)(nil)
)

// NewTally makes an instance with five bins.
func NewTally() *Tally { return &Tally{Bins: 5} }

// Tables declares the counts, and what is published: the sums of the parts' own counts.
func (a *Tally) Tables(d dataset.Info) ([]table.Spec, error) {
	if d.Rows == 0 {
		return nil, errors.New("tally: no rows")
	}
	keys := uint64(a.Bins)
	return []table.Spec{{Name: "counts", Keys: keys, Type: table.Int32}, {Name: "own", Keys: keys, Type: table.Int32}}, nil
}

// Load takes the part in.
func (a *Tally) Load(part *dataset.Part, w *algos.Worker) (err error) {
	a.source = rand.NewPCG(w.Seed, uint64(w.Part))
	a.random = rand.New(a.source)
	a.bins, a.weight = make([]uint16, len(part.Labels)), make([]float64, a.Bins)
	all := table.Span(0, uint64(a.Bins))
	if a.counts, err = algos.View[int32](w, "counts", all, table.Increments); err == nil {
		a.own, err = algos.View[int32](w, "own", all, table.Increments)
	}
	return err
}

// Prepare puts every row in a bin.
func (a *Tally) Prepare(*algos.Worker) {
	for i := range a.bins {
		a.bins[i] = uint16(a.random.IntN(a.Bins))
		a.counts.Inc(int(a.bins[i]), 1)
	}
}

// Push moves every row.
func (a *Tally) Push(*algos.Worker, algos.Block) {
	sum := 0.0
	for k, n := range a.counts.Values() {
		sum += math.Sqrt(math.Max(float64(n), 0) + 1)
		a.weight[k] = sum
	}
	for i, was := range a.bins {
		u, k := a.random.Float64()*sum, 0
		for k < a.Bins-1 && a.weight[k] < u {
			k++
		}
		a.counts.Inc(int(was), -1)
		a.counts.Inc(k, 1)
		a.bins[i] = uint16(k)
	}
}

// Evaluate counts the rows of the part, and part 0 what the table says.
func (a *Tally) Evaluate(w *algos.Worker, e *algos.Eval) {
	own, all := e.Into("own", a.Bins), e.Into("all", a.Bins)
	for _, k := range a.bins {
		own[k]++
	}
	if w.Part == 0 {
		for k, n := range a.counts.Values() {
			all[k] = float64(n)
		}
	}
}

// Conclude makes an objective that every row has a part in; the metric apart tells counts
// that are not those of the rows.
func (a *Tally) Conclude(d dataset.Info, e *algos.Eval) {
	own, all := e.Sums("own"), e.Sums("all")
	e.Objective = 0
	for k, n := range own {
		e.Objective += float64(k+1) * n / float64(d.Rows)
		e.Metrics["apart"] += math.Abs(n - all[k])
	}
}

// Publish adds the part's counts to those of all.
func (a *Tally) Publish(*algos.Worker) {
	for _, k := range a.bins {
		a.own.Inc(int(k), 1)
	}
}

// Save writes the generator and the rows' bins.
func (a *Tally) Save(w io.Writer) error {
	state, err := a.source.MarshalBinary()
	if err != nil {
		return err
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(state)))
	b = binary.LittleEndian.AppendUint32(append(b, state...), uint32(len(a.bins)))
	for _, k := range a.bins {
		b = binary.LittleEndian.AppendUint16(b, k)
	}
	_, err = w.Write(b)
	return err
}

// Restore reads them.
func (a *Tally) Restore(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	cut := func(n int) (head []byte) {
		if n < 0 || n > len(b) {
			err = errors.New("tally: the state of the part is cut short")
			return nil
		}
		head, b = b[:n], b[n:]
		return head
	}
	number := func() int {
		if head := cut(4); head != nil {
			return int(binary.LittleEndian.Uint32(head))
		}
		return -1
	}
	var source rand.PCG
	if state := cut(number()); err != nil {
		return err
	} else if err := source.UnmarshalBinary(state); err != nil {
		return fmt.Errorf("tally: %w", err)
	}
	if n := number(); err == nil && (n != len(a.bins) || len(b) != 2*n) {
		return fmt.Errorf("tally: the state is of %d rows in %d bytes, and the part has %d rows", n, len(b), len(a.bins))
	}
	if err != nil {
		return err
	}
	bins := make([]uint16, len(a.bins))
	for i := range bins {
		if bins[i] = binary.LittleEndian.Uint16(b[2*i:]); int(bins[i]) >= a.Bins {
			return fmt.Errorf("tally: row %d is in bin %d of %d", i, bins[i], a.Bins)
		}
	}
	*a.source, a.bins = source, bins
	return nil
}
