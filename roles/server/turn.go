package server

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"petuum/consistency"
	"petuum/table"
)

// A turn is one goroutine at work on batches, a connection's reader or a helper,
// with the room it reuses.
//
// It looks at the clock when it begins a batch, when the last message of one is
// answered, and between where it may have waited or worked for long: a message begins
// when the one before it ended. What small messages took counts as the work of the one
// at which it looks.
type turn struct {
	host    *host
	reply   table.Reply // answer, made once
	touched []*outbox   // hold replies, until flush
	now     time.Duration
	took    time.Duration // what a message did, of those that the last look at the clock ended
	work    int           // since it looked at the clock, as bytes of a message
	since   int           // messages since it looked at the clock

	// Of the message being handled.
	shard  int
	size   int
	final  bool // it is the last of its batch
	from   *route
	begin  time.Duration
	queued time.Duration
	last   *route // answered last
}

// longMessage is the size of a message that may take long. Sixteen small ones may take
// as long.
const (
	longMessage  = 4 << 10
	smallMessage = longMessage / 16
)

func (h *host) newTurn() *turn {
	t := &turn{host: h}
	t.reply = t.answer
	return t
}

// handle has a shard, which is locked, take a message, and unlocks it.
func (t *turn) handle(s *hosted, m table.Message, p *table.Parsed, came time.Duration) error {
	defer s.mu.Unlock()
	t.shard, t.size, t.begin, t.queued = m.Shard, len(m.Body), t.now, t.now-came
	t.since++
	since := t.since
	err := s.shard.HandleParsed(p, t.reply)
	if len(m.Body) >= longMessage {
		t.look()
	}
	took := t.now - t.begin
	t.took = took / time.Duration(since)
	s.queue += t.queued
	s.apply += took
	if errors.Is(err, table.ErrNewer) {
		return fmt.Errorf("server: shard %d: %w", m.Shard, err)
	}
	return err
}

// answer puts a shard's message where its origin's connection will take it from.
func (t *turn) answer(to consistency.Origin, msg *table.Buffer) {
	var held time.Duration
	r := t.from
	if to != r.origin {
		if t.last == nil || t.last.origin != to {
			t.last = t.host.route(to)
		}
		r = t.last
		held = t.begin - time.Duration(r.arrived.Load())
	}
	o := r.out.Load()
	if o == nil {
		return // it has not said hello here
	}
	if t.work += smallMessage + t.size + len(msg.Bytes); t.final || t.work >= longMessage {
		t.look()
	}
	o.add(t.shard, msg, t.queued, t.now-t.begin, held)
	if !slices.Contains(t.touched, o) {
		t.touched = append(t.touched, o)
	}
}

// look looks at the clock.
func (t *turn) look() { t.now, t.work, t.since = t.host.clock(), 0, 0 }

// flush sends what the batch was answered.
func (t *turn) flush() (err error) {
	for _, o := range t.touched {
		if e := o.flush(); err == nil {
			err = e
		}
	}
	clear(t.touched)
	t.touched = t.touched[:0]
	return err
}
