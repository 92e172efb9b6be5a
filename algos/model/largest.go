package model

import (
	"cmp"
	"container/heap"
	"fmt"
	"math"
	"slices"
)

// Row is a key of a table and its values.
type Row struct {
	Key    uint64
	Values []float64
}

// Size is the largest magnitude among the values; what is not a number counts as
// infinite.
func (r Row) Size() float64 {
	size := 0.0
	for _, v := range r.Values {
		if math.IsNaN(v) {
			return math.Inf(1)
		}
		size = max(size, math.Abs(v))
	}
	return size
}

// Largest returns how many values of a table are not zero, and the n rows of the
// largest size, in this order and that of keys; rows of zeros are not among them.
// In a table of more than 2^24 values it looks only at keys that were written.
func (r *Reader) Largest(name string, n int) (nonzeros uint64, rows []Row, err error) {
	t, err := r.table(name)
	if err != nil {
		return 0, nil, err
	}
	if n < 0 {
		return 0, nil, fmt.Errorf("model: the %d largest rows", n)
	}
	look := t.rows
	if t.small() && (t.spec.Init.Value != 0 || t.spec.Init.Spread != 0) {
		look = t.all
	}
	top := largest{most: n}
	row := make([]float64, t.l.width)
	err = look(func(key uint64, values []byte) error {
		t.l.decode(row, values)
		for _, v := range row {
			if v != 0 {
				nonzeros++
			}
		}
		top.add(key, row)
		return nil
	})
	return nonzeros, top.sorted(), err
}

// largest keeps the rows of the largest size, the least of them first: a heap.
type largest struct {
	most int
	rows []Row
	size []float64 // of each row
}

// Len implements heap.Interface, like the methods below.
func (h *largest) Len() int { return len(h.rows) }

// Less puts the smallest row first, of equal ones that of the largest key.
func (h *largest) Less(i, j int) bool {
	if c := cmp.Compare(h.size[i], h.size[j]); c != 0 {
		return c < 0
	}
	return h.rows[i].Key > h.rows[j].Key
}

// Swap exchanges two rows.
func (h *largest) Swap(i, j int) {
	h.rows[i], h.rows[j] = h.rows[j], h.rows[i]
	h.size[i], h.size[j] = h.size[j], h.size[i]
}

// Push appends a row.
func (h *largest) Push(x any) {
	row := x.(Row)
	h.rows, h.size = append(h.rows, row), append(h.size, row.Size())
}

// Pop drops the last row.
func (h *largest) Pop() any {
	n := len(h.rows) - 1
	row := h.rows[n]
	h.rows, h.size = h.rows[:n], h.size[:n]
	return row
}

// add considers a row; keys come in ascending order. It does not keep values.
func (h *largest) add(key uint64, values []float64) {
	size := Row{key, values}.Size()
	switch {
	case size == 0 || h.most == 0:
	case len(h.rows) < h.most:
		heap.Push(h, Row{key, slices.Clone(values)})
	case size > h.size[0]:
		copy(h.rows[0].Values, values)
		h.rows[0].Key, h.size[0] = key, size
		heap.Fix(h, 0)
	}
}

// sorted returns the rows, the largest first. It empties the heap.
func (h *largest) sorted() []Row {
	rows := make([]Row, len(h.rows))
	for i := len(rows) - 1; i >= 0; i-- {
		rows[i] = heap.Pop(h).(Row)
	}
	return rows
}
