package algotest

import (
	"context"
	"math/rand/v2"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/table"
	"petuum/table/placement"
)

func (t *training) setUp() (err error) {
	var data []*dataset.Part
	if t.info, data, err = t.job.read(t.job.Path, t.job.Options, t.job.Parts); err != nil {
		return err
	}
	for _, d := range data {
		if d.Stream != nil {
			t.closes = append(t.closes, d.Stream.Close)
		}
	}
	if t.alg, err = t.job.instance(); err != nil {
		return err
	}
	if t.specs, err = t.tables(t.alg); err != nil {
		return err
	}
	origins := (t.job.Parts + t.job.Group - 1) / t.job.Group
	scheduled, isScheduled := t.alg.(algos.ModelParallel)
	roster := placement.NewRoster(origins)
	if isScheduled {
		roster = placement.NewRoster(origins + 1)
	}
	if t.job.From != nil {
		roster = roster.From(t.job.From.clock)
	}
	if err := t.makeShards(roster); err != nil {
		return err
	}
	if err := t.resume(); err != nil {
		return err
	}
	ahead := ordersAhead + algos.Window(t.alg, t.job.Policy)
	t.acks, t.emitted = make(chan error, ahead*t.job.Parts), make(chan emission, ahead*t.job.Parts)
	if t.job.Delay != 0 {
		t.rng = rand.New(rand.NewPCG(t.job.Delay, 0))
	}
	for o := range origins {
		lo := o * t.job.Group
		if err := t.makeOrigin(roster, o, data[lo:min(lo+t.job.Group, t.job.Parts)]); err != nil {
			return err
		}
	}
	if isScheduled {
		if err := t.makeScheduler(roster, scheduled); err != nil {
			return err
		}
	}
	stop := context.AfterFunc(t.ctx, func() {
		for _, c := range t.clients {
			c.Fail(context.Cause(t.ctx))
		}
	})
	t.closes = append(t.closes, func() { stop() })
	t.down = make([][]lane, len(t.clients))
	for _, c := range t.clients {
		t.connect(c)
		if err := c.Start(); err != nil {
			return err
		}
	}
	return t.prepare()
}

// instance makes an instance that knows how it reads.
func (j Job) instance() (algos.Algorithm, error) {
	a := j.New()
	if c, ok := a.(algos.Consistent); ok {
		return a, c.Under(j.Policy, j.exact())
	}
	return a, nil
}

func (j Job) exact() bool { return j.Encoding == table.Exact && j.Filter == table.Filter{} }

// tables is what the algorithm declares; those that can travel as the job says do.
func (t *training) tables(a algos.Algorithm) ([]table.Spec, error) {
	specs, err := a.Tables(t.info)
	for i, s := range specs {
		s.Encoding, s.Filter = t.job.Encoding, t.job.Filter
		if s.Lossy() && s.Validate() == nil {
			specs[i] = s
		}
	}
	return specs, err
}

// pay has all origins settle, in a clock for that alone.
func (t *training) pay() error {
	for p := range t.crew {
		t.order(p, (*algos.Part).Settle)
	}
	if t.rounds != nil {
		if err := t.rounds.Settle(); err != nil {
			return err
		}
	}
	t.at++
	return t.settle()
}

// publish has the parts write what they kept to themselves.
func (t *training) publish() error {
	if _, ok := t.alg.(algos.Publisher); !ok {
		return nil
	}
	best := t.director.Best()
	for p := range t.crew {
		t.order(p, func(p *algos.Part) error {
			p.Best(best)
			return p.Publish()
		})
	}
	if t.rounds != nil {
		if err := t.rounds.Settle(); err != nil {
			return err
		}
	}
	t.at++
	return t.settle()
}

// makeOrigin makes the client of an origin and the instances of its parts.
// Tables is asked of the first of them only, as in a worker.
func (t *training) makeOrigin(roster placement.Roster, origin int, data []*dataset.Part) error {
	var client *table.Client
	for local, d := range data {
		alg, err := t.job.instance()
		if err != nil {
			return err
		}
		if local == 0 {
			specs, err := t.tables(alg)
			if err == nil {
				client, err = t.newClient(roster, origin, specs, len(data))
			}
			if err != nil {
				return err
			}
		}
		w := algos.NewWorker(d.Index, t.job.Parts, t.info, t.job.Seed, client, local)
		m := &member{part: algos.NewPart(alg, w, nil), orders: make(chan func(*algos.Part) error, ordersAhead+algos.Window(alg, t.job.Policy))}
		m.part.From(roster.Origins[origin].Start)
		if err := m.part.Load(d); err != nil {
			return err
		}
		if t.job.Test != "" && algos.TestsParts(alg) {
			o := t.job.Options
			o.Like = &t.info
			_, parts, err := t.job.read(t.job.Test, o, t.job.Parts)
			if err == nil {
				err = m.part.LoadTest(parts[d.Index])
			}
			if err != nil {
				return err
			}
		}
		t.crew = append(t.crew, m)
		t.tasks.Go(func() {
			for f := range m.orders {
				t.acks <- f(m.part)
			}
		})
	}
	return nil
}

func (t *training) newClient(roster placement.Roster, origin int, specs []table.Spec, parts int) (*table.Client, error) {
	c, err := table.NewClient(specs, table.ClientOptions{Origin: consistency.Origin(origin), Generation: roster.Generation,
		Policy: t.job.Policy, Window: t.job.Window, Shards: t.job.Shards, Parts: parts, Start: roster.Origins[origin].Start, Deterministic: t.job.Deterministic})
	if err == nil {
		t.clients = append(t.clients, c)
	}
	return c, err
}

func (t *training) makeScheduler(roster placement.Roster, alg algos.ModelParallel) (err error) {
	if t.sched, err = t.newClient(roster, len(roster.Origins)-1, t.specs, 1); err != nil {
		return err
	}
	t.rounds = algos.NewRounds(alg, algos.NewScheduler(t.job.Parts, t.info, t.job.Seed, t.sched), nil)
	t.rounds.From(roster.Origins[len(roster.Origins)-1].Start)
	return t.rounds.Begin()
}
