package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// ratings are the kernels of matrix factorisation. A row is a header of 32 bytes and then
// the factors, whole vectors of AVX2. Ratings of one user are taken four at a time, so that
// four sums are folded as one. Vectors of AVX-512 were no faster: rows come from beyond L2.
func ratings() {
	rate()
	fit()
}

const (
	header = 32 // bytes before the factors of a row
	ahead  = 8  // ratings by which rows are fetched early
)

// rated is what the ratings under way are: of how many, and where their rows are.
type rated struct {
	user, rows, index Register
	bytes             Register // of a row
	row               []Register
}

// find points at the rows of the next k ratings.
func (x *rated) find(k int) {
	x.row = make([]Register, k)
	for t := range x.row {
		x.row[t] = GP64()
		MOVL(at(x.index, 4*t), x.row[t].(GPVirtual).As32())
		IMULQ(x.bytes, x.row[t])
		ADDQ(x.rows, x.row[t])
	}
}

// fetch asks for the rows of four ratings that come later, where there are so many left.
func (x *rated) fetch(left Register, label string) {
	CMPQ(left, Imm(ahead+4))
	JL(LabelRef(label))
	later := rated{rows: x.rows, index: x.index, bytes: x.bytes}
	later.row = make([]Register, 4)
	for t := range later.row {
		later.row[t] = GP64()
		MOVL(at(x.index, 4*(ahead+t)), later.row[t].(GPVirtual).As32())
		IMULQ(x.bytes, later.row[t])
		ADDQ(x.rows, later.row[t])
	}
	off := GP64()
	XORQ(off, off)
	Label(label + "Line")
	for _, row := range later.row {
		PREFETCHT0(Mem{Base: row, Index: off, Scale: 1})
	}
	ADDQ(Imm(64), off)
	CMPQ(off, x.bytes)
	JL(LabelRef(label + "Line"))
	Label(label)
}

// each runs body for every vector of factors; off is where it is in a row.
func (x *rated) each(label string, body func(off Register)) {
	off := GP64()
	MOVQ(U32(header), off)
	Label(label)
	body(off)
	ADDQ(Imm(32), off)
	CMPQ(off, x.bytes)
	JL(LabelRef(label))
}

func inRow(row, off Register) Mem { return Mem{Base: row, Index: off, Scale: 1} }

// dots are the products of the user's factors and those of each row, one an element.
func (x *rated) dots(label string) Register {
	sum := avx2.vecs(len(x.row))
	zero(sum...)
	x.each(label, func(off Register) {
		p := YMM()
		VMOVUPS(inRow(x.user, off), p)
		for t, s := range sum {
			q := YMM()
			VMULPS(inRow(x.row[t], off), p, q)
			VADDPS(q, s, s)
		}
	})
	if len(sum) == 1 {
		VHADDPS(sum[0], sum[0], sum[0])
		VHADDPS(sum[0], sum[0], sum[0])
	} else {
		VHADDPS(sum[1], sum[0], sum[0])
		VHADDPS(sum[3], sum[2], sum[2])
		VHADDPS(sum[2], sum[0], sum[0])
	}
	high := XMM()
	VEXTRACTF128(Imm(1), sum[0], high)
	VADDPS(high, sum[0].AsX(), high)
	return high
}

// field is a number of each row's header, the i-th.
func (x *rated) field(i int) Register {
	v := XMM()
	VMOVSS(at(x.row[0], 4*i), v)
	for t := 1; t < len(x.row); t++ {
		VINSERTPS(Imm(uint64(t<<4)), at(x.row[t], 4*i), v, v)
	}
	return v
}

func rate() {
	function("rateAVX2", "func(out, user, rows *float32, index *uint32, n, bytes int)", "rateAVX2 predicts n ratings of a user, of rows of so many bytes.")
	out, n := pointer("out"), pointer("n")
	x := &rated{user: pointer("user"), rows: pointer("rows"), index: pointer("index"), bytes: pointer("bytes")}
	base := XMM()
	VBROADCASTSS(at(x.user, 0), base)
	loop("four", n, 4, func() {
		x.fetch(n, "near")
		x.find(4)
		dot, bias := x.dots("dotFour"), x.field(0)
		VADDPS(bias, base, bias)
		VADDPS(dot, bias, bias)
		VMOVUPS(bias, at(out, 0))
		ADDQ(Imm(16), out)
		ADDQ(Imm(16), x.index)
	})
	loop("one", n, 1, func() {
		x.find(1)
		dot, bias := x.dots("dotOne"), x.field(0)
		VADDPS(bias, base, bias)
		VADDPS(dot, bias, bias)
		VMOVSS(bias, at(out, 0))
		ADDQ(Imm(4), out)
		ADDQ(Imm(4), x.index)
	})
	finish()
}

func fit() {
	function("fitAVX2", "func(user, rows *float32, index *uint32, ratings *float32, n, left, bytes int, penalty, clip, floor float32)",
		"fitAVX2 goes a step towards each of n ratings of a user, of rows of so many bytes;", "left is how many indices there are from the first of them on.")
	n, left := pointer("n"), pointer("left")
	x := &rated{user: pointer("user"), rows: pointer("rows"), index: pointer("index"), bytes: pointer("bytes")}
	ratings := pointer("ratings")
	local := AllocLocal(48)
	loop("four", n, 4, func() {
		x.fetch(left, "near")
		x.step(4, ratings, local, "Four")
		SUBQ(Imm(4), left)
	})
	loop("one", n, 1, func() {
		x.step(1, ratings, local, "One")
		DECQ(left)
	})
	finish()
}

// step is one for k ratings, whose errors are all found before anything is changed.
func (x *rated) step(k int, ratings Register, local Mem, label string) {
	x.find(k)
	e := x.errors(k, ratings, label)
	bias, rate, decay, biasRate := x.field(0), x.field(1), x.field(2), x.field(3)
	_ = bias
	byUser, byItem := XMM(), XMM()
	VBROADCASTSS(at(x.user, 4), byUser)
	VMULPS(byUser, e, byUser)
	VMULPS(rate, e, byItem)
	VMOVUPS(byUser, local)
	VMOVUPS(byItem, local.Offset(16))
	VMOVUPS(decay, local.Offset(32))

	penalty, change := XMM(), XMM()
	VBROADCASTSS(param("penalty"), penalty)
	VMULPS(penalty, bias, change)
	VSUBPS(change, e, change)
	VMULPS(biasRate, change, change)
	VADDPS(change, bias, change)
	VMOVSS(change, at(x.row[0], 0))
	for t := 1; t < k; t++ {
		VEXTRACTPS(Imm(uint64(t)), change, at(x.row[t], 0))
	}
	x.userBias(k, e, penalty)
	x.factors(k, local, label)
	ADDQ(Imm(uint64(4*k)), ratings)
	ADDQ(Imm(uint64(4*k)), x.index)
}

func param(name string) Mem {
	basic, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return basic.Addr
}

// errors are what the ratings are above what is predicted, clipped.
func (x *rated) errors(k int, ratings Register, label string) Register {
	dot, bias, e, base, clip := x.dots("dot"+label), x.field(0), XMM(), XMM(), XMM()
	if k == 1 {
		VMOVSS(at(ratings, 0), e)
	} else {
		VMOVUPS(at(ratings, 0), e)
	}
	VBROADCASTSS(at(x.user, 0), base)
	VSUBPS(base, e, e)
	VSUBPS(bias, e, e)
	VSUBPS(dot, e, e)
	VBROADCASTSS(param("clip"), clip)
	VMINPS(clip, e, e)
	VXORPS(base, base, base)
	VSUBPS(clip, base, clip)
	VMAXPS(clip, e, e)
	return e
}

func (x *rated) userBias(k int, e, penalty Register) {
	sum, base := XMM(), XMM()
	VMOVAPS(e, sum)
	if k == 4 {
		VHADDPS(sum, sum, sum)
		VHADDPS(sum, sum, sum)
		four := XMM()
		VADDSS(penalty, penalty, four)
		VADDSS(four, four, penalty)
	}
	VMOVSS(at(x.user, 0), base)
	VMULSS(penalty, base, penalty)
	VSUBSS(penalty, sum, sum)
	VMULSS(at(x.user, 12), sum, sum)
	VADDSS(sum, base, base)
	VMOVSS(base, at(x.user, 0))
}

// factors changes the factors of the user and of each row.
func (x *rated) factors(k int, local Mem, label string) {
	byUser, byItem, decay := avx2.vecs(k), avx2.vecs(k), avx2.vecs(k)
	for t := range k {
		VBROADCASTSS(local.Offset(4*t), byUser[t])
		VBROADCASTSS(local.Offset(16+4*t), byItem[t])
		VBROADCASTSS(local.Offset(32+4*t), decay[t])
	}
	x.each("factors"+label, func(off Register) {
		p, next, q, v := YMM(), YMM(), YMM(), YMM()
		VMOVUPS(inRow(x.user, off), p)
		VBROADCASTSS(at(x.user, map[int]int{1: 8, 4: 16}[k]), next)
		VMULPS(p, next, next)
		for t := range k {
			VMOVUPS(inRow(x.row[t], off), q)
			VMULPS(byUser[t], q, v)
			VADDPS(v, next, next)
			VMULPS(decay[t], q, q)
			VMULPS(byItem[t], p, v)
			VADDPS(v, q, q)
			VBROADCASTSS(param("floor"), v)
			VMAXPS(v, q, q)
			VMOVUPS(q, inRow(x.row[t], off))
		}
		VBROADCASTSS(param("floor"), v)
		VMAXPS(v, next, next)
		VMOVUPS(next, inRow(x.user, off))
	})
}
