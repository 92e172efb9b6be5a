package dataset

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestUnsupervised: labels that are there are not looked at.
func TestUnsupervised(t *testing.T) {
	many := &strings.Builder{}
	var want []string
	for i := range 2000 { // more than could be classes
		fmt.Fprintf(many, "%d 1:%d\n", i, i+1)
		want = append(want, fmt.Sprintf("? 0:%d", i+1))
	}
	for _, c := range []struct {
		name, file, text string
		want             []string
	}{
		{"LIBSVM with labels", "a.svm", "1 1:2\n-7 2:3 3:1\n5\n", []string{"? 0:2", "? 1:3 2:1", "?"}},
		{"LIBSVM without", "a.svm", "1:2\n2:3 3:1\n", []string{"? 0:2", "? 1:3 2:1"}},
		{"words for labels", "a.svm", "x 1:2\ny 2:3\n", []string{"? 0:2", "? 1:3"}},
		{"weights", "a.svm", "1:0.5 1:2\nb 2:3\n", []string{"?*0.5 0:2", "? 1:3"}},
		{"numbers of documents", "a.svm", many.String(), want},
		{"CSV with labels", "a.csv", "a,y,b\n1,x,2\n3,,4\n", []string{"? 0:1 1:2", "? 0:3 1:4"}},
		{"CSV without", "a.csv", "a,b\n1,2\n", []string{"? 0:1 1:2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := Defaults()
			o.Unsupervised = true
			for _, of := range []int{1, 2, 6} {
				got := mustLoad(t, c.file, c.text, o, of)
				checkParts(t, got)
				if d := cmp.Diff(c.want, got.rows()); d != "" {
					t.Errorf("%d parts (-want +got):\n%s", of, d)
				}
				if !got.info.Unlabelled || got.info.Classes != nil || got.parts[0].Labels != nil {
					t.Errorf("%d parts: got labels: %+v", of, got.info)
				}
				like := Options{Like: throughJSON(t, got.info)}
				if d := cmp.Diff(c.want, mustLoad(t, c.file, c.text, like, of).rows()); d != "" {
					t.Errorf("%d parts, like itself (-want +got):\n%s", of, d)
				}
			}
		})
	}
	o := Defaults()
	o.Unsupervised = true
	if _, err := load("a.svm", []byte("1 1:2\n1:3 2:4\n"), o, 1); err == nil || !strings.Contains(err.Error(), "a.svm:2:1:") {
		t.Errorf("a label is missing: got %v, want an error of line 2", err)
	}
}
