package dataset

// Select returns the matrix of some columns, which are ascending: column k of it is
// columns[k] of m.
func (m *Matrix) Select(columns []int32) Matrix {
	to := make([]int32, m.cols) // 1 + the new number, 0: left out
	for k, j := range columns {
		to[j] = int32(k) + 1
	}
	n := 0
	switch m.index {
	case index16:
		n = countKept(m.idx16, to)
	case index32:
		n = countKept(m.idx32, to)
	default:
		for i := range m.rows {
			for j := range m.Row(i) {
				n += int(min(to[j], 1))
			}
		}
	}
	f := newFiller(m.rows, len(columns), n, m.value)
	if m.value == ones && m.index == index32 && f.m.index != dense {
		if f.m.index == index16 {
			keep(m, to, f.m.idx16, f.m.ptr)
		} else {
			keep(m, to, f.m.idx32, f.m.ptr)
		}
		return f.m
	}
	for i := range m.rows {
		for j, v := range m.Row(i) {
			if to[j] > 0 {
				f.put(int(to[j])-1, v)
			}
		}
		f.end()
	}
	return f.m
}

func countKept[I uint16 | uint32](idx []I, to []int32) (n int) {
	for _, j := range idx {
		n += int(min(to[j], 1))
	}
	return n
}

// keep writes the columns of the large matrices: those of 32 bits, without values. The
// next place is written to whether a column is kept or not: that costs less than to ask.
func keep[O uint16 | uint32](m *Matrix, to []int32, out []O, ptr []int64) {
	at := 0
	for i := range m.rows {
		for _, j := range m.idx32[m.ptr[i]:m.ptr[i+1]] {
			k := to[j]
			if at < len(out) {
				out[at] = O(k - 1)
			}
			at += int(min(k, 1))
		}
		ptr[i+1] = int64(at)
	}
}
