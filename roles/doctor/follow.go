package doctor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"petuum/configs"
	"petuum/roles/cluster"
	"petuum/roles/control"
	"petuum/roles/enlist"
	"petuum/roles/wire"
)

// follow is a server or worker of a check-up.
type follow struct {
	o      Options
	list   list
	place  *enlist.Place
	sched  *wire.Conn
	box    *control.Mailbox
	probed chan arrival
}

// arrival is an answer to a probe and when it came, by this process's clock.
type arrival struct {
	Probed
	at int64
}

// Follow checks a cluster from the place of a server or worker, and returns what
// concerns this process. seat -1 takes whichever seat the scheduler gives. The error is
// why there is no report: ctx ended.
func Follow(ctx context.Context, o Options, role string, seat int) (Report, error) {
	f := &follow{o: o, list: list{process: role}, box: control.NewMailbox(), probed: make(chan arrival, 1)}
	name := "" // the scheduler gives one
	if seat >= 0 {
		name = fmt.Sprintf("%s-%d", role, seat)
		f.list.process = name
	}
	if !o.Among {
		checkPlace(ctx, &f.list, o.Options, o.Machine, role)
	}
	if f.list.failed() {
		return Report{f.list.checks}, ctx.Err()
	}
	var err error
	if f.place, err = enlist.Open(ctx, o.Options, role, name, seat, ""); err != nil {
		f.list.fail("cluster", fixJoin(err), "%s", plain(err))
		return Report{f.list.checks}, ctx.Err()
	}
	defer f.place.Close()
	limited, cancel := context.WithTimeoutCause(ctx, o.Wait, fmt.Errorf("no scheduler is in the cluster after %s", o.Wait))
	defer cancel()
	if f.sched, err = f.place.FindScheduler(limited); err != nil {
		f.list.fail("cluster", fixJoin(err), "%s", plain(err))
		f.place.Leave()
		return Report{f.list.checks}, ctx.Err()
	}
	return f.run(ctx)
}

// fixJoin is what to do about a process that could not join.
func fixJoin(err error) string {
	return fixFor(err, map[error]string{
		cluster.ErrForeign: "give all processes the same cluster.key_file, or none any, and look whether --join is a gossip address of petuum",
		cluster.ErrVersion: "install the same version everywhere",
		cluster.ErrSeat:    "give every server a --shard of its own",
		enlist.ErrBusy:     "check a cluster before the job: petuum doctor scheduler takes the place of petuum scheduler",
	}, "start petuum doctor scheduler first, give --join its gossip address, and let TCP and UDP to it through the firewall")
}

// run takes part until the verdict.
func (f *follow) run(ctx context.Context) (Report, error) {
	var serving sync.WaitGroup
	serving.Go(f.read)
	if f.place.Listener != nil {
		serving.Go(func() {
			f.place.Accept(nil, func(c *wire.Conn) { // somebody tries whether it can
				_ = c.Serve(func(wire.Kind, []byte) error { return errors.New("doctor: nothing is to be said here") })
			})
		})
	}
	checks, err := f.obey(ctx)
	if err != nil {
		_ = f.sched.Send(control.KindFailed, control.Encode(control.Failed{Error: err.Error()}))
		f.list.fail("cluster", "", "%s", plain(err))
		checks = f.list.checks
	}
	if f.place.Listener != nil {
		f.place.Listener.Close()
	}
	enlist.Part(f.sched)
	if err != nil {
		f.place.Leave()
	}
	serving.Wait()
	return Report{checks}, ctx.Err()
}

// read reads the scheduler's connection until it ends.
func (f *follow) read() {
	err := f.sched.Serve(func(kind wire.Kind, body []byte) error {
		at := time.Now().UnixNano()
		if kind != control.KindProbed {
			f.box.Put(control.Event{Kind: kind, Body: append([]byte(nil), body...)})
			return nil
		}
		p, err := control.Decode[Probed](body)
		if err != nil {
			return err
		}
		select {
		case f.probed <- arrival{p, at}:
		default: // nobody waits any more
		}
		return nil
	})
	f.box.Put(control.Event{Err: fmt.Errorf("%w: %w", control.ErrSchedulerDied, err)})
}

// obey says who this is, looks around, reports, and returns the verdict.
func (f *follow) obey(ctx context.Context) ([]Check, error) {
	h := Here{Member: f.place.Cluster.Self(), Room: room(f.o.Machine)}
	if err := f.sched.Send(control.KindHere, control.Encode(h)); err != nil {
		return nil, err
	}
	exam, err := await[Examine](ctx, f.box, control.KindExamine)
	if err != nil {
		return nil, err
	}
	found, err := f.examine(ctx, exam)
	if err != nil {
		return nil, err
	}
	if err := f.sched.Send(control.KindFindings, control.Encode(found)); err != nil {
		return nil, err
	}
	v, err := await[Verdict](ctx, f.box, control.KindVerdict)
	return v.Checks, err
}

// await is the next message of the scheduler, if it is of this kind.
func await[T any](ctx context.Context, box *control.Mailbox, kind wire.Kind) (v T, err error) {
	e, err := box.Next(ctx)
	switch {
	case err != nil:
		return v, err
	case e.Err != nil:
		return v, e.Err
	case e.Kind == control.KindStop:
		stop, err := control.Decode[control.Stop](e.Body)
		if err == nil {
			err = fmt.Errorf("the scheduler sent this process away: %s", stop.Reason)
		}
		return v, err
	case e.Kind != kind:
		return v, fmt.Errorf("doctor: a frame of kind %d while kind %d was due", e.Kind, kind)
	}
	return control.Decode[T](e.Body)
}

// examine looks at everything that can be seen from here.
func (f *follow) examine(ctx context.Context, exam Examine) (Findings, error) {
	cfg, err := configs.Parse(exam.Name, []byte(exam.Config), nil)
	if err != nil {
		return Findings{}, err
	}
	f.place.Rename(exam.Name, exam.Seat)
	f.list.process = exam.Name
	if err := f.place.Config.Conflicts(cfg); err != nil {
		f.list.fail("configuration", "remove the value here, or set it for the scheduler: a job has one configuration", "%v", err)
	} else if !f.o.Among {
		f.list.ok("configuration", "no value differs from the scheduler's")
	}
	checkReach(ctx, &f.list, f.place, exam.Processes)
	checkGossip(ctx, &f.list, f.place.Cluster, exam.Processes)
	f.checkClock(ctx)
	found := Findings{}
	if !f.o.Among && f.place.Role == control.Worker {
		a, err := control.NewAlgorithm(f.o.Algorithms, cfg)
		if err != nil {
			f.list.fail("configuration", "run the same program everywhere", "%v", err)
		} else {
			found.Train = checkTrain(&f.list, cfg, a)
		}
	}
	found.Checks = f.list.checks
	return found, ctx.Err()
}

const (
	probes   = 5
	probeFor = 2 * time.Second
	// skewed is a difference of clocks that makes logs of two machines hard to read.
	skewed = 100 * time.Millisecond
)

// checkClock compares this process's clock with the scheduler's: by the probe that
// was fastest, which knows it best.
func (f *follow) checkClock(ctx context.Context) {
	var by, best time.Duration
	for range probes {
		if err := f.sched.Send(control.KindProbe, control.Encode(Probe{time.Now().UnixNano()})); err != nil {
			break
		}
		select {
		case a := <-f.probed:
			if ahead, took := a.ahead(a.at); best == 0 || took < best {
				by, best = ahead, max(took, 1)
			}
		case <-time.After(probeFor):
		case <-ctx.Done():
			return
		}
	}
	judgeClock(&f.list, by, best)
}

// judgeClock takes how far the clock is ahead, and the round trip of the packets
// that told; 0 if none came back.
func judgeClock(l *list, by, roundTrip time.Duration) {
	const name, fix = "clock", "run a time service such as chrony on every machine; training does not depend on clocks, logs are easier to read"
	word := "ahead of"
	if by < 0 {
		word, by = "behind", -by
	}
	switch {
	case roundTrip == 0:
		l.warn(name, "look at the load of both machines", "the scheduler did not answer within %s", probeFor)
	case by > skewed:
		l.warn(name, fix, "%s %s the scheduler's, to within %s", short(by), word, short(roundTrip/2))
	case by <= roundTrip/2:
		l.ok(name, "as the scheduler's, to within %s", short(roundTrip/2))
	default:
		l.ok(name, "%s %s the scheduler's, to within %s", short(by), word, short(roundTrip/2))
	}
}
