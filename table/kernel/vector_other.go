//go:build !amd64 || purego

package kernel

func dotFast[V, T Float](x []V, y []T) T                              { return dotSlow(x, y) }
func sumFast[T Float](x []T) T                                        { return sumSlow(x) }
func squareFast[V Float](x []V) float64                               { return squareSlow(x) }
func axpyFast[V, T Float](a T, x []V, y []T)                          { axpySlow(a, x, y) }
func scaleFast[T Float](a T, x []T)                                   { scaleSlow(a, x) }
func axpyDotFast[V, T Float](a T, x []V, y, z []T) T                  { return axpyDotSlow(a, x, y, z) }
func gatherFast[I Index, T Float](idx []I, y []T) T                   { return gatherSlow(idx, y) }
func gatherDotFast[I Index, V, T Float](idx []I, x []V, y []T) T      { return gatherDotSlow(idx, x, y) }
func scatterAddFast[I Index, T Float](a T, idx []I, y []T)            { scatterAddSlow(a, idx, y) }
func scatterAxpyFast[I Index, V, T Float](a T, idx []I, x []V, y []T) { scatterAxpySlow(a, idx, x, y) }
