package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A layout says which bytes of a word of 32 bits travel, the first plane's first.
type layout struct {
	name  string
	bytes []int
}

var layouts = []layout{
	{"Low1", []int{0}},
	{"Low2", []int{1, 0}},
	{"Low3", []int{2, 1, 0}},
	{"High2", []int{3, 2}},
	{"All4", []int{3, 2, 1, 0}},
}

// planes are the kernels between words and planes of their bytes, 32 words at a
// time: in four vectors a to d, each of two halves of four words.
//
//	words      a0 a1   b0 b1   c0 c1   d0 d1
//	bytes      each half ordered by byte: four of the first plane, four of the next
//	transposed plane k: a0 b0 c0 d0   a1 b1 c1 d1, four bytes each
//	permuted   plane k: a0 a1 b0 b1   c0 c1 d0 d1
func planes() {
	for _, l := range layouts {
		shuffle(l)
	}
	for _, l := range layouts {
		unshuffle(l)
	}
}

// orders is a pattern of VPSHUFB, the same in both halves.
func orders(pattern [16]byte) (q []uint64) {
	for range 2 {
		for i := range 2 {
			word := uint64(0)
			for k := range 8 {
				word |= uint64(pattern[8*i+k]) << (8 * k)
			}
			q = append(q, word)
		}
	}
	return q
}

// permutation is a pattern of VPERMD.
func permutation(at [8]int) (q []uint64) {
	for i := 0; i < 8; i += 2 {
		q = append(q, uint64(at[i])|uint64(at[i+1])<<32)
	}
	return q
}

// transpose takes the k-th words of each half of a to d together, for k below n.
func transpose(v []VecVirtual, n int) []VecVirtual {
	low, high := avx2.vecs(2), avx2.vecs(2)
	VPUNPCKLDQ(v[1], v[0], low[0])
	VPUNPCKLDQ(v[3], v[2], low[1])
	out := avx2.vecs(n)
	if n > 2 {
		VPUNPCKHDQ(v[1], v[0], high[0])
		VPUNPCKHDQ(v[3], v[2], high[1])
	}
	for k, out := range out {
		from := low
		if k > 1 {
			from = high
		}
		if k%2 == 0 {
			VPUNPCKLQDQ(from[1], from[0], out)
		} else {
			VPUNPCKHQDQ(from[1], from[0], out)
		}
	}
	return out
}

// rows are pointers to the planes.
func rows(base, stride Register, n int) []Register {
	p := []Register{base}
	for range n - 1 {
		next := GP64()
		LEAQ(Mem{Base: p[len(p)-1], Index: stride, Scale: 1}, next)
		p = append(p, next)
	}
	return p
}

func shuffle(l layout) {
	name := "shuffle" + l.name + "AVX2"
	function(name, "func(planes *byte, stride int, q *uint32, n int)", name+" writes bytes of n words of q in planes, stride apart.")
	base, stride, q, n := pointer("planes"), pointer("stride"), pointer("q"), pointer("n")
	var pattern [16]byte
	for i := range pattern {
		pattern[i] = 0x80
		if k := i / 4; k < len(l.bytes) {
			pattern[i] = byte(4*(i%4) + l.bytes[k])
		}
	}
	order, perm := YMM(), YMM()
	VMOVDQU(constant64("split"+l.name, orders(pattern)...), order)
	VMOVDQU(constant64("together", permutation([8]int{0, 4, 1, 5, 2, 6, 3, 7})...), perm)
	to := rows(base, stride, len(l.bytes))
	loop("words", n, 32, func() {
		v := avx2.vecs(4)
		for i, v := range v {
			VMOVDQU(at(q, 32*i), v)
			VPSHUFB(order, v, v)
		}
		for k, v := range transpose(v, len(l.bytes)) {
			VPERMD(v, perm, v)
			VMOVDQU(v, at(to[k], 0))
			ADDQ(U32(32), to[k])
		}
		ADDQ(U32(128), q)
	})
	finish()
}

func unshuffle(l layout) {
	name := "unshuffle" + l.name + "AVX2"
	function(name, "func(q *uint32, planes *byte, stride, n int)", name+" reads n words of q from planes of their bytes, stride apart.", "The bytes that do not travel are 0.")
	q, base, stride, n := pointer("q"), pointer("planes"), pointer("stride"), pointer("n")
	var pattern [16]byte
	for i := range pattern {
		pattern[i] = 0x80
	}
	for k, b := range l.bytes {
		for i := range 4 {
			pattern[4*i+b] = byte(4*k + i)
		}
	}
	order, perm := YMM(), YMM()
	VMOVDQU(constant64("join"+l.name, orders(pattern)...), order)
	VMOVDQU(constant64("apart", permutation([8]int{0, 2, 4, 6, 1, 3, 5, 7})...), perm)
	from := rows(base, stride, len(l.bytes))
	loop("words", n, 32, func() {
		v := avx2.vecs(4)
		for k, v := range v {
			if k >= len(from) {
				VPXOR(v, v, v)
				continue
			}
			VPERMD(at(from[k], 0), perm, v)
			ADDQ(U32(32), from[k])
		}
		for i, v := range transpose(v, 4) {
			VPSHUFB(order, v, v)
			VMOVDQU(v, at(q, 32*i))
		}
		ADDQ(U32(128), q)
	})
	finish()
}
