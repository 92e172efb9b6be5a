package scheduler

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"petuum/algos"
)

// plainEvery is the least time between two lines of progress where there is no
// terminal to rewrite.
const plainEvery = time.Second

// progress tells people how far the job is: on a terminal in one line that is
// rewritten, elsewhere in plain lines, now and then.
type progress struct {
	w     io.Writer
	width func() int // columns of the terminal; nil if it is none
	// patient keeps from plain lines who has not joined yet for a moment: roles that
	// the same command starts will come.
	patient bool
	open    bool   // the terminal's line is not ended
	stage   string // "stage 2/5  " of a job of stages
	held    string // what was not told since the last line that was
	last    time.Time
	wrote   string
}

func newProgress(w io.Writer, width func() int, patient bool) *progress {
	if w == nil {
		w = io.Discard
	}
	p := &progress{w: w, width: width, patient: patient}
	if patient {
		p.last = time.Now()
	}
	return p
}

// Status tells of a phase.
func (p *progress) Status(format string, args ...any) { p.line(fmt.Sprintf(format, args...), true) }

// Say tells a sentence that stays, in a line of its own.
func (p *progress) Say(sentence string) {
	if p.open {
		fmt.Fprintln(p.w)
		p.open, p.wrote = false, ""
	}
	fmt.Fprintln(p.w, sentence)
}

// Waiting tells who has not joined yet.
func (p *progress) Waiting(servers, workers int, addr string) {
	var who []string
	for name, n := range map[string]int{"server": servers, "worker": workers} {
		switch {
		case n == 1:
			who = append(who, "1 "+name)
		case n > 1:
			who = append(who, fmt.Sprintf("%d %ss", n, name))
		}
	}
	slices.Sort(who)
	p.line(fmt.Sprintf("waiting for %s to join %s", strings.Join(who, " and "), addr), !p.patient)
}

// Evaluated tells of an evaluation.
func (p *progress) Evaluated(e *algos.Eval, epochs, seconds float64) {
	var b strings.Builder
	b.WriteString(p.stage)
	fmt.Fprintf(&b, "clock %d  epoch %.3g  %.1f s  objective %.8g", e.Clock, epochs, seconds, e.Objective)
	if !math.IsNaN(e.Gap) && !math.IsInf(e.Gap, 0) {
		fmt.Fprintf(&b, "  gap %.2g", e.Gap)
	}
	names := make([]string, 0, len(e.Metrics))
	for name := range e.Metrics {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if strings.HasPrefix(name, "train_") || name == "nonzeros" || name == "kkt_filtered" {
			fmt.Fprintf(&b, "  %s %.5g", strings.TrimPrefix(name, "train_"), e.Metrics[name])
		}
	}
	p.line(b.String(), false)
}

func (p *progress) line(text string, always bool) {
	if text == p.wrote {
		return
	}
	if p.width != nil {
		p.wrote, p.open = text, true
		if n := p.width(); n > 1 && len(text) >= n { // a line that wraps cannot be rewritten
			text = text[:n-1]
			if i := strings.LastIndex(text, "  "); i > 0 { // half a number would be another one
				text = text[:i]
			}
		}
		fmt.Fprintf(p.w, "\r\x1b[K%s", text)
		return
	}
	if always || time.Since(p.last) >= plainEvery {
		p.wrote, p.held, p.last = text, "", time.Now()
		fmt.Fprintln(p.w, text)
		return
	}
	p.held = text
}

// Ended tells of the last evaluation, if it was not told.
func (p *progress) Ended() {
	if p.held != "" {
		p.line(p.held, true)
	}
}

// Stage tells from now on that a stage of so many, the first of which is 0, is under
// way.
func (p *progress) Stage(stage, stages int) {
	p.stage = fmt.Sprintf("stage %d/%d  ", stage+1, stages)
}

// End ends the terminal's line.
func (p *progress) End() {
	if p.open {
		fmt.Fprintln(p.w)
		p.open = false
	}
}
