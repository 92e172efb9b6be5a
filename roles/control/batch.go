package control

import (
	"bytes"

	"petuum/roles/wire"
	"petuum/table"
)

// ownedFrom is the size from which a message is a batch of its own, which is not
// copied.
const ownedFrom = 64 << 10

// Frames is a connection as a batch sees it.
type Frames interface {
	Send(kind wire.Kind, body []byte) error
	SendNow(kind wire.Kind, body []byte) error // of the last frame for now
	SendOwned(kind wire.Kind, head, tail []byte, owner wire.Owner) error
}

// Batch gathers messages for one connection. The zero value with To set is empty.
// One goroutine at a time may use it.
type Batch struct {
	To     Frames
	Timing Timing // of the messages since the last frame; only servers have any

	n    int
	body []byte // room for the head, then messages
	last []byte // in body: the last message, if another may repeat it
	head []byte
}

// Add puts a message behind those that are there. A large one sends them, and
// itself. A short one that says the same as the one before takes a byte or two.
func (b *Batch) Add(shard int, msg *table.Buffer) error {
	if len(msg.Bytes) < ownedFrom {
		b.append(shard, msg.Bytes)
		if len(b.body) < ownedFrom {
			return nil
		}
		return b.To.Send(KindBatch, b.seal())
	}
	timing := b.Timing
	if b.n > 0 {
		if err := b.To.Send(KindBatch, b.seal()); err != nil {
			return err
		}
	}
	b.head = append(b.head[:0], noHead[:]...)
	b.head = AppendMessageHead(b.head, shard, len(msg.Bytes))
	PutBatchHead(b.head, timing, 1)
	b.Timing = Timing{}
	msg.Retain()
	return b.To.SendOwned(KindBatch, b.head, msg.Bytes, msg)
}

func (b *Batch) append(shard int, msg []byte) {
	if b.n == 0 {
		b.body, b.last = append(b.body[:0], noHead[:]...), nil
	}
	b.n++
	if len(b.last) > 0 && bytes.Equal(msg, b.last) {
		b.body = AppendAgain(b.body, shard)
		return
	}
	b.body = append(AppendMessageHead(b.body, shard, len(msg)), msg...)
	b.last = nil
	if len(msg) <= longestRun {
		b.last = b.body[len(b.body)-len(msg):]
	}
}

var noHead [BatchHead]byte // until it is filled in

// Flush sends what is there: the last frame for now.
func (b *Batch) Flush() error {
	if b.n == 0 {
		return nil
	}
	return b.To.SendNow(KindBatch, b.seal())
}

// seal ends the batch and returns it.
func (b *Batch) seal() []byte {
	PutBatchHead(b.body, b.Timing, b.n)
	b.n, b.Timing = 0, Timing{}
	return b.body
}
