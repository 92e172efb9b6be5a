//go:build !amd64 || purego

package kernel

import "math"

const plain = iota

// path is how kernels are computed.
var path = best()

func best() int { return plain }

func readFast(x []uint64) (done int, or uint64) { return 0, 0 }
func flipFast(x []uint64) (done int)            { return 0 }

func addFast[T Elem](x, u []T) int                               { return 0 }
func zeroFast[T Elem](x []T) (int, bool)                         { return 0, true }
func hasZeroFast[T Elem](x []T) (int, bool)                      { return 0, false }
func newerFast(mask []uint64, x []uint32, since uint32) int      { return 0 }
func takeFast[T Elem](to []byte, x []T) (int, bool)              { return 0, false }
func planesFast[T Elem](planes []byte, x []T, size int) int      { return 0 }
func loadPlanesFast[T Elem](x []T, planes []byte, size int) int  { return 0 }
func fixedFast[T Elem](planes []byte, x []T, size, unit int) int { return 0 }
func loadFixedFast[T Elem](x []T, b []byte, size, unit int) int  { return 0 }
func largestFast[T Elem](x []T) (int, float64)                   { return 0, 0 }
func roundSingleFast[T Elem](x []T) int                          { return 0 }
func roundBFloat16Fast[T Elem](x []T) int                        { return 0 }
func roundFixedFast[T Elem](x []T, unit int) int                 { return 0 }

func functionFast[T Float](f function, dst, x []T) bool              { return false }
func maxFast[T Float](x []T) (int, T)                                { return 0, T(math.Inf(-1)) }
func expSumFast[T Float](dst, x []T, shift T) (sum float64, ok bool) { return 0, false }

func gemmFast[T Float](m, n, k int, a, b operand[T], c []T, stride int) bool { return false }
func gemvFast[T Float](rows, cols int, a []T, stride int, x, y []T) bool     { return false }
func gemvTFast[T Float](rows, cols int, a []T, stride int, x, y []T) bool    { return false }
func peakFast[T Float](rounds int) int                                       { return 0 }

func appendIntsFast(to []byte, x []int32) (written, done int) { return 0, 0 }
func loadIntsFast(x []int32, b []byte) (read, done int)       { return 0, 0 }

func shuffleFast(planes, elements []byte, size int) int   { return 0 }
func unshuffleFast(elements, planes []byte, size int) int { return 0 }
func toBFloat16sFast(dst []uint16, x []float32) int       { return 0 }
func fromBFloat16sFast(dst []float32, x []uint16) int     { return 0 }
