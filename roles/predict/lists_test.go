package predict

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/model"
	"petuum/table"
)

// taste is a model of ratings, of so many users and items without names: user u is
// (1, u mod 7) and item i is (-i, i mod 5), and there are no biases.
func taste(t *testing.T, users, items uint64) *Model {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	w, err := model.Create(dir, model.Manifest{Algorithm: "mf", Parameters: "rank = 2\n",
		Data: dataset.Info{Format: dataset.MM, Rows: users, Features: items, Seen: items, NonZeros: 1, Unlabelled: true, Numeric: true, Weight: float64(users)}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for name, keys := range map[string]uint64{"users": users, "items": items, "scale": 1} {
		tw, err := w.Table(table.Spec{Name: name, Keys: keys, Width: 3}, algos.KeyNames{}, false)
		if err != nil {
			t.Fatal(err)
		}
		for k := range keys {
			row := map[string][3]float32{"users": {0, 1, float32(k % 7)}, "items": {0, -float32(k), float32(k % 5)}, "scale": {0, -100, 100}}[name]
			var b []byte
			for _, v := range row {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
			}
			if err := tw.Append(k, b); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return mustOpen(t, dir)
}

// best is the items of a user in the order of their scores.
func best(user, items uint64, without []uint32) (order []uint32) {
	score := func(i uint32) int { return int(user%7)*int(i%5) - int(i) }
	for i := range uint32(items) {
		if !slices.Contains(without, i) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b uint32) int { return score(b) - score(a) })
	return order
}

// Lists come in the order of rows, whoever made them.
func TestLists(t *testing.T) {
	const users, items, top = 5*listRows + 3, 20, 4
	m := taste(t, users, items)
	in, err := dataset.OpenStream("seen", strings.NewReader("1 1\n1 5\n6 3\n1 5\n5000 2\n99999 1\n5 99\n"), m.Options())
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	seen, err := See(t.Context(), in, nil)
	if err != nil {
		t.Fatal(err)
	}
	without := map[uint64][]uint32{0: {0, 4}, 5: {2}, 4999: {1}}
	next := uint64(0)
	err = m.Lists(t.Context(), nil, top, seen, func(l Listed) error {
		if want := best(next, items, without[next])[:top]; l.Row != next || !slices.Equal(l.Features, want) {
			t.Fatalf("list %d: got %v of row %d, want %v", next, l.Features, l.Row, want)
		}
		if i := l.Features[0]; l.Scores[0] != float32(next%7*uint64(i%5))-float32(i) {
			t.Fatalf("list %d: item %d scores %v", next, i, l.Scores[0])
		}
		next++
		return nil
	})
	if err != nil || next != users {
		t.Errorf("got %d lists and error %v, want %d", next, err, users)
	}
	if got, want := m.RowName(4)+" "+m.FeatureName(7), "5 8"; got != want {
		t.Errorf("got the names %s, want %s", got, want)
	}
}

func TestListsEndEarly(t *testing.T) {
	m := taste(t, 3*listRows, 3)
	full, calls := errors.New("no space left"), 0
	if err := m.Lists(t.Context(), nil, 2, nil, func(Listed) error { calls++; return full }); !errors.Is(err, full) || calls != 1 {
		t.Errorf("got error %v after %d calls, want %v after 1", err, calls, full)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	if err := m.Lists(ctx, nil, 2, nil, func(Listed) error { return nil }); !errors.Is(err, enough) {
		t.Errorf("got error %v, want %v", err, enough)
	}
	if err := m.Lists(t.Context(), []uint64{3 * listRows}, 2, nil, func(Listed) error { return nil }); err == nil || !strings.Contains(err.Error(), "of a model of 3072 users") {
		t.Errorf("a row too many: got error %v", err)
	}
	if err := m.Lists(t.Context(), []uint64{}, 2, nil, func(Listed) error { return full }); err != nil {
		t.Errorf("no rows: got error %v", err)
	}
	other := mustOpen(t, saved(t, "logreg", "", two()))
	if err := other.Lists(t.Context(), nil, 2, nil, func(Listed) error { return nil }); err == nil || !strings.Contains(err.Error(), "scores no pairs") {
		t.Errorf("another model: got error %v", err)
	}
}
