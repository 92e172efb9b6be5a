package logreg

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/table"
	"petuum/table/placement"
)

// text is a random problem in LIBSVM: rows of up to 6 of the features, one row
// without any, and a rare feature.
func text(seed uint64, rows, features int, binary bool) string {
	r := rand.New(rand.NewPCG(seed, 1))
	truth := make([]float64, features)
	for j := range truth {
		truth[j] = r.NormFloat64()
	}
	var b strings.Builder
	for i := range rows {
		score, line := r.NormFloat64()/2, ""
		for j := range features {
			if r.IntN(features) >= 6 || i == 3 || j == features-1 && i != 5 {
				continue
			}
			x := 1.0
			if !binary {
				x = r.NormFloat64()
			}
			line += fmt.Sprintf(" %d:%.4f", j+1, x)
			score += x * truth[j]
		}
		y := "-1"
		if score > 0 {
			y = "+1"
		}
		b.WriteString(y + line + "\n")
	}
	return b.String()
}

// parts reads text as a file in parts.
func parts(t *testing.T, text string, of int) (dataset.Info, []*dataset.Part) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data.libsvm")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	all := make([]int, of)
	for p := range all {
		all[p] = p
	}
	s, err := dataset.Scan([]string{path}, dataset.Defaults(), all, of)
	if err != nil {
		t.Fatal(err)
	}
	var info dataset.Info
	for p := range all {
		if info, err = info.Merge(s.Info(p)); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.Parts(info)
	if err != nil {
		t.Fatal(err)
	}
	return info, list
}

// host plays one server and every part in one goroutine, so that a test can look
// between two clocks.
type host struct {
	t       *testing.T
	info    dataset.Info
	shard   *table.Shard
	clients []*table.Client
	workers []*algos.Worker
	algs    []*Regression
	queue   [][]byte
}

func (h *host) Send(_ int, m *table.Buffer) { h.queue = append(h.queue, slices.Clone(m.Bytes)) }
func (h *host) Flush()                      {}

// play loads the parts and prepares them. edit may change the tables.
func play(t *testing.T, info dataset.Info, data []*dataset.Part, alg func() *Regression, edit func([]table.Spec)) *host {
	t.Helper()
	return playUnder(t, consistency.BSP(), info, data, alg, edit)
}

func playUnder(t *testing.T, policy consistency.Policy, info dataset.Info, data []*dataset.Part, alg func() *Regression, edit func([]table.Spec)) *host {
	t.Helper()
	specs, err := alg().Tables(info)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(specs)
	}
	h := &host{t: t, info: info}
	h.shard, err = table.NewShard(0, 1, specs, placement.NewRoster(len(data)), table.Options{Policy: policy, Deterministic: policy == consistency.BSP(), Life: 1})
	if err != nil {
		t.Fatal(err)
	}
	for p, part := range data {
		c, err := table.NewClient(specs, table.ClientOptions{Origin: consistency.Origin(p), Generation: 1, Policy: policy, Shards: 1, Parts: 1})
		if err != nil {
			t.Fatal(err)
		}
		a, w := alg(), algos.NewWorker(p, len(data), info, 7, c, 0)
		if err := a.Load(part, w); err != nil {
			t.Fatal(err)
		}
		c.Connect(0, h)
		c.Steps().BeginStart()
		h.clients, h.workers, h.algs = append(h.clients, c), append(h.workers, w), append(h.algs, a)
	}
	h.deliver()
	h.clock(func(p int) { h.algs[p].Prepare(h.workers[p]) })
	return h
}

// clock does work for every part and ends the clock.
func (h *host) clock(work func(p int)) {
	h.run(1, work)
	h.deliver()
}

// run does some clocks of every part, of which the parts see nothing yet.
func (h *host) run(clocks int, work func(p int)) {
	for p, c := range h.clients {
		for range clocks {
			work(p)
			h.workers[p].Clock++
			c.Steps().BeginClock(0)
			c.Steps().End(0)
		}
	}
}

func (h *host) push(clocks int) {
	for range clocks {
		h.clock(h.pushOf)
	}
}

func (h *host) pushOf(p int) { h.algs[p].Push(h.workers[p], algos.Block{}) }

func (h *host) deliver() {
	for len(h.queue) > 0 {
		m := h.queue[0]
		h.queue = h.queue[1:]
		err := h.shard.Handle(m, func(to consistency.Origin, answer *table.Buffer) {
			if err := h.clients[to].Deliver(0, answer.Bytes); err != nil {
				h.t.Fatal(err)
			}
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
	for _, c := range h.clients {
		c.Steps().End(0)
	}
}

// evaluate is the evaluation of all parts.
func (h *host) evaluate() *algos.Eval {
	e := algos.NewEval(0)
	for p := range h.algs {
		h.algs[p].Evaluate(h.workers[p], e)
	}
	e.AddNorms(weights, h.shard.Norms(0))
	h.algs[0].Conclude(h.info, e)
	return e
}

// values is w, of every feature that any part has.
func (h *host) values() []float64 {
	w := make([]float64, h.info.Features)
	for p := range h.algs {
		v := h.algs[p].w
		for i, x := range v.Values() {
			w[v.Key(i)] = x
		}
	}
	return w
}

// dense is a problem in the plainest form, to hold the package against.
type dense struct {
	x      [][]float64
	y      []float64
	lambda float64
}

func plain(info dataset.Info, data []*dataset.Part, lambda float64) dense {
	d := dense{lambda: lambda}
	for _, part := range data {
		for i, class := range part.Class {
			row := make([]float64, info.Features)
			for c, v := range part.X.Row(i) {
				row[part.Keys[c]] = v
			}
			d.x = append(d.x, row)
			d.y = append(d.y, []float64{-1, 1}[class])
		}
	}
	return d
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
