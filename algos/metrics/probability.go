package metrics

import "math"

// calibrationBins is the number of bins of ece, each as wide as the others.
const calibrationBins = 15

// Probabilities measures log-odds of the later of two classes as probabilities:
// logloss, brier, ece. It takes the same memory for any number of rows. The zero
// value is empty.
type Probabilities struct {
	loss    float64
	squares float64 // sum of (y - p)^2, y = 1 for the later class, else 0
	rows    float64
	bins    reliability
}

// Add adds rows of the same score: so many of the earlier class and of the later.
func (a *Probabilities) Add(score, earlier, later float64) {
	e := math.Exp(-math.Abs(score))
	small := math.Log1p(e) // the loss of the class that the score speaks for
	large := small + math.Abs(score)
	p, q := 1/(1+e), e/(1+e) // of the later class and of the other
	forLater, forEarlier := small, large
	if score < 0 {
		p, q = q, p
		forLater, forEarlier = large, small
	}
	if later > 0 {
		a.loss = finite(a.loss + later*forLater)
	}
	if earlier > 0 {
		a.loss = finite(a.loss + earlier*forEarlier)
	}
	a.squares += later*q*q + earlier*p*p
	a.rows += earlier + later
	a.bins.add(p, earlier+later, later)
}

// Metrics returns the metrics of all rows so far, by name.
func (a *Probabilities) Metrics() map[string]float64 {
	if a.rows == 0 {
		return map[string]float64{}
	}
	return map[string]float64{"logloss": a.loss / a.rows, "brier": a.squares / a.rows, "ece": a.bins.error()}
}

// reliability sorts rows by what probability was said, and counts how often it was
// so.
type reliability [calibrationBins]struct{ rows, said, was float64 }

// add adds so many rows of which p was said; of was of them it was true.
func (r *reliability) add(p, rows, was float64) {
	b := &r[min(calibrationBins-1, int(p*calibrationBins))]
	b.rows += rows
	b.said += p * rows
	b.was += was
}

// error is the mean distance between what was said and what was, bin by bin.
func (r *reliability) error() float64 {
	off, rows := 0.0, 0.0
	for _, b := range r {
		off += math.Abs(b.said - b.was)
		rows += b.rows
	}
	return off / rows
}
