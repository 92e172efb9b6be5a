package algos_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/table"
	"petuum/table/placement"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tally is an algorithm that counts: key p of its table is how often part p pushed.
// It writes down what it saw.
type tally struct {
	parts   int
	refuse  error
	view    *table.View[int32]
	seen    [][]int32 // at each Push
	at      []consistency.Clock
	blocks  []algos.Block
	measure []int32 // at the last Evaluate
}

func (a *tally) Tables(dataset.Info) ([]table.Spec, error) {
	return []table.Spec{{Name: "sums", Keys: uint64(a.parts), Type: table.Int32}}, nil
}

func (a *tally) Load(_ *dataset.Part, w *algos.Worker) (err error) {
	if a.refuse != nil {
		return a.refuse
	}
	a.view, err = algos.View[int32](w, "sums", table.Span(0, uint64(a.parts)), table.Increments)
	return err
}

func (a *tally) Push(w *algos.Worker, b algos.Block) {
	a.seen = append(a.seen, slices.Clone(a.view.Values()))
	a.at = append(a.at, w.Clock)
	a.blocks = append(a.blocks, b)
	a.view.Inc(w.Part, 1)
	for n := range len(a.seen) { // one more each time
		w.Emit(float64(w.Part), float64(n))
	}
}

func (a *tally) Evaluate(w *algos.Worker, e *algos.Eval) {
	a.measure = slices.Clone(a.view.Values())
	e.Add("pushes", float64(len(a.seen)))
}

func (a *tally) Conclude(dataset.Info, *algos.Eval) {}

// prepared is a tally whose parts count a hundred before they begin.
type prepared struct{ tally }

func (a *prepared) Prepare(w *algos.Worker) { a.view.Inc(w.Part, 100) }

// job is origins with their clients, and one shard; a goroutine carries messages.
type job struct {
	t       *testing.T
	specs   []table.Spec
	clients []*table.Client
	shard   *table.Shard

	mu    sync.Mutex
	some  sync.Cond
	queue []func()
	shut  bool
}

// way is where a client sends.
type way struct{ j *job }

func (w way) Send(_ int, b *table.Buffer) {
	msg := slices.Clone(b.Bytes)
	w.j.put(func() {
		if err := w.j.shard.Handle(msg, w.j.reply); err != nil {
			w.j.t.Error(err)
		}
	})
}

func (way) Flush() {}

func (j *job) reply(to consistency.Origin, b *table.Buffer) {
	if err := j.clients[to].Deliver(0, b.Bytes); err != nil {
		j.t.Error(err)
	}
}

func (j *job) put(f func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.queue = append(j.queue, f)
	j.some.Signal()
}

func (j *job) carry() {
	for {
		j.mu.Lock()
		for len(j.queue) == 0 && !j.shut {
			j.some.Wait()
		}
		if len(j.queue) == 0 {
			j.mu.Unlock()
			return
		}
		f := j.queue[0]
		j.queue = j.queue[1:]
		j.mu.Unlock()
		f()
	}
}

// newJob makes the clients of origins with the given numbers of parts.
func newJob(t *testing.T, policy consistency.Policy, specs []table.Spec, parts ...int) *job {
	t.Helper()
	j := &job{t: t, specs: specs}
	j.some.L = &j.mu
	var err error
	if j.shard, err = table.NewShard(0, 1, specs, placement.NewRoster(len(parts)), table.Options{Policy: policy, Life: 1}); err != nil {
		t.Fatal(err)
	}
	for o, n := range parts {
		c, err := table.NewClient(specs, table.ClientOptions{Origin: consistency.Origin(o), Generation: 1, Policy: policy, Shards: 1, Parts: n})
		if err != nil {
			t.Fatal(err)
		}
		j.clients = append(j.clients, c)
	}
	var carrying sync.WaitGroup
	carrying.Go(j.carry)
	t.Cleanup(func() {
		j.mu.Lock()
		j.shut = true
		j.some.Signal()
		j.mu.Unlock()
		carrying.Wait()
	})
	return j
}

// start connects and starts all clients, whose views are open.
func (j *job) start() {
	j.t.Helper()
	for _, c := range j.clients {
		c.Connect(0, way{j})
	}
	for _, c := range j.clients {
		if err := c.Start(); err != nil {
			j.t.Fatal(err)
		}
	}
}

// tallies makes a job of tallies in groups, started.
func tallies(t *testing.T, policy consistency.Policy, now func() int64, groups ...int) (*job, []*algos.Part, []*tally) {
	t.Helper()
	total := 0
	for _, n := range groups {
		total += n
	}
	specs, _ := (&tally{parts: total}).Tables(dataset.Info{})
	j := newJob(t, policy, specs, groups...)
	var parts []*algos.Part
	var instances []*tally
	for o, n := range groups {
		for local := range n {
			a := &tally{parts: total}
			p := algos.NewPart(a, algos.NewWorker(len(parts), total, dataset.Info{}, 1, j.clients[o], local), now)
			if err := p.Load(nil); err != nil {
				t.Fatal(err)
			}
			parts, instances = append(parts, p), append(instances, a)
		}
	}
	j.start()
	return j, parts, instances
}

// together calls f for all parts at once.
func together(t *testing.T, parts []*algos.Part, f func(p *algos.Part) error) {
	t.Helper()
	var group sync.WaitGroup
	for _, p := range parts {
		group.Go(func() {
			if err := f(p); err != nil {
				t.Errorf("part %d: %v", p.Number(), err)
			}
		})
	}
	group.Wait()
}

// TestLockstep checks where a part waits for the others before it pushes: only
// before the last clock on the way to a barrier, and not under BSP, where it does
// so after every one. The client has failed, so that a part that waits ends there
// and one that does not has pushed.
func TestLockstep(t *testing.T) {
	for _, c := range []struct {
		policy string
		until  consistency.Clock
		pushes int
	}{{"bsp", 1, 1}, {"bsp", 2, 1}, {"ssp:1", 1, 0}, {"ssp:1", 2, 1}, {"ssp:9", 1, 0}, {"ssp:9", 5, 1}, {"asp", 1, 0}, {"asp", 2, 1}} {
		policy, err := consistency.ParsePolicy(c.policy)
		if err != nil {
			t.Fatal(err)
		}
		j, parts, instances := tallies(t, policy, nil, 1, 1)
		failure := errors.New("the other one died")
		j.clients[0].Fail(failure)
		if err := parts[0].Step(c.until); !errors.Is(err, failure) {
			t.Errorf("%s: a step to %d ended with %v, want %v", c.policy, c.until, err, failure)
		}
		if n := len(instances[0].seen); n != c.pushes {
			t.Errorf("%s: %d pushes in a step to %d, want %d", c.policy, n, c.until, c.pushes)
		}
	}
}

// TestRunTo checks what parts see on the way to barriers: before the last clock
// all that anybody did, at the barrier exactly everything.
func TestRunTo(t *testing.T) {
	for _, text := range []string{"bsp", "ssp:1", "ssp:4", "asp"} {
		t.Run(text, func(t *testing.T) {
			policy, err := consistency.ParsePolicy(text)
			if err != nil {
				t.Fatal(err)
			}
			_, parts, instances := tallies(t, policy, nil, 1, 2, 1)
			for _, until := range []consistency.Clock{6, 7, 7, 20} {
				together(t, parts, func(p *algos.Part) error { return p.RunTo(until) })
				evals := make([]*algos.Eval, len(parts))
				together(t, parts, func(p *algos.Part) (err error) {
					evals[p.Number()], err = p.Evaluate()
					return err
				})
				for p, a := range instances {
					if parts[p].At() != until || len(a.seen) != int(until) {
						t.Fatalf("part %d is at clock %d after %d pushes, want %d", p, parts[p].At(), len(a.seen), until)
					}
					for q, n := range a.seen[until-1] {
						if n < int32(until-1) {
							t.Errorf("the last push before %d of part %d saw %d clocks of part %d", until, p, n, q)
						}
					}
					if want := slices.Repeat([]int32{int32(until)}, len(parts)); !slices.Equal(a.measure, want) {
						t.Errorf("part %d evaluated %v at clock %d, want %v", p, a.measure, until, want)
					}
					if e := evals[p]; e == nil || e.Clock != until || e.Sum("pushes") != float64(until) {
						t.Errorf("part %d: evaluation %+v, want %d pushes at clock %d", p, e, until, until)
					}
				}
			}
			for _, p := range parts {
				p.Finish()
			}
		})
	}
}

// TestPartTimes counts, with a clock that moves when it is read, what is timed.
func TestPartTimes(t *testing.T) {
	ticks := int64(0)
	_, parts, _ := tallies(t, consistency.SSP(2), func() int64 { ticks++; return ticks }, 1)
	p := parts[0]
	if err := p.RunTo(3); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Evaluate(); err != nil {
		t.Fatal(err)
	}
	if p.Compute != 3 || p.Evaluating != 1 || p.Barrier != 2 {
		t.Errorf("%d pushes, %d evaluations and %d barriers timed, want 3, 1 and 2", p.Compute, p.Evaluating, p.Barrier)
	}
}

func TestPush(t *testing.T) {
	_, parts, instances := tallies(t, consistency.BSP(), nil, 1)
	b := algos.Block{Keys: []uint64{7, 8, 9}, Values: []float64{1}}
	for n, want := range [][]float64{{0, 0}, {0, 0, 0, 1}, {0, 0, 0, 1, 0, 2}} {
		if got := parts[0].Push(b); !slices.Equal(got, want) {
			t.Errorf("push %d emitted %v, want %v", n, got, want)
		}
		if err := parts[0].Clock(); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]algos.Block{b, b, b}, instances[0].blocks); diff != "" {
		t.Errorf("blocks: (-want +got)\n%s", diff)
	}
	if want := []consistency.Clock{0, 1, 2}; !slices.Equal(instances[0].at, want) {
		t.Errorf("pushes at clocks %d, want %d", instances[0].at, want)
	}
	keys, values := b.Fresh()
	if !slices.Equal(keys, []uint64{7}) || !slices.Equal(values, []float64{1}) || !slices.Equal(b.Work(), []uint64{8, 9}) {
		t.Errorf("fresh %v: %v, to work on %v, want 7: 1 and 8, 9", keys, values, b.Work())
	}
	if b.Reset(); len(b.Keys)+len(b.Values) != 0 || cap(b.Keys) != 3 {
		t.Errorf("the block is %v after a reset, want it empty, with its memory", b)
	}
}

// TestPrepare checks that a barrier follows Prepare, after which all parts see what
// all prepared, even where reads may be stale.
func TestPrepare(t *testing.T) {
	specs, _ := (&tally{parts: 2}).Tables(dataset.Info{})
	j := newJob(t, consistency.SSP(5), specs, 1, 1)
	var parts []*algos.Part
	instances := []*prepared{{tally{parts: 2}}, {tally{parts: 2}}}
	for p, a := range instances {
		part := algos.NewPart(a, algos.NewWorker(p, 2, dataset.Info{}, 1, j.clients[p], 0), nil)
		if err := part.Load(nil); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part)
	}
	j.start()
	together(t, parts, (*algos.Part).Prepare)
	for p, a := range instances {
		if got := a.view.Values(); !slices.Equal(got, []int32{100, 100}) || parts[p].At() != 1 {
			t.Errorf("part %d sees %v at clock %d, want 100 of both at clock 1", p, got, parts[p].At())
		}
	}

	_, plain, _ := tallies(t, consistency.SSP(5), nil, 1, 1)
	if err := plain[0].Prepare(); err != nil || plain[0].At() != 0 {
		t.Errorf("a part with nothing to prepare is at clock %d: %v", plain[0].At(), err)
	}
}

func TestLoadRefused(t *testing.T) {
	why := errors.New("a label is missing")
	p := algos.NewPart(&tally{refuse: why}, algos.NewWorker(3, 4, dataset.Info{}, 1, nil, 0), nil)
	if err := p.Load(nil); !errors.Is(err, why) || !strings.Contains(err.Error(), "part 3") {
		t.Errorf("got %v, want %v of part 3", err, why)
	}
}
