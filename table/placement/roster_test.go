package placement

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/consistency"
)

func TestRoster(t *testing.T) {
	first := NewRoster(3)
	second, err := first.Leave(1)
	if err != nil {
		t.Fatal(err)
	}
	third, err := second.Enter(7, 4)
	if err != nil {
		t.Fatal(err)
	}
	fourth := third.Move()
	fifth, err := fourth.Enter(1, 6)
	if err != nil {
		t.Fatal(err)
	}
	fifth, err = fifth.Enter(math.MaxUint32, 6)
	if err != nil {
		t.Fatal(err)
	}
	// Each was made of the one before: none may have changed.
	for _, c := range []struct {
		name string
		got  Roster
		want Roster
	}{
		{"new", first, Roster{1, []Entry{{0, 0}, {1, 0}, {2, 0}}}},
		{"leave", second, Roster{2, []Entry{{0, 0}, {2, 0}}}},
		{"enter", third, Roster{3, []Entry{{0, 0}, {2, 0}, {7, 5}}}},
		{"move", fourth, Roster{4, []Entry{{0, 0}, {2, 0}, {7, 5}}}},
		{"enter in order", fifth, Roster{6, []Entry{{0, 0}, {1, 7}, {2, 0}, {7, 5}, {math.MaxUint32, 7}}}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// Two changes of one roster do not see each other.
func TestRosterIsImmutable(t *testing.T) {
	r := NewRoster(2).Move().Move()
	a, errA := r.Enter(5, 0)
	b, errB := r.Enter(6, 0)
	c, errC := r.Leave(0)
	if errA != nil || errB != nil || errC != nil {
		t.Fatal(errA, errB, errC)
	}
	for _, x := range []struct {
		r       Roster
		has     consistency.Origin
		not     consistency.Origin
		origins int
	}{{a, 5, 6, 3}, {b, 6, 5, 3}, {c, 1, 0, 1}, {r, 0, 5, 2}} {
		_, has := x.r.Has(x.has)
		_, not := x.r.Has(x.not)
		if !has || not || len(x.r.Origins) != x.origins {
			t.Errorf("got %v, want %d origins with %d and without %d", x.r, x.origins, x.has, x.not)
		}
	}
}

func TestRosterRefuses(t *testing.T) {
	r := NewRoster(1)
	if got, err := r.Enter(0, 3); err == nil || got.Generation != 1 {
		t.Errorf("Enter of one that counts: got %v, %v, want the roster as it was and an error", got, err)
	}
	if got, err := r.Leave(1); err == nil || got.Generation != 1 {
		t.Errorf("Leave of one that does not count: got %v, %v, want the roster as it was and an error", got, err)
	}
}

func TestJSON(t *testing.T) {
	r, err := NewRoster(2).Enter(9, 41)
	if err != nil {
		t.Fatal(err)
	}
	p := mustPlace(t, 5, []int{4, 2})
	type both struct {
		Roster    Roster
		Placement Placement
	}
	text, err := json.Marshal(both{r, p})
	if err != nil {
		t.Fatal(err)
	}
	var got both
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(both{r, p}, got); diff != "" {
		t.Errorf("round trip of %s (-want +got):\n%s", text, diff)
	}
}
