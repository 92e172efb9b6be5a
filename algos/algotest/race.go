//go:build race

package algotest

// Raced is whether the race detector watches: sync.Pool forgets at random then, and kernels
// allocate again.
const Raced = true
