package dataset

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// readers give the same bytes in different pieces.
func readers(text string) map[string]io.Reader {
	return map[string]io.Reader{
		"whole":       strings.NewReader(text),
		"byte":        iotest.OneByteReader(strings.NewReader(text)),
		"half":        iotest.HalfReader(strings.NewReader(text)),
		"EOF at once": iotest.DataErrReader(strings.NewReader(text)),
	}
}

func TestLineReader(t *testing.T) {
	const most = 10
	for _, c := range []struct {
		text string
		want []string
		err  error
	}{
		{"", nil, io.EOF},
		{"\n", []string{""}, io.EOF},
		{"a\nb\n", []string{"a", "b"}, io.EOF},
		{"a\n\r\nb\r", []string{"a", "", "b"}, io.EOF},
		{"0123456789\n0123456789", []string{"0123456789", "0123456789"}, io.EOF},
		{"a\n01234567890\n", []string{"a"}, errLongLine},
		{"a\n01234567890", []string{"a"}, errLongLine},
		{"a\n" + strings.Repeat("x", 100), []string{"a"}, errLongLine},
	} {
		for name, r := range readers(c.text) {
			l := newLineReader(r, 0)
			l.most, l.buf = most, make([]byte, 3)
			var got []string
			for {
				line, off, err := l.next()
				if err != nil {
					if err != c.err {
						t.Errorf("%q by %s: got %v, want %v", c.text, name, err, c.err)
					}
					break
				}
				if !strings.HasPrefix(c.text[off:], string(line)) || off > 0 && c.text[off-1] != '\n' {
					t.Errorf("%q by %s: line %q is not at %d", c.text, name, line, off)
				}
				got = append(got, string(line))
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%q by %s (-want +got):\n%s", c.text, name, d)
			}
			if len(l.buf) > most+2 {
				t.Errorf("%q by %s: buffer of %d bytes for lines of %d", c.text, name, len(l.buf), most)
			}
		}
	}
}

func TestLineReaderSkip(t *testing.T) {
	text := "a\nbb\n\n" + strings.Repeat("long", 50) + "\nccc\nlast"
	for n := range 8 {
		for name, r := range readers(text) {
			l := newLineReader(r, 0)
			l.most, l.buf = 10, make([]byte, 3)
			err := l.skip(n)
			if wantEOF := n > 6; (err == io.EOF) != wantEOF && n != 7 || l.lines != int64(min(n, 6)) {
				t.Errorf("skip %d by %s: got %v after %d lines", n, name, err, l.lines)
			}
			want := map[int]string{0: "a", 1: "bb", 2: "", 4: "ccc", 5: "last"}
			if line, off, err := l.next(); n != 3 && n < 6 && (err != nil || string(line) != want[n] || !strings.HasPrefix(text[off:], want[n])) {
				t.Errorf("skip %d by %s: got line %q at %d, %v, want %q", n, name, line, off, err, want[n])
			}
		}
	}
}

func TestLineReaderError(t *testing.T) {
	broken := errors.New("broken")
	l := newLineReader(io.MultiReader(strings.NewReader("a\nhalf a li"), iotest.ErrReader(broken)), 0)
	if line, _, err := l.next(); string(line) != "a" || err != nil {
		t.Errorf("got %q, %v, want a", line, err)
	}
	if line, _, err := l.next(); err != broken {
		t.Errorf("got %q, %v, want the reader's error", line, err)
	}
	l = newLineReader(stuck{}, 0)
	if _, _, err := l.next(); err != io.ErrNoProgress {
		t.Errorf("a reader that gives nothing: got %v, want %v", err, io.ErrNoProgress)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// TestLongLine: a line beyond the limit is refused with its place, and by the
// part that it belongs to only.
func TestLongLine(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 130 MiB")
	}
	text := append([]byte("1 1:1\n2 1:1 #"), bytes.Repeat([]byte("x"), maxLine)...)
	text = append(text, "\n3 1:1\n"...)
	path := filepath.Join(t.TempDir(), "a.svm")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for p := range 3 {
		_, err := Scan([]string{path}, Defaults(), []int{p}, 3)
		if want := ":2:1: line is longer than 64 MiB"; p == 0 && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("part 0: got %v, want %s", err, want)
		}
		if p > 0 && err != nil {
			t.Errorf("part %d: got %v, want no error", p, err)
		}
	}
	if err := os.WriteFile(path, bytes.Replace(text, []byte("xxxxxxx"), nil, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Scan([]string{path}, Defaults(), []int{0, 1}, 2); err != nil {
		t.Errorf("a line of 64 MiB: got %v", err)
	}
}

// TestShrunkenFile: a file that lost bytes since its size was taken is refused.
func TestShrunkenFile(t *testing.T) {
	o, _ := Defaults().resolved()
	text := strings.Repeat("1 1:1\n", 100)
	_, err := scan([]*source{newSource("a.svm", strings.NewReader(text), int64(len(text)+60))}, o, []int{0, 1}, 2)
	if err == nil || !strings.Contains(err.Error(), "a.svm became shorter") {
		t.Errorf("got %v, want became shorter", err)
	}
}
