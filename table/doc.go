// Package table keeps the parameters that workers share: ordered key spaces cut
// in ranges, held by shards, replicated at clients as far as their parts use
// them, and read with bounded staleness.
//
//	part ── View ──┐                     ┌── Shard 0: one range of every table
//	part ── View ──┴─ Client ── Sender ──┤
//	                  one an origin      └── Shard n-1
//
// A part works on the flat slices of its [View]s. Its Clock hands what it did to
// the [Client] of its group, which sums it up and sends every [Shard] one update.
// A shard folds it into its values by the table's [Rule] and answers once, late:
// when the slowest origin has reached the update's floor, with what changed in
// the keys that this client holds. Messages name positions in the held set, not
// keys.
//
// # Promises
//
//   - A view of a part at clock c shows every update made before Floor(c), of
//     every origin on the roster, in every key it holds, on every shard; perhaps
//     newer ones of some. Under BSP it shows exactly those before c, on all shards
//     alike; under SSP and ASP shards may be of different age, each within the
//     bound.
//   - It always shows the part's own updates, unless the rule is an optimiser.
//   - Each update is applied exactly once, whatever is lost, repeated or
//     reconnected, as long as a shard is restored to a state that holds what it
//     acknowledged; a shard restored to an older one refuses its clients.
//   - With Options.Deterministic the values depend on nothing but the updates:
//     not on timing, nor on which process carries an origin or a shard.
//
// Nothing here opens a socket, reads a clock or logs. Shards are for one
// goroutine at a time; a client is safe for its parts and its deliverer.
package table
