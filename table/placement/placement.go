package placement

import (
	"cmp"
	"errors"
	"slices"
)

// Placement says which seat holds each shard. A seat is a server's place,
// which a restarted server takes again.
type Placement struct {
	Generation uint32 `json:"generation"`
	Seats      []int  `json:"seats"` // Seats[k] holds shard k
}

// Place deals shards to the seats by rendezvous hashing with bounded loads: each
// shard prefers the seats in an order of its own, and a seat takes at most the
// rounded-up mean. When a seat comes or goes, only about its share of the shards
// moves, and no seat holds more than one shard above the mean.
func Place(generation uint32, shards int, seats []int) (Placement, error) {
	if shards <= 0 || len(seats) == 0 {
		return Placement{}, errors.New("placement: no shards or no seats to place them on")
	}
	seats = slices.Clone(seats)
	slices.Sort(seats)
	if len(slices.Compact(slices.Clone(seats))) != len(seats) {
		return Placement{}, errors.New("placement: a seat is listed twice")
	}
	bound := (shards + len(seats) - 1) / len(seats)
	load := make(map[int]int, len(seats))
	p := Placement{Generation: generation, Seats: make([]int, shards)}
	order := slices.Clone(seats)
	for k := range shards {
		slices.SortFunc(order, func(a, b int) int {
			return cmp.Or(cmp.Compare(weight(k, b), weight(k, a)), cmp.Compare(a, b))
		})
		for _, s := range order {
			if load[s] < bound {
				load[s]++
				p.Seats[k] = s
				break
			}
		}
	}
	return p, nil
}

// Of lists the shards that seat holds, ascending.
func (p Placement) Of(seat int) []int {
	var shards []int
	for k, s := range p.Seats {
		if s == seat {
			shards = append(shards, k)
		}
	}
	return shards
}

// weight orders the seats for a shard: the highest wins.
func weight(shard, seat int) uint64 {
	x := uint64(shard)<<32 ^ uint64(uint32(seat))
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
