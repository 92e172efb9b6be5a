package mf

import (
	"io"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/mf/alternate"
	"petuum/algos/mf/sgd"
	"petuum/table"
	"petuum/table/kernel"
)

// engine is a solver of package alternate.
type engine interface {
	Plan(items int)
	Tables() []table.Spec
	Clocks() int
	Size() int
	Load(r alternate.Ratings, w *algos.Worker) error
	Begin(r alternate.Rows)
	Push()
	Settle()
	Rows() (users, items []float32)
	Objective(w *algos.Worker) float64
	Save(w io.Writer) error
	Restore(r io.Reader) error
}

var (
	_ engine = (*alternate.ALS)(nil)
	_ engine = (*alternate.CCD)(nil)
)

// alternating has an engine make the rows, which are the instance's from one evaluation to
// the next: those of all items are in every part.
type alternating struct {
	engine
	begun bool
	all   *table.View[float32]
}

func (s *alternating) tables(_ *MF, d dataset.Info) []table.Spec {
	s.Plan(int(d.Features))
	return s.Tables()
}

func (s *alternating) clocks(_ *MF, d dataset.Info) int {
	s.Plan(int(d.Features))
	return s.Clocks()
}

func (s *alternating) load(a *MF, data *dataset.Part, w *algos.Worker) (err error) {
	s.Plan(int(w.Info.Features))
	a.train = sgd.NewRatings(&data.X, []uint64{0, w.Info.Features})
	ratings := listed(&data.X)
	if a.implicit() {
		if err := a.took(ratings, w); err != nil {
			return err
		}
	}
	if s.all, err = algos.View[float32](w, items, table.Span(0, w.Info.Features), table.WriteOnly); err != nil {
		return err
	}
	return s.Load(ratings, w)
}

// listed is the ratings of a part, user by user.
func listed(x *dataset.Matrix) alternate.Ratings {
	r := alternate.Ratings{Start: make([]int, 1, x.Rows()+1), Items: make([]uint32, 0, x.NNZ()), Values: make([]float32, 0, x.NNZ())}
	for i := range x.Rows() {
		for j, v := range x.Row(i) {
			r.Items, r.Values = append(r.Items, uint32(j)), append(r.Values, float32(v))
		}
		r.Start = append(r.Start, len(r.Items))
	}
	return r
}

func (s *alternating) prepare(*MF, *algos.Worker) {}

// begin gives the engine the rows that items begin with. Those of users are made of them.
func (s *alternating) begin(a *MF) {
	if s.begun {
		return
	}
	s.begun = true
	n, size := len(a.items)/a.stride, s.Size()
	r := alternate.Rows{Users: make([]float32, len(a.perUser)*size), Items: make([]float32, n*size),
		Counts: make([]float32, n), Mean: float32(a.mean)}
	for j, count := range a.perItem {
		to, row := r.Items[j*size:][:size], a.items[j*a.stride:]
		copy(to[:a.Rank], row[kernel.Header:])
		if size > a.Rank {
			to[a.Rank] = row[0]
		}
		r.Counts[j] = float32(count)
	}
	s.Begin(r)
}

func (s *alternating) push(a *MF, _ *algos.Worker) {
	s.begin(a)
	s.Push()
}

func (s *alternating) save(a *MF, w io.Writer) error {
	s.begin(a)
	return s.Save(w)
}

func (s *alternating) read(a *MF, r io.Reader) error {
	s.begin(a)
	return s.Restore(r)
}

// travels and restore are of no use here: the engine keeps all rows.
func (s *alternating) travels() bool { return true }

func (s *alternating) restore(*MF) {}

// collect copies the engine's rows to those of the instance.
func (s *alternating) collect(a *MF, _ *algos.Worker) {
	s.begin(a)
	s.Settle()
	u, i := s.Rows()
	s.unpack(a, a.users, u)
	s.unpack(a, a.items, i)
}

func (s *alternating) unpack(a *MF, to, rows []float32) {
	size := s.Size()
	for k := range len(rows) / size {
		row, from := to[k*a.stride:], rows[k*size:][:size]
		copy(row[kernel.Header:], from[:a.Rank])
		if row[0] = 0; size > a.Rank {
			row[0] = from[a.Rank]
		}
	}
}

// publish writes rows to the table, which has none before.
func (s *alternating) publish(a *MF, lo, hi int) {
	row := make([]float32, 1+a.Rank)
	for j := lo; j < hi; j++ {
		a.part.unpack(row, j, a.items)
		s.all.AddTo(j, 1, row)
	}
}
