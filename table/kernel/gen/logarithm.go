package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The polynomials are minimax, found by exchange: (e^r-1-r)/r^2 for r up to half
// the logarithm of 2, and what the logarithm of (1+s)/(1-s) has beyond 2s, by
// powers of s^2. The high part of the logarithm of 2 has so few bits that it times
// an exponent is exact. The package has the same numbers.
var (
	exp64 = []float64{0.5000000000000011, 0.1666666666666641, 0.04166666666652952, 0.008333333333495225, 0.0013888888943823614,
		0.00019841269505387489, 2.4801492876308345e-05, 2.755758700936235e-06, 2.763033473817982e-07, 2.4999999111571976e-08}
	exp32 = []float64{0.4999999342456576, 0.1666652028071373, 0.041668392028997296, 0.008368759492730178, 0.0013814520133934953}
	log64 = []float64{0.6666666666666735, 0.3999999999941109, 0.2857142874326274, 0.2222219847599725, 0.18183569738419825,
		0.15313903300005824, 0.14797507028861237}
	log32 = []float64{0.666667767169837, 0.3997749559114835, 0.2987307298394937}
)

const (
	ln2High64, ln2Low64 = 0.693147180559663, 2.8235290563031577e-13
	ln2High32, ln2Low32 = 0.693145751953125, 1.4286068203094173e-06
)

func (l lanes) log1p(x []VecVirtual, from func(int) Mem) {
	ln2, coefficients := []float64{ln2High64, ln2Low64}, log64
	if l.e == float32s {
		ln2, coefficients = []float64{ln2High32, ln2Low32}, log32
	}
	n := len(x)
	k, s := l.s.vecs(n), l.s.vecs(n)
	l.reduce(x, k, s)
	f, z, p := x, l.s.vecs(n), l.s.vecs(n)
	half := l.s.vecs(n) // of the square of f
	for i := range f {
		l.add(l.number(2), f[i], s[i])
		l.div(s[i], f[i], s[i])
		l.mul(s[i], s[i], z[i])
		l.mul(f[i], f[i], half[i])
		l.mul(l.number(0.5), half[i], half[i])
	}
	last := len(coefficients) - 1
	each(p, l.number(coefficients[last]), func(c, p VecVirtual) { VMOVAPS(c, p) })
	for j := last - 1; j >= 0; j-- {
		for i, p := range p {
			l.timesPlus(l.number(coefficients[j]), z[i], p)
		}
	}
	for i := range f {
		l.timesPlus(half[i], z[i], p[i])
		l.mul(l.number(ln2[1]), k[i], z[i])
		l.timesPlus(z[i], s[i], p[i])
		l.sub(p[i], half[i], p[i])
		l.sub(f[i], p[i], p[i])
		l.timesMinus(p[i], l.number(ln2[0]), k[i])
		VMOVUPS(from(i), p[i])
		l.and(l.bits(l.sign()), p[i], f[i])
		l.or(k[i], f[i], f[i])
		l.where(0x00, l.number(math.Inf(1)), p[i], l.number(math.Inf(1)), f[i])
		l.where(0x00, l.number(-1), p[i], l.number(math.Inf(-1)), f[i])
		l.where(0x11, l.number(-1), p[i], l.number(math.NaN()), f[i])
	}
}

// reduce makes x f, where 1+x is 2^k(1+f) and 1+f between the square root of 1/2
// and twice as much. It uses s.
func (l lanes) reduce(x, k, s []VecVirtual) {
	root := uint64(math.Float64bits(math.Sqrt(0.5)))
	if l.e == float32s {
		root = uint64(math.Float32bits(float32(math.Sqrt(0.5))))
	}
	n, magic := l.s.vecs(len(x)), uint64(l.bias+uint64(l.fraction))<<l.fraction
	for i := range x {
		l.add(l.number(1), x[i], n[i])
		l.addBits(l.bits(l.one()-root), n[i], n[i])
		l.pick(VPSRLD, VPSRLQ)(Imm(uint64(l.fraction)), n[i], n[i])
		l.or(l.bits(magic), n[i], k[i])
		l.sub(l.number(math.Ldexp(1, l.fraction)+float64(l.bias)), k[i], k[i])
		b := l.bits(l.bias)
		VPSUBD(n[i], b, n[i])
	}
	l.halves(n, s)
	for i := range x {
		l.mul(n[i], s[i], s[i])
		l.sub(l.number(1), s[i], n[i])
		l.timesPlus(n[i], s[i], x[i])
	}
}

// where makes v value in those lanes whose x compares with c: 0 equal, 0x11 less.
func (l lanes) where(compare uint64, c, x, value, v Register) {
	if l.s == avx512 {
		k := K()
		l.pick(VCMPPS, VCMPPD)(Imm(compare), c, x, k)
		l.pick(VBLENDMPS, VBLENDMPD)(value, v, k, v)
		return
	}
	m := l.s.vec()
	l.pick(VCMPPS, VCMPPD)(Imm(compare), c, x, m)
	if l.e == float32s {
		VBLENDVPS(m, value, v, v)
	} else {
		VBLENDVPD(m, value, v, v)
	}
}

// expSum and largest are what a softmax is made of.
func (l lanes) expSum() {
	name := l.name("expSum")
	function(name, fmt.Sprintf("func(dst, x *%[1]s, n int, shift %[1]s) %[1]s", l.e.typ), name+" writes e^(x-shift) of n values of x to dst, and returns their sum.")
	dst, x, n := pointer("dst"), pointer("x"), pointer("n")
	shift, sum := l.s.vec(), l.zero()
	l.broadcast(l.param("shift"), shift)
	l.vectors(n, 4, func(first, count int) {
		v := l.s.vecs(count)
		for i, v := range v {
			VMOVUPS(l.at(x, first+i), v)
			l.sub(shift, v, v)
		}
		l.exp(v, true)
		for i, v := range v {
			VMOVUPS(v, l.at(dst, first+i))
			l.add(v, sum, sum)
		}
	}, func(bytes int) {
		ADDQ(U32(uint32(bytes)), x)
		ADDQ(U32(uint32(bytes)), dst)
	})
	Store(l.fold(sum, l.add), ReturnIndex(0))
	finish()
}

func (l lanes) largest() {
	name := l.name("max")
	function(name, fmt.Sprintf("func(x *%[1]s, n int) %[1]s", l.e.typ), name+" is the largest of n values of x. What is not a number may be passed over.")
	x, n := pointer("x"), pointer("n")
	top := []VecVirtual{l.number(math.Inf(-1)), l.number(math.Inf(-1)), l.number(math.Inf(-1)), l.number(math.Inf(-1))}
	l.vectors(n, 4, func(first, count int) {
		for i := range count {
			v := top[i]
			l.max(v, l.load(l.at(x, first+i)), v)
		}
	}, func(bytes int) { ADDQ(U32(uint32(bytes)), x) })
	l.max(top[1], top[0], top[0])
	l.max(top[3], top[2], top[2])
	l.max(top[2], top[0], top[0])
	Store(l.fold(top[0], l.max), ReturnIndex(0))
	finish()
}

// param is where a number lies that a kernel is given.
func (l lanes) param(name string) Mem {
	basic, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return basic.Addr
}

// fold joins all lanes of v.
func (l lanes) fold(v VecVirtual, join instruction) VecVirtual {
	if l.s == avx512 {
		h := YMM()
		VEXTRACTF64X4(Imm(1), v, h)
		join(h, v.AsY(), h)
		v = h
	}
	x := XMM()
	VEXTRACTF128(Imm(1), v.AsY(), x)
	join(v.AsX(), x, x)
	h := XMM()
	VPERMILPD(Imm(1), x, h)
	join(h, x, x)
	if l.e == float32s {
		VPERMILPS(Imm(1), x, h)
		join(h, x, x)
	}
	return x
}
