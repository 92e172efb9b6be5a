package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// vector are the kernels over whole slices of floats. Unlike those of other groups
// they do all of their elements: what is less than a vector under a mask, which
// reads and writes nothing beyond the end. Loads are the limit, so that twice as
// long vectors gain nothing in L1 and, which has been measured, lose a tenth
// beyond L2.
func vector() {
	for _, e := range []elem{float32s, float64s} {
		dot(avx2, e, e)
		sum(avx2, e)
		axpyDot(avx2, e, e)
		axpy(avx2, e, e)
		times(avx2, e)
	}
	dot(avx2, float32s, float64s)
	axpyDot(avx2, float32s, float64s)
	axpy(avx2, float32s, float64s)
	square(avx2)
}

// A stream is a pointer to elements of a type, which may be half as long as those
// that are computed with.
type stream struct {
	base Register
	e    elem
}

func streamOf(param string, e elem) stream { return stream{pointer(param), e} }

// names are those of kernels that read x and compute with e.
func names(verb string, s isa, x, e elem) string {
	if x == e {
		return verb + e.name + s.name
	}
	return verb + x.name + e.name + s.name
}

// advance moves streams by so many bytes of elements of type e.
func advance(streams []stream, e elem, bytes int) {
	for _, p := range streams {
		ADDQ(U32(uint32(bytes*p.e.bytes/e.bytes)), p.base)
	}
}

// A lane is one vector's place in memory: all of it, or as much as the mask says.
type lane struct {
	s    isa
	e    elem
	mask Register // nil: all
	half Register // the mask of elements that are half as long
}

// read loads what is so many bytes of elements of the lane's type into a stream.
func (l lane) read(p stream, disp int) VecVirtual {
	if p.e == l.e {
		return l.load(at(p.base, disp))
	}
	v, m := l.s.vec(), at(p.base, disp/2)
	if l.mask == nil {
		VCVTPS2PD(m, v)
		return v
	}
	part := XMM()
	VMASKMOVPS(m, l.half, part)
	VCVTPS2PD(part, v)
	return v
}

func (l lane) load(m Mem) VecVirtual {
	v := l.s.vec()
	switch {
	case l.mask == nil:
		VMOVUPS(m, v)
	case l.e == float64s:
		VMASKMOVPD(m, l.mask, v)
	default:
		VMASKMOVPS(m, l.mask, v)
	}
	return v
}

func (l lane) store(v VecVirtual, m Mem) {
	switch {
	case l.mask == nil:
		VMOVUPS(v, m)
	case l.e == float64s:
		VMASKMOVPD(v, l.mask, m)
	default:
		VMASKMOVPS(v, l.mask, m)
	}
}

// only makes +0 of what is outside of the mask.
func (l lane) only(v VecVirtual) {
	if l.mask != nil {
		VANDPS(l.mask, v, v)
	}
}

// mul sets v to u*v, plus to u+v.
func (e elem) mul(u Op, v Register) {
	if e == float64s {
		VMULPD(u, v, v)
	} else {
		VMULPS(u, v, v)
	}
}

func (e elem) plus(u Op, v Register) {
	if e == float64s {
		VADDPD(u, v, v)
	} else {
		VADDPS(u, v, v)
	}
}

// everywhere is parameter a, in every element of a vector.
func everywhere(s isa, e elem) VecVirtual {
	a, err := Param("a").Resolve()
	if err != nil {
		panic(err)
	}
	v := s.vec()
	if e == float64s {
		VBROADCASTSD(a.Addr, v)
	} else {
		VBROADCASTSS(a.Addr, v)
	}
	return v
}

func zero(v ...VecVirtual) {
	for _, v := range v {
		VXORPS(v.AsX(), v.AsX(), v.AsX()) // clears all of the vector
	}
}

// masked is the lane of the first n elements of a vector, n below its length, for
// streams that it reads.
func masked(s isa, e elem, n Register, streams []stream) lane {
	table, v := GP64(), s.vec()
	LEAQ(constant64("first", ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), 0, 0, 0, 0), table)
	NEGQ(n)
	VMOVUPS(Mem{Base: table, Disp: 32, Index: n, Scale: uint8(e.bytes)}, v)
	l := lane{s: s, e: e, mask: v}
	for _, p := range streams {
		if p.e != e && l.half == nil {
			half := XMM()
			VMOVUPS(Mem{Base: table, Disp: 32, Index: n, Scale: uint8(p.e.bytes)}, half)
			l.half = half
		}
	}
	return l
}

// A term is what an element adds to a sum. It is given how far its vector is from
// the streams, in bytes of the lane's elements.
type term func(l lane, disp int) VecVirtual

// reduce adds up n terms in 256 bytes of lanes: the k-th in the lane k mod their
// number. An element under no mask adds +0, which changes no lane, as none is -0.
func reduce(s isa, e elem, n Register, streams []stream, t term) {
	vectors, per := 256/s.bytes, s.bytes/e.bytes
	lanes := vectors * per
	acc := s.vecs(vectors)
	zero(acc...)
	add := func(l lane, i, disp int) { e.plus(t(l, disp), acc[i]) }
	CMPQ(n, U32(uint32(per)))
	JL(LabelRef("few"))
	loop("all", n, lanes, func() {
		for i := range acc {
			add(lane{s: s, e: e}, i, i*s.bytes)
		}
		advance(streams, e, 256)
	})
	for i := range acc {
		CMPQ(n, U32(uint32(per)))
		JL(LabelRef(fmt.Sprint("part", i)))
		add(lane{s: s, e: e}, i, 0)
		advance(streams, e, s.bytes)
		SUBQ(U32(uint32(per)), n)
	}
	JMP(LabelRef("fold")) // not reached: less than all lanes were left
	for i := range acc {
		Label(fmt.Sprint("part", i))
		TESTQ(n, n)
		JE(LabelRef("fold"))
		add(masked(s, e, n, streams), i, 0)
		JMP(LabelRef("fold"))
	}
	Label("fold")
	for h := vectors / 2; h > 0; h /= 2 {
		for i := range h {
			e.plus(acc[i+h], acc[i])
		}
	}
	JMP(LabelRef("one"))
	Label("few")
	add(masked(s, e, n, streams), 0, 0)
	Label("one")
	answer(e, acc[0])
}

// answer folds a vector and returns the sum of its elements.
func answer(e elem, v VecVirtual) {
	half := XMM()
	VEXTRACTF128(Imm(1), v, half)
	e.plus(half, v.AsX())
	VZEROUPPER()
	answerFour(e, v.AsX())
}

// answerFour folds the 16 bytes of v and returns the sum of their elements.
func answerFour(e elem, v Register) {
	high := XMM()
	VMOVHLPS(v, v, high)
	e.plus(high, v)
	if e == float32s {
		VMOVSHDUP(v, high)
		VADDSS(high, v, v)
	}
	Store(v, ReturnIndex(0))
	RET()
}

func dot(s isa, in, e elem) {
	name := names("dot", s, in, e)
	function(name, fmt.Sprintf("func(x *%s, y *%s, n int) %[2]s", in.typ, e.typ), name+" is the dot product of n values of x and y.")
	x, y, n := streamOf("x", in), streamOf("y", e), pointer("n")
	reduce(s, e, n, []stream{x, y}, func(l lane, disp int) VecVirtual {
		v := l.read(x, disp)
		if l.mask == nil {
			e.mul(at(y.base, disp), v)
		} else {
			e.mul(l.read(y, disp), v)
		}
		return v
	})
}

func sum(s isa, e elem) {
	name := "sum" + e.name + s.name
	function(name, fmt.Sprintf("func(x *%s, n int) %[1]s", e.typ), name+" is the sum of n values of x.")
	x, n := streamOf("x", e), pointer("n")
	reduce(s, e, n, []stream{x}, func(l lane, disp int) VecVirtual { return l.read(x, disp) })
}

// square is a dot product of float32s with themselves in float64.
func square(s isa) {
	name := "square" + float32s.name + s.name
	function(name, "func(x *float32, n int) float64", name+" is the sum of the squares of n values of x.")
	x, n := streamOf("x", float32s), pointer("n")
	reduce(s, float64s, n, []stream{x}, func(l lane, disp int) VecVirtual {
		v := l.read(x, disp)
		float64s.mul(v, v)
		return v
	})
}

func axpyDot(s isa, in, e elem) {
	name := names("axpyDot", s, in, e)
	function(name, fmt.Sprintf("func(a %s, x *%s, y, z *%[1]s, n int) %[1]s", e.typ, in.typ), name+" adds a times n values of x to y, and is the dot product of that and z.")
	a := everywhere(s, e)
	x, y, z, n := streamOf("x", in), streamOf("y", e), streamOf("z", e), pointer("n")
	reduce(s, e, n, []stream{x, y, z}, func(l lane, disp int) VecVirtual {
		v, w := l.read(x, disp), l.read(z, disp) // z before y is stored: they may be whole pages apart
		e.mul(a, v)
		e.plus(l.read(y, disp), v)
		l.store(v, at(y.base, disp))
		e.mul(w, v)
		l.only(v) // a may be no number
		return v
	})
}

// sweep changes n elements of the streams' memory, a vector at a time.
func sweep(s isa, e elem, n Register, streams []stream, change func(l lane, disp int)) {
	blocks(n, 4*s.bytes/e.bytes, s.bytes/e.bytes, func(count int) {
		for disp := 0; disp < count*e.bytes; disp += s.bytes {
			change(lane{s: s, e: e}, disp)
		}
		advance(streams, e, count*e.bytes)
	})
	TESTQ(n, n)
	JE(LabelRef("end"))
	change(masked(s, e, n, streams), 0)
	Label("end")
	finish()
}

func axpy(s isa, in, e elem) {
	name := names("axpy", s, in, e)
	function(name, fmt.Sprintf("func(a %s, x *%s, y *%[1]s, n int)", e.typ, in.typ), name+" adds a times n values of x to y.")
	a := everywhere(s, e)
	x, y, n := streamOf("x", in), streamOf("y", e), pointer("n")
	sweep(s, e, n, []stream{x, y}, func(l lane, disp int) {
		v := l.read(x, disp)
		e.mul(a, v)
		e.plus(l.read(y, disp), v)
		l.store(v, at(y.base, disp))
	})
}

func times(s isa, e elem) {
	name := "times" + e.name + s.name
	function(name, fmt.Sprintf("func(a %s, x *%[1]s, n int)", e.typ), name+" multiplies n values of x by a.")
	a := everywhere(s, e)
	x, n := streamOf("x", e), pointer("n")
	sweep(s, e, n, []stream{x}, func(l lane, disp int) {
		v := l.read(x, disp)
		e.mul(a, v)
		l.store(v, at(x.base, disp))
	})
}
