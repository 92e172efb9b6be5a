//go:build !purego

package kernel

import "unsafe"

// wordsAt is what begins at b, at any address.
func wordsAt(b *byte) *uint32 { return (*uint32)(unsafe.Pointer(b)) }

func shuffleFast(planes, elements []byte, size int) (done int) {
	if path == plain || size != 4 && size != 8 {
		return 0
	}
	all := len(elements) / size
	var low, high [block]uint32
	for n := words32(all); done < n; {
		m := min(n-done, block)
		if size == 4 {
			m = min(n-done, most)
			shuffleAll4AVX2(&planes[done], all, wordsAt(&elements[4*done]), m)
		} else {
			splitWordsAVX2(&low[0], &high[0], &elements[8*done], m)
			shuffleAll4AVX2(&planes[done], all, &high[0], m)
			shuffleAll4AVX2(&planes[4*all+done], all, &low[0], m)
		}
		done += m
	}
	return done
}

func unshuffleFast(elements, planes []byte, size int) (done int) {
	if path == plain || size != 4 && size != 8 {
		return 0
	}
	all := len(elements) / size
	var low, high [block]uint32
	for n := words32(all); done < n; {
		m := min(n-done, block)
		if size == 4 {
			m = min(n-done, most)
			unshuffleAll4AVX2(wordsAt(&elements[4*done]), &planes[done], all, m)
		} else {
			unshuffleAll4AVX2(&high[0], &planes[done], all, m)
			unshuffleAll4AVX2(&low[0], &planes[4*all+done], all, m)
			joinWordsAVX2(&elements[8*done], &low[0], &high[0], m)
		}
		done += m
	}
	return done
}

func toBFloat16sFast(dst []uint16, x []float32) (done int) {
	if path == plain {
		return 0
	}
	for n := len(x) &^ 15; done < n; {
		m := min(n-done, most)
		toBFloat16sAVX2(&dst[done], &x[done], m)
		done += m
	}
	return done
}

func fromBFloat16sFast(dst []float32, x []uint16) (done int) {
	if path == plain {
		return 0
	}
	for n := len(x) &^ 15; done < n; {
		m := min(n-done, most)
		fromBFloat16sAVX2(&dst[done], &x[done], m)
		done += m
	}
	return done
}
