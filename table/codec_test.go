package table

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"petuum/table/kernel"
)

func TestPositionsRoundTrip(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	forms := map[byte]int{}
	for i := range 3000 {
		n := rnd.IntN(1 + []int{10, 300, 40000}[i%3])
		density := []float64{0.001, 0.02, 0.2, 0.9, 1}[i%5]
		var want []int32
		for p := range n {
			if rnd.Float64() < density {
				want = append(want, int32(p))
			}
		}
		const rowSize = 4
		b := appendPlaces(nil, listed(want), n)
		forms[b[0]]++
		if limit := 1 + (n+7)/8 + binary.MaxVarintLen32; len(b) > limit {
			t.Fatalf("%d of %d positions take %d bytes, want at most %d", len(want), n, len(b), limit)
		}
		r := &reader{b: append(b, make([]byte, len(want)*rowSize)...)}
		got := r.places(n, len(r.b)/rowSize, new([]int32))
		if r.err != nil || !slices.Equal(positionsOf(got), want) || len(r.b) != len(want)*rowSize {
			t.Fatalf("%d of %d positions in form %d: got %v, %v, %d bytes left", len(want), n, b[0], got, r.err, len(r.b))
		}
		if len(want) > 0 && b[0] != posBits { // nothing is made for values that are not there
			r = &reader{b: b}
			if r.places(n, len(r.b)>>20, new([]int32)); r.err == nil {
				t.Fatalf("form %d: %d positions without their values: got no error", b[0], len(want))
			}
		}
	}
	if len(forms) != 3 {
		t.Errorf("forms used: got %v, want all three", forms)
	}
}

func TestSetsRoundTrip(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for i := range 2000 {
		keys := []uint64{1, 100, 1 << 40, math.MaxUint64}[i%4]
		want := randomSet(rnd, keys)
		r := &reader{b: appendSet(nil, want)}
		got := r.set(keys, new([]uint64))
		if r.err != nil || len(r.b) > 0 || got.isRange() != want.isRange() || !slices.Equal(keysOf(got), keysOf(want)) {
			t.Fatalf("%v: got %v, %v, %d bytes left", want, got, r.err, len(r.b))
		}
		if n := want.Len(); n > 0 {
			r = &reader{b: appendSet(nil, want)}
			if r.set(want.Key(n-1), new([]uint64)); r.err == nil {
				t.Fatalf("%v in %d keys: got no error", want, want.Key(n-1))
			}
		}
	}
}

func TestReaderLimits(t *testing.T) {
	uv := func(vs ...uint64) []byte { return appendUints(nil, vs...) }
	for _, c := range []struct {
		name string
		b    []byte
		read func(r *reader)
	}{
		{"nothing", nil, func(r *reader) { r.uvarint() }},
		{"no byte", nil, func(r *reader) { r.byte() }},
		{"half a varint", []byte{0x80}, func(r *reader) { r.uvarint() }},
		{"varint of 11 bytes", append(slices.Repeat([]byte{0xff}, 10), 1), func(r *reader) { r.uvarint() }},
		{"three of four bytes", []byte{1, 2, 3}, func(r *reader) { r.u32() }},
		{"negative length", []byte{1}, func(r *reader) { r.bytes(-1) }},
		{"flag", uv(2), func(r *reader) { r.flag() }},
		{"number of 33 bits", uv(1 << 32), func(r *reader) { r.u32v() }},
		{"count", uv(4, 0, 0, 0), func(r *reader) { r.count(1) }},
		{"huge count", uv(math.MaxUint64), func(r *reader) { r.count(3) }},
		{"rows", uv(1), func(r *reader) { r.rowList(1 << 40) }},
		{"set form", uv(2), func(r *reader) { r.set(10, new([]uint64)) }},
		{"range begin", uv(setRange, 11, 0), func(r *reader) { r.set(10, new([]uint64)) }},
		{"range length", uv(setRange, 4, 7), func(r *reader) { r.set(10, new([]uint64)) }},
		{"list length", uv(setList, 1<<60, 1), func(r *reader) { r.set(10, new([]uint64)) }},
		{"list cut", append(uv(setList, 2, 1), 0x80), func(r *reader) { r.set(10, new([]uint64)) }},
		{"list key", uv(setList, 2, 9, 0), func(r *reader) { r.set(10, new([]uint64)) }},
		{"list carry", uv(setList, 2, 9, math.MaxUint64), func(r *reader) { r.set(math.MaxUint64, new([]uint64)) }},
		{"positions form", uv(3), func(r *reader) { r.places(10, len(r.b)/4, new([]int32)) }},
		{"all, values missing", uv(posAll), func(r *reader) { r.places(1<<31, len(r.b)/4, new([]int32)) }},
		{"gaps count", uv(posGaps, 11), func(r *reader) { r.places(10, len(r.b)/1, new([]int32)) }},
		{"gaps beyond", append(uv(posGaps, 2, 9, 0), make([]byte, 9)...), func(r *reader) { r.places(10, len(r.b)/1, new([]int32)) }},
		{"gap too long", append(uv(posGaps, 1, math.MaxUint64), make([]byte, 9)...), func(r *reader) { r.places(10, len(r.b)/1, new([]int32)) }},
		{"bitmap cut", uv(posBits, 1), func(r *reader) { r.places(10, len(r.b)/1, new([]int32)) }},
		{"bit beyond", uv(posBits, 0, 4), func(r *reader) { r.places(10, len(r.b)/1, new([]int32)) }},
	} {
		r := &reader{b: c.b}
		c.read(r)
		if r.err == nil {
			t.Errorf("%s: got no error", c.name)
		}
		first := r.err
		if v := r.uvarint(); v != 0 || r.err != first {
			t.Errorf("%s: after the error: got %d, %v, want 0 and the first error", c.name, v, r.err)
		}
	}
}

func TestVarintsRoundTrip(t *testing.T) {
	for _, want := range []int64{0, 1, -1, 63, -64, 64, math.MaxInt64, math.MinInt64} {
		r := &reader{b: appendVarint(nil, want)}
		if got := r.varint(); got != want || r.err != nil || len(r.b) > 0 {
			t.Errorf("%d: got %d, %v, %d bytes left", want, got, r.err, len(r.b))
		}
	}
}

// positionsOf lists places.
func positionsOf(at places) []int32 {
	if at.all {
		return every(1, at.n)
	}
	return at.list
}

func TestRowsRoundTrip(t *testing.T) {
	roundTripRow(t, []float32{0, float32(math.Copysign(0, -1)), 1.5, math.MaxFloat32, float32(math.Inf(-1))})
	roundTripRow(t, []float64{0, -2.25, math.SmallestNonzeroFloat64, math.Inf(1)})
	roundTripRow(t, []int32{0, -1, math.MaxInt32, math.MinInt32})
	for _, bits := range []uint32{0x7fc00001, 0xffc12345} { // a NaN keeps its payload
		row := make([]float32, 1)
		kernel.Load(row, kernel.Append(nil, []float32{math.Float32frombits(bits)}))
		if got := math.Float32bits(row[0]); got != bits {
			t.Errorf("NaN: got %x, want %x", got, bits)
		}
	}
}

func roundTripRow[T Elem](t *testing.T, want []T) {
	t.Helper()
	b := kernel.Append(nil, want)
	if len(b) != len(want)*typeOf[T]().Size() {
		t.Errorf("%v takes %d bytes", want, len(b))
	}
	got := make([]T, len(want))
	kernel.Load(got, b)
	wantValues(t, "round trip", got, want...)
	var one []byte
	for _, v := range want {
		one = kernel.Append(one, []T{v})
	}
	if !slices.Equal(one, b) {
		t.Errorf("element by element: got %x, want %x", one, b)
	}
}

func TestSetGeneration(t *testing.T) {
	msg := appendVarint(appendHeader(nil, kindLeave, 5, 1<<31), -3)
	setGeneration(msg, 1<<32-1)
	r := &reader{b: msg}
	k, gen, origin := r.header()
	if k != kindLeave || gen != 1<<32-1 || origin != 1<<31 || r.varint() != -3 || r.err != nil {
		t.Errorf("got %s of generation %d, origin %d, %v", k, gen, origin, r.err)
	}
}
