// Package bench measures the data plane: what servers and workers of real
// processes move a second, beside what bare TCP moves between the same machines.
//
//	petuum bench wire      the user's process: starts everything, or on a cluster
//	  └─ lead              plays the scheduler; bare TCP ends here
//	  ├─ servers           petuum server, as in a job
//	  └─ workers           petuum worker; one workload after the other, all at once
//
// The lead gathers servers and workers as a scheduler does, has the servers hold
// the tables of [Tables], and sends each worker a [Task] after the other, which the
// worker answers with a [Measure]:
//
//	scheduler            worker                 server
//	    ├─ Job, Setup ───────────────────────────►│
//	    │◄─ Ready ────────────────────────────────┤
//	    ├─ Bench(Task) ───►│ ◄──── Batch ────────►│
//	    │◄─ Benched ───────┤                      │
//	    ├─ Usage ─────────►├─────────────────────►│   between two tasks
//	    │◄─ Used ──────────┤◄─────────────────────┤   CPU seconds so far
//	    ├─ Stop ──────────►├─────────────────────►│
//
// Each worker has two clients: one writes, through views that are only written,
// the other reads, so that a push and a pull are measured by themselves. A push
// lasts from Clock until the last shard has acknowledged; a pull from the moment
// the reader asks until the values are in its view. Filling in what is pushed does
// not count.
package bench
