package doctor

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"petuum/roles/control"
)

// Result is how a check came out.
type Result string

// The results. A job may run well with warnings.
const (
	OK   Result = "ok"
	Warn Result = "warn"
	Fail Result = "FAIL"
)

// ThisMachine is the process of checks that are about no process of the job.
const ThisMachine = "this machine"

// Check is one thing that was looked at.
type Check struct {
	Process string `json:"process"` // scheduler, server-1, or ThisMachine
	Name    string `json:"check"`
	Result  Result `json:"result"`
	Detail  string `json:"detail"`
	Fix     string `json:"fix,omitempty"` // what to do; not of what is ok
}

// Report is all checks, in the order of processes.
type Report struct{ Checks []Check }

// Count is the number of checks with a result.
func (r Report) Count(result Result) (n int) {
	for _, c := range r.Checks {
		if c.Result == result {
			n++
		}
	}
	return n
}

// Failed reports whether any check failed.
func (r Report) Failed() bool { return r.Count(Fail) > 0 }

// Add adds checks and keeps the order: this machine, scheduler, servers, workers.
func (r *Report) Add(checks ...Check) {
	r.Checks = append(r.Checks, checks...)
	slices.SortStableFunc(r.Checks, func(a, b Check) int { return compareProcesses(a.Process, b.Process) })
}

// compareProcesses orders by role and number.
func compareProcesses(a, b string) int {
	rank := func(name string) (int, int) {
		role, digits, _ := strings.Cut(name, "-")
		n, _ := strconv.Atoi(digits) // of a scheduler 0
		return slices.Index([]string{ThisMachine, control.Scheduler, control.Server, control.Worker}, role), n
	}
	ra, na := rank(a)
	rb, nb := rank(b)
	return cmp.Or(cmp.Compare(ra, rb), cmp.Compare(na, nb), cmp.Compare(a, b))
}

// Text prints a line for each check under the name of its process, and a line of
// counts.
func (r Report) Text(w io.Writer) error {
	var b strings.Builder
	process := ""
	for _, c := range r.Checks {
		if c.Process != process {
			process = c.Process
			fmt.Fprintln(&b, process)
		}
		fmt.Fprintf(&b, "  %-4s  %s: %s\n", c.Result, c.Name, oneLine(c.Detail))
		if c.Fix != "" {
			fmt.Fprintf(&b, "        fix: %s\n", oneLine(c.Fix))
		}
	}
	if b.Len() > 0 {
		fmt.Fprintln(&b)
	}
	fmt.Fprintf(&b, "%s: %d ok, %d warn, %d FAIL\n", plural(len(r.Checks), "check"), r.Count(OK), r.Count(Warn), r.Count(Fail))
	_, err := io.WriteString(w, b.String())
	return err
}

// oneLine joins the lines of an error.
func oneLine(s string) string { return strings.Join(strings.Split(strings.TrimSpace(s), "\n"), "; ") }

// document is a report as JSON.
type document struct {
	OK     bool    `json:"ok"` // nothing failed
	Warned int     `json:"warned"`
	Failed int     `json:"failed"`
	Checks []Check `json:"checks"`
}

// JSON prints one object.
func (r Report) JSON(w io.Writer) error {
	d := document{!r.Failed(), r.Count(Warn), r.Count(Fail), r.Checks}
	if d.Checks == nil {
		d.Checks = []Check{}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

// ReadJSON reads what JSON has printed.
func ReadJSON(text []byte) (Report, error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return Report{}, fmt.Errorf("doctor: report: %w", err)
	}
	return Report{d.Checks}, nil
}

// list gathers the checks of one process.
type list struct {
	process string
	checks  []Check
}

func (l *list) add(r Result, name, fix, detail string) {
	l.checks = append(l.checks, Check{l.process, name, r, detail, fix})
}

func (l *list) ok(name, format string, args ...any) {
	l.add(OK, name, "", fmt.Sprintf(format, args...))
}

func (l *list) warn(name, fix, format string, args ...any) {
	l.add(Warn, name, fix, fmt.Sprintf(format, args...))
}

func (l *list) fail(name, fix, format string, args ...any) {
	l.add(Fail, name, fix, fmt.Sprintf(format, args...))
}

func (l *list) failed() bool { return Report{l.checks}.Failed() }

// plain is an error without the name of the package that made it.
func plain(err error) string {
	text := err.Error()
	for _, name := range []string{"configs: ", "cluster: ", "dataset: ", "model: ", "wire: "} {
		text = strings.TrimPrefix(text, name)
	}
	return text
}

// plural is a number and what it counts: "1 check", "2 checks".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(uint64(n)) + " " + what + "s"
}

// thousands is a number with commas between groups of three digits.
func thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size is a number of bytes as people read it.
func size(n uint64) string {
	const unit = 1000
	if n < unit {
		return plural(int(n), "byte")
	}
	v, i := float64(n)/unit, 0
	for ; v >= unit && i < 5; i++ {
		v /= unit
	}
	return fmt.Sprintf("%.3g %cB", v, "kMGTPE"[i])
}
