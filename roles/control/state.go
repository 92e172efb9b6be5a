package control

import (
	"fmt"
	"io"
	"math"
)

// pieceBytes is those of a piece of a part's state.
const pieceBytes = 1 << 20

// StatePiece is a piece of a part's state.
type StatePiece struct {
	Part  int
	Last  bool
	Bytes []byte
}

// AppendState encodes State.
func AppendState(b []byte, p StatePiece) []byte {
	return append(AppendUints(b, uint64(p.Part), bit(p.Last), uint64(len(p.Bytes))), p.Bytes...)
}

// ReadState decodes State; the bytes share the body's memory.
func ReadState(body []byte) (p StatePiece, err error) {
	r := NewReader(body)
	p.Part = int(r.Uint(math.MaxInt32))
	p.Last = r.Uint(1) == 1
	p.Bytes = r.Bytes(r.Count(1))
	return p, r.Err()
}

// ReadPart decodes Save and More.
func ReadPart(body []byte) (part int, err error) {
	r := NewReader(body)
	part = int(r.Uint(math.MaxInt32))
	return part, r.Err()
}

// StateWriter cuts the state of a part into pieces. Each is sent after the one before was
// asked to be followed, so that no more than one is under way, however large a state is.
type StateWriter struct {
	Part  int
	Send  func(body []byte) error // a State
	Await func() error            // More
	buf   []byte
	sent  bool
	frame []byte
}

// Write takes some of the state.
func (w *StateWriter) Write(b []byte) (int, error) {
	n := len(b)
	for len(w.buf)+len(b) > pieceBytes {
		some := pieceBytes - len(w.buf)
		w.buf, b = append(w.buf, b[:some]...), b[some:]
		if err := w.flush(false); err != nil {
			return 0, err
		}
	}
	w.buf = append(w.buf, b...)
	return n, nil
}

// Close sends the last piece.
func (w *StateWriter) Close() error { return w.flush(true) }

func (w *StateWriter) flush(last bool) error {
	if w.sent {
		if err := w.Await(); err != nil {
			return err
		}
	}
	w.sent = true
	w.frame = AppendState(w.frame[:0], StatePiece{w.Part, last, w.buf})
	w.buf = w.buf[:0]
	return w.Send(w.frame)
}

// StateReader puts the pieces of the state of a part together.
type StateReader struct {
	Part  int
	Next  func() ([]byte, error) // the body of the next State
	More  func() error           // asks for another one
	piece StatePiece
	some  bool
}

// Read implements io.Reader.
func (r *StateReader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for len(r.piece.Bytes) == 0 {
		if r.piece.Last {
			return 0, io.EOF
		}
		if r.some {
			if err := r.More(); err != nil {
				return 0, err
			}
		}
		body, err := r.Next()
		if err != nil {
			return 0, err
		}
		if r.piece, err = ReadState(body); err != nil {
			return 0, err
		}
		if r.some = true; r.piece.Part != r.Part {
			return 0, fmt.Errorf("control: a piece of the state of part %d, while that of part %d was due", r.piece.Part, r.Part)
		}
	}
	n := copy(b, r.piece.Bytes)
	r.piece.Bytes = r.piece.Bytes[n:]
	return n, nil
}
