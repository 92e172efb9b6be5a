package descent

import (
	"strconv"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/table"
)

// Predictions is the table of what is predicted of each row, which a job has where parts
// are ranges of features: no part could predict it from its own. The scheduler can, as it
// has the columns of every block.
const Predictions = "predictions"

// PredictionsTable is its declaration, for a model without coefficients. What labels count
// less is not predicted.
func PredictionsTable(d dataset.Info, loss Loss, center float64) table.Spec {
	b0 := 0.0
	if loss == Logistic {
		b0 = center
	}
	return table.Spec{Name: Predictions, Keys: d.Rows, Type: table.Float64, Rule: table.Replace, Init: table.Init{Value: b0}, Scratch: true}
}

// byFeatures is what a part has in place of coefficients.
type byFeatures struct {
	part        int
	predictions *table.View[float64]
}

// loadFeatures ends the loading of a part that is a range of features.
func (p *Part) loadFeatures(folds int, w *algos.Worker) (err error) {
	p.byFeatures = &byFeatures{part: w.Part}
	if folds > 0 {
		p.fold = dealRows(len(p.y), folds, w.Seed)
	}
	p.byFeatures.predictions, err = algos.View[float64](w, Predictions, table.Span(0, uint64(len(p.y))), table.Increments)
	if err == nil {
		p.see()
	}
	return err
}

// see takes the predictions as the scheduler wrote them.
func (p *Part) see() {
	copy(p.f, p.byFeatures.predictions.Values())
	p.old = true
}

// leads says whether the part answers for its rows: of parts that have the same ones it
// is the first.
func (p *Part) leads() bool { return p.byFeatures == nil || p.byFeatures.part == 0 }

// share is the name of a sum over the part's features: a part by features has it alone.
func (p *Part) share(name string) string {
	if p.byFeatures == nil {
		return name
	}
	return shareOf(name, p.byFeatures.part)
}

func shareOf(name string, part int) string { return name + "/" + strconv.Itoa(part) }

// dealRows gives each row a fold by its number, as no part has a whole row.
func dealRows(rows, folds int, seed uint64) []uint8 {
	of := make([]uint8, rows)
	for i := range of {
		of[i] = uint8(mix(seed, uint64(i)) % uint64(folds))
	}
	return of
}

// predicted is what the scheduler keeps of rows where parts are ranges of features.
type predicted struct {
	parts  int
	view   *table.View[float64]
	f      []float64
	before []float64 // the last pull
	fold   []uint8
	ahead  bool // parts have not seen f yet, so no block can be worked on
}

// predictRows begins predicting.
func (m *Model) predictRows(s *algos.Scheduler) (err error) {
	n := s.Info.Rows
	p := &predicted{parts: s.Parts, f: make([]float64, n), before: make([]float64, n)}
	for i := range p.f {
		p.f[i] = m.b0
	}
	if m.Folds > 0 {
		p.fold = dealRows(len(p.f), m.Folds, s.Seed)
	}
	m.predicted = p
	p.view, err = algos.SchedulerView[float64](s, Predictions, table.Span(0, n), table.Increments)
	return err
}

// begin is called before coefficients change.
func (p *predicted) begin() { copy(p.before, p.f) }

// add has a coefficient of a column change by d.
func (p *predicted) add(c column, d float64) {
	for k, row := range c.rows {
		p.f[row] += d * c.vals[k]
	}
}

// put tells the parts, after the intercept of all rows has changed by b0.
func (p *predicted) put(b0 float64) {
	p.ahead = true
	for i := range p.f {
		if p.f[i] += b0; p.f[i] != p.before[i] {
			p.view.Put(i, p.f[i:i+1])
		}
	}
}

// retreat goes half the way back, with all coefficients.
func (p *predicted) retreat() {
	for i, f := range p.f {
		p.f[i], p.before[i] = (f+p.before[i])/2, f
	}
	p.put(0)
}

// counted is the column of the block at place i without rows that are held out.
func (p *predicted) counted(m *Model, i int, c column) (in column) {
	if m.square[m.block[i]] == 0 {
		return in
	}
	if m.fold < 0 || p.fold == nil {
		return c
	}
	for k, row := range c.rows {
		if int(p.fold[row]) != m.fold {
			in.rows, in.vals = append(in.rows, row), append(in.vals, c.vals[k])
		}
	}
	return in
}

// waits says whether the parts do not know yet what the last pull came to: they see it
// when they evaluate.
func (m *Model) waits() bool { return m.predicted != nil && m.predicted.ahead }

// shares is a sum over features: that of all parts, or of each its own.
func (m *Model) shares(e *algos.Eval, name string) (sums [][]float64) {
	if m.predicted == nil {
		return [][]float64{e.Sums(name)}
	}
	for part := range m.predicted.parts {
		sums = append(sums, e.Sums(shareOf(name, part)))
	}
	return sums
}

// joined calls visit with the elements of shares and their numbers, through all of them,
// which are n.
func joined(shares [][]float64, n int, visit func(i int, v float64)) {
	at := 0
	for _, share := range shares {
		for i, v := range share[:min(len(share), n-at)] {
			visit(at+i, v)
		}
		at += len(share)
	}
}
