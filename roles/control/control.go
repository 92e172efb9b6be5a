// Package control is what the roles of a job say to each other: the kinds of
// frames, their bodies, and the queue in which a role receives them.
//
//	scheduler            worker                 server
//	    │◄──── enlist ─────┤◄─── enlist ──────────┤   hello of the connection
//	    ├─ Job ───────────►├─────────────────────►│   configuration, parts, seat
//	    │◄──── Scanned ────┤                      │   statistics of each part
//	    ├─ Setup ─────────►├─────────────────────►│   merged statistics, roster, placement
//	    │◄──── Ready ──────┤◄─── Ready ───────────┤
//	    ├─ Load ───────────────────────────────────►│   of an earlier model, a piece at a time
//	    │◄──── Loaded ──────────────────────────────┤
//	    ├─ Run / Blocks ──►│ ◄──── Batch ────────►│   clocks: deltas and answers
//	    │◄─ Reached/Emitted┤                      │
//	    ├─ Evaluate ──────►│                      │   at a barrier
//	    │◄── Sum*, Eval ───┤                      │   of each part: long sums in pieces
//	    ├─ Stage ─────────►│                      │   the next problem, at a barrier
//	    ├─ Save, More* ───►│                      │   a checkpoint: what a part knows
//	    │◄──── State* ─────┤                      │   in pieces, each after a More
//	    ├─ State* ────────►│                      │   the same where a job goes on, before Ready
//	    │◄──── More* ──────┤                      │
//	    ├─ Publish ───────►│                      │   the last evaluation is done
//	    │◄──── Reached ────┤                      │
//	    ├─ Measure ───────────────────────────────►│
//	    │◄──── Norms ──────────────────────────────┤
//	    ├─ Export ────────────────────────────────►│   the model, a shard at a time
//	    │◄──── Rows ───────────────────────────────┤
//	    ├─ Stop ──────────►├─────────────────────►│
//	    │◄──── Ledger ─────┤◄─── Ledger ──────────┤
//
// A role that cannot go on sends Failed. Cold messages are JSON, the others
// binary; every length is checked against what is there before it is used.
package control

import (
	"encoding/json"
	"errors"
	"fmt"

	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/roles/wire"
	"petuum/table/placement"
)

// The kinds of frames.
const (
	KindJob wire.Kind = 16 + iota
	KindScanned
	KindSetup
	KindReady
	KindRun
	KindReached
	KindBlocks
	KindEmitted
	KindEvaluate
	KindEval
	KindMeasure
	KindNorms
	KindExport
	KindRows
	KindStop
	KindLedger
	KindFailed
	KindBatch
	// A check-up; roles/doctor has the picture and the bodies.
	KindHere
	KindExamine
	KindProbe
	KindProbed
	KindFindings
	KindVerdict
	// A measurement; roles/bench has the picture and the bodies.
	KindBench
	KindBenched
	KindUsage
	KindUsed
	// A job that begins with a model, and one of several stages.
	KindLoad
	KindLoaded
	KindStage
	KindSum     // a piece of what Eval would be too long for
	KindPublish // parts that keep results to themselves write them
	// A job that keeps checkpoints, or goes on from one.
	KindSave
	KindState
	KindMore
	kindEnd
)

// Known reports whether a frame of kind k is one of these.
func Known(k wire.Kind) bool { return k >= KindJob && k < kindEnd }

// The names of the roles, as they stand in gossip tags and messages.
const (
	Scheduler = "scheduler"
	Server    = "server"
	Worker    = "worker"
)

// Job tells a role what it takes part in.
type Job struct {
	ID     string  `json:"id"`
	Config string  `json:"config"`           // the job's configuration, canonical TOML
	Name   string  `json:"name"`             // of the role: worker-0, server-1
	Seat   int     `json:"seat"`             // servers
	Parts  int     `json:"parts"`            // of the whole job
	Groups []Group `json:"groups,omitempty"` // workers: the origins that they carry
	Seats  int     `json:"seats"`            // servers of the job
}

// Group is an origin and its parts.
type Group struct {
	Origin consistency.Origin `json:"origin"`
	Parts  []int              `json:"parts"`
}

// Scanned is what a worker found in its parts.
type Scanned struct {
	Parts   []int          `json:"parts"`
	Infos   []dataset.Info `json:"infos"`
	Seconds float64        `json:"seconds"`

	Problems []string `json:"problems,omitempty"` // with the cache: a user is to know, the job goes on
}

// Setup tells a role what all parts must agree on.
type Setup struct {
	Info      dataset.Info        `json:"info"`
	Roster    placement.Roster    `json:"roster"`
	Placement placement.Placement `json:"placement"`
	Servers   []string            `json:"servers"` // data address by seat
	// Resume says that the job goes on from a checkpoint: origins start at its clock, and
	// State comes for each part.
	Resume bool `json:"resume,omitempty"`
}

// Stop ends the job for a role.
type Stop struct {
	Reason string `json:"reason"`
	Failed bool   `json:"failed"`
	Ledger bool   `json:"ledger"` // the job is done: report what you did
}

// Ended is the error of a role whose job ended for a reason that is not its own,
// and which others have told already.
type Ended struct{ Reason string }

func (e *Ended) Error() string { return e.Reason }

// ErrSchedulerDied is in the error of a role whose connection to the scheduler
// ended before the job did.
var ErrSchedulerDied = errors.New("the scheduler died")

// Failed is why a role cannot go on.
type Failed struct {
	Error string `json:"error"`
}

// Ledger is what a role did and waited for, in seconds.
type Ledger struct {
	Parts  []PartLedger  `json:"parts,omitempty"`
	Server *ServerLedger `json:"server,omitempty"`
	Wire   WireLedger    `json:"wire"`
}

// PartLedger says where the time of one part went. Each term is measured by
// itself; Unaccounted is what they leave of Wall.
type PartLedger struct {
	Part        int                `json:"part"`
	Wall        float64            `json:"wall"`
	Compute     float64            `json:"compute"`
	Evaluate    float64            `json:"evaluate"`
	Encode      float64            `json:"encode"`
	Decode      float64            `json:"decode"`
	Slowest     float64            `json:"slowest"` // waiting for the slowest origin
	SlowestBy   map[string]float64 `json:"slowest_by,omitempty"`
	Queue       float64            `json:"queue"`     // waiting for a server's queue
	Apply       float64            `json:"apply"`     // waiting while a server applied
	Wire        float64            `json:"wire"`      // waiting for what was on the wire
	Barrier     float64            `json:"barrier"`   // waiting at barriers for the others
	Scheduler   float64            `json:"scheduler"` // telling the scheduler, and waiting for its next word
	Unaccounted float64            `json:"unaccounted"`
	Clocks      uint64             `json:"clocks"`
	Blocked     uint64             `json:"blocked"`
}

// Plus adds up the times of both.
func (l PartLedger) Plus(o PartLedger) PartLedger {
	by := map[string]float64{}
	for _, m := range []map[string]float64{l.SlowestBy, o.SlowestBy} {
		for name, v := range m {
			by[name] += v
		}
	}
	return PartLedger{Part: l.Part, Wall: l.Wall + o.Wall, Compute: l.Compute + o.Compute, Evaluate: l.Evaluate + o.Evaluate,
		Encode: l.Encode + o.Encode, Decode: l.Decode + o.Decode, Slowest: l.Slowest + o.Slowest, SlowestBy: by,
		Queue: l.Queue + o.Queue, Apply: l.Apply + o.Apply, Wire: l.Wire + o.Wire, Barrier: l.Barrier + o.Barrier,
		Scheduler: l.Scheduler + o.Scheduler, Unaccounted: l.Unaccounted + o.Unaccounted,
		Clocks: l.Clocks + o.Clocks, Blocked: l.Blocked + o.Blocked}
}

// ServerLedger counts what the shards of a server did.
type ServerLedger struct {
	Updates    uint64  `json:"updates"`
	Duplicates uint64  `json:"duplicates"`
	Answers    uint64  `json:"answers"`
	Held       uint64  `json:"held"`
	Stalest    int64   `json:"stalest"` // clocks
	Saved      int64   `json:"saved"`   // bytes of answers, by what lossy tables round and keep back
	Queue      float64 `json:"queue"`   // seconds that messages waited for their shard
	Apply      float64 `json:"apply"`   // seconds in shards
}

// Used is what a process has used so far.
type Used struct {
	CPU float64 `json:"cpu"` // seconds, in user and system mode
}

// Encode makes the body of a cold message.
func Encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("control: %T: %v", v, err)) // our own types always encode
	}
	return b
}

// Decode reads the body of a cold message.
func Decode[T any](body []byte) (T, error) {
	var v T
	if err := json.Unmarshal(body, &v); err != nil {
		return v, fmt.Errorf("control: %T: %w", v, err)
	}
	return v, nil
}
