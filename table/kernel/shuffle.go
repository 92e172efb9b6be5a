package kernel

import "math"

// Shuffle writes the bytes of elements of 4 or 8 bytes, little endian, to planes,
// which is as long at least: first the highest byte of each, then the next.
func Shuffle(planes, elements []byte, size int) {
	n := len(elements) / size
	elements, planes = elements[:n*size], planes[:n*size]
	done := shuffleFast(planes, elements, size)
	for k := range size {
		plane, from := planes[k*n:][:n], size-1-k
		for i := done; i < n; i++ {
			plane[i] = elements[i*size+from]
		}
	}
}

// Unshuffle undoes Shuffle.
func Unshuffle(elements, planes []byte, size int) {
	n := len(planes) / size
	elements, planes = elements[:n*size], planes[:n*size]
	done := unshuffleFast(elements, planes, size)
	for k := range size {
		plane, to := planes[k*n:][:n], size-1-k
		for i := done; i < n; i++ {
			elements[i*size+to] = plane[i]
		}
	}
}

// BFloat16s writes x to dst, which is as long at least, as the upper halves of
// float32s, rounded to even. What is too large becomes infinite, and what is not a
// number stays so.
func BFloat16s(dst []uint16, x []float32) {
	dst = dst[:len(x)]
	for i := toBFloat16sFast(dst, x); i < len(x); i++ {
		b := math.Float32bits(x[i])
		if x[i] != x[i] {
			dst[i] = uint16(b>>16) | 0x40
		} else {
			dst[i] = uint16((b + 0x7fff + b>>16&1) >> 16)
		}
	}
}

// FromBFloat16s writes what x stands for to dst, which is as long at least.
func FromBFloat16s(dst []float32, x []uint16) {
	dst = dst[:len(x)]
	for i := fromBFloat16sFast(dst, x); i < len(x); i++ {
		dst[i] = math.Float32frombits(uint32(x[i]) << 16)
	}
}
