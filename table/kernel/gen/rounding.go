package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// rounding are the kernels between values and what is sent of them, in blocks of
// 8 elements.
func rounding() {
	largest(float32s)
	largest(float64s)
	for _, e := range []elem{float32s, float64s} {
		roundFixed(e)
		quantize(e)
		scale(e)
	}
	roundBFloat16()
	doubles("roundSingleFloat64AVX2", "func(x *float64, n int)", "rounds n values of x to float32.", func(x, _ Register, half VecVirtual, i int) {
		VCVTPD2PSY(at(x, 32*i), half)
		back(half, x, i)
	})
	bf := func(x, _ Register, half VecVirtual, i int) {
		VCVTPD2PSY(at(x, 32*i), half)
		toBFloat16(half, XMM(), halves[0].AsX(), halves[1].AsX(), halves[2].AsX())
		back(half, x, i)
	}
	doubles("roundBFloat16Float64AVX2", "func(x *float64, n int)", "rounds n values of x to float32 and that to its upper half.", bf)
	doubles("narrowAVX2", "func(x *float64, n int, q *float32)", "writes n values of x to q, as float32.", func(x, q Register, half VecVirtual, i int) {
		VCVTPD2PSY(at(x, 32*i), half)
		VMOVUPS(half, at(q, 16*i))
	})
	doubles("widenAVX2", "func(x *float64, n int, q *float32)", "reads n values of x from q.", func(x, q Register, half VecVirtual, i int) {
		VMOVUPS(at(q, 16*i), half)
		back(half, x, i)
	})
}

func back(half VecVirtual, x Register, i int) {
	v := YMM()
	VCVTPS2PD(half, v)
	VMOVUPD(v, at(x, 32*i))
}

// halves are the constants of toBFloat16.
var halves [3]VecVirtual

func bfloat16Constants() {
	halves = [3]VecVirtual{words("one", 1, avx2), words("half", 0x7fff, avx2), words("upper", 0xffff0000, avx2)}
}

// toBFloat16 rounds a vector of float32 to even.
func toBFloat16(v, odd, one, half, upper Register) {
	VPSRLD(Imm(16), v, odd)
	VPAND(one, odd, odd)
	VPADDD(half, odd, odd)
	VPADDD(odd, v, v)
	VPAND(upper, v, v)
}

func roundBFloat16() {
	function("roundBFloat16Float32AVX2", "func(x *float32, n int)", "roundBFloat16Float32AVX2 rounds n values of x to the upper half of a float32.")
	x, n := pointer("x"), pointer("n")
	bfloat16Constants()
	blocks(n, 32, 8, func(count int) {
		for i := range count / 8 {
			v := YMM()
			VMOVUPS(at(x, 32*i), v)
			toBFloat16(v, YMM(), halves[0], halves[1], halves[2])
			VMOVUPS(v, at(x, 32*i))
		}
		ADDQ(U32(uint32(4*count)), x)
	})
	finish()
}

// doubles is a kernel over float64s, x, and maybe as many float32s, q. body does
// the i-th four of them.
func doubles(name, signature, doc string, body func(x, q Register, half VecVirtual, i int)) {
	function(name, signature, name+" "+doc)
	x, n := pointer("x"), pointer("n")
	var q Register
	if signature != "func(x *float64, n int)" {
		q = pointer("q")
	} else {
		bfloat16Constants()
	}
	blocks(n, 16, 8, func(count int) {
		for i := range count / 4 {
			body(x, q, XMM(), i)
		}
		ADDQ(U32(uint32(8*count)), x)
		if q != nil {
			ADDQ(U32(uint32(4*count)), q)
		}
	})
	finish()
}

// largest compares magnitudes as the whole numbers that their bits are: infinity
// is larger than all numbers, and what is not a number still larger.
func largest(e elem) {
	name, word := "largest"+e.name+"AVX2", "uint32"
	if e == float64s {
		word = "uint64"
	}
	function(name, "func(x *"+e.typ+", n int) "+word, name+" is the largest magnitude of n values of x, as its bits.")
	x, n := pointer("x"), pointer("n")
	var mask VecVirtual
	if e == float32s {
		mask = words("magnitude32", 1<<31-1, avx2)
	} else {
		mask = quads("magnitude64", 1<<63-1, avx2)
	}
	most := avx2.vecs(4)
	for _, v := range most {
		VPXOR(v, v, v)
	}
	blocks(n, 128/e.bytes, 64/e.bytes, func(count int) {
		for i := range count * e.bytes / 32 {
			v := YMM()
			VPAND(at(x, 32*i), mask, v)
			larger(e, v, most[i%4], YMM())
		}
		ADDQ(U32(uint32(count*e.bytes)), x)
	})
	larger(e, most[1], most[0], YMM())
	larger(e, most[3], most[2], YMM())
	larger(e, most[2], most[0], YMM())
	m, v := most[0].AsX(), XMM()
	VEXTRACTI128(Imm(1), most[0], v)
	larger(e, v, m, XMM())
	VPSHUFD(Imm(0b01_00_11_10), m, v)
	larger(e, v, m, XMM())
	if e == float64s {
		r := GP64()
		VMOVQ(m, r)
		Store(r, ReturnIndex(0))
	} else {
		VPSHUFD(Imm(0b10_11_00_01), m, v)
		larger(e, v, m, XMM())
		r := GP32()
		VMOVD(m, r)
		Store(r, ReturnIndex(0))
	}
	finish()
}

// larger keeps in most the larger of v and most.
func larger(e elem, v, most, above Register) {
	if e == float32s {
		VPMAXSD(v, most, most)
		return
	}
	VPCMPGTQ(most, v, above)
	VBLENDVPD(above, v, most, most)
}

// factor fills a vector with a parameter.
func factor(e elem, param string) VecVirtual {
	x, v := XMM(), YMM()
	Load(Param(param), x)
	if e == float32s {
		VBROADCASTSS(x, v)
	} else {
		VBROADCASTSD(x, v)
	}
	return v
}

func multiply(e elem, by, v Register) {
	if e == float32s {
		VMULPS(by, v, v)
	} else {
		VMULPD(by, v, v)
	}
}

func roundFixed(e elem) {
	name := "roundFixed" + e.name + "AVX2"
	function(name, "func(x *"+e.typ+", n int, unit, per "+e.typ+")", name+" rounds n values of x to multiples of unit, which is 1/per.")
	x, n := pointer("x"), pointer("n")
	unit, per := factor(e, "unit"), factor(e, "per")
	blocks(n, 128/e.bytes, 8, func(count int) {
		size := count * e.bytes
		for i := 0; i < size; i += 32 {
			v := YMM()
			VMOVUPS(at(x, i), v)
			multiply(e, per, v)
			if e == float32s { // 8: to even, without a flag
				VROUNDPS(Imm(8), v, v)
			} else {
				VROUNDPD(Imm(8), v, v)
			}
			multiply(e, unit, v)
			VMOVUPS(v, at(x, i))
		}
		ADDQ(U32(uint32(size)), x)
	})
	finish()
}

func quantize(e elem) {
	name := "quantize" + e.name + "AVX2"
	function(name, "func(q *uint32, x *"+e.typ+", n int, per "+e.typ+")", name+" writes n values of x, times per, to q as zigzag numbers.")
	q, x, n := pointer("q"), pointer("x"), pointer("n")
	per := factor(e, "per")
	blocks(n, 32, 8, func(count int) {
		lanes := 32 / e.bytes
		for i := 0; i < count; i += lanes {
			v := YMM()
			VMOVUPS(at(x, i*e.bytes), v)
			multiply(e, per, v)
			var w, sign Register = YMM(), YMM()
			if e == float32s {
				VCVTTPS2DQ(v, w)
			} else {
				w, sign = XMM(), XMM()
				VCVTTPD2DQY(v, w)
			}
			VPSRAD(Imm(31), w, sign)
			VPSLLD(Imm(1), w, w)
			VPXOR(sign, w, w)
			VMOVDQU(w, at(q, 4*i))
		}
		ADDQ(U32(uint32(4*count)), q)
		ADDQ(U32(uint32(e.bytes*count)), x)
	})
	finish()
}

func scale(e elem) {
	name := "scale" + e.name + "AVX2"
	function(name, "func(x *"+e.typ+", q *uint32, n int, unit "+e.typ+")", name+" reads n values of x from the zigzag numbers q, times unit.")
	x, q, n := pointer("x"), pointer("q"), pointer("n")
	unit := factor(e, "unit")
	one, none := words("one", 1, avx2), YMM()
	VPXOR(none, none, none)
	blocks(n, 32, 8, func(count int) {
		lanes := 32 / e.bytes
		for i := 0; i < count; i += lanes {
			var w, sign, one, none Register = YMM(), YMM(), one, none
			if e == float64s {
				w, sign, one, none = XMM(), XMM(), one.(VecVirtual).AsX(), none.(VecVirtual).AsX()
			}
			VMOVDQU(at(q, 4*i), w)
			VPAND(one, w, sign)
			VPSUBD(sign, none, sign)
			VPSRLD(Imm(1), w, w)
			VPXOR(sign, w, w)
			v := YMM()
			if e == float32s {
				VCVTDQ2PS(w, v)
			} else {
				VCVTDQ2PD(w, v)
			}
			multiply(e, unit, v)
			VMOVUPS(v, at(x, i*e.bytes))
		}
		ADDQ(U32(uint32(4*count)), q)
		ADDQ(U32(uint32(e.bytes*count)), x)
	})
	finish()
}
