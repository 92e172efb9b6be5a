package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// groupSize is how many whole numbers share a size.
const groupSize = 64

// integers are the kernels of whole numbers in as few bytes as a group of them needs.
func integers() {
	appendInts()
	loadInts()
}

func appendInts() {
	function("appendIntsAVX2", "func(to *byte, x *int32, groups int) (written int)",
		"appendIntsAVX2 writes groups of 64 values of x, each behind the bytes that a value of it takes, and returns how many bytes these are.")
	begin, x, n := pointer("to"), pointer("x"), pointer("groups")
	to := GP64()
	MOVQ(begin, to)
	order := YMM()
	VMOVDQU(bytesInOrder(), order)
	above7, above15 := words("above7", 0xffffff80, avx2), words("above15", 0xffff8000, avx2)
	loop("group", n, 1, func() {
		v := avx2.vecs(8)
		or, large, magnitude := YMM(), YMM(), YMM()
		for i, v := range v {
			VMOVDQU(at(x, 32*i), v)
			VPSRAD(Imm(31), v, magnitude)
			VPXOR(v, magnitude, magnitude)
			if i == 0 {
				VMOVDQA(v, or)
				VMOVDQA(magnitude, large)
				continue
			}
			VPOR(v, or, or)
			VPOR(magnitude, large, large)
		}
		ADDQ(U32(4*groupSize), x)
		VPTEST(or, or)
		JZ(LabelRef("none"))
		VPTEST(above7, large)
		JZ(LabelRef("one"))
		VPTEST(above15, large)
		JZ(LabelRef("two"))

		MOVB(Imm(4), at(to, 0))
		for i, v := range v {
			VMOVDQU(v, at(to, 1+32*i))
		}
		ADDQ(U32(1+4*groupSize), to)
		JMP(LabelRef("next"))

		Label("two")
		MOVB(Imm(2), at(to, 0))
		for i := 0; i < len(v); i += 2 {
			two := YMM()
			VPACKSSDW(v[i+1], v[i], two)
			VPERMQ(Imm(0xd8), two, two)
			VMOVDQU(two, at(to, 1+16*i))
		}
		ADDQ(U32(1+2*groupSize), to)
		JMP(LabelRef("next"))

		Label("one")
		MOVB(Imm(1), at(to, 0))
		for i := 0; i < len(v); i += 4 {
			a, b := YMM(), YMM()
			VPACKSSDW(v[i+1], v[i], a)
			VPACKSSDW(v[i+3], v[i+2], b)
			VPACKSSWB(b, a, a)
			VPERMD(a, order, a)
			VMOVDQU(a, at(to, 1+8*i))
		}
		ADDQ(U32(1+groupSize), to)
		JMP(LabelRef("next"))

		Label("none")
		MOVB(Imm(0), at(to, 0))
		INCQ(to)
		Label("next")
	})
	SUBQ(begin, to)
	Store(to, ReturnIndex(0))
	finish()
}

// bytesInOrder is where the fours of bytes go that two packings have left in the order
// of their lanes.
func bytesInOrder() Mem {
	m := GLOBL("bytesInOrder", 24)
	for i, place := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} {
		DATA(4*i, U32(place))
	}
	return m
}

func loadInts() {
	function("loadIntsAVX2", "func(x *int32, from *byte, groups int) (read int)",
		"loadIntsAVX2 reads groups of 64 values of x as appendIntsAVX2 has written them, and returns how many bytes these were. They must all be there.")
	x, begin, n := pointer("x"), pointer("from"), pointer("groups")
	from := GP64()
	MOVQ(begin, from)
	loop("group", n, 1, func() {
		size := GP64()
		MOVBQZX(at(from, 0), size)
		INCQ(from)
		each := func(bytes int, load func(m Mem, v Register)) {
			for i := range groupSize / 8 {
				v := YMM()
				load(at(from, 8*bytes*i), v)
				VMOVDQU(v, at(x, 32*i))
			}
			ADDQ(U32(uint32(bytes*groupSize)), from)
			JMP(LabelRef("next"))
		}
		CMPQ(size, Imm(1))
		JLT(LabelRef("none"))
		JE(LabelRef("one"))
		CMPQ(size, Imm(2))
		JE(LabelRef("two"))
		each(4, func(m Mem, v Register) { VMOVDQU(m, v) })
		Label("two")
		each(2, func(m Mem, v Register) { VPMOVSXWD(m, v) })
		Label("one")
		each(1, func(m Mem, v Register) { VPMOVSXBD(m, v) })
		Label("none")
		zero := YMM()
		VPXOR(zero, zero, zero)
		for i := range groupSize / 8 {
			VMOVDQU(zero, at(x, 32*i))
		}
		Label("next")
		ADDQ(U32(4*groupSize), x)
	})
	SUBQ(begin, from)
	Store(from, ReturnIndex(0))
	finish()
}
