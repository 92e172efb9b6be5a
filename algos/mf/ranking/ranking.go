// Package ranking finds the items that score highest for users, and says how good such a
// list is by what the user turned out to take.
package ranking

import (
	"math"
	"slices"

	"petuum/table/kernel"
)

// Items are the rows that users' rows are multiplied with: that of item i begins at
// i*Stride, and has Rank factors from Factors on. With Biases, the value at Bias is added.
type Items struct {
	Values        []float32
	Stride, Rank  int
	Factors, Bias int
	Biases        bool
}

// Len is the number of items.
func (it Items) Len() int { return len(it.Values) / max(it.Stride, 1) }

const (
	users = 24  // a block: whole tiles of a product of matrices
	items = 512 // a block, whose scores for a block of users are still in the cache
)

// Finder finds the best items of users, a block of users at a time. It is for one
// goroutine.
type Finder struct {
	items  Items
	most   int
	rows   []float32 // of a block of users
	biases []float32 // of a block of items
	scores []float32
	lists  [users]list
	best   []Scored
}

// Scored is an item and its score.
type Scored struct {
	Item  uint32
	Score float32
}

// before says which of two comes first: what scores higher, then the lower item.
func before(a, b Scored) bool {
	return a.Score > b.Score || a.Score == b.Score && a.Item < b.Item
}

// list is the best items so far, a heap with the last of them on top, and what the user
// is not to be given, from where the items have come to.
type list struct {
	heap []Scored
	skip []uint32
}

// NewFinder makes a finder of lists of at most so many items.
func NewFinder(it Items, most int) *Finder {
	f := &Finder{items: it, most: most, rows: make([]float32, users*it.Rank), biases: make([]float32, items), scores: make([]float32, users*items)}
	for u := range f.lists {
		f.lists[u].heap = make([]Scored, 0, most)
	}
	return f
}

// Find calls give with the best items of each of n users, best first: the list is good
// during the call. row is a user's factors; skip is what is left out, ascending. A score that is not a number is no
// item's.
func (f *Finder) Find(n int, row func(u int) []float32, skip func(u int) []uint32, give func(u int, best []Scored)) {
	rank := f.items.Rank
	for lo := 0; lo < n; lo += users {
		m := min(users, n-lo)
		for u := range m {
			copy(f.rows[u*rank:][:rank], row(lo + u)[:rank])
			f.lists[u] = list{f.lists[u].heap[:0], skip(lo + u)}
		}
		f.block(m)
		for u := range m {
			f.best = append(f.best[:0], f.lists[u].heap...)
			slices.SortFunc(f.best, func(a, b Scored) int {
				if before(a, b) {
					return -1
				}
				return 1
			})
			give(lo+u, f.best)
		}
	}
}

// block scores all items for m users.
func (f *Finder) block(m int) {
	rank, stride := f.items.Rank, f.items.Stride
	for lo := 0; lo < f.items.Len(); lo += items {
		n := min(items, f.items.Len()-lo)
		scores := f.scores[:m*n]
		clear(scores)
		rows := f.items.Values[lo*stride:]
		kernel.GemmNT(m, n, rank, f.rows, rank, rows[f.items.Factors:], stride, scores, n)
		if f.items.Biases {
			for i := range n {
				f.biases[i] = rows[i*stride+f.items.Bias]
			}
		}
		for u := range m {
			if f.items.Biases {
				kernel.Add(scores[u*n:][:n], f.biases)
			}
			f.lists[u].take(scores[u*n:][:n], uint32(lo), f.most)
		}
	}
}

// take looks at the scores of items from first on.
func (l *list) take(scores []float32, first uint32, most int) {
	if most == 0 {
		return
	}
	bar := float32(math.Inf(-1)) // below what gets into a full list
	if len(l.heap) == most {
		bar = l.heap[0].Score
	}
	for i, v := range scores {
		if !(v > bar) && len(l.heap) == most || v != v {
			continue // a later item with the same score comes later, too
		}
		item := first + uint32(i)
		for len(l.skip) > 0 && l.skip[0] < item {
			l.skip = l.skip[1:]
		}
		if len(l.skip) > 0 && l.skip[0] == item {
			continue
		}
		l.put(Scored{item, v}, most)
		if len(l.heap) == most {
			bar = l.heap[0].Score
		}
	}
}

// put takes an item in, for the last one if the list is full.
func (l *list) put(s Scored, most int) {
	h := l.heap
	if len(h) < most {
		h = append(h, s)
		l.heap = h
		for i := len(h) - 1; i > 0; {
			up := (i - 1) / 2
			if !before(h[up], h[i]) {
				return
			}
			h[up], h[i] = h[i], h[up]
			i = up
		}
		return
	}
	h[0] = s
	for i := 0; ; {
		down := 2*i + 1
		if down >= len(h) {
			return
		}
		if down+1 < len(h) && before(h[down], h[down+1]) {
			down++
		}
		if !before(h[i], h[down]) {
			return
		}
		h[i], h[down] = h[down], h[i]
		i = down
	}
}
