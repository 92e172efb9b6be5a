package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// bytes are the kernels between elements and their halves.
func bytes() {
	splitWords()
	joinWords()
	toBFloat16s()
	fromBFloat16s()
}

// inOrder is how VPERMQ undoes that an instruction takes two vectors by halves.
const inOrder = 0xd8

func splitWords() {
	function("splitWordsAVX2", "func(low, high *uint32, q *byte, n int)", "splitWordsAVX2 writes the halves of n words of 64 bits of q to low and high.")
	low, high, q, n := pointer("low"), pointer("high"), pointer("q"), pointer("n")
	loop("words", n, 8, func() {
		a, b, l, h := YMM(), YMM(), YMM(), YMM()
		VMOVUPS(at(q, 0), a)
		VMOVUPS(at(q, 32), b)
		VSHUFPS(Imm(0x88), b, a, l)
		VSHUFPS(Imm(0xdd), b, a, h)
		VPERMQ(Imm(inOrder), l, l)
		VPERMQ(Imm(inOrder), h, h)
		VMOVUPS(l, at(low, 0))
		VMOVUPS(h, at(high, 0))
		ADDQ(U32(32), low)
		ADDQ(U32(32), high)
		ADDQ(U32(64), q)
	})
	finish()
}

func joinWords() {
	function("joinWordsAVX2", "func(q *byte, low, high *uint32, n int)", "joinWordsAVX2 reads n words of 64 bits of q from their halves low and high.")
	q, low, high, n := pointer("q"), pointer("low"), pointer("high"), pointer("n")
	loop("words", n, 8, func() {
		a, b, l, h := YMM(), YMM(), YMM(), YMM()
		VPERMQ(Imm(inOrder), at(low, 0), l)
		VPERMQ(Imm(inOrder), at(high, 0), h)
		VUNPCKLPS(h, l, a)
		VUNPCKHPS(h, l, b)
		VMOVUPS(a, at(q, 0))
		VMOVUPS(b, at(q, 32))
		ADDQ(U32(32), low)
		ADDQ(U32(32), high)
		ADDQ(U32(64), q)
	})
	finish()
}

func toBFloat16s() {
	function("toBFloat16sAVX2", "func(to *uint16, x *float32, n int)", "toBFloat16sAVX2 writes the upper half of n values of x, rounded, to to.")
	to, x, n := pointer("to"), pointer("x"), pointer("n")
	bfloat16Constants()
	quiet := words("quiet", 0x40, avx2)
	loop("values", n, 16, func() {
		v := avx2.vecs(2)
		for i, v := range v {
			VMOVUPS(at(x, 32*i), v)
			none, is := YMM(), YMM()
			VCMPPS(Imm(3), v, v, is) // not a number
			VPSRLD(Imm(16), v, none)
			VPOR(quiet, none, none)
			toBFloat16(v, YMM(), halves[0], halves[1], halves[2])
			VPSRLD(Imm(16), v, v)
			VBLENDVPS(is, none, v, v)
		}
		VPACKUSDW(v[1], v[0], v[0])
		VPERMQ(Imm(inOrder), v[0], v[0])
		VMOVUPS(v[0], at(to, 0))
		ADDQ(U32(64), x)
		ADDQ(U32(32), to)
	})
	finish()
}

func fromBFloat16s() {
	function("fromBFloat16sAVX2", "func(x *float32, from *uint16, n int)", "fromBFloat16sAVX2 reads n values of x from their upper halves.")
	x, from, n := pointer("x"), pointer("from"), pointer("n")
	loop("values", n, 16, func() {
		for i := range 2 {
			v := YMM()
			VPMOVZXWD(at(from, 16*i), v)
			VPSLLD(Imm(16), v, v)
			VMOVUPS(v, at(x, 32*i))
		}
		ADDQ(U32(64), x)
		ADDQ(U32(32), from)
	})
	finish()
}
