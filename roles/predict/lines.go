package predict

import (
	"io"
	"math"
	"strconv"

	"petuum/algos"
	"petuum/algos/metrics"
	"petuum/algos/model"
)

// Lines writes a line for each row to W, with tabs between the columns under a
// line of names:
//
//	Binary      class  probability   of the later class; the class is the one with
//	                                 the larger probability, by its name
//	Multiclass  class  probability   of that class, the most probable one
//	Margin      class                with a calibration as Binary
//	Mixture     component  share     of that component, the largest one
//	Regression  prediction
type Lines struct {
	W io.Writer // nil: none are written

	// Probabilities adds a column probability=NAME for each class, or share=NAME for each
	// component. It is for models that are Probable.
	Probabilities bool
	// Score adds what the algorithm said: a column score or, for many classes,
	// score=NAME for each. See algos.Predictor.
	Score bool
}

// header is the line of names.
func (m *Model) header(lines Lines) string {
	b, probability := []byte("prediction"), "probability"
	switch m.Task {
	case algos.Mixture:
		b, probability = []byte("component"), "share"
	case algos.Regression:
	default:
		b = []byte("class")
	}
	if m.Probable() {
		b = append(append(b, '\t'), probability...)
	}
	each := func(what string) {
		for _, class := range m.names() {
			b = model.AppendName(append(b, '\t'), what+"="+class)
		}
	}
	if lines.Probabilities {
		each(probability)
	}
	if lines.Score && (m.Task == algos.Multiclass || m.Task == algos.Mixture) {
		each("score")
	} else if lines.Score {
		b = append(b, "\tscore"...)
	}
	return string(append(b, '\n'))
}

// names are those of the classes, or numbers of components.
func (m *Model) names() []string {
	if m.Task != algos.Mixture {
		return m.manifest.Data.Classes
	}
	names := make([]string, m.width)
	for k := range names {
		names[k] = strconv.Itoa(k)
	}
	return names
}

// format makes the lines of a batch.
func (m *Model) format(lines Lines) Format {
	all := m.names()
	names := make([][]byte, max(2, len(all)))
	names[0], names[1] = []byte("0"), []byte("1")
	for k, class := range all {
		names[k] = model.AppendName(nil, class)
	}
	if m.Task == algos.Mixture {
		names = names[:len(all)]
	}
	return func(b []byte, batch *Batch) []byte {
		p := make([]float64, len(names))
		for i, w := 0, m.width; i < len(batch.Scores); i += w {
			scores, odds := batch.Scores[i:i+w], batch.Odds[i:i+w]
			if m.Task == algos.Regression {
				b = appendFloat(b, odds[0])
			} else {
				b = m.appendClass(b, names, p, odds)
			}
			if lines.Probabilities {
				for _, p := range p {
					b = appendFloat(append(b, '\t'), p)
				}
			}
			if lines.Score {
				for _, s := range scores {
					b = appendFloat(append(b, '\t'), s)
				}
			}
			b = append(b, '\n')
		}
		return b
	}
}

// appendClass appends the class of a row and its probability, and sets p to those of
// all classes.
func (m *Model) appendClass(b []byte, names [][]byte, p, odds []float64) []byte {
	class, told := 0, 0
	if m.Task == algos.Multiclass || m.Task == algos.Mixture {
		class = metrics.Largest(odds)
		softmax(p, odds, odds[class])
		told = class
	} else {
		if odds[0] > 0 {
			class = 1
		}
		p[0], p[1] = probability(-odds[0]), probability(odds[0])
		told = 1
	}
	b = append(b, names[class]...)
	if m.Probable() {
		b = appendFloat(append(b, '\t'), p[told])
	}
	return b
}

func appendFloat(b []byte, x float64) []byte { return strconv.AppendFloat(b, x, 'g', -1, 64) }

// softmax sets p to the probabilities whose logarithms, less any number, are odds; top
// is the largest of these.
func softmax(p, odds []float64, top float64) {
	sum := 0.0
	for k, s := range odds {
		p[k] = math.Exp(s - top)
		sum += p[k]
	}
	for k := range p {
		p[k] /= sum
	}
}

// probability of log-odds, without overflow.
func probability(s float64) float64 {
	if s >= 0 {
		return 1 / (1 + math.Exp(-s))
	}
	e := math.Exp(s)
	return e / (1 + e)
}
