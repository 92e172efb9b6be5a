package control

import "petuum/roles/wire"

// WireLedger counts the bytes of a role's connections. The totals are of what roles
// send, so that the sum over the roles has everything once. Updates and answers are
// counted by the workers alone, which send the ones and receive the others.
type WireLedger struct {
	Raw        int64 `json:"raw"`        // bodies with values and positions unencoded
	Encoded    int64 `json:"encoded"`    // bodies before compression
	Compressed int64 `json:"compressed"` // bodies as sent
	Sent       int64 `json:"sent"`       // on the sockets
	Received   int64 `json:"received"`   // on the sockets

	Updates     FlowLedger  `json:"updates"` // from workers to servers
	Answers     FlowLedger  `json:"answers"` // from servers to workers
	Compression FrameLedger `json:"compression"`
}

// FlowLedger counts the bytes of one direction, in the stages of WireLedger.
type FlowLedger struct {
	Raw        int64 `json:"raw"`
	Encoded    int64 `json:"encoded"`
	Compressed int64 `json:"compressed"`
	Sent       int64 `json:"sent"`
}

// FrameLedger counts the frames of both directions.
type FrameLedger struct {
	Updates FrameCount `json:"updates"`
	Answers FrameCount `json:"answers"`
}

// FrameCount counts the frames of one direction.
type FrameCount struct {
	All        int64 `json:"all"`
	Compressed int64 `json:"compressed"`
}

// Plus adds up the bytes of both.
func (l WireLedger) Plus(o WireLedger) WireLedger {
	return WireLedger{
		Raw: l.Raw + o.Raw, Encoded: l.Encoded + o.Encoded, Compressed: l.Compressed + o.Compressed,
		Sent: l.Sent + o.Sent, Received: l.Received + o.Received,
		Updates: l.Updates.plus(o.Updates), Answers: l.Answers.plus(o.Answers),
		Compression: FrameLedger{l.Compression.Updates.plus(o.Compression.Updates), l.Compression.Answers.plus(o.Compression.Answers)},
	}
}

func (l FlowLedger) plus(o FlowLedger) FlowLedger {
	return FlowLedger{l.Raw + o.Raw, l.Encoded + o.Encoded, l.Compressed + o.Compressed, l.Sent + o.Sent}
}

func (f FrameCount) plus(o FrameCount) FrameCount {
	return FrameCount{f.All + o.All, f.Compressed + o.Compressed}
}

// Settled returns the sum over all roles with the total of raw bytes that follows from
// those of updates and answers. No role knows it alone: only workers know what answers
// hold, which servers send.
func (l WireLedger) Settled() WireLedger {
	l.Raw = l.Encoded + l.Updates.Raw - l.Updates.Encoded + l.Answers.Raw - l.Answers.Encoded
	return l
}

// Counted is what a connection has carried so far.
func Counted(c *wire.Conn) WireLedger {
	s := c.Stats()
	return WireLedger{Raw: s.Sent.Raw, Encoded: s.Sent.Raw, Compressed: s.Sent.Encoded, Sent: s.Sent.Socket, Received: s.Received.Socket}
}

// CountedLink is what a connection of a worker to a server has carried so far: nothing
// but updates and answers. Their raw bytes are those of the messages as they are; what
// lossy tables saved is added by those who know, the clients and the shards.
func CountedLink(c *wire.Conn) WireLedger {
	s := c.Stats()
	l := Counted(c)
	l.Updates, l.Compression.Updates = flow(s.Sent)
	l.Answers, l.Compression.Answers = flow(s.Received)
	return l
}

func flow(f wire.Flow) (FlowLedger, FrameCount) {
	return FlowLedger{Raw: f.Raw, Encoded: f.Raw, Compressed: f.Encoded, Sent: f.Socket}, FrameCount{All: f.Frames, Compressed: f.Compressed}
}
