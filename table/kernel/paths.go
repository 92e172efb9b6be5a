package kernel

import (
	"fmt"
	"slices"
)

// pathNames are the names of the paths, slowest first.
var pathNames = []string{"plain", "AVX2", "AVX-512"}

// Paths returns how this machine can compute kernels, slowest first: "plain", which
// is plain Go, and what its instructions allow. It takes the last.
func Paths() []string { return slices.Clone(pathNames[:best()+1]) }

// Use has kernels computed by one of [Paths] until restore is called. It is for
// measurements: nothing else may compute meanwhile. Another name panics.
func Use(name string) (restore func()) {
	p := slices.Index(Paths(), name)
	if p < 0 {
		panic(fmt.Sprintf("kernel: this machine has no path %q, but %q", name, Paths()))
	}
	have := path
	path = p
	return func() { path = have }
}
