package kernel

import (
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"
)

// guarded is memory of at least so many bytes, whole pages between two that nobody may
// touch.
func guarded(t *testing.T, size int) []byte {
	t.Helper()
	page := syscall.Getpagesize()
	whole := (size + page - 1) / page * page
	all, err := syscall.Mmap(-1, 0, whole+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Skip("no memory of our own:", err)
	}
	t.Cleanup(func() { syscall.Munmap(all) })
	for _, guard := range [][]byte{all[:page], all[page+whole:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Skip("no memory that is guarded:", err)
		}
	}
	return all[page : page+whole]
}

// inside fails the test if a call reads or writes what it was not given.
func inside(t *testing.T, call func()) {
	t.Helper()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		t.Helper()
		if fault := recover(); fault != nil {
			t.Fatalf("a kernel went beyond its memory: %v", fault)
		}
	}()
	call()
}

// ends are the first and the last n values of guarded memory.
func ends[T any](memory []byte, n int) [2][]T {
	var v T
	all := unsafe.Slice((*T)(unsafe.Pointer(&memory[0])), len(memory)/int(unsafe.Sizeof(v)))
	return [2][]T{all[:n], all[len(all)-n:]}
}

// atEnd are n values (from 1), 1 each, that end where memory does.
func atEnd[T any](t *testing.T, n int, one T) []T {
	t.Helper()
	x := ends[T](guarded(t, n*int(unsafe.Sizeof(one))), n)[1]
	for i := range x {
		x[i] = one
	}
	return x
}

func touch[I Index, V, T Float](pages [4][]byte, n int) {
	for side := range 2 {
		idx, v := ends[I](pages[0], n)[side], ends[V](pages[1], n)[side]
		x, y := ends[T](pages[2], n)[side], ends[T](pages[3], n)[side]
		for k := range idx {
			idx[k] = I(n - 1 - k)
		}
		Dot(x, y)
		Sum(x)
		Axpy(1, x, y)
		AxpyDot(1, x, y, x)
		Dot(v, y)
		Square(v)
		Axpy(1, v, y)
		AxpyDot(1, v, y, x)
		Scale(1, x)
		Gather(idx, y)
		GatherDot(idx, v, y)
		ScatterAdd(1, idx, y)
		ScatterAxpy(1, idx, v, y)
	}
}

// Nothing is read beyond the ends of what a kernel is given: it may be the end of
// a file's memory.
func TestNothingIsReadBeyond(t *testing.T) {
	var pages [4][]byte
	for i := range pages {
		pages[i] = guarded(t, 300*8)
	}
	paths(func(string) {
		inside(t, func() {
			for n := 1; n <= 300; n++ {
				touch[uint16, float32, float32](pages, n)
				touch[uint16, float32, float64](pages, n)
				touch[uint16, float64, float64](pages, n)
				touch[uint32, float32, float32](pages, n)
				touch[uint32, float32, float64](pages, n)
				touch[uint32, float64, float64](pages, n)
			}
		})
	})
}

func stayInside[T Float](t *testing.T, m, n, k int) {
	a, b, c := atEnd(t, m*k, T(1)), atEnd(t, k*n, T(1)), atEnd(t, m*n, T(1))
	x, y, z := atEnd(t, k, T(1)), atEnd(t, m, T(1)), atEnd(t, n, T(1))
	paths(func(string) {
		inside(t, func() {
			Gemm(m, n, k, a, k, b, n, c, n)
			GemmTN(m, n, k, a, m, b, n, c, n)
			GemmNT(m, n, k, a, k, b, k, c, n)
			Gemv(m, k, a, k, x, y)
			GemvT(k, n, b, n, x, z)
			Exp(c, c)
			Log1p(a, a)
			Sigmoid(b, b)
			Softmax(c, c)
			LogSumExp(x)
		})
	})
}

func TestKernelsStayInside(t *testing.T) {
	for _, s := range [][3]int{{1, 1, 1}, {2, 3, 5}, {4, 5, 6}, {6, 7, 9}, {12, 16, 8}, {13, 33, 17}, {25, 67, 31}, {70, 5, 130}, {5, 140, 70}} {
		stayInside[float32](t, s[0], s[1], s[2])
		stayInside[float64](t, s[0], s[1], s[2])
	}
	for _, n := range []int{1, 31, 32, 64, 65, 100, 600} {
		for _, size := range []int{4, 8} {
			elements, planes := atEnd(t, n*size, byte(1)), atEnd(t, n*size, byte(1))
			paths(func(string) {
				inside(t, func() {
					Shuffle(planes, elements, size)
					Unshuffle(elements, planes, size)
				})
			})
		}
		x, h := atEnd(t, n, float32(1)), atEnd(t, n, uint16(1))
		paths(func(string) {
			inside(t, func() {
				BFloat16s(h, x)
				FromBFloat16s(x, h)
			})
		})
	}
}
