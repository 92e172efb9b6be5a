package schedule

// fan is the children of a node of a tree, as a shift: 16, two cache lines.
const fan = 4

// tree is weights with the sums of every 16, of every 256 and so on: 8.6 bytes a
// variable, and a draw or a change costs log16 n times 16 additions. Sums are made
// anew from what they sum, so that rounding never builds up.
type tree [][]float64

func newTree(n int) tree {
	var t tree
	for n > 1 || t == nil {
		n = (n + 1<<fan - 1) >> fan
		t = append(t, make([]float64, n<<fan))
	}
	return append(t, make([]float64, 1))
}

func (t tree) sum() float64 { return t[len(t)-1][0] }

// put sets the weight of j: finite, not below 0.
func (t tree) put(j int, w float64) {
	if t[0][j] == w {
		return
	}
	t[0][j] = w
	for l := 1; l < len(t); l++ {
		j >>= fan
		t[l][j] = total(t[l-1][j<<fan:])
	}
}

// remake sums everything again, after the leaves were written.
func (t tree) remake() {
	for l := 1; l < len(t); l++ {
		for j := range t[l][:len(t[l-1])>>fan] {
			t[l][j] = total(t[l-1][j<<fan:])
		}
	}
}

func total(w []float64) float64 {
	sum := 0.0
	for _, v := range w[:1<<fan] {
		sum += v
	}
	return sum
}

// draw is the variable at u of the sum, u in [0, 1), or -1 if all weigh nothing.
func (t tree) draw(u float64) int {
	x, j := u*t.sum(), 0
	for l := len(t) - 2; l >= 0; l-- {
		found := -1
		for c, v := range t[l][j<<fan : (j+1)<<fan] {
			if v > 0 {
				if found = j<<fan + c; x < v {
					break
				}
				x -= v
			}
		}
		if found < 0 {
			return -1
		}
		j = found
	}
	return j
}
