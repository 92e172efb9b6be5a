// Package cluster is membership: which processes take part, found and watched by Serf gossip.
//
// A Cluster is one process's part in it. It says who is here (Members), what changes
// (Events) and when this process itself has to go (Refused). Shard maps, clocks and data never
// travel by gossip; a member only tells who it is and where its data listener stands.
//
// # The life of a member
//
//	            claim (a server that asks for a seat)
//	gossip ──► pending ──────────────┐ gone: one warning line, no event
//	   │          │ holds its seat   │
//	   │          ▼                  ▼
//	   └──────► present ── left ──► ended    Joined on entering present, then exactly one of
//	              │  ▲                ▲      Left and Failed; an ended incarnation never returns
//	       silent ▼  │ heard again    │
//	            doubted ── TCP fails ─┘
//
// Invariants:
//   - One node name is one incarnation of a process: name, process id and random digits. A process
//     that starts again is another incarnation, so its Joined never mixes with the old one's Failed.
//   - Each incarnation is announced at most once, and ends at most once, in that order.
//   - A death is believed after TCP agrees. While gossip misses a member and its data listener still
//     answers, it stays in Members; it is asked again a bounded number of times, then believed dead.
//   - Of the servers that claim one seat exactly one stays. A server claims, looks around for
//     a tenth of a second, and then holds. A holder beats a claim; among equals the earlier start wins, then
//     the lower node name. Because only a process itself knows whether it has ever held, the
//     winner of this order among those who held (or else among all) never loses.
//   - A death is announced before the join of the server that takes over the seat.
//
// An observer takes part in gossip, so that it learns who is here and can ping them, but is a member to
// nobody.
//
// # What a member tells
//
// Serf carries these tags, msgpack encoded, in at most 512 bytes (memberlist's limit):
//
//	role   scheduler | server | worker | observer
//	name   logical name, [A-Za-z0-9._-], at most 64 bytes
//	seat   decimal; absent: none
//	held   "1" once the seat is held, absent while it is claimed
//	bye    "1" when it leaves: the goodbye that counts. Serf's own leave can be overtaken by the
//	       silence that follows, and would then look like a crash
//	data   host:port of the data listener; absent: none
//	job    the job's name; absent: none
//	ver    major.minor.patch
//	start  start of the process, nanoseconds since 1970, base 36
//
// Streams and packets carry the label "petuum", so that another program's gossip on the same port is
// never merged with ours. A member whose tags do not parse, or whose major version differs, is
// refused on both sides before it enters either list.
//
// # Timing
//
// A crash is Failed after 1 to 2 seconds; a process that is stopped, while its system still opens connections
// for it, some ten seconds later, because a starved one looks the same; a leave is Left in some tens of milliseconds, and Leave itself returns in about 0.4 s. A server
// with a seat starts 0.2 s later than one without. Gossip costs each process under one percent of a core.
package cluster
