// Package algotest is a cluster in memory that tries to break its promises.
//
// [Run] plays a whole job in one goroutine: shards, clients and their parts, the
// network between them, and whoever issues rosters. Everything that can happen
// in an order of its own is an event, and a generator seeded once picks the next
// one, so that a run is a pure function of its [Config] and a failure is found
// again by its seed.
//
//	part ─┐                  up: packets, in order, each with a delay
//	part ─┴─ node (Client) ═══════════════════════════════════► host (Shard)
//	                       ◄═══════════════════════════════════
//	                         down: the same, with delays of its own
//
// A link is one connection: what is sent on it arrives in order or, from some
// point on, not at all. Answers and updates cross. Faults are
//
//	disconnect  a link is cut at a random point of either queue, and made anew later
//	restart     a shard is restored from its snapshot, mostly in another life, without links
//	replica     a replica, fed with the same messages, takes a shard's place; links stay
//	newcomer    an origin enters the roster in mid-job
//	leave       an origin has nothing more to do
//	takeover    an origin's client dies silently; what it sent still arrives, late,
//	            and another client carries the origin on in a new generation
//	reissue     a new generation of the same origins
//
// # What is checked
//
// The ledger knows what every part wrote, in which update it was sent, and hence
// what a read may return. Each slot, which is one part of one origin, has keys of
// its own in every shard and table; their values only grow, so a value read tells
// exactly which updates are in it. At every Clock, and after every write:
//
//   - bound: nothing made before the reader's floor is missing;
//   - future: nothing is there that was never made, and no part of an update;
//   - read-my-writes: exactly all own updates are there;
//   - back: no value is older than at the last read;
//   - changed: what changed is reported by Changed;
//   - lease: one holder at a time, who sees all that holders before him wrote;
//   - barrier: after Sync, exactly everything is there;
//   - sums: in the end every shard holds every update once;
//   - replica: a replica has the same bytes and gave the same replies;
//   - protocol: neither side refuses what the other sent;
//   - stuck: somebody can always go on.
//
// # How rosters are changed
//
// Rosters reach shards at different times, and so do generations reach clients.
// What is read off the shards to make a roster must still be true when the last
// of them learns of it. So first a roster of the same origins goes to the
// shards alone ([placement.Roster.Move]): a shard that has it refuses every
// client, and its clocks stand still. When all have it, the start of a newcomer
// (one after the highest minimum) or of the client that takes an origin over
// (the lowest clock that a shard has of it) is read off, and only then do
// clients learn of a new generation.
package algotest
