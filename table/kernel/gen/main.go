// Gen writes the assembly of package kernel. It is a module of its own, so that
// what it needs is no dependency of the program:
//
//	go generate ./table/kernel
//
// Each group of kernels is a file of assembly and one of their declarations. The
// rules for a kernel: it works on whole blocks of elements and leaves the rest to
// plain Go; it reads and writes memory at any address; it keeps no pointer.
package main

import (
	"flag"
	"fmt"
	"maps"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

var groups = map[string]func(){
	"bandwidth": bandwidth,
	"bytes":     bytes,
	"dense":     dense,
	"ratings":   ratings,
	"functions": functions,
	"planes":    planes,
	"products":  products,
	"rounding":  rounding,
	"sparse":    sparse,
	"topics":    topics,
	"vector":    vector,
	"integers":  integers,
}

func main() {
	group := flag.String("group", "", "the kernels to write")
	flag.Parse()
	write, ok := groups[*group]
	if !ok {
		panic(fmt.Sprintf("gen: -group %q is none of %q", *group, slices.Sorted(maps.Keys(groups))))
	}
	ConstraintExpr("!purego")
	write()
	Generate()
}

// An isa is a set of instructions with vectors of so many bytes.
type isa struct {
	name  string
	bytes int
}

var avx2 = isa{"AVX2", 32}

func (s isa) vec() VecVirtual {
	if s.bytes == 64 {
		return ZMM()
	}
	return YMM()
}

func (s isa) vecs(n int) []VecVirtual {
	v := make([]VecVirtual, n)
	for i := range v {
		v[i] = s.vec()
	}
	return v
}

// An elem is a type of elements.
type elem struct {
	name, typ string
	bytes     int
}

var (
	float32s = elem{"Float32", "float32", 4}
	float64s = elem{"Float64", "float64", 8}
	int32s   = elem{"Int32", "int32", 4}
)

// function begins a kernel that does not let its pointers escape.
func function(name, signature string, doc ...string) {
	TEXT(name, 4, signature) // 4: NOSPLIT
	Pragma("noescape")
	Doc(doc...)
}

// loop runs body while at least step of n are left, and takes step from n.
func loop(name string, n Register, step int, body func()) {
	Label(name)
	CMPQ(n, U32(uint32(step)))
	JL(LabelRef(name + "End"))
	body()
	SUBQ(U32(uint32(step)), n)
	JMP(LabelRef(name))
	Label(name + "End")
}

// blocks runs body over n elements, a multiple of one: many at a time as long as
// there are many. body is given how many it has to do.
func blocks(n Register, many, one int, body func(count int)) {
	loop("many", n, many, func() { body(many) })
	loop("one", n, one, func() { body(one) })
}

func pointer(param string) Register { return Load(Param(param), GP64()) }

func at(base Register, disp int) Mem { return Mem{Base: base, Disp: disp} }

func finish() {
	VZEROUPPER()
	RET()
}

// words fills a vector with a 32-bit word.
func words(name string, word uint32, s isa) VecVirtual {
	v := s.vec()
	VPBROADCASTD(constant(name, word), v)
	return v
}

// quads fills a vector with a 64-bit word.
func quads(name string, word uint64, s isa) VecVirtual {
	v := s.vec()
	VPBROADCASTQ(constant64(name, word), v)
	return v
}

var made []string

func constant(name string, word uint32) Mem {
	if !slices.Contains(made, name) {
		made = append(made, name)
		GLOBL(name, 24) // RODATA and NOPTR
		DATA(0, U32(word))
	}
	return NewDataAddr(Symbol{Name: name, Static: true}, 0)
}

func constant64(name string, quad ...uint64) Mem {
	if !slices.Contains(made, name) {
		made = append(made, name)
		GLOBL(name, 24)
		for i, q := range quad {
			DATA(8*i, U64(q))
		}
	}
	return NewDataAddr(Symbol{Name: name, Static: true}, 0)
}
