package scheduler

import (
	"context"
	"fmt"
	"time"

	"petuum/algos"
	"petuum/consistency"
	"petuum/roles/control"
	"petuum/roles/muster"
	"petuum/table"
)

// train runs one stage after another until the director says that the job is done.
// Most jobs have but one.
func (s *scheduler) train(ctx context.Context) error {
	s.trained = time.Now()
	stages := s.stages()
	for stop := ""; stop == ""; {
		reason, err := s.stage(ctx, s.elapsed)
		if err == nil && stages > 1 {
			err = s.keepStage(ctx, reason)
		}
		if err != nil {
			return err
		}
		var stage int
		if stage, stop = s.director.Next(reason, s.elapsed()); stop == "" {
			err = s.beginStage(ctx, stage)
		}
		if err != nil {
			return err
		}
		s.summary.StopReason = stop
	}
	s.summary.Seconds.Train = s.elapsed()
	s.report()
	if _, ok := s.alg.(algos.Publisher); ok {
		s.last = s.director.Result()
	}
	return s.publish(ctx)
}

// publish has the parts write what they kept to themselves, in a clock for that alone,
// so that it is in the model.
func (s *scheduler) publish(ctx context.Context) error {
	if _, ok := s.alg.(algos.Publisher); !ok {
		return nil
	}
	s.progress.Status("gathering the results of the parts")
	s.at++
	for _, p := range s.peers.Of(control.Worker) {
		if err := s.send(ctx, p.Conn, control.KindPublish, control.AppendBest(nil, s.director.Best())); err != nil {
			return err
		}
	}
	if s.rounds != nil {
		if err := s.rounds.Settle(); err != nil {
			return err
		}
	}
	return s.awaitParts(ctx, control.KindReached)
}

// stage runs from barrier to barrier until the director says why to stop.
func (s *scheduler) stage(ctx context.Context, elapsed func() float64) (reason string, err error) {
	reason, err = s.evaluate(ctx, elapsed, false)
	if err == nil {
		s.compare()
	}
	for err == nil && reason == "" {
		pace := 0.0
		if s.at > s.start {
			pace = elapsed() / float64(s.at-s.start)
		}
		until := s.director.Until(s.at, pace, elapsed())
		if s.rounds != nil {
			err = s.roundsTo(ctx, until)
		} else {
			err = s.runTo(ctx, until)
		}
		if err == nil && s.director.Due(s.at, elapsed()) {
			keep := s.keepDue(elapsed())
			reason, err = s.evaluate(ctx, elapsed, keep && s.lossy())
			if err == nil && keep && reason == "" {
				err = s.keepJob(ctx, "")
			}
		}
	}
	s.reached = s.at
	if err == nil && s.lossy() {
		_, err = s.evaluate(ctx, elapsed, true)
	}
	if err == nil {
		err = s.keepJob(ctx, reason)
	}
	return reason, err
}

// runTo lets all parts run freely up to a clock.
func (s *scheduler) runTo(ctx context.Context, until consistency.Clock) error {
	body := control.AppendBest(control.AppendUints(nil, uint64(until)), s.director.Best())
	for _, p := range s.peers.Of(control.Worker) {
		if err := s.send(ctx, p.Conn, control.KindRun, body); err != nil {
			return err
		}
	}
	s.at = until
	return s.awaitParts(ctx, control.KindReached)
}

// evaluate gathers an evaluation at a barrier: the parts' sums, then the norms
// of the tables, which by then hold every update. settled lets all origins first
// pay what they owe of lossy tables, in a clock for that alone: what is evaluated
// then is the model to the bit.
func (s *scheduler) evaluate(ctx context.Context, elapsed func() float64, settled bool) (reason string, err error) {
	if settled {
		s.at++
	}
	s.gathering.begin(s.at, s.parts)
	body := control.AppendEvaluate(nil, settled)
	for _, p := range s.peers.Of(control.Worker) {
		if err := s.send(ctx, p.Conn, control.KindEvaluate, body); err != nil {
			return "", err
		}
	}
	if s.rounds != nil {
		join := s.rounds.Barrier
		if settled {
			join = s.rounds.Settle
		}
		if err := join(); err != nil {
			return "", err
		}
	}
	err = s.box.Await(ctx, control.KindEval, s.parts, func(e control.Event) error {
		part, ev, err := control.ReadEval(e.Body)
		if err == nil {
			err = s.gathering.end(part, ev)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	e, err := s.gathering.total()
	if err != nil {
		return "", err
	}
	if err := s.norms(ctx, e); err != nil {
		return "", err
	}
	s.alg.Conclude(s.info, e)
	s.last = e
	reason, err = s.director.Evaluated(e, elapsed())
	s.progress.Evaluated(e, s.director.Epochs(s.at), elapsed())
	return reason, err
}

// norms has the servers measure the tables and adds them up in the order of
// seats.
func (s *scheduler) norms(ctx context.Context, e *algos.Eval) error {
	servers := s.peers.Of(control.Server)
	bySeat := make([][]table.Norms, len(servers))
	for _, p := range servers {
		if err := s.send(ctx, p.Conn, control.KindMeasure, nil); err != nil {
			return err
		}
	}
	err := muster.Await(ctx, s.box, control.KindNorms, servers, func(server int, ev control.Event) error {
		norms, err := control.ReadNorms(ev.Body)
		if err == nil && len(norms) != len(s.specs) {
			err = fmt.Errorf("norms of %d tables, not %d", len(norms), len(s.specs))
		}
		bySeat[server] = norms
		return err
	})
	if err != nil {
		return err
	}
	for _, norms := range bySeat {
		for t, n := range norms {
			e.AddNorms(s.specs[t].Name, n)
		}
	}
	return nil
}
