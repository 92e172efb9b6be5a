package control

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"petuum/consistency"
	"petuum/table"
	"petuum/table/kernel"
)

// The bodies of the hot messages, numbers as unsigned varints, floats as eight
// bytes little endian:
//
//	Run      until
//	Reached  part clock
//	Blocks   round nblocks (nparts part* nkeys key* nvalues float*)*
//	Emitted  nparts round (part n float*)*     nparts is a number of four bytes
//	Evaluate (empty)
//	Sum      size part clock name len at n, zeros up to size, float*: n elements of a long
//	         sum of len, those from at on; size is a number of four bytes
//	Eval     part clock nsums (name n float*)* nmaxima (name float)*: what is left
//	Norms    ntables (sum abs squares max: floats, nonzeros keys)*
//	Stage    stage
//	Export   table shard whole
//	Rows     table shard last length byte*     rows: key, then the values as stored; whole: and state
//	Load     table shard whole length byte*    rows: as those of Rows
//	Save     part
//	State    part last length byte*
//	More     part
//	Batch    queue apply held (nanoseconds) nmessages (2*shard length byte* | 2*shard+1)*
//	         the first four are numbers of 8, 8, 8 and 4 bytes, little endian; 2*shard+1
//	         alone is the message before once more, for another shard: a run

var errShort = errors.New("control: message is truncated")

// Reader decodes a body; the first mistake sticks.
type Reader struct {
	b   []byte
	err error
}

// NewReader reads body.
func NewReader(body []byte) *Reader { return &Reader{b: body} }

// Err is the first mistake, or that bytes are left over.
func (r *Reader) Err() error {
	if r.err == nil && len(r.b) > 0 {
		return fmt.Errorf("control: %d bytes too many", len(r.b))
	}
	return r.err
}

// Uint reads a number of at most limit.
func (r *Reader) Uint(limit uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > limit {
		if r.err == nil {
			r.err = errShort
			if n > 0 {
				r.err = fmt.Errorf("control: %d is above %d", v, limit)
			}
		}
		r.b = nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// Count reads how many things of at least size bytes follow.
func (r *Reader) Count(size int) int { return int(r.Uint(uint64(len(r.b) / size))) }

// Each reads how many things of at least size bytes follow and yields once for
// each of them, until the first mistake.
func (r *Reader) Each(size int) func(yield func() bool) {
	return func(yield func() bool) {
		for n := r.Count(size); n > 0 && r.err == nil && yield(); n-- {
		}
	}
}

// Bytes reads n bytes, which share the body's memory.
func (r *Reader) Bytes(n int) []byte {
	if n > len(r.b) {
		r.err, r.b = cmpErr(r.err, errShort), nil
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func cmpErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// Float reads one.
func (r *Reader) Float() float64 {
	if b := r.Bytes(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

// Floats reads n and that many floats into buf[:0].
func (r *Reader) Floats(buf []float64) []float64 {
	n := r.Count(8)
	buf = slices.Grow(buf[:0], n)[:n]
	r.fill(buf)
	return buf
}

// fill reads as many floats as there is room for.
func (r *Reader) fill(room []float64) {
	if b := r.Bytes(8 * len(room)); b != nil {
		kernel.Load(room, b)
	}
}

func appendFloats(b []byte, fs []float64) []byte {
	return kernel.Append(binary.AppendUvarint(b, uint64(len(fs))), fs)
}

// AppendUints appends numbers.
func AppendUints(b []byte, vs ...uint64) []byte {
	for _, v := range vs {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

const maxClock = math.MaxInt64

// AppendBest encodes the clock of the best evaluation, -1 if there is none.
func AppendBest(b []byte, best consistency.Clock) []byte { return AppendUints(b, uint64(best+1)) }

// ReadRun decodes Run: up to which clock, and then the clock of the best evaluation.
func ReadRun(body []byte) (until, best consistency.Clock, err error) {
	r := NewReader(body)
	until = consistency.Clock(r.Uint(maxClock))
	best = consistency.Clock(r.Uint(maxClock)) - 1
	return until, best, r.Err()
}

// ReadPublish decodes Publish, the clock of the best evaluation.
func ReadPublish(body []byte) (best consistency.Clock, err error) {
	r := NewReader(body)
	best = consistency.Clock(r.Uint(maxClock)) - 1
	return best, r.Err()
}

// AppendEvaluate encodes Evaluate; settled asks to pay first what lossy tables owe.
func AppendEvaluate(b []byte, settled bool) []byte {
	if settled {
		return AppendUints(b, 1)
	}
	return AppendUints(b, 0)
}

// ReadEvaluate decodes Evaluate.
func ReadEvaluate(body []byte) (settled bool, err error) {
	r := NewReader(body)
	settled = r.Uint(1) == 1
	return settled, r.Err()
}

// ReadStage decodes Stage.
func ReadStage(body []byte) (stage int, err error) {
	r := NewReader(body)
	stage = int(r.Uint(math.MaxInt32))
	return stage, r.Err()
}

// ReadReached decodes Reached.
func ReadReached(body []byte) (part int, at consistency.Clock, err error) {
	r := NewReader(body)
	part, at = int(r.Uint(math.MaxInt32)), consistency.Clock(r.Uint(maxClock))
	return part, at, r.Err()
}

// AppendNorms encodes the norms of each table.
func AppendNorms(b []byte, norms []table.Norms) []byte {
	b = AppendUints(b, uint64(len(norms)))
	for _, n := range norms {
		for _, f := range []float64{n.Sum, n.Abs, n.Squares, n.Max} {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
		}
		b = AppendUints(b, n.NonZeros, n.Keys)
	}
	return b
}

// ReadNorms decodes Norms.
func ReadNorms(body []byte) ([]table.Norms, error) {
	r := NewReader(body)
	var norms []table.Norms
	for range r.Each(34) {
		norms = append(norms, table.Norms{Sum: r.Float(), Abs: r.Float(), Squares: r.Float(), Max: r.Float(),
			NonZeros: r.Uint(math.MaxUint64), Keys: r.Uint(math.MaxUint64)})
	}
	return norms, r.Err()
}

// Timing is what a server says about the messages of a batch: how long they
// waited for a shard, took in it, and were held for the slowest origin, in
// nanoseconds and for the slowest of them.
type Timing struct{ Queue, Apply, Held uint64 }

// BatchHead is the bytes that a batch begins with: leave room for them, append
// messages, and fill them in.
const BatchHead = 3*8 + 4

// PutBatchHead fills in the head of a batch of n messages.
func PutBatchHead(b []byte, t Timing, n int) {
	binary.LittleEndian.PutUint64(b, t.Queue)
	binary.LittleEndian.PutUint64(b[8:], t.Apply)
	binary.LittleEndian.PutUint64(b[16:], t.Held)
	binary.LittleEndian.PutUint32(b[24:], uint32(n))
}

// What a batch is read into is bounded by these and not by the length of a frame: a
// message of a run takes a byte there.
const (
	maxMessages = ownedFrom // in a batch: it is sent when it is this long, and each takes a byte at least
	longestRun  = 256       // bytes of a message that travels once for several shards
)

// AppendMessageHead begins a message of size bytes, which follow it.
func AppendMessageHead(b []byte, shard, size int) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(shard)<<1), uint64(size))
}

// AppendAgain appends the message before once more, for a shard.
func AppendAgain(b []byte, shard int) []byte { return binary.AppendUvarint(b, uint64(shard)<<1|1) }

// ReadBatch decodes Batch into buf[:0]; the messages share the body's memory, those
// of a run the same.
func ReadBatch(body []byte, buf []table.Message) (Timing, []table.Message, error) {
	r := NewReader(body)
	head := r.Bytes(BatchHead)
	buf = buf[:0]
	if head == nil {
		return Timing{}, buf, r.Err()
	}
	t := Timing{binary.LittleEndian.Uint64(head), binary.LittleEndian.Uint64(head[8:]), binary.LittleEndian.Uint64(head[16:])}
	n := binary.LittleEndian.Uint32(head[24:])
	if n > maxMessages {
		return t, buf, fmt.Errorf("control: a batch of %d messages, more than %d", n, maxMessages)
	}
	var last []byte
	for ; n > 0 && r.err == nil; n-- {
		shard := r.Uint(math.MaxInt32<<1 | 1)
		if shard&1 == 0 {
			last = r.Bytes(r.Count(1))
		} else if len(last) == 0 || len(last) > longestRun {
			return t, buf, fmt.Errorf("control: message %d of a batch repeats one of %d bytes: only 1 to %d may be", len(buf), len(last), longestRun)
		}
		buf = append(buf, table.Message{Shard: int(shard >> 1), Body: last})
	}
	return t, buf, r.Err()
}

// ReadRows decodes Rows of a table in a shard, whose rows have size bytes of
// values, and calls add for each; last reports whether the shard has no more.
func ReadRows(body []byte, table, shard, size int, add func(key uint64, values []byte) error) (last bool, err error) {
	r := NewReader(body)
	t, k := int(r.Uint(math.MaxInt32)), int(r.Uint(math.MaxInt32))
	last = r.Uint(1) == 1
	rows := r.Bytes(r.Count(1))
	if err := r.Err(); err != nil {
		return false, err
	}
	if t != table || k != shard {
		return false, fmt.Errorf("control: rows of table %d in shard %d, not %d in %d", t, k, table, shard)
	}
	if err := EachRow(rows, size, add); err != nil {
		return false, err
	}
	return last, nil
}

// EachRow calls add for each of encoded rows, which have size bytes of values.
func EachRow(rows []byte, size int, add func(key uint64, values []byte) error) error {
	r := NewReader(rows)
	for len(r.b) > 0 {
		key := r.Uint(math.MaxUint64)
		values := r.Bytes(size)
		if r.err != nil {
			return r.err
		}
		if err := add(key, values); err != nil {
			return err
		}
	}
	return nil
}

// AppendLoad encodes Load of rows that are encoded already; whole says that they have the
// state of rules.
func AppendLoad(b []byte, table, shard int, whole bool, rows []byte) []byte {
	return append(AppendUints(b, uint64(table), uint64(shard), bit(whole), uint64(len(rows))), rows...)
}

// ReadLoad decodes Load; the rows, for EachRow, share the body's memory.
func ReadLoad(body []byte) (table, shard int, whole bool, rows []byte, err error) {
	r := NewReader(body)
	table, shard = int(r.Uint(math.MaxInt32)), int(r.Uint(math.MaxInt32))
	whole = r.Uint(1) == 1
	rows = r.Bytes(r.Count(1))
	return table, shard, whole, rows, r.Err()
}

// AppendExport encodes Export.
func AppendExport(b []byte, table, shard int, whole bool) []byte {
	return AppendUints(b, uint64(table), uint64(shard), bit(whole))
}

// ReadExport decodes Export.
func ReadExport(body []byte) (table, shard int, whole bool, err error) {
	r := NewReader(body)
	table, shard = int(r.Uint(math.MaxInt32)), int(r.Uint(math.MaxInt32))
	whole = r.Uint(1) == 1
	return table, shard, whole, r.Err()
}

func bit(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}
