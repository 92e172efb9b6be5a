package control

import (
	"petuum/roles/wire"
	"petuum/table"
)

// ownedFrom is the size from which a message is a batch of its own, which is not
// copied.
const ownedFrom = 64 << 10

// Frames is a connection as a batch sees it.
type Frames interface {
	Send(kind wire.Kind, body []byte) error
	SendOwned(kind wire.Kind, head, tail []byte, owner wire.Owner) error
}

// Batch gathers messages for one connection. The zero value with To set is empty.
// One goroutine at a time may use it.
type Batch struct {
	To     Frames
	Timing Timing // of the messages since the last frame; only servers have any

	n    int
	body []byte // room for the head, then messages
	head []byte
}

// Add puts a message behind those that are there. A large one sends them, and
// itself.
func (b *Batch) Add(shard int, msg *table.Buffer) error {
	if len(msg.Bytes) < ownedFrom {
		if b.n == 0 {
			b.body = append(b.body[:0], make([]byte, BatchHead)...)
		}
		b.body = append(AppendMessageHead(b.body, shard, len(msg.Bytes)), msg.Bytes...)
		b.n++
		if len(b.body) < ownedFrom {
			return nil
		}
		return b.Flush()
	}
	timing := b.Timing
	if err := b.Flush(); err != nil {
		return err
	}
	b.head = append(b.head[:0], make([]byte, BatchHead)...)
	b.head = AppendMessageHead(b.head, shard, len(msg.Bytes))
	PutBatchHead(b.head, timing, 1)
	b.Timing = Timing{}
	msg.Retain()
	return b.To.SendOwned(KindBatch, b.head, msg.Bytes, msg)
}

// Flush sends what is there.
func (b *Batch) Flush() error {
	if b.n == 0 {
		return nil
	}
	PutBatchHead(b.body, b.Timing, b.n)
	b.n, b.Timing = 0, Timing{}
	return b.To.Send(KindBatch, b.body)
}
