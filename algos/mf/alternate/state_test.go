package alternate

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/consistency"
)

type stateful interface {
	Save(w io.Writer) error
	Restore(r io.Reader) error
}

func play(t *testing.T, make func() *factors) (*algotest.Lockstep, *factors) {
	text, err := os.ReadFile(data(t))
	if err != nil {
		t.Fatal(err)
	}
	info, parts := algotest.Read(t, string(text), dataset.Defaults(), 1)
	l := algotest.Play(t, consistency.Policy{}, info, parts, func() algos.Algorithm { return make() }, nil)
	return l, l.Algorithms[0].(*factors)
}

// A part that takes up the state of another goes on as it does, from the middle of a sweep.
func TestRestoredPartGoesOn(t *testing.T) {
	for _, kind := range kinds {
		a, from := play(t, kind.make)
		a.Push(2*from.Clocks() + 1)
		var state bytes.Buffer
		if err := from.solver.(stateful).Save(&state); err != nil {
			t.Fatal(err)
		}
		b, to := play(t, kind.make)
		to.begin()
		if err := to.solver.(stateful).Restore(bytes.NewReader(state.Bytes())); err != nil {
			t.Fatal(err)
		}
		for range from.Clocks() {
			a.Push(1)
			b.Push(1)
			got, want := b.Evaluate("items").Objective, a.Evaluate("items").Objective
			if off := got/want - 1; !(off < 1e-6 && off > -1e-6) {
				t.Fatalf("%s: got an objective of %v, want %v", kind.name, got, want)
			}
		}
	}
}

func TestStateThatDoesNotFitIsRefused(t *testing.T) {
	for _, kind := range kinds {
		l, f := play(t, kind.make)
		l.Push(1)
		var state bytes.Buffer
		if err := f.solver.(stateful).Save(&state); err != nil {
			t.Fatal(err)
		}
		good := state.Bytes()
		change := func(at int, by ...byte) []byte {
			b := bytes.Clone(good)
			copy(b[at:], by)
			return b
		}
		for _, c := range []struct {
			state []byte
			want  string
		}{
			{nil, "ends early"},
			{good[:20], "ends early"},
			{good[:len(good)-1], "ends early"},
			{change(0, 200), "other parameters"},
			{change(16, 1), "another part"},
			{change(len(good)/8*4, 0, 0, 0x80, 0x7f, 0, 0, 0x80, 0x7f), "not finite"},
		} {
			_, f := play(t, kind.make)
			f.begin()
			_, items := f.Rows()
			was := append([]float32(nil), items...)
			err := f.solver.(stateful).Restore(bytes.NewReader(c.state))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v, want an error that says %q", kind.name, err, c.want)
			}
			for k, v := range items {
				if v != was[k] {
					t.Fatalf("%s: half restored", kind.name)
				}
			}
		}
	}
}
