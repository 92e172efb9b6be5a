package kernel

// Index is what says where the values of a sparse row belong.
type Index interface{ uint16 | uint32 }

// The kernels of this file take what every index of a row is below: y's length.
// Nothing checks that, and what happens otherwise is undefined: the matrix that
// holds the rows has seen to it when it was made, and its users to that y is as
// long as it has columns.
//
// A sum is added up in eight lanes, which begin as 0, and of at most [stretch]
// elements at a time: eight elements go to one lane each, as long as there are
// eight; then four to the first four, if there are four; and the last one to three
// end in the fourth lane. In the end each lane of the second half is added to that
// of the first, until one is left. Rows are short: half of their time goes to what
// is left of whole vectors. Nothing is fused.

// Gather returns the sum of y[i] over all i of idx, each of which is below len(y).
// This is not checked: see [GatherDot].
func Gather[I Index, T Float](idx []I, y []T) T {
	if len(idx) <= stretch {
		return gatherFast(idx, y)
	}
	var s T
	for len(idx) > stretch {
		s += gatherFast(idx[:stretch], y)
		idx = idx[stretch:]
	}
	return s + gatherFast(idx, y)
}

func gatherGo[I Index, T Float](idx []I, y []T) T {
	var a, b [4]T
	for ; len(idx) >= 8; idx = idx[8:] {
		i := (*[8]I)(idx)
		a[0] += y[i[0]]
		a[1] += y[i[1]]
		a[2] += y[i[2]]
		a[3] += y[i[3]]
		b[0] += y[i[4]]
		b[1] += y[i[5]]
		b[2] += y[i[6]]
		b[3] += y[i[7]]
	}
	if len(idx) >= 4 {
		for k, i := range idx[:4] {
			a[k] += y[i]
		}
		idx = idx[4:]
	}
	last := a[4-len(idx):]
	for k, i := range idx {
		last[k] += y[i]
	}
	return fold8(&a, &b)
}

func fold8[T Float](a, b *[4]T) T {
	return ((a[0] + b[0]) + (a[2] + b[2])) + ((a[1] + b[1]) + (a[3] + b[3]))
}

// GatherDot returns the sum of x[k] y[idx[k]], each x[k] made a T first. x is at
// least as long as idx. Every index is below len(y). This is not checked: the
// matrix that holds the row guarantees it, and the caller that y is as long as the
// matrix has columns.
func GatherDot[I Index, V, T Float](idx []I, x []V, y []T) T {
	x = x[:len(idx)]
	if len(idx) <= stretch {
		return gatherDotFast(idx, x, y)
	}
	var s T
	for len(idx) > stretch {
		s += gatherDotFast(idx[:stretch], x[:stretch], y)
		idx, x = idx[stretch:], x[stretch:]
	}
	return s + gatherDotFast(idx, x, y)
}

func gatherDotGo[I Index, V, T Float](idx []I, x []V, y []T) T {
	var a, b [4]T
	for ; len(idx) >= 8; idx, x = idx[8:], x[8:] {
		i, v := (*[8]I)(idx), (*[8]V)(x)
		a[0] += T(T(v[0]) * y[i[0]])
		a[1] += T(T(v[1]) * y[i[1]])
		a[2] += T(T(v[2]) * y[i[2]])
		a[3] += T(T(v[3]) * y[i[3]])
		b[0] += T(T(v[4]) * y[i[4]])
		b[1] += T(T(v[5]) * y[i[5]])
		b[2] += T(T(v[6]) * y[i[6]])
		b[3] += T(T(v[7]) * y[i[7]])
	}
	if len(idx) >= 4 {
		for k, i := range idx[:4] {
			a[k] += T(T(x[k]) * y[i])
		}
		idx, x = idx[4:], x[4:]
	}
	last := a[4-len(idx):]
	for k, i := range idx {
		last[k] += T(T(x[k]) * y[i])
	}
	return fold8(&a, &b)
}

// ScatterAdd adds a to y[i] for all i of idx, which are distinct and below len(y).
// This is not checked: see [GatherDot].
func ScatterAdd[I Index, T Float](a T, idx []I, y []T) {
	for len(idx) > stretch {
		scatterAddFast(a, idx[:stretch], y)
		idx = idx[stretch:]
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
	x = x[:len(idx)]
	for len(idx) > stretch {
		scatterAxpyFast(a, idx[:stretch], x[:stretch], y)
		idx, x = idx[stretch:], x[stretch:]
	}
	scatterAxpyFast(a, idx, x, y)
}

func scatterAxpyGo[I Index, V, T Float](a T, idx []I, x []V, y []T) {
	x = x[:len(idx)]
	for k, i := range idx {
		y[i] += T(a * T(x[k]))
	}
}
