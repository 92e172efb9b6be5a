package algotest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/table"
)

// Job is a learning job that [Train] runs in memory. Zero counts mean one.
type Job struct {
	New     func() algos.Algorithm // an instance with its parameters set
	Path    string                 // the training data
	Test    string                 // test data of an algorithm whose parts are tested; "" is none
	Options dataset.Options        // the zero value: dataset.Defaults

	Parts  int
	Group  int // parts that share an origin; the last may have fewer
	Shards int

	Policy        consistency.Policy
	Window        int // 0: the policy's
	Deterministic bool
	Eager         bool
	Seed          uint64

	// How the values of those tables travel that can.
	Encoding table.Encoding
	Filter   table.Filter

	Stop  algos.Stop
	Every int // clocks between evaluations; 0: an epoch

	Start *Result // the tables begin as this job left them; nil: with their initial values

	Keep bool  // keep the state of the whole job in Result.Kept
	From *Kept // go on from there; nil: begin

	// Delay, unless 0, is the seed of random delays: every pair of an origin and a
	// shard gets a queue for each direction, and these go at speeds of their own.
	Delay uint64

	// pushed is told what each Push allocated while nothing else ran.
	pushed func(clock consistency.Clock, mallocs uint64)
}

// Result is how a job ended.
type Result struct {
	Eval   *algos.Eval   // the last evaluation
	Curve  []algos.Point // all evaluations
	Reason string        // why it stopped
	Info   dataset.Info  // of the training data
	Path   []Stage       // each stage; nil where the job has but one
	Model  algos.Model   // the final tables
	// Tables is the final tables as bytes, the same whatever the number of shards.
	Tables []byte
	// Clocks and Seconds are what training took.
	Clocks  consistency.Clock
	Seconds float64
	Kept    *Kept // nil unless Job.Keep

	job Job
}

// Train runs a job from its scan to its final tables, with a goroutine for each
// part and each shard, in the way the roles do. It returns when all of them have
// ended; an error, or the deadline of the test, fails the test.
func Train(t testing.TB, job Job) Result {
	t.Helper()
	ctx, cancel := deadline(t)
	defer cancel()
	r, err := train(ctx, job)
	if err != nil {
		t.Fatalf("%s: %v", job.Path, err)
	}
	return r
}

// deadline is the test's, less the time to report what hangs.
func deadline(t testing.TB) (context.Context, context.CancelFunc) {
	if d, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if at, ok := d.Deadline(); ok {
			return context.WithDeadline(t.Context(), at.Add(-5*time.Second))
		}
	}
	return context.WithCancel(t.Context())
}

// Predict applies the model to a file and returns the scores of each row.
func (r Result) Predict(t testing.TB, path string) ([]float64, *dataset.Part) {
	t.Helper()
	alg, ok := r.job.New().(algos.Predictor)
	if !ok {
		t.Fatalf("%T does not predict", r.job.New())
	}
	o := r.job.Options
	o.Like = &r.Info
	_, parts, err := r.job.read(path, o, 1)
	if err != nil {
		t.Fatal(err)
	}
	scores := make([]float64, parts[0].X.Rows()*algos.Scores(alg, r.Info))
	if err := alg.Predict(r.Info, r.Model, parts[0], scores); err != nil {
		t.Fatalf("predict %s: %v", path, err)
	}
	return scores, parts[0]
}

// read scans a file in parts and merges what was found, as the roles do.
func (j Job) read(path string, o dataset.Options, of int) (info dataset.Info, parts []*dataset.Part, err error) {
	if reflect.DeepEqual(o, dataset.Options{Like: o.Like}) {
		like := o.Like
		o = dataset.Defaults()
		o.Like = like
	}
	if p, ok := j.New().(algos.Predictor); ok {
		o.Quantity = p.Task(dataset.Info{}) == algos.Regression
	}
	if s, ok := j.New().(algos.Streaming); ok {
		o.Stream = s.Streams() && o.Like == nil
	}
	if c, ok := j.New().(algos.Columnar); ok {
		o.Columns = c.ByColumns() && o.Like == nil
	}
	o.Sums = algos.NeedsSums(j.New()) && o.Like == nil
	o.Unsupervised = algos.IsUnsupervised(j.New())
	o.ByFeatures = algos.ReadsByFeatures(j.New())
	mine := make([]int, of)
	for p := range mine {
		mine[p] = p
	}
	s, err := dataset.Scan([]string{path}, o, mine, of)
	if err != nil {
		return info, nil, err
	}
	for _, p := range mine {
		if info, err = info.Merge(s.Info(p)); err != nil {
			return info, nil, err
		}
	}
	parts, err = s.Parts(info)
	return info, parts, err
}

// training is a job under way. Its fields belong to the goroutine that trains.
type training struct {
	job      Job
	info     dataset.Info
	specs    []table.Spec
	alg      algos.Algorithm // the scheduler's instance
	director *algos.Director
	rounds   *algos.Rounds     // nil if nothing is scheduled
	start    consistency.Clock // of the first round
	at       consistency.Clock
	last     *algos.Eval
	stages   []Stage // that have ended

	shards  []*shard
	clients []*table.Client
	down    [][]lane      // from each shard to each client: down[origin][shard]
	sched   *table.Client // the last of clients, if the scheduler is an origin
	crew    []*member

	ctx    context.Context
	fail   context.CancelCauseFunc
	tasks  sync.WaitGroup
	closes []func() // what ends the tasks

	acks    chan error // an order was carried out
	pending int        // orders without an ack
	emitted chan emission
	come    []emission // to be collected
	rng     *rand.Rand // the order in which what came together is; nil: as it came
}

// member is the goroutine of one part.
type member struct {
	part   *algos.Part
	orders chan func(*algos.Part) error
}

type emission struct {
	part   int
	round  consistency.Clock
	values []float64
}

// ordersAhead bounds the orders that one part can have besides those of the rounds in
// flight.
const ordersAhead = 4

func train(ctx context.Context, job Job) (r Result, err error) {
	job.Parts, job.Group, job.Shards = max(job.Parts, 1), max(job.Group, 1), max(job.Shards, 1)
	if job.Deterministic && job.Group > 1 {
		return r, errors.New("algotest: a deterministic job has one part an origin")
	}
	t := &training{job: job}
	t.ctx, t.fail = context.WithCancelCause(ctx)
	defer t.end()
	if err := t.setUp(); err != nil {
		return r, t.cause(err)
	}
	start := time.Now()
	reason, clocks, err := t.path(func() float64 { return time.Since(start).Seconds() })
	if err != nil {
		return r, t.cause(err)
	}
	var kept *Kept
	if job.Keep {
		kept, err = t.keep()
	}
	if err == nil {
		err = t.publish()
	}
	if err != nil {
		return r, t.cause(err)
	}
	r = Result{Kept: kept, Eval: t.director.Result(), Curve: t.director.Curve(), Reason: reason, Info: t.info, Path: t.stages,
		Clocks: clocks, Seconds: time.Since(start).Seconds(), job: job}
	r.Model, r.Tables = t.export()
	for p := range t.crew {
		t.order(p, func(p *algos.Part) error { p.Finish(); return nil })
	}
	if t.sched != nil {
		t.sched.Finish(0)
	}
	return r, t.cause(t.settle())
}

// cause prefers the first failure, which made all others, to err.
func (t *training) cause(err error) error {
	if first := context.Cause(t.ctx); err != nil && first != nil {
		return fmt.Errorf("clock %d: %w", t.at, first)
	}
	return err
}

// end waits for all goroutines.
func (t *training) end() {
	t.fail(table.ErrClosed)
	for _, c := range t.clients {
		c.Fail(context.Cause(t.ctx))
	}
	for _, m := range t.crew {
		close(m.orders)
	}
	for _, f := range t.closes {
		f()
	}
	t.tasks.Wait()
}

// prepare takes the parts to their first round.
func (t *training) prepare() error {
	perEpoch := 1
	if a, ok := t.alg.(algos.Paced); ok {
		perEpoch = a.ClocksPerEpoch(t.info)
	}
	_, prepares := t.alg.(algos.Preparer)
	if prepares {
		t.at = 1
	}
	t.start = t.at
	t.director = algos.NewDirector(algos.StopOf(t.alg, t.job.Stop), t.at, perEpoch, t.job.Every)
	if t.job.From != nil {
		return t.restore()
	}
	for p := range t.crew {
		t.order(p, (*algos.Part).Prepare)
	}
	if t.rounds != nil && prepares {
		if err := t.rounds.Settle(); err != nil {
			return err
		}
	}
	return t.settle()
}

// order has a part do something; every order is acknowledged.
func (t *training) order(p int, f func(*algos.Part) error) {
	t.pending++
	t.crew[p].orders <- f
}

// settle waits until all orders are carried out.
func (t *training) settle() error {
	for t.pending > 0 {
		if err := t.ack(<-t.acks); err != nil {
			return err
		}
	}
	return nil
}

func (t *training) ack(err error) error {
	t.pending--
	if err != nil {
		t.fail(err)
	}
	return err
}

// run trains until the director says that the stage is done.
func (t *training) run(elapsed func() float64) (reason string, err error) {
	reason, err = t.evaluate(elapsed)
	for err == nil && reason == "" {
		until := t.director.Until(t.at, 0, elapsed())
		for t.at < until && err == nil {
			switch {
			case t.rounds != nil:
				err = t.roundsTo(until)
			case t.job.pushed != nil:
				err = t.runTo(t.at + 1)
			default:
				err = t.runTo(until)
			}
		}
		if err == nil && t.director.Due(t.at, elapsed()) {
			reason, err = t.evaluate(elapsed)
		}
	}
	return reason, err
}

func (t *training) runTo(until consistency.Clock) error {
	t.quiet()
	best := t.director.Best()
	for p := range t.crew {
		t.order(p, func(p *algos.Part) error {
			p.Best(best)
			p.Until(until)
			for p.At() < until {
				t.push(p, algos.Block{})
				if err := p.Clock(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	t.at = until
	return t.settle()
}

func (t *training) push(p *algos.Part, b algos.Block) []float64 {
	if t.job.pushed == nil {
		return p.Push(b)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	emitted := p.Push(b)
	runtime.ReadMemStats(&after)
	t.job.pushed(p.At(), after.Mallocs-before.Mallocs)
	return emitted
}

// quiet waits, if pushes are measured, until no other goroutine does anything:
// the parts wait for orders and the shards for messages.
func (t *training) quiet() {
	if t.job.pushed == nil || t.settle() != nil {
		return
	}
	for _, s := range t.shards {
		s.do(func(*table.Shard) {})
	}
}

// evaluate gathers an evaluation at a barrier: the sums of the parts in their
// order, then the norms of the tables.
func (t *training) evaluate(elapsed func() float64) (reason string, err error) {
	evals := make([]*algos.Eval, len(t.crew))
	for p := range t.crew {
		t.order(p, func(p *algos.Part) (err error) {
			evals[p.Number()], err = p.Evaluate()
			return err
		})
	}
	if t.rounds != nil {
		if err := t.rounds.Barrier(); err != nil {
			return "", err
		}
	}
	if err := t.settle(); err != nil {
		return "", err
	}
	e := algos.NewEval(t.at)
	for _, part := range evals {
		if err := e.Merge(part); err != nil {
			return "", err
		}
	}
	for _, s := range t.shards {
		s.do(func(s *table.Shard) {
			for i, spec := range t.specs {
				if !spec.Scratch {
					e.AddNorms(spec.Name, s.Norms(i))
				}
			}
		})
	}
	t.alg.Conclude(t.info, e)
	t.last = e
	return t.director.Evaluated(e, elapsed())
}
