package kernel

// What a kernel's speed is compared to is measured by [Peak] and by those of this
// file, which do nothing else than what the machine has to.

// Read reads words and returns all of their bits.
func Read(x []uint64) uint64 {
	done, a := readFast(x)
	var b, c, d uint64
	for x = x[done:]; len(x) >= 4; x = x[4:] {
		a, b, c, d = a|x[0], b|x[1], c|x[2], d|x[3]
	}
	for _, v := range x {
		a |= v
	}
	return a | b | c | d
}

// Flip reads words and writes them with all bits flipped.
func Flip(x []uint64) {
	for i := flipFast(x); i < len(x); i++ {
		x[i] = ^x[i]
	}
}
