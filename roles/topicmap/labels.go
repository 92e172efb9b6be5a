package topicmap

import (
	"fmt"
	"unicode/utf8"
)

// Lengths of a label, in pixels.
const (
	letter  = 5.6 // width of one, about
	line    = 12  // height
	longest = 24  // letters
)

// label is a text on the map.
type label struct{ X, Y, Anchor, Text string }

// box is a rectangle of the map.
type box struct{ left, right, top, bottom float64 }

func (a box) meets(b box) bool {
	return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
}

// inside reports whether a label may be there: below the title and above the last line.
func (a box) inside() bool {
	return a.left >= 2 && a.right <= wide-2 && a.top >= 34 && a.bottom <= high-20
}

// covers reports whether a circle has some of a box.
func (c circle) covers(b box) bool {
	x, y := c.x-min(max(c.x, b.left), b.right), c.y-min(max(c.y, b.top), b.bottom)
	return x*x+y*y < c.r*c.r
}

// labeling finds room for labels.
type labeling struct {
	circles []circle
	taken   []box
	labels  []label
}

// put writes a text beside circle i if there is room.
func (l *labeling) put(i int, text string) {
	c, width := l.circles[i], letter*float64(utf8.RuneCountInString(text))
	for _, at := range []struct {
		x, y   float64 // of the anchor, and the middle of the line
		from   float64 // left of the anchor, in widths
		anchor string
	}{{c.x, c.y + c.r + 7, 0.5, "middle"}, {c.x, c.y - c.r - 7, 0.5, "middle"}, {c.x + c.r + 3, c.y, 0, "start"}, {c.x - c.r - 3, c.y, 1, "end"}} {
		left := at.x - at.from*width
		b := box{left, left + width, at.y - line/2, at.y + line/2}
		if b.inside() && l.free(b) && !l.covered(b, i) {
			l.write(b, label{pixels(at.x), pixels(at.y + 4), at.anchor, text})
			return
		}
	}
}

// free reports whether no label is in a box.
func (l *labeling) free(b box) bool {
	for _, t := range l.taken {
		if t.meets(b) {
			return false
		}
	}
	return true
}

// covered reports whether circles other than i are in a box.
func (l *labeling) covered(b box, i int) bool {
	for k, c := range l.circles {
		if k != i && c.covers(b) {
			return true
		}
	}
	return false
}

func (l *labeling) write(b box, text label) {
	l.taken, l.labels = append(l.taken, b), append(l.labels, text)
}

// labels are the numbers of topics in their circles, and what stands for them beside
// these, the largest topics first, wherever there is room: titles tell the others.
func labels(circles []circle, texts map[int]string) []label {
	l := labeling{circles: circles}
	for _, c := range circles {
		number := fmt.Sprint(c.Topic)
		half := letter * float64(len(number)) / 2
		if b := (box{c.x - half, c.x + half, c.y - 5, c.y + 5}); c.r >= half+2 && l.free(b) {
			l.write(b, label{pixels(c.x), pixels(c.y + 4), "middle", number})
		}
	}
	for i, c := range circles {
		l.put(i, texts[c.Topic])
	}
	return l.labels
}

// cut shortens what is too long for a label.
func cut(text string) string {
	if utf8.RuneCountInString(text) <= longest {
		return text
	}
	return string([]rune(text)[:longest-1]) + "…"
}
