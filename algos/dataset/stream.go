package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"petuum/algos/dataset/cache"
)

// batchesAhead is how many batches are parsed before they are asked for.
const batchesAhead = 2

// Stream is the rows of a part where they are not held in memory: they are read again
// in every pass, in an order that is always the same. A pass has the same number of
// slices in all parts, and a slice is the rows that stand in it, perhaps none: those
// which begin in the k-th of as many equal shares of the part's bytes, as stored.
//
//	stream.Start(slices, Global) ─► b := stream.Next(), again and again
//
// A goroutine of the stream reads and parses ahead, two batches at most. Of the methods
// only Close may be called from another goroutine than the others.
type Stream struct {
	in        *input
	info      Info
	part      int
	layouts   []*layout
	stretches []stretch
	stored    int64 // bytes of these

	slices int
	coder  *coder // nil for global columns
	window window
	parser *builder
	places []int32   // in info, of each class of the parser; nil if none are listed
	labels []float64 // of each of them

	full, free chan *Batch
	held       *Batch
	none       Batch
	failure    error         // of the goroutine; read when full is closed
	err        error         // what Next met
	stop       chan struct{} // closed by Close
	closing    sync.Once
	ended      chan struct{} // closed when the goroutine has ended; nil before Start
}

// errStopped ends the goroutine of a stream that is closed.
var errStopped = errors.New("dataset: the stream is closed")

// streams returns a part with a stream for each that was sampled.
func (s *Scanned) streams(info Info) ([]*Part, error) {
	if err := info.check(); err != nil {
		return nil, err
	}
	var parts []*Part
	for i, p := range s.parts {
		if info.Format != s.infos[i].Format || info.sameFiles(s.infos[i]) != nil {
			return nil, fmt.Errorf("dataset: %s: the merged info is not of this input", s.in.sources[0].path)
		}
		stream, err := s.in.stream(p, info)
		if err != nil {
			return nil, err
		}
		parts = append(parts, &Part{Index: p, Of: s.in.of, Stream: stream})
	}
	return parts, nil
}

// stream makes the stream of part p. It looks into all of its files.
func (in *input) stream(p int, info Info) (*Stream, error) {
	s := &Stream{in: in, info: info, part: p, layouts: make([]*layout, len(in.sources)),
		full: make(chan *Batch, 1), free: make(chan *Batch, batchesAhead+1), stop: make(chan struct{})}
	add := func(sp span, dealt bool) error {
		if err := in.look(sp.file); err != nil {
			return err
		}
		l := *in.layouts[sp.file]
		l.options.Base = info.Base
		l.setRange()
		s.layouts[sp.file] = &l
		st := stretch{span: sp, before: s.stored, weight: sp.end - sp.begin, dealt: dealt}
		if st.coded = in.sources[sp.file].codec != ""; st.coded {
			st.weight = in.sources[sp.file].size
		}
		s.stored += st.weight
		s.stretches = append(s.stretches, st)
		return nil
	}
	for _, sp := range in.spans(p) {
		if err := add(sp, false); err != nil {
			return nil, err
		}
	}
	for _, file := range in.dealt() {
		if err := add(span{file: file}, true); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Start begins the first pass. Every pass has so many slices, at least one. It is
// called once.
func (s *Stream) Start(slices int, coding Coding) error {
	name := s.in.sources[0].path
	switch {
	case slices < 1:
		return fmt.Errorf("dataset: %s: a pass of %d slices: want at least 1", name, slices)
	case s.ended != nil:
		return fmt.Errorf("dataset: %s: the stream of part %d is started twice", name, s.part)
	case coding == Global && s.info.Features > 1<<32:
		return fmt.Errorf("dataset: %s: %d features are too many for global columns, which stop at 2^32", name, s.info.Features)
	case coding == Local:
		s.coder = &coder{}
	}
	s.slices = slices
	first := *s.in.layouts[0]
	first.options.Base = s.info.Base
	s.parser = newBuilder(&first, s.in.files)
	o := first.options
	o.Like = &s.info
	s.parser.labels = newLabelSet(o)
	if s.info.Classes != nil {
		s.places, _ = s.parser.labels.places(s.info)
		for _, k := range s.places {
			s.labels = append(s.labels, s.info.classLabel(int(k)))
		}
	}
	for range batchesAhead + 1 {
		s.free <- &Batch{coding: coding}
	}
	s.ended = make(chan struct{})
	go s.run()
	return nil
}

// Next returns the rows of the next slice, pass after pass. They are good until the
// next call, their Keys for ever. Behind an error, which Err tells, and behind Close there are none.
func (s *Stream) Next() *Batch {
	if s.held != nil {
		s.free <- s.held
		s.held = nil
	}
	b, ok := <-s.full
	if !ok {
		s.err = s.failure
		return &s.none
	}
	s.held = b
	return b
}

// Err is why Next gives no more rows, or nil: a malformed line, a file that changed.
func (s *Stream) Err() error { return s.err }

// Close ends the reading and waits until it has ended.
func (s *Stream) Close() {
	s.closing.Do(func() { close(s.stop) })
	if s.ended != nil {
		<-s.ended
	}
}

// run reads pass after pass until an error, or Close.
func (s *Stream) run() {
	defer close(s.ended)
	defer close(s.full)
	defer s.window.close()
	for {
		at := 0 // the stretch that is being read
		for k := range s.slices {
			var b *Batch
			select {
			case b = <-s.free:
			case <-s.stop:
				return
			}
			b.clear()
			var err error
			if at, err = s.slice(b, k, at); err == errStopped {
				return
			} else if err != nil {
				s.failure = err
				return
			}
			s.seal(b)
			select {
			case s.full <- b:
			case <-s.stop:
				return
			}
		}
		if s.failure = s.unchanged(); s.failure != nil {
			return
		}
	}
}

// slice reads the rows of slice k from stretch at on, and returns where the next one
// goes on.
func (s *Stream) slice(b *Batch, k, at int) (int, error) {
	s.parser.batch = b
	limit := cut(s.stored, k+1, s.slices)
	for ; at < len(s.stretches); at++ {
		st := &s.stretches[at]
		if limit <= st.before {
			return at, nil
		}
		if s.window.stretch == nil {
			s.parser.layout = s.layouts[st.file]
			if err := s.window.open(st, s.in.sources[st.file]); err != nil {
				return at, err
			}
		}
		stored := min(limit-st.before, st.weight)
		over, err := s.parse(stored)
		if err != nil || !over && stored < st.weight {
			return at, err
		}
		if st.coded {
			st.text = s.window.read
		}
		s.window.close()
	}
	return at, nil
}

// parse parses the lines of the window's file that belong to what is before a stored
// byte of the stretch. It reports whether the stretch has no more.
func (s *Stream) parse(stored int64) (over bool, err error) {
	w := &s.window
	for {
		select {
		case <-s.stop:
			return false, errStopped
		default:
		}
		n, over, err := w.take(stored)
		if n == 0 || err != nil {
			return over, err
		}
		mine := true
		if w.dealt {
			n, mine = s.block(n)
		}
		if !mine {
			w.skip(n)
			continue
		}
		at, lines, f := s.parser.text(w.buf[w.lo:w.lo+n+padding], n, w.off)
		if f != nil {
			return false, w.fault(f, at, lines)
		}
		w.lines += lines
		w.skip(n)
	}
}

// block returns the bytes of the next lines of a file that is dealt out in blocks, of n
// at most, which are all of one block, and whether that is the part's. It counts the
// lines of other parts.
func (s *Stream) block(n int) (bytesOf int, mine bool) {
	w := &s.window
	mine = int((w.lines/blockLines+int64(w.file))%int64(s.in.of)) == s.part
	left, at := blockLines-w.lines%blockLines, 0
	for ; left > 0 && at < n; left-- {
		k := bytes.IndexByte(w.buf[w.lo+at:w.lo+n], '\n')
		if k < 0 {
			k = n - at - 1
		}
		at += k + 1
		if !mine {
			w.lines++
		}
	}
	return at, mine
}

// seal ends a batch: its labels and columns.
func (s *Stream) seal(b *Batch) {
	l := s.parser.labels
	switch {
	case s.info.Unlabelled:
		b.Labels, b.Class = nil, nil
	case s.places == nil:
		b.Labels, b.Class = append(b.Labels, l.values...), nil
	default:
		for _, id := range l.classes {
			b.Labels, b.Class = append(b.Labels, s.labels[id]), append(b.Class, s.places[id])
		}
	}
	if s.info.Weighted {
		b.evenOut()
	} else {
		b.Weight = nil
	}
	l.values, l.classes = l.values[:0], l.classes[:0]
	s.parser.clear()
	if s.coder != nil {
		s.coder.code(b)
	}
}

// unchanged returns an error if a file of the part is not the one that was sampled.
func (s *Stream) unchanged() error {
	for _, st := range s.stretches {
		if s.in.sources[st.file].r != nil {
			continue // in memory
		}
		now, err := cache.Stat(s.in.path(st.file))
		if err != nil {
			return err
		}
		if !sameFile(now, s.in.ids[st.file]) {
			return s.in.changedError(st.file)
		}
	}
	return nil
}
