package dataset

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestText: words are counted, in any number of parts, and test data has those of training.
func TestText(t *testing.T) {
	text := "The Zebra, zebra-like: x2 apple!\n\nÄpfel und ZEBRA\nnothing of the\n# apple apple pear 7\n"
	want := []string{"? 0:1 3:2", "?", "? 2:1 3:1 4:1", "?", "? 0:2 1:1"}
	for _, of := range []int{1, 2, 6} {
		o := listedOptions(Text)
		o.MinLength, o.StopWords, o.Sums = 3, English, true
		got := mustLoad(t, "a", text, o, of)
		checkParts(t, got)
		named, err := got.info.WithNames(nil, "")
		if d := cmp.Diff(want, got.rows()); d != "" || err != nil {
			t.Errorf("%d parts: %v (-want +got):\n%s", of, err, d)
		}
		if names := strings.Join(named.Names, " "); names != "apple pear und zebra äpfel" {
			t.Errorf("%d parts: got words %q", of, names)
		}
		o.Like, o.Sums = throughJSON(t, got.info), false
		again := mustLoad(t, "b", "pear lion zebra zebra\n\nlion", o, of)
		if len(again.rows()) != 3 || again.info.Dropped != 2 || again.info.Features != got.info.Features {
			t.Errorf("%d parts: got %q, %d dropped of %d features", of, again.rows(), again.info.Dropped, again.info.Features)
		}
		total := 0.0
		for _, v := range got.info.Sums {
			total += v
		}
		if total != 9 {
			t.Errorf("%d parts: got %v tokens, want 9", of, got.info.Sums)
		}
	}
	if _, err := load("a", []byte("word\nb\xffd\n"), listedOptions(Text), 2); err == nil || !strings.Contains(err.Error(), "a:2:2: this is not UTF-8") {
		t.Errorf("bad UTF-8: got %v", err)
	}
}
