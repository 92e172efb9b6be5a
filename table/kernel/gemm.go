package kernel

// Gemm adds AB to C: m times k, k times n, and m times n, rows of which begin
// strideA, strideB and strideC elements apart.
func Gemm[T Float](m, n, k int, a []T, strideA int, b []T, strideB int, c []T, strideC int) {
	if m <= 0 || n <= 0 || k <= 0 {
		return
	}
	gemm(m, n, k, operand[T]{a[:(m-1)*strideA+k], strideA, 1}, operand[T]{b[:(k-1)*strideB+n], strideB, 1}, c, strideC)
}

// GemmTN is Gemm with A transposed: in memory it is k times m.
func GemmTN[T Float](m, n, k int, a []T, strideA int, b []T, strideB int, c []T, strideC int) {
	if m <= 0 || n <= 0 || k <= 0 {
		return
	}
	gemm(m, n, k, operand[T]{a[:(k-1)*strideA+m], 1, strideA}, operand[T]{b[:(k-1)*strideB+n], strideB, 1}, c, strideC)
}

// GemmNT is Gemm with B transposed: in memory it is n times k.
func GemmNT[T Float](m, n, k int, a []T, strideA int, b []T, strideB int, c []T, strideC int) {
	if m <= 0 || n <= 0 || k <= 0 {
		return
	}
	gemm(m, n, k, operand[T]{a[:(m-1)*strideA+k], strideA, 1}, operand[T]{b[:(n-1)*strideB+k], 1, strideB}, c, strideC)
}

// An operand is a matrix whose value in row i and column j is values[i*row+j*col].
// Row or col is 1.
type operand[T Float] struct {
	values   []T
	row, col int
}

// small is up to how many products plain Go is as fast as anything.
const small = 512

func gemm[T Float](m, n, k int, a, b operand[T], c []T, stride int) {
	c = c[:(m-1)*stride+n]
	if m*n*k > small && gemmFast(m, n, k, a, b, c, stride) {
		return
	}
	for i := range m {
		row, left := c[i*stride:][:n], a.values[i*a.row:]
		left = left[:(k-1)*a.col+1]
		if b.col == 1 {
			rowsGo(row, left, a.col, b.values, b.row)
			continue
		}
		for j := range row { // both are rows: B is transposed, so A is not
			row[j] += rowTimes(b.values[j*b.col:], left)
		}
	}
}

// Peak multiplies and adds in registers, so many rounds, as fast as the machine can,
// and returns how many operations that was: a kernel's speed is compared to this.
func Peak[T Float](rounds int) (operations int) {
	if lanes := peakFast[T](rounds); lanes > 0 {
		return rounds * lanes * 2
	}
	var s, t, u, v T
	by := T(int64(rounds) >> 62) // 0, which the compiler does not know
	for range rounds {
		s += by * by
		t += by * by
		u += by * by
		v += by * by
	}
	if s+t+u+v != 0 {
		return 0
	}
	return rounds * 8
}
