package model

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"petuum/algos/dataset"
)

// WriteLIBLINEAR writes a model of logistic regression as a model file of LIBLINEAR,
// with which liblinear-predict says the same of the same data in LIBSVM format. Index
// j there is feature j-1: that of the same index if the training data was LIBSVM, else
// column j of the features from 1. The classes must be integers.
//
//	solver_type L2R_LR
//	nr_class 2
//	label 1 -1              the later class first: it is the one where w.x is above 0
//	nr_feature 123
//	bias -1                 1 with an intercept, which is then the last line
//	w
//	-0.25                   a line for each feature, in as few digits as tell it
//	...
func (r *Reader) WriteLIBLINEAR(w io.Writer) error {
	t, labels, err := r.linear()
	if err != nil {
		return fmt.Errorf("model: %s: no LIBLINEAR model file can say what this model is: %w", r.dir, err)
	}
	out := bufio.NewWriterSize(w, 1<<16)
	bias := -1
	if t.l.keys > r.m.Data.Features {
		bias = 1
	}
	fmt.Fprintf(out, "solver_type L2R_LR\nnr_class 2\nlabel %d %d\nnr_feature %d\nbias %d\nw\n", labels[1], labels[0], r.m.Data.Features, bias)
	var line []byte
	err = t.all(func(_ uint64, values []byte) error {
		line = strconv.AppendFloat(line[:0], math.Float64frombits(binary.LittleEndian.Uint64(values)), 'g', -1, 64)
		_, err := out.Write(append(line, " \n"...)) // the blank as LIBLINEAR has it
		return err
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

// linear returns the weights of a model that LIBLINEAR could have made, and the labels
// of its two classes in their order.
func (r *Reader) linear() (t *tableReader, labels [2]int32, err error) {
	d := &r.m.Data
	if r.m.Algorithm != "logreg" {
		return nil, labels, fmt.Errorf("it is of algorithm %s: want logreg, a score for two classes that is linear", r.m.Algorithm)
	}
	if t, err = r.table("weights"); err != nil {
		return nil, labels, err
	}
	switch intercept := t.l.keys - d.Features; {
	case t.l != layout{keys: t.l.keys, width: 1, typ: t.spec.Type} || t.l.typ.Size() != 8 || intercept > 1:
		return nil, labels, fmt.Errorf("its weights are not a float64 for each of %d features", d.Features)
	case d.Features > math.MaxInt32-1:
		return nil, labels, fmt.Errorf("it has %d features, LIBLINEAR at most %d", d.Features, math.MaxInt32-1)
	case d.Format == dataset.LIBSVM && d.Base == 0:
		return nil, labels, fmt.Errorf("the indices of its training data start at 0, those of LIBLINEAR at 1")
	case len(d.Classes) != 2:
		return nil, labels, fmt.Errorf("it has %d classes: want 2", len(d.Classes))
	}
	for k, class := range d.Classes {
		v, err := strconv.ParseFloat(class, 64)
		if err != nil || float64(int32(v)) != v {
			return nil, labels, fmt.Errorf("its classes are %s, but labels are integers there: train it with such labels, as -1 and 1",
				strings.Join([]string{strconv.Quote(d.Classes[0]), strconv.Quote(d.Classes[1])}, " and "))
		}
		labels[k] = int32(v)
	}
	return t, labels, nil
}
