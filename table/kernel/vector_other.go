//go:build !amd64 || purego

package kernel

func dotFast[T Float](x, y []T) T                                     { return dotGo(x, y) }
func sumFast[T Float](x []T) T                                        { return sumGo(x) }
func axpyFast[T Float](a T, x, y []T)                                 { axpyGo(a, x, y) }
func scaleFast[T Float](a T, x []T)                                   { scaleGo(a, x) }
func axpyDotFast[T Float](a T, x, y, z []T) T                         { return axpyDotGo(a, x, y, z) }
func gatherFast[I Index, T Float](idx []I, y []T) T                   { return gatherGo(idx, y) }
func gatherDotFast[I Index, V, T Float](idx []I, x []V, y []T) T      { return gatherDotGo(idx, x, y) }
func scatterAddFast[I Index, T Float](a T, idx []I, y []T)            { scatterAddGo(a, idx, y) }
func scatterAxpyFast[I Index, V, T Float](a T, idx []I, x []V, y []T) { scatterAxpyGo(a, idx, x, y) }
