package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"petuum/algos/dataset"
)

// LoadReport says how fast an input was loaded. Seconds are of the clock, bytes of
// memory those of the parts' matrices.
type LoadReport struct {
	Parts    int     `json:"parts"`
	Stored   int64   `json:"stored_bytes"` // of the files
	Rows     uint64  `json:"rows"`
	Features uint64  `json:"features"`
	NonZeros uint64  `json:"nonzeros"`
	Cached   bool    `json:"cached"`          // all parts came from the cache
	Mapped   bool    `json:"mapped"`          // the input is binary
	Scan     float64 `json:"scan_seconds"`    // reading and parsing, or opening caches
	Place    float64 `json:"parts_seconds"`   // features to columns, and writing caches
	Pass     float64 `json:"pass_seconds"`    // the product of each row and a vector, a goroutine a part
	Columns  float64 `json:"columns_seconds"` // by column as well; 0 if that was not asked for
	Loaded   int64   `json:"loaded_bytes"`
	Peak     int64   `json:"peak_bytes"` // of the process until then; 0 where the system does not tell

	Notes []dataset.Note `json:"notes"`
}

// Load reads an input as one process of a job would that has all of its parts.
// Where columns is set it makes the transposed matrices, too. With o.Columns the matrices
// are by column alone, and so is the pass.
func Load(paths []string, o dataset.Options, parts int, columns bool) (LoadReport, error) {
	r := LoadReport{Parts: parts}
	all := make([]int, parts)
	for p := range all {
		all[p] = p
	}
	last := time.Now()
	lap := func(seconds *float64) {
		now := time.Now()
		*seconds, last = now.Sub(last).Seconds(), now
	}
	s, err := dataset.Scan(paths, o, all, parts)
	if err != nil {
		return r, err
	}
	lap(&r.Scan)
	var info dataset.Info
	for _, p := range all {
		if info, err = info.Merge(s.Info(p)); err != nil {
			return r, err
		}
	}
	data, err := s.Parts(info)
	if err != nil {
		return r, err
	}
	lap(&r.Place)
	if sum := pass(data); math.IsNaN(sum) { // so that nobody can leave the pass out
		return r, fmt.Errorf("bench load: %s: the sum of all values is not a number", paths[0])
	}
	lap(&r.Pass)
	r.Peak = peak()
	if columns {
		last = time.Now()
		each(data, func(p *dataset.Part) { p.X = p.ByColumn() })
		lap(&r.Columns)
	}
	r.Stored, r.Rows, r.Features, r.NonZeros = info.Bytes(), info.Rows, info.Features, info.NonZeros
	r.Mapped = info.Format == dataset.Binary
	r.Notes, r.Cached = s.Notes(), s.Cached() == parts
	for _, p := range data {
		x := p.X
		if o.Columns {
			x = p.ByColumn()
		}
		r.Loaded += int64(x.Bytes()) + int64(12*len(p.Labels)+8*len(p.Keys))
	}
	return r, nil
}

// each works on all parts at once.
func each(data []*dataset.Part, do func(p *dataset.Part)) {
	var wg sync.WaitGroup
	for _, p := range data {
		wg.Go(func() { do(p) })
	}
	wg.Wait()
}

// pass adds up the products of all rows and a vector of ones.
func pass(data []*dataset.Part) (total float64) {
	sums := make([]float64, len(data))
	each(data, func(p *dataset.Part) {
		x := p.X
		if x.Rows() == 0 && p.Positions() > 0 {
			x = p.ByColumn()
		}
		v := make([]float64, x.Cols())
		for j := range v {
			v[j] = 1
		}
		sum := 0.0
		for i := range x.Rows() {
			sum += x.Dot(i, v)
		}
		sums[p.Index] = sum
	})
	for _, sum := range sums {
		total += sum
	}
	return total
}

// peak is the most memory that the process had so far, 0 if that is not known.
func peak() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// JSON writes the report as one object.
func (r LoadReport) JSON(w io.Writer) error { return json.NewEncoder(w).Encode(r) }

// Text writes the report for people.
func (r LoadReport) Text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	mb := func(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
	total := r.Scan + r.Place
	how := "parsed"
	switch {
	case r.Mapped:
		how = "mapped"
	case r.Cached:
		how = "mapped from the cache"
	}
	fmt.Fprintf(t, "input\t%s\t%d rows, %d features, %d values, %d parts\n", mb(r.Stored), r.Rows, r.Features, r.NonZeros, r.Parts)
	fmt.Fprintf(t, "loaded\t%.3f s\t%s: %.0f MB/s, %.1f M values/s (%.3f + %.3f s)\n", total, how,
		float64(r.Stored)/1e6/total, float64(r.NonZeros)/1e6/total, r.Scan, r.Place)
	fmt.Fprintf(t, "first pass\t%.3f s\t%.1f M values/s\n", r.Pass, float64(r.NonZeros)/1e6/r.Pass)
	if r.Columns > 0 {
		fmt.Fprintf(t, "by column\t%.3f s\t%.1f M values/s\n", r.Columns, float64(r.NonZeros)/1e6/r.Columns)
	}
	fmt.Fprintf(t, "memory\t%s\tloaded", mb(r.Loaded))
	if r.Peak > 0 {
		fmt.Fprintf(t, "; %s at most, with the program", mb(r.Peak))
	}
	fmt.Fprintln(t)
	for _, note := range r.Notes {
		fmt.Fprintf(t, "cache\t\t%s\n", note.Text)
	}
	return t.Flush()
}
