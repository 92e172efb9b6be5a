// Package doctor finds out, before a job, whether it could run: it looks at this
// machine, and at a cluster from the place of every process that will take part.
// Nothing is left behind, and nothing is changed.
//
// # A check-up of a cluster
//
// The processes are started as for the job, with the same flags, and gather in the
// same way; the scheduler begins with those who are there when its wait is over.
//
//	scheduler              server, worker
//	    │◄──── enlist ──────────┤   hello of the connection
//	    │◄──── Here ────────────┤   who it is in gossip, its machine and versions
//	    │      ...everybody, or the wait is over
//	    ├───── Examine ────────►│   configuration, its name, and who takes part
//	    │◄──── Probe ───────────┤   a few times: four timestamps tell the
//	    ├───── Probed ─────────►│   difference of the clocks
//	    │                       │   meanwhile everybody dials every server's data
//	    │                       │   listener and pings every member
//	    │◄──── Findings ────────┤   its checks, and facts that the scheduler compares
//	    │      ...from everybody, or no more is waited for
//	    ├───── Verdict ────────►│   its checks, with what the comparison showed
//
// A role waits for the scheduler alone, and the scheduler for all roles at most
// as long as its bounds say. Nobody leaves before the verdict, so a listener that
// does not answer is not one that has gone already. Dials and pings are bounded.
//
// Workers listen on no data address, so nobody dials them. A role does not dial
// the scheduler: that its connection is there shows that it can. Of a pair of
// servers each dials the other, so that what stands in the way of one direction
// only shows by who fails.
//
// Nothing in training depends on clocks, so a difference is at most a warning.
package doctor
