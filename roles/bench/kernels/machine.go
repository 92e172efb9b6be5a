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

// Peak is 10^9 multiplications and additions a second, in registers.
type Peak struct {
	Path    string  `json:"path"`
	Float32 float64 `json:"float32_gflops"`
	Float64 float64 `json:"float64_gflops"`
}

func (b *bench) measureMachine() {
	words := make([]uint64, b.o.sizes.levels[3]/8)
	for i := range words {
		words[i] = uint64(i)
	}
	for _, size := range b.o.sizes.levels {
		x := words[:size/8]
		bytes := float64(size) / 1e9
		b.machine.Bandwidth = append(b.machine.Bandwidth, Bandwidth{
			Bytes:  size,
			Read:   bytes / b.seconds(func() { b.sink += float64(kernel.Read(x)) }),
			Copy:   bytes / b.seconds(func() { copy(x[:len(x)/2], x[len(x)/2:]) }),
			Update: 2 * bytes / b.seconds(func() { kernel.Flip(x) }),
		})
	}
	for _, path := range kernel.Paths() {
		restore := kernel.Use(path)
		b.machine.Peak = append(b.machine.Peak, Peak{path, peak[float32](b), peak[float64](b)})
		restore()
	}
}

func peak[T kernel.Float](b *bench) float64 {
	const rounds = 4096
	operations := 0
	seconds := b.seconds(func() { operations = kernel.Peak[T](rounds) })
	return float64(operations) / seconds / 1e9
}

// best is the peak of the fastest path.
func best[T kernel.Float](b *bench) float64 {
	p := b.machine.Peak[len(b.machine.Peak)-1]
	if sizeOf[T]() == 4 {
		return p.Float32
	}
	return p.Float64
}

// traffic is what a kernel does with memory, for a limit.
type traffic int

const (
	reads traffic = iota
	copies
	updates
)

// bandwidth of the smallest memory that so many bytes are in.
func (b *bench) bandwidth(t traffic, bytes int) float64 {
	at := b.machine.Bandwidth[len(b.machine.Bandwidth)-1]
	for i := len(b.machine.Bandwidth) - 1; i >= 0 && b.machine.Bandwidth[i].Bytes >= bytes; i-- {
		at = b.machine.Bandwidth[i]
	}
	switch t {
	case reads:
		return at.Read
	case copies:
		return at.Copy
	}
	return at.Update
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
