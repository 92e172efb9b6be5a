package dataset

import (
	"bytes"
	"io"
	"math"
)

// windowSize is how much text of a file a stream holds, if no line needs more.
const windowSize = 256 << 10

// stretch is what a part has of one file.
type stretch struct {
	span
	before int64 // stored bytes of the stretches before it
	weight int64 // its own; of a file that is dealt out in blocks, all of it
	coded  bool  // the file is compressed
	dealt  bool  // it is dealt out in blocks
	text   int64 // decoded bytes, once they were read to the end; else 0
}

// window is the text of a stretch that was read and not yet parsed.
type window struct {
	*stretch
	src    *source
	text   io.Reader
	stored *countingReader // of a compressed file; else nil
	free   func()

	buf    []byte // padding bytes longer than what is read into it
	lo, hi int    // buf[lo:hi] is read and not yet parsed
	off    int64  // of buf[lo] in the text of the file
	read   int64  // text that was read
	lines  int64  // of a compressed file, before buf[lo]
	ended  bool   // the text has no more
}

// open begins a stretch.
func (w *window) open(st *stretch, src *source) error {
	opened, done, err := src.open()
	if err != nil {
		return err
	}
	w.stretch, w.src, w.free = st, opened, done
	w.lo, w.hi, w.off, w.read, w.lines, w.ended = 0, 0, 0, 0, 0, false
	w.stored = nil
	if !st.coded {
		w.off = max(0, st.begin-1)
		w.text = opened.section(w.off, opened.size)
		return w.begin()
	}
	w.stored = &countingReader{Reader: io.NewSectionReader(opened.r, 0, opened.size)}
	text, free, err := opened.decoded(w.stored, smallBuffer)
	if err != nil {
		return err
	}
	w.text, w.free = text, func() { free(); done() }
	return nil
}

// begin goes to the first line of a plain stretch: the one behind the newline at or
// behind the byte before it.
func (w *window) begin() error {
	if w.stretch.begin == 0 {
		return nil
	}
	for {
		if k := bytes.IndexByte(w.buf[w.lo:w.hi], '\n'); k >= 0 {
			w.skip(k + 1)
			return nil
		}
		w.skip(w.hi - w.lo)
		if w.ended || w.off >= w.end {
			return nil
		}
		if err := w.fill(); err != nil {
			return err
		}
	}
}

func (w *window) close() {
	if w.free != nil {
		w.free()
		w.free = nil
	}
	w.stretch = nil
}

// skip passes over bytes.
func (w *window) skip(n int) {
	w.lo += n
	w.off += int64(n)
}

// fill reads more text, and makes room for it where there is none.
func (w *window) fill() error {
	switch {
	case w.lo > 0:
		w.hi = copy(w.buf, w.buf[w.lo:w.hi])
		w.lo = 0
	case w.buf == nil:
		w.buf = make([]byte, windowSize+padding)
	case w.hi == len(w.buf)-padding:
		larger := make([]byte, min(2*w.hi, maxLine+2)+padding)
		copy(larger, w.buf[:w.hi])
		w.buf = larger
	}
	n, err := io.ReadAtLeast(w.text, w.buf[w.hi:w.hi+w.wanted()], 1)
	w.hi += n
	w.read += int64(n)
	switch {
	case err == io.EOF && !w.coded && w.off+int64(w.hi-w.lo) < w.src.size:
		return w.src.shorter()
	case err == io.EOF:
		w.ended = true
		return nil
	}
	return err
}

// wanted is how much to read: of a plain stretch little beyond its end.
func (w *window) wanted() int {
	room := len(w.buf) - padding - w.hi
	if w.coded {
		return room
	}
	left := w.end - w.off - int64(w.hi-w.lo)
	return int(min(int64(room), max(left, smallBuffer, int64(w.hi-w.lo))))
}

// until is where in the text lines begin that are not part of the slice that ends
// before a stored byte of the stretch.
func (w *window) until(stored int64) int64 {
	switch {
	case !w.coded:
		return min(w.stretch.begin+stored, w.end)
	case stored >= w.weight:
		return math.MaxInt64
	case w.stretch.text > 0:
		return scaled(stored, w.stretch.text, w.weight)
	case w.stored.n == 0:
		return 0
	}
	return scaled(stored, w.read, w.stored.n)
}

// scaled is x·y/z.
func scaled(x, y, z int64) int64 { return int64(float64(x) * (float64(y) / float64(z))) }

// take returns the next whole lines that begin before the text's byte until: n bytes of
// w.buf from w.lo on. There is no more of the slice where n is 0, and no more of the
// stretch either where over is set.
func (w *window) take(stored int64) (n int, over bool, err error) {
	for {
		until := w.until(stored)
		if over = !w.coded && w.off >= w.end; over || w.off >= until && (w.lo < w.hi || w.read > 0 && !w.ended) {
			return 0, over, nil
		}
		// The last line that begins before until ends at the first newline from until-1 on.
		have := w.buf[w.lo:w.hi]
		if last := until - 1 - w.off; last < int64(len(have)) {
			if k := bytes.IndexByte(have[max(last, 0):], '\n'); k >= 0 {
				return int(max(last, 0)) + k + 1, false, nil
			}
		}
		if k := bytes.LastIndexByte(have, '\n'); k >= 0 {
			return k + 1, false, nil
		}
		if w.ended {
			if len(have) > 0 {
				w.buf[w.hi] = '\n' // in place of what was there before
			}
			return len(have), len(have) == 0, nil
		}
		if len(have) > maxLine {
			return 0, false, w.fault(&fault{0, errLongLine.Error()}, 0, 0)
		}
		if err := w.fill(); err != nil {
			return 0, false, err
		}
	}
}

// fault is the error of a line that begins so many bytes, and lines, behind w.lo.
func (w *window) fault(f *fault, at int, lines int64) error {
	if !w.coded {
		return w.src.syntaxError(f, w.off+int64(at))
	}
	return &SyntaxError{w.src.path, w.lines + lines + 1, f.at + 1, f.what}
}
