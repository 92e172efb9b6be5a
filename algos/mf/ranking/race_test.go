//go:build race

package ranking

const raceEnabled = true // sync.Pool forgets at random then, and kernels allocate again
