package placement

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func mustPlace(t *testing.T, shards int, seats []int) Placement {
	t.Helper()
	p, err := Place(3, shards, seats)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func seatsUpTo(n int) []int {
	seats := make([]int, n)
	for i := range seats {
		seats[i] = i
	}
	return seats
}

func TestPlaceIsBalancedAndDeterministic(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		shards := 1 + rnd.IntN(200)
		seats := rnd.Perm(40)[:1+rnd.IntN(20)]
		given := slices.Clone(seats)
		p := mustPlace(t, shards, seats)
		if !slices.Equal(seats, given) {
			t.Fatal("Place changed its argument")
		}
		if p.Generation != 3 || len(p.Seats) != shards {
			t.Fatalf("got generation %d with %d shards, want 3 with %d", p.Generation, len(p.Seats), shards)
		}
		bound, all := (shards+len(seats)-1)/len(seats), 0
		for _, s := range seats {
			of := p.Of(s)
			if all += len(of); len(of) > bound || !slices.IsSorted(of) {
				t.Fatalf("seat %d of %d holds %v, want at most %d shards, ascending", s, len(seats), of, bound)
			}
			for _, k := range of {
				if p.Seats[k] != s {
					t.Fatalf("Of(%d) lists shard %d of seat %d", s, k, p.Seats[k])
				}
			}
		}
		if all != shards {
			t.Fatalf("%d of %d shards are on the seats %v", all, shards, seats)
		}
		rnd.Shuffle(len(seats), func(i, j int) { seats[i], seats[j] = seats[j], seats[i] })
		if got := mustPlace(t, shards, seats); !slices.Equal(got.Seats, p.Seats) {
			t.Fatalf("%d shards depend on the order of seats: %v and %v", shards, got.Seats, p.Seats)
		}
	}
	// The same in every process, for ever: files name seats.
	want := []int{1, 3, 0, 0, 3, 2, 1, 2}
	if got := mustPlace(t, 8, seatsUpTo(4)); !slices.Equal(got.Seats, want) {
		t.Errorf("8 shards on 4 seats: got %v, want %v", got.Seats, want)
	}
}

// When a seat goes, its own shards must move, and few others: the rise of the
// bound lets some go back to the seat they prefer.
func TestPlaceMovesFewShards(t *testing.T) {
	for _, c := range []struct{ shards, seats int }{{64, 4}, {100, 5}, {128, 8}, {1000, 10}, {60, 12}} {
		before := mustPlace(t, c.shards, seatsUpTo(c.seats))
		moved, worst := 0, 0
		for gone := range c.seats {
			after := mustPlace(t, c.shards, slices.Delete(seatsUpTo(c.seats), gone, gone+1))
			n := 0
			for k := range after.Seats {
				if after.Seats[k] != before.Seats[k] {
					n++
				}
			}
			moved, worst = moved+n, max(worst, n)
		}
		share := float64(c.shards) / float64(c.seats)
		mean := float64(moved) / float64(c.seats)
		t.Logf("%d shards, %d seats: %.1f shards move when one seat goes or comes, at worst %d; its share is %.1f", c.shards, c.seats, mean, worst, share)
		if mean > 2*share || float64(worst) > 3*share {
			t.Errorf("%d shards, %d seats: %.1f move, at worst %d, want at most %.1f and %.1f", c.shards, c.seats, mean, worst, 2*share, 3*share)
		}
	}
}

func TestPlaceRefuses(t *testing.T) {
	for _, c := range []struct {
		shards int
		seats  []int
	}{{0, []int{0}}, {-1, []int{0}}, {3, nil}, {3, []int{2, 1, 2}}} {
		if p, err := Place(1, c.shards, c.seats); err == nil {
			t.Errorf("Place(%d, %v): got %v, want an error", c.shards, c.seats, p)
		}
	}
}
