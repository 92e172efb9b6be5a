package topicmap

import (
	"encoding/xml"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// draw is the map alone, which must be XML.
func draw(t *testing.T, p *Report) string {
	t.Helper()
	var b strings.Builder
	if err := p.SVG(&b); err != nil {
		t.Fatal(err)
	}
	parse(t, b.String(), func(e xml.StartElement) {
		if e.Name.Local == "script" || e.Name.Local == "a" {
			t.Errorf("the map has an element %s", e.Name.Local)
		}
	})
	return b.String()
}

func TestSVG(t *testing.T) {
	got := draw(t, read(t, tiny(), Options{Top: 3, Lambda: 1, Page: true}))
	golden := filepath.Join("testdata", "tiny.svg")
	if *rewrite {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("the map is not %s; look at what changed, and run this test with -rewrite (-file +code):\n%s", golden, d)
	}
}

// Labels stand in the map and not in one another, however many topics there are.
func TestLabels(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	for _, n := range []int{1, 3, 30, 300} {
		circles, texts := make([]circle, n), map[int]string{}
		for i := range circles {
			circles[i] = circle{Topic: i, x: r.Float64() * wide, y: r.Float64() * high, r: 3 + 30*r.Float64()}
			texts[i] = cut(strings.Repeat("w", 1+r.IntN(60)))
		}
		l := labeling{circles: circles}
		for i := range circles {
			before := len(l.taken)
			l.put(i, texts[i])
			for _, b := range l.taken[before:] {
				if l.covered(b, i) {
					t.Errorf("seed %d: the label of circle %d is on another one", seed, i)
				}
			}
		}
		for i, b := range l.taken {
			if !b.inside() {
				t.Errorf("seed %d: label %d is at %v, not in the map", seed, i, b)
			}
			for j := range i {
				if b.meets(l.taken[j]) {
					t.Errorf("seed %d: labels %d and %d are on each other", seed, i, j)
				}
			}
		}
		if n <= 3 && len(labels(circles[:1], texts)) == 0 && circles[0].inside() {
			t.Errorf("seed %d: a circle alone has no label", seed)
		}
	}
}

// inside reports whether there is room around a circle.
func (c circle) inside() bool { return c.x > 200 && c.x < wide-200 && c.y > 100 && c.y < high-100 }

// Up is up, to the right is to the right, and circles end in the map.
func TestScale(t *testing.T) {
	topic := func(x, y float64) Topic { return Topic{X: &x, Y: &y, Share: 0.3} }
	p := &Report{Topics: []Topic{topic(-1, 0), topic(3, 1), topic(0, 2), {}}}
	place := p.scale()
	for _, c := range []struct{ x, y, left, top float64 }{{-1, 0, edge + radius(0.3), -1}, {3, 2, wide - edge - radius(0.3), -1}, {1, 1, wide / 2, high / 2}} {
		if x, y := place(c.x, c.y); x-c.left > 1e-9 || c.left-x > 1e-9 || c.top >= 0 && y != c.top {
			t.Errorf("(%g, %g): got %g, %g, want %g, %g", c.x, c.y, x, y, c.left, c.top)
		}
	}
	if _, above := place(0, 2); above >= high/2 {
		t.Errorf("got %g for what is above the middle, %d", above, high/2)
	}
}

var (
	topicList = regexp.MustCompile(`(?s)<section class="topic" id="topic-(\d+)".*?</section>`)
	address   = regexp.MustCompile(`(?i)\b(src|href|action|xmlns|data|poster|background)="([^"]*)"|url\(|@import|https?:|//[a-z]`)
)

// html is the page, whose part outside of the script must be XML but for elements that
// HTML leaves open.
func html(t *testing.T, p *Report) string {
	t.Helper()
	var b strings.Builder
	if err := p.Page(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if strings.Count(page, "<script>") != 1 || strings.Count(page, "</script>") != 1 {
		t.Fatalf("got %d scripts, want 1:\n%s", strings.Count(page, "<script"), page)
	}
	closed := regexp.MustCompile(`(?s)<script>.*</script>|<!DOCTYPE html>`).ReplaceAllString(page, "")
	closed = regexp.MustCompile(`<(meta|input)\b[^>]*`).ReplaceAllString(closed, "$0/")
	closed = strings.ReplaceAll(closed, " checked/", ` checked="checked"/`)
	ids := map[string]bool{}
	parse(t, closed, func(e xml.StartElement) {
		for _, a := range e.Attr {
			if a.Name.Local == "id" {
				if ids[a.Value] {
					t.Errorf("id %s is there twice", a.Value)
				}
				ids[a.Value] = true
			}
		}
	})
	parse(t, closed, func(e xml.StartElement) {
		for _, a := range e.Attr {
			to := ""
			switch a.Name.Local {
			case "href":
				to = strings.TrimPrefix(a.Value, "#")
			case "aria-labelledby":
				to = a.Value
			}
			if to != "" && !ids[to] {
				t.Errorf("%s %s of <%s> leads nowhere", a.Name.Local, a.Value, e.Name.Local)
			}
		}
	})
	return page
}

func TestPage(t *testing.T) {
	p := read(t, tiny(), Options{Top: 3, Lambda: 1, Page: true})
	if err := measure(t, p, documents); err != nil {
		t.Fatal(err)
	}
	page := html(t, p)
	sections := topicList.FindAllStringSubmatch(page, -1)
	if len(sections) != 2 || sections[0][1] != "0" || sections[1][1] != "2" {
		t.Fatalf("got %d topics, want 0 and 2:\n%s", len(sections), page)
	}
	for _, want := range []string{
		`<p>60.00% of tokens (60), coherence -0.126, alpha 0.5</p>`,
		`<div data-lambda="1"><h3>λ = 1</h3>`, `<div data-lambda="0.3">`,
		`<li data-word="0" title="40 of 40 tokens; in all documents 0.400"><b>tax</b><div class="bars"><i style="width:100%"></i><i style="width:62.2%"></i></div><span>0.643</span></li>`,
		`<b>&lt;script&gt;alert(1)&lt;/script&gt;</b>`,
	} {
		if !strings.Contains(sections[0][0], want) {
			t.Errorf("topic 0 does not have %s:\n%s", want, sections[0][0])
		}
	}
	for _, want := range []string{`<title>Topics of a &#34;job&#34; &amp; &lt;b&gt;co&lt;/b&gt;</title>`, `<th class="n" scope="col">coherence</th>`, `value="0.6" checked`,
		"The largest topics are shown, 1 are not.", `<td class="n"><a href="#topic-2">2</a></td><td class="n">40.00%</td>`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %s:\n%s", want, page)
		}
	}
	for _, m := range address.FindAllStringSubmatch(page, -1) {
		if m[1] != "href" || !strings.HasPrefix(m[2], "#") {
			t.Errorf("the page refers to %s", m[0])
		}
	}
}

// Whatever words are called, they are texts.
func TestHostileNames(t *testing.T) {
	hostile := []string{`</script><script>alert(1)</script>`, `" onmouseover="alert(1)`, `' onclick='x`, `<img src=x onerror=alert(1)>`, "]]>", "<!--", "&lt;", "a\x00b\x1f",
		"javascript:alert(1)", "{{.}}", "`${alert(1)}`", "\u202etxet", strings.Repeat("long", 1000), "", "\t\n"}
	m := made{job: hostile[0], beta: 0.01}
	for i, name := range hostile {
		m.names, m.counts = append(m.names, name), append(m.counts, []int32{int32(i + 1), int32(len(hostile) - i)})
	}
	p := read(t, m, Options{Top: len(hostile), Lambda: 1, Page: true})
	page := html(t, p)
	for _, bad := range []string{"<img", "alert(1)</script>", `" onmouseover="`, "<!--"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	if got := strings.Count(page, `<li data-word="`); got != 2*3*len(hostile) {
		t.Errorf("got %d words, want %d of 2 topics in 3 lists", got, 2*3*len(hostile))
	}
	draw(t, p)
}

// A page of many topics has the largest.
func TestManyTopics(t *testing.T) {
	m := made{job: "many", beta: 0.01}
	const n = mostDrawn + 20
	for w := range 40 {
		row := make([]int32, n)
		for k := range row {
			if (w+k)%7 == 0 || w == k%40 {
				row[k] = int32(1 + k%11 + w%5)
			}
		}
		m.counts = append(m.counts, row)
	}
	p := read(t, m, Options{Top: 5, Lambda: 1, Page: true})
	page := html(t, p)
	if got := len(topicList.FindAllString(page, -1)); got != mostDrawn || !strings.Contains(page, "20 are not") {
		t.Errorf("got %d topics on the page, want %d, and that 20 are not shown", got, mostDrawn)
	}
	for i, topic := range p.Topics {
		if (topic.X != nil) != (i < mostDrawn) {
			t.Fatalf("topic %d of rank %d: got a place %v", topic.Topic, i, topic.X != nil)
		}
	}
}

// An error of the writer is told.
func TestPageFails(t *testing.T) {
	p := read(t, tiny(), Options{Top: 3, Lambda: 1, Page: true})
	for name, write := range map[string]func() error{"page": func() error { return p.Page(full{}) }, "map": func() error { return p.SVG(full{}) }, "table": func() error { return p.Text(full{}) }} {
		if err := write(); !errors.Is(err, errFull) {
			t.Errorf("%s: got error %v, want %v", name, err, errFull)
		}
	}
}

var errFull = errors.New("the disk is full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1: "1.00", 100: "100", 0.5: "0.500", 0.0123456: "0.0123", 1.5e-7: "0.000000150", 62.195: "62.2"} {
		if got := short(v); got != want {
			t.Errorf("short(%g): got %s, want %s", v, got, want)
		}
	}
	if got := strings.Join([]string{pixels(-0.01), pixels(3), pixels(2.26)}, " "); got != "0 3 2.3" {
		t.Errorf("got pixels %s", got)
	}
}
