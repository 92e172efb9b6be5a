package dataset

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// weightOf reads the weight of a row at byte at of its line.
func weightOf(token []byte, at int) (float32, *fault) {
	if missing(token) {
		return 0, faultf(at, "the weight is missing: remove the row or fill the weight in")
	}
	v, err := parseFloat(token)
	if err != nil && isFinite(v) {
		return 0, faultf(at, "weight %s is not a number", excerpt(token))
	}
	return toWeight(v, token, at)
}

// toWeight makes a weight of a number that is written as token.
func toWeight(v float64, token []byte, at int) (float32, *fault) {
	w := float32(v)
	switch {
	case !isFinite(v):
		return 0, faultf(at, "weight %s is not finite", excerpt(token))
	case v < 0:
		return 0, faultf(at, "weight %s is below 0", excerpt(token))
	case math.IsInf(float64(w), 0), w == 0 && v != 0:
		return 0, faultf(at, "weight %s is too large or too small: want 0, or 1e-45 to 3e38", excerpt(token))
	}
	return w + 0, nil // -0 becomes 0
}

// weigh gives a weight to the row that endRow will end. Rows that are given none have 1,
// and take no time or memory until there is another.
func (r *rows) weigh(w float32) {
	if w == 1 {
		return
	}
	r.evenOut()
	r.weights = append(r.weights, w)
}

// evenOut gives 1 to the ended rows that have no weight.
func (r *rows) evenOut() {
	for len(r.weights) < len(r.ends) {
		r.weights = append(r.weights, 1)
	}
}

// takeWeights returns the weights of the ended rows, nil if all are 1.
func (r *rows) takeWeights() []float32 {
	if len(r.weights) == 0 {
		return nil
	}
	r.evenOut()
	return slices.Clone(r.weights)
}

// weigh adds the weights of all rows up, in their order, as who reads what is left to
// chance.
func (a *assembly) weigh() {
	if !slices.ContainsFunc(a.pieces, func(p *piece) bool { return p.weights != nil }) {
		return
	}
	info := &a.info
	info.Weighted, info.Weight = true, 0
	if info.Classes != nil {
		info.ClassWeights = make([]float64, len(info.Classes))
	}
	for _, p := range a.pieces {
		var to []int32
		if info.Classes != nil {
			to, _ = a.builders[p.from].labels.places(*info)
		}
		for i := range p.ends {
			w := 1.0
			if p.weights != nil {
				w = float64(p.weights[i])
			}
			info.Weight += w
			if to != nil {
				info.ClassWeights[to[p.class[i]]] += w
			}
		}
	}
}

// weights returns the weights of the part's rows.
func (a *assembly) weights(rows int) []float32 {
	all := make([]float32, 0, rows)
	for _, p := range a.pieces {
		if p.weights != nil {
			all = append(all, p.weights...)
		} else {
			all = append(all, evenWeights(len(p.ends))...)
		}
	}
	return all
}

// evenWeights are those of rows without any.
func evenWeights(rows int) []float32 {
	w := make([]float32, rows)
	for i := range w {
		w[i] = 1
	}
	return w
}

// sumOfWeights is Weight, also of an Info that was written before there were weights.
func (a Info) sumOfWeights() float64 {
	if a.Weighted {
		return a.Weight
	}
	return float64(a.Rows)
}

// ClassWeight returns the sum of the weights of the rows of a listed class.
func (a Info) ClassWeight(class int) float64 {
	if a.Weighted {
		return a.ClassWeights[class]
	}
	return float64(a.Counts[class])
}

// mergeWeights sets m's weights to those of a and b. m has its classes already.
func (m *Info) mergeWeights(a, b Info) {
	m.Weighted = a.Weighted || b.Weighted
	m.Weight = a.sumOfWeights() + b.sumOfWeights()
	m.ClassWeights = nil
	if !m.Weighted || m.Classes == nil {
		return
	}
	sums := make(map[string]float64, len(m.Classes))
	for _, x := range []Info{a, b} {
		for k, class := range x.Classes {
			sums[class] += x.ClassWeight(k)
		}
	}
	m.ClassWeights = make([]float64, len(m.Classes))
	for k, class := range m.Classes {
		m.ClassWeights[k] = sums[class]
	}
}

// checkWeights returns an error if weights that came from a peer contradict
// themselves.
func (a Info) checkWeights() error {
	isSum := func(w float64) bool { return isFinite(w) && w >= 0 }
	switch {
	case a.WeightColumn < 0:
		return fmt.Errorf("dataset: bad info: weight column %d", a.WeightColumn)
	case !a.Weighted && (a.ClassWeights != nil || a.Weight != 0 && a.Weight != float64(a.Rows)):
		return fmt.Errorf("dataset: bad info: rows without weights weigh %g", a.Weight)
	case a.Weighted && (a.Rows == 0 || !isSum(a.Weight)):
		return fmt.Errorf("dataset: bad info: %d rows weigh %g", a.Rows, a.Weight)
	case a.Weighted && len(a.ClassWeights) != len(a.Classes):
		return fmt.Errorf("dataset: bad info: %d classes with %d weights", len(a.Classes), len(a.ClassWeights))
	}
	for k, w := range a.ClassWeights {
		if !isSum(w) {
			return fmt.Errorf("dataset: bad info: class %q weighs %g", a.Classes[k], w)
		}
	}
	return nil
}

// findWeight sets weight, the column of the weights. Test data may lack it, which has
// neither name nor place then.
func (l *layout) findWeight(fields []string, f *frame) error {
	name := l.options.Weight
	number, numbered := columnNumber(name)
	if f != nil && f.weight != "" && (name == "" || numbered && number == f.weightColumn) {
		name = f.weight
		numbered = name[0] == '#'
	}
	if name == "" {
		return nil
	}
	i, test := 0, l.options.Like != nil && name == f.weight
	switch {
	case f != nil && name == f.weight && (numbered || l.columns == nil):
		if test && f.lacksWeight(len(fields)) {
			return nil
		}
		if i = f.weightColumn; i >= len(fields) {
			return fmt.Errorf("the weight (data.weight) is column %d (from 0), but there are %d columns: %s", i, len(fields), l.listColumns(fields, ""))
		}
	case test && !slices.Contains(fields, name):
		return nil
	default:
		var err error
		if i, err = l.columnOf("data.weight", name, fields); err != nil {
			return err
		}
	}
	if i == l.label {
		return fmt.Errorf("data.weight: column %s is the label (data.label)", l.column(i))
	}
	l.weight, l.weightName = i, "#"+strconv.Itoa(i)
	if l.columns != nil && fields[i] != "" && fields[i][0] != '#' {
		l.weightName = fields[i]
	}
	return nil
}

// lacksWeight says whether a file of n columns that stand in the order of the frame's
// has no column of weights: what is missing is the weight, and then the label.
func (f *frame) lacksWeight(n int) bool {
	return f.weight != "" && n < len(f.columns)+len(f.ignored)+1+b2i(f.label != "")
}

// labelPlace is the column of the label in such a file.
func (f *frame) labelPlace(n int) int {
	if f.lacksWeight(n) && f.weightColumn < f.labelColumn {
		return f.labelColumn - 1
	}
	return f.labelColumn
}
