package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"petuum/consistency"
	"petuum/roles/control"
	"petuum/roles/enlist"
	"petuum/roles/links"
	"petuum/table"
)

// The workloads.
const (
	WorkStart   = "start"   // makes clients and views
	WorkRTT     = "rtt"     // bare TCP, 32 bytes there and back
	WorkRaw     = "raw"     // bare TCP, 1 MiB frames
	WorkMatched = "matched" // the same with a checksum, one copy out and one add in
	WorkDense   = "dense"
	WorkSparse  = "sparse"
	WorkShared  = "shared"
	WorkCold    = "cold"
	WorkClock   = "clock"
	WorkSmall   = "small"
)

// Task is what a worker is to do.
type Task struct {
	Work   string        `json:"work"`
	Setup  control.Setup `json:"setup"`  // with WorkStart
	Worker int           `json:"worker"` // its number
	Dense  uint64        `json:"dense"`  // values of the dense table
	Keys   int           `json:"keys"`   // of the sparse tables, that a client holds
	Sink   string        `json:"sink"`   // where bare TCP ends
	Flying int           `json:"flying"` // updates of a sparse table that are on their way at a time, and answers
	Rounds int           `json:"rounds"`
	For    time.Duration `json:"for"` // of the streams
}

// Measure is what a worker found: seconds of each round, or bytes a second.
type Measure struct {
	Push      []float64 `json:"push,omitempty"`
	Pull      []float64 `json:"pull,omitempty"`
	PerSecond float64   `json:"per_second,omitempty"`
	Bytes     int64     `json:"bytes,omitempty"`  // of a stream
	Values    int       `json:"values,omitempty"` // of a round, one way
}

// Worker is a worker's side of a measurement. One goroutine uses it.
type Worker struct {
	place  *enlist.Place
	failed func(error)

	links  *links.Links
	pairs  []pair
	writer *table.Client // the first pair's
	reader *table.Client
	out    map[string]*table.View[float32]
	in     map[string]*table.View[float32]
	random *rand.Rand
}

// pair is a client that writes and one that reads. All hold the same keys of the
// sparse table; the first holds everything else.
type pair struct {
	writer, reader *table.Client
	out, in        map[string]*table.View[float32]
}

// NewWorker prepares to work at place. failed is told of servers that are lost.
func NewWorker(place *enlist.Place, failed func(error)) *Worker {
	return &Worker{place: place, failed: failed}
}

// Close ends the connections.
func (w *Worker) Close() {
	if w.links != nil {
		w.links.Close()
	}
}

// Do does a task.
func (w *Worker) Do(ctx context.Context, t Task) (Measure, error) {
	if (w.writer == nil) != (t.Work == WorkStart) && t.Sink == "" {
		return Measure{}, fmt.Errorf("bench: %q out of turn", t.Work)
	}
	switch t.Work {
	case WorkStart:
		return Measure{}, w.start(ctx, t)
	case WorkRTT:
		times, err := roundTrips(ctx, t.Sink, t.Rounds)
		return Measure{Pull: seconds(times)}, err
	case WorkRaw, WorkMatched:
		return stream(ctx, t.Sink, t.Work == WorkMatched, t.For)
	case WorkDense:
		return w.pushPull(t, w.pairs[:1])
	case WorkSparse:
		return w.pushPull(t, w.pairs)
	case WorkShared:
		return w.bothWays(t)
	case WorkCold:
		return w.coldPull(t)
	case WorkClock:
		return w.clocks(t, 0)
	case WorkSmall:
		return w.clocks(t, 16)
	}
	return Measure{}, fmt.Errorf("bench: no workload is called %q", t.Work)
}

// start makes the clients of this worker and all their views.
func (w *Worker) start(ctx context.Context, t Task) error {
	specs, err := (&tables{Dense: t.Dense}).Tables(t.Setup.Info)
	if err != nil {
		return err
	}
	const seed = 7
	w.random = rand.New(rand.NewPCG(seed, uint64(t.Worker)))
	held := table.Keys(w.keys(t.Keys))
	var clients []*table.Client
	for n := range max(t.Flying, 1) {
		p := pair{out: map[string]*table.View[float32]{}, in: map[string]*table.View[float32]{}}
		for _, c := range []**table.Client{&p.writer, &p.reader} {
			origin := t.Worker*Origins(t.Flying) + len(clients)
			if *c, err = table.NewClient(specs, table.ClientOptions{Origin: consistency.Origin(origin), Generation: t.Setup.Roster.Generation,
				Policy: consistency.ASP(), Shards: len(t.Setup.Placement.Seats), Parts: 1}); err != nil {
				return err
			}
			clients = append(clients, *c)
		}
		if err := p.open(sparse, held, held, table.WriteOnly); err != nil {
			return err
		}
		if n == 0 {
			w.writer, w.reader, w.out, w.in = p.writer, p.reader, p.out, p.in
			all := table.Span(0, t.Dense)
			// Half of what one holds the other holds, too.
			mine := w.keys(t.Keys)
			other := slices.Concat(mine[:len(mine)/2], w.keys(t.Keys-len(mine)/2))
			slices.Sort(other)
			if err := errors.Join(p.open(dense, all, all, table.WriteOnly),
				p.open(shared, table.Keys(mine), table.Keys(slices.Compact(other)), table.Increments),
				p.open(cold, table.Keys(nil), table.Keys(nil), table.Increments)); err != nil {
				return err
			}
		}
		w.pairs = append(w.pairs, p)
	}
	w.links = links.New(w.place, t.Setup, clients, w.failed)
	if err := w.links.Connect(ctx); err != nil {
		return err
	}
	for _, c := range clients {
		if err := c.Start(); err != nil {
			return err
		}
	}
	return nil
}

// Origins is how many clients a worker has.
func Origins(flying int) int { return 2 * max(flying, 1) }

// open opens the views of both on a table.
func (p *pair) open(name string, written, read table.Set, mode table.Mode) (err error) {
	if p.out[name], err = table.Open[float32](p.writer, 0, name, written, mode); err == nil {
		p.in[name], err = table.Open[float32](p.reader, 0, name, read, table.Increments)
	}
	return err
}

// keys are n keys of a sparse table, spread evenly, no two alike, in order.
func (w *Worker) keys(n int) []uint64 {
	list := make([]uint64, n)
	each := uint64(sparseKeys) / uint64(max(n, 1))
	for i := range list {
		list[i] = uint64(i)*each + w.random.Uint64N(each)
	}
	return list
}

// fill changes every value of a view.
func fill(v *table.View[float32], round int) {
	for i := range v.Len() {
		v.Inc(i, float32(1+(i+round)&7)/8)
	}
}

// push sends what was written, until it is applied.
func push(c *table.Client) (float64, error) {
	start := time.Now()
	if err := c.Clock(0); err != nil {
		return 0, err
	}
	err := c.Settle()
	return time.Since(start).Seconds(), err
}

// pushPull measures both ways by themselves: all writers push before the first waits,
// then all readers pull.
func (w *Worker) pushPull(t Task, pairs []pair) (m Measure, err error) {
	m.Values = len(pairs) * pairs[0].out[t.Work].Len()
	for round := range t.Rounds + 1 {
		for _, p := range pairs {
			fill(p.out[t.Work], round)
		}
		start := time.Now()
		for _, p := range pairs {
			if err := p.writer.Clock(0); err != nil {
				return m, err
			}
		}
		for _, p := range pairs {
			if err := p.writer.Settle(); err != nil {
				return m, err
			}
		}
		pushed := time.Since(start).Seconds()
		start = time.Now()
		read := make(chan error, len(pairs))
		for _, p := range pairs {
			go func() { read <- p.reader.Sync(0) }()
		}
		for range pairs {
			err = cmp.Or(err, <-read)
		}
		if err != nil {
			return m, err
		}
		pulled := time.Since(start).Seconds()
		for _, p := range pairs {
			if in := p.in[t.Work]; in.Values()[0] == 0 || in.Values()[in.Len()-1] == 0 {
				return m, fmt.Errorf("bench: the values of %s did not arrive", t.Work)
			}
		}
		if round > 0 { // the first makes room
			m.Push, m.Pull = append(m.Push, pushed), append(m.Pull, pulled)
		}
	}
	return m, nil
}

// bothWays has two clients change what they hold at the same time, and see what
// the other did.
func (w *Worker) bothWays(t Task) (m Measure, err error) {
	a, b := w.out[shared], w.in[shared]
	m.Values = a.Len() + b.Len()
	for round := range t.Rounds + 1 {
		fill(a, round)
		fill(b, round)
		start := time.Now()
		done := make(chan error, 1)
		go func() {
			_, err := push(w.reader)
			done <- err
		}()
		_, err := push(w.writer)
		if other := <-done; err == nil {
			err = other
		}
		if err != nil {
			return m, err
		}
		if round > 0 {
			m.Push = append(m.Push, time.Since(start).Seconds())
		}
	}
	return m, nil
}

// coldPull asks for keys that nobody held before.
func (w *Worker) coldPull(t Task) (m Measure, err error) {
	v := w.in[cold]
	m.Values = t.Keys
	for range t.Rounds {
		keys := table.Keys(w.keys(t.Keys))
		start := time.Now()
		v.Hold(keys)
		if err := w.reader.Clock(0); err != nil {
			return m, err
		}
		m.Pull = append(m.Pull, time.Since(start).Seconds())
		if v.Len() != t.Keys {
			return m, fmt.Errorf("bench: %d keys are held, want %d", v.Len(), t.Keys)
		}
	}
	v.Hold(table.Keys(nil))
	return m, w.reader.Clock(0)
}

// clocks measures clocks that change a few values.
func (w *Worker) clocks(t Task, values int) (m Measure, err error) {
	v := w.out[sparse]
	m.Values = values
	for range t.Rounds {
		for range values {
			v.Inc(w.random.IntN(v.Len()), 1)
		}
		took, err := push(w.writer)
		if err != nil {
			return m, err
		}
		m.Push = append(m.Push, took)
	}
	return m, nil
}

func seconds(times []time.Duration) (s []float64) {
	for _, t := range times {
		s = append(s, t.Seconds())
	}
	return s
}
