package kernel

// Float is a type of real numbers.
type Float interface{ float32 | float64 }
