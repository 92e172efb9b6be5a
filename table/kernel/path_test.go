package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// paths runs do by every path that this machine has; plain Go is the first.
func paths(do func(name string)) {
	for _, name := range Paths() {
		func() {
			defer Use(name)()
			do(name)
		}()
	}
}

// step is what one call did to all memory around its arguments.
type step struct {
	what  string
	to, x []byte
}

// A room is values at any address, between bytes that nobody may touch.
type room[T Elem] struct {
	all []byte
	x   []T
}

const margin = 70

func newRoom[T Elem](values []byte, shift int) room[T] {
	var none T
	size := len(encoded([]T{none}))
	all := bytes.Repeat([]byte{0xa5}, margin+shift+len(values)+margin)
	copy(all[margin+shift:], values)
	var buf []T
	n := len(values) / size
	return room[T]{all, Values(all[margin+shift:], n, &buf)}
}

// steps calls every kernel with the values that are encoded in x and u.
func steps[T Elem](x, u []byte, shift int) (list []step) {
	note := func(what string, to []byte, x []byte) {
		list = append(list, step{what, slices.Clone(to), slices.Clone(x)})
	}
	truth := func(what string, yes bool, x []byte) { note(fmt.Sprintf("%s: %t", what, yes), nil, x) }
	r, v := newRoom[T](x, shift), newRoom[T](u, shift/2)
	truth("Zero", Zero(r.x), r.all)
	truth("HasZero", HasZero(r.x), r.all)
	Add(r.x, v.x)
	note("Add", v.all, r.all)
	for _, space := range []int{0, len(x) - 1, len(x), len(x) + 9} { // for Take: too little, enough and more
		r = newRoom[T](x, shift)
		b := append(make([]byte, 0, 5+max(space, 0)), "head."...)
		b, zeros := Take(b, r.x)
		note(fmt.Sprintf("Take with room for %d: %t", space, zeros), b, append(r.all, b[len(b):min(cap(b), len(b)+9)]...))
		if len(b) != 5+len(x) || string(b[:5]) != "head." {
			note(fmt.Sprintf("Take: got %d bytes after %q", len(b)-5, b[:5]), nil, nil)
		}
	}
	r = newRoom[T](x, shift)
	note(fmt.Sprint("Largest: ", Largest(r.x)), nil, r.all)
	RoundSingle(r.x)
	note("RoundSingle", nil, r.all)
	for _, size := range []int{2, 4} {
		r = newRoom[T](x, shift)
		b := AppendPlanes([]byte("head."), r.x, size)
		note(fmt.Sprint("AppendPlanes ", size), b, r.all)
		LoadPlanes(r.x, b[5:], size)
		note(fmt.Sprint("LoadPlanes ", size), nil, r.all)
		r = newRoom[T](x, shift)
		LoadPlanes(r.x, x[:size*len(r.x)], size) // any bytes, such as no value is sent as
		note(fmt.Sprint("LoadPlanes of any bytes ", size), nil, r.all)
	}
	return finite[T](list, x, shift)
}

// finite calls those kernels that take only finite values.
func finite[T Elem](list []step, x []byte, shift int) []step {
	note := func(what string, to []byte, x []byte) {
		list = append(list, step{what, slices.Clone(to), slices.Clone(x)})
	}
	fresh := func() (r room[T]) {
		r = newRoom[T](x, shift)
		for i, v := range r.x {
			if f := float64(v); f-f != 0 || math.Abs(f) > 3.38e38 {
				r.x[i] = T(i)
			}
		}
		return r
	}
	r := fresh()
	RoundBFloat16(r.x)
	note("RoundBFloat16", nil, r.all)
	_, top := math.Frexp(largestGo(fresh().x))
	for size := 1; size <= 3; size++ {
		r, unit := fresh(), top-(8*size-2)
		RoundFixed(r.x, unit)
		note(fmt.Sprintf("RoundFixed to 2^%d", unit), nil, r.all)
		b := AppendFixed([]byte("head."), r.x, size, unit)
		note(fmt.Sprint("AppendFixed ", size), b, r.all)
		LoadFixed(r.x, b[5:], size, unit)
		note(fmt.Sprint("LoadFixed ", size), nil, r.all)
		for _, unit := range []int{-126, 0, 126, 128} {
			r = fresh()
			LoadFixed(r.x, x[:size*len(r.x)], size, unit)
			note(fmt.Sprintf("LoadFixed %d of any bytes in units of 2^%d", size, unit), nil, r.all)
		}
	}
	return list
}

func comparePaths[T Elem](t *testing.T, x, u []byte, shift int) {
	t.Helper()
	var want []step
	paths(func(name string) {
		got := steps[T](x, u, shift)
		if name == pathNames[plain] {
			want = got
			return
		}
		if len(got) != len(want) {
			t.Fatalf("%s: got %d steps, want %d", name, len(got), len(want))
		}
		for i, g := range got {
			w := want[i]
			if g.what != w.what || !bytes.Equal(g.to, w.to) || !bytes.Equal(g.x, w.x) {
				var none T
				t.Fatalf("%s, %T, %d bytes at %d:\ngot  %s\n%x\n%x\nwant %s\n%x\n%x", name, none, len(x), shift, g.what, g.to, g.x, w.what, w.to, w.x)
			}
		}
	})
}

// odd are bits of values that an implementation may get wrong: zeros, subnormal
// and the largest numbers, infinities, and what is not a number.
var odd = [][]uint64{
	{0, 0, 1 << 31, 1, 1<<31 | 1, 0x7fffff, 0x800000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001, 0x7f800001, 0x3f808000, 0x3f818000, 0x3f807fff},
	{0, 0, 1 << 63, 1, 1<<63 | 1, 1<<52 - 1, 1 << 52, 0x7fefffffffffffff, 0xffefffffffffffff, 0x7ff << 52, 0xfff << 52, 0x7ff8 << 48, 0xfff8<<48 | 1, 0x7ff<<52 | 1,
		0x3ff0000010000000, 0x3ff0000030000000, 0x3ff0100000000000, 0x36a << 52, 0x47efffffe0000000, 0x47f0000000000000, 1 << 31, 1 << 32},
}

// randomValues are n values of so many bytes: of kind 0 ordinary numbers, of kind
// 1 also odd ones, of kind 2 any bits, of kind 3 zeros but maybe for one.
func randomValues(r *rand.Rand, n, size, kind int) []byte {
	b := make([]byte, n*size)
	one := r.IntN(2*n + 2)
	for i := range n {
		bits := uint64(math.Float32bits(float32(r.NormFloat64())))
		if size == 8 {
			bits = math.Float64bits(r.NormFloat64())
		}
		switch special := odd[size/8]; {
		case kind == 1 && r.IntN(6) == 0:
			bits = special[r.IntN(len(special))]
		case kind == 2:
			bits = r.Uint64()
		case kind == 3 && i != one:
			bits = uint64(r.IntN(2)) << (8*size - 1)
		}
		if size == 8 {
			binary.LittleEndian.PutUint64(b[8*i:], bits)
		} else {
			binary.LittleEndian.PutUint32(b[4*i:], uint32(bits))
		}
	}
	return b
}

// All paths give the same bits as plain Go and touch nothing else.
func TestPaths(t *testing.T) {
	const seed = 17
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	lengths := []int{511, 512, 513, 1 << 10, 1<<12 + 5, 1<<16 - 1, 1<<16 + 33, 2<<16 + 1}
	for n := range 101 {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		for kind := range 4 {
			shift := r.IntN(64)
			comparePaths[float32](t, randomValues(r, n, 4, kind), randomValues(r, n+kind, 4, kind), shift)
			comparePaths[float64](t, randomValues(r, n, 8, kind), randomValues(r, n+kind, 8, kind), shift)
			comparePaths[int32](t, randomValues(r, n, 4, kind), randomValues(r, n+kind, 4, kind), shift)
		}
	}
}

func FuzzPaths(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 0))
	for kind := range 4 {
		f.Add(randomValues(r, 90, 8, kind), uint8(kind), uint8(r.IntN(64)))
	}
	f.Fuzz(func(t *testing.T, b []byte, kind, shift uint8) {
		size := 4 + 4*int(kind/2%2)
		n := len(b) / 2 / size * size
		x, u := b[:n], b[n:2*n]
		switch kind % 3 {
		case 0:
			comparePaths[float32](t, x, u, int(shift%64))
		case 1:
			comparePaths[int32](t, x, u, int(shift%64))
		case 2:
			n = len(b) / 16 * 8
			comparePaths[float64](t, b[:n], b[n:2*n], int(shift%64))
		}
	})
}

// The specification itself, where it is easily got wrong.
func TestSpecification(t *testing.T) {
	nan, negative := math.NaN(), math.Copysign(0, -1)
	paths(func(name string) {
		for at := range 40 {
			x := make([]float64, 40)
			for i := range x {
				x[i] = float64(i) - 50
			}
			if HasZero(x) || Zero(x) || Largest(x) != 50 {
				t.Fatalf("%s: %v: HasZero %t, Zero %t, Largest %v", name, x, HasZero(x), Zero(x), Largest(x))
			}
			for _, v := range []float64{nan, math.Inf(-1), negative} {
				x[at] = v
				if got, want := HasZero(x), v == 0; got != want {
					t.Errorf("%s: HasZero with %v at %d: got %t", name, v, at, got)
				}
				b, zeros := Take(make([]byte, 0, 400), x)
				if zeros != (v == 0) || !Zero(x) || math.Signbit(x[at]) {
					t.Errorf("%s: Take with %v at %d: got %t, and left %v", name, v, at, zeros, x)
				}
				Load(x, b)
				switch got := Largest(x); {
				case v != v && got == got, v < 0 && !math.IsInf(got, 1), v == 0 && got != 50 && at > 0:
					t.Errorf("%s: Largest with %v at %d: got %v", name, v, at, got)
				}
			}
		}
	})
}
