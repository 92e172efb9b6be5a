package table

import (
	"testing"

	"petuum/consistency"
	"petuum/table/kernel"
	"petuum/table/placement"
)

const benchKeys = 100_000

// benchShard is a shard of one origin that holds set of a float32 table.
func benchShard(b *testing.B, keys uint64, set Set) *Shard {
	b.Helper()
	s, err := NewShard(0, 1, []Spec{{Name: "w", Keys: keys}}, placement.NewRoster(1), Options{Policy: consistency.ASP(), Life: 1})
	if err != nil {
		b.Fatal(err)
	}
	for _, msg := range [][]byte{helloMessage(0), appendSet(appendUints(appendHeader(nil, kindHold, 1, 0), 0, 1, 0), set)} {
		if err := s.Handle(msg, func(consistency.Origin, *Buffer) {}); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// benchUpdate is the update that ends clock, with a value at each of positions.
func benchUpdate(msg []byte, clock int, positions []int32, n int) []byte {
	msg = appendVarint(appendHeader(msg[:0], kindUpdate, 1, 0), int64(clock))
	msg = appendVarint(appendUint(msg, 0), 0)
	msg = appendUints(appendVarint(msg, 0), flagLast, 1, 0, 0, 0, 0, 1)
	msg = appendPlaces(msg, listed(positions), n)
	for range positions {
		msg = kernel.Append(msg, []float32{0.5})
	}
	return append(msg, 0)
}

// every lists each step-th position below n.
func every(step, n int) (positions []int32) {
	for p := 0; p < n; p += step {
		positions = append(positions, int32(p))
	}
	return positions
}

func benchHandle(b *testing.B, keys uint64, set Set, step int) {
	s := benchShard(b, keys, set)
	positions := every(step, set.Len())
	var msg []byte
	answered := 0
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		msg = benchUpdate(msg, n+1, positions, set.Len())
		b.StartTimer()
		if err := s.Handle(msg, func(_ consistency.Origin, m *Buffer) { answered += len(m.Bytes) }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(positions))*float64(b.N)/b.Elapsed().Seconds(), "values/s")
	b.ReportMetric(float64(answered)/float64(b.N), "answerB/op")
}

// Handle applies an update and encodes the answer, which has as many values.
func BenchmarkHandleDense(b *testing.B) { benchHandle(b, benchKeys, Span(0, benchKeys), 1) }

func BenchmarkHandleDenseOneInTen(b *testing.B) { benchHandle(b, benchKeys, Span(0, benchKeys), 10) }

func BenchmarkHandleSparse(b *testing.B) {
	list := make([]uint64, benchKeys)
	for i := range list {
		list[i] = uint64(i) * 997_331
	}
	benchHandle(b, 1<<40, Keys(list), 1)
}

// BenchmarkAnswer is the answer alone, of a range that changed throughout.
func BenchmarkAnswer(b *testing.B) {
	s := benchShard(b, benchKeys, Span(0, benchKeys))
	if err := s.Handle(benchUpdate(nil, 1, every(1, benchKeys), benchKeys), func(consistency.Origin, *Buffer) {}); err != nil {
		b.Fatal(err)
	}
	ses := s.sessions[0]
	b.ReportAllocs()
	for b.Loop() {
		ses.holds[0].sent = 0
		s.answer(0, ses, request{}, func(consistency.Origin, *Buffer) {})
	}
	b.ReportMetric(benchKeys*float64(b.N)/b.Elapsed().Seconds(), "values/s")
}

func benchClock(b *testing.B, policy consistency.Policy, step int) {
	r := newRig(b, rigJob{specs: []Spec{{Name: "w", Keys: benchKeys}}, shards: 4, policy: policy})
	v := openView[float32](r, 0, 0, "w", Span(0, benchKeys), Increments)
	r.start()
	b.ReportAllocs()
	for b.Loop() {
		for i := 0; i < benchKeys; i += step {
			v.Inc(i, 0.5)
		}
		r.clock()
	}
	b.ReportMetric(benchKeys/float64(step)*float64(b.N)/b.Elapsed().Seconds(), "values/s")
}

// Clock with four shards: update, apply, answer and refresh, in one goroutine.
func BenchmarkClockBSP(b *testing.B)           { benchClock(b, consistency.BSP(), 1) }
func BenchmarkClockSSP(b *testing.B)           { benchClock(b, consistency.SSP(2), 1) }
func BenchmarkClockOneInAHundred(b *testing.B) { benchClock(b, consistency.BSP(), 100) }

func BenchmarkInc(b *testing.B) {
	r := newRig(b, rigJob{specs: []Spec{{Name: "w", Keys: benchKeys}}})
	v := openView[float32](r, 0, 0, "w", Span(0, benchKeys), Increments)
	r.start()
	for b.Loop() {
		for i := range benchKeys {
			v.Inc(i, 0.5)
		}
	}
	b.ReportMetric(benchKeys*float64(b.N)/b.Elapsed().Seconds(), "values/s")
}

// Two clients change keys of which they hold half in common, at the same time.
func BenchmarkTwoHolders(b *testing.B) {
	const n = 1 << 18
	r := newRig(b, rigJob{specs: []Spec{{Name: "w", Keys: 1 << 32}}, shards: 16, parts: []int{1, 1}, policy: consistency.ASP()})
	var views []*View[float32]
	for o := range uint64(2) {
		keys := make([]uint64, n)
		for i := range uint64(n) {
			if keys[i] = i * (1 << 14); i%2 == 1 {
				keys[i] += 1 + o
			}
		}
		views = append(views, openView[float32](r, int(o), 0, "w", Keys(keys), Increments))
	}
	r.start()
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for _, v := range views {
			for i := range v.Len() {
				v.Inc(i, 0.5)
			}
		}
		b.StartTimer()
		r.clock()
	}
	b.ReportMetric(4*n*float64(b.N)/b.Elapsed().Seconds(), "values/s")
}

// A client asks for keys that nobody held before.
func BenchmarkColdHold(b *testing.B) {
	const n = 1 << 18
	l := newLoop(b, Spec{Name: "w", Keys: 1 << 40}, consistency.ASP(), 16)
	v, err := Open[float32](l.client, 0, "w", Keys(nil), Increments)
	if err != nil {
		b.Fatal(err)
	}
	l.start()
	next := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		keys := make([]uint64, n)
		for i := range keys {
			keys[i] = uint64(i)*(1<<22) + mix(uint64(i)+next)%(1<<22)
		}
		next += n
		b.StartTimer()
		v.Hold(Keys(keys))
		l.clock()
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "values/s")
}

// Rounding, packing and reading a block of values, with bytes as float32.
func BenchmarkPacker(b *testing.B) {
	const n = 1 << 14
	x, back := make([]float32, n), make([]float32, n)
	for i := range x {
		x[i] = float32(i%1000)/1000 - 0.5
	}
	for _, enc := range lossyEncodings {
		p := packer[float32]{enc: enc}
		work := make([]float32, n)
		var msg []byte
		b.Run(enc.String()+"/round", func(b *testing.B) {
			b.SetBytes(4 * n)
			for b.Loop() {
				copy(work, x)
				p.round(work)
			}
		})
		b.Run(enc.String()+"/append", func(b *testing.B) {
			b.SetBytes(4 * n)
			for b.Loop() {
				msg = p.append(msg[:0], work)
			}
		})
		b.Run(enc.String()+"/read", func(b *testing.B) {
			b.SetBytes(4 * n)
			for b.Loop() {
				p.read(&reader{b: msg}, back)
			}
		})
	}
}

// A sparse table is exported in the order of its keys, which were touched in another.
func BenchmarkExport(b *testing.B) {
	const keys = 1 << 21
	s := newStore[float32](Spec{Name: "w", Keys: 1 << 40}, Range{0, 1 << 40})
	for i := range uint64(keys) {
		row := s.touch(mix(i) >> 24)
		s.apply(rowSet{n: 1, list: []uint32{row}}, []byte{0, 0, 128, 63}, 1)
	}
	n := 0
	for b.Loop() {
		s.written(func(uint64, uint32) { n++ })
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "keys/s")
}
