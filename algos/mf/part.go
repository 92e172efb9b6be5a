package mf

import (
	"fmt"
	"math"
	"math/bits"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/mf/alternate"
	"petuum/algos/mf/ranking"
	"petuum/algos/mf/sgd"
	"petuum/consistency"
	"petuum/table"
	"petuum/table/kernel"
)

// A solver is a way to find the rows. Its part has the ratings and the rows; those of items
// it must bring together for an evaluation.
type solver interface {
	// tables are those of the solver, beside what all have.
	tables(a *MF, d dataset.Info) []table.Spec
	// clocks are those of a pass over the ratings.
	clocks(a *MF, d dataset.Info) int
	// load opens views on the items.
	load(a *MF, data *dataset.Part, w *algos.Worker) error
	// prepare is called with Prepare, when views are open and nothing is known yet.
	prepare(a *MF, w *algos.Worker)
	// push is the work of a clock.
	push(a *MF, w *algos.Worker)
	// collect makes the part's rows of items those of the table, at a barrier.
	collect(a *MF, w *algos.Worker)
	// travels reports whether the rows of items are in the table at barriers.
	travels() bool
	// restore is prepare for a part that goes on from a checkpoint.
	restore(a *MF)
	// publish makes the table's rows of items [lo, hi) those of the part, at a barrier.
	publish(a *MF, lo, hi int)
}

// part is the state of an instance. Rows lie as kernel.Fit wants them.
type part struct {
	solver solver
	train  *sgd.Ratings
	test   *sgd.Ratings // nil where there are none

	// Of implicit feedback: both user by user, and what makes lists for whom.
	known, held alternate.Ratings
	strangers   []dataset.Stranger
	finder      *ranking.Finder
	listed      []int

	stride    int // values of a row in memory
	users     []float32
	items     []float32 // of all items; the part's own is what it holds
	first     uint64    // user of the whole data that is user 0 here
	seed      uint64
	perUser   []uint32  // ratings
	perItem   []float64 // of all parts
	mean      float64
	deviation float64
	least     float64 // rating
	largest   float64
	lo, hi    float32 // these less the mean
	ready     bool    // what Prepare gathered is here
	lockstep  bool    // see Under
	pushes    int

	best, latest kept
	lot          int // values that are kept of items

	counts  *table.View[float64]
	moments *table.View[float64]
	extreme *table.View[float64]
	scale   *table.View[float64]
	own     *table.View[float32] // the users
}

// kept is the rows as an evaluation found them.
type kept struct {
	clock        consistency.Clock
	users, items []float32 // of items, the part's share
}

// open takes the data in and opens the views that every solver needs.
func (p *part) open(a *MF, data *dataset.Part, w *algos.Worker) (err error) {
	x := &data.X
	p.stride = kernel.Header + (a.Rank+7)/8*8
	p.first, p.seed = data.FirstRow, w.Seed
	p.users = make([]float32, x.Rows()*p.stride)
	p.items = make([]float32, int(w.Info.Features)*p.stride)
	p.perUser = make([]uint32, x.Rows())
	p.best.clock, p.latest.clock = -1, -1
	lo, hi := p.share(w)
	p.lot = (hi - lo) * p.stride
	for i := range x.Rows() {
		p.perUser[i] = uint32(x.Len(i))
	}
	all := table.Span(0, w.Info.Features)
	if p.counts, err = algos.View[float64](w, counts, all, table.Increments); err != nil {
		return err
	}
	one := table.Span(0, 1)
	if p.moments, err = algos.View[float64](w, moments, one, table.Increments); err != nil {
		return err
	}
	if p.extreme, err = algos.View[float64](w, extreme, one, table.Increments); err != nil {
		return err
	}
	if p.scale, err = algos.View[float64](w, scale, one, table.Increments); err != nil {
		return err
	}
	p.own, err = algos.View[float32](w, users, table.Span(p.first, p.first+uint64(x.Rows())), table.WriteOnly)
	return err
}

// openTest takes ratings of the part's users in that are not learned from.
func (p *part) openTest(data *dataset.Part, w *algos.Worker) error {
	if data.X.Rows() != len(p.perUser) {
		return fmt.Errorf("mf: part %d has %d users and test ratings of %d", w.Part, len(p.perUser), data.X.Rows())
	}
	if err := data.Widen(w.Info.Features); err != nil {
		return err
	}
	p.test = sgd.NewRatings(&data.X, []uint64{0, w.Info.Features})
	p.held, p.strangers = listed(&data.X), data.Strangers
	return nil
}

// strange adds up the errors of test ratings of a user or an item that nothing is known of:
// only what is known of the other predicts them.
func (p *part) strange() (squares, sizes float64) {
	for _, s := range p.strangers {
		score := 0.0
		if s.Row >= 0 {
			score += float64(p.users[s.Row*p.stride])
		}
		if s.Key >= 0 {
			score += float64(p.items[s.Key*p.stride])
		}
		off := s.Value - p.mean - min(max(score, float64(p.lo)), float64(p.hi))
		squares, sizes = squares+off*off, sizes+math.Abs(off)
	}
	return squares, sizes
}

// gather adds what the part's ratings are to the tables.
func (p *part) gather() {
	sums := make([]float64, 2*p.counts.Len())
	least, largest, squares := p.train.Sum(sums)
	sum := 0.0
	for j := range p.counts.Len() {
		if s := sums[2*j:][:2]; s[0] > 0 {
			p.counts.AddTo(j, 1, s)
			sum += s[1]
		}
	}
	p.moments.AddTo(0, 1, []float64{float64(p.train.Len()), sum, squares})
	p.extreme.Put(0, []float64{least, -largest})
}

// begin makes the rows that learning begins with, once what Prepare gathered is known.
func (p *part) begin(a *MF) {
	if p.ready {
		return
	}
	p.learn(a)
	for j := range p.perItem {
		row := p.items[j*p.stride:][:p.stride]
		a.initial(row, p.deviation, p.seed, uint64(j))
		if a.centred() {
			row[0] = float32((p.counts.Row(j)[1] - p.perItem[j]*p.mean) / (p.perItem[j] + prior))
		}
	}
	for u := range p.perUser {
		a.initial(p.users[u*p.stride:][:p.stride], p.deviation, p.seed, ^(p.first + uint64(u)))
	}
	if a.centred() {
		p.train.Means(p.users, p.items, p.stride, prior)
	}
	p.counts.Hold(table.Keys(nil))
}

// prior is how many ratings of the mean every bias begins with.
const prior = 10

// learn takes in what Prepare gathered.
func (p *part) learn(a *MF) {
	p.ready = true
	m, extreme := p.moments.Row(0), p.extreme.Row(0)
	p.perItem = make([]float64, p.counts.Len())
	mean := m[1] / m[0]
	p.deviation = math.Sqrt(max(m[2]/m[0]-mean*mean, 0))
	if p.deviation == 0 {
		p.deviation = 1
	}
	if a.centred() {
		p.mean = mean
	}
	p.least, p.largest = extreme[0], -extreme[1]
	p.lo, p.hi = float32(p.least-p.mean), float32(p.largest-p.mean)
	if a.implicit() { // scores have no unit and no bounds
		p.deviation, p.lo, p.hi = 1, -math.MaxFloat32, math.MaxFloat32
		p.least, p.largest = -math.MaxFloat64, math.MaxFloat64
	}
	for j := range p.perItem {
		p.perItem[j] = p.counts.Row(j)[0]
	}
	p.train.Add(-float32(p.mean))
	if p.test != nil {
		p.test.Add(-float32(p.mean))
	}
}

// initial draws the factors of a row: the product of two deviates by Spread.
func (a *MF) initial(row []float32, deviation float64, seed, key uint64) {
	width := math.Sqrt(3 * a.Spread * deviation / math.Sqrt(float64(a.Rank)))
	state := mix(seed ^ mix(key))
	for j := range a.Rank {
		state += 0x9e3779b97f4a7c15
		u := float64(mix(state)>>11) / (1 << 53) // in [0, 1)
		if !a.Nonnegative {
			u = 2*u - 1
		}
		row[kernel.Header+j] = float32(width * u)
	}
}

// mix makes every bit of a number depend on all of them.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ bits.RotateLeft64(x, 33)
}

// share is the items whose penalties a part counts, and whose best rows it keeps.
func (p *part) share(w *algos.Worker) (lo, hi int) {
	n := len(p.items) / p.stride
	return n * w.Part / w.Parts, n * (w.Part + 1) / w.Parts
}

// descent is how rows learn.
func (a *MF) descent() sgd.Descent {
	d := sgd.Descent{Rate: a.Rate, Decay: a.Decay, Lambda: a.lambda(), Deviation: a.deviation,
		Clip: kernel.Clip{Error: a.hi - a.lo, Floor: -math.MaxFloat32}}
	if d.Clip.Error == 0 {
		d.Clip.Error = math.MaxFloat32
	}
	if a.Biases {
		d.BiasRate, d.Penalty = a.BiasRate, a.BiasLambda
	}
	if a.Nonnegative {
		d.Clip.Floor = 0
	}
	return d
}

func (p *part) evaluate(a *MF, w *algos.Worker, e *algos.Eval) {
	none := float32(math.MaxFloat32)
	squares, _ := p.train.Errors(p.users, p.items, p.stride, -none, none)
	e.Add("train", float64(p.train.Len()), squares)
	if p.test != nil {
		squares, sizes := p.test.Errors(p.users, p.items, p.stride, p.lo, p.hi)
		more, far := p.strange()
		e.Add("test", float64(p.test.Len()+len(p.strangers)), squares+more, sizes+far)
	}
	penalty := 0.0
	for u, n := range p.perUser {
		penalty += a.cost(p.users[u*p.stride:][:p.stride], float64(n))
	}
	lo, hi := p.share(w)
	for j := lo; j < hi; j++ {
		penalty += a.cost(p.items[j*p.stride:][:p.stride], p.perItem[j])
	}
	e.Add("penalty", penalty)
}

// cost is the penalty of a row with n ratings.
func (a *MF) cost(row []float32, n float64) float64 {
	factor, ofBias := a.weights(n)
	factors, bias := row[kernel.Header:], float64(row[0])
	return factor*float64(kernel.Dot(factors, factors)) + ofBias*bias*bias
}

// keep keeps the rows of an evaluation, and for good those of the best.
func (p *part) keep(w *algos.Worker, clock consistency.Clock) {
	p.promote(w)
	lo, hi := p.share(w)
	p.latest.clock = clock
	p.latest.users = append(p.latest.users[:0], p.users...)
	p.latest.items = append(p.latest.items[:0], p.items[lo*p.stride:hi*p.stride]...)
}

func (p *part) promote(w *algos.Worker) {
	if p.latest.clock >= 0 && p.latest.clock == w.Best {
		p.best, p.latest = p.latest, p.best
	}
}

// restore brings the rows of the best evaluation back.
func (p *part) restore(w *algos.Worker) {
	p.promote(w)
	if p.best.clock < 0 || p.best.clock != w.Best {
		return
	}
	lo, hi := p.share(w)
	copy(p.users, p.best.users)
	copy(p.items[lo*p.stride:hi*p.stride], p.best.items)
}

// publish writes the rows of users and the part's share of the items.
func (p *part) publish(a *MF, w *algos.Worker) {
	row := make([]float32, 1+a.Rank)
	for u := range p.perUser {
		p.unpack(row, u, p.users)
		p.own.AddTo(u, 1, row)
	}
	lo, hi := p.share(w)
	a.solver.publish(a, lo, hi)
	if w.Part == 0 {
		p.scale.Put(0, []float64{p.mean, p.least, p.largest})
	}
}

// unpack makes a row as tables have it of row i in memory.
func (p *part) unpack(to []float32, i int, rows []float32) {
	row := rows[i*p.stride:][:p.stride]
	to[0] = row[0]
	copy(to[1:], row[kernel.Header:])
}

// pack is the reverse.
func (p *part) pack(i int, rows, from []float32) {
	row := rows[i*p.stride:][:p.stride]
	row[0] = from[0]
	copy(row[kernel.Header:], from[1:])
}

func factorName(k int) string { return fmt.Sprintf("factor %d", k) }
