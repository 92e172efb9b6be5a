package kernel

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// encoded is what messages hold, written the slow way.
func encoded[T Elem](x []T) (b []byte) {
	for _, v := range x {
		switch v := any(v).(type) {
		case float32:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		case float64:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		case int32:
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		}
	}
	return b
}

func check[T Elem](t *testing.T, r *rand.Rand, n, shift int) {
	t.Helper()
	x := make([]T, n)
	for i := range x {
		x[i] = T(r.IntN(2001) - 1000)
	}
	want := encoded(x)
	if got := Append([]byte("head"), x); string(got[:4]) != "head" || !bytes.Equal(got[4:], want) {
		t.Errorf("Append of %d values: got %x, want %x", n, got[4:], want)
	}
	moved := append(make([]byte, shift), append(slices.Clone(want), 99)...)[shift:] // at any address, and longer
	back := make([]T, n)
	Load(back, moved)
	if !slices.Equal(back, x) {
		t.Errorf("Load of %d values: got %v, want %v", n, back, x)
	}
	var buf []T
	u := Values(moved, n, &buf)
	if !slices.Equal(u, x) {
		t.Errorf("Values of %d values at %d: got %v, want %v", n, shift, u, x)
	}
	sum := slices.Clone(x)
	Add(sum, append(u[:n:n], 7)) // what is longer is not looked at
	for i, v := range sum {
		if v != 2*x[i] {
			t.Errorf("Add: value %d is %v, want %v", i, v, 2*x[i])
		}
	}
	zero := !slices.ContainsFunc(x, func(v T) bool { return v != 0 })
	if got := Zero(x); got != zero {
		t.Errorf("Zero of %v: got %t, want %t", x, got, zero)
	}
}

func TestAgainstPlain(t *testing.T) {
	const seed = 3
	r := rand.New(rand.NewPCG(seed, 0))
	for n := range 40 {
		for shift := range 8 {
			check[float32](t, r, n, shift)
			check[float64](t, r, n, shift)
			check[int32](t, r, n, shift)
		}
	}
	for _, x := range [][]float32{nil, {0, 0}, {0, float32(math.Copysign(0, -1))}} {
		if !Zero(x) {
			t.Errorf("Zero of %v: got false", x)
		}
	}
	if nan := float32(math.NaN()); Zero([]float32{nan}) {
		t.Error("Zero of NaN: got true")
	}
}

func TestNothingAllocates(t *testing.T) {
	x, b := make([]float32, 1000), make([]byte, 0, 4000)
	var buf []float32
	if n := testing.AllocsPerRun(100, func() {
		b = Append(b[:0], x)
		Load(x, b)
		Add(x, Values(b, len(x), &buf))
	}); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

func TestNewer(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	values := []uint32{0, 1, 1 << 31, 1<<31 - 1, 1<<31 + 1, 1<<32 - 1, 7, 8, 9}
	paths(func(name string) {
		for _, n := range []int{0, 1, 63, 64, 65, 127, 128, 1000, 1024, 200_000} {
			x := make([]uint32, n)
			for i := range x {
				x[i] = values[r.IntN(len(values))]
			}
			for _, since := range values {
				mask := make([]uint64, (n+63)/64+1)
				for k := range mask {
					mask[k] = 0xdeadbeef
				}
				Newer(mask, x, since)
				for i, v := range x {
					if got, want := mask[i/64]>>(i%64)&1 == 1, v > since; got != want {
						t.Fatalf("%s: %d values, since %d: value %d, %d: got %v, want %v", name, n, since, i, v, got, want)
					}
				}
				if got := mask[len(mask)-1]; got != 0xdeadbeef {
					t.Errorf("%s: %d values: the word behind: got %x", name, n, got)
				}
				if n%64 > 0 && mask[n/64]>>(n%64) != 0 {
					t.Errorf("%s: %d values: bits behind the last: got %x", name, n, mask[n/64])
				}
			}
		}
	})
}
