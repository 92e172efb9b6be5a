//go:build race

package algotest

const raceEnabled = true // sync.Pool forgets at random then, and kernels allocate again
