package online_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/algos/linear"
	"petuum/algos/linear/online"
	"petuum/algos/logreg"
	"petuum/algos/regression"
	"petuum/algos/svm"
	"petuum/consistency"
	"petuum/table"
)

// The rows of the tests: what they are of, and how many.
const (
	features = 40
	seed     = 11
)

// written makes a file of rows with 6 of the features, the first ones most often, and
// labels that depend on them: classes 0 to k-1 or, with k = 0, counts.
func written(t *testing.T, name string, rows, k int, weighted bool) string {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, uint64(len(name))))
	truth := rand.New(rand.NewPCG(seed, 0))
	var w [features + 1][3]float64
	for j := range w {
		for c := range w[j] {
			w[j][c] = truth.NormFloat64()
		}
	}
	var text bytes.Buffer
	for range rows {
		var x [features + 1]float64
		for range 6 {
			x[1+int(features*math.Pow(r.Float64(), 2))] = 1 + float64(r.IntN(3))/2
		}
		var m [3]float64
		for j, v := range x {
			for c := range m {
				m[c] += v * w[j][c]
			}
		}
		label := 0
		switch {
		case k == 0:
			label = int(math.Exp(m[0]/4) + r.Float64())
		case k == 2 && m[0]+r.NormFloat64() > 0:
			label = 1
		case k == 3:
			for c := range m {
				if m[c] > m[label] {
					label = c
				}
			}
		}
		fmt.Fprint(&text, label)
		if weighted {
			fmt.Fprintf(&text, ":%g", 0.5+float64(r.IntN(4))/2)
		}
		for j, v := range x {
			if v != 0 {
				fmt.Fprintf(&text, " %d:%g", j, v)
			}
		}
		text.WriteByte('\n')
	}
	return file(t, name, text.Bytes())
}

func file(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".svm")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// hashed reads features as 2^6 of them.
func hashed() dataset.Options {
	o := dataset.Defaults()
	o.Hash = 6
	return o
}

// each reads the batches of a job of one part, so many times, and calls f with them.
func each(t *testing.T, path string, o dataset.Options, clocks, passes int, quantity bool, f func(*dataset.Batch)) {
	t.Helper()
	o.Stream, o.Quantity = true, quantity
	s, err := dataset.Scan([]string{path}, o, []int{0}, 1)
	if err != nil {
		t.Fatal(err)
	}
	info, err := dataset.Info{}.Merge(s.Info(0))
	if err != nil {
		t.Fatal(err)
	}
	parts, err := s.Parts(info)
	if err != nil {
		t.Fatal(err)
	}
	stream := parts[0].Stream
	defer stream.Close()
	if err := stream.Start(clocks, dataset.Global); err != nil {
		t.Fatal(err)
	}
	for range clocks * passes {
		b := stream.Next()
		if stream.Err() != nil {
			t.Fatal(stream.Err())
		}
		f(b)
	}
}

// trial is a job and what it has in common with its reference.
type trial struct {
	name     string
	family   func() *linear.Model
	set      func(*linear.Model)
	k        int // classes; 0: quantities
	weighted bool
	outputs  int
	l1, l2   float64 // of sums over rows
	classes  []float64
}

func (c trial) instance() *linear.Model {
	m := c.family()
	m.Solver, m.Batch = "ftrl", 50
	c.set(m)
	return m
}

var trials = []trial{
	{"ftrl", logreg.New, func(m *linear.Model) {}, 2, false, 1, 1, 0, nil},
	{"adagrad", logreg.New, func(m *linear.Model) { m.Solver = "adagrad" }, 2, false, 1, 0, 0, nil},
	{"ftrl elastic", logreg.New, func(m *linear.Model) { m.Penalty, m.Ratio, m.Alpha = "elastic", 0.25, 0.5 }, 2, false, 1, 0.25, 0.75, nil},
	{"adagrad elastic", logreg.New, func(m *linear.Model) { m.Solver, m.Penalty, m.Alpha = "adagrad", "elastic", 0.3 }, 2, false, 1, 0.5, 0.5, nil},
	{"intercept", logreg.New, func(m *linear.Model) { m.Intercept = true }, 2, false, 1, 1, 0, nil},
	{"softmax", logreg.New, func(m *linear.Model) { m.Intercept = true }, 3, false, 3, 1, 0, nil},
	{"ovr", logreg.New, func(m *linear.Model) { m.Multi = "ovr" }, 3, false, 3, 1, 0, nil},
	{"weights", logreg.New, func(m *linear.Model) { m.ClassWeight, m.Penalty = []string{"1:2.5"}, "none" }, 2, true, 1, 0, 0, []float64{1, 2.5}},
	{"weights of three classes", logreg.New, func(m *linear.Model) { m.Solver, m.ClassWeight = "adagrad", []string{"2:0.5"} }, 3, true, 3, 0, 0, []float64{1, 1, 0.5}},
	{"hinge", svm.New, func(m *linear.Model) { m.Loss = linear.Hinge }, 2, false, 1, 1, 0, nil},
	{"squared hinge", svm.New, func(m *linear.Model) {}, 3, false, 3, 1, 0, nil},
	{"squared", regression.New, func(m *linear.Model) { m.Intercept = true }, 0, false, 1, 1, 0, nil},
	{"huber", regression.New, func(m *linear.Model) { m.Loss, m.Solver = linear.Huber, "adagrad" }, 0, true, 1, 0, 0, nil},
	{"poisson", regression.New, func(m *linear.Model) { m.Loss, m.Alpha = linear.Poisson, 0.05 }, 0, false, 1, 1, 0, nil},
	{"tail", logreg.New, func(m *linear.Model) { m.Tail, m.TailBits = 20, 8 }, 2, false, 1, 1, 0, nil},
	{"tail, hashed", logreg.New, func(m *linear.Model) { m.Tail, m.TailBits = 20, 22 }, 2, false, 1, 1, 0, nil},
}

// TestAsThePapers: a job of one part makes the weights that a plain loop over the same
// batches makes, but for what float32 rounds away, whether the part holds all of the
// model or the keys of its rows, and these two alike to the bit.
func TestAsThePapers(t *testing.T) {
	const rows, passes = 1000, 2
	t.Logf("seed %d", seed)
	for _, c := range trials {
		t.Run(c.name, func(t *testing.T) {
			m := c.instance()
			path := written(t, "train", rows, c.k, c.weighted)
			want := newPlain(m, c.outputs, c.l1, c.l2, c.classes)
			each(t, path, hashed(), rows/m.Batch, passes, c.k == 0, want.learn)
			var tables []byte
			for _, bits := range []int{22, 2} { // the whole view, and the keys of the rows
				restore := online.HoldBits(bits)
				r := algotest.Train(t, algotest.Job{New: func() algos.Algorithm { return c.instance() }, Path: path, Options: hashed(), Shards: 3, Stop: algos.Stop{Epochs: passes}})
				restore()
				if got := int(r.Clocks); got != 1+passes*rows/m.Batch { // the first prepares
					t.Fatalf("got %d clocks, want %d", got, 1+passes*rows/m.Batch)
				}
				want.equals(t, r, 2e-4)
				if tables == nil {
					tables = r.Tables
				} else if !bytes.Equal(tables, r.Tables) {
					t.Error("a part that holds the keys of its rows makes other tables than one that holds all")
				}
			}
		})
	}
}

// equals compares the weights of a job with the plain ones.
func (p *plain) equals(t *testing.T, r algotest.Result, within float64) {
	t.Helper()
	keys := make([]uint64, 64)
	for j := range keys {
		keys[j] = uint64(j)
	}
	if p.m.Intercept {
		keys = append(keys, 64)
	}
	got, err := r.Model.Values(linear.Weights, keys)
	if err != nil {
		t.Fatal(err)
	}
	learned := 0
	for i, x := range got {
		at := [2]int{i / p.outputs, i % p.outputs}
		if w := p.w[at]; math.Abs(x-w) > within*(1+math.Abs(w)) {
			t.Errorf("feature %d, output %d: got %v, want %v", at[0], at[1], x, w)
		}
		if x != 0 {
			learned++
		}
	}
	if learned < features/3 {
		t.Errorf("got %d weights that are not 0: nothing was tested", learned)
	}
}

// TestParts: under bsp the sums of gradients, and so the weights, are those of one part,
// however the rows are dealt out. A clock takes all rows, for the batches to be the same.
func TestParts(t *testing.T) {
	path := written(t, "train", 600, 2, false)
	for _, solver := range []string{"ftrl", "adagrad"} {
		var first []float64
		for _, parts := range []int{1, 2, 6} {
			for _, bits := range []int{22, 2} {
				restore := online.HoldBits(bits)
				r := algotest.Train(t, algotest.Job{New: func() algos.Algorithm {
					m := logreg.New()
					m.Solver, m.Batch, m.Alpha = solver, 100000, 0.05
					return m
				}, Path: path, Options: hashed(), Parts: parts, Group: 2, Shards: 2, Stop: algos.Stop{Clocks: 5}})
				restore()
				got, err := r.Model.Values(linear.Weights, []uint64{0, 1, 2, 3, 4, 5, 10, 20, 30})
				if err != nil {
					t.Fatal(err)
				}
				if first == nil {
					first = got
				}
				for j, w := range first {
					if math.Abs(got[j]-w) > 1e-5*(1+math.Abs(w)) {
						t.Errorf("%s, %d parts, 2^%d keys held: weight %d: got %v, want %v as of one part", solver, parts, bits, j, got[j], w)
					}
				}
				if first[1] == 0 {
					t.Errorf("%s learned nothing", solver)
				}
			}
		}
	}
}

// heldOut is the log-loss of a model of classes 0 and 1 on a file.
func heldOut(t *testing.T, r algotest.Result, path string) float64 {
	t.Helper()
	scores, part := r.Predict(t, path)
	loss := 0.0
	for i, m := range scores {
		loss += math.Log1p(math.Exp(-m * float64(2*part.Class[i]-1)))
	}
	return loss / float64(len(scores))
}

// TestPolicies: rows that nobody has seen are told apart under every policy, with every
// weight of late updates, and with the keys of the rows held, nearly as well as by one
// part in lockstep.
func TestPolicies(t *testing.T) {
	train, test := written(t, "train", 4000, 2, false), written(t, "unseen rows", 1000, 2, false)
	run := func(policy, late string, parts, bits int) float64 {
		p, err := consistency.ParsePolicy(policy)
		if err != nil {
			t.Fatal(err)
		}
		defer online.HoldBits(bits)()
		r := algotest.Train(t, algotest.Job{New: func() algos.Algorithm {
			m := logreg.New()
			m.Solver, m.Batch, m.Late = "ftrl", 40, late
			return m
		}, Path: train, Options: hashed(), Parts: parts, Shards: 2, Policy: p, Delay: seed, Stop: algos.Stop{}})
		if r.Reason != algos.ReasonEpochs || r.Clocks < 100 || r.Clocks > 105 { // rows are estimated
			t.Errorf("%s: got %d clocks and a stop by %s, want those of one pass: nothing says when to stop", policy, r.Clocks, r.Reason)
		}
		return heldOut(t, r, test)
	}
	best := run("bsp", "add", 1, 22)
	if best > 0.45 || best < 0.1 {
		t.Errorf("one part: got a log-loss of %.4f, want about 0.3", best)
	}
	for _, policy := range []string{"bsp", "ssp:3", "asp"} {
		for _, late := range table.LateNames() {
			for _, bits := range []int{22, 2} {
				if got, most := run(policy, late, 3, bits), best+0.05; !(got < most) {
					t.Errorf("%s, late %s, 2^%d keys held: got a log-loss of %.4f, want at most %.4f", policy, late, bits, got, most)
				}
			}
		}
	}
}

// TestTables: how late updates count and the tail reach the tables.
func TestTables(t *testing.T) {
	d := dataset.Info{Rows: 100, Features: 64, Classes: []string{"0", "1"}, Counts: []uint64{50, 50}}
	for _, late := range table.LateNames() {
		m := logreg.New()
		m.Solver, m.Late, m.Tail, m.TailBits = "adagrad", late, 2, 10
		specs, err := m.Tables(d)
		if err != nil {
			t.Fatal(err)
		}
		if len(specs) != 2 || specs[0].Late.String() != late || specs[0].Type != table.Float32 {
			t.Errorf("late %s: got tables %+v, want weights that are float32 and weighted so, and the counters", late, specs)
		}
		if got := specs[len(specs)-1]; got.Keys != 1<<10 || !got.Scratch {
			t.Errorf("got counters %+v, want 2^10 that are no part of the model", got)
		}
	}
	m := logreg.New()
	m.Solver, m.Late = "ftrl", "never"
	if _, err := m.Tables(d); err == nil || !strings.Contains(err.Error(), `late "never" is none of add, mean, dyn`) {
		t.Errorf("late never: got error %v", err)
	}
}

// TestAllocations: a clock of a model that is held whole allocates nothing, with a tail
// and without.
func TestAllocations(t *testing.T) {
	r := rand.New(rand.NewPCG(seed, 1))
	var text strings.Builder
	for range 4000 { // rows of the same length, for all batches to have as many, in a pass that the test is in the midst of
		fmt.Fprintf(&text, "%d %d:1 %d:0.5 %d:2 63:1\n", r.IntN(2), 10+r.IntN(10), 20+r.IntN(10), 30+r.IntN(30))
	}
	path := file(t, "even", []byte(text.String()))
	for _, tail := range []int{0, 3} {
		algotest.Suite{New: func() algos.Algorithm {
			m := logreg.New()
			m.Solver, m.Batch, m.Tail, m.TailBits = "ftrl", 40, tail, 10
			return m
		}, Path: path, Options: hashed(), Clocks: 45, Every: 1000}.Allocations(t)
	}
}

// failing is a test that ends its goroutine when it fails, and remembers why.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// TestStreamFails: a malformed line ends the job, and is named.
func TestStreamFails(t *testing.T) {
	const rows, bad = 200000, 20000 // a row that no sample has
	line := []byte("1 1:1 2:1 3:0.5 4:1\n")
	text := bytes.Repeat(line, rows)
	for i := range rows / 2 {
		text[2*i*len(line)] = '0'
	}
	copy(text[(bad-1)*len(line):], "1 1:1 2:oops")
	path := file(t, "bad", text)
	for _, bits := range []int{22, 2} {
		f := &failing{TB: t}
		ended := make(chan struct{})
		restore := online.HoldBits(bits)
		go func() {
			defer close(ended)
			algotest.Train(f, algotest.Job{New: func() algos.Algorithm {
				m := logreg.New()
				m.Solver, m.Batch = "ftrl", 1000
				return m
			}, Path: path, Options: hashed(), Parts: 2, Policy: consistency.SSP(2)})
		}()
		<-ended
		restore()
		if want := fmt.Sprintf("%s:%d:9: value \"oops", path, bad); !strings.Contains(f.said, want) {
			t.Errorf("2^%d keys held: got error %q, want one with %s", bits, f.said, want)
		}
	}
}
