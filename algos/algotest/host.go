package algotest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash"
	"hash/fnv"

	"petuum/consistency"
	"petuum/table"
	"petuum/table/placement"
)

// host is the process that holds one shard. It keeps what a replica would be
// fed: a snapshot and the messages since.
type host struct {
	c       *cluster
	k       int
	shard   *table.Shard
	life    uint32
	base    []byte
	since   []input
	replies hash.Hash64 // of what was replied since base
	routes  map[consistency.Origin]*link
}

// input is what a shard was given: a message, or a roster.
type input struct {
	msg    []byte
	roster placement.Roster
}

const replicaLag = 300 // inputs between two snapshots for the replica

func (c *cluster) newHost(k int, r placement.Roster) *host {
	h := &host{c: c, k: k, life: 1, replies: fnv.New64a(), routes: make(map[consistency.Origin]*link)}
	s, err := table.NewShard(k, c.cfg.Shards, c.specs, r, h.options())
	if err != nil {
		c.failf("protocol", "shard %d: %v", k, err)
		return h
	}
	h.shard = s
	h.rebase()
	return h
}

func (h *host) options() table.Options {
	cfg := h.c.cfg
	return table.Options{Policy: cfg.Policy, Deterministic: cfg.Deterministic, Eager: cfg.Eager, Life: h.life}
}

func (h *host) rebase() {
	h.base, h.since = h.shard.AppendSnapshot(nil), nil
	h.replies.Reset()
}

func (h *host) witness(to consistency.Origin, reply *table.Buffer) {
	msg := reply.Bytes
	var b [12]byte
	binary.LittleEndian.PutUint32(b[:], uint32(to))
	binary.LittleEndian.PutUint64(b[4:], uint64(len(msg)))
	h.replies.Write(b[:])
	h.replies.Write(msg)
}

// receive handles the next packet of a link.
func (h *host) receive(l *link) {
	msg := l.up.packets[0].msg
	generation := h.shard.Generation()
	h.route(l, msg)
	err := h.shard.Handle(msg, h.c.reply(h, l))
	if errors.Is(err, table.ErrNewer) {
		l.awaits = generation // it stays where it is until the roster is here
		return
	}
	l.up.packets = l.up.packets[1:]
	h.note(input{msg: msg})
	if err != nil {
		h.c.failf("protocol", "%v", err)
	}
}

// route lets a hello that is not refused begin a session on its link: what the
// shard sends to the origin goes there from now on. Not before, or an answer
// would get ahead of what the lost link took with it.
func (h *host) route(l *link, msg []byte) {
	p, err := table.Parse(msg)
	if err != nil {
		h.c.failf("protocol", "%v", err)
		return
	}
	if generation := binary.LittleEndian.Uint32(msg[1:]); p.Hello() && generation == h.shard.Generation() {
		h.routes[p.Origin()] = l
	}
}

func (h *host) setRoster(r placement.Roster) {
	if err := h.shard.SetRoster(r, h.c.reply(h, nil)); err != nil {
		h.c.failf("protocol", "%v", err)
	}
	h.note(input{roster: r})
}

func (h *host) note(i input) {
	if h.since = append(h.since, i); len(h.since) > replicaLag {
		h.rebase()
	}
}

// restart restores the shard, most often in another life; every link is lost.
// What was sent before may still arrive, up to some point.
func (h *host) restart() {
	snapshot := h.shard.AppendSnapshot(nil)
	if h.c.rng.IntN(4) > 0 {
		h.life++
	}
	s, err := table.Restore(snapshot, h.c.specs, h.options())
	if err != nil {
		h.c.failf("replica", "shard %d cannot be restored: %v", h.k, err)
		return
	}
	h.shard = s
	h.rebase()
	for _, l := range h.c.links {
		if l.host != h {
			continue
		}
		alive := !l.cut
		l.cut, l.up.packets = true, nil
		h.c.lose(&l.down)
		if alive {
			h.c.reconnectLater(l)
		}
	}
}

// takeover puts the replica in the shard's place, unnoticed by its clients.
func (h *host) takeover() {
	r, err := table.Restore(h.base, h.c.specs, h.options())
	if err != nil {
		h.c.failf("replica", "shard %d cannot be restored: %v", h.k, err)
		return
	}
	want := h.replies.Sum64()
	h.replies.Reset()
	for _, i := range h.since {
		if i.msg == nil {
			err = r.SetRoster(i.roster, h.witness)
		} else {
			err = r.Handle(i.msg, h.witness)
		}
		if err != nil {
			h.c.failf("replica", "of shard %d: %v", h.k, err)
		}
	}
	if !bytes.Equal(r.AppendSnapshot(nil), h.shard.AppendSnapshot(nil)) {
		h.c.failf("replica", "the replica of shard %d has another state after %d inputs", h.k, len(h.since))
	}
	if h.replies.Sum64() != want {
		h.c.failf("replica", "the replica of shard %d gave other replies to %d inputs", h.k, len(h.since))
	}
	h.shard = r
	h.rebase()
}
