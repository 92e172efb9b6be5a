//go:build !purego

package kernel

// mostWords is how many words a call has at most.
const mostWords = most / 2

func readFast(x []uint64) (done int, or uint64) {
	if path == plain {
		return 0, 0
	}
	for n := len(x) &^ 63; done < n; {
		m := min(n-done, mostWords)
		if path == avx512 {
			or |= readAVX512(&x[done], m)
		} else {
			or |= readAVX2(&x[done], m)
		}
		done += m
	}
	return done, or
}

func flipFast(x []uint64) (done int) {
	if path == plain {
		return 0
	}
	for n := len(x) &^ 63; done < n; {
		m := min(n-done, mostWords)
		if path == avx512 {
			flipAVX512(&x[done], m)
		} else {
			flipAVX2(&x[done], m)
		}
		done += m
	}
	return done
}
