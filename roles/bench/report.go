package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"petuum/roles/control"
)

// Report is what was found. Rates are medians over the rounds, summed over the
// workers; GB are 10^9 bytes of values, one way.
type Report struct {
	Servers int `json:"servers"`
	Workers int `json:"workers"`
	Shards  int `json:"shards"`
	Dense   struct {
		Values   uint64  `json:"values"`
		PushGBPS float64 `json:"push_gbps"`
		PullGBPS float64 `json:"pull_gbps"`
		CPU      CPU     `json:"cpu"` // both ways together
	} `json:"dense"`
	Sparse struct {
		Keys       int     `json:"keys"`
		Flying     int     `json:"in_flight"`
		Push       float64 `json:"push_mvalues"`
		Pull       float64 `json:"pull_mvalues"`
		Cold       float64 `json:"cold_pull_mvalues"`
		TwoHolders float64 `json:"two_holders_mvalues"` // pushed and pulled, of both
		CPU        CPU     `json:"cpu"`                 // of push and pull
	} `json:"sparse"`
	Clock struct {
		P50 float64 `json:"p50_us"`
		P99 float64 `json:"p99_us"`
	} `json:"clock"`
	Small struct {
		Values int     `json:"values"` // changed in a clock
		P50    float64 `json:"p50_us"`
		P99    float64 `json:"p99_us"`
		Clocks float64 `json:"clocks_per_second"`
	} `json:"small"`
	Raw struct {
		GBPS float64 `json:"gbps"`
		RTT  float64 `json:"rtt_us_p50"`
		Slow float64 `json:"rtt_us_p99"` // what a clock's p99 is to be read beside
		CPU  CPU     `json:"cpu"`
	} `json:"raw"`
	Matched struct {
		GBPS float64 `json:"gbps"`
		CPU  CPU     `json:"cpu"`
	} `json:"matched"`
}

// CPU is seconds of processor a GB on either side; of bare TCP the lead is the
// servers' side.
type CPU struct {
	Servers float64 `json:"servers_s_per_gb"`
	Workers float64 `json:"workers_s_per_gb"`
}

// outcome is what the workers measured in one workload, and the CPU it took.
type outcome struct {
	measures         []Measure
	servers, workers float64 // CPU seconds
	lead             float64
}

// measure takes the measurement through its phases.
func (l *lead) measure(ctx context.Context) (*Report, error) {
	status := func(what string) {
		if l.o.Status != nil {
			l.o.Status(what)
		}
	}
	status(fmt.Sprintf("waiting for %d servers and %d workers to join %s", l.o.Config.Cluster.Servers, l.o.Config.Cluster.Workers, l.place.Cluster.Addr()))
	if err := l.peers.Gather(ctx, func(map[string]int) {}); err != nil {
		return nil, err
	}
	setup, err := l.setUp(ctx)
	if err != nil {
		return nil, err
	}
	r := &Report{Servers: l.o.Config.Cluster.Servers, Workers: l.o.Config.Cluster.Workers, Shards: len(setup.Placement.Seats)}
	r.Dense.Values, r.Sparse.Keys, r.Sparse.Flying = l.o.Dense, l.o.Keys, l.o.Flying
	const many = 200 // short rounds for each long one
	for _, work := range []string{WorkRTT, WorkRaw, WorkMatched, WorkStart, WorkDense, WorkSparse, WorkShared, WorkCold, WorkClock, WorkSmall} {
		status("measuring: " + work)
		t := Task{Work: work, Dense: l.o.Dense, Keys: l.o.Keys, Flying: l.o.Flying, Rounds: l.o.Rounds, For: l.o.For}
		switch work {
		case WorkStart:
			t.Setup = setup
		case WorkRTT, WorkRaw, WorkMatched:
			t.Sink = l.sink
		}
		if work == WorkRTT || work == WorkClock || work == WorkSmall {
			t.Rounds *= many
		}
		found, err := l.run(ctx, t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", work, err)
		}
		r.take(work, found)
	}
	return r, nil
}

// run gives every worker a task and waits for all.
func (l *lead) run(ctx context.Context, t Task) (o outcome, err error) {
	servers, workers, err := l.usage(ctx)
	if err != nil {
		return o, err
	}
	own := control.CPUSeconds()
	peers := l.peers.Of(control.Worker)
	o.measures = make([]Measure, len(peers))
	err = l.each(ctx, peers, control.KindBench, func(i int) []byte {
		mine := t
		mine.Worker = i
		return control.Encode(mine)
	}, control.KindBenched, func(i int, body []byte) (err error) {
		o.measures[i], err = control.Decode[Measure](body)
		return err
	})
	if err != nil {
		return o, err
	}
	o.lead = control.CPUSeconds() - own
	if o.servers, o.workers, err = l.usage(ctx); err != nil {
		return o, err
	}
	o.servers, o.workers = o.servers-servers, o.workers-workers
	return o, nil
}

// take adds the outcome of a workload.
func (r *Report) take(work string, o outcome) {
	const giga, mega, micro = 1e9, 1e6, 1e6
	push, pull, total := 0.0, 0.0, 0.0 // values a second, and values moved
	var times []float64
	perSecond := 0.0
	for _, m := range o.measures {
		push += rate(m.Values, m.Push)
		pull += rate(m.Values, m.Pull)
		total += float64(m.Values * (len(m.Push) + len(m.Pull)))
		times = append(append(times, m.Push...), m.Pull...)
		perSecond += m.PerSecond
	}
	slices.Sort(times)
	cpu := CPU{Servers: o.servers / (4 * total / giga), Workers: o.workers / (4 * total / giga)}
	switch work {
	case WorkRTT:
		r.Raw.RTT = quantile(times, 0.5) * micro
		r.Raw.Slow = quantile(times, 0.99) * micro
	case WorkRaw:
		r.Raw.GBPS, r.Raw.CPU = perSecond/giga, bare(o)
	case WorkMatched:
		r.Matched.GBPS, r.Matched.CPU = perSecond/giga, bare(o)
	case WorkDense:
		r.Dense.PushGBPS, r.Dense.PullGBPS, r.Dense.CPU = 4*push/giga, 4*pull/giga, cpu
	case WorkSparse:
		r.Sparse.Push, r.Sparse.Pull, r.Sparse.CPU = push/mega, pull/mega, cpu
	case WorkShared:
		r.Sparse.TwoHolders = 2 * push / mega
	case WorkCold:
		r.Sparse.Cold = pull / mega
	case WorkClock:
		r.Clock.P50, r.Clock.P99 = quantile(times, 0.5)*micro, quantile(times, 0.99)*micro
	case WorkSmall:
		r.Small.Values = o.measures[0].Values
		r.Small.P50, r.Small.P99 = quantile(times, 0.5)*micro, quantile(times, 0.99)*micro
		r.Small.Clocks = float64(len(o.measures)) / quantile(times, 0.5)
	}
}

// bare is the CPU of a stream of bare TCP, which ends at the lead.
func bare(o outcome) CPU {
	bytes := 0.0
	for _, m := range o.measures {
		bytes += float64(m.Bytes)
	}
	return CPU{Servers: o.lead / (bytes / 1e9), Workers: o.workers / (bytes / 1e9)}
}

// rate is values a second, of the median round.
func rate(values int, seconds []float64) float64 {
	if len(seconds) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(seconds))
	return float64(values) / quantile(sorted, 0.5)
}

// quantile of sorted numbers.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// JSON writes the report as one object.
func (r *Report) JSON(w io.Writer) error { return json.NewEncoder(w).Encode(r) }

// Text writes the report for people.
func (r *Report) Text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(what, figure, cpu, note string) { fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", what, figure, cpu, note) }
	gb := func(x float64) string { return fmt.Sprintf("%.2f GB/s", x) }
	of := func(x, y float64) string {
		return fmt.Sprintf("%.0f %% of matched TCP, %.0f %% of bare", 100*x/r.Matched.GBPS, 100*y)
	}
	cpu := func(c CPU) string { return fmt.Sprintf("%.2f + %.2f CPU s/GB", c.Servers, c.Workers) }
	fmt.Fprintf(t, "servers %d, workers %d, shards %d\n", r.Servers, r.Workers, r.Shards)
	line("bare TCP, 1 MiB frames", gb(r.Raw.GBPS), cpu(r.Raw.CPU), fmt.Sprintf("round trip %.1f us, p99 %.1f us", r.Raw.RTT, r.Raw.Slow))
	line("matched TCP", gb(r.Matched.GBPS), cpu(r.Matched.CPU), "a checksum, one copy out, one add in")
	line("dense push", gb(r.Dense.PushGBPS), cpu(r.Dense.CPU), of(r.Dense.PushGBPS, r.Dense.PushGBPS/r.Raw.GBPS))
	line("dense pull", gb(r.Dense.PullGBPS), "", of(r.Dense.PullGBPS, r.Dense.PullGBPS/r.Raw.GBPS))
	line("sparse push, held", fmt.Sprintf("%.0f M values/s", r.Sparse.Push), cpu(r.Sparse.CPU), fmt.Sprintf("%d keys of 2^32, %d updates on their way", r.Sparse.Keys, r.Sparse.Flying))
	line("sparse pull, held", fmt.Sprintf("%.0f M values/s", r.Sparse.Pull), "", "")
	line("sparse, two holders", fmt.Sprintf("%.0f M values/s", r.Sparse.TwoHolders), "", "pushed and pulled, half of the keys in common")
	line("sparse pull, cold", fmt.Sprintf("%.1f M values/s", r.Sparse.Cold), "", "keys that nobody held before")
	line("clock", fmt.Sprintf("%.1f us", r.Clock.P50), "", fmt.Sprintf("p99 %.1f us; %.1f round trips of bare TCP", r.Clock.P99, r.Clock.P50/r.Raw.RTT))
	line(fmt.Sprintf("clock with %d values", r.Small.Values), fmt.Sprintf("%.1f us", r.Small.P50), "", fmt.Sprintf("p99 %.1f us; %.0f clocks a second", r.Small.P99, r.Small.Clocks))
	return t.Flush()
}
