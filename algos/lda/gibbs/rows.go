package gibbs

import (
	"fmt"
	"math/bits"
)

// Rows are the counts of topics of the words [lo, hi) that a call is about. Without
// Offsets, word lo+i has the counts Values[i*K:(i+1)*K]. With them, its row is
// Values[Offsets[i]:Offsets[i+1]]: dense if it is K long, else packed, which is to say
// that each value is 0 or a topic and its count; see Form.
type Rows struct {
	Values  []int32
	Offsets []int
}

// row is that of the word lo+i.
func (r Rows) row(i, k int) []int32 {
	if r.Offsets == nil {
		return r.Values[i*k : (i+1)*k]
	}
	return r.Values[r.Offsets[i]:r.Offsets[i+1]]
}

// check tells what is wrong with the shape of the rows of n words.
func (r Rows) check(n, k int) error {
	if r.Offsets == nil {
		if len(r.Values) != n*k {
			return fmt.Errorf("gibbs: %d counts for %d words and %d topics, not %d", len(r.Values), n, k, n*k)
		}
		return nil
	}
	if len(r.Offsets) != n+1 {
		return fmt.Errorf("gibbs: %d offsets for the rows of %d words, not %d", len(r.Offsets), n, n+1)
	}
	at := 0
	for i, o := range r.Offsets {
		if o < at || o > len(r.Values) || o-at > k {
			return fmt.Errorf("gibbs: offset %d is %d after %d: rows of at most %d values, within %d, follow each other", i, o, at, k, len(r.Values))
		}
		at = o
	}
	return nil
}

// A Form is how a topic and a count are packed into one value: the topic in as many of
// the high bits as the number of topics takes, the count in the others.
//
//	31        shift      0
//	[ topic   |    count ]
type Form struct {
	topics int
	shift  uint
}

// FormOf returns the form for so many topics.
func FormOf(topics int) Form {
	return Form{topics, uint(32 - bits.Len(uint(max(1, topics-1))))}
}

// Most is the largest count that can be packed.
func (f Form) Most() int32 { return int32(1)<<f.shift - 1 }

// Pack returns the value of a topic and its count, from 1 to Most.
func (f Form) Pack(topic int, count int32) int32 {
	return int32(uint32(topic)<<f.shift | uint32(count))
}

// Unpack returns the topic and the count of a value. The topic of a value that Pack
// has not made may be too large.
func (f Form) Unpack(v int32) (topic int, count int32) {
	return int(uint32(v) >> f.shift), v & f.Most()
}

// Capacity is how many values the row of a word takes that has so many tokens in the
// whole corpus: the number of topics, which makes it dense, unless half of that has
// room for each token's topic.
func (f Form) Capacity(tokens int64) int {
	if tokens > int64(f.topics/2) || tokens > int64(f.Most()) {
		return f.topics
	}
	return int(tokens)
}

// Add adds the counts of a row, packed or dense, to those of all topics.
func (f Form) Add(counts, row []int32) error {
	if len(row) == f.topics {
		for k, n := range row {
			counts[k] += n
		}
		return nil
	}
	for _, v := range row {
		topic, n := f.Unpack(v)
		if n == 0 {
			continue
		}
		if topic >= f.topics {
			return fmt.Errorf("gibbs: a packed count of topic %d, where there are %d topics", topic, f.topics)
		}
		counts[topic] += n
	}
	return nil
}

// Put makes a row, packed or dense, that of the counts of all topics. Counts below 0
// have no place in a packed row: they are left out.
func (f Form) Put(row, counts []int32) error {
	if len(row) == f.topics {
		copy(row, counts)
		return nil
	}
	at := 0
	for k, n := range counts {
		if n <= 0 {
			continue
		}
		if at == len(row) || n > f.Most() {
			return fmt.Errorf("gibbs: a packed row of %d values has no room for %d of topic %d: its word has more tokens than its capacity was made for", len(row), n, k)
		}
		row[at] = f.Pack(k, n)
		at++
	}
	clear(row[at:])
	return nil
}
