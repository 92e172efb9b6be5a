package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// tail is where in the sums the tree is.
func (d *drawing) tail() Register {
	tail := GP64()
	MOVQ(at(d.t, fTail), tail)
	ADDQ(d.sums, tail)
	return tail
}

// tree adds up the lanes by halves and keeps the sums: 16, 8, 4 and 2 after each other.
func (d *drawing) tree(lanes []VecVirtual) {
	tail := d.tail()
	if d.rows != listed {
		lane, removed := d.vec(), d.vec()
		VPBROADCASTD(d.removed, removed)
		z := GP32()
		MOVL(d.z.(GPVirtual).As32(), z)
		ANDL(U8(15), z)
		VMOVD(z, low(lane))
		VPBROADCASTD(low(lane), lane)
		for v := range lanes {
			if d.bytes == 64 {
				is := K()
				VPCMPEQD(iota16(0), lane, is)
				VSUBPS(removed, lanes[v], is, lanes[v])
			} else {
				is := YMM()
				VPCMPEQD(iota16(32*v), lane, is)
				VANDPS(removed, is, is)
				VSUBPS(is, lanes[v], lanes[v])
			}
		}
	}
	for v := range lanes {
		VMOVUPS(lanes[v], at(tail, v*d.bytes))
	}
	y, h, x := YMM(), YMM(), XMM()
	if d.bytes == 64 {
		VEXTRACTF64X4(U8(1), lanes[0], h)
		VADDPS(h, half(lanes[0]), y)
	} else {
		VADDPS(lanes[1], lanes[0], y)
	}
	VMOVUPS(y, at(tail, 64))
	VEXTRACTF128(U8(1), y, x)
	VADDPS(x, y.AsX(), x)
	VMOVUPS(x, at(tail, 96))
	other := XMM()
	VMOVHLPS(x, x, other)
	VADDPS(other, x, x)
	VMOVQ(x, at(tail, 112))
	VMOVSHDUP(x, other)
	VADDSS(other, x, d.doc)
	zero := XMM()
	VXORPS(zero, zero, zero)
	VMAXSS(zero, d.doc, d.doc)
}

func iota16(disp int) Mem {
	q := make([]uint64, 8)
	for i := range q {
		q[i] = uint64(2*i) | uint64(2*i+1)<<32
	}
	return constant64("iota16", q...).Offset(disp)
}

// choose draws a number and goes where it falls: to stay, to alpha, or on.
func (d *drawing) choose() {
	rest, w := XMM(), XMM()
	VMOVSD(at(d.t, fMass), rest)
	CMPL(d.z.(GPVirtual).As32(), I32(-1))
	JE(LabelRef("all"))
	alpha := GP64()
	MOVQ(at(d.t, fAlpha), alpha)
	VMOVSS(Mem{Base: alpha, Index: d.z, Scale: 4}, w)
	VMULSS(Mem{Base: d.phi, Index: d.z, Scale: 4}, w, w)
	VCVTSS2SD(w, w, w)
	VSUBSD(w, rest, rest)
	Label("all")
	VCVTSD2SS(rest, rest, rest)
	zero := XMM()
	VXORPS(zero, zero, zero)
	VMAXSS(zero, rest, rest)
	VADDSS(d.doc, d.own, d.u)
	VADDSS(rest, d.u, d.u)
	d.uniform(w)
	VMULSS(w, d.u, d.u)
	VSUBSS(d.own, d.u, d.u)
	VUCOMISS(zero, d.u)
	JCS(LabelRef("stay")) // below 0
	VUCOMISS(d.doc, d.u)
	JCC(LabelRef("alpha")) // not below
}

// uniform sets w to a random number from 0 to below 1.
func (d *drawing) uniform(w VecVirtual) {
	step := GP64()
	MOVQ(U64(0xa0761d6478bd642f), step)
	ADDQ(at(d.t, fRandom), step)
	MOVQ(step, at(d.t, fRandom))
	MOVQ(U64(0xe7037ed1a0b428db), RAX)
	XORQ(step, RAX)
	MULQ(step)
	XORQ(RDX, RAX)
	SHRQ(U8(40), RAX)
	VXORPS(w, w, w)
	VCVTSI2SSL(EAX, w, w)
	VMULSS(constant("small", 0x33800000), w, w)
}

// search finds the topic in whose weight u falls. For a list it sets place to that of
// the entry.
func (d *drawing) search() GPVirtual {
	tail, lane, right := d.tail(), GP64(), GP64()
	left, less := XMM(), XMM()
	XORL(lane.As32(), lane.As32())
	for step := 1; step < 16; step *= 2 {
		disp := map[int]int{1: 112, 2: 96, 4: 64, 8: 0}[step]
		VMOVSS(Mem{Base: tail, Index: lane, Scale: 4, Disp: disp}, left)
		VSUBSS(left, d.u, less)
		LEAQ(Mem{Base: lane, Disp: step}, right)
		// A conditional move of a float: by its bits.
		a, b := GP32(), GP32()
		VMOVD(d.u, a)
		VMOVD(less, b)
		VUCOMISS(left, d.u)
		CMOVLCC(b, a)
		CMOVQCC(right, lane)
		VMOVD(a, d.u)
	}
	SHLQ(U8(2), lane)
	ADDQ(d.sums, lane) // of the lane's sums
	if d.rows != listed {
		d.skipOwn(lane)
	}
	last := XMM()
	VMOVSS(Mem{Base: lane, Index: d.chunks, Scale: 1, Disp: -64}, last)
	VUCOMISS(last, d.u)
	JCC(LabelRef("alpha"))
	// Of n sums from first on, the first above u.
	first, n, h, middle := GP64(), GP64(), GP64(), GP64()
	MOVQ(lane, first)
	MOVQ(d.chunks, n)
	SHRQ(U8(6), n)
	Label("search")
	CMPQ(n, U8(1))
	JLE(LabelRef("searched"))
	MOVQ(n, h)
	SHRQ(U8(1), h)
	SUBQ(h, n)
	SHLQ(U8(6), h)
	LEAQ(Mem{Base: first, Index: h, Scale: 1}, middle)
	VUCOMISS(Mem{Base: middle, Disp: -64}, d.u)
	CMOVQCC(middle, first)
	JMP(LabelRef("search"))
	Label("searched")
	SUBQ(d.sums, first)
	k := GP64()
	if d.rows != listed {
		SHRQ(U8(2), first)
		MOVQ(first, k)
		CMPQ(k, d.z)
		JE(LabelRef("stay"))
		return k
	}
	ADDQ(d.row, first)
	count := GP32()
	MOVL(at(first, 0), k.As32())
	MOVL(k.As32(), count)
	ANDL(at(d.t, fStride), count)
	topic := d.shifted(k)
	MOVQ(topic, at(d.t, fChosen))
	CMPL(count, at(d.t, fStride))
	JE(LabelRef("full"))
	CMPL(d.z.(GPVirtual).As32(), topic.As32())
	JE(LabelRef("stay"))
	MOVQ(first, d.next) // for move
	return topic
}

// shifted is the topic of an entry.
func (d *drawing) shifted(entry GPVirtual) GPVirtual {
	MOVQ(at(d.t, fShift), RCX)
	SHRL(CL, entry.As32())
	return entry
}

// skipOwn adds to u what is removed of the lane's sums where the sum that u is in has
// it.
func (d *drawing) skipOwn(lane GPVirtual) {
	own, w := GP64(), XMM()
	MOVQ(d.z, own)
	ANDL(U8(15), own.As32())
	LEAQ(Mem{Base: d.sums, Index: own, Scale: 4}, own)
	CMPQ(own, lane)
	JNE(LabelRef("other"))
	CMPL(d.z.(GPVirtual).As32(), I32(-1))
	JE(LabelRef("other"))
	VMOVSS(Mem{Base: d.sums, Index: d.z, Scale: 4}, w)
	VSUBSS(d.removed, w, w)
	VUCOMISS(w, d.u)
	JCS(LabelRef("other"))
	VADDSS(d.removed, d.u, d.u)
	Label("other")
}

// move makes k the topic of the token.
func (d *drawing) move(k GPVirtual) {
	switch d.rows {
	case dense8:
		INCB(Mem{Base: d.row, Index: k, Scale: 1})
	case dense16:
		INCW(Mem{Base: d.row, Index: k, Scale: 2})
	default:
		INCL(at(d.next, 0))
	}
	topic := GP64()
	MOVQ(at(d.t, fTopic), topic)
	MOVL(k.As32(), Mem{Base: topic, Index: d.i, Scale: 4})
	d.count(k, 1)
	CMPL(d.z.(GPVirtual).As32(), I32(-1))
	JE(LabelRef("stay"))
	switch d.rows {
	case dense8:
		DECB(Mem{Base: d.row, Index: d.z, Scale: 1})
	case dense16:
		DECW(Mem{Base: d.row, Index: d.z, Scale: 2})
	default:
		d.leave()
	}
	d.count(d.z, -1)
}

// leave takes 1 from the entry of the own topic; the last takes its place if that was
// all.
func (d *drawing) leave() {
	entry, count := GP64(), GP64()
	LEAQ(Mem{Base: d.row, Index: d.position, Scale: 1}, entry)
	MOVL(at(entry, 0), count.As32())
	DECL(count.As32())
	MOVL(count.As32(), at(entry, 0))
	TESTL(count.As32(), at(d.t, fStride))
	JNE(LabelRef("left"))
	doc, head, last := GP64(), GP64(), GP64()
	MOVQ(at(d.t, fDoc), doc)
	MOVL(Mem{Base: doc, Index: d.i, Scale: 4}, doc.As32())
	MOVQ(at(d.t, fHead), head)
	LEAQ(Mem{Base: head, Index: doc, Scale: 8}, head)
	MOVL(at(head, 4), last.As32())
	DECL(last.As32())
	MOVL(last.As32(), at(head, 4))
	LEAQ(Mem{Base: d.row, Index: last, Scale: 4}, last)
	MOVL(at(last, 0), count.As32())
	MOVL(count.As32(), at(entry, 0))
	MOVL(U32(0), at(last, 0))
	Label("left")
}

// count adds to the counts of a topic and makes all that follows from them new.
func (d *drawing) count(k Register, by int8) {
	for _, f := range []int{fWord, fTotals} {
		n := GP64()
		MOVQ(at(d.t, f), n)
		ADDL(I8(by), Mem{Base: n, Index: k, Scale: 4})
	}
	word, total, inverse, mass, w := XMM(), XMM(), XMM(), XMM(), XMM()
	d.prior(fTotals, k, 0, fVBeta, total)
	VMOVSS(constant("one", 0x3f800000), inverse)
	VDIVSS(total, inverse, inverse)
	p := GP64()
	MOVQ(at(d.t, fInverse), p)
	VMOVSS(inverse, Mem{Base: p, Index: k, Scale: 4})
	d.prior(fWord, k, 0, fBeta, word)
	VMULSS(inverse, word, word)
	VSUBSS(Mem{Base: d.phi, Index: k, Scale: 4}, word, w)
	VMOVSS(word, Mem{Base: d.phi, Index: k, Scale: 4})
	alpha := GP64()
	MOVQ(at(d.t, fAlpha), alpha)
	VMULSS(Mem{Base: alpha, Index: k, Scale: 4}, w, w)
	VCVTSS2SD(w, w, w)
	VMOVSD(at(d.t, fMass), mass)
	VADDSD(w, mass, mass)
	VMOVSD(mass, at(d.t, fMass))
}
