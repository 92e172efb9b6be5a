//go:build !purego

package kernel

// The kernels of this file do all of their ratings. Those for AVX2 serve AVX-512 too.

func rateFast(out, user, rows []float32, index []uint32) {
	if path == plain || len(out) == 0 {
		rateGo(out, user, rows, index)
		return
	}
	rateAVX2(&out[0], &user[0], &rows[0], &index[0], len(out), 4*len(user))
}

func fitFast(user, rows []float32, index []uint32, ratings []float32, penalty float32, c Clip) {
	if path == plain || len(ratings) == 0 {
		fitGo(user, rows, index, ratings, penalty, c)
		return
	}
	fitAVX2(&user[0], &rows[0], &index[0], &ratings[0], len(ratings), len(index), 4*len(user), penalty, c.Error, c.Floor)
}
