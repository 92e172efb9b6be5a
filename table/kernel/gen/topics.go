package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The fields of Topics by their offsets, 8 bytes a field and 24 a slice.
const (
	fPhi     = 24 * 0
	fInverse = 24 * 1
	fAlpha   = 24 * 2
	fWord    = 24 * 3
	fTotals  = 24 * 4
	fDoc     = 24 * 5
	fTopic   = 24 * 6
	fSums    = 24 * 7
	fRows8   = 24 * 8
	fRows16  = 24 * 9
	fEntries = 24 * 10
	fHead    = 24 * 11
	fMass    = 288
	fBeta    = 296
	fVBeta   = 300
	fRandom  = 304
	fAt      = 312
	fStride  = 320
	fShift   = 328
	fTail    = 336 // where in Sums the tree is, in bytes
	fChosen  = 344
	fBytes   = 352 // a row, in bytes
	fEnd     = 360
	fPair    = 368
)

// ahead is how many tokens before it is drawn the counts of a document are asked for.
const ahead = 6

// topics are the kernels that draw the topics of the tokens of a word.
func topics() {
	for _, s := range []isa{avx2, avx512} {
		for _, r := range []rowKind{dense8, dense16, listed} {
			drawTopics(s, r)
		}
		fillTopics(s)
	}
}

type rowKind int

const (
	dense8 rowKind = iota
	dense16
	listed
)

var rowNames = map[rowKind]string{dense8: "Rows8", dense16: "Rows16", listed: "Listed"}

// A drawing is the kernel while it is written: what is in which register.
type drawing struct {
	isa
	rows                        rowKind
	t, i, z, row, next          Register
	phi, sums, chunks, position Register // chunks: bytes of sums in use
	own, removed, doc, u        VecVirtual
}

func (d *drawing) vectors() int { return 64 / d.bytes }

func drawTopics(s isa, r rowKind) {
	name := "drawTopics" + rowNames[r] + s.name
	function(name, "func(t *byte) (state int, at *byte)",
		name+" draws the topics of tokens from t.at up to t.end: see Topics.drawGo. The", "state is 0 at the end, 1 where a topic is to be drawn from alpha, 2 where one is", "chosen whose entry is full; at is whose token it is, t or its pair.")
	d := &drawing{isa: s, rows: r, t: pointer("t")}
	d.i, d.phi, d.sums = GP64(), GP64(), GP64()
	d.z, d.row, d.next, d.chunks, d.position = GP64(), GP64(), GP64(), GP64(), GP64()
	d.own, d.removed, d.doc, d.u = XMM(), XMM(), XMM(), XMM()
	Label("token")
	MOVQ(at(d.t, fAt), d.i)
	MOVQ(at(d.t, fPhi), d.phi)
	MOVQ(at(d.t, fSums), d.sums)
	CMPQ(d.i, at(d.t, fEnd))
	JGE(LabelRef("ended"))
	base := GP64()
	MOVQ(at(d.t, fTopic), base)
	MOVL(Mem{Base: base, Index: d.i, Scale: 4}, d.z.(GPVirtual).As32())
	d.findRows()
	lanes := d.pass()
	d.weighOwn()
	d.tree(lanes)
	d.choose()
	k := d.search()
	d.move(k)
	Label("stay")
	INCQ(d.i)
	MOVQ(d.i, at(d.t, fAt))
	MOVQ(at(d.t, fPair), d.t)
	JMP(LabelRef("token"))
	for state, name := range []string{"ended", "alpha", "full"} {
		Label(name)
		out := GP64()
		MOVQ(U32(uint32(state)), out)
		Store(out, ReturnIndex(0))
		Store(d.t, ReturnIndex(1))
		finish()
	}
}

// findRows finds the counts of the document and of one that is to come.
func (d *drawing) findRows() {
	docs, doc, later := GP64(), GP64(), GP64()
	MOVQ(at(d.t, fDoc), docs)
	MOVL(Mem{Base: docs, Index: d.i, Scale: 4}, doc.As32())
	MOVL(Mem{Base: docs, Index: d.i, Scale: 4, Disp: 4 * ahead}, later.As32())
	if d.rows != listed {
		for _, p := range []struct{ doc, row Register }{{doc, d.row}, {later, d.next}} {
			IMULQ(at(d.t, fBytes), p.doc)
			MOVQ(p.doc, p.row)
			ADDQ(at(d.t, map[rowKind]int{dense8: fRows8, dense16: fRows16}[d.rows]), p.row)
		}
		return
	}
	head := GP64()
	MOVQ(at(d.t, fHead), head)
	soon := GP64()
	MOVL(Mem{Base: docs, Index: d.i, Scale: 4, Disp: 8 * ahead}, soon.As32())
	PREFETCHT0(Mem{Base: head, Index: soon, Scale: 8})
	for _, p := range []struct{ doc, row Register }{{doc, d.row}, {later, d.next}} {
		MOVL(Mem{Base: head, Index: p.doc, Scale: 8}, p.row.(GPVirtual).As32())
		SHLQ(U8(2), p.row)
		ADDQ(at(d.t, fEntries), p.row)
	}
	MOVL(Mem{Base: head, Index: doc, Scale: 8, Disp: 4}, d.chunks.(GPVirtual).As32())
	ADDQ(U8(15), d.chunks)
	SHRQ(U8(4), d.chunks)
	SHLQ(U8(6), d.chunks)
}

// pass adds up the weights of all topics of the document in 16 lanes, and keeps the
// sums after each 16.
func (d *drawing) pass() []VecVirtual {
	lanes := d.vecs(d.vectors())
	for _, l := range lanes {
		VXORPS(half(l), half(l), half(l))
	}
	if d.rows != listed {
		MOVQ(at(d.t, fTail), d.chunks)
	}
	var z, mask VecVirtual
	var shift VecVirtual
	if d.rows == listed {
		z, mask, shift = d.vec(), d.vec(), XMM()
		VMOVD(d.z.(GPVirtual).As32(), low(z))
		VPBROADCASTD(low(z), z)
		VPBROADCASTD(at(d.t, fStride), mask)
		VMOVD(at(d.t, fShift), shift)
		XORL(d.position.(GPVirtual).As32(), d.position.(GPVirtual).As32())
	}
	o := GP64()
	XORL(o.As32(), o.As32())
	scale := map[rowKind]uint8{dense8: 1, dense16: 2}[d.rows]
	var at16, next Register // the rows, 16 topics on
	if d.rows != listed {
		at16, next = GP64(), GP64()
		MOVQ(d.row, at16)
		MOVQ(d.next, next)
	}
	Label("pass")
	CMPQ(o, d.chunks)
	JGE(LabelRef("passed"))
	if d.rows != listed {
		PREFETCHT0(at(next, 0))
	} else {
		PREFETCHT0(Mem{Base: d.next, Index: o, Scale: 1})
	}
	for v, lane := range lanes {
		disp := v * d.bytes
		n, w := d.vec(), d.vec()
		switch d.rows {
		case dense8:
			VPMOVZXBD(at(at16, disp/4), n)
		case dense16:
			VPMOVZXWD(at(at16, disp/2), n)
		default:
			d.entries(Mem{Base: d.row, Index: o, Scale: 1, Disp: disp}, v, o, z, mask, shift, n, w)
		}
		VCVTDQ2PS(n, n)
		if d.rows != listed {
			VMULPS(Mem{Base: d.phi, Index: o, Scale: 1, Disp: disp}, n, n)
		} else {
			VMULPS(w, n, n)
		}
		VADDPS(n, lane, lane)
		VMOVUPS(lane, Mem{Base: d.sums, Index: o, Scale: 1, Disp: disp})
	}
	if d.rows != listed {
		ADDQ(U8(16*scale), at16)
		ADDQ(U8(16*scale), next)
	}
	ADDQ(U8(64), o)
	JMP(LabelRef("pass"))
	Label("passed")
	return lanes
}

// entries loads counts, 0 for that of the token's own topic, whose place it notes, and
// the weights of their topics.
func (d *drawing) entries(from Mem, v int, o GPVirtual, z, mask, shift, n, w VecVirtual) {
	topic := d.vec()
	found, place := GP64(), GP64()
	VMOVUPS(from, n)
	VPSRLD(shift, n, topic)
	if d.bytes == 64 {
		VPANDD(mask, n, n)
		is, all := K(), K()
		VPTESTMD(n, n, is) // what is beyond the list is no topic 0
		VPCMPEQD(z, topic, is, is)
		KMOVW(is, found.As32())
		VPXORD(n, n, is, n) // 0 where it is the own topic
		KXNORW(all, all, all)
		VPXORD(w, w, w)
		VGATHERDPS(Mem{Base: d.phi, Index: topic, Scale: 4}, all, w)
	} else {
		VPAND(mask, n, n)
		is, all := YMM(), YMM()
		VPXOR(w, w, w)
		VPCMPEQD(n, w, w)
		VPCMPEQD(z, topic, is)
		VPANDN(is, w, is) // what is beyond the list is no topic 0
		VMOVMSKPS(is, found.As32())
		VPANDN(n, is, n)
		VPCMPEQD(all, all, all)
		VPXOR(w, w, w)
		VGATHERDPS(all, Mem{Base: d.phi, Index: topic, Scale: 4}, w)
	}
	// The place is o/4 + 8 v + the number of the bit.
	BSFL(found.As32(), place.As32())
	LEAQ(Mem{Base: o, Index: place, Scale: 4, Disp: 32 * v}, place)
	TESTL(found.As32(), found.As32())
	CMOVQNE(place, d.position)
}

// weighOwn makes own the weight of the token's own topic without the token, and removed
// what of the lanes' sums is that topic's.
func (d *drawing) weighOwn() {
	VXORPS(d.own, d.own, d.own)
	VXORPS(d.removed, d.removed, d.removed)
	CMPL(d.z.(GPVirtual).As32(), I32(-1))
	JE(LabelRef("fresh"))
	n, nf, p := GP64(), XMM(), XMM()
	switch d.rows {
	case dense8:
		MOVBLZX(Mem{Base: d.row, Index: d.z, Scale: 1}, n.As32())
	case dense16:
		MOVWLZX(Mem{Base: d.row, Index: d.z, Scale: 2}, n.As32())
	default:
		MOVL(Mem{Base: d.row, Index: d.position, Scale: 1}, n.As32())
		ANDL(at(d.t, fStride), n.As32())
	}
	VXORPS(nf, nf, nf)
	VCVTSI2SSL(n.As32(), nf, nf)
	if d.rows != listed {
		VMULSS(Mem{Base: d.phi, Index: d.z, Scale: 4}, nf, d.removed)
	}
	d.ratio(d.z, -1, p)
	VSUBSS(constant("one", 0x3f800000), nf, nf)
	alpha := GP64()
	MOVQ(at(d.t, fAlpha), alpha)
	VADDSS(Mem{Base: alpha, Index: d.z, Scale: 4}, nf, nf)
	VMULSS(p, nf, d.own)
	Label("fresh")
}

// ratio sets p to (word + by + beta) / (total + by + vbeta) of a topic.
func (d *drawing) ratio(k Register, by int8, p VecVirtual) {
	q := XMM()
	d.prior(fWord, k, by, fBeta, p)
	d.prior(fTotals, k, by, fVBeta, q)
	VDIVSS(q, p, p)
}

// prior sets p to a count, at least 0, and its prior.
func (d *drawing) prior(field int, k Register, by int8, prior int, p VecVirtual) {
	n, zero := GP64(), GP64()
	MOVQ(at(d.t, field), n)
	MOVL(Mem{Base: n, Index: k, Scale: 4}, n.As32())
	XORL(zero.As32(), zero.As32())
	if by != 0 {
		ADDL(I8(by), n.As32())
	}
	TESTL(n.As32(), n.As32())
	CMOVLLT(zero.As32(), n.As32())
	VXORPS(p, p, p)
	VCVTSI2SSL(n.As32(), p, p)
	VADDSS(at(d.t, prior), p, p)
}

// half is the lower 32 bytes of a vector, low the lowest 16.
func half(v VecVirtual) VecVirtual { return v.AsY().(VecVirtual) }
func low(v VecVirtual) VecVirtual  { return v.AsX().(VecVirtual) }

func fillTopics(s isa) {
	name := "fillTopics" + s.name
	function(name, "func(phi, inverse, alpha *float32, word *int32, beta float32, lanes *float32, n int)", name+" fills n of phi, and adds its products with alpha to 16 lanes.")
	phi, inverse, alpha, word, lanes, n := pointer("phi"), pointer("inverse"), pointer("alpha"), pointer("word"), pointer("lanes"), pointer("n")
	d := &drawing{isa: s}
	sum := s.vecs(d.vectors())
	zero, beta := s.vec(), s.vec()
	VXORPS(half(zero), half(zero), half(zero))
	b, err := Param("beta").Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSS(b.Addr, beta)
	for v := range sum {
		VMOVUPS(at(lanes, v*s.bytes), sum[v])
	}
	loop("fill", n, 16, func() {
		for v := range sum {
			w := s.vec()
			disp := v * s.bytes
			VPMAXSD(at(word, disp), zero, w)
			VCVTDQ2PS(w, w)
			VADDPS(beta, w, w)
			VMULPS(at(inverse, disp), w, w)
			VMOVUPS(w, at(phi, disp))
			VMULPS(at(alpha, disp), w, w)
			VADDPS(w, sum[v], sum[v])
		}
		for _, p := range []Register{phi, inverse, alpha, word} {
			ADDQ(U8(64), p)
		}
	})
	for v := range sum {
		VMOVUPS(sum[v], at(lanes, v*s.bytes))
	}
	finish()
}
