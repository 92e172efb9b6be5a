package dataset

import (
	"io"
	"math"
	"runtime"
	"sync"
)

const (
	statRows   = 4096    // that Stat holds at a time
	statValues = 1 << 15 // that one processor counts as fast as two would
)

// Stats describes an input. It survives JSON unchanged.
type Stats struct {
	Info Info `json:"info"`

	Density   float64 `json:"density"`    // non-zeros of all the values that a dense matrix has
	EmptyRows uint64  `json:"empty_rows"` // rows without a non-zero
	RowMin    uint64  `json:"row_min"`    // fewest and most non-zeros of a row
	RowMax    uint64  `json:"row_max"`
	ValueMin  float64 `json:"value_min"` // of the non-zeros; 0 if there are none
	ValueMax  float64 `json:"value_max"`

	Tokens float64 `json:"tokens,omitempty"` // the sum of the counts of documents

	LabelMean float64 `json:"label_mean"` // of labels that are numbers
	LabelSD   float64 `json:"label_sd"`   // of labels that are numbers; the divisor is the number of rows

	WeightMin float64 `json:"weight_min"` // of the rows; without weights each has 1
	WeightMax float64 `json:"weight_max"`

	Parts   int           `json:"parts,omitempty"` // of binary data, see Info.ByFeatures
	Files   []FileStats   `json:"files"`
	Columns []ColumnStats `json:"columns,omitempty"` // the categorical ones

	// The largest index of LIBSVM and where it stands first: a typing error there
	// makes a model that is too large. nil without values.
	LargestIndex *IndexPlace `json:"largest_index,omitempty"`
}

// FileStats describes a file of the input.
type FileStats struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"` // as stored
	Rows  uint64 `json:"rows"`
}

// ColumnStats describes a categorical column.
type ColumnStats struct {
	Name       string `json:"name"`
	Categories int    `json:"categories"`
}

// IndexPlace is where an index stands.
type IndexPlace struct {
	Index uint64 `json:"index"`
	File  string `json:"file"`
	Line  int64  `json:"line"`
}

// Stat reads files once and describes them. It holds some thousand rows at a time; of
// binary data it reads the labels only.
func Stat(paths []string, o Options) (Stats, error) {
	r, err := Open(paths, o)
	if err != nil {
		return Stats{}, err
	}
	defer r.Close()
	if r.binary != nil {
		return r.binary.stat()
	}
	return r.Stat()
}

// Stat describes what r has not given yet, and reads it.
func (r *Reader) Stat() (Stats, error) {
	s := newStats()
	s.WeightMin = math.Inf(1)
	nonZeros := uint64(0)
	var of spread
	for {
		part, err := r.Next(statRows)
		if err == io.EOF {
			break
		}
		if err != nil {
			return Stats{}, err
		}
		s.addRows(&part.X)
		if r.info.Format == Docword || r.info.Format == Text {
			s.Tokens += part.X.total()
		}
		for _, y := range part.Labels {
			of.add(y)
		}
		nonZeros += uint64(part.X.NNZ())
		s.addWeights(part)
	}
	if nonZeros == 0 {
		s.ValueMin, s.ValueMax = 0, 0
	}
	s.finish(r)
	if s.Info.Rows == 0 {
		s.RowMin, s.WeightMin = 0, 0
	}
	if s.Info.Numeric {
		s.LabelMean, s.LabelSD = of.mean, of.deviation()
	}
	s.LabelMean, s.LabelSD = finite(s.LabelMean), finite(s.LabelSD)
	return s, nil
}

// addWeights counts the weights of rows.
func (s *Stats) addWeights(part *Part) {
	if part.Weight == nil && part.X.Rows() > 0 {
		s.WeightMin, s.WeightMax = min(s.WeightMin, 1), max(s.WeightMax, 1)
	}
	for _, w := range part.Weight {
		s.WeightMin, s.WeightMax = min(s.WeightMin, float64(w)), max(s.WeightMax, float64(w))
	}
}

// addRows counts what rows hold, on as many processors as they keep busy.
func (s *Stats) addRows(x *Matrix) {
	shares := make([]Stats, min(runtime.GOMAXPROCS(0), 1+x.NNZ()/statValues))
	var wg sync.WaitGroup
	for k := range shares {
		share := func() { shares[k] = statOf(x, x.Rows()*k/len(shares), x.Rows()*(k+1)/len(shares)) }
		if k == len(shares)-1 {
			share()
		} else {
			wg.Go(share)
		}
	}
	wg.Wait()
	for _, t := range shares {
		s.EmptyRows += t.EmptyRows
		s.RowMin, s.RowMax = min(s.RowMin, t.RowMin), max(s.RowMax, t.RowMax)
		s.ValueMin, s.ValueMax = min(s.ValueMin, t.ValueMin), max(s.ValueMax, t.ValueMax)
	}
}

// total is the sum of all values.
func (m *Matrix) total() (sum float64) {
	for i := range m.rows {
		for _, v := range m.Row(i) {
			sum += v
		}
	}
	return sum
}

// statOf counts what rows [begin, end) hold.
func statOf(x *Matrix, begin, end int) Stats {
	s := newStats()
	for i := begin; i < end; i++ {
		n := uint64(0)
		for _, v := range x.Row(i) {
			n++
			s.ValueMin, s.ValueMax = min(s.ValueMin, v), max(s.ValueMax, v)
		}
		if n == 0 {
			s.EmptyRows++
		}
		s.RowMin, s.RowMax = min(s.RowMin, n), max(s.RowMax, n)
	}
	return s
}

// newStats is of no rows yet.
func newStats() Stats {
	return Stats{RowMin: math.MaxUint64, ValueMin: math.Inf(1), ValueMax: math.Inf(-1)}
}

// finish takes over what the reader knows at the end.
func (s *Stats) finish(r *Reader) {
	s.Info, _ = r.Info().WithNames(nil, "")
	i := &s.Info
	i.RowNames = nil
	if cells := float64(i.Rows) * float64(i.Features); cells > 0 {
		s.Density = float64(i.NonZeros) / cells
	}
	for k, f := range i.Files {
		s.Files = append(s.Files, FileStats{f.Name, f.Bytes, r.rows[k]})
	}
	for t, c := range i.Columns {
		if c.Categorical && i.Format != Text {
			s.Columns = append(s.Columns, ColumnStats{i.columnName(t), len(c.Categories)})
		}
	}
	if r.top.value > 0 && i.Hash == 0 {
		s.LargestIndex = &IndexPlace{r.top.value - 1, r.top.path, r.top.line}
	}
}
