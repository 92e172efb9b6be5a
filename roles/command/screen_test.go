package command

import (
	"fmt"
	"strings"
	"testing"
)

// TestScreen: a log line does not run into the line of progress, which stays the last.
func TestScreen(t *testing.T) {
	var b strings.Builder
	s := &screen{w: &b}
	for _, text := range []string{"log 1\n", rewind + "waiting for 2", "log 2\n", "log 3\n", rewind + "waiting for 1", "\n", "log 4\n"} {
		if n, err := fmt.Fprint(s, text); err != nil || n != len(text) {
			t.Errorf("%q: got %d bytes and %v, want %d", text, n, err, len(text))
		}
	}
	want := "log 1\n" + rewind + "waiting for 2" +
		rewind + "log 2\n" + rewind + "waiting for 2" +
		rewind + "log 3\n" + rewind + "waiting for 2" +
		rewind + "waiting for 1\nlog 4\n"
	if got := b.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
