//go:build !purego

package kernel

import "unsafe"

func drawFast(t *Topics, rows rowKind) int {
	p := (*byte)(unsafe.Pointer(t))
	switch {
	case path == plain:
		return drawGo(t, rows)
	case path == avx2 && rows == ofBytes:
		return drawTopicsRows8AVX2(p)
	case path == avx2 && rows == ofShorts:
		return drawTopicsRows16AVX2(p)
	case path == avx2:
		return drawTopicsListedAVX2(p)
	case rows == ofBytes:
		return drawTopicsRows8AVX512(p)
	case rows == ofShorts:
		return drawTopicsRows16AVX512(p)
	}
	return drawTopicsListedAVX512(p)
}

func fillFast(t *Topics, lanes *[16]float32, n int) {
	if n == 0 {
		return
	}
	switch path {
	case plain:
		fillGo(t, lanes, 0, n)
	case avx2:
		fillTopicsAVX2(&t.Phi[0], &t.Inverse[0], &t.Alpha[0], &t.Word[0], t.Beta, &lanes[0], n)
	default:
		fillTopicsAVX512(&t.Phi[0], &t.Inverse[0], &t.Alpha[0], &t.Word[0], t.Beta, &lanes[0], n)
	}
}
