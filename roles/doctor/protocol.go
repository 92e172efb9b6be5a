package doctor

import (
	"time"

	"petuum/roles/cluster"
	"petuum/roles/enlist"
)

// Here is what a role tells of itself when it comes.
type Here struct {
	Member cluster.Member `json:"member"` // as it stands in gossip
	Room   Room           `json:"room"`
}

// Process is who takes part, as everybody is told.
type Process struct {
	Name   string         `json:"name"` // in the job
	Role   string         `json:"role"`
	Member cluster.Member `json:"member"`
}

// Examine tells a role what to look at.
type Examine struct {
	Config    string    `json:"config"` // the job's, canonical TOML
	Name      string    `json:"name"`
	Seat      int       `json:"seat"`
	Processes []Process `json:"processes"` // all of them
}

// Probe asks the scheduler for its clock. Times are nanoseconds since 1970.
type Probe struct {
	Sent int64 `json:"sent"` // by the clock of who asks
}

// Probed is the scheduler's answer.
type Probed struct {
	Probe
	Received int64 `json:"received"` // by the scheduler's clock
	Answered int64 `json:"answered"`
}

// ahead is how far a clock is before the scheduler's, if the packets took the same
// time both ways, and the round trip, half of which is the most by which it can be wrong.
func (p Probed) ahead(arrived int64) (by, roundTrip time.Duration) {
	by = time.Duration((p.Sent-p.Received)+(arrived-p.Answered)) / 2
	return by, time.Duration((arrived - p.Sent) - (p.Answered - p.Received))
}

// Findings are what a role found out.
type Findings struct {
	Checks []Check `json:"checks"`
	Train  *Sample `json:"train,omitempty"` // workers that could read it
}

// Verdict is all that is said of a role. It ends the check-up.
type Verdict struct {
	Checks []Check `json:"checks"`
}

// Options of a process of a check-up.
type Options struct {
	enlist.Options
	Machine Machine
	Wait    time.Duration // how long roles, or the scheduler, may take to come
	// Among leaves out what concerns one machine alone: whoever started this
	// process has looked at that.
	Among bool
	// Scheduler only.
	Joined  func(addr string)                       // is told where others join
	Waiting func(missing map[string]int, at string) // is told whom it waits for; nil: nobody is
}

// DefaultWait is how long a check-up waits for processes to come.
const DefaultWait = 10 * time.Second
