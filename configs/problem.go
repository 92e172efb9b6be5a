package configs

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A place is where a value was written: a line of a file, or an override.
type place struct {
	file  string
	line  int    // from 1; 0 if the problem is with the file as a whole
	given string // the override as the user gave it, such as "--bind ::"; "" for a file
	label string // its label, such as "--bind"
	nth   int    // which override, from 1
}

func (p place) String() string {
	switch {
	case p.given != "":
		return p.given
	case p.file == "":
		return "no file"
	case p.line == 0:
		return p.file
	}
	return fmt.Sprintf("%s:%d", p.file, p.line)
}

// A Problem is one thing that is wrong with a configuration.
type Problem struct {
	Key     string // such as "cluster.servers"; "" if no key could be read
	What    string // what is wrong
	Nearest string // the valid name closest to a wrong one; "" if names don't matter

	at place
}

// Line is the line of the file the problem is on, from 1; 0 if it is not on a
// line but in an override or in something that is missing.
func (p Problem) Line() int { return p.at.line }

// Error is "file:line: section.key: what is wrong" or, for an override, "--set
// section.key=value: what is wrong", always on one line.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.at.String())
	if p.Key != "" && p.at.given == "" {
		b.WriteString(": " + printable(p.Key))
	}
	b.WriteString(": " + p.What)
	if p.Nearest != "" {
		fmt.Fprintf(&b, "; nearest valid name %q", p.Nearest)
	}
	return b.String()
}

// Errors is every problem of a configuration: those of the file by line, then
// what the file lacks, then those of overrides in their order.
type Errors []Problem

// Error is one problem on each line.
func (e Errors) Error() string {
	lines := make([]string, 0, mostLines+1)
	for i, p := range e {
		if i == mostLines {
			lines = append(lines, fmt.Sprintf("and %d more like these: is this a TOML file?", len(e)-i))
			break
		}
		lines = append(lines, p.Error())
	}
	return strings.Join(lines, "\n")
}

// mostLines is how many problems are printed; a file with more is something else.
const mostLines = 20

// Unwrap gives errors.As each [Problem].
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, p := range e {
		errs[i] = p
	}
	return errs
}

// Join puts the problems of both together in their order, each once, so that a
// user is told all at once; nil if there are none. An error that is no [Errors]
// is returned as it is: then there is no configuration to speak of.
func Join(a, b error) error {
	var all Errors
	seen := map[string]bool{}
	for _, err := range []error{a, b} {
		var list Errors
		if err != nil && !errors.As(err, &list) {
			return err
		}
		for _, p := range list {
			if !seen[p.Error()] {
				all = append(all, p)
				seen[p.Error()] = true
			}
		}
	}
	return all.sorted()
}

// sorted is the error to return: nil if there is no problem.
func (e Errors) sorted() error {
	if len(e) == 0 {
		return nil
	}
	slices.SortStableFunc(e, func(a, b Problem) int {
		if a.at.nth != b.at.nth {
			return a.at.nth - b.at.nth
		}
		const last = maxText + 1 // lines are fewer than bytes
		rank := func(line int) int {
			if line == 0 {
				return last
			}
			return line
		}
		return rank(a.at.line) - rank(b.at.line)
	})
	return e
}

// Nearest is the one of names that is closest to a wrong name; "" if there are
// no names.
func Nearest(name string, names []string) string { return nearest(name, names) }

// nearest is the name with the fewest edits (insert, delete, replace, swap of
// neighbours; case is ignored) from name; the first of several.
func nearest(name string, names []string) string {
	best, least := "", -1
	for _, n := range names {
		if d := edits(name, n); least < 0 || d < least {
			best, least = n, d
		}
	}
	return best
}

// edits is the edit distance of the first 64 runes: enough to tell names apart,
// and bounded whatever a file holds.
func edits(s, t string) int {
	a, b := folded(s), folded(t)
	older, old, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range old {
		old[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(old[j+1]+1, row[j]+1, old[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], older[j-1]+1)
			}
		}
		older, old, row = old, row, older
	}
	return old[len(b)]
}

func folded(s string) []rune {
	r := []rune(strings.ToLower(s[:min(len(s), 64*utf8.UTFMax)]))
	return r[:min(len(r), 64)]
}

// printable is oneLine for text of any length, which it cuts.
func printable(s string) string {
	const most = 200
	if r := []rune(s[:min(len(s), (most+1)*utf8.UTFMax)]); len(r) > most {
		s = string(r[:most]) + "..."
	}
	return oneLine(s)
}

// oneLine keeps a message readable: text with anything that does not print is
// quoted.
func oneLine(s string) string {
	for _, r := range s {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return strconv.Quote(s)
		}
	}
	return s
}
