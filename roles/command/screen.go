package command

import (
	"bytes"
	"io"
	"sync"
)

// rewind goes back to the beginning of the terminal's line and clears it.
const rewind = "\r\x1b[K"

// screen is a terminal on which one process rewrites a line of progress, a write that
// begins with rewind, while it logs: what is logged meanwhile goes above that line.
type screen struct {
	mu   sync.Mutex
	w    io.Writer
	line []byte // the line of progress with rewind; empty if it is ended
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if bytes.HasPrefix(b, []byte(rewind)) {
		s.line = append(s.line[:0], b...)
		return s.w.Write(b)
	}
	if len(s.line) == 0 || !bytes.HasSuffix(b, []byte("\n")) {
		return s.w.Write(b)
	}
	if len(b) == 1 { // ends the line
		s.line = s.line[:0]
		return s.w.Write(b)
	}
	all := append([]byte(rewind), b...)
	if _, err := s.w.Write(append(all, s.line...)); err != nil {
		return 0, err
	}
	return len(b), nil
}
