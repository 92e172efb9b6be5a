package algotest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/table"
	"petuum/table/placement"
)

// Read has text in LIBSVM as a file, in so many parts.
func Read(t testing.TB, text string, o dataset.Options, of int) (dataset.Info, []*dataset.Part) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Format = dataset.LIBSVM
	all := make([]int, of)
	for p := range all {
		all[p] = p
	}
	s, err := dataset.Scan([]string{path}, o, all, of)
	if err != nil {
		t.Fatal(err)
	}
	var info dataset.Info
	for p := range all {
		if info, err = info.Merge(s.Info(p)); err != nil {
			t.Fatal(err)
		}
	}
	parts, err := s.Parts(info)
	if err != nil {
		t.Fatal(err)
	}
	return info, parts
}

// Lockstep plays one server and every part in one goroutine, each part a client of its
// own, so that a test can look between two clocks.
type Lockstep struct {
	Info       dataset.Info
	Algorithms []algos.Algorithm
	Workers    []*algos.Worker
	Shard      *table.Shard

	t       testing.TB
	clients []*table.Client
	queue   [][]byte
}

// Play loads the parts and prepares them. make makes an instance with its parameters;
// edit, unless nil, may change the tables.
func Play(t testing.TB, policy consistency.Policy, info dataset.Info, parts []*dataset.Part, make func() algos.Algorithm, edit func([]table.Spec)) *Lockstep {
	t.Helper()
	instance := func() algos.Algorithm {
		a := make()
		if c, ok := a.(algos.Consistent); ok {
			if err := c.Under(policy, true); err != nil {
				t.Fatal(err)
			}
		}
		return a
	}
	specs, err := instance().Tables(info)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(specs)
	}
	l := &Lockstep{t: t, Info: info}
	l.Shard, err = table.NewShard(0, 1, specs, placement.NewRoster(len(parts)), table.Options{Policy: policy, Deterministic: policy.Synchronous(), Life: 1})
	if err != nil {
		t.Fatal(err)
	}
	for p, part := range parts {
		c, err := table.NewClient(specs, table.ClientOptions{Origin: consistency.Origin(p), Generation: 1, Policy: policy, Shards: 1, Parts: 1})
		if err != nil {
			t.Fatal(err)
		}
		a, w := instance(), algos.NewWorker(p, len(parts), info, 7, c, 0)
		if err := a.Load(part, w); err != nil {
			t.Fatal(err)
		}
		c.Connect(0, l)
		c.Steps().BeginStart()
		l.clients, l.Workers, l.Algorithms = append(l.clients, c), append(l.Workers, w), append(l.Algorithms, a)
	}
	l.Deliver()
	l.Clock(func(p int) {
		if a, ok := l.Algorithms[p].(algos.Preparer); ok {
			a.Prepare(l.Workers[p])
		}
	})
	return l
}

// Send and Flush are what clients send by.
func (l *Lockstep) Send(_ int, m *table.Buffer) { l.queue = append(l.queue, slices.Clone(m.Bytes)) }

// Flush has nothing to do.
func (l *Lockstep) Flush() {}

// Clock does work for every part, ends the clock and delivers all messages.
func (l *Lockstep) Clock(work func(p int)) {
	l.Run(1, work)
	l.Deliver()
}

// Run does some clocks of every part, of which the parts see nothing yet.
func (l *Lockstep) Run(clocks int, work func(p int)) {
	for p, c := range l.clients {
		for range clocks {
			work(p)
			l.Workers[p].Clock++
			c.Steps().BeginClock(0)
			c.Steps().End(0)
		}
	}
}

// Push does some clocks of pushes.
func (l *Lockstep) Push(clocks int) {
	for range clocks {
		l.Clock(l.PushOf)
	}
}

// PushOf is the push of one part.
func (l *Lockstep) PushOf(p int) { l.Algorithms[p].Push(l.Workers[p], algos.Block{}) }

// Deliver has all messages arrive, and those that answer them.
func (l *Lockstep) Deliver() {
	l.t.Helper()
	for len(l.queue) > 0 {
		m := l.queue[0]
		l.queue = l.queue[1:]
		err := l.Shard.Handle(m, func(to consistency.Origin, answer *table.Buffer) {
			if err := l.clients[to].Deliver(0, answer.Bytes); err != nil {
				l.t.Fatal(err)
			}
		})
		if err != nil {
			l.t.Fatal(err)
		}
	}
	for _, c := range l.clients {
		c.Steps().End(0)
	}
}

// Publish has the parts that keep results to themselves write them.
func (l *Lockstep) Publish() {
	l.t.Helper()
	l.Clock(func(p int) {
		if a, ok := l.Algorithms[p].(algos.Publisher); ok {
			a.Publish(l.Workers[p])
		}
	})
}

// Evaluate is the evaluation of all parts, with the norms of the table of that name.
// Table 0 is it.
func (l *Lockstep) Evaluate(name string) *algos.Eval {
	e := algos.NewEval(0)
	for p, a := range l.Algorithms {
		a.Evaluate(l.Workers[p], e)
	}
	e.AddNorms(name, l.Shard.Norms(0))
	l.Algorithms[0].Conclude(l.Info, e)
	return e
}
