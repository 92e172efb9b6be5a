package kernel

import (
	"syscall"
	"testing"
	"unsafe"
)

// atEnd are n values, 1 each, that end where memory does, so that a kernel that
// reads or writes behind them crashes.
func atEnd[T any](t *testing.T, n int, one T) []T {
	t.Helper()
	page, size := syscall.Getpagesize(), n*int(unsafe.Sizeof(one))
	whole := (size + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, whole+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Skip("no memory mapped:", err)
	}
	t.Cleanup(func() { syscall.Munmap(m) })
	if err := syscall.Mprotect(m[whole:], syscall.PROT_NONE); err != nil {
		t.Skip("no memory protected:", err)
	}
	if n == 0 {
		return nil
	}
	x := unsafe.Slice((*T)(unsafe.Pointer(&m[whole-size])), n)
	for i := range x {
		x[i] = one
	}
	return x
}

func stayInside[T Float](t *testing.T, m, n, k int) {
	a, b, c := atEnd(t, m*k, T(1)), atEnd(t, k*n, T(1)), atEnd(t, m*n, T(1))
	x, y, z := atEnd(t, k, T(1)), atEnd(t, m, T(1)), atEnd(t, n, T(1))
	paths(func(string) {
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
				Shuffle(planes, elements, size)
				Unshuffle(elements, planes, size)
			})
		}
		x, h := atEnd(t, n, float32(1)), atEnd(t, n, uint16(1))
		paths(func(string) {
			BFloat16s(h, x)
			FromBFloat16s(x, h)
		})
	}
}
