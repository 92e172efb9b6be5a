// Package alternate solves matrix factorisation on the parts of a job by solvers that make
// one side best, then the other: [ALS] and [CCD].
//
// The rows of the users stay with their part, which has all ratings of theirs. What makes
// the items' rows are sums over the ratings of all parts. They are added up in the table
// "sums", of the clocks one after another in the same place: what a clock added is the
// difference from the clock before, in float64. All parts are at the same clock, so that
// this asks for bsp with exact tables.
package alternate

// The tables, all scratch.
const (
	SumsTable = "sums"
	GramTable = "gram"
	RowsTable = "rows"
)

// Ratings are those of a part: of user i, counted from the part's first, of
// Items[Start[i]:Start[i+1]], ascending, the Values.
type Ratings struct {
	Start  []int
	Items  []uint32
	Values []float32
}

// Users is the number of users.
func (r Ratings) Users() int { return len(r.Start) - 1 }

// Of is the ratings of a user.
func (r Ratings) Of(i int) ([]uint32, []float32) {
	lo, hi := r.Start[i], r.Start[i+1]
	return r.Items[lo:hi], r.Values[lo:hi]
}

// byItem is the same ratings by item: of users.
func (r Ratings) byItem(items int) Ratings {
	t := Ratings{make([]int, items+1), make([]uint32, len(r.Items)), make([]float32, len(r.Values))}
	for _, j := range r.Items {
		t.Start[j+1]++
	}
	for j := range items {
		t.Start[j+1] += t.Start[j]
	}
	at := append([]int(nil), t.Start...)
	for i := range r.Users() {
		items, values := r.Of(i)
		for k, j := range items {
			t.Items[at[j]], t.Values[at[j]] = uint32(i), values[k]
			at[j]++
		}
	}
	return t
}

// Rows are what both sides begin with, and what is known of all ratings: the same in all
// parts but for the users. A row is its factors, then its bias if there are biases.
type Rows struct {
	Users, Items []float32
	Counts       []float32 // ratings of each item in all parts
	Mean         float32   // what ratings are the sum of, besides the rows; not of implicit feedback
}

// share is what part p of so many has of n.
func share(n, p, parts int) (lo, hi int) { return n * p / parts, n * (p + 1) / parts }
