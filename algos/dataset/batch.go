package dataset

import (
	"io"
	"runtime"
	"sync"
	"sync/atomic"
)

// batch is the samples of one call of Next as they are read:
//
//	stream ─► passages, a block each ─► the caller and a goroutine for each other processor ─► pieces
//
// The caller reads, and parses what the others have no time for, as well as what is no
// whole block: then there are no others. Text is kept until all is well, as who has not
// seen all the lines before a malformed one may tell something else of it.
type batch struct {
	*Reader
	alone    bool      // only the caller parses
	parsers  []*parser // the first is the caller's
	passages []*passage
	rows     int

	work chan *passage // nil unless there are others
	wg   sync.WaitGroup
	bad  atomic.Bool // a passage is malformed
}

// parser parses passages on one goroutine.
type parser struct {
	builder *builder // nil before the first one
	rows    *rows    // its memory, which serves one batch after the other
	number  int      // of the builder among those that have parsed any
}

// newBatch starts a batch.
func (r *Reader) newBatch() *batch {
	workers := runtime.GOMAXPROCS(0)
	for len(r.parsers) < workers {
		r.parsers = append(r.parsers, &parser{})
	}
	// Categories that are numbered as they are met are met in the order of the input.
	named := r.cats != nil && !r.cats.known
	return &batch{Reader: r, parsers: r.parsers[:workers], alone: named || workers == 1}
}

// read reads so many rows, or as many as there are. The error is what the reading ends
// with after these.
func (b *batch) read(rows int) (end error) {
	for end == nil && b.rows < rows {
		end = b.lines(rows - b.rows) // of these some may be no rows
		if b.bad.Load() {
			if err := b.again(); err != nil {
				end = err
			}
		}
		b.count()
	}
	return end
}

// lines reads and parses n lines.
func (b *batch) lines(n int) (end error) {
	defer b.join()
	for n > 0 && !b.bad.Load() {
		s, err := b.take(n)
		if err != nil {
			return err
		}
		n -= s.lines
		b.passages = append(b.passages, s)
		b.give(s)
	}
	return nil
}

// take returns the next lines, those of the next file where one ends.
func (r *Reader) take(n int) (*passage, error) {
	s, err := r.blocks.take(n)
	for err == io.EOF && r.next < len(r.sources) {
		if err = r.enter(); err == nil {
			s, err = r.blocks.take(n)
		}
	}
	switch {
	case err == errLongLine:
		return nil, &SyntaxError{r.path, r.blocks.lines + 1, 1, err.Error()}
	case err != nil:
		return nil, err
	}
	s.layout, s.path, s.file = r.now, r.path, r.next-1
	return s, nil
}

// give has a passage parsed. Text that stands in a block where more is to be read cannot
// wait for others.
func (b *batch) give(s *passage) {
	if b.alone || s.sealed == nil {
		b.parse(b.parsers[0], s)
		return
	}
	if b.work == nil {
		work := make(chan *passage, len(b.parsers))
		b.work = work
		for _, p := range b.parsers[1:] {
			b.wg.Go(func() {
				for s := range work {
					b.parse(p, s)
				}
			})
		}
	}
	select {
	case b.work <- s:
	default: // all have enough to do
		b.parse(b.parsers[0], s)
	}
}

// join parses what is left and waits for the others.
func (b *batch) join() {
	if b.work == nil {
		return
	}
	close(b.work)
	for s := range b.work {
		b.parse(b.parsers[0], s)
	}
	b.wg.Wait()
	b.work = nil
}

// parse parses a passage, unless another is malformed.
func (b *batch) parse(p *parser, s *passage) {
	if b.bad.Load() {
		return
	}
	if p.builder == nil {
		p.builder = continued(b.first, b.files, b.cats)
		if p.rows == nil {
			p.rows = p.builder.rows
		}
		p.builder.rows = p.rows
	}
	if p.parse(s); s.fault != nil {
		b.bad.Store(true)
	}
}

func (p *parser) parse(s *passage) {
	b := p.builder
	b.layout = s.layout
	top := b.top
	if b.layout.format == LIBSVM {
		b.top = 0
	}
	s.bad, s.badLines, s.fault = b.text(s.text, s.n, s.off)
	if s.fault != nil {
		return
	}
	if b.layout.format == LIBSVM {
		s.top = place{b.top, s.path, s.before + b.topLine + 1}
	}
	b.top = max(b.top, top)
	s.parser, s.piece = p, nil
	if len(b.ends) > 0 {
		s.piece = b.piece(order{})
	}
}

// again parses everything once more, on this goroutine: up to the first malformed line,
// whose error it returns.
func (b *batch) again() error {
	b.bad.Store(false)
	b.alone = true
	b.forget()
	for i, s := range b.passages {
		if b.parse(b.parsers[0], s); s.fault == nil {
			continue
		}
		err := error(&SyntaxError{s.path, s.before + s.badLines + 1, s.fault.at + 1, s.fault.what})
		// Once more without the line, of which a part was taken in.
		s.n = s.bad
		b.passages = b.passages[:i+1]
		if earlier := b.again(); earlier != nil {
			err = earlier
		}
		return err
	}
	return nil
}

// forget lets the builders go.
func (b *batch) forget() {
	for _, p := range b.parsers {
		if p.builder != nil {
			p.builder = nil
			p.rows.clear()
		}
	}
}

// count counts the rows.
func (b *batch) count() {
	b.rows = 0
	for _, s := range b.passages {
		if s.piece != nil {
			b.rows += len(s.piece.ends)
		}
	}
}

// part makes the part.
func (b *batch) part() (*Part, error) {
	var a assembly
	for _, p := range b.parsers {
		if p.builder != nil {
			p.number = len(a.builders)
			a.builders = append(a.builders, p.builder)
		}
	}
	for i, s := range b.passages {
		if s.piece != nil {
			s.piece.order = order{file: int32(s.file), at: int64(i)}
			s.piece.from = s.parser.number
			a.pieces = append(a.pieces, s.piece)
		}
	}
	if err := a.finish(b.first, b.files); err != nil {
		return nil, err
	}
	merged, err := b.info.Merge(a.info)
	if err != nil {
		return nil, err
	}
	b.info = merged
	return a.part(0, 1, merged)
}

// settle notes what the Reader tells of the rows, and takes the memory back.
func (b *batch) settle() {
	for _, s := range b.passages {
		if s.piece != nil {
			b.Reader.rows[s.file] += uint64(len(s.piece.ends))
		}
		if s.top.value > b.top.value {
			b.top = s.top
		}
		if s.sealed != nil {
			b.blocks.recycle(s.sealed)
		}
	}
	b.forget()
}
