package consistency

import "slices"

// Held keeps requests until the slowest origin has reached their floor. Of
// those that are ready, the lowest floor comes out first and equal floors in
// the order they went in. The zero value is empty.
type Held[R any] struct {
	heap []heldRequest[R]
	next uint64
}

type heldRequest[R any] struct {
	floor   Clock
	seq     uint64 // order of arrival, to keep equal floors in order
	request R
}

func (a heldRequest[R]) before(b heldRequest[R]) bool {
	return a.floor < b.floor || a.floor == b.floor && a.seq < b.seq
}

// Len is the number of requests held.
func (h *Held[R]) Len() int { return len(h.heap) }

// Add holds request until floor is reached.
func (h *Held[R]) Add(floor Clock, request R) {
	h.heap = append(h.heap, heldRequest[R]{floor, h.next, request})
	h.next++
	for i := len(h.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h.heap[i].before(h.heap[parent]) {
			break
		}
		h.heap[i], h.heap[parent] = h.heap[parent], h.heap[i]
		i = parent
	}
}

// Ready takes out the next request whose floor is at most min.
func (h *Held[R]) Ready(min Clock) (request R, ok bool) {
	if len(h.heap) == 0 || h.heap[0].floor > min {
		return request, false
	}
	request = h.heap[0].request
	last := len(h.heap) - 1
	h.heap[0] = h.heap[last]
	h.heap[last] = heldRequest[R]{}
	h.heap = h.heap[:last]
	h.sink(0)
	return request, true
}

// Remove takes out every request for which match is true.
func (h *Held[R]) Remove(match func(R) bool) {
	kept := h.heap[:0]
	for _, r := range h.heap {
		if !match(r.request) {
			kept = append(kept, r)
		}
	}
	clear(h.heap[len(kept):])
	h.heap = kept
	for i := len(kept)/2 - 1; i >= 0; i-- {
		h.sink(i)
	}
}

// All calls f for each request held, in the order in which they come out: added
// to an empty Held in this order, they come out alike.
func (h *Held[R]) All(f func(floor Clock, request R)) {
	slices.SortFunc(h.heap, func(a, b heldRequest[R]) int { // what is sorted is a heap
		if a.before(b) {
			return -1
		}
		return 1
	})
	for _, r := range h.heap {
		f(r.floor, r.request)
	}
}

func (h *Held[R]) sink(i int) {
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(h.heap); c++ {
			if h.heap[c].before(h.heap[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		h.heap[i], h.heap[least] = h.heap[least], h.heap[i]
		i = least
	}
}
