// Package scheduler is the role that leads a job: it gathers servers and
// workers, deals out parts and shards, merges what the parts found, says how far
// to run and when to evaluate, runs Schedule and Pull of algorithms that have
// them, and writes the model and the summary. It never needs the training data.
package scheduler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"petuum/algos"
	"petuum/algos/checkpoint"
	"petuum/algos/dataset"
	"petuum/algos/model"
	"petuum/configs"
	"petuum/consistency"
	"petuum/roles/control"
	"petuum/roles/enlist"
	"petuum/roles/links"
	"petuum/roles/muster"
	"petuum/roles/wire"
	"petuum/table"
	"petuum/table/placement"
)

// Options of a scheduler process.
type Options struct {
	enlist.Options
	Progress io.Writer  // where people read how far the job is
	Width    func() int // columns of the terminal that Progress is, whose one line is rewritten; nil if it is none
	Patient  bool       // whoever takes part is being started: say who is missing only after a while
	Began    time.Time  // when the user's command began; seconds are counted from it
	Explain  bool       // tell Progress what the algorithm chooses and learns
	Resume   bool       // go on from the last checkpoint, if there is one
	// Joined is told the gossip address under which others join.
	Joined func(addr string)
}

type scheduler struct {
	place    *enlist.Place
	cfg      *configs.Config
	log      *slog.Logger
	box      *control.Mailbox
	peers    *muster.Muster
	links    atomic.Pointer[links.Links] // the scheduler's own views, where Pull writes
	progress *progress
	explains bool        // it is told what the algorithm says of itself
	settling atomic.Bool // the job is done: peers may go
	addrs    enlist.Addresses

	alg      algos.Algorithm // the scheduler's instance
	from     *model.Reader   // the job begins with its values; nil: with initial ones
	keeping  keeping         // of checkpoints
	parts    int
	workers  []crew
	info     dataset.Info
	specs    []table.Spec
	roster   placement.Roster
	placed   placement.Placement
	director *algos.Director
	rounds   *algos.Rounds
	start    consistency.Clock // when the rounds begin
	at       consistency.Clock
	reached  consistency.Clock // where the rounds ended
	perEpoch int
	last     *algos.Eval
	path     *model.Path // the models of stages; nil: none yet
	kept     bool        // the last stage is on it

	began    time.Time
	trained  time.Time     // when the rounds began
	paused   time.Duration // since then, to keep the models of stages
	summary  Summary
	untested error // why the model could not be tested
	body     []byte
	room     func(part int, round consistency.Clock, n int) ([]float64, error) // of rounds
	times    times

	gathering gathering
}

// crew is a worker and its parts.
type crew struct {
	conn  *wire.Conn
	parts []int
}

// ErrInterrupted is what Run returns when ctx ended the job.
var ErrInterrupted = errors.New("interrupted")

// Run leads one job and returns its summary; with an error too if the model was
// trained and written but could not be tested.
func Run(ctx context.Context, o Options) (*Summary, error) {
	alg, err := control.NewAlgorithm(o.Algorithms, o.Config)
	if err != nil {
		return nil, err
	}
	if err := checkOutput(o.Config); err != nil {
		return nil, err
	}
	kept, err := openCheckpoint(o.Config, o.Resume)
	if err != nil {
		return nil, err
	}
	var from *model.Reader
	if kept.from == nil {
		from, err = openStart(o.Config)
	}
	if err != nil {
		return nil, err
	}
	if from != nil {
		defer from.Close()
	}
	place, err := enlist.Open(ctx, o.Options, control.Scheduler, "scheduler", -1, o.NewJob())
	if err != nil {
		return nil, err
	}
	defer place.Close()
	if err := place.Alone(); err != nil {
		place.Leave() // else newcomers would take this one for the scheduler until its death is noticed
		return nil, err
	}
	s := &scheduler{place: place, cfg: o.Config, log: o.Log, box: control.NewMailbox(), alg: alg, from: from, keeping: kept, began: o.Began,
		parts: o.Config.Parts(), progress: newProgress(o.Progress, o.Width, o.Patient), explains: o.Explain,
		peers: muster.New(o.Config.Cluster.Servers, o.Config.Cluster.Workers)}
	defer s.progress.End()
	defer s.abandonPath()
	s.tellKept(o.Resume)
	var serving sync.WaitGroup
	serving.Go(func() { place.Accept(nil, s.serve) })
	listening, deaf := context.WithCancel(context.Background())
	// That a peer died is for its connection to say, which hears from it every second.
	serving.Go(func() { s.addrs.Listen(listening, place.Cluster) })
	if o.Joined != nil {
		o.Joined(place.Cluster.Addr())
	}
	stop := context.AfterFunc(ctx, func() {
		if l := s.links.Load(); l != nil {
			l.Fail(ErrInterrupted)
		}
	})
	defer stop()

	err = s.lead(ctx)
	if err != nil && ctx.Err() != nil {
		err = ErrInterrupted
		s.tellStopped()
	}
	peers := s.peers.Close()
	dismiss(peers, err)
	place.Listener.Close()
	conns := make([]*wire.Conn, len(peers))
	for i, p := range peers {
		conns[i] = p.Conn
	}
	enlist.Part(conns...)
	place.Close()
	deaf()
	serving.Wait()
	if err != nil {
		return nil, err
	}
	return &s.summary, s.untested
}

// lead takes the job through its phases.
func (s *scheduler) lead(ctx context.Context) error {
	for _, phase := range []func(context.Context) error{s.gather, s.scan, s.glance, s.setUp, s.train, s.collect, s.settle} {
		if err := phase(ctx); err != nil {
			return err
		}
	}
	return nil
}

// whyFor bounds the wait for why a connection has ended.
const whyFor = 5 * time.Second

// send sends a frame.
func (s *scheduler) send(ctx context.Context, c *wire.Conn, kind wire.Kind, body []byte) error {
	return s.sent(ctx, c.Send(kind, body))
}

// sent is the error of a frame that was to be sent. Of a peer that is gone the mailbox
// says why.
func (s *scheduler) sent(ctx context.Context, err error) error {
	if !errors.Is(err, wire.ErrClosed) {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, whyFor, err)
	defer cancel()
	for {
		e, err := s.box.Next(ctx)
		if err == nil {
			err = e.Ended()
		}
		if err != nil {
			return err
		}
	}
}

// awaitParts waits until every part has come to the clock that is next.
func (s *scheduler) awaitParts(ctx context.Context, due wire.Kind) error {
	come := make([]bool, s.parts)
	return s.box.Await(ctx, due, s.parts, func(e control.Event) error {
		part, at, err := control.ReadReached(e.Body)
		switch {
		case err != nil:
			return err
		case part < 0 || part >= len(come) || come[part] || at != s.at:
			return fmt.Errorf("part %d came to clock %d, but every part was to come once to clock %d", part, at, s.at)
		}
		come[part] = true
		return nil
	})
}

// scan has every worker read its parts and merges what they found.
func (s *scheduler) scan(ctx context.Context) error {
	s.summary.Seconds.Start = time.Since(s.began).Seconds()
	s.progress.Status("reading %s in %d parts", s.cfg.Data.Train, s.parts)
	workers := s.peers.Of(control.Worker)
	origins := assign(workers, s.parts, s.cfg.Consistency.Deterministic)
	for _, w := range workers {
		c := crew{conn: w.Conn}
		for _, g := range w.Groups {
			c.parts = append(c.parts, g.Parts...)
		}
		s.workers = append(s.workers, c)
	}
	s.roster = placement.NewRoster(origins)
	if _, ok := s.alg.(algos.ModelParallel); ok {
		s.roster = placement.NewRoster(origins + 1) // the scheduler is the last
	}
	if s.keeping.from != nil {
		s.roster = s.roster.From(s.keeping.from.Clock)
	}
	text := string(s.cfg.Encode())
	for _, p := range s.peers.All() {
		job := control.Job{ID: s.place.Job, Config: text, Name: p.Name, Seat: p.Seat, Parts: s.parts, Groups: p.Groups, Seats: s.cfg.Cluster.Servers}
		if err := s.send(ctx, p.Conn, control.KindJob, control.Encode(job)); err != nil {
			return err
		}
	}
	infos := make([]*dataset.Info, s.parts)
	err := muster.Await(ctx, s.box, control.KindScanned, workers, func(_ int, e control.Event) error {
		found, err := control.Decode[control.Scanned](e.Body)
		if err != nil {
			return err
		}
		for i, p := range found.Parts {
			if p < 0 || p >= len(infos) || i >= len(found.Infos) || infos[p] != nil {
				return fmt.Errorf("statistics of part %d, which is not its part", p)
			}
			infos[p] = &found.Infos[i]
		}
		for _, problem := range found.Problems {
			s.log.Warn("training data: " + problem)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for p, info := range infos {
		if info == nil {
			return fmt.Errorf("scheduler: nobody read part %d", p)
		}
		if s.info, err = s.info.Merge(*info); err != nil {
			return fmt.Errorf("%s: parts differ: %w", s.cfg.Data.Train, err)
		}
	}
	if err := s.checkData(); err != nil {
		return err
	}
	var names []string
	if s.cfg.Data.Names != "" {
		if names, err = dataset.ReadNames(s.cfg.Data.Names); err != nil {
			return err
		}
	}
	s.info, err = s.info.WithNames(names, s.cfg.Data.Names)
	return err
}

// checkData refuses data that no job of this configuration can use.
func (s *scheduler) checkData() error {
	if s.info.Rows == 0 {
		return fmt.Errorf("%s: no samples", s.cfg.Data.Train)
	}
	if label := s.info.Positive; label != "" && !s.info.Sampled && len(s.info.Counts) == 2 && s.info.Counts[1] == 0 {
		return fmt.Errorf("%s: no sample has the label %q: see data.positive, and petuum data stat for the labels that there are", s.cfg.Data.Train, label)
	}
	if p, ok := s.alg.(algos.Predictor); ok && p.Task(s.info) != algos.Regression && s.info.Sampled && len(s.info.Classes) == 1 {
		return fmt.Errorf("%s: all rows that were looked at have the label %s, and the other class must be known before data is streamed from disk: set data.positive to the label of one of two classes", s.cfg.Data.Train, s.info.Classes[0])
	}
	return checkWeights(s.cfg, s.alg, s.info)
}

// setUp makes the tables, and has the servers hold them and the workers open
// their views.
func (s *scheduler) setUp(ctx context.Context) error {
	about := ""
	if s.info.Sampled {
		about = "about " // an estimate
		s.log.Info("the data is read while the job learns; its rows are estimated from some of them", "rows", s.info.Rows, "values", s.info.NonZeros)
	}
	s.progress.Status("%s%d rows, %d features, %s%d values: making tables", about, s.info.Rows, s.info.Features, about, s.info.NonZeros)
	var err error
	if s.specs, err = control.Tables(s.cfg, s.alg, s.info); err != nil {
		return err
	}
	if err := cmp.Or(s.checkStart(), s.checkKeeping()); err != nil {
		return err
	}
	s.explain()
	servers := s.peers.Of(control.Server)
	seats := make([]int, len(servers))
	addrs := make([]string, len(servers))
	for i, p := range servers {
		addr, err := s.addrs.Of(ctx, p.Conn.Peer().Name)
		if err != nil {
			return fmt.Errorf("scheduler: %s: %w", p.Name, err)
		}
		seats[i], addrs[i] = p.Seat, addr
	}
	largest := uint64(0)
	for _, spec := range s.specs {
		largest = max(largest, spec.DenseBytes())
	}
	if s.placed, err = placement.Place(s.roster.Generation, s.cfg.Shards(largest), seats); err != nil {
		return err
	}
	setup := control.Setup{Info: s.info.WithoutNames(), Roster: s.roster, Placement: s.placed, Servers: addrs, Resume: s.keeping.from != nil}
	body := control.Encode(setup)
	for _, p := range servers {
		if err := s.send(ctx, p.Conn, control.KindSetup, body); err != nil {
			return err
		}
	}
	if err := muster.Await(ctx, s.box, control.KindReady, servers, func(int, control.Event) error { return nil }); err != nil {
		return err
	}
	if err := s.load(ctx); err != nil {
		return err
	}
	if err := s.begin(setup, servers); err != nil {
		return err
	}
	if control.TestsParts(s.cfg, s.alg) { // names tell whose test rows are whose
		setup.Info = s.info
		body = control.Encode(setup)
	}
	for _, p := range s.peers.Of(control.Worker) {
		if err := s.send(ctx, p.Conn, control.KindSetup, body); err != nil {
			return err
		}
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	s.summary.Seconds.Load = time.Since(s.began).Seconds() - s.summary.Seconds.Start
	return nil
}

// explain tells what the algorithm chose by itself.
func (s *scheduler) explain() {
	if a, ok := s.alg.(algos.Explainer); ok {
		s.tell(a.Explain(s.info))
	}
}

// report tells what the algorithm learned.
func (s *scheduler) report() {
	if a, ok := s.alg.(algos.Reporter); ok {
		s.progress.Ended()
		s.tell(a.Report())
	}
}

// tell tells sentences of the algorithm, which the summary repeats: to people if they
// want to know, else to the log.
func (s *scheduler) tell(said []string) {
	s.summary.Choices = append(s.summary.Choices, said...)
	for _, sentence := range said {
		if s.explains {
			s.progress.Say(sentence)
		} else {
			s.log.Info(sentence)
		}
	}
}

// begin makes the director, and the client of an algorithm whose Pull writes.
func (s *scheduler) begin(setup control.Setup, servers []*muster.Peer) error {
	s.perEpoch = 1
	if a, ok := s.alg.(algos.Paced); ok {
		s.perEpoch = a.ClocksPerEpoch(s.info)
	}
	if _, ok := s.alg.(algos.Preparer); ok {
		s.at = 1
	}
	s.start = s.at
	st := s.cfg.Stop
	stop := algos.Stop{Epochs: st.Epochs, Clocks: st.Clocks, Seconds: st.Seconds, Tolerance: st.Tolerance, Objective: st.Objective}
	s.director = algos.NewDirector(algos.StopOf(s.alg, stop), s.at, s.perEpoch, s.cfg.Evaluate.Every)
	if from := s.keeping.from; from != nil {
		s.at = from.Clock
		s.director.Resume(from.Curve, from.Best)
	}
	alg, ok := s.alg.(algos.ModelParallel)
	if !ok {
		return nil
	}
	origin := s.roster.Origins[len(s.roster.Origins)-1]
	client, err := table.NewClient(s.specs, table.ClientOptions{Origin: origin.Origin, Generation: s.roster.Generation,
		Policy: s.cfg.Policy(), Window: s.cfg.Window(), Shards: len(s.placed.Seats), Parts: 1, Start: origin.Start, Deterministic: s.cfg.Consistency.Deterministic})
	if err != nil {
		return err
	}
	began := time.Now()
	s.rounds = algos.NewRounds(alg, algos.NewScheduler(s.parts, s.info, s.cfg.Job.Seed, client), func() int64 { return int64(time.Since(began)) })
	s.room = s.rounds.Room
	s.rounds.From(origin.Start)
	if err := s.rounds.Begin(); err != nil {
		return err
	}
	l := links.New(s.place, setup, []*table.Client{client}, s.lost)
	s.links.Store(l)
	for _, p := range servers {
		if err := l.Attach(p.Seat, p.Conn, false); err != nil {
			return err
		}
	}
	if err := client.Start(); err != nil || s.keeping.from == nil {
		return err
	}
	return s.keeping.from.Read(checkpoint.SchedulerFile, s.rounds.Restore)
}

// dismiss tells everybody that the job is over.
func dismiss(peers []*muster.Peer, err error) {
	if err == nil {
		return // settle has told them
	}
	stop := control.Stop{Reason: "the job failed: " + err.Error(), Failed: true}
	if errors.Is(err, ErrInterrupted) {
		stop.Reason = "the scheduler was interrupted"
	}
	body := control.Encode(stop)
	for _, p := range peers {
		_ = p.Conn.Send(control.KindStop, body)
	}
}

// settle ends a job that is done and adds up the ledgers. Workers end first: they
// still tell the servers that they leave.
func (s *scheduler) settle(ctx context.Context) error {
	s.settling.Store(true)
	body := control.Encode(control.Stop{Reason: "done", Ledger: true})
	var ledgers []control.Ledger
	own := control.WireLedger{}
	for _, role := range []string{control.Worker, control.Server} {
		peers := s.peers.Of(role)
		for _, p := range peers {
			if err := s.send(ctx, p.Conn, control.KindStop, body); err != nil {
				return err
			}
		}
		err := muster.Await(ctx, s.box, control.KindLedger, peers, func(_ int, e control.Event) error {
			l, err := control.Decode[control.Ledger](e.Body)
			ledgers = append(ledgers, l)
			return err
		})
		if err != nil {
			return err
		}
		for _, p := range peers {
			own = own.Plus(control.Counted(p.Conn))
		}
	}
	s.summary.settle(ledgers, own)
	s.settleRounds()
	s.summary.Seconds.Total = time.Since(s.began).Seconds()
	return nil
}
