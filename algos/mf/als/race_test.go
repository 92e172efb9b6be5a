//go:build race

package als

const raceEnabled = true // sync.Pool forgets at random then, and kernels allocate again
