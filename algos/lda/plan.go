package lda

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"petuum/algos/dataset"
	"petuum/algos/lda/gibbs"
	"petuum/table"
)

// plan is how the counts of words lie in their table and how these are cut in slices.
// It follows from the parameters and the data alone, so that every process has the same.
type plan struct {
	topics int
	words  int
	tokens float64
	sums   []float64 // tokens of each word; nil where they are not known

	offsets []int64 // packed: where the row of each word begins, and where the last ends; nil: dense
	cuts    []int   // where slices of words begin, and where the last ends
	rotates bool
	memory  int // cells that a part may hold
}

// Bytes that a part keeps for a value of a view in place: what it shows, what it showed before, what
// was answered and what is to be sent.
const viewBytes = 4 * 4

// denseCells is up to how many counts rows are dense however empty they are: 64 MB.
const denseCells = 1 << 24

// newPlan makes the plan for data like d.
func (a *LDA) newPlan(d dataset.Info) (*plan, error) {
	if d.Rows == 0 || d.Features == 0 || d.NonZeros == 0 {
		return nil, errors.New("lda: the data is empty: there are no tokens")
	}
	if d.Features > math.MaxInt32 {
		return nil, fmt.Errorf("lda: %d words are too many: at most %d", d.Features, math.MaxInt32)
	}
	p := &plan{topics: a.Topics, words: int(d.Features), sums: d.Sums, memory: a.Memory << 20 / viewBytes}
	if p.sums != nil { // up to the last word that occurs
		p.sums = append(slices.Clone(p.sums), make([]float64, p.words-len(p.sums))...)
	}
	for w, n := range p.sums {
		if !(n >= 0) || n != math.Trunc(n) {
			return nil, fmt.Errorf("lda: word %d is there %v times: counts are whole numbers from 1 to 2^31-1", w, n)
		}
		p.tokens += n
	}
	if p.tokens > math.MaxInt32 {
		return nil, fmt.Errorf("lda: %.0f tokens are too many: at most %d, which counts of 32 bits can hold", p.tokens, math.MaxInt32)
	}
	if a.RowsKind == "packed" || a.RowsKind == "auto" && a.Mode != "data" && p.sparse() {
		if p.sums == nil {
			return nil, errors.New("lda: the tokens of each word are not known: set algorithm.rows to dense")
		}
		p.pack()
	}
	parts := max(1, len(d.PartRows))
	p.rotates = a.Mode == "rotate" || p.packed() || a.Mode == "auto" && (parts > 1 || p.cells() > p.memory)
	switch {
	case p.rotates:
		return p, p.cut(a.Slices, parts)
	case p.cells() > p.memory:
		return nil, fmt.Errorf("lda: mode data has every part keep the counts of %d words and %d topics, %d MB of at most %d: set algorithm.mode to rotate, or raise algorithm.memory",
			p.words, p.topics, megabytes(p.cells()), a.Memory)
	case a.Slices > 0:
		parts = a.Slices
	}
	p.cutInto(parts)
	return p, nil
}

func megabytes(cells int) int { return cells/(1<<20/viewBytes) + 1 }

func (p *plan) packed() bool { return p.offsets != nil }

// cells is the counts of all words.
func (p *plan) cells() int { return p.at(p.words) }

// at is the first count of a word.
func (p *plan) at(word int) int {
	if p.offsets != nil {
		return int(p.offsets[word])
	}
	return word * p.topics
}

// sparse reports whether packed rows take much less than dense ones, which take much. Dense
// rows are faster where they are not mostly zeros: they travel and add up in whole vectors.
func (p *plan) sparse() bool {
	if p.sums == nil || p.cells() <= denseCells {
		return false
	}
	cells := 0
	for _, n := range p.sums {
		cells += gibbs.FormOf(p.topics).Capacity(int64(n))
	}
	return cells <= p.cells()/4
}

// pack makes the rows packed.
func (p *plan) pack() {
	p.offsets = make([]int64, p.words+1)
	for w, n := range p.sums {
		p.offsets[w+1] = p.offsets[w] + int64(gibbs.FormOf(p.topics).Capacity(int64(n)))
	}
}

// spec is the table of the counts of words.
func (p *plan) spec() table.Spec {
	if p.packed() {
		return table.Spec{Name: "words", Keys: uint64(p.cells()), Type: table.Int32}
	}
	return table.Spec{Name: "words", Keys: uint64(p.words), Width: p.topics, Type: table.Int32}
}

// slices is how many there are.
func (p *plan) slices() int { return len(p.cuts) - 1 }

// keys is the range of a slice in the table.
func (p *plan) keys(slice int) table.Range {
	lo, hi := p.cuts[slice], p.cuts[slice+1]
	if p.packed() {
		return table.Range{Begin: uint64(p.offsets[lo]), End: uint64(p.offsets[hi])}
	}
	return table.Range{Begin: uint64(lo), End: uint64(hi)}
}

// cut makes n slices for a number of parts; 0 are two for each part, or as many more as it takes
// for two of them, the one that is held and the next, to fit into the memory of a part.
func (p *plan) cut(n, parts int) error {
	if n > 0 {
		p.cutInto(n)
		if most := p.largest(); 2*most > p.memory {
			return fmt.Errorf("lda: the largest of %d slices of the vocabulary has counts of %d MB, and a part holds two at a time in at most %d MB: raise algorithm.slices (0 chooses) or algorithm.memory",
				n, megabytes(most), megabytes(p.memory)-1)
		}
		return nil
	}
	for n = 2 * parts; ; n *= 2 {
		p.cutInto(n)
		switch most := p.largest(); {
		case 2*most <= p.memory:
			return nil
		case n > 2*p.words:
			return fmt.Errorf("lda: the counts of one word can take %d MB, and a part holds two slices of the vocabulary at a time in at most %d MB: raise algorithm.memory, or lower algorithm.topics",
				megabytes(most), megabytes(p.memory)-1)
		}
	}
}

// largest is the counts of the largest slice.
func (p *plan) largest() (most int) {
	for s := range p.slices() {
		most = max(most, p.at(p.cuts[s+1])-p.at(p.cuts[s]))
	}
	return most
}

// longest is the words of the slice that has most of them.
func (p *plan) longest() (most int) {
	for s := range p.slices() {
		most = max(most, p.cuts[s+1]-p.cuts[s])
	}
	return most
}

// cutInto makes n slices of about equal weight. A word weighs its tokens, which take the time, and
// its counts, which travel: as if a slice had half of either.
func (p *plan) cutInto(n int) {
	weight := func(w int) float64 {
		share := float64(p.at(w+1)-p.at(w)) / float64(p.cells())
		if p.sums == nil {
			return share
		}
		return share*travel + p.sums[w]/p.tokens
	}
	total := 0.0
	for w := range p.words {
		total += weight(w)
	}
	p.cuts = make([]int, 1, n+1)
	sum := 0.0
	for w := range p.words {
		sum += weight(w)
		for s := len(p.cuts); s < n && sum >= total*float64(s)/float64(n); s++ {
			p.cuts = append(p.cuts, w+1)
		}
	}
	for len(p.cuts) <= n {
		p.cuts = append(p.cuts, p.words)
	}
}

// travel is what it weighs that all counts travel, where all tokens weigh 1.
const travel = 0.5
