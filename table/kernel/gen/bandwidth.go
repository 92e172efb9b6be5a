package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// bandwidth are kernels that other ones are compared to: what memory gives to who
// does nothing with it. They work on blocks of 512 bytes.
func bandwidth() {
	for _, s := range []isa{avx2, avx512} {
		read(s)
		flip(s)
	}
}

func blocksOf512(x, n Register, s isa, body func(disp int)) {
	loop("block", n, 64, func() {
		for disp := 0; disp < 512; disp += s.bytes {
			body(disp)
		}
		ADDQ(U32(512), x)
	})
}

func read(s isa) {
	name := "read" + s.name
	function(name, "func(x *uint64, n int) uint64", name+" is all bits of n words of x.")
	x, n := pointer("x"), pointer("n")
	or := s.vecs(8)
	zero(or...)
	blocksOf512(x, n, s, func(disp int) {
		either(s, at(x, disp), or[disp/s.bytes%len(or)])
	})
	for h := len(or) / 2; h > 0; h /= 2 {
		for i := range h {
			either(s, or[i+h], or[i])
		}
	}
	half, word, other := XMM(), GP64(), GP64()
	if s.bytes == 64 {
		wide := YMM()
		VEXTRACTI64X4(Imm(1), or[0], wide)
		VPOR(wide, or[0].AsY(), or[0].AsY())
	}
	VEXTRACTI128(Imm(1), or[0].AsY(), half)
	VPOR(half, or[0].AsX(), half)
	VMOVQ(half, word)
	VPEXTRQ(Imm(1), half, other)
	ORQ(other, word)
	Store(word, ReturnIndex(0))
	finish()
}

// either adds the bits of u to v.
func either(s isa, u Op, v Register) {
	if s.bytes == 64 {
		VPORQ(u, v, v)
	} else {
		VPOR(u, v, v)
	}
}

func flip(s isa) {
	name := "flip" + s.name
	function(name, "func(x *uint64, n int)", name+" flips all bits of n words of x.")
	x, n := pointer("x"), pointer("n")
	all := quads("allOnes", 1<<64-1, s)
	blocksOf512(x, n, s, func(disp int) {
		v := s.vec()
		if s.bytes == 64 {
			VPXORQ(at(x, disp), all, v)
			VMOVDQU64(v, at(x, disp))
		} else {
			VPXOR(at(x, disp), all, v)
			VMOVDQU(v, at(x, disp))
		}
	})
	finish()
}
