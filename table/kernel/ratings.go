package kernel

// A row of factors, of a user or an item, is a header of [Header] values and then the
// factors, a multiple of eight of them. The header is
//
//	0  bias
//	1  rate at which the factors learn
//	2  what the factors are multiplied by for each rating
//	3  rate at which the bias learns
//	4  for users, what the factors are multiplied by for four ratings
//
// and the rest is of no meaning. What an index names must be a row: nothing checks that.
//
// Products of factors are added up in eight lanes, factor j in lane j mod 8, and these as
// ((0+1)+(2+3)) + ((4+5)+(6+7)). Nothing is fused.

// Header is how many values of a row come before the factors.
const Header = 8

// Clip bounds what a step of [Fit] does.
type Clip struct {
	Error float32 // the largest error that is believed
	Floor float32 // the least that a factor is: 0 keeps factors from being negative
}

// Rate predicts ratings of the user of a row: out[k] = (user's bias + bias of row
// index[k]) + product of their factors. All rows are as long as user; index is at least
// as long as out.
func Rate(out, user, rows []float32, index []uint32) {
	index = index[:len(out)]
	for len(out) > stretch {
		rateFast(out[:stretch], user, rows, index[:stretch])
		out, index = out[stretch:], index[stretch:]
	}
	rateFast(out, user, rows, index)
}

func rateGo(out, user, rows []float32, index []uint32) {
	for k, i := range index {
		row := rows[int(i)*len(user):][:len(user)]
		out[k] = (user[0] + row[0]) + dotRow(user, row)
	}
}

// dotRow is the product of the factors of two rows.
func dotRow(a, b []float32) float32 {
	var s [8]float32
	a, b = a[Header:], b[Header:]
	for ; len(a) >= 8 && len(b) >= 8; a, b = a[8:], b[8:] {
		for j := range s {
			s[j] += float32(a[j] * b[j])
		}
	}
	return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
}

// Fit goes a step of gradient descent towards each of the ratings that one user gave to
// the rows of index, four of them at a time: their errors are found before anything is
// changed. Of an error e a factor of the user gains rate*e times that of the row and the
// reverse, after both were multiplied as their headers say; a bias gains rate*(e - penalty
// bias). index may be longer than ratings: rows that come next are fetched early.
func Fit(user, rows []float32, index []uint32, ratings []float32, penalty float32, c Clip) {
	_ = index[:len(ratings)]
	for len(ratings) > stretch {
		fitFast(user, rows, index, ratings[:stretch], penalty, c)
		index, ratings = index[stretch:], ratings[stretch:]
	}
	fitFast(user, rows, index, ratings, penalty, c)
}

func fitGo(user, rows []float32, index []uint32, ratings []float32, penalty float32, c Clip) {
	for ; len(ratings) >= 4; index, ratings = index[4:], ratings[4:] {
		fitSome(user, rows, index[:4], ratings, user[4], 4*penalty, penalty, c)
	}
	for k := range ratings {
		fitSome(user, rows, index[k:k+1], ratings[k:], user[2], penalty, penalty, c)
	}
}

// fitSome is one step, for one rating or four; decay and all are of the user and for all
// of them together.
func fitSome(user, rows []float32, index []uint32, ratings []float32, decay, all, penalty float32, c Clip) {
	var e, biases [4]float32
	for k, i := range index {
		row := rows[int(i)*len(user):][:len(user)]
		v := ((ratings[k] - user[0]) - row[0]) - dotRow(user, row)
		if !(v < c.Error) {
			v = c.Error
		}
		if !(v > -c.Error) {
			v = -c.Error
		}
		e[k] = v
		biases[k] = row[0] + float32(row[3]*(v-float32(penalty*row[0])))
	}
	for k, i := range index {
		rows[int(i)*len(user)] = biases[k]
	}
	user[0] += float32(user[3] * (((e[0] + e[1]) + (e[2] + e[3])) - float32(all*user[0])))
	for j := Header; j < len(user); j++ {
		p, next := user[j], float32(decay*user[j])
		for k, i := range index {
			row := rows[int(i)*len(user):][:len(user)]
			q := row[j]
			next += float32(float32(e[k]*user[1]) * q)
			row[j] = atLeast(float32(row[2]*q)+float32(float32(e[k]*row[1])*p), c.Floor)
		}
		user[j] = atLeast(next, c.Floor)
	}
}

func atLeast(x, floor float32) float32 {
	if x > floor {
		return x
	}
	return floor
}
