package kernel

// Index is what says where the values of a sparse row belong.
type Index interface{ uint16 | uint32 }

// The kernels of this file take what every index of a row is below: y's length.
// Nothing checks that, and what happens otherwise is undefined: the matrix that
// holds the rows has seen to it when it was made, and its users to that y is as
// long as it has columns.
//
// A sum is added up in four lanes, which begin as 0, and of at most [stretch]
// elements at a time: every four elements go to one lane each; the last one to
// three end in the fourth lane. In the end the third lane is added to the first,
// the fourth to the second, and that to the first. Rows are short: more lanes cost
// more in the end than they save. Nothing is fused.

// Gather returns the sum of y[i] over all i of idx, each of which is below len(y).
// This is not checked: see [GatherDot].
func Gather[I Index, T Float](idx []I, y []T) T {
	return gatherFast(idx, y)
}

// gatherSlow is for what gatherFast does not do in one call.
func gatherSlow[I Index, T Float](idx []I, y []T) (s T) {
	if len(idx) <= stretch {
		return gatherGo(idx, y)
	}
	for ; len(idx) > stretch; idx = idx[stretch:] {
		s += gatherFast(idx[:stretch], y)
	}
	return s + gatherFast(idx, y)
}

func gatherGo[I Index, T Float](idx []I, y []T) T {
	var a, b, c, d T
	for ; len(idx) >= 4; idx = idx[4:] {
		a += y[idx[0]]
		b += y[idx[1]]
		c += y[idx[2]]
		d += y[idx[3]]
	}
	switch len(idx) {
	case 3:
		b += y[idx[0]]
		c += y[idx[1]]
		d += y[idx[2]]
	case 2:
		c += y[idx[0]]
		d += y[idx[1]]
	case 1:
		d += y[idx[0]]
	}
	return (a + c) + (b + d)
}

// GatherDot returns the sum of x[k] y[idx[k]], each x[k] made a T first. x is at
// least as long as idx. Every index is below len(y). This is not checked: the
// matrix that holds the row guarantees it, and the caller that y is as long as the
// matrix has columns.
func GatherDot[I Index, V, T Float](idx []I, x []V, y []T) T {
	return gatherDotFast(idx, x, y)
}

func gatherDotSlow[I Index, V, T Float](idx []I, x []V, y []T) (s T) {
	x = x[:len(idx)]
	if len(idx) <= stretch {
		return gatherDotGo(idx, x, y)
	}
	for ; len(idx) > stretch; idx, x = idx[stretch:], x[stretch:] {
		s += gatherDotFast(idx[:stretch], x[:stretch], y)
	}
	return s + gatherDotFast(idx, x, y)
}

func gatherDotGo[I Index, V, T Float](idx []I, x []V, y []T) T {
	var a, b, c, d T
	x = x[:len(idx)]
	for ; len(idx) >= 4 && len(x) >= 4; idx, x = idx[4:], x[4:] {
		a += T(T(x[0]) * y[idx[0]])
		b += T(T(x[1]) * y[idx[1]])
		c += T(T(x[2]) * y[idx[2]])
		d += T(T(x[3]) * y[idx[3]])
	}
	x = x[:len(idx)]
	switch len(idx) {
	case 3:
		b += T(T(x[0]) * y[idx[0]])
		c += T(T(x[1]) * y[idx[1]])
		d += T(T(x[2]) * y[idx[2]])
	case 2:
		c += T(T(x[0]) * y[idx[0]])
		d += T(T(x[1]) * y[idx[1]])
	case 1:
		d += T(T(x[0]) * y[idx[0]])
	}
	return (a + c) + (b + d)
}

// ScatterAdd adds a to y[i] for all i of idx, which are distinct and below len(y).
// This is not checked: see [GatherDot].
func ScatterAdd[I Index, T Float](a T, idx []I, y []T) {
	scatterAddFast(a, idx, y)
}

func scatterAddSlow[I Index, T Float](a T, idx []I, y []T) {
	if len(idx) <= stretch {
		scatterAddGo(a, idx, y)
		return
	}
	for ; len(idx) > stretch; idx = idx[stretch:] {
		scatterAddFast(a, idx[:stretch], y)
	}
	scatterAddFast(a, idx, y)
}

func scatterAddGo[I Index, T Float](a T, idx []I, y []T) {
	for _, i := range idx {
		y[i] += a
	}
}

// ScatterAxpy adds a x[k] to y[idx[k]], each x[k] made a T first. x is at least as
// long as idx. The indices are distinct and below len(y). This is not checked: see
// [GatherDot].
func ScatterAxpy[I Index, V, T Float](a T, idx []I, x []V, y []T) {
	scatterAxpyFast(a, idx, x, y)
}

func scatterAxpySlow[I Index, V, T Float](a T, idx []I, x []V, y []T) {
	x = x[:len(idx)]
	if len(idx) <= stretch {
		scatterAxpyGo(a, idx, x, y)
		return
	}
	for ; len(idx) > stretch; idx, x = idx[stretch:], x[stretch:] {
		scatterAxpyFast(a, idx[:stretch], x[:stretch], y)
	}
	scatterAxpyFast(a, idx, x, y)
}

func scatterAxpyGo[I Index, V, T Float](a T, idx []I, x []V, y []T) {
	x = x[:len(idx)]
	for k, i := range idx {
		y[i] += T(a * T(x[k]))
	}
}
