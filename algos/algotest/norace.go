//go:build !race

package algotest

// Raced is whether the race detector watches.
const Raced = false
