package kernels

import (
	"fmt"

	"petuum/table/kernel"
)

// Machine is what kernels are compared to.
type Machine struct {
	Bandwidth []Bandwidth `json:"bandwidth"`
	Peak      []Peak      `json:"peak"` // by path, slowest first
}

// Bandwidth is 10^9 bytes a second, read and written, of memory of a size.
type Bandwidth struct {
	Bytes  int     `json:"bytes"`
	Read   float64 `json:"read_gbps"`
	Copy   float64 `json:"copy_gbps"` // by the standard library
	Update float64 `json:"update_gbps"`
}

// Peak is 10^9 multiplications and additions a second, in registers, by a path.
type Peak struct {
	Path    string  `json:"path"`
	Float32 float64 `json:"float32_gflops"`
	Float64 float64 `json:"float64_gflops"`
}

// measureMachine is done before all else and after: the best of both, and of all
// paths, is what the machine can do.
func (b *bench) measureMachine() {
	const most = 0.1 // seconds are enough
	defer func(seconds float64) { b.o.Seconds = seconds }(b.o.Seconds)
	b.o.Seconds = min(b.o.Seconds, most)
	words := make([]uint64, b.o.sizes.levels[3]/8)
	for i := range words {
		words[i] = uint64(i)
	}
	m := &b.machine
	if m.Bandwidth == nil {
		m.Bandwidth, m.Peak = make([]Bandwidth, len(b.o.sizes.levels)), make([]Peak, len(kernel.Paths()))
	}
	for i, size := range b.o.sizes.levels {
		x, w, bytes := words[:size/8], &m.Bandwidth[i], float64(size)/1e9
		w.Bytes = size
		w.Copy = max(w.Copy, bytes/b.seconds(func() { copy(x[:len(x)/2], x[len(x)/2:]) }))
		for _, path := range kernel.Paths()[min(1, len(kernel.Paths())-1):] { // plain Go is none of the best
			restore := kernel.Use(path)
			w.Read = max(w.Read, bytes/b.seconds(func() { b.sink += float64(kernel.Read(x)) }), bytes/b.seconds(func() { b.readTwo(x) }))
			w.Update = max(w.Update, 2*bytes/b.seconds(func() { kernel.Flip(x) }))
			restore()
		}
	}
	for i, path := range kernel.Paths() {
		restore := kernel.Use(path)
		p := &m.Peak[i]
		*p = Peak{path, max(p.Float32, peak[float32](b)), max(p.Float64, peak[float64](b))}
		restore()
	}
}

// readTwo reads both halves at the same time: memory gives more to two readers.
func (b *bench) readTwo(x []uint64) {
	const at = 512
	y := x[len(x)/2:]
	x = x[:len(x)/2]
	or := uint64(0)
	for ; len(x) > at; x, y = x[at:], y[at:] {
		or |= kernel.Read(x[:at]) | kernel.Read(y[:at])
	}
	b.sink += float64(or | kernel.Read(x) | kernel.Read(y))
}

func peak[T kernel.Float](b *bench) float64 {
	const rounds = 4096
	operations := 0
	seconds := b.seconds(func() { operations = kernel.Peak[T](rounds) })
	return float64(operations) / seconds / 1e9
}

// A limit is a figure of the machine's.
type limit struct {
	of    traffic
	bytes int // of memory; of a number, where it is about arithmetic
}

// traffic is what a kernel does with memory, or that it computes.
type traffic int

const (
	reads traffic = iota
	copies
	updates
	products
)

// limit is that of the fastest path, and of the smallest memory that so many bytes
// are in.
func (m *Machine) limit(l limit) float64 {
	p, at := m.Peak[len(m.Peak)-1], m.Bandwidth[len(m.Bandwidth)-1]
	for i := len(m.Bandwidth) - 1; i >= 0 && m.Bandwidth[i].Bytes >= l.bytes; i-- {
		at = m.Bandwidth[i]
	}
	switch {
	case l.of == reads:
		return at.Read
	case l.of == copies:
		return at.Copy
	case l.of == updates:
		return at.Update
	case l.bytes == 4:
		return p.Float32
	}
	return p.Float64
}

// sizeOf is the bytes of a T.
func sizeOf[T kernel.Float]() int {
	var v T
	if _, ok := any(v).(float32); ok {
		return 4
	}
	return 8
}

// typesOf names what is read and what is computed with.
func typesOf[V, T kernel.Float]() string {
	var v V
	var t T
	if sizeOf[V]() == sizeOf[T]() {
		return fmt.Sprintf("%T", t)
	}
	return fmt.Sprintf("%T,%T", v, t)
}

// binary is a size in the unit that fits.
func binary(bytes int) string {
	if bytes >= 1<<20 {
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%d KiB", bytes>>10)
}
