package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// products are the kernels of products with matrices, row after row in memory.
func products() {
	for _, e := range []elem{float32s, float64s} {
		packRows(e, 4)
		packRows(e, 2)
		packLines(e)
	}
	for _, s := range []isa{avx2, avx512} {
		for _, e := range []elem{float32s, float64s} {
			l := newLanes(s, e)
			l.gemm()
			l.gemv()
			l.gemvT()
			l.peak()
		}
	}
}

// rows of a tile of gemm, which is two vectors wide. With their two vectors of b
// and what is multiplied, the sums fill the registers.
func (l lanes) tile() int {
	if l.s == avx512 {
		return 12
	}
	return 6
}

func (l lanes) gemm() {
	name, rows := l.name("gemm"), l.tile()
	function(name, fmt.Sprintf("func(k int, a, b, c *%s, stride int)", l.e.typ), name+" adds the product of two panels of depth k to a tile of c, whose rows are",
		fmt.Sprintf("stride elements apart: %d rows of a, %d columns of b.", rows, 2*l.s.bytes/l.e.bytes))
	k, a, b, c, stride := pointer("k"), pointer("a"), pointer("b"), pointer("c"), pointer("stride")
	sum := make([]VecVirtual, 2*rows)
	for i := range sum {
		sum[i] = l.zero()
	}
	blocks(k, 4, 1, func(count int) {
		for step := range count {
			left, right := l.load(l.at(b, 2*step)), l.load(l.at(b, 2*step+1))
			for i := range rows {
				v := l.s.vec()
				l.broadcast(at(a, (step*rows+i)*l.e.bytes), v)
				l.addTo(left, v, sum[2*i])
				l.addTo(right, v, sum[2*i+1])
			}
		}
		ADDQ(U32(uint32(count*rows*l.e.bytes)), a)
		ADDQ(U32(uint32(2*count*l.s.bytes)), b)
	})
	l.toBytes(stride)
	for i := range rows {
		for j := range 2 {
			v := sum[2*i+j]
			l.add(l.at(c, j), v, v)
			VMOVUPS(v, l.at(c, j))
		}
		ADDQ(stride, c)
	}
	finish()
}

// toBytes makes a number of elements one of bytes.
func (l lanes) toBytes(n Register) {
	shift := uint64(2)
	if l.e.bytes == 8 {
		shift = 3
	}
	SHLQ(Imm(shift), n)
}

// A partial vector is the beginning of one.
type partial struct {
	l    lanes
	mask Register
}

// newPartial is for the n elements that n leaves over when divided by those of a
// vector.
func (l lanes) newPartial(n Register) partial {
	per, rest := l.s.bytes/l.e.bytes, GP64()
	MOVQ(n, rest)
	ANDQ(U32(uint32(per-1)), rest)
	if l.s == avx512 {
		one, k := GP64(), K()
		MOVQ(rest, RCX)
		MOVQ(U32(1), one)
		SHLQ(CL, one)
		DECQ(one)
		KMOVW(one.As32(), k)
		return partial{l, k}
	}
	first, table, mask := GP64(), GP64(), YMM()
	LEAQ(constant64("partial", 1<<64-1, 1<<64-1, 1<<64-1, 1<<64-1, 0, 0, 0, 0), table)
	MOVQ(U32(uint32(per)), first)
	SUBQ(rest, first)
	VMOVDQU(Mem{Base: table, Index: first, Scale: uint8(l.e.bytes)}, mask)
	return partial{l, mask}
}

// load reads a partial vector; the rest of it is 0.
func (p partial) load(m Mem) VecVirtual {
	v := p.l.s.vec()
	if p.l.s == avx512 {
		p.l.pick(two(VMOVUPS_Z), two(VMOVUPD_Z))(m, p.mask, v)
	} else if p.l.e == float32s {
		VMASKMOVPS(m, p.mask, v)
	} else {
		VMASKMOVPD(m, p.mask, v)
	}
	return v
}

func (p partial) store(v Register, m Mem) {
	if p.l.s == avx512 {
		p.l.pick(VMOVUPS, VMOVUPD)(v, p.mask, m)
	} else if p.l.e == float32s {
		VMASKMOVPS(v, p.mask, m)
	} else {
		VMASKMOVPD(v, p.mask, m)
	}
}

// row is where the i-th of four rows goes on, disp bytes behind a.
func row(a, stride, stride3 Register, i, disp int) Mem {
	switch i {
	case 0:
		return Mem{Base: a, Disp: disp}
	case 3:
		return Mem{Base: a, Index: stride3, Scale: 1, Disp: disp}
	}
	return Mem{Base: a, Index: stride, Scale: uint8(i), Disp: disp}
}

// A rowSweep goes over the rows of a matrix, four at a time and then one.
type rowSweep struct {
	l                  lanes
	a, stride, stride3 Register
	rows, n, x, y      Register
	rest               partial
}

func (l lanes) newSweep(name string, doc ...string) rowSweep {
	function(name, fmt.Sprintf("func(a *%[1]s, stride, rows, n int, x, y *%[1]s)", l.e.typ), doc...)
	w := rowSweep{l: l, a: pointer("a"), stride: pointer("stride"), rows: pointer("rows"), n: pointer("n"), x: pointer("x"), y: pointer("y"), stride3: GP64()}
	w.rest = l.newPartial(w.n)
	l.toBytes(w.stride)
	LEAQ(Mem{Base: w.stride, Index: w.stride, Scale: 2}, w.stride3)
	return w
}

// run does four rows or one, by body, which is given where they begin.
func (w rowSweep) run(body func(rows int, a Register)) {
	for _, rows := range []int{4, 1} {
		loop(fmt.Sprintf("rows%d", rows), w.rows, rows, func() {
			a := GP64()
			MOVQ(w.a, a)
			body(rows, a)
			for range rows {
				ADDQ(w.stride, w.a)
			}
		})
	}
	finish()
}

// columns goes over those of rows rows: many vectors at a time, one, and the rest.
func (w rowSweep) columns(rows, many int, advance []Register, body func(first int, load func(Mem) VecVirtual, store func(Register, Mem))) {
	per, n := w.l.s.bytes/w.l.e.bytes, GP64()
	MOVQ(w.n, n)
	whole := func(v Register, m Mem) { VMOVUPS(v, m) }
	for _, vectors := range []int{many, 1} {
		loop(fmt.Sprintf("of%dby%d", rows, vectors), n, vectors*per, func() {
			for i := range vectors {
				body(i, w.l.load, whole)
			}
			for _, p := range advance {
				ADDQ(U32(uint32(vectors*w.l.s.bytes)), p)
			}
		})
	}
	done := fmt.Sprintf("of%dDone", rows)
	TESTQ(n, n)
	JZ(LabelRef(done))
	body(0, w.rest.load, w.rest.store)
	Label(done)
}

func (l lanes) gemv() {
	name := l.name("gemv")
	w := l.newSweep(name, name+" adds the products of rows of a, n values of each, with x to y.")
	w.run(func(rows int, a Register) {
		many := 2
		if rows == 1 {
			many = 4
		}
		sum := make([]VecVirtual, rows*many)
		for i := range sum {
			sum[i] = l.zero()
		}
		x := GP64()
		MOVQ(w.x, x)
		w.columns(rows, many, []Register{a, x}, func(first int, load func(Mem) VecVirtual, _ func(Register, Mem)) {
			v := load(l.at(x, first))
			for i := range rows {
				l.addTo(load(row(a, w.stride, w.stride3, i, first*l.s.bytes)), v, sum[i*many+first])
			}
		})
		for i := range rows {
			of := sum[i*many : (i+1)*many]
			for half := many / 2; half > 0; half /= 2 {
				for j := range half {
					l.add(of[j+half], of[j], of[j])
				}
			}
		}
		if rows == 1 {
			s := l.fold(sum[0], l.add)
			l.pick(VADDSS, VADDSD)(at(w.y, 0), s, s)
			l.pick(VMOVSS, VMOVSD)(s, at(w.y, 0))
		} else {
			l.addFour(sum[0], sum[many], sum[2*many], sum[3*many], w.y)
		}
		ADDQ(U32(uint32(rows*l.e.bytes)), w.y)
	})
}

// addFour adds the sums of the lanes of each of four vectors to y.
func (l lanes) addFour(a, b, c, d VecVirtual, y Register) {
	v := []VecVirtual{a, b, c, d}
	for i := range v {
		if l.s == avx512 {
			h := YMM()
			VEXTRACTF64X4(Imm(1), v[i], h)
			l.add(v[i].AsY(), h, h)
			v[i] = h
		}
	}
	if l.e == float32s {
		VHADDPS(v[1], v[0], v[0])
		VHADDPS(v[3], v[2], v[2])
		VHADDPS(v[2], v[0], v[0])
		h := XMM()
		VEXTRACTF128(Imm(1), v[0], h)
		VADDPS(v[0].AsX(), h, h)
		VADDPS(at(y, 0), h, h)
		VMOVUPS(h, at(y, 0))
		return
	}
	VHADDPD(v[1], v[0], v[0])
	VHADDPD(v[3], v[2], v[2])
	VPERM2F128(Imm(0x21), v[2], v[0], v[1])
	VBLENDPD(Imm(0xc), v[2], v[0], v[0])
	VADDPD(v[1], v[0], v[0])
	VADDPD(at(y, 0), v[0], v[0])
	VMOVUPD(v[0], at(y, 0))
}

func (l lanes) gemvT() {
	name := l.name("gemvT")
	w := l.newSweep(name, name+" adds rows of a, n values of each, times those of x to y.")
	w.run(func(rows int, a Register) {
		by := l.s.vecs(rows)
		for i, v := range by {
			l.broadcast(at(w.x, i*l.e.bytes), v)
		}
		y := GP64()
		MOVQ(w.y, y)
		w.columns(rows, 2, []Register{a, y}, func(first int, load func(Mem) VecVirtual, store func(Register, Mem)) {
			v := load(l.at(y, first))
			for i, by := range by {
				l.addTo(load(row(a, w.stride, w.stride3, i, first*l.s.bytes)), by, v)
			}
			store(v, l.at(y, first))
		})
		ADDQ(U32(uint32(rows*l.e.bytes)), w.x)
	})
}

// peakSums are as many independent sums as hide how long one takes.
const peakSums = 12

func (l lanes) peak() {
	name := l.name("peak")
	function(name, "func(rounds int)", name+fmt.Sprintf(" multiplies and adds %d vectors in each round.", peakSums))
	rounds := pointer("rounds")
	sum := make([]VecVirtual, peakSums)
	for i := range sum {
		sum[i] = l.zero()
	}
	by := l.zero()
	loop("rounds", rounds, 1, func() {
		for _, v := range sum {
			l.addTo(by, by, v)
		}
	})
	finish()
}
