package gibbs

import "slices"

// An urn draws topics in proportion to weights in constant time, by Walker's aliases: n
// slots of the same weight have one or two topics each. Where the weights are small whole
// numbers it has each topic so many times instead, which is faster.
type urn struct {
	n      int
	sum    float64
	spread []uint32
	topic  []uint32
	weight []float64 // of the topic; once filled its share of its slot, times 2^32
	alias  []uint32
	order  []int32
}

// grow makes room for n topics.
func (u *urn) grow(n int) {
	u.topic, u.alias = make([]uint32, n), make([]uint32, n)
	u.weight, u.order = make([]float64, n), make([]int32, n)
	u.empty()
}

func (u *urn) empty() { u.n, u.sum, u.spread = 0, 0, u.spread[:0] }

// atOnce is how many times spread writes a topic before it looks how often it is to be there.
const atOnce = 4

// scatter fills the urn with topics as often as they are counted, unless that is more than most
// times: then it reports false, and the urn is empty.
func (u *urn) scatter(counts []int32, most int) bool {
	u.spread = slices.Grow(u.spread[:0], most+atOnce)
	all, at := u.spread[:most+atOnce], 0
	for k, n := range counts {
		topic := uint32(k)
		four := all[at : at+atOnce : at+atOnce]
		four[0], four[1], four[2], four[3] = topic, topic, topic, topic
		if n > atOnce {
			if at+int(n) > most {
				return false
			}
			for i := range all[at : at+int(n)] {
				all[at+i] = topic
			}
		}
		at += int(n &^ (n >> 31))
		if at > most {
			return false
		}
	}
	u.spread, u.sum = all[:at], float64(at)
	return true
}

// add adds a topic to an urn that has not been filled since it was empty.
func (u *urn) add(topic uint32, weight float64) {
	u.topic[u.n], u.weight[u.n] = topic, weight
	u.sum += weight
	u.n++
}

// fill divides the topics among the slots: what a slot has less than its share is
// filled up from one that has more.
func (u *urn) fill() {
	if len(u.spread) > 0 {
		return
	}
	low, high := 0, u.n
	for i := range u.n {
		u.weight[i] *= float64(u.n) / u.sum
		u.alias[i] = u.topic[i]
		if u.weight[i] < 1 {
			u.order[low] = int32(i)
			low++
		} else {
			high--
			u.order[high] = int32(i)
		}
	}
	for low > 0 && high < u.n {
		low--
		small, large := u.order[low], u.order[high]
		u.alias[small] = u.topic[large]
		if u.weight[large] -= 1 - u.weight[small]; u.weight[large] < 1 {
			high++
			u.order[low] = large
			low++
		}
	}
}

// draw returns the topic that falls to 64 random bits.
func (u *urn) draw(bits uint64) uint32 {
	if len(u.spread) > 0 {
		return u.spread[(bits>>32)*uint64(len(u.spread))>>32]
	}
	i := (bits >> 32) * uint64(u.n) >> 32
	if float64(uint32(bits))*(1.0/(1<<32)) < u.weight[i] {
		return u.topic[i]
	}
	return u.alias[i]
}
