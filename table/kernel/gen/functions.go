package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// functions are the kernels of exp and its kin, by the steps of plain Go: see
// functions.go and log1p.go of the package, which say why they are these.
func functions() {
	for _, s := range []isa{avx2, avx512} {
		for _, e := range []elem{float32s, float64s} {
			l := newLanes(s, e)
			l.elementwise("exp", "e^x", 4, func(x []VecVirtual, _ func(int) Mem) { l.exp(x, true) })
			l.elementwise("sigmoid", "1/(1+e^-x)", 4, l.sigmoid)
			l.elementwise("log1p", "log(1+x)", s.bytes/32, l.log1p)
			l.expSum()
			l.largest()
		}
	}
}

var avx512 = isa{"AVX512", 64}

// lanes are vectors of floating-point numbers, and what is known of their form.
type lanes struct {
	s                   isa
	e                   elem
	fraction, exponents int // bits of a number
	bias                uint64
}

func newLanes(s isa, e elem) lanes {
	if e == float32s {
		return lanes{s, e, 23, 8, 1<<7 - 1}
	}
	return lanes{s, e, 52, 11, 1<<10 - 1}
}

type instruction = func(...Op)

func (l lanes) pick(single, double instruction) instruction {
	if l.e == float32s {
		return single
	}
	return double
}

func (l lanes) add(ops ...Op)        { l.pick(VADDPS, VADDPD)(ops...) }
func (l lanes) sub(ops ...Op)        { l.pick(VSUBPS, VSUBPD)(ops...) } // y, x, x-y
func (l lanes) mul(ops ...Op)        { l.pick(VMULPS, VMULPD)(ops...) }
func (l lanes) div(ops ...Op)        { l.pick(VDIVPS, VDIVPD)(ops...) }
func (l lanes) min(ops ...Op)        { l.pick(VMINPS, VMINPD)(ops...) } // the first where one is no number
func (l lanes) max(ops ...Op)        { l.pick(VMAXPS, VMAXPD)(ops...) }
func (l lanes) or(ops ...Op)         { l.pick(VPORwords(l.s), VPORquads(l.s))(ops...) }
func (l lanes) and(ops ...Op)        { l.pick(VPANDwords(l.s), VPANDquads(l.s))(ops...) }
func (l lanes) addTo(ops ...Op)      { l.pick(VFMADD231PS, VFMADD231PD)(ops...) } // a, b, c = a*b+c
func (l lanes) timesPlus(ops ...Op)  { l.pick(VFMADD213PS, VFMADD213PD)(ops...) } // c, b, a = a*b+c
func (l lanes) timesMinus(ops ...Op) { l.pick(VFMSUB213PS, VFMSUB213PD)(ops...) } // c, b, a = a*b-c
func (l lanes) addBits(ops ...Op)    { l.pick(VPADDD, VPADDQ)(ops...) }
func (l lanes) broadcast(ops ...Op)  { l.pick(VBROADCASTSS, VBROADCASTSD)(ops...) }

func two(f func(a, b, c Op)) instruction {
	return func(ops ...Op) { f(ops[0], ops[1], ops[2]) }
}

// AVX-512 has names of its own for these.
func VPORwords(s isa) instruction {
	if s == avx512 {
		return VPORD
	}
	return two(VPOR)
}

func VPORquads(s isa) instruction {
	if s == avx512 {
		return VPORQ
	}
	return two(VPOR)
}

func VPANDwords(s isa) instruction {
	if s == avx512 {
		return VPANDD
	}
	return two(VPAND)
}

func VPANDquads(s isa) instruction {
	if s == avx512 {
		return VPANDQ
	}
	return two(VPAND)
}

// bits fills a vector with a constant.
func (l lanes) bits(v uint64) VecVirtual {
	name := fmt.Sprintf("bits%dx%x", 8*l.e.bytes, v)
	if l.e == float32s {
		return words(name, uint32(v), l.s)
	}
	return quads(name, v, l.s)
}

func (l lanes) number(v float64) VecVirtual {
	if l.e == float32s {
		return l.bits(uint64(math.Float32bits(float32(v))))
	}
	return l.bits(math.Float64bits(v))
}

func (l lanes) one() uint64  { return l.bias << l.fraction }
func (l lanes) sign() uint64 { return 1 << (8*l.e.bytes - 1) }

// per picks a constant of float32 or float64.
func (l lanes) per(single, double float64) float64 {
	if l.e == float32s {
		return single
	}
	return double
}

func (l lanes) name(what string) string { return what + l.e.name + l.s.name }

// at is the i-th vector behind p.
func (l lanes) at(p Register, i int) Mem { return at(p, i*l.s.bytes) }

func (l lanes) load(m Mem) VecVirtual {
	v := l.s.vec()
	VMOVUPS(m, v)
	return v
}

func (l lanes) zero() VecVirtual {
	v := l.s.vec()
	l.pick(VXORPS, VXORPD)(v, v, v)
	return v
}

// vectors runs body over n elements, so many vectors at a time; one block is 64
// bytes.
func (l lanes) vectors(n Register, group int, body func(first, count int), advance func(bytes int)) {
	blocks(n, 4*l.s.bytes/l.e.bytes, 64/l.e.bytes, func(count int) {
		vectors := count * l.e.bytes / l.s.bytes
		for first := 0; first < vectors; first += min(group, vectors) {
			body(first, min(group, vectors))
		}
		advance(vectors * l.s.bytes)
	})
}

// elementwise is a kernel that computes f, which gets vectors of x and where they
// came from.
func (l lanes) elementwise(what, formula string, group int, f func(x []VecVirtual, from func(int) Mem)) {
	name := l.name(what)
	function(name, fmt.Sprintf("func(dst, x *%s, n int)", l.e.typ), name+" writes "+formula+" of n values of x to dst.")
	dst, x, n := pointer("dst"), pointer("x"), pointer("n")
	l.vectors(n, group, func(first, count int) {
		v := make([]VecVirtual, count)
		from := func(i int) Mem { return l.at(x, first+i) }
		for i := range v {
			v[i] = l.load(from(i))
		}
		f(v, from)
		for i, v := range v {
			VMOVUPS(v, l.at(dst, first+i))
		}
	}, func(bytes int) {
		ADDQ(U32(uint32(bytes)), x)
		ADDQ(U32(uint32(bytes)), dst)
	})
	finish()
}

// each does an operation of a constant and each vector.
func each(v []VecVirtual, constant VecVirtual, do func(c, v VecVirtual)) {
	for _, v := range v {
		do(constant, v)
	}
}

// exp makes x e^x. Where positive is false no x is above 0.
func (l lanes) exp(x []VecVirtual, positive bool) {
	if positive {
		each(x, l.number(l.per(89, 710)), func(c, x VecVirtual) { l.min(x, c, x) })
	}
	each(x, l.number(l.per(-104.5, -746)), func(c, x VecVirtual) { l.max(x, c, x) })
	n, p := l.s.vecs(len(x)), l.s.vecs(len(x))
	magic := l.number(float64(uint64(3) << (l.fraction - 1)))
	log2e := l.number(math.Log2E)
	for i, x := range x {
		VMOVAPS(magic, n[i])
		l.addTo(log2e, x, n[i])
	}
	for i := range x {
		l.sub(magic, n[i], p[i])
	}
	ln2 := []float64{ln2High64, ln2Low64}
	coefficients := exp64
	if l.e == float32s {
		ln2, coefficients = []float64{ln2High32, ln2Low32}, exp32
	}
	for _, part := range ln2 {
		c := l.number(-part)
		for i, x := range x {
			l.addTo(c, p[i], x)
		}
	}
	if l.s == avx512 {
		n, p = p, n
	}
	last := len(coefficients) - 1
	each(p, l.number(coefficients[last]), func(c, p VecVirtual) { VMOVAPS(c, p) })
	for k := last - 1; k >= 0; k-- {
		c := l.number(coefficients[k])
		for i, p := range p {
			l.timesPlus(c, x[i], p)
		}
	}
	for i, p := range p {
		l.mul(x[i], p, p)
	}
	for i, p := range p {
		l.timesPlus(x[i], x[i], p)
	}
	each(p, l.number(1), func(c, p VecVirtual) { l.add(c, p, p) })
	l.scale(x, p, n)
}

// scale makes x p*2^n: n is a number with AVX-512, else the low bits of one. It is
// two steps then, so that subnormal numbers are rounded once.
func (l lanes) scale(x, p, n []VecVirtual) {
	if l.s == avx512 {
		for i := range p {
			l.pick(VSCALEFPS, VSCALEFPD)(n[i], p[i], x[i])
		}
		return
	}
	l.halves(n, x)
	for i := range p {
		l.mul(x[i], p[i], p[i])
	}
	for i := range p {
		l.mul(n[i], p[i], x[i])
	}
}

// halves makes h and n powers of 2 that multiply to 2^n, n in the low bits of its
// words. Only they may differ from lane to lane above the bits of an exponent.
func (l lanes) halves(n, h []VecVirtual) {
	for i := range n {
		VPSRAD(Imm(1), n[i], h[i])
		VPSUBD(h[i], n[i], n[i])
	}
	one := l.bits(l.one())
	for _, v := range [][]VecVirtual{h, n} {
		for _, v := range v {
			l.pick(VPSLLD, VPSLLQ)(Imm(uint64(l.fraction)), v, v)
			l.addBits(one, v, v)
		}
	}
}

func (l lanes) sigmoid(x []VecVirtual, from func(int) Mem) {
	each(x, l.bits(l.sign()), func(c, x VecVirtual) { l.or(c, x, x) })
	l.exp(x, false)
	one := l.number(1)
	for i, e := range x {
		below, sum := l.load(from(i)), l.s.vec()
		l.add(one, e, sum)
		if l.s == avx512 {
			k := K()
			if l.e == float32s {
				VPMOVD2M(below, k)
				VBLENDMPS(e, one, k, e)
			} else {
				VPMOVQ2M(below, k)
				VBLENDMPD(e, one, k, e)
			}
		} else if l.e == float32s {
			VBLENDVPS(below, e, one, e)
		} else {
			VBLENDVPD(below, e, one, e)
		}
		l.div(sum, e, e)
	}
}
