package algos

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"petuum/consistency"
)

// Stop says when a job, or each stage of one, is done. What is zero does not apply. With nothing set a
// job stops at a relative gap or a relative change of the objective of 1e-6,
// whichever comes first; without epochs, clocks or seconds it stops after 1,000
// epochs at the latest. What StopOf says of jobs that stream comes before both.
type Stop struct {
	Epochs    int
	Clocks    int
	Seconds   float64  // of training, all stages together
	Tolerance float64  // relative gap where one is known, else relative change of the objective between evaluations
	Objective *float64 // reached when the objective is at or below
}

// StopOf is the rules of a job of an algorithm: where nothing is set and the data is
// read as it is learned from, the job is done after one pass.
func StopOf(a Algorithm, set Stop) Stop {
	if s, ok := a.(Streaming); ok && s.Streams() && set == (Stop{}) {
		return Stop{Epochs: 1}
	}
	return set
}

// The reasons to stop, as the summary names them.
const (
	ReasonEpochs    = "epochs"
	ReasonClocks    = "clocks"
	ReasonSeconds   = "seconds"
	ReasonTolerance = "tolerance"
	ReasonObjective = "objective"
	ReasonPatience  = "patience"
)

// Point is one evaluation on the curve of a job.
type Point struct {
	Clock     consistency.Clock `json:"clock"`
	Seconds   float64           `json:"seconds"`
	Objective float64           `json:"objective"`
	Gap       *float64          `json:"gap,omitempty"`
	Stage     *int              `json:"stage,omitempty"` // nil where the job has but one
}

// Director decides how far the parts run before the next barrier and when the
// job is done. It is pure: time is an argument.
type Director struct {
	stop     Stop
	settled  bool              // with nothing set: a small change is enough, though the gap is not
	first    consistency.Clock // first clock of the rounds: 1 after Prepare
	start    consistency.Clock // first clock of the stage
	perEpoch consistency.Clock
	every    consistency.Clock // clocks between evaluations
	curve    []Point
	last     *Eval
	held     float64           // the least that an evaluation came to on data held out
	best     consistency.Clock // of that evaluation; -1: of none
	waited   int               // evaluations since
	found    *Eval             // that one

	stages int     // 0: the job is not staged
	stage  int     // the one under way
	began  float64 // seconds at its begin
}

// NewDirector makes the director of a job whose rounds begin at start. every is
// the clocks between evaluations; 0: an epoch.
func NewDirector(stop Stop, start consistency.Clock, perEpoch, every int) *Director {
	settled := stop == Stop{}
	if settled {
		stop.Tolerance = 1e-6
	}
	if stop.Epochs == 0 && stop.Clocks == 0 && stop.Seconds == 0 {
		stop.Epochs = mostEpochs
	}
	perEpoch = max(perEpoch, 1)
	if every == 0 {
		every = perEpoch
	}
	return &Director{stop: stop, settled: settled, best: -1, first: start, start: start, perEpoch: consistency.Clock(perEpoch), every: min(consistency.Clock(every), far)}
}

// Leader is what a checkpoint has of the best evaluation so far.
type Leader struct {
	Clock     consistency.Clock  `json:"clock"`
	Objective float64            `json:"objective"`
	Held      float64            `json:"held"`
	Metrics   map[string]float64 `json:"metrics,omitempty"` // those that are finite
	Waited    int                `json:"waited"`            // evaluations since
}

// Leader is the best evaluation, nil if there is none or it is the last one, which Resume has
// made again.
func (d *Director) Leader() *Leader {
	if d.found == nil || d.waited == 0 {
		return nil
	}
	l := &Leader{Clock: d.best, Objective: d.found.Objective, Held: d.held, Metrics: map[string]float64{}, Waited: d.waited}
	for name, v := range d.found.Metrics {
		if finite(v) {
			l.Metrics[name] = v
		}
	}
	return l
}

// Resume has the job go on behind the evaluations of a curve, the last of which is of the
// clock of a checkpoint and is made again. The director was made for the begin of the job.
// best is what Leader returned.
func (d *Director) Resume(curve []Point, best *Leader) {
	if best != nil {
		e := NewEval(best.Clock)
		e.Objective, e.Held = best.Objective, best.Held
		maps.Copy(e.Metrics, best.Metrics)
		d.found, d.held, d.best, d.waited = e, best.Held, best.Clock, best.Waited-1
	}
	n := len(curve) - 1
	d.curve = slices.Clone(curve[:n])
	if n > 0 {
		d.last = NewEval(curve[n-1].Clock)
		d.last.Objective = curve[n-1].Objective
	}
}

// mostEpochs ends a job that nothing else ends.
const mostEpochs = 1000

// far is a clock that no job reaches. Larger settings count as this one, so that
// adding a clock to it does not overflow.
const far = consistency.Clock(math.MaxInt64 / 4)

// limit is the clock that epochs and clocks allow, and which of the two it is.
func (d *Director) limit() (consistency.Clock, string) {
	at, reason := consistency.Clock(math.MaxInt64), ""
	if d.stop.Epochs > 0 {
		at, reason = d.start+far, ReasonEpochs
		if n := consistency.Clock(d.stop.Epochs); n <= far/d.perEpoch {
			at = d.start + n*d.perEpoch
		}
	}
	if c := d.start + min(consistency.Clock(d.stop.Clocks), far); d.stop.Clocks > 0 && c < at {
		at, reason = c, ReasonClocks
	}
	return at, reason
}

// Until is the clock of the next barrier for parts that have reached at. With a
// limit of time it may come before the next evaluation: pace is the seconds a
// clock has taken so far, 0 if unknown.
func (d *Director) Until(at consistency.Clock, pace, seconds float64) consistency.Clock {
	until := at + d.every - (at-d.start)%d.every
	if limit, _ := d.limit(); until > limit {
		until = limit
	}
	if d.stop.Seconds > 0 {
		chunk := consistency.Clock(1)
		if pace > 0 {
			left := math.Min(d.stop.Seconds-seconds, 1)
			chunk = consistency.Clock(math.Max(1, math.Min(left/pace, 1e9)))
		}
		until = min(until, at+chunk)
	}
	return max(until, at)
}

// Due reports whether an evaluation is due at a barrier, and whether time is up,
// after which there is none but that.
func (d *Director) Due(at consistency.Clock, seconds float64) bool {
	limit, _ := d.limit()
	return at >= limit || (at-d.start)%d.every == 0 || d.out(seconds)
}

func (d *Director) out(seconds float64) bool {
	return d.stop.Seconds > 0 && seconds >= d.stop.Seconds
}

// Evaluated takes a concluded evaluation and says whether the job is done, and
// why. It is an error if the objective is no longer a number.
func (d *Director) Evaluated(e *Eval, seconds float64) (reason string, err error) {
	p := Point{Clock: e.Clock, Seconds: seconds, Objective: e.Objective}
	if finite(e.Gap) {
		gap := e.Gap
		p.Gap = &gap
	}
	if d.stages > 1 {
		stage := d.stage
		p.Stage = &stage
	}
	if !finite(e.Objective) {
		return "", fmt.Errorf("the objective became %v at clock %d: the job diverged; take a smaller step, block or slack, or scale values that are very large", e.Objective, e.Clock)
	}
	before := d.last
	d.curve, d.last = append(d.curve, p), e
	d.compare(e)
	switch limit, reason := d.limit(); {
	case d.stop.Objective != nil && e.Objective <= *d.stop.Objective:
		return ReasonObjective, nil
	case d.stop.Tolerance > 0 && d.converged(before, e):
		return ReasonTolerance, nil
	case e.Patience > 0 && d.waited >= e.Patience:
		return ReasonPatience, nil
	case e.Clock >= limit:
		return reason, nil
	case d.out(seconds):
		return ReasonSeconds, nil
	}
	return "", nil
}

// compare holds an evaluation against the best so far.
func (d *Director) compare(e *Eval) {
	d.waited++
	if finite(e.Held) && (d.best < 0 || e.Held < d.held) {
		d.held, d.best, d.waited, d.found = e.Held, e.Clock, 0, e
	}
}

// Best is the clock of the evaluation with the least Held, the first of them; -1 if none
// has any.
func (d *Director) Best() consistency.Clock { return d.best }

// Result is the evaluation that the model is of: the best one where the job has patience
// and parts keep what they had then, else the last.
func (d *Director) Result() *Eval {
	if d.last != nil && d.last.Patience > 0 && d.found != nil {
		return d.found
	}
	return d.last
}

func (d *Director) converged(before, e *Eval) bool {
	if finite(e.Gap) {
		scale := e.Scale
		if scale == 0 {
			scale = math.Abs(e.Objective)
		}
		if e.Gap <= d.stop.Tolerance*scale || !d.settled {
			return e.Gap <= d.stop.Tolerance*scale
		}
	}
	if before == nil || e.Clock == before.Clock || e.Unsettled {
		return false
	}
	was := before.Objective
	if !math.IsNaN(e.Before) {
		was = e.Before
	}
	return math.Abs(was-e.Objective) <= d.stop.Tolerance*math.Abs(e.Objective)
}

// Curve is the evaluations so far.
func (d *Director) Curve() []Point { return d.curve }

// Epochs is the passes over the data that a clock amounts to.
func (d *Director) Epochs(at consistency.Clock) float64 {
	return float64(at-d.first) / float64(d.perEpoch)
}

// StageResult is what one stage of a job came to: its last evaluation.
type StageResult struct {
	Stage      int                `json:"stage"`
	Clock      consistency.Clock  `json:"clock"`   // of the job, when it ended
	Epochs     float64            `json:"epochs"`  // that it took
	Seconds    float64            `json:"seconds"` // that it trained
	Objective  float64            `json:"objective"`
	Gap        *float64           `json:"gap,omitempty"`
	Metrics    map[string]float64 `json:"metrics"`
	StopReason string             `json:"stop_reason"`
}

// Staged tells the director of a staged job how many stages there are, before
// anything is evaluated.
func (d *Director) Staged(stages int) { d.stages = stages }

// Ended is the result of the stage under way, which has ended for a reason at clock
// reached. An evaluation of later clocks, with which lossy tables settle, counts.
func (d *Director) Ended(reason string, reached consistency.Clock) StageResult {
	p := d.curve[len(d.curve)-1]
	return StageResult{Stage: d.stage, Clock: p.Clock, Epochs: float64(reached-d.start) / float64(d.perEpoch), Seconds: p.Seconds - d.began,
		Objective: p.Objective, Gap: p.Gap, Metrics: maps.Clone(d.last.Metrics), StopReason: reason}
}

// Next begins the stage after one that has ended for a reason, at the clock of the
// last evaluation. If there is to be none it says why the job stops: for the same
// reason, or because time is up.
func (d *Director) Next(reason string, seconds float64) (stage int, stop string) {
	switch {
	case d.stage+1 >= d.stages:
		return d.stage, reason
	case reason == ReasonSeconds || d.out(seconds):
		return d.stage, ReasonSeconds
	}
	d.stage++
	d.start, d.began = d.last.Clock, seconds
	return d.stage, ""
}
