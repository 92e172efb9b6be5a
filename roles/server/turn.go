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
// It looks at the clock when it begins a batch and when a message is answered, and
// otherwise only where it may have waited or worked for long: a message begins when
// the one before it ended.
type turn struct {
	host    *host
	reply   table.Reply // answer, made once
	touched []*outbox   // hold replies, until flush
	now     time.Duration
	took    time.Duration // what the last message did, if it was answered

	// Of the message being handled.
	shard  int
	from   *route
	begin  time.Duration
	queued time.Duration
	last   *route // answered last
}

// longMessage is the size of a message that may take long.
const longMessage = 4 << 10

func (h *host) newTurn() *turn {
	t := &turn{host: h}
	t.reply = t.answer
	return t
}

// handle has a shard, which is locked, take a message, and unlocks it.
func (t *turn) handle(s *hosted, m table.Message, came time.Duration) error {
	defer s.mu.Unlock()
	t.shard, t.begin, t.queued = m.Shard, t.now, t.now-came
	err := s.shard.Handle(m.Body, t.reply)
	if len(m.Body) >= longMessage {
		t.now = t.host.clock()
	}
	t.took = t.now - t.begin
	s.queue += t.queued
	s.apply += t.took
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
	t.now = t.host.clock()
	o.add(t.shard, msg, t.queued, t.now-t.begin, held)
	if !slices.Contains(t.touched, o) {
		t.touched = append(t.touched, o)
	}
}

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
