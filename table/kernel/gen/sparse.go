package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A pick is a kernel that meets elements of y by their indices. Values are loaded
// one by one and put together: the instructions that gather and scatter are slower
// where they exist.
type pick struct {
	index  elem
	x      elem // of no name where all values are 1
	y      elem
	ix, iy Register
	xs     Register // nil where all values are 1
	at     Register // an element that others are counted from; nil: that of the pointers
}

var indices = []elem{{"Uint16", "uint16", 2}, {"Uint32", "uint32", 4}}

func sparse() {
	for _, i := range indices {
		for _, y := range []elem{float32s, float64s} {
			gather(pick{index: i, y: y})
			scatter(pick{index: i, y: y})
			gather(pick{index: i, x: float32s, y: y})
			scatter(pick{index: i, x: float32s, y: y})
		}
		gather(pick{index: i, x: float64s, y: float64s})
		scatter(pick{index: i, x: float64s, y: float64s})
	}
}

func (p pick) name(verb, withX string) string {
	if p.x.name == "" {
		return verb + p.index.name + p.y.name + "AVX2"
	}
	return withX + p.index.name + p.x.name + p.y.name + "AVX2"
}

// params are those that say which values, and load loads them.
func (p pick) params() string {
	if p.x.name == "" {
		return fmt.Sprintf("idx *%s, y *%s, n int", p.index.typ, p.y.typ)
	}
	return fmt.Sprintf("idx *%s, x *%s, y *%s, n int", p.index.typ, p.x.typ, p.y.typ)
}

func (p *pick) load() (n Register) {
	p.ix, p.iy = pointer("idx"), pointer("y")
	if p.x.name != "" {
		p.xs = pointer("x")
	}
	return pointer("n")
}

// value is where the value of y for the k-th index is.
func (p pick) value(k int) Mem {
	i, m := GP64(), p.place(p.ix, k, p.index)
	if p.index.bytes == 2 {
		MOVWQZX(m, i)
	} else {
		MOVL(m, i.As32())
	}
	return Mem{Base: p.iy, Index: i, Scale: uint8(p.y.bytes)}
}

// fromEnd makes the pointers those of the ends, and n, from which elements are
// counted from now on, negative.
func (p *pick) fromEnd(n Register) {
	LEAQ(Mem{Base: p.ix, Index: n, Scale: uint8(p.index.bytes)}, p.ix)
	if p.xs != nil {
		LEAQ(Mem{Base: p.xs, Index: n, Scale: uint8(p.x.bytes)}, p.xs)
	}
	NEGQ(n)
	p.at = n
}

// place is where the k-th element from p.at on is.
func (p pick) place(base Register, k int, e elem) Mem {
	m := at(base, k*e.bytes)
	if p.at != nil {
		m.Index, m.Scale = p.at, uint8(e.bytes)
	}
	return m
}

// fetch asks for what comes 1 KiB later: mostly other rows. Loops of several
// elements that end anywhere hide from the processor that rows follow each other;
// without this, they take up to twice the time where y is beyond L2.
func (p pick) fetch() {
	ahead := func(m Mem) {
		m.Disp += 1024
		PREFETCHT0(m)
	}
	ahead(p.place(p.ix, 0, p.index))
	if p.xs != nil {
		ahead(p.place(p.xs, 0, p.x))
	}
}

// four are the products of the elements from the k-th on, in one vector of 16
// bytes or two.
func (p pick) four(k int) []VecVirtual {
	if p.y == float32s {
		v := XMM()
		VMOVSS(p.value(k), v)
		for i := 1; i < 4; i++ {
			VINSERTPS(Imm(uint64(i<<4)), p.value(k+i), v, v)
		}
		if p.xs != nil {
			VMULPS(p.place(p.xs, k, p.x), v, v)
		}
		return []VecVirtual{v}
	}
	v := []VecVirtual{XMM(), XMM()}
	for i, v := range v {
		VMOVSD(p.value(k+2*i), v)
		VMOVHPD(p.value(k+2*i+1), v, v)
		switch m := p.place(p.xs, k+2*i, p.x); {
		case p.xs == nil:
		case p.x == float32s:
			x := XMM()
			VCVTPS2PD(m, x)
			VMULPD(x, v, v)
		default:
			VMULPD(m, v, v)
		}
	}
	return v
}

// single is the product of the k-th element, in the first element of a vector.
func (p pick) single(k int) Register {
	v, m := XMM(), p.value(k)
	if p.y == float32s {
		VMOVSS(m, v)
		if p.xs != nil {
			VMULSS(p.place(p.xs, k, p.x), v, v)
		}
		return v
	}
	VMOVSD(m, v)
	if p.xs != nil {
		VMULSD(p.double(k), v, v)
	}
	return v
}

// double is the k-th value of x as a float64.
func (p pick) double(k int) Op {
	m := p.place(p.xs, k, p.x)
	if p.x == float64s {
		return m
	}
	x := XMM()
	zero(x)
	VCVTSS2SD(m, x, x)
	return x
}

// gather adds up products in four lanes, four elements at a time. The last one to
// three are found in the last four elements, some of which are done already; they
// are always looked at, as a branch that is guessed wrong costs more.
func gather(p pick) {
	name := p.name("gather", "gatherDot")
	doc := name + " is the sum of the values of y at n indices."
	if p.x.name != "" {
		doc = name + " is the sum of n values of x times those of y at their indices."
	}
	function(name, fmt.Sprintf("func(%s) %s", p.params(), p.y.typ), doc)
	n := p.load()
	acc := []VecVirtual{XMM(), XMM()}[:p.y.bytes/4]
	zero(acc...)
	add := func(products []VecVirtual) {
		for i, v := range products {
			p.y.plus(v, acc[i])
		}
	}
	CMPQ(n, Imm(4))
	JL(LabelRef("few"))
	p.fromEnd(n)
	Label("four")
	p.fetch()
	add(p.four(0))
	ADDQ(Imm(4), n)
	CMPQ(n, I8(-4))
	JLE(LabelRef("four"))
	table := GP64()
	p.at = nil
	products := p.four(-4)
	NEGQ(n)
	LEAQ(constant64("last", 0, 0, 0, 0, ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)), table)
	for i, v := range products {
		VANDPS(Mem{Base: table, Disp: 32 - 4*p.y.bytes + 16*i, Index: n, Scale: uint8(p.y.bytes)}, v, v)
	}
	add(products)
	if len(acc) == 2 {
		p.y.plus(acc[1], acc[0])
	}
	answerFour(p.y, acc[0])
	p.few(n, acc[0])
}

// few is the end of a gather of less than four elements.
func (p pick) few(n Register, zero Register) {
	plus := func(u, v Register) {
		if p.y == float32s {
			VADDSS(u, v, v)
		} else {
			VADDSD(u, v, v)
		}
	}
	back := func(v Register) {
		plus(zero, v) // no sum is -0
		Store(v, ReturnIndex(0))
		RET()
	}
	Label("few")
	CMPQ(n, Imm(2))
	JG(LabelRef("three"))
	JE(LabelRef("two"))
	TESTQ(n, n)
	JE(LabelRef("none"))
	back(p.single(0))
	Label("none")
	Store(zero, ReturnIndex(0))
	RET()
	Label("two")
	v := p.single(0)
	plus(p.single(1), v)
	back(v)
	Label("three")
	v = p.single(0)
	plus(p.single(2), v)
	plus(p.single(1), v)
	back(v)
}

// scatter does one element after the other, so that each finds what those before it
// have written.
func scatter(p pick) {
	name := p.name("scatterAdd", "scatterAxpy")
	doc := name + " adds a to the values of y at n indices."
	if p.x.name != "" {
		doc = name + " adds a times n values of x to those of y at their indices."
	}
	function(name, fmt.Sprintf("func(a %s, %s)", p.y.typ, p.params()), doc)
	a := Load(Param("a"), XMM())
	n := p.load()
	p.fromEnd(n)
	CMPQ(n, I8(-4))
	JG(LabelRef("rest"))
	Label("four")
	p.fetch()
	for k := range 4 {
		p.update(a, k)
	}
	ADDQ(Imm(4), n)
	CMPQ(n, I8(-4))
	JLE(LabelRef("four"))
	Label("rest")
	TESTQ(n, n)
	JE(LabelRef("end"))
	Label("one")
	p.update(a, 0)
	INCQ(n)
	JNE(LabelRef("one"))
	Label("end")
	RET()
}

// update adds a times the k-th element.
func (p pick) update(a Register, k int) {
	v, m := XMM(), p.value(k)
	switch {
	case p.xs == nil && p.y == float32s:
		VADDSS(m, a, v)
	case p.xs == nil:
		VADDSD(m, a, v)
	case p.y == float32s:
		VMULSS(p.place(p.xs, k, p.x), a, v)
		VADDSS(m, v, v)
	default:
		VMULSD(p.double(k), a, v)
		VADDSD(m, v, v)
	}
	if p.y == float32s {
		VMOVSS(v, m)
	} else {
		VMOVSD(v, m)
	}
}
