package kernel

import (
	"math"
	"slices"
)

// Rounded values travel in planes of bytes: first the highest byte of each value,
// which are alike and compress, then the next.

// AppendPlanes appends the size highest bytes, 2 or 4, of x as float32.
func AppendPlanes[T Elem](b []byte, x []T, size int) []byte {
	b, planes := grow(b, size*len(x))
	done := planesFast(planes, x, size)
	if size == 2 {
		halvesGo(planes, x, done)
	} else {
		singlesGo(planes, x, done)
	}
	return b
}

// LoadPlanes reads what AppendPlanes appended of len(x) values.
func LoadPlanes[T Elem](x []T, b []byte, size int) {
	b = b[:size*len(x)]
	done := loadPlanesFast(x, b, size)
	if size == 2 {
		loadHalvesGo(x, b, done)
	} else {
		loadSinglesGo(x, b, done)
	}
}

// AppendFixed appends x, which RoundFixed has rounded, in units of 2^unit: zigzag
// numbers of size bytes, 1 to 3.
func AppendFixed[T Elem](b []byte, x []T, size, unit int) []byte {
	b, planes := grow(b, size*len(x))
	fixedGo(planes, x, fixedFast(planes, x, size, unit), size, unit)
	return b
}

// LoadFixed reads what AppendFixed appended of len(x) values.
func LoadFixed[T Elem](x []T, b []byte, size, unit int) {
	b = b[:size*len(x)]
	loadFixedGo(x, b, loadFixedFast(x, b, size, unit), size, unit)
}

// grow appends n bytes of any content, which are also returned.
func grow(b []byte, n int) (out, added []byte) {
	out = slices.Grow(b, n)[:len(b)+n]
	return out, out[len(b):]
}

// The plain loops start at an index, because the planes of all values lie behind
// each other.

func halvesGo[T Elem](planes []byte, x []T, from int) {
	n := len(x)
	p0, p1 := planes[:n], planes[n:2*n]
	for i := from; i < n; i++ {
		bits := math.Float32bits(float32(x[i]))
		p0[i], p1[i] = byte(bits>>24), byte(bits>>16)
	}
}

func singlesGo[T Elem](planes []byte, x []T, from int) {
	n := len(x)
	p0, p1, p2, p3 := planes[:n], planes[n:2*n], planes[2*n:3*n], planes[3*n:4*n]
	for i := from; i < n; i++ {
		bits := math.Float32bits(float32(x[i]))
		p0[i], p1[i], p2[i], p3[i] = byte(bits>>24), byte(bits>>16), byte(bits>>8), byte(bits)
	}
}

func loadHalvesGo[T Elem](x []T, planes []byte, from int) {
	n := len(x)
	p0, p1 := planes[:n], planes[n:2*n]
	for i := from; i < n; i++ {
		x[i] = T(math.Float32frombits(uint32(p0[i])<<24 | uint32(p1[i])<<16))
	}
}

func loadSinglesGo[T Elem](x []T, planes []byte, from int) {
	n := len(x)
	p0, p1, p2, p3 := planes[:n], planes[n:2*n], planes[2*n:3*n], planes[3*n:4*n]
	for i := from; i < n; i++ {
		x[i] = T(math.Float32frombits(uint32(p0[i])<<24 | uint32(p1[i])<<16 | uint32(p2[i])<<8 | uint32(p3[i])))
	}
}

func fixedGo[T Elem](planes []byte, x []T, from, size, unit int) {
	n, per := len(x), math.Ldexp(1, -unit)
	last := planes[(size-1)*n : size*n]
	switch size {
	case 1:
		for i := from; i < n; i++ {
			last[i] = byte(zigzag(int32(float64(x[i]) * per)))
		}
	case 2:
		p0 := planes[:n]
		for i := from; i < n; i++ {
			q := zigzag(int32(float64(x[i]) * per))
			p0[i], last[i] = byte(q>>8), byte(q)
		}
	case 3:
		p0, p1 := planes[:n], planes[n:2*n]
		for i := from; i < n; i++ {
			q := zigzag(int32(float64(x[i]) * per))
			p0[i], p1[i], last[i] = byte(q>>16), byte(q>>8), byte(q)
		}
	}
}

func loadFixedGo[T Elem](x []T, planes []byte, from, size, unit int) {
	n, scale := len(x), math.Ldexp(1, unit)
	last := planes[(size-1)*n : size*n]
	switch size {
	case 1:
		for i := from; i < n; i++ {
			x[i] = T(float64(unzigzag(uint32(last[i]))) * scale)
		}
	case 2:
		p0 := planes[:n]
		for i := from; i < n; i++ {
			x[i] = T(float64(unzigzag(uint32(p0[i])<<8|uint32(last[i]))) * scale)
		}
	case 3:
		p0, p1 := planes[:n], planes[n:2*n]
		for i := from; i < n; i++ {
			x[i] = T(float64(unzigzag(uint32(p0[i])<<16|uint32(p1[i])<<8|uint32(last[i]))) * scale)
		}
	}
}

// zigzag makes small numbers of either sign small, so that their high bytes are 0.
func zigzag(q int32) uint32 { return uint32(q<<1 ^ q>>31) }

func unzigzag(q uint32) int32 { return int32(q>>1) ^ -int32(q&1) }
