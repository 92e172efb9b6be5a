package kernel

import (
	"syscall"
	"testing"
	"unsafe"
)

// guarded is a page of zeros between two that nobody may touch.
func guarded(t *testing.T) []byte {
	t.Helper()
	page := syscall.Getpagesize()
	all, err := syscall.Mmap(-1, 0, 3*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Skipf("no memory of our own: %v", err)
	}
	t.Cleanup(func() { syscall.Munmap(all) })
	for _, guard := range [][]byte{all[:page], all[2*page:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Skipf("no memory that is guarded: %v", err)
		}
	}
	return all[page : 2*page]
}

// ends are the first and the last n values of a page.
func ends[T any](page []byte, n int) [2][]T {
	var v T
	all := unsafe.Slice((*T)(unsafe.Pointer(&page[0])), len(page)/int(unsafe.Sizeof(v)))
	return [2][]T{all[:n], all[len(all)-n:]}
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
		pages[i] = guarded(t)
	}
	paths(func(string) {
		for n := 1; n <= 300; n++ {
			touch[uint16, float32, float32](pages, n)
			touch[uint16, float32, float64](pages, n)
			touch[uint16, float64, float64](pages, n)
			touch[uint32, float32, float32](pages, n)
			touch[uint32, float32, float64](pages, n)
			touch[uint32, float64, float64](pages, n)
		}
	})
}
