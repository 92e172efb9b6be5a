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
		dot(avx2, e)
		sum(avx2, e)
		axpyDot(avx2, e)
		axpy(avx2, e)
		times(avx2, e)
	}
}

// A lane is one vector's place in memory: all of it, or as much as the mask says.
type lane struct {
	s    isa
	e    elem
	mask Register // nil: all
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

// masked is the lane of the first n elements of a vector, n below its length.
func masked(s isa, e elem, n Register) lane {
	table, v := GP64(), s.vec()
	LEAQ(constant64("first", ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), 0, 0, 0, 0), table)
	NEGQ(n)
	VMOVUPS(Mem{Base: table, Disp: 32, Index: n, Scale: uint8(e.bytes)}, v)
	return lane{s, e, v}
}

// A term is what an element adds to a sum. It is given how far its vector is from
// the pointers.
type term func(l lane, disp int) VecVirtual

// reduce adds up n terms in 256 bytes of lanes: the k-th in the lane k mod their
// number. An element under no mask adds +0, which changes no lane, as none is -0.
func reduce(s isa, e elem, n Register, pointers []Register, t term) {
	vectors, per := 256/s.bytes, s.bytes/e.bytes
	lanes := vectors * per
	acc := s.vecs(vectors)
	zero(acc...)
	advance := func(bytes int) {
		for _, p := range pointers {
			ADDQ(U32(uint32(bytes)), p)
		}
	}
	add := func(l lane, i, disp int) { e.plus(t(l, disp), acc[i]) }
	CMPQ(n, U32(uint32(per)))
	JL(LabelRef("few"))
	loop("all", n, lanes, func() {
		for i := range acc {
			add(lane{s, e, nil}, i, i*s.bytes)
		}
		advance(256)
	})
	for i := range acc {
		CMPQ(n, U32(uint32(per)))
		JL(LabelRef(fmt.Sprint("part", i)))
		add(lane{s, e, nil}, i, 0)
		advance(s.bytes)
		SUBQ(U32(uint32(per)), n)
	}
	JMP(LabelRef("fold")) // not reached: less than all lanes were left
	for i := range acc {
		Label(fmt.Sprint("part", i))
		TESTQ(n, n)
		JE(LabelRef("fold"))
		add(masked(s, e, n), i, 0)
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
	add(masked(s, e, n), 0, 0)
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

func dot(s isa, e elem) {
	name := "dot" + e.name + s.name
	function(name, fmt.Sprintf("func(x, y *%s, n int) %[1]s", e.typ), name+" is the dot product of n values of x and y.")
	x, y, n := pointer("x"), pointer("y"), pointer("n")
	reduce(s, e, n, []Register{x, y}, func(l lane, disp int) VecVirtual {
		v := l.load(at(x, disp))
		if l.mask == nil {
			e.mul(at(y, disp), v)
		} else {
			e.mul(l.load(at(y, disp)), v)
		}
		return v
	})
}

func sum(s isa, e elem) {
	name := "sum" + e.name + s.name
	function(name, fmt.Sprintf("func(x *%s, n int) %[1]s", e.typ), name+" is the sum of n values of x.")
	x, n := pointer("x"), pointer("n")
	reduce(s, e, n, []Register{x}, func(l lane, disp int) VecVirtual { return l.load(at(x, disp)) })
}

func axpyDot(s isa, e elem) {
	name := "axpyDot" + e.name + s.name
	function(name, fmt.Sprintf("func(a %s, x, y, z *%[1]s, n int) %[1]s", e.typ), name+" adds a times n values of x to y, and is the dot product of that and z.")
	a := everywhere(s, e)
	x, y, z, n := pointer("x"), pointer("y"), pointer("z"), pointer("n")
	reduce(s, e, n, []Register{x, y, z}, func(l lane, disp int) VecVirtual {
		v, w := l.load(at(x, disp)), l.load(at(z, disp)) // z before y is stored: they may be whole pages apart
		e.mul(a, v)
		e.plus(l.load(at(y, disp)), v)
		l.store(v, at(y, disp))
		e.mul(w, v)
		l.only(v) // a may be no number
		return v
	})
}

// sweep changes n elements of the pointers' memory, a vector at a time.
func sweep(s isa, e elem, n Register, pointers []Register, change func(l lane, disp int)) {
	blocks(n, 4*s.bytes/e.bytes, s.bytes/e.bytes, func(count int) {
		for disp := 0; disp < count*e.bytes; disp += s.bytes {
			change(lane{s, e, nil}, disp)
		}
		for _, p := range pointers {
			ADDQ(U32(uint32(count*e.bytes)), p)
		}
	})
	TESTQ(n, n)
	JE(LabelRef("end"))
	change(masked(s, e, n), 0)
	Label("end")
	finish()
}

func axpy(s isa, e elem) {
	name := "axpy" + e.name + s.name
	function(name, fmt.Sprintf("func(a %s, x, y *%[1]s, n int)", e.typ), name+" adds a times n values of x to y.")
	a := everywhere(s, e)
	x, y, n := pointer("x"), pointer("y"), pointer("n")
	sweep(s, e, n, []Register{x, y}, func(l lane, disp int) {
		v := l.load(at(x, disp))
		e.mul(a, v)
		e.plus(l.load(at(y, disp)), v)
		l.store(v, at(y, disp))
	})
}

func times(s isa, e elem) {
	name := "times" + e.name + s.name
	function(name, fmt.Sprintf("func(a %s, x *%[1]s, n int)", e.typ), name+" multiplies n values of x by a.")
	a := everywhere(s, e)
	x, n := pointer("x"), pointer("n")
	sweep(s, e, n, []Register{x}, func(l lane, disp int) {
		v := l.load(at(x, disp))
		e.mul(a, v)
		l.store(v, at(x, disp))
	})
}
