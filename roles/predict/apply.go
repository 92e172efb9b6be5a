package predict

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"

	"petuum/algos"
	"petuum/algos/dataset"
)

const (
	firstRows   = 256     // of the first batch; the others
	batchValues = 1 << 18 // have about as many values,
	leastRows   = 16
	mostRows    = 8192
	lineBytes   = 32 // of most lines
)

// Rows is data that is read a batch at a time.
type Rows interface {
	// Next returns the next rows, at most n, and io.EOF behind the last ones. What
	// it returned stays good.
	Next(n int) (*dataset.Part, error)
}

// Batch is some consecutive rows and what the model says of them.
type Batch struct {
	Part   *dataset.Part
	Scores []float64 // see algos.Predictor
	Odds   []float64 // the scores as the model's calibration has them; else Scores
	Text   []byte    // see Format
	Sums   []float64 // see algos.Measurer; nil of others

	err  error
	done chan struct{} // closed when it is scored
}

// Format appends to b what is to be written of a batch. It is called for several
// batches at a time.
type Format func(b []byte, batch *Batch) []byte

// Apply scores all rows and calls each with the batches, in order, from the
// caller's goroutine. format may be nil. Its memory is that of a few batches: 2
// for each core. It ends early with the first error of reading, scoring, or each.
// It has no goroutine left when it returns, so rows must not block when ctx ends.
func (m *Model) Apply(ctx context.Context, rows Rows, format Format, each func(*Batch) error) error {
	scorers := make([]algos.Predictor, runtime.GOMAXPROCS(0))
	for i := range scorers {
		var err error
		if scorers[i], err = m.Predictor(); err != nil {
			return err
		}
	}
	reading, stop := context.WithCancel(ctx)
	var (
		wg    sync.WaitGroup
		order = make(chan *Batch, len(scorers)) // all batches
		work  = make(chan *Batch)               // those to be scored
	)
	defer wg.Wait()
	defer stop()
	wg.Go(func() {
		defer close(order)
		defer close(work)
		m.read(reading, rows, order, work)
	})
	for _, p := range scorers {
		wg.Go(func() {
			for b := range work {
				m.score(p, b, format)
				close(b.done)
			}
		})
	}
	for b := range order {
		select {
		case <-b.done:
		case <-ctx.Done(): // the reader may have given it up
		}
		if ctx.Err() != nil {
			break
		}
		if b.err != nil {
			return b.err
		}
		if err := each(b); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// read hands the batches out until the end, an error or stop. A batch of an error
// is done.
func (m *Model) read(ctx context.Context, rows Rows, order, work chan<- *Batch) {
	for n := firstRows; ; {
		part, err := rows.Next(n)
		if err == io.EOF {
			return
		}
		b := &Batch{Part: part, err: err, done: make(chan struct{})}
		if err != nil {
			close(b.done)
		}
		select {
		case order <- b:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
		select {
		case work <- b:
		case <-ctx.Done():
			return
		}
		n = batchRows(part.X.Rows(), part.X.NNZ(), m.width)
	}
}

// batchRows is how many rows like these, with so many scores each, make a batch.
func batchRows(rows, values, scores int) int {
	n := batchValues / scores
	if values > 0 {
		n = min(n, rows*batchValues/values)
	}
	return min(mostRows, max(leastRows, n))
}

// score fills in a batch.
func (m *Model) score(p algos.Predictor, b *Batch, format Format) {
	rows := b.Part.X.Rows()
	b.Scores = make([]float64, rows*m.width)
	if err := p.Predict(m.manifest.Data, m, b.Part, b.Scores); err != nil {
		b.err = fmt.Errorf("model %s: %w", m.dir, err)
		return
	}
	if w, ok := p.(algos.Measurer); ok {
		if b.Sums, b.err = w.Measure(m.manifest.Data, m, b.Part); b.err != nil {
			b.err = fmt.Errorf("model %s: %w", m.dir, b.err)
			return
		}
	}
	if b.Odds = b.Scores; m.manifest.Calibration != nil {
		b.Odds = make([]float64, len(b.Scores))
		m.manifest.Calibration.Apply(b.Odds, b.Scores)
	}
	if format != nil {
		b.Text = format(make([]byte, 0, lineBytes*rows), b)
	}
}
