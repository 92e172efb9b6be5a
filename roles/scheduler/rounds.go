package scheduler

import (
	"context"
	"fmt"
	"slices"
	"time"

	"petuum/algos"
	"petuum/consistency"
	"petuum/roles/control"
)

// Scheduling says where the time of rounds went, in seconds but for the last: of the
// scheduler in Schedule, of a part in Push (the mean), of the scheduler waiting for what
// parts emit, and in Pull.
type Scheduling struct {
	RoundsPerSecond float64 `json:"rounds_per_second"`
	Schedule        float64 `json:"schedule"`
	Push            float64 `json:"push"`
	Wait            float64 `json:"wait"`
	Pull            float64 `json:"pull"`
	// Overhead is the microseconds of a round that are none of schedule, push and pull;
	// 0 where these overlap so much that they are more than the rounds took.
	Overhead float64 `json:"overhead_us"`
}

// times are those of rounds so far: in all, and waiting.
type times struct {
	rounds consistency.Clock
	all    time.Duration
	wait   time.Duration
}

// settleRounds fills in where the time of rounds went, once the parts have said how
// long they pushed.
func (s *scheduler) settleRounds() {
	if s.rounds == nil || s.times.rounds == 0 {
		return
	}
	n, all := float64(s.times.rounds), s.times.all.Seconds()
	a := &Scheduling{RoundsPerSecond: n / all, Wait: s.times.wait.Seconds(),
		Schedule: time.Duration(s.rounds.Scheduling).Seconds(), Pull: time.Duration(s.rounds.Pulling).Seconds()}
	if parts := len(s.summary.Wait.Parts); parts > 0 {
		a.Push = s.summary.Wait.Sum.Compute / float64(parts)
	}
	a.Overhead = max(0, 1e6*(all-a.Schedule-a.Push-a.Pull)/n)
	s.summary.Scheduling = a
}

// roundsTo runs rounds up to a barrier, with the window full: while workers push, the
// next rounds are scheduled.
func (s *scheduler) roundsTo(ctx context.Context, until consistency.Clock) error {
	began, from := time.Now(), s.at
	defer func() {
		s.times.all += time.Since(began)
		s.times.rounds += s.at - from
	}()
	for {
		s.at = s.rounds.Round()
		var err error
		switch s.rounds.Next(until) {
		case algos.Drained:
			return nil
		case algos.DuePull:
			err = s.rounds.Pull()
		case algos.DueSchedule:
			if e, ok := s.box.Try(); ok { // it may complete a round
				err = s.emitted(e)
			} else {
				err = s.schedule(ctx)
			}
		case algos.DueEmitted:
			start := time.Now()
			err = s.box.Until(ctx, control.KindEmitted, s.behind())
			s.times.wait += time.Since(start)
			for e, ok := s.box.Try(); ok && err == nil; e, ok = s.box.Try() {
				err = s.emitted(e)
			}
		}
		if err != nil {
			return err
		}
	}
}

// schedule begins a round: each worker gets one frame with the blocks of its parts.
func (s *scheduler) schedule(ctx context.Context) error {
	round, blocks, ok := s.rounds.Schedule()
	if !ok {
		return nil
	}
	for _, w := range s.workers {
		s.body = control.AppendBlocks(s.body[:0], round, w.parts, blocks)
		if err := s.sent(ctx, w.conn.SendNow(control.KindBlocks, s.body)); err != nil {
			return err
		}
	}
	return nil
}

// behind is how many workers are to emit before the oldest round is complete.
func (s *scheduler) behind() (n int) {
	for _, w := range s.workers {
		if slices.ContainsFunc(w.parts, s.rounds.Awaits) {
			n++
		}
	}
	return n
}

// emitted takes in what parts of a worker emitted.
func (s *scheduler) emitted(e control.Event) error {
	if err := e.Ended(); err != nil {
		return err
	}
	if e.Kind != control.KindEmitted {
		return fmt.Errorf("control: %s sent a frame of kind %d while kind %d was due", e.From, e.Kind, control.KindEmitted)
	}
	err := control.ReadEmitted(e.Body, s.room)
	s.box.Done(e)
	if err != nil {
		return fmt.Errorf("%s: %w", e.From, err)
	}
	return nil
}
