package scheduler

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"text/tabwriter"

	"petuum/algos"
	"petuum/roles/control"
)

// Summary is the result of a job, as --json prints it.
type Summary struct {
	Job        string             `json:"job"`
	Algorithm  string             `json:"algorithm"`
	Objective  float64            `json:"objective"`
	Gap        *float64           `json:"gap,omitempty"`
	Metrics    map[string]float64 `json:"metrics"`
	Clocks     int64              `json:"clocks"`
	Rounds     int64              `json:"rounds"` // 0 where nothing is scheduled
	Epochs     float64            `json:"epochs"`
	StopReason string             `json:"stop_reason"`
	Choices    []string           `json:"choices,omitempty"` // of the algorithm, each with its reason
	Seconds    struct {
		Start float64 `json:"start"` // until all roles were there
		Load  float64 `json:"load"`  // reading the data, making tables and views
		Train float64 `json:"train"` // without what it took to write and test the models of stages
		Total float64 `json:"total"`
	} `json:"seconds"`
	Bytes   control.WireLedger     `json:"bytes"` // of all processes; docs/architecture.md says what each number is
	Wait    Wait                   `json:"wait"`
	Servers []control.ServerLedger `json:"server_ledgers"`

	Scheduling *Scheduling `json:"scheduling,omitempty"` // of rounds; none where nothing is scheduled

	NumWorkers int           `json:"workers"`
	NumServers int           `json:"servers"`
	Parts      int           `json:"parts"`
	Policy     string        `json:"policy"`
	Model      string        `json:"model"` // directory; "" if none was asked for
	Curve      []algos.Point `json:"curve"`
	Path       []Stage       `json:"path,omitempty"` // the stages; none where the job has but one
}

// Stage is one stage of a job.
type Stage struct {
	algos.StageResult
	Model string `json:"model,omitempty"` // directory; "" if none was asked for
}

// Wait is the wait ledger: the sum over the parts, and each part.
type Wait struct {
	Sum   control.PartLedger   `json:"sum"`
	Parts []control.PartLedger `json:"parts"`
}

// settle adds up what the roles report. own are the scheduler's connections.
func (s *Summary) settle(ledgers []control.Ledger, own control.WireLedger) {
	s.Bytes = own
	s.Wait.Parts = []control.PartLedger{}
	for _, l := range ledgers {
		s.Bytes = s.Bytes.Plus(l.Wire)
		s.Wait.Parts = append(s.Wait.Parts, l.Parts...)
		if l.Server != nil {
			s.Servers = append(s.Servers, *l.Server)
			s.Bytes.Answers.Raw += l.Server.Saved
		}
	}
	s.Bytes = s.Bytes.Settled()
	slices.SortFunc(s.Wait.Parts, func(a, b control.PartLedger) int { return cmp.Compare(a.Part, b.Part) })
	s.Wait.Sum = control.PartLedger{Part: -1}
	for _, p := range s.Wait.Parts {
		s.Wait.Sum = s.Wait.Sum.Plus(p)
	}
}

// JSON writes the summary as one JSON object. Numbers that JSON has not are left
// out of the metrics.
func (s *Summary) JSON(w io.Writer) error {
	c := *s
	c.Metrics = numbers(s.Metrics)
	c.Path = slices.Clone(s.Path)
	for i := range c.Path {
		c.Path[i].Metrics = numbers(c.Path[i].Metrics)
	}
	b, err := json.Marshal(&c)
	if err != nil {
		return fmt.Errorf("scheduler: summary: %w", err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// numbers are the metrics that JSON can say.
func numbers(metrics map[string]float64) map[string]float64 {
	some := map[string]float64{}
	for name, v := range metrics {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			some[name] = v
		}
	}
	return some
}

// Text writes the summary for people.
func (s *Summary) Text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(t, "%s\t"+format+"\n", append([]any{name}, args...)...)
	}
	row("objective", "%.9g", s.Objective)
	if s.Gap != nil {
		row("gap", "%.3g", *s.Gap)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Metrics)) {
		row(name, "%.6g", s.Metrics[name])
	}
	for _, choice := range s.Choices {
		row("chosen", "%s", choice)
	}
	for _, p := range s.Path {
		row(fmt.Sprintf("stage %d", p.Stage), "objective %.9g, stopped by %s after %.4g epochs", p.Objective, p.StopReason, p.Epochs)
	}
	row("stopped by", "%s after %d clocks, %.4g epochs", s.StopReason, s.Clocks, s.Epochs)
	row("seconds", "%.2f: start %.2f, load %.2f, train %.2f", s.Seconds.Total, s.Seconds.Start, s.Seconds.Load, s.Seconds.Train)
	if sum := s.Wait.Sum; sum.Wall > 0 {
		pct := func(v float64) float64 { return 100 * v / sum.Wall }
		row("parts' time", "compute %.0f%%, evaluate %.0f%%, encode and decode %.0f%%, waiting: slowest part %.0f%%, server queue %.0f%%, apply %.0f%%, wire %.0f%%, barrier %.0f%%, scheduler %.0f%%; unaccounted %.1f%%",
			pct(sum.Compute), pct(sum.Evaluate), pct(sum.Encode+sum.Decode), pct(sum.Slowest), pct(sum.Queue), pct(sum.Apply), pct(sum.Wire), pct(sum.Barrier), pct(sum.Scheduler), pct(sum.Unaccounted))
	}
	if r := s.Scheduling; r != nil {
		row("rounds", "%.4g a second: schedule %.3g s, push %.3g s a part, pull %.3g s, waiting for pushes %.3g s; overhead %.3g µs a round",
			r.RoundsPerSecond, r.Schedule, r.Push, r.Pull, r.Wait, r.Overhead)
	}
	row("bytes sent", "%d (%d before encoding)", s.Bytes.Sent, s.Bytes.Raw)
	if f := s.Bytes.Compression; f.Updates.All+f.Answers.All > 0 {
		u, a := s.Bytes.Updates, s.Bytes.Answers
		row("updates", "%d bytes (%d before encoding), %d of %d frames compressed; answers %d (%d), %d of %d",
			u.Sent, u.Raw, f.Updates.Compressed, f.Updates.All, a.Sent, a.Raw, f.Answers.Compressed, f.Answers.All)
	}
	if s.Model != "" {
		row("model", "%s", s.Model)
	}
	return t.Flush()
}
