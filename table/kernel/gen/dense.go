package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// dense are the kernels over whole slices of elements, in blocks of 64 bytes.
func dense() {
	for _, e := range []elem{float32s, float64s, int32s} {
		add(avx2, e)
		take(avx2, e)
		hasZero(avx2, e)
	}
	or()
	newer()
}

func add(s isa, e elem) {
	function("add"+e.name+s.name, "func(x, u *"+e.typ+", n int)", "add"+e.name+s.name+" adds n values of u to x.")
	x, u, n := pointer("x"), pointer("u"), pointer("n")
	blocks(n, 256/e.bytes, 64/e.bytes, func(count int) {
		size := count * e.bytes
		v := s.vecs(min(size/s.bytes, 4))
		for first := 0; first < size; first += len(v) * s.bytes {
			for i, v := range v {
				VMOVUPS(at(x, first+i*s.bytes), v)
			}
			for i, v := range v {
				switch m := at(u, first+i*s.bytes); e {
				case float32s:
					VADDPS(m, v, v)
				case float64s:
					VADDPD(m, v, v)
				case int32s:
					VPADDD(m, v, v)
				}
			}
			for i, v := range v {
				VMOVUPS(v, at(x, first+i*s.bytes))
			}
		}
		ADDQ(U32(uint32(size)), x)
		ADDQ(U32(uint32(size)), u)
	})
	finish()
}

// zeros gathers where elements are zero: whatever their sign, if they have one
// that is no part of the number.
type zeros struct {
	s          isa
	e          elem
	mask, none VecVirtual
	found      VecVirtual
}

func newZeros(s isa, e elem) *zeros {
	z := &zeros{s: s, e: e}
	switch e {
	case float32s:
		z.mask = words("magnitude32", 1<<31-1, s)
	case float64s:
		z.mask = quads("magnitude64", 1<<63-1, s)
	case int32s:
		z.mask = words("magnitudeInt", 1<<32-1, s)
	}
	z.none = s.vec()
	VPXOR(z.none, z.none, z.none)
	z.found = s.vec()
	VPXOR(z.found, z.found, z.found)
	return z
}

// note looks at v, which it leaves alone.
func (z *zeros) note(v Register) {
	m := z.s.vec()
	VPAND(z.mask, v, m)
	if z.e == float64s {
		VPCMPEQQ(z.none, m, m)
	} else {
		VPCMPEQD(z.none, m, m)
	}
	VPOR(m, z.found, z.found)
}

// test sets the flags: Z where no zero was found.
func (z *zeros) test() {
	VPTEST(z.found, z.found)
}

func take(s isa, e elem) {
	name := "take" + e.name + s.name
	function(name, "func(to *byte, x *"+e.typ+", n int) (zeros bool)", name+" moves n values of x to to, and reports whether one is zero.", "They become zero.")
	to, x, n := pointer("to"), pointer("x"), pointer("n")
	z := newZeros(s, e)
	blocks(n, 256/e.bytes, 64/e.bytes, func(count int) {
		size := count * e.bytes
		v := s.vecs(min(size/s.bytes, 4))
		for first := 0; first < size; first += len(v) * s.bytes {
			for i, v := range v {
				VMOVUPS(at(x, first+i*s.bytes), v)
			}
			for i := range v {
				VMOVUPS(z.none, at(x, first+i*s.bytes))
			}
			for i, v := range v {
				VMOVUPS(v, at(to, first+i*s.bytes))
			}
			for _, v := range v {
				z.note(v)
			}
		}
		ADDQ(U32(uint32(size)), x)
		ADDQ(U32(uint32(size)), to)
	})
	z.test()
	found := GP8()
	SETNE(found)
	Store(found, ReturnIndex(0))
	finish()
}

func hasZero(s isa, e elem) {
	name := "hasZero" + e.name + s.name
	function(name, "func(x *"+e.typ+", n int) bool", name+" reports whether one of n values of x is zero.")
	x, n := pointer("x"), pointer("n")
	z := newZeros(s, e)
	blocks(n, 256/e.bytes, 64/e.bytes, func(count int) {
		size := count * e.bytes
		for first := 0; first < size; first += s.bytes {
			v := s.vec()
			VMOVUPS(at(x, first), v)
			z.note(v)
		}
		z.test()
		JNE(LabelRef("found"))
		ADDQ(U32(uint32(size)), x)
	})
	answer := func(yes uint64) {
		r := GP8()
		MOVB(U8(yes), r)
		Store(r, ReturnIndex(0))
		finish()
	}
	answer(0)
	Label("found")
	answer(1)
}

// newer compares unsigned numbers: x is not above since where the larger of both is since.
func newer() {
	function("newerAVX2", "func(mask *uint64, x *uint32, n int, since uint32)", "newerAVX2 sets a bit of mask for each of n values of x above since, n a multiple of 64.")
	mask, x, n := pointer("mask"), pointer("x"), pointer("n")
	since, low := YMM(), XMM()
	VMOVD(Load(Param("since"), GP32()), low)
	VPBROADCASTD(low, since)
	loop("many", n, 64, func() {
		bits := GP64()
		XORQ(bits, bits)
		for i := 7; i >= 0; i-- {
			v, eight := YMM(), GP64()
			VPMAXUD(at(x, 32*i), since, v)
			VPCMPEQD(v, since, v)
			VMOVMSKPS(v, eight.As32())
			SHLQ(U8(8), bits)
			ORQ(eight, bits)
		}
		NOTQ(bits)
		MOVQ(bits, at(mask, 0))
		ADDQ(U32(256), x)
		ADDQ(U32(8), mask)
	})
	finish()
}

func or() {
	function("orAVX2", "func(x *uint64, n int) uint64", "orAVX2 is all bits of n words of x.")
	x, n := pointer("x"), pointer("n")
	sum := avx2.vecs(4)
	for _, v := range sum {
		VPXOR(v, v, v)
	}
	blocks(n, 32, 8, func(count int) {
		for i := range count / 4 {
			v := sum[i%4]
			VPOR(at(x, 32*i), v, v)
		}
		ADDQ(U32(uint32(8*count)), x)
	})
	VPOR(sum[1], sum[0], sum[0])
	VPOR(sum[3], sum[2], sum[2])
	VPOR(sum[2], sum[0], sum[0])
	half, word, other := XMM(), GP64(), GP64()
	VEXTRACTI128(Imm(1), sum[0], half)
	VPOR(half, sum[0].AsX(), half)
	VMOVQ(half, word)
	VPEXTRQ(Imm(1), half, other)
	ORQ(other, word)
	Store(word, ReturnIndex(0))
	finish()
}
