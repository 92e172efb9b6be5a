package kernels

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Report is what was found.
type Report struct {
	Paths   []string `json:"paths"` // that the machine has; it takes the last
	Seconds float64  `json:"seconds"`
	Machine Machine  `json:"machine"`
	Kernels []Figure `json:"kernels"`

	columns map[string][]string // by group
}

// Figure is one of a kernel.
type Figure struct {
	Group  string  `json:"group"`
	Kernel string  `json:"kernel"`
	Types  string  `json:"types"`         // of what is computed; before it, what is read where that differs
	Row    string  `json:"row,omitempty"` // length of sparse rows
	At     string  `json:"at"`            // where the values are, or how many there are
	NS     float64 `json:"ns"`            // an element
	Rate   float64 `json:"rate"`
	Unit   string  `json:"unit"` // of Rate and Machine
	// Machine is what the machine does: reads by a kernel that only reads, updates
	// or copies by one that writes, or arithmetic.
	Machine    float64 `json:"machine"`
	Share      float64 `json:"share"` // of Rate in that
	Plain      float64 `json:"plain_ns"`
	TimesPlain float64 `json:"times_plain"`
	Math       float64 `json:"math_ns,omitempty"` // of a loop of package math
	TimesMath  float64 `json:"times_math,omitempty"`

	limit limit // that Machine is
}

// compare fills in what the machine can do.
func (r *Report) compare(m Machine) {
	r.Machine = m
	for i := range r.Kernels {
		f := &r.Kernels[i]
		f.Machine = m.limit(f.limit)
		f.Share = f.Rate / f.Machine
	}
}

// JSON writes the report as one object.
func (r *Report) JSON(w io.Writer) error { return json.NewEncoder(w).Encode(r) }

// Text writes the report for people: lines of at most 100 characters.
func (r *Report) Text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "One thread. Paths of this machine: %s; it takes the last.\n", strings.Join(r.Paths, ", "))
	b.WriteString("Columns: GB/s (gemms: GFLOP/s), % of the machine's, ns an element, times as fast as plain Go.\n")
	r.Machine.text(&b)
	for _, g := range groups {
		var own []Figure
		for _, f := range r.Kernels {
			if f.Group == g.name {
				own = append(own, f)
			}
		}
		if len(own) > 0 {
			fmt.Fprintf(&b, "\n%s: %s\n", g.name, g.about)
			table(&b, r.columns[g.name], own)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

const (
	nameWidth = 20
	cellWidth = 20
)

func (m *Machine) text(b *strings.Builder) {
	b.WriteString("\nmachine: GB/s of memory of this size, and GFLOP/s of arithmetic\n")
	fmt.Fprintf(b, "%-*s", nameWidth, "")
	for _, w := range m.Bandwidth {
		fmt.Fprintf(b, "%*s", cellWidth, binary(w.Bytes))
	}
	for _, line := range []struct {
		what string
		of   func(Bandwidth) float64
	}{
		{"read", func(w Bandwidth) float64 { return w.Read }},
		{"copy", func(w Bandwidth) float64 { return w.Copy }},
		{"update", func(w Bandwidth) float64 { return w.Update }},
	} {
		fmt.Fprintf(b, "\n%-*s", nameWidth, line.what)
		for _, w := range m.Bandwidth {
			fmt.Fprintf(b, "%*s", cellWidth, digits(line.of(w), 4))
		}
	}
	b.WriteByte('\n')
	for _, p := range m.Peak {
		fmt.Fprintf(b, "%-*s  float32 %s, float64 %s GFLOP/s\n", nameWidth, p.Path, digits(p.Float32, 4), digits(p.Float64, 4))
	}
}

// table prints figures, a line for all that differ only in their column.
func table(b *strings.Builder, columns []string, figures []Figure) {
	type key struct{ kernel, types, row string }
	var order []key
	lines := map[key]map[string]Figure{}
	for _, f := range figures {
		k := key{f.Kernel, f.Types, f.Row}
		if lines[k] == nil {
			lines[k] = map[string]Figure{}
			order = append(order, k)
		}
		lines[k][f.At] = f
	}
	order = together(order, func(k key) string { return k.kernel })
	order = together(order, func(k key) string { return k.kernel + k.types })
	fmt.Fprintf(b, "%-*s", nameWidth, "")
	width := len(figures[0].cell())
	for _, c := range columns {
		fmt.Fprintf(b, "%*s", width, c)
	}
	b.WriteByte('\n')
	headed := ""
	for _, k := range order {
		name := k.kernel + " " + strings.ReplaceAll(k.types, "float", "f")
		if k.row != "" {
			if name != headed {
				fmt.Fprintln(b, name)
			}
			headed, name = name, "  "+k.row
		}
		fmt.Fprintf(b, "%-*s", nameWidth, name)
		for _, c := range columns {
			if f, ok := lines[k][c]; ok {
				b.WriteString(f.cell())
			} else { // not measured there
				fmt.Fprintf(b, "%*s", width, "")
			}
		}
		b.WriteByte('\n')
	}
}

// together puts what has the same name behind the first of them.
func together[K any](list []K, name func(K) string) (sorted []K) {
	at := map[string]int{}
	var sets [][]K
	for _, k := range list {
		n := name(k)
		if _, ok := at[n]; !ok {
			at[n] = len(sets)
			sets = append(sets, nil)
		}
		sets[at[n]] = append(sets[at[n]], k)
	}
	for _, s := range sets {
		sorted = append(sorted, s...)
	}
	return sorted
}

// cell is cellWidth wide, and more with a figure of package math.
func (f Figure) cell() string {
	cell := fmt.Sprintf("  %4s %3.0f %5s %3s", digits(f.Rate, 4), 100*f.Share, digits(f.NS, 5), digits(f.TimesPlain, 3))
	if f.Math > 0 {
		cell += fmt.Sprintf(" %5s", digits(f.TimesMath, 3)+"m")
	}
	return cell
}

// digits are those of a number that fit a width.
func digits(v float64, width int) (text string) {
	for decimals := width - 2; decimals >= 0; decimals-- {
		if text = fmt.Sprintf("%.*f", decimals, v); len(text) <= width {
			break
		}
	}
	return text
}
