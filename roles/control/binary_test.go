package control

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"petuum/algos"
	"petuum/consistency"
	"petuum/table"
)

// What the binary messages say, as the tests compare it.
type (
	reached struct {
		Part int
		At   consistency.Clock
	}
	block struct {
		Round consistency.Clock
		Part  int
		Block algos.Block
	}
	emitted struct {
		Part   int
		Round  consistency.Clock
		Values []float64
	}
	eval struct {
		Part   int
		Clock  consistency.Clock
		Sums   map[string][]float64
		Maxima map[string]float64
	}
	row struct {
		Key    uint64
		Values []byte
	}
	rows struct {
		Last bool
		Rows []row
	}
	load struct {
		Table, Shard int
		Whole        bool
		Rows         []row
	}
	batch struct {
		Timing   Timing
		Messages []table.Message
	}
)

// rowSize is the bytes of a row's values in the tests of Rows, which are of table
// rowTable in shard rowShard.
const rowSize, rowTable, rowShard = 8, 3, 200

// message is a binary message with its two directions. random makes one; decode
// reads one into what encode takes.
type message struct {
	name   string
	random func(r *rand.Rand) any
	encode func(m any) []byte
	decode func(body []byte) (any, error)
}

// run is what Run says.
type run struct{ Until, Best consistency.Clock }

// messages lists them all.
var messages = []message{
	{"Run", func(r *rand.Rand) any { return run{clock(r), clock(r) - 1} },
		func(m any) []byte { return AppendBest(AppendUints(nil, uint64(m.(run).Until)), m.(run).Best) },
		func(body []byte) (any, error) {
			until, best, err := ReadRun(body)
			return run{until, best}, err
		}},
	{"Publish", func(r *rand.Rand) any { return clock(r) - 1 },
		func(m any) []byte { return AppendBest(nil, m.(consistency.Clock)) },
		func(body []byte) (any, error) { return ReadPublish(body) }},
	{"Reached", func(r *rand.Rand) any { return reached{part(r), clock(r)} },
		func(m any) []byte { return AppendUints(nil, uint64(m.(reached).Part), uint64(m.(reached).At)) },
		func(body []byte) (any, error) {
			p, at, err := ReadReached(body)
			return reached{p, at}, err
		}},
	{"Blocks", randomBlocks, encodeBlocks,
		func(body []byte) (any, error) {
			var got []block
			b := stale
			err := ReadBlocks(body, &b)
			if err == nil {
				for i, part := range b.Parts {
					got = append(got, block{b.Round, part, b.Of[i]})
				}
			}
			slices.SortStableFunc(got, func(a, b block) int { return a.Part - b.Part })
			return got, err
		}},
	{"Emitted", func(r *rand.Rand) any {
		m, round := []emitted{}, clock(r)
		for range 1 + r.IntN(3) {
			m = append(m, emitted{part(r), round, floats(r)})
		}
		return m
	}, encodeEmitted,
		func(body []byte) (any, error) {
			var got []emitted
			err := ReadEmitted(body, func(part int, round consistency.Clock, n int) ([]float64, error) {
				values := make([]float64, n)
				got = append(got, emitted{part, round, values})
				return values, nil
			})
			return got, err
		}},
	{"Eval", func(r *rand.Rand) any {
		e := eval{part(r), clock(r), map[string][]float64{}, map[string]float64{}}
		for range r.IntN(4) {
			e.Sums[text(r)] = floats(r)
			e.Maxima[text(r)] = float(r)
		}
		return e
	}, encodeEval,
		func(body []byte) (any, error) {
			p, e, err := ReadEval(body)
			sums, maxima := e.Parts()
			return eval{p, e.Clock, sums, maxima}, err
		}},
	{"Sum", func(r *rand.Rand) any {
		p := Piece{Part: part(r), Clock: clock(r), Name: text(r), At: r.IntN(100), Values: floats(r)}
		if len(p.Values) == 0 {
			p.Values = nil
		}
		p.Len = p.At + len(p.Values) + r.IntN(100)
		return p
	}, encodePiece,
		func(body []byte) (any, error) {
			var buf []float64
			return ReadPiece(body, &buf)
		}},
	{"Norms", func(r *rand.Rand) any {
		var norms []table.Norms
		for range r.IntN(4) {
			norms = append(norms, table.Norms{Sum: float(r), Abs: float(r), Squares: float(r), Max: float(r), NonZeros: number(r), Keys: number(r)})
		}
		return norms
	}, func(m any) []byte { return AppendNorms(nil, m.([]table.Norms)) },
		func(body []byte) (any, error) { return ReadNorms(body) }},
	{"Rows", func(r *rand.Rand) any {
		m := rows{Last: r.IntN(2) == 0}
		for range r.IntN(4) {
			m.Rows = append(m.Rows, row{number(r), binary.LittleEndian.AppendUint64(nil, r.Uint64())})
		}
		return m
	}, encodeRows,
		func(body []byte) (any, error) {
			var got rows
			var err error
			got.Last, err = ReadRows(body, rowTable, rowShard, rowSize, func(key uint64, values []byte) error {
				got.Rows = append(got.Rows, row{key, values})
				return nil
			})
			return got, err
		}},
	{"Stage", func(r *rand.Rand) any { return part(r) },
		func(m any) []byte { return AppendUints(nil, uint64(m.(int))) },
		func(body []byte) (any, error) { return ReadStage(body) }},
	{"Load", func(r *rand.Rand) any {
		m := load{Table: part(r), Shard: part(r), Whole: r.IntN(2) == 1}
		for range r.IntN(4) {
			m.Rows = append(m.Rows, row{number(r), binary.LittleEndian.AppendUint64(nil, r.Uint64())})
		}
		return m
	}, func(m any) []byte {
		var rows []byte
		for _, r := range m.(load).Rows {
			rows = append(AppendUints(rows, r.Key), r.Values...)
		}
		return AppendLoad(nil, m.(load).Table, m.(load).Shard, m.(load).Whole, rows)
	},
		func(body []byte) (any, error) {
			var got load
			var rows []byte
			var err error
			if got.Table, got.Shard, got.Whole, rows, err = ReadLoad(body); err != nil {
				return got, err
			}
			return got, EachRow(rows, rowSize, func(key uint64, values []byte) error {
				got.Rows = append(got.Rows, row{key, values})
				return nil
			})
		}},
	{"Export", func(r *rand.Rand) any { return load{Table: part(r), Shard: part(r), Whole: r.IntN(2) == 1} },
		func(m any) []byte { return AppendExport(nil, m.(load).Table, m.(load).Shard, m.(load).Whole) },
		func(body []byte) (any, error) {
			var got load
			var err error
			got.Table, got.Shard, got.Whole, err = ReadExport(body)
			return got, err
		}},
	{"State", func(r *rand.Rand) any { return StatePiece{part(r), r.IntN(2) == 1, []byte(text(r))} },
		func(m any) []byte { return AppendState(nil, m.(StatePiece)) },
		func(body []byte) (any, error) { return ReadState(body) }},
	{"Save", func(r *rand.Rand) any { return part(r) },
		func(m any) []byte { return AppendUints(nil, uint64(m.(int))) },
		func(body []byte) (any, error) { return ReadPart(body) }},
	{"Batch", func(r *rand.Rand) any {
		b := batch{Timing: Timing{number(r), number(r), number(r)}}
		for range r.IntN(4) {
			b.Messages = append(b.Messages, table.Message{Shard: part(r), Body: []byte(text(r))})
			for r.IntN(3) == 0 && len(b.Messages[len(b.Messages)-1].Body) > 0 {
				b.Messages = append(b.Messages, table.Message{Shard: part(r), Body: b.Messages[len(b.Messages)-1].Body})
			}
		}
		return b
	}, encodeBatch,
		func(body []byte) (any, error) {
			t, m, err := ReadBatch(body, nil)
			return batch{t, m}, err
		}},
}

// same to the bit, but that nil is as good as empty.
var exactly = cmp.Options{cmpopts.EquateEmpty(), cmp.Comparer(func(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b)
})}

// TestBinary sends random messages through their encoding, whole, cut short and
// with bytes too many.
func TestBinary(t *testing.T) {
	const seed = 11
	t.Logf("seed %d", seed)
	for _, m := range messages {
		t.Run(m.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			for i := range 200 {
				want := m.random(r)
				body := m.encode(want)
				got, err := m.decode(body)
				if err != nil {
					t.Fatalf("message %d, %v: %v", i, want, err)
				}
				if m.name == "Blocks" && len(want.([]block)) == 0 {
					got = want // without a part there is nobody to be told of the round
				}
				if diff := cmp.Diff(want, got, exactly); diff != "" {
					t.Fatalf("message %d: (-sent +received)\n%s", i, diff)
				}
				for n := range body {
					if got, err := m.decode(body[:n:n]); err == nil {
						t.Fatalf("message %d: the first %d of %d bytes were read as %v", i, n, len(body), got)
					}
				}
				if _, err := m.decode(append(slices.Clone(body), 0)); err == nil {
					t.Fatalf("message %d: a byte too many was not noticed", i)
				}
			}
		})
	}
}

func TestRefused(t *testing.T) {
	uints := func(vs ...uint64) []byte { return AppendUints(nil, vs...) }
	for _, c := range []struct {
		message, name string
		body          []byte
		want          string
	}{
		{"Run", "clock that is negative", uints(1 << 63), "above"},
		{"Run", "number of more than 64 bits", bytes.Repeat([]byte{0xff}, 11), "truncated"},
		{"Reached", "part beyond 31 bits", uints(1<<31, 0), "above"},
		{"Reached", "bytes left over", uints(1, 2, 3), "1 bytes too many"},
		{"Blocks", "more groups than bytes", uints(0, 1<<40), "above"},
		{"Blocks", "more values than keys", append(uints(0, 1, 1, 0, 0, 1), make([]byte, 8)...), "1 values for 0 keys"},
		{"Emitted", "more values than bytes", append(append([]byte{1, 0, 0, 0}, uints(0, 0, 3)...), make([]byte, 16)...), "above"},
		{"Emitted", "a byte less than the values", append(append([]byte{1, 0, 0, 0}, uints(0, 0, 2)...), make([]byte, 15)...), "truncated"},
		{"Eval", "a sum twice, then longer", append(append(uints(0, 0, 2, 1, 'a', 0, 1, 'a', 1), make([]byte, 8)...), 0), `the sum "a" is there twice`},
		{"Eval", "a sum twice, then shorter", append(append(uints(0, 0, 2, 1, 'a', 1), make([]byte, 8)...), 1, 'a', 0, 0), `the sum "a" is there twice`},
		{"Sum", "a head longer than the frame", []byte{16, 0, 0, 0, 0, 0, 0, 0}, "a head of 16"},
		{"Sum", "a head that is none", []byte{3, 0, 0, 0, 0, 0, 0, 0}, "a head of 3"},
		{"Sum", "part of an element", append(appendPieceHead(nil, 1, 2, "a", 5, 0, 1), 1, 2, 3), "1 elements in 3 bytes"},
		{"Sum", "beyond the sum", append(appendPieceHead(nil, 1, 2, "a", 5, 4, 2), make([]byte, 16)...), "above"},
		{"Sum", "a sum too long", appendPieceHead(nil, 1, 2, "a", 1<<40, 4, 0), "above"},
		{"Sum", "something behind the head", append([]byte{16, 0, 0, 0, 1, 2, 0, 5, 0, 0, 9}, make([]byte, 5)...), "up to 7 zeros"},
		{"Norms", "more tables than bytes", uints(1), "above"},
		{"Rows", "of another table", uints(rowTable+1, rowShard, 1, 0), "table 4 in shard 200, not 3 in 200"},
		{"Rows", "of another shard", uints(rowTable, 7, 1, 0), "table 3 in shard 7, not 3 in 200"},
		{"Rows", "neither last nor not", uints(rowTable, rowShard, 2, 0), "above"},
		{"Rows", "part of a row", append(uints(rowTable, rowShard, 1, 5), make([]byte, 5)...), "truncated"},
		{"Stage", "a stage beyond 31 bits", uints(1 << 31), "above"},
		{"Load", "part of a row", append(uints(rowTable, rowShard, 0, 5), make([]byte, 5)...), "truncated"},
		{"Load", "more rows than bytes", uints(rowTable, rowShard, 0, 1<<40), "above"},
		{"Load", "neither whole nor not", uints(rowTable, rowShard, 2, 0), "above"},
		{"State", "more bytes than there are", uints(1, 1, 9), "above"},
		{"Batch", "message longer than the batch", append(make([]byte, 24), 1, 0, 0, 0, 10, 9, 1), "above"},
		{"Batch", "fewer messages than it says", append(make([]byte, 24), 2, 0, 0, 0, 10, 0), "truncated"},
		{"Batch", "a run without a first message", append(make([]byte, 24), 1, 0, 0, 0, 11), "message 0 of a batch repeats one of 0 bytes"},
		{"Batch", "a run of empty messages", append(make([]byte, 24), 2, 0, 0, 0, 10, 0, 11), "message 1 of a batch repeats one of 0 bytes"},
		{"Batch", "a run of long messages", append(append(append(make([]byte, 24), 2, 0, 0, 0, 10, 0x81, 2), make([]byte, longestRun+1)...), 11), "message 1 of a batch repeats one of 257 bytes"},
		{"Batch", "a shard beyond 31 bits", append(append(make([]byte, 24), 1, 0, 0, 0), uints(1<<32, 0)...), "above"},
		{"Batch", "a run that ends early", append(make([]byte, 24), 3, 0, 0, 0, 10, 1, 7, 11), "truncated"},
		{"Batch", "more messages than any batch has", append(append(make([]byte, 24), 1, 0, 1, 0, 10, 1, 7), bytes.Repeat([]byte{11}, maxMessages)...), "65537 messages, more than 65536"},
		{"Batch", "no head", make([]byte, 27), "truncated"},
	} {
		t.Run(c.message+"/"+c.name, func(t *testing.T) {
			i := slices.IndexFunc(messages, func(m message) bool { return m.name == c.message })
			got, err := messages[i].decode(c.body)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v and the error %v, want one with %q", got, err, c.want)
			}
		})
	}
}

// TestRowsStop checks that an error of whoever takes the rows ends the reading.
func TestRowsStop(t *testing.T) {
	body := encodeRows(rows{Rows: []row{{1, make([]byte, rowSize)}, {2, make([]byte, rowSize)}}})
	stop, calls := fmt.Errorf("disk full"), 0
	_, err := ReadRows(body, rowTable, rowShard, rowSize, func(uint64, []byte) error { calls++; return stop })
	if err != stop || calls != 1 {
		t.Errorf("got %v after %d rows, want %v after 1", err, calls, stop)
	}
}

// TestAllocation holds what a decoder allocates against the bytes that are there,
// whatever they announce.
func TestAllocation(t *testing.T) {
	const perByte, slack = 200, 64 << 10
	bodies := map[string][]byte{}
	for _, n := range []int{0, 100, 1 << 16} {
		for _, fill := range []byte{0, 1, 0x7f, 0xff} {
			for announced := range 5 {
				// some small numbers, then a count of what follows or of too much
				head := AppendUints(nil, slices.Repeat([]uint64{1}, announced)...)
				name := fmt.Sprintf("%d of %#x after %d", n, fill, announced)
				filler := bytes.Repeat([]byte{fill}, n)
				bodies[name+", too many"] = append(AppendUints(slices.Clone(head), 1<<50), filler...)
				bodies[name+", third"] = append(AppendUints(slices.Clone(head), uint64(n)/3), filler...)
			}
		}
	}
	for _, m := range messages {
		for name, body := range bodies {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _ = m.decode(body)
			runtime.ReadMemStats(&after)
			if got, most := after.TotalAlloc-before.TotalAlloc, uint64(len(body)*perByte+slack); got > most {
				t.Errorf("%s of %s: %d bytes allocated for %d, want at most %d", m.name, name, got, len(body), most)
			}
		}
	}
}

// TestBlocksShare checks that a block which several parts share is sent, and
// received, once.
func TestBlocksShare(t *testing.T) {
	shared := algos.Block{Keys: []uint64{1, 2, 3}, Values: []float64{4, 5}}
	twin := algos.Block{Keys: slices.Clone(shared.Keys), Values: slices.Clone(shared.Values)}
	cut := algos.Block{Keys: shared.Keys, Values: shared.Values[:1]} // the same memory, less of it
	for _, c := range []struct {
		name   string
		parts  []int
		blocks []algos.Block
		groups [][]int
	}{
		{"all share", []int{0, 1, 2}, []algos.Block{shared, shared, shared}, [][]int{{0, 1, 2}}},
		{"equal is not shared", []int{0, 1}, []algos.Block{shared, twin}, [][]int{{0}, {1}}},
		{"equal but for the last keys", []int{0, 1}, []algos.Block{{Keys: []uint64{1, 2}}, {Keys: []uint64{1, 3}}}, [][]int{{0}, {1}}},
		{"less of the same memory", []int{0, 1, 2}, []algos.Block{shared, cut, shared}, [][]int{{0, 2}, {1}}},
		{"empty ones", []int{0, 1, 2}, []algos.Block{{}, shared, {Keys: []uint64{}}}, [][]int{{0, 2}, {1}}},
		{"some of the parts", []int{1, 3}, []algos.Block{twin, shared, twin, shared}, [][]int{{1, 3}}},
		{"none", nil, []algos.Block{shared}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := AppendBlocks(nil, 9, c.parts, c.blocks)
			want := AppendUints(nil, 9, uint64(len(c.groups)))
			for _, g := range c.groups {
				b := c.blocks[g[0]]
				want = AppendUints(want, uint64(len(g)))
				for _, p := range g {
					want = AppendUints(want, uint64(p))
				}
				want = appendFloats(AppendUints(AppendUints(want, uint64(len(b.Keys))), b.Keys...), b.Values)
			}
			if !bytes.Equal(body, want) {
				t.Errorf("got  %x\nwant %x", body, want)
			}
			var b Blocks
			err := ReadBlocks(body, &b)
			if round, wrong := RoundOf(body); b.Round != 9 || round != 9 || wrong != nil {
				t.Errorf("round %d and %d (%v), want 9", b.Round, round, wrong)
			}
			got := map[int]algos.Block{}
			for i, part := range b.Parts {
				got[part] = b.Of[i]
			}
			if err != nil || len(got) != len(c.parts) {
				t.Fatalf("blocks of %d parts and %v, want %d", len(got), err, len(c.parts))
			}
			for _, g := range c.groups {
				for _, p := range g {
					if diff := cmp.Diff(c.blocks[p], got[p], exactly); diff != "" {
						t.Errorf("part %d: (-sent +received)\n%s", p, diff)
					}
					if !got[g[0]].Shares(got[p]) {
						t.Errorf("parts %d and %d do not share their block", g[0], p)
					}
				}
			}
		})
	}
}

// TestSmallest checks that no message is refused for being made of many things
// that could not be smaller.
func TestSmallest(t *testing.T) {
	const n = 60
	e := eval{Sums: map[string][]float64{"": nil}, Maxima: map[string]float64{"": 0}}
	var blocks []block
	var some batch
	for p := range n {
		e.Sums[string(rune('A'+p))], e.Maxima[string(rune('A'+p))] = nil, 0
		blocks = append(blocks, block{Part: p, Block: algos.Block{Keys: []uint64{0}}})
		some.Messages = append(some.Messages, table.Message{})
	}
	for name, want := range map[string]any{"Blocks": blocks, "Eval": e, "Norms": make([]table.Norms, n), "Batch": some,
		"Emitted": []emitted{{Values: make([]float64, n)}, {Part: 1, Values: []float64{}}}} {
		i := slices.IndexFunc(messages, func(m message) bool { return m.name == name })
		got, err := messages[i].decode(messages[i].encode(want))
		if diff := cmp.Diff(want, got, exactly); err != nil || diff != "" {
			t.Errorf("%s: %v, (-sent +received)\n%s", name, err, diff)
		}
	}
}

// TestEach checks that the first mistake ends a list, however long it should be.
func TestEach(t *testing.T) {
	r, n := NewReader(append(AppendUints(nil, 100), make([]byte, 100)...)), 0
	for range r.Each(1) {
		if n++; n == 3 {
			r.Bytes(1000)
		}
	}
	if n != 3 || r.Err() == nil {
		t.Errorf("%d things and the error %v, want an error that ends it at 3", n, r.Err())
	}
}

// TestReuse checks that the hot decoders use the buffers they are given.
func TestReuse(t *testing.T) {
	body := encodeBatch(batch{Messages: []table.Message{{Shard: 1, Body: []byte("one")}, {Shard: 2, Body: []byte("two")}}})
	got := EndEmitted(AppendEmitted(BeginEmitted(nil, 4), 3, []float64{5, 6}), 1)
	blocks := AppendBlocks(nil, 4, []int{0, 2}, []algos.Block{{Keys: []uint64{1, 2}, Values: []float64{3}}, {}, {Keys: []uint64{4}}})
	var b Blocks
	msgs, values := make([]table.Message, 8), make([]float64, 8)
	if n := testing.AllocsPerRun(100, func() {
		_, m, err := ReadBatch(body, msgs)
		err2 := ReadEmitted(got, func(int, consistency.Clock, int) ([]float64, error) { return values[:2], nil })
		err3 := ReadBlocks(blocks, &b)
		if err != nil || err2 != nil || err3 != nil || len(m) != 2 || &m[0] != &msgs[0] || values[1] != 6 || len(b.Of) != 2 {
			t.Fatalf("got %v, %v, %v, %v and %v, %v", m, err, values, err2, b, err3)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// FuzzDecode reads garbage as every message. What is accepted is the same once it
// has been encoded again.
func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(12, 0))
	for kind, m := range messages {
		for range 4 {
			f.Add(byte(kind), m.encode(m.random(r)))
		}
	}
	f.Add(byte(4), append(append(AppendUints(nil, 0, 0, 2, 1, 'a', 0, 1, 'a', 1), make([]byte, 8)...), 0))
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		m := messages[int(kind)%len(messages)]
		got, err := m.decode(body)
		if err != nil {
			return
		}
		if blocks, ok := got.([]block); ok {
			for i, b := range blocks {
				if len(b.Block.Values) > len(b.Block.Keys) {
					t.Fatalf("a block of %d keys with %d values", len(b.Block.Keys), len(b.Block.Values))
				}
				if b.Part > 1000 || i > 0 && b.Part == blocks[i-1].Part {
					return // no job has so many, nor a part twice
				}
			}
			if len(blocks) == 0 {
				return
			}
		}
		again, err := m.decode(m.encode(got))
		if err != nil {
			t.Fatalf("%s %v cannot be read once it was encoded: %v", m.name, got, err)
		}
		if diff := cmp.Diff(got, again, exactly); diff != "" {
			t.Fatalf("%s: (-first +second)\n%s", m.name, diff)
		}
	})
}
