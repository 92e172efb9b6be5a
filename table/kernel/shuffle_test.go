package kernel

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func checkShuffle(t *testing.T, elements []byte, size int) {
	t.Helper()
	n := len(elements) / size
	want := make([]byte, n*size, n*size+9)
	for i := range n {
		for k := range size {
			want[k*n+i] = elements[i*size+size-1-k]
		}
	}
	want = append(want, bytes.Repeat([]byte{77}, 9)...)
	whole := append(slices.Clone(elements[:n*size]), want[n*size:]...)
	paths(func(path string) {
		planes, back := bytes.Repeat([]byte{77}, len(want)), bytes.Repeat([]byte{77}, len(want))
		if Shuffle(planes, elements, size); !bytes.Equal(planes, want) {
			t.Fatalf("%s: Shuffle of %d elements of %d bytes: got %x, want %x", path, n, size, planes, want)
		}
		if Unshuffle(back, planes[:n*size], size); !bytes.Equal(back, whole) {
			t.Fatalf("%s: Unshuffle of %d elements of %d bytes: got %x, want %x", path, n, size, back, whole)
		}
	})
}

func TestShuffle(t *testing.T) {
	const seed = 41
	r := rand.New(rand.NewPCG(seed, 0))
	for _, size := range []int{4, 8} {
		for n := range 200 {
			shift := r.IntN(9)
			checkShuffle(t, randomValues(r, n+shift, size, 2)[shift:], size)
		}
		for _, n := range []int{511, 513, 1 << 16, 1<<16 + 65} {
			checkShuffle(t, randomValues(r, n, size, 2), size)
		}
	}
}

func FuzzShuffle(f *testing.F) {
	f.Add(bytes.Repeat([]byte{1, 2, 3}, 400), true)
	f.Fuzz(func(t *testing.T, b []byte, wide bool) {
		size := 4
		if wide {
			size = 8
		}
		checkShuffle(t, b, size)
	})
}

// nearest is the bfloat16 next to x, found among three.
func nearest(x float32) uint16 {
	first := uint16(math.Float32bits(x) >> 16)
	value := func(b uint16) float64 {
		if b&0x7fff == 0x7f80 { // where the next number would be
			return math.Copysign(0x1p128, float64(math.Float32frombits(uint32(b)<<16)))
		}
		return float64(math.Float32frombits(uint32(b) << 16))
	}
	below, above := math.Abs(float64(x)-value(first)), math.Abs(value(first+1)-float64(x))
	if above < below || above == below && first&1 == 1 {
		return first + 1
	}
	return first
}

func TestBFloat16s(t *testing.T) {
	const seed = 43
	r := rand.New(rand.NewPCG(seed, 0))
	for _, n := range []int{0, 1, 15, 16, 17, 100, 1<<16 + 33, 300_000} {
		x := make([]float32, n)
		for i := range x {
			bits := r.Uint32()
			if i%3 == 0 { // halfway, or not quite
				bits = bits&^0xffff | 0x8000 + uint32(r.IntN(3)) - 1
			}
			if special := odd[0]; i%50 == 7 {
				bits = uint32(special[r.IntN(len(special))])
			}
			x[i] = math.Float32frombits(bits)
		}
		paths(func(path string) {
			got, back := make([]uint16, n+1), make([]float32, n+1)
			got[n], back[n] = 77, 77
			BFloat16s(got, x)
			FromBFloat16s(back, got[:n])
			if got[n] != 77 || back[n] != 77 {
				t.Fatalf("%s: wrote behind the end of %d values", path, n)
			}
			for i, v := range x {
				g := math.Float32frombits(uint32(got[i]) << 16)
				if ulps(g, back[i]) != 0 || math.Float32bits(back[i]) != uint32(got[i])<<16 {
					t.Fatalf("%s: FromBFloat16s of %#x: got %v, want %v", path, got[i], back[i], g)
				}
				switch inf := math.IsInf(float64(v), 0); {
				case v != v && g == g, inf && g != v, v == v && !inf && got[i] != nearest(v):
					t.Fatalf("%s: BFloat16s of %v: got %#x (%v)", path, v, got[i], g)
				}
			}
		})
	}
}

func BenchmarkShuffle(b *testing.B) {
	const n = 1 << 16
	x, to := make([]byte, n), make([]byte, n)
	s, h := make([]float32, n/4), make([]uint16, n/4)
	paths(func(path string) {
		run := func(name string, do func()) {
			b.Run(name+"/"+path, func(b *testing.B) {
				b.SetBytes(n)
				for b.Loop() {
					do()
				}
			})
		}
		for _, size := range []int{4, 8} {
			run(fmt.Sprintf("Shuffle%d", size), func() { Shuffle(to, x, size) })
			run(fmt.Sprintf("Unshuffle%d", size), func() { Unshuffle(to, x, size) })
		}
		run("BFloat16s", func() { BFloat16s(h, s) })
		run("FromBFloat16s", func() { FromBFloat16s(s, h) })
	})
}
