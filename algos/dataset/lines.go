package dataset

import (
	"bytes"
	"errors"
	"io"
)

const (
	// maxLine is the longest line, in bytes without its end.
	maxLine = 64 << 20

	firstBuffer = 64 << 10
)

var errLongLine = errors.New("line is longer than 64 MiB")

// lineReader cuts a stream into lines. Its buffer is as long as the longest
// line that next has returned, at least.
type lineReader struct {
	r      io.Reader
	buf    []byte // buf[lo:hi] is read and not yet returned
	lo, hi int
	most   int   // longest line
	off    int64 // stream offset of buf[lo]
	lines  int64 // lines returned and skipped
	err    error // why r gives no more; io.EOF at its end
}

func newLineReader(r io.Reader, off int64) *lineReader {
	return &lineReader{r: r, buf: make([]byte, firstBuffer), most: maxLine, off: off}
}

// next returns the next line without its end and the stream offset of its first
// byte. The line is valid until the next call. The error is io.EOF after the
// last line, errLongLine, or the stream's: then the part of a line that came
// before it is not returned.
func (l *lineReader) next() (line []byte, off int64, err error) {
	for seen := 0; ; {
		if i := bytes.IndexByte(l.buf[l.lo+seen:l.hi], '\n'); i >= 0 {
			return l.take(seen+i, 1)
		}
		seen = l.hi - l.lo
		if seen > l.most {
			return nil, l.off, errLongLine
		}
		if l.err == io.EOF && seen > 0 {
			return l.take(seen, 0)
		}
		if l.err != nil {
			return nil, l.off, l.err
		}
		l.fill()
	}
}

// take returns the next n bytes as a line that is followed by end bytes of "\n".
func (l *lineReader) take(n, end int) ([]byte, int64, error) {
	if n > l.most {
		return nil, l.off, errLongLine
	}
	line, off := l.buf[l.lo:l.lo+n], l.off
	l.lo += n + end
	l.off += int64(n + end)
	l.lines++
	if n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if off == 0 {
		line = bytes.TrimPrefix(line, []byte(mark))
	}
	return line, off, nil
}

// skip passes over n lines, of any length, or to the end of the stream.
func (l *lineReader) skip(n int) error {
	for partial := false; n > 0; {
		i := bytes.IndexByte(l.buf[l.lo:l.hi], '\n')
		if i >= 0 {
			l.lo += i + 1
			l.off += int64(i + 1)
			l.lines++
			n--
			partial = false
			continue
		}
		partial = partial || l.hi > l.lo
		l.off += int64(l.hi - l.lo)
		l.lo, l.hi = 0, 0
		if l.err == io.EOF && partial {
			l.lines++
			return nil
		}
		if l.err != nil {
			return l.err
		}
		l.fill()
	}
	return nil
}

// fill reads more bytes behind those in the buffer, which it moves or enlarges
// where there is no room, or sets err.
func (l *lineReader) fill() {
	switch {
	case l.lo > 0:
		copy(l.buf, l.buf[l.lo:l.hi])
		l.lo, l.hi = 0, l.hi-l.lo
	case l.hi == len(l.buf):
		// One byte more than the longest line and its end shows that a line is too long.
		larger := make([]byte, min(2*len(l.buf), max(l.most+2, len(l.buf)+1)))
		copy(larger, l.buf[:l.hi])
		l.buf = larger
	}
	for range 100 {
		n, err := l.r.Read(l.buf[l.hi:])
		l.hi += n
		l.err = err
		if n > 0 || err != nil {
			return
		}
	}
	l.err = io.ErrNoProgress
}
