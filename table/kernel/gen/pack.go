package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// packRows writes rows rows of a, four values of each at a time, next to each other:
// one of each row, then width elements on the next of each.
func packRows(e elem, rows int) {
	name := fmt.Sprintf("pack%d%sAVX2", rows, e.name)
	function(name, fmt.Sprintf("func(to *%[1]s, width int, a *%[1]s, stride, n int)", e.typ), name+fmt.Sprintf(" writes the i-th of n values of %d rows of a, stride elements apart, to i*width of to.", rows))
	l := newLanes(avx2, e)
	to, width, a, stride, n := pointer("to"), pointer("width"), pointer("a"), pointer("stride"), pointer("n")
	stride3, width3 := GP64(), GP64()
	for _, r := range [][2]Register{{stride, stride3}, {width, width3}} {
		l.toBytes(r[0])
		LEAQ(Mem{Base: r[0], Index: r[0], Scale: 2}, r[1])
	}
	loop("four", n, 4, func() {
		v := make([]VecVirtual, rows)
		for i := range v {
			v[i] = XMM()
			if e == float64s {
				v[i] = YMM()
			}
			VMOVUPS(row(a, stride, stride3, i, 0), v[i])
		}
		store := func(i int, write func(Mem)) { write(row(to, width, width3, i, 0)) }
		if e == float32s {
			columns32(v, store)
		} else {
			columns64(v, store)
		}
		ADDQ(U32(uint32(4*e.bytes)), a)
		LEAQ(Mem{Base: to, Index: width, Scale: 4}, to)
	})
	finish()
}

func columns32(v []VecVirtual, store func(int, func(Mem))) {
	low, high := []VecVirtual{XMM(), XMM()}, []VecVirtual{XMM(), XMM()}
	for i := 0; i < len(v); i += 2 {
		VUNPCKLPS(v[i+1], v[i], low[i/2])
		VUNPCKHPS(v[i+1], v[i], high[i/2])
	}
	for k, t := range [][]VecVirtual{low, high} {
		if len(v) == 2 {
			store(2*k, func(m Mem) { VMOVSD(t[0], m) })
			store(2*k+1, func(m Mem) { VMOVHPD(t[0], m) })
			continue
		}
		even, odd := XMM(), XMM()
		VUNPCKLPD(t[1], t[0], even)
		VUNPCKHPD(t[1], t[0], odd)
		store(2*k, func(m Mem) { VMOVUPS(even, m) })
		store(2*k+1, func(m Mem) { VMOVUPS(odd, m) })
	}
}

func columns64(v []VecVirtual, store func(int, func(Mem))) {
	even, odd := avx2.vecs(2), avx2.vecs(2)
	for i := 0; i < len(v); i += 2 {
		VUNPCKLPD(v[i+1], v[i], even[i/2])
		VUNPCKHPD(v[i+1], v[i], odd[i/2])
	}
	for k, t := range [][]VecVirtual{even, odd} {
		if len(v) == 2 {
			store(k, func(m Mem) { VMOVUPS(t[0].AsX(), m) })
			store(k+2, func(m Mem) { VEXTRACTF128(Imm(1), t[0], m) })
			continue
		}
		low, high := YMM(), YMM()
		VPERM2F128(Imm(0x20), t[1], t[0], low)
		VPERM2F128(Imm(0x31), t[1], t[0], high)
		store(k, func(m Mem) { VMOVUPS(low, m) })
		store(k+2, func(m Mem) { VMOVUPS(high, m) })
	}
}

// packLines copies a part of each row of a, which lies in one piece.
func packLines(e elem) {
	name := fmt.Sprintf("packLines%sAVX2", e.name)
	function(name, fmt.Sprintf("func(to *%[1]s, width int, a *%[1]s, stride, lines, n int)", e.typ),
		name+" writes lines values of each of n rows of a, stride elements apart, to to, width elements apart.",
		"It writes up to 32 bytes from where the last value is.")
	l := newLanes(avx2, e)
	to, width, a, stride, lines, n := pointer("to"), pointer("width"), pointer("a"), pointer("stride"), pointer("lines"), pointer("n")
	rest := l.newPartial(lines)
	l.toBytes(stride)
	l.toBytes(width)
	loop("rows", n, 1, func() {
		from, dst, left := GP64(), GP64(), GP64()
		MOVQ(a, from)
		MOVQ(to, dst)
		MOVQ(lines, left)
		loop("whole", left, 32/e.bytes, func() {
			VMOVUPS(l.load(at(from, 0)), at(dst, 0))
			ADDQ(U32(32), from)
			ADDQ(U32(32), dst)
		})
		TESTQ(left, left)
		JZ(LabelRef("done"))
		VMOVUPS(rest.load(at(from, 0)), at(dst, 0))
		Label("done")
		ADDQ(stride, a)
		ADDQ(width, to)
	})
	finish()
}
