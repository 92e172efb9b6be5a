package table

import "petuum/table/kernel"

// integers reports whether values travel in as few bytes as their groups need: see
// kernel.AppendInts.
func (s Spec) integers() bool { return s.Type == Int32 }

// rowsIn is how many rows n bytes of a message hold at most.
func (s Spec) rowsIn(n int) int {
	if s.integers() {
		return kernel.IntsIn(n) / s.width()
	}
	return n / s.rowBytes()
}

// appendWire encodes values of a table that is not lossy.
func appendWire[T Elem](b []byte, x []T) []byte {
	if ints, ok := any(x).([]int32); ok {
		return kernel.AppendInts(b, ints)
	}
	return kernel.Append(b, x)
}

// takeWire moves values to the end of b and reports whether some value was 0. All of x
// becomes 0.
func takeWire[T Elem](b []byte, x []T) (out []byte, zeros bool) {
	ints, ok := any(x).([]int32)
	if !ok {
		return kernel.Take(b, x)
	}
	zeros = kernel.HasZero(x)
	b = kernel.AppendInts(b, ints)
	clear(x)
	return b, zeros
}

// wire reads the bytes of n values.
func (r *reader) wire(spec Spec, n int) []byte {
	if !spec.integers() {
		return r.bytes(n * spec.Type.Size())
	}
	size, err := kernel.SkimInts(r.b, n)
	if err != nil {
		r.fail(err)
		return nil
	}
	return r.bytes(size)
}

// loadWire reads the values of x from what wire has returned.
func loadWire[T Elem](x []T, b []byte) {
	if ints, ok := any(x).([]int32); ok {
		kernel.LoadInts(ints, b)
		return
	}
	kernel.Load(x, b)
}

// wireValues returns the n values of what wire has returned: in b's own memory where
// that is possible, else in buf's.
func wireValues[T Elem](b []byte, n int, buf *[]T) []T {
	if _, ok := any(*buf).([]int32); !ok {
		return kernel.Values(b, n, buf)
	}
	*buf = resized(*buf, n)
	loadWire(*buf, b)
	return *buf
}

// widened appends to room the whole numbers of n rows, as they are in memory, and returns
// them, too; b is what wire has returned.
func (s *store[T]) widened(b []byte, n int, room []byte) (values, after []byte) {
	first := len(room)
	room = kernel.Append(room, wireValues(b, n*s.width, &s.buf))
	return room[first:len(room):len(room)], room
}

// A run appends values that come in pieces as if they came at once.
type run[T Elem] struct {
	b    []byte
	rest []T // fewer than runSize, for whole numbers alone
}

// runSize is a multiple of the values that whole numbers are grouped by.
const runSize = 64

func (r *run[T]) add(x []T) {
	if _, ok := any(x).([]int32); !ok {
		r.b = kernel.Append(r.b, x)
		return
	}
	if len(r.rest) > 0 {
		n := min(runSize-len(r.rest), len(x))
		r.rest, x = append(r.rest, x[:n]...), x[n:]
		if len(r.rest) < runSize {
			return
		}
		r.b, r.rest = appendWire(r.b, r.rest), r.rest[:0]
	}
	n := len(x) - len(x)%runSize
	r.b = appendWire(r.b, x[:n])
	r.rest = append(r.rest, x[n:]...)
}

func (r *run[T]) end() []byte { return appendWire(r.b, r.rest) }
