package table

import (
	"fmt"
	"slices"
	"testing"

	"petuum/consistency"
)

// zeroed says where the update of a test is zero.
type zeroed struct {
	what string
	rows []int
	each bool // one value of each row
}

const wholeKeys = 96

// wholeRun has a part write to all keys, and see that on top of what another did
// while its update is on its way. It returns the bytes of the update.
func wholeRun(t *testing.T, width, shards int, z zeroed) (sent int) {
	t.Helper()
	name := fmt.Sprintf("width %d, zeros: %s, %d shards", width, z.what, shards)
	specs := []Spec{{Name: "w", Keys: wholeKeys, Width: width}}
	r := newRig(t, rigJob{specs: specs, shards: shards, parts: []int{1, 1}, policy: consistency.SSP(3)})
	a := openView[float32](r, 0, 0, "w", Span(0, wholeKeys), Increments)
	b := openView[float32](r, 1, 0, "w", Span(0, wholeKeys), Increments)
	r.start()
	want := make([]float32, wholeKeys*width)
	for i := range wholeKeys {
		u := want[i*width : (i+1)*width]
		for j := range u {
			if !slices.Contains(z.rows, i) && !(z.each && j == i%width) {
				u[j] = float32(1 + i + j)
			}
		}
		a.AddTo(i, 1, u)
	}
	r.clients[0].Steps().BeginSync(0, false)
	questions := r.up
	r.up = map[pair][][]byte{}
	r.clients[0].Steps().BeginClock(0)
	updates := r.up
	for _, queue := range updates {
		sent += len(queue[0])
	}
	r.up = map[pair][][]byte{}
	for i := range wholeKeys {
		b.Inc(i*width, 1000)
		want[i*width] += 1000
	}
	r.clock(1)
	r.up = questions
	r.pump() // the answer includes what b did, and not what a did
	r.end(0, 0)
	wantValues(t, name+": on its way", a.Values(), want...)
	r.up = updates
	r.pump()
	r.sync()
	wantValues(t, name+": arrived", b.Values(), want...)
	wantValues(t, name+": arrived, own", a.Values(), want...)
	return sent
}

// A whole segment is sent without a list of positions, as long as no row is zero.
func TestWholeSegments(t *testing.T) {
	for _, width := range []int{1, 3} {
		for _, shards := range []int{1, 3} {
			all := wholeRun(t, width, shards, zeroed{what: "none"})
			if got := wholeRun(t, width, shards, zeroed{what: "one in each row", each: width > 1}); got != all {
				t.Errorf("width %d, %d shards, a zero in each row: got an update of %d bytes, want %d", width, shards, got, all)
			}
			for _, z := range []zeroed{{what: "the first row", rows: []int{0}}, {what: "some rows", rows: []int{50, 51, 95}}} {
				got, most := wholeRun(t, width, shards, z), all-len(z.rows)*width*4+shards*(2+wholeKeys/8)
				if got > most {
					t.Errorf("width %d, %d shards, zeros: %s: got an update of %d bytes, want at most %d", width, shards, z.what, got, most)
				}
			}
		}
	}
}
