package topicmap

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
	"unicode"
)

// Lengths of the map, in pixels.
const (
	wide     = 720
	high     = 560
	edge     = 30   // around the circles
	covered  = 0.12 // the share of the map that circles cover all together
	largest  = 64   // radius of a circle
	smallest = 3
)

var (
	//go:embed map.svg
	mapSource string
	//go:embed page.html
	pageSource string

	mapTemplate  = template.Must(template.New("map").Parse(mapSource))
	pageTemplate = template.Must(template.Must(mapTemplate.Clone()).New("page").Parse(pageSource))
)

// drawing is what the template of the map draws. Places are ready to be written.
type drawing struct {
	Alone        bool // a file of its own, without links
	Wide, High   int
	Title        string
	Subtitle     string
	Circles      []circle
	Labels       []label
	TitleX, Foot int
}

// circle is a topic on the map.
type circle struct {
	Topic   int
	X, Y, R string
	Title   string

	x, y, r float64
}

// page is what the template of the page shows.
type page struct {
	*Report
	Map     drawing
	Summary string
	Lambdas []choice
	Shown   []section
	Hidden  int // topics that are not shown
}

// choice is a relevance to sort by.
type choice struct {
	Value   string
	Checked bool
}

// section is a topic of the page.
type section struct {
	Topic            int
	Share, Alpha     string
	Coherence, First string
	Tokens           int64
	Lists            []list
}

// list is the words of a topic for one lambda.
type list struct {
	Lambda string
	Rows   []bar
}

// bar is a word with its probabilities.
type bar struct {
	Word, Given, Overall     string
	GivenWidth, OverallWidth string // in percent
	Key                      uint64
	Count                    int32
	Total                    int64
}

// SVG draws the map of the topics as a file of its own.
func (p *Report) SVG(w io.Writer) error {
	d := p.drawing()
	d.Alone = true
	if err := mapTemplate.Execute(w, d); err != nil {
		return fmt.Errorf("topics: the map: %w", err)
	}
	return nil
}

// Page writes a page for a browser, which needs nothing but itself: the map and, of the
// largest topics, the words. Read must have been told that it is wanted.
func (p *Report) Page(w io.Writer) error {
	d := page{Report: p, Map: p.drawing(), Summary: p.summary()}
	for _, l := range pageLambdas {
		d.Lambdas = append(d.Lambdas, choice{fmt.Sprint(l), l == 0.6})
	}
	for _, t := range p.Topics {
		if t.X == nil {
			d.Hidden++
			continue
		}
		d.Shown = append(d.Shown, t.section())
	}
	if err := pageTemplate.Execute(w, d); err != nil {
		return fmt.Errorf("topics: the page: %w", err)
	}
	return nil
}

// section is a topic as the page shows it.
func (t *Topic) section() section {
	s := section{Topic: t.Topic, Share: percent(t.Share), Tokens: t.Tokens, First: t.about()}
	if t.Alpha != nil {
		s.Alpha = number(t.Alpha, 'g', 3)
	}
	if t.Coherence != nil {
		s.Coherence = number(t.Coherence, 'f', 3)
	}
	most := 0.0
	for _, words := range t.lists {
		for _, w := range words {
			most = max(most, w.Probability, w.Overall)
		}
	}
	for l, words := range t.lists {
		shown := list{Lambda: fmt.Sprint(pageLambdas[l])}
		for _, w := range words {
			shown.Rows = append(shown.Rows, bar{Word: w.Word, Given: short(w.Probability), Overall: short(w.Overall), Key: w.Key, Count: w.Count, Total: w.Total,
				GivenWidth: short(100 * w.Probability / most), OverallWidth: short(100 * w.Overall / most)})
		}
		s.Lists = append(s.Lists, shown)
	}
	return s
}

// short is a number in few digits, and never with an exponent, which a style may not have.
func short(v float64) string {
	if v <= 0 {
		return "0"
	}
	return fmt.Sprintf("%.*f", min(max(2-int(math.Floor(math.Log10(v))), 0), 9), v)
}

// about is some of the words that tell most.
func (t *Topic) about() string {
	return names(first(t.typical(), 8))
}

// typical is the words that tell most: frequent in the topic, and not everywhere.
func (t *Topic) typical() []Word {
	if len(t.lists) > 1 {
		return t.lists[1]
	}
	return t.Words
}

// drawing lays out the map.
func (p *Report) drawing() drawing {
	d := drawing{Wide: wide, High: high, TitleX: edge / 2, Foot: high - 8,
		Title:    printable("Topics of " + p.Job),
		Subtitle: fmt.Sprintf("distance: square root of the Jensen-Shannon divergence, of which the plane shows %.0f%%; area: share of tokens", 100*p.Explained)}
	place, texts := p.scale(), map[int]string{}
	for i := range p.Topics {
		t := &p.Topics[i]
		if t.X == nil {
			continue
		}
		x, y := place(*t.X, *t.Y)
		r := radius(t.Share)
		texts[t.Topic] = cut(printable(names(first(t.typical(), 2))))
		d.Circles = append(d.Circles, circle{t.Topic, pixels(x), pixels(y), pixels(r), printable(fmt.Sprintf("topic %d, %s: %s", t.Topic, percent(t.Share), t.about())), x, y, r})
	}
	d.Subtitle += fmt.Sprintf("; %d topics", len(d.Circles))
	d.Labels = labels(d.Circles, texts)
	return d
}

// radius is that of a topic's circle.
func radius(share float64) float64 {
	return min(max(math.Sqrt(share*covered*wide*high/math.Pi), smallest), largest)
}

// scale maps places of topics onto the map, with the same scale in both directions.
func (p *Report) scale() func(x, y float64) (float64, float64) {
	var left, right, low, up float64
	margin := float64(edge)
	for i, t := range p.Topics {
		if i == 0 {
			margin += radius(t.Share)
		}
		if t.X != nil {
			left, right, low, up = min(left, *t.X), max(right, *t.X), min(low, *t.Y), max(up, *t.Y)
		}
	}
	factor := math.Inf(1)
	if right > left {
		factor = (wide - 2*margin) / (right - left)
	}
	if up > low {
		factor = min(factor, (high-2*margin)/(up-low))
	}
	if math.IsInf(factor, 1) {
		factor = 0
	}
	return func(x, y float64) (float64, float64) {
		return wide/2 + factor*(x-(left+right)/2), high/2 - factor*(y-(low+up)/2)
	}
}

// pixels is a place as it stands in the map: in tenths, so that the last bits of a number
// make no difference.
func pixels(v float64) string {
	text := strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
	if text == "-0" {
		return "0"
	}
	return text
}

// printable is a text that may stand in XML.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '�'
		}
		return r
	}, text)
}
