package kernel

// Matrices lie in memory row after row, which begin stride elements apart: a block
// of a larger matrix is one too. A result may not overlap what it is made of.

// Gemv adds Ax to y. A has rows and cols.
func Gemv[T Float](rows, cols int, a []T, stride int, x, y []T) {
	if rows <= 0 || cols <= 0 {
		return
	}
	a, x, y = a[:(rows-1)*stride+cols], x[:cols], y[:rows]
	if rows*cols >= short && gemvFast(rows, cols, a, stride, x, y) {
		return
	}
	for i := range y {
		y[i] += rowTimes(a[i*stride:], x)
	}
}

// rowTimes has four sums, because one waits for itself.
func rowTimes[T Float](u, x []T) T {
	u = u[:len(x)]
	var a, b, c, d T
	i := 0
	for ; i+4 <= len(x); i += 4 {
		u, x := u[i:i+4:i+4], x[i:i+4:i+4]
		a += u[0] * x[0]
		b += u[1] * x[1]
		c += u[2] * x[2]
		d += u[3] * x[3]
	}
	for ; i < len(x); i++ {
		a += u[i] * x[i]
	}
	return a + b + (c + d)
}

// GemvT adds x times A, which is A transposed times x, to y. A has rows and cols.
func GemvT[T Float](rows, cols int, a []T, stride int, x, y []T) {
	if rows <= 0 || cols <= 0 {
		return
	}
	a, x, y = a[:(rows-1)*stride+cols], x[:rows], y[:cols]
	if rows*cols >= short && gemvTFast(rows, cols, a, stride, x, y) {
		return
	}
	rowsGo(y, x, 1, a, stride)
}

// rowsGo adds the rows of a, each times one of by, step apart, to y. It does four
// at a time, so that y is read and written less.
func rowsGo[T Float](y, by []T, step int, a []T, stride int) {
	n, rows := len(y), (len(by)+step-1)/step
	i := 0
	for ; i+4 <= rows; i += 4 {
		a0, a1, a2, a3 := a[i*stride:][:n], a[(i+1)*stride:][:n], a[(i+2)*stride:][:n], a[(i+3)*stride:][:n]
		b0, b1, b2, b3 := by[i*step], by[(i+1)*step], by[(i+2)*step], by[(i+3)*step]
		for j := range y {
			y[j] += b0*a0[j] + b1*a1[j] + (b2*a2[j] + b3*a3[j])
		}
	}
	for ; i < rows; i++ {
		a0, b0 := a[i*stride:][:n], by[i*step]
		for j := range y {
			y[j] += b0 * a0[j]
		}
	}
}
