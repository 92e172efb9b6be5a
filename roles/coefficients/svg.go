package coefficients

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"petuum/algos/model"
)

// Lengths of the plot, in pixels.
const (
	width       = 900
	left        = 70  // of the panels
	right       = 690 // of them; names are to the right of it
	top         = 75  // of the upper panel
	tall        = 420 // the upper panel,
	low         = 220 // and the lower one
	foot        = 55  // below a panel
	head        = 40  // above the lower one
	lineHeight  = 13
	mostLabels  = 10
	longestName = 30 // characters of a label
)

// colors are of lines, told apart by most eyes (Tableau 10).
var colors = []string{"#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f", "#b07aa1", "#edc948", "#ff9da7", "#9c755f", "#7f7f7f"}

//go:embed plot.svg
var plotSource string

var plotTemplate = template.Must(template.New("plot").Parse(plotSource))

// plot is what the template draws: texts, and places that are texts, too.
type plot struct {
	Width, Height, Left int
	Title, Subtitle     string
	Panels              []panel
}

// panel is a frame and what is in and around it. Texts and coordinates that a method
// below sets are ready to be written.
type panel struct {
	X, Y, W, H string
	Grid       []string
	Zero       string
	Texts      []text
	Aside      *text // the title of the vertical axis
	Lines      []stroke
	Points     []point
	Marks      []mark
	Labels     []label

	x, y scale
}

type text struct{ X, Y, Anchor, Text string }

type stroke struct{ Path, Color, Thick, Opacity, Title string }

type point struct{ Path, X, Y, Title string }

type mark struct{ Path, X, Y, Text string }

type label struct{ Path, Color, X, Y, Text string }

// SVG draws the coefficients against the penalty, strong penalties on the left, with the
// number of coefficients that are not 0 above. Stages with a cross-validated error have
// a panel of these below, with a bar of one standard error each way. The same path makes
// the same bytes.
func (p *Path) SVG(w io.Writer) error {
	height := top + tall + foot
	d := plot{Width: width, Left: left, Title: printable("Coefficients of " + p.Job + " (" + p.Algorithm + ")"),
		Subtitle: fmt.Sprintf("%d stages; %d coefficients are once not 0", len(p.Stages), p.Ever)}
	if n := len(p.Lines); n < p.Ever {
		d.Subtitle += fmt.Sprintf(", drawn are the %d largest", n)
	}
	d.Panels = []panel{p.lines()}
	if p.have("cv_error") {
		d.Panels = append(d.Panels, p.errors(float64(height+head)))
		height += head + low + foot
	}
	d.Height = height
	if err := plotTemplate.Execute(w, d); err != nil {
		return fmt.Errorf("coefficients: the plot: %w", err)
	}
	return nil
}

// logarithmic reports whether all stages have a penalty that has a logarithm.
func (p *Path) logarithmic() bool {
	return !slices.ContainsFunc(p.Stages, func(s Stage) bool { return s.Lambda == nil || !(*s.Lambda > 0) || math.IsInf(*s.Lambda, 1) })
}

// across is where a stage is on the horizontal axis: the logarithm of its penalty, or
// its number where there is none.
func (p *Path) across(stage int) float64 {
	if p.logarithmic() {
		return math.Log(*p.Stages[stage].Lambda)
	}
	return float64(stage)
}

// frame begins a panel at a height, for values from least to most.
func (p *Path) frame(at, high, least, most float64, title string) panel {
	if !(least < most) {
		least, most = least-1, most+1
	}
	least, most = least-0.04*(most-least), most+0.04*(most-least)
	from, to := p.across(0), p.across(len(p.Stages)-1)
	d := panel{X: pixels(left), Y: pixels(at), W: pixels(right - left), H: pixels(high),
		x: scale{from, to, left + 10, right - 10}, y: scale{least, most, at + high, at}}
	values, texts := ticks(least, most, 8)
	for i, v := range values {
		d.Grid = append(d.Grid, fmt.Sprintf("M%d %sH%d", left, pixels(d.y.at(v)), right))
		d.Texts = append(d.Texts, text{pixels(left - 6), pixels(d.y.at(v) + 4), "end", texts[i]})
	}
	if least < 0 && most > 0 {
		d.Zero = fmt.Sprintf("M%d %sH%d", left, pixels(d.y.at(0)), right)
	}
	d.Aside = &text{"18", pixels(at + high/2), "middle", title}
	values, texts = ticks(min(from, to), max(from, to), 8)
	for i, v := range values {
		x := pixels(d.x.at(v))
		d.Grid = append(d.Grid, fmt.Sprintf("M%s %sV%s", x, pixels(at), pixels(at+high)))
		d.Texts = append(d.Texts, text{x, pixels(at + high + 16), "middle", texts[i]},
			text{x, pixels(at - 6), "middle", fmt.Sprint(p.Stages[p.nearest(v)].NonZeros)})
	}
	name := "log(lambda)"
	if !p.logarithmic() {
		name = "stage"
	}
	d.Texts = append(d.Texts, text{pixels((left + right) / 2), pixels(at + high + 36), "middle", name},
		text{pixels(right + 10), pixels(at - 6), "start", "coefficients not 0"})
	d.Marks = p.marks(d.x, at, high)
	return d
}

// nearest is the stage nearest to a place on the horizontal axis.
func (p *Path) nearest(v float64) int {
	best := 0
	for stage := range p.Stages {
		if math.Abs(p.across(stage)-v) < math.Abs(p.across(best)-v) {
			best = stage
		}
	}
	return best
}

// marks are the penalties that cross-validation chose.
func (p *Path) marks(x scale, at, high float64) []mark {
	var list []mark
	for i, m := range []struct {
		lambda *float64
		name   string
	}{{p.Lambda1SE, "1se"}, {p.LambdaMin, "min"}} {
		if m.lambda == nil || !(*m.lambda > 0) || !p.logarithmic() {
			continue
		}
		v := math.Log(*m.lambda)
		if v < min(x.from, x.to)-1e-6 || v > max(x.from, x.to)+1e-6 { // beyond the stages
			continue
		}
		list = append(list, mark{Path: fmt.Sprintf("M%s %sV%s", pixels(x.at(v)), pixels(at), pixels(at+high)),
			X: pixels(x.at(v) + 3), Y: pixels(at + lineHeight*float64(i+1)), Text: m.name})
	}
	return list
}

// lines is the panel of the coefficients.
func (p *Path) lines() panel {
	least, most := 0.0, 0.0
	for _, l := range p.Lines {
		for _, v := range l.Values {
			if v := float64(v); finite(v) {
				least, most = min(least, v), max(most, v)
			}
		}
	}
	d := p.frame(top, tall, least, most, "coefficient")
	labels := p.labelled()
	for i := range slices.Backward(p.Lines) { // the largest above the others
		l := &p.Lines[i]
		s := stroke{Color: colors[i%len(colors)], Thick: "1", Opacity: "0.5", Title: printable(fmt.Sprintf("%s: %.6g", l.Name, float64(l.Values[len(l.Values)-1])))}
		if k := slices.Index(labels, i); k >= 0 {
			s.Color, s.Thick, s.Opacity = colors[k%len(colors)], "1.8", "1"
		}
		s.Path = p.follow(d, l.Values)
		d.Lines = append(d.Lines, s)
	}
	d.Labels = p.label(d, labels)
	return d
}

// follow is a line through the values of the stages; it has gaps where these are not
// numbers.
func (p *Path) follow(d panel, values []model.Number) string {
	var b strings.Builder
	pen := "M"
	for stage, v := range values {
		if !finite(float64(v)) {
			pen = "M"
			continue
		}
		fmt.Fprintf(&b, "%s%s %s", pen, pixels(d.x.at(p.across(stage))), pixels(d.y.at(float64(v))))
		if pen = "L"; len(values) == 1 {
			b.WriteString("h0") // a dot
		}
	}
	return b.String()
}

// labelled are the lines that end furthest from 0, the furthest first.
func (p *Path) labelled() []int {
	var ends []sized
	for i, l := range p.Lines {
		if v := float64(l.Values[len(l.Values)-1]); v != 0 && finite(v) {
			ends = append(ends, sized{coefficient(i), math.Abs(v)})
		}
	}
	slices.SortFunc(ends, bySize)
	var list []int
	for _, e := range ends[:min(mostLabels, len(ends))] {
		list = append(list, int(e.id))
	}
	return list
}

// label names lines where they end, on the right, one below the other.
func (p *Path) label(d panel, lines []int) []label {
	end := func(i int) float64 {
		values := p.Lines[i].Values
		return d.y.at(float64(values[len(values)-1]))
	}
	color := map[int]string{}
	for k, i := range lines {
		color[i] = colors[k%len(colors)]
	}
	sorted := slices.Clone(lines)
	slices.SortStableFunc(sorted, func(a, b int) int { return cmp.Compare(end(a), end(b)) })
	at := make([]float64, len(sorted))
	for k, i := range sorted {
		at[k] = end(i)
	}
	spread(at, lineHeight, top+lineHeight/2, top+tall-lineHeight/2)
	var list []label
	for k, i := range sorted {
		list = append(list, label{
			Path:  fmt.Sprintf("M%s %sL%d %sL%d %s", pixels(d.x.end), pixels(end(i)), right, pixels(end(i)), right+14, pixels(at[k])),
			Color: color[i], X: pixels(right + 17), Y: pixels(at[k] + 4), Text: shortened(p.Lines[i].Name)})
	}
	return list
}

// errors is the panel of the cross-validated errors, at a height.
func (p *Path) errors(at float64) panel {
	type bar struct {
		stage      int
		value, dev float64
	}
	var bars []bar
	least, most := math.Inf(1), math.Inf(-1)
	for stage, s := range p.Stages {
		b := bar{stage, s.Metrics["cv_error"], s.Metrics["cv_se"]}
		if _, ok := s.Metrics["cv_error"]; !ok || !finite(b.value) || !finite(b.dev) {
			continue
		}
		bars = append(bars, b)
		least, most = min(least, b.value-b.dev), max(most, b.value+b.dev)
	}
	if len(bars) == 0 {
		least, most = 0, 0
	}
	d := p.frame(at, low, least, most, "cross-validation error")
	for _, b := range bars {
		x := d.x.at(p.across(b.stage))
		up, down := pixels(d.y.at(b.value+b.dev)), pixels(d.y.at(b.value-b.dev))
		d.Points = append(d.Points, point{X: pixels(x), Y: pixels(d.y.at(b.value)),
			Path:  fmt.Sprintf("M%s %sV%sM%s %sh5M%s %sh5", pixels(x), up, down, pixels(x-2.5), up, pixels(x-2.5), down),
			Title: fmt.Sprintf("stage %d, lambda %s: %.6g, standard error %.3g", b.stage, number(p.Stages[b.stage].Lambda, 5), b.value, b.dev)})
	}
	return d
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// printable is a text without characters that XML does not have.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0xfffe || r == 0xffff {
			return utf8.RuneError
		}
		return r
	}, s)
}

// shortened is a name that fits beside the plot.
func shortened(name string) string {
	if r := []rune(printable(name)); len(r) > longestName {
		return string(r[:longestName-1]) + "…"
	}
	return printable(name)
}
