package kernel

import (
	"math"
	"math/bits"
)

// Topics draws the topics of the tokens of one word by collapsed Gibbs sampling. For
// topic k, n_wk are the counts of the word, n_k the totals, and n_dk the counts of a
// document, which are in dense rows of bytes or of 16 bits, or in lists; the token
// itself is counted nowhere while its topic is drawn. The topic has a weight of
//
//	(n_dk + alpha_k) phi_k, where phi_k = (max(0, n_wk) + beta) / (max(0, n_k) + vbeta)
//
// Rows and the slices of topics are a multiple of 16 long: there are zeros in Alpha and
// in rows beyond the last topic. The assembly knows the order of the fields.
type Topics struct {
	Phi     []float32
	Inverse []float32 // 1 / (max(0, n_k) + vbeta)
	Alpha   []float32
	Word    []int32   // n_wk
	Totals  []int32   // n_k
	Doc     []uint32  // of each token; 16 more follow within the capacity
	Topic   []uint32  // of each token; NoTopic if it is not counted yet
	Sums    []float32 // room for 48 more than a row has
	Rows8   []uint8
	Rows16  []uint16
	Entries []uint32 // of lists: a topic in the bits from Shift on, its count in those below
	Head    []uint32 // of a document the place of its first entry, and how many it has
	Mass    float64  // the sum of alpha_k phi_k
	Beta    float32
	VBeta   float32
	Random  uint64
	At      int // the token whose turn it is
	mask    int // of the count in an entry
	Shift   int
	tail    int // bytes of Sums that a row takes; the tree follows
	Chosen  int // the topic whose entry is full
	bytes   int // of a row
	end     int
	pair    *Topics // whose token is drawn after each; itself if alone
	Stride  int     // of a row, in topics; of the longest list, in entries
}

// NoTopic is the topic of a token that is not counted yet.
const NoTopic = math.MaxUint32

// Why Draw ends before all tokens have been drawn: the topic of the token at At is to
// be drawn from alpha_k phi_k, or it is Chosen, whose entry has no room for more.
const (
	Drawn = iota
	FromAlpha
	Full
)

// burst is how many tokens a call draws at most.
const burst = 1024

// Fill makes Phi, and Mass, that of the word whose counts are in Word.
func (t *Topics) Fill() {
	var lanes [16]float32
	n := len(t.Word) &^ 15
	if fillFast(t, &lanes, n); n < len(t.Word) {
		// The counts may end within 16, Phi does not.
		fillGo(t, &lanes, n, len(t.Word))
	}
	var tree [48]float32
	t.Mass = float64(sumTree(lanes[:], tree[:]))
}

func fillGo(t *Topics, lanes *[16]float32, lo, hi int) {
	for k := lo; k < hi; k++ {
		p := (float32(max(0, t.Word[k])) + t.Beta) * t.Inverse[k]
		t.Phi[k] = p
		w := p * t.Alpha[k]
		lanes[k&15] += float32(w)
	}
}

// sumTree adds up 16 lanes by halves and keeps the sums in tree: 16, 8, 4 and 2.
func sumTree(lanes, tree []float32) float32 {
	copy(tree, lanes[:16])
	for i := range 8 {
		tree[16+i] = tree[i] + tree[8+i]
	}
	for i := range 4 {
		tree[24+i] = tree[16+i] + tree[20+i]
	}
	tree[28] = tree[24] + tree[26]
	tree[29] = tree[25] + tree[27]
	return tree[28] + tree[29]
}

// DrawBytes, DrawShorts and DrawLists draw the topics of the tokens from At on, of
// documents whose counts are in Rows8, Rows16 or Entries. They return Drawn at the end
// of the tokens.
//
// Two words can be drawn in turns, token by token: while the topic of one is looked for,
// the work on the next begins. They have the documents and the totals in common, and
// phi of each does not know what the other changes of the totals. The word that a draw
// ends for is returned. With nil a word is drawn alone.
func (t *Topics) DrawBytes(pair *Topics) (state int, at *Topics)  { return t.draw(pair, ofBytes) }
func (t *Topics) DrawShorts(pair *Topics) (state int, at *Topics) { return t.draw(pair, ofShorts) }
func (t *Topics) DrawLists(pair *Topics) (state int, at *Topics)  { return t.draw(pair, ofLists) }

type rowKind int

const (
	ofBytes rowKind = iota
	ofShorts
	ofLists
)

func (t *Topics) draw(pair *Topics, rows rowKind) (state int, at *Topics) {
	if pair == nil {
		pair = t
	}
	for {
		for _, x := range [2]*Topics{t, pair} {
			x.tail = 4 * x.Stride
			x.bytes = x.Stride << rows
			x.mask = 1<<x.Shift - 1
			x.end = min(len(x.Topic), x.At+burst)
			if x.At == len(x.Topic) {
				return Drawn, x
			}
		}
		t.pair, pair.pair = pair, t
		if state, at = drawFast(t, rows); state != Drawn {
			return state, at
		}
		t, pair = at, at.pair
	}
}

// drawGo draws the topics of the tokens from At to end, in turns with the pair.
func drawGo(t *Topics, rows rowKind) (state int, at *Topics) {
	for ; t.At < t.end; t = t.pair {
		if state := t.drawOne(rows); state != Drawn {
			return state, t
		}
		t.At++
	}
	return Drawn, t
}

// drawOne draws the topic of the token at At. The numbers of the document times phi are
// added up in 16 lanes; Sums keeps the lanes after each 16 topics. With a random number
// the topic is found: that of the token, one of alpha, or first the lane, in a tree of
// the lanes, then where in the lane.
func (t *Topics) drawOne(rows rowKind) (state int) {
	z := int(t.Topic[t.At])
	fresh := t.Topic[t.At] == NoTopic
	list, own := t.pass(rows, z)
	tree := t.Sums[t.Stride : t.Stride+48]
	var lanes [16]float32
	n := t.Stride
	if rows == ofLists {
		n = (len(list) + 15) &^ 15
	}
	if n > 0 {
		copy(lanes[:], t.Sums[n-16:n])
	}
	var mine, removed float32
	if !fresh {
		if rows == ofLists {
			mine = t.ownWeight(z, float32(list[own]&uint32(t.mask)))
		} else {
			d := t.count(rows, z)
			removed = float32(d) * t.Phi[z]
			lanes[z&15] -= removed
			mine = t.ownWeight(z, float32(d))
		}
	}
	doc := max(0, sumTree(lanes[:], tree))
	rest := t.Mass
	if !fresh {
		w := t.Alpha[z] * t.Phi[z]
		rest -= float64(w)
	}
	u := (mine + doc + max(0, float32(rest))) * t.uniform()
	if u -= mine; u < 0 {
		return Drawn
	}
	if u >= doc {
		return FromAlpha
	}
	lane := 0
	for step, from := range [4]int{28, 24, 16, 0} {
		if left := tree[from+lane]; u >= left {
			u -= left
			lane += 1 << step
		}
	}
	if rows != ofLists && !fresh && lane == z&15 && u >= t.Sums[z]-removed {
		u += removed
	}
	at := lane
	if n == 0 || u >= t.Sums[n-16+lane] {
		return FromAlpha
	}
	for u >= t.Sums[at] {
		at += 16
	}
	if rows != ofLists {
		if at != z {
			t.Move(at)
		}
		return Drawn
	}
	k := int(list[at] >> t.Shift)
	t.Chosen = k
	if int(list[at])&t.mask == t.mask {
		return Full
	}
	if k != z {
		t.Move(k)
	}
	return Drawn
}

// pass adds up the weights of the topics of the token's document in lanes, for a list
// without that of z, whose place is own.
func (t *Topics) pass(rows rowKind, z int) (list []uint32, own int) {
	var lanes [16]float32
	doc := int(t.Doc[t.At])
	switch rows {
	case ofBytes:
		for k, n := range t.Rows8[doc*t.Stride:][:t.Stride] {
			w := float32(n) * t.Phi[k]
			lanes[k&15] += float32(w)
			t.Sums[k] = lanes[k&15]
		}
	case ofShorts:
		for k, n := range t.Rows16[doc*t.Stride:][:t.Stride] {
			w := float32(n) * t.Phi[k]
			lanes[k&15] += float32(w)
			t.Sums[k] = lanes[k&15]
		}
	default:
		used := int(t.Head[2*doc+1])
		list = t.Entries[t.Head[2*doc]:][:used]
		for i, e := range list {
			n := e & uint32(t.mask)
			if int(e>>t.Shift) == z {
				n, own = 0, i
			}
			w := float32(n) * t.Phi[e>>t.Shift]
			lanes[i&15] += float32(w)
			t.Sums[i] = lanes[i&15]
		}
		for i := used; i&15 != 0; i++ {
			t.Sums[i] = lanes[i&15]
		}
	}
	return list, own
}

// count is n_dk of the token's document.
func (t *Topics) count(rows rowKind, k int) int {
	i := int(t.Doc[t.At])*t.Stride + k
	if rows == ofBytes {
		return int(t.Rows8[i])
	}
	return int(t.Rows16[i])
}

// ownWeight is that of topic z without the token, which is one of n in its document.
func (t *Topics) ownWeight(z int, n float32) float32 {
	p := (float32(max(0, t.Word[z]-1)) + t.Beta) / (float32(max(0, t.Totals[z]-1)) + t.VBeta)
	return (n - 1 + t.Alpha[z]) * p
}

// uniform is a random number from 0 to below 1.
func (t *Topics) uniform() float32 {
	t.Random += 0xa0761d6478bd642f
	hi, lo := bits.Mul64(t.Random, t.Random^0xe7037ed1a0b428db)
	return float32((hi^lo)>>40) * (1.0 / (1 << 24))
}

// DrawAlpha draws the topic of the token at At from alpha_k phi_k, where k is not that
// of the token, and makes it the token's. It is what follows FromAlpha.
func (t *Topics) DrawAlpha() {
	z := t.Topic[t.At]
	phi := float32(0)
	if z != NoTopic {
		phi, t.Phi[z] = t.Phi[z], 0
	}
	k := t.drawAlpha()
	if z != NoTopic {
		t.Phi[z] = phi
	}
	if k != int(z) {
		t.Move(k)
	}
}

// stretchOfTopics is how many topics are added up before one of them is looked for.
const stretchOfTopics = 64

// drawAlpha draws from alpha_k phi_k. It goes through them twice: their sum is not Mass
// to the last bit.
func (t *Topics) drawAlpha() int {
	n := len(t.Word)
	sum := float32(0)
	for k := 0; k < n; k += stretchOfTopics {
		end := min(n, k+stretchOfTopics)
		sum += Dot(t.Alpha[k:end], t.Phi[k:end])
	}
	u := t.uniform() * sum
	last := 0
	for k := 0; k < n; k += stretchOfTopics {
		end := min(n, k+stretchOfTopics)
		s := Dot(t.Alpha[k:end], t.Phi[k:end])
		if u >= s {
			u -= s
			continue
		}
		for i := k; i < end; i++ {
			w := t.Alpha[i] * t.Phi[i]
			if w > 0 {
				last = i
			}
			if u -= w; u < 0 {
				return i
			}
		}
		break
	}
	return last
}

// Move makes k the topic of the token at At, in all counts and what follows from them.
func (t *Topics) Move(k int) {
	doc := int(t.Doc[t.At])
	z := t.Topic[t.At]
	t.Topic[t.At] = uint32(k)
	if len(t.Head) > 0 {
		t.moveEntry(doc, z, uint32(k))
	} else {
		t.add(doc*t.Stride+k, 1)
		if z != NoTopic {
			t.add(doc*t.Stride+int(z), -1)
		}
	}
	t.Count(k, 1)
	if z != NoTopic {
		t.Count(int(z), -1)
	}
}

func (t *Topics) add(i int, by int) {
	if len(t.Rows8) > 0 {
		t.Rows8[i] += uint8(by)
	} else {
		t.Rows16[i] += uint16(by)
	}
}

// moveEntry takes 1 from z in the list of a document, and adds it to k: first to an
// entry that is there, as the assembly does, else to a new one when z has gone.
func (t *Topics) moveEntry(doc int, z, k uint32) {
	first := int(t.Head[2*doc])
	list := t.Entries[first : first+int(t.Head[2*doc+1])]
	mask := uint32(1)<<t.Shift - 1
	found := false
	for i, e := range list {
		if e>>t.Shift == k && e&mask != mask {
			list[i]++
			found = true
			break
		}
	}
	used := len(list)
	for i := len(list) - 1; i >= 0 && z != NoTopic; i-- {
		if list[i]>>t.Shift != z {
			continue
		}
		if list[i]--; list[i]&mask == 0 {
			used--
			list[i], list[used] = list[used], 0
		}
		break
	}
	if !found {
		t.Entries[first+used] = k<<t.Shift | 1
		used++
	}
	t.Head[2*doc+1] = uint32(used)
}

// Count adds to the counts of topic k of the word and of all, and makes anew what
// follows from them.
func (t *Topics) Count(k int, by int32) {
	t.Word[k] += by
	t.Totals[k] += by
	t.Inverse[k] = 1 / (float32(max(0, t.Totals[k])) + t.VBeta)
	p := (float32(max(0, t.Word[k])) + t.Beta) * t.Inverse[k]
	w := (p - t.Phi[k]) * t.Alpha[k]
	t.Phi[k] = p
	t.Mass += float64(w)
}
