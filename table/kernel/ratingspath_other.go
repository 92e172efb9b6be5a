//go:build !amd64 || purego

package kernel

func rateFast(out, user, rows []float32, index []uint32) { rateGo(out, user, rows, index) }

func fitFast(user, rows []float32, index []uint32, ratings []float32, penalty float32, c Clip) {
	fitGo(user, rows, index, ratings, penalty, c)
}
