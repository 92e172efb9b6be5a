// Package kernel holds the loops over flat slices in which the time of a
// training goes. It knows neither tables nor algorithms. Plain Go is the
// specification.
//
// Elements travel in their memory's form on little-endian machines, which is
// that of messages and files. There a conversion is a copy of memory; elsewhere
// it is a loop.
package kernel

// Elem is what the values of a table are made of.
type Elem interface{ float32 | float64 | int32 }

// Add adds u, which is at least as long, to x.
func Add[T Elem](x, u []T) {
	u = u[:len(x)]
	for i := range x {
		x[i] += u[i]
	}
}

// Zero reports whether all of x is 0.
func Zero[T Elem](x []T) bool {
	for _, v := range x {
		if v != 0 {
			return false
		}
	}
	return true
}
