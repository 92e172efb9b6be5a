// Package kernels measures the kernels of package kernel, on one thread: beside
// what the machine's memory and arithmetic give to who does nothing else, and
// beside plain Go.
//
// A figure is the median of several short runs. Who measures must be alone: while
// plain Go is measured, all kernels of the process are plain Go.
package kernels

import (
	"context"
	"iter"
	"runtime"
	"slices"
	"time"

	"petuum/table/kernel"
)

// Options of a measurement.
type Options struct {
	Only    []string // of [Names]; none: all
	Seconds float64  // that a figure is measured for; a few calls are made however long they take
	// Status is told what is being measured; nil: nobody is.
	Status func(what string)

	sizes sizes // zero: those of users
}

// sizes are bytes of memory. What else is measured there depends on them.
type sizes struct {
	levels [4]int // what dense kernels work on: L1, L2, L3 and memory
	picked [3]int // what sparse kernels pick from
	values [3]int // that sparse rows have together, for each of picked
	square [3]int // rows and columns of a product's matrices
}

var usual = sizes{
	levels: [4]int{16 << 10, 256 << 10, 8 << 20, 128 << 20},
	picked: [3]int{64 << 10, 4 << 20, 64 << 20},
	values: [3]int{1 << 18, 1 << 18, 1 << 20},
	square: [3]int{64, 512, 1024},
}

// A task is a kernel with something to do.
type task struct {
	kernel, types string
	row           string  // what else tells it from others of its name
	at            string  // the column of the figure
	elements      float64 // in a call
	work          float64 // bytes read and written, or operations
	limit         limit   // what the machine does of that
	do            func()
	part          func() // what plain Go does of it, where all takes long; nil: all
	share         float64
	math          func() // the same by the standard library; nil: it has nothing
}

// A group of kernels is measured and printed together.
type group struct {
	name, about string
	unit        string
	kernels     []string
	columns     func(s sizes) []string
	tasks       func(b *bench) iter.Seq[task]
}

var groups = []group{denseGroup, sparseGroup, functionGroup, matrixGroup, vectorGroup, wireGroup}

// Group is what is printed together.
type Group struct {
	Name    string
	Kernels []string
}

// Groups are all of them.
func Groups() (list []Group) {
	for _, g := range groups {
		list = append(list, Group{g.name, g.kernels})
	}
	return list
}

// Names are those of all kernels, and of their groups.
func Names() (names []string) {
	for _, g := range groups {
		names = append(append(names, g.name), g.kernels...)
	}
	return names
}

// bench is a measurement.
type bench struct {
	ctx     context.Context
	o       Options
	machine Machine
	narrow  []float32 // memory that dense kernels share
	wide    []float64
	sink    float64 // keeps results from being left out
}

// Run measures. It ends early where ctx does.
func Run(ctx context.Context, o Options) (*Report, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if o.sizes == (sizes{}) {
		o.sizes = usual
	}
	b := &bench{ctx: ctx, o: o}
	b.tell("the machine")
	b.measureMachine()
	r := &Report{Paths: kernel.Paths(), Seconds: o.Seconds, columns: map[string][]string{}}
	for _, g := range groups {
		r.columns[g.name] = g.columns(o.sizes)
		if !slices.ContainsFunc(g.kernels, b.wanted(g)) {
			continue
		}
		b.tell(g.name)
		for t := range g.tasks(b) {
			if !b.wanted(g)(t.kernel) {
				continue
			}
			r.Kernels = append(r.Kernels, b.measure(g, t))
			if ctx.Err() != nil {
				break
			}
		}
	}
	b.tell("the machine")
	b.measureMachine()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	r.compare(b.machine)
	return r, nil
}

func (b *bench) tell(what string) {
	if b.o.Status != nil {
		b.o.Status(what)
	}
}

// wanted tells which kernels of a group are measured.
func (b *bench) wanted(g group) func(name string) bool {
	only := b.o.Only
	return func(name string) bool {
		return len(only) == 0 || slices.Contains(only, g.name) || slices.Contains(only, name)
	}
}

func (b *bench) measure(g group, t task) Figure {
	f := Figure{Group: g.name, Kernel: t.kernel, Types: t.types, Row: t.row, At: t.at, Unit: g.unit}
	ns := func(do func(), share float64) float64 { return 1e9 * b.seconds(do) / (t.elements * share) }
	f.NS = ns(t.do, 1)
	f.Rate, f.limit = t.work/(f.NS*t.elements), t.limit
	if t.part == nil {
		t.part, t.share = t.do, 1
	}
	restore := kernel.Use(kernel.Paths()[0])
	f.Plain = ns(t.part, t.share)
	restore()
	f.TimesPlain = f.Plain / f.NS
	if t.math != nil {
		f.Math = ns(t.math, 1)
		f.TimesMath = f.Math / f.NS
	}
	return f
}

// seconds is what a call takes: the median of five runs, or three where calls are
// long. It is worth nothing once the context has ended.
func (b *bench) seconds(do func()) float64 {
	const runs, fewest = 5, 3
	each := b.o.Seconds / runs
	run := func(calls int) float64 {
		start := time.Now()
		for range calls {
			do()
		}
		return max(time.Since(start).Seconds(), 1e-9)
	}
	calls, took := 1, run(1)
	for took < each/2 && calls < 1<<24 && b.ctx.Err() == nil {
		calls = max(2*calls, int(float64(calls)*min(16, each/took)))
		took = run(calls)
	}
	var times []float64
	for sum := 0.0; len(times) < fewest || len(times) < runs && sum < b.o.Seconds; {
		if b.ctx.Err() != nil {
			return 1
		}
		took = run(calls)
		sum += took
		times = append(times, took/float64(calls))
	}
	slices.Sort(times)
	return times[len(times)/2]
}
