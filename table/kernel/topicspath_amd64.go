//go:build !purego

package kernel

import "unsafe"

func drawFast(t *Topics, rows rowKind) (state int, at *Topics) {
	if path == plain {
		return drawGo(t, rows)
	}
	p := (*byte)(unsafe.Pointer(t))
	var who *byte
	switch {
	case path == avx2 && rows == ofBytes:
		state, who = drawTopicsRows8AVX2(p)
	case path == avx2 && rows == ofShorts:
		state, who = drawTopicsRows16AVX2(p)
	case path == avx2:
		state, who = drawTopicsListedAVX2(p)
	case rows == ofBytes:
		state, who = drawTopicsRows8AVX512(p)
	case rows == ofShorts:
		state, who = drawTopicsRows16AVX512(p)
	default:
		state, who = drawTopicsListedAVX512(p)
	}
	if who == p {
		return state, t
	}
	return state, t.pair
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
