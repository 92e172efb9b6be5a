//go:build !purego

package kernel

// appendIntsFast writes whole groups of x to to, which has room for them, and returns
// how many bytes of it and values of x are done.
func appendIntsFast(to []byte, x []int32) (written, done int) {
	for path != plain && len(x)-done >= groupSize {
		m := min(len(x)-done, most) / groupSize
		written += appendIntsAVX2(&to[written], &x[done], m)
		done += m * groupSize
	}
	return written, done
}

func loadIntsFast(x []int32, b []byte) (read, done int) {
	for path != plain && len(x)-done >= groupSize {
		m := min(len(x)-done, most) / groupSize
		read += loadIntsAVX2(&x[done], &b[read], m)
		done += m * groupSize
	}
	return read, done
}
