package table

import (
	"slices"
	"strings"
	"testing"

	"petuum/consistency"
)

// A range that is asked for before Start is held from the beginning on, and its holder
// gives it back with the clock in which it asks for another.
func TestAcquireBeforeStart(t *testing.T) {
	for _, shards := range []int{1, 3} {
		l := newLoop(t, oneTable(Int32, 1, 10, Add)[0], consistency.BSP(), shards)
		v, err := Open[int32](l.client, 0, "w", Keys(nil), InPlace)
		if err != nil {
			t.Fatal(err)
		}
		v.Acquire(Range{2, 7}, 0)
		l.start()
		if v.Len() != 5 || v.Key(0) != 2 {
			t.Fatalf("%d shards: got %d keys, want the 5 from 2 on", shards, v.Len())
		}
		for turn := uint64(1); turn < 4; turn++ {
			for i := range v.Values() {
				v.Values()[i]++
			}
			v.Written(0, v.Len())
			v.Acquire(Range{2, 7}, turn)
			l.clock()
			if want := slices.Repeat([]int32{int32(turn)}, 5); !slices.Equal(v.Values(), want) {
				t.Errorf("%d shards: turn %d: got %v, want %v", shards, turn, v.Values(), want)
			}
		}
	}
	l := newLoop(t, oneTable(Int32, 1, 10, Add)[0], consistency.BSP(), 1)
	v, err := Open[int32](l.client, 0, "w", Keys(nil), InPlace)
	if err != nil {
		t.Fatal(err)
	}
	v.Acquire(Range{5, 11}, 0)
	l.client.Connect(0, l)
	l.client.Steps().BeginStart()
	if err := l.client.Err(); err == nil || !strings.Contains(err.Error(), "not within") {
		t.Errorf("a range beyond the table: got error %v, want one that says not within", err)
	}
}
