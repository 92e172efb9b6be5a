// Package consistency decides how stale a read may be.
//
// It is the one rule that every table follows (Ho et al., "More Effective
// Distributed ML via a Stale Synchronous Parallel Parameter Server", NIPS 2013):
//
//	A reader at clock c reads values that hold every update of every origin
//	made before clock Floor(c) = c - slack, and perhaps some newer ones.
//
// Slack 0 is bulk synchronous (BSP), slack s is stale synchronous (SSP),
// unbounded slack is asynchronous (ASP); the three run the same code. The
// bounded delay of the Parameter Server (Li et al., OSDI 2014, Algorithm 3) is
// the same bound with tau = s.
//
// A [Policy] gives the floor, a [Vector] knows the clocks of the origins that
// count and hence the oldest of them, and [Held] keeps the requests that wait
// for that oldest clock. All three are plain values without goroutine, lock,
// socket or time: whoever owns one calls it from one goroutine at a time.
package consistency
