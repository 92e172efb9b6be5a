package model

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"petuum/algos/dataset"
	"petuum/table"
)

// multiclassSVM is the one solver of LIBLINEAR that has a weight for each class also
// of two, in opposite directions. The class with the largest score wins; there are no
// probabilities.
const multiclassSVM = "MCSVM_CS"

// liblinearSolvers are those whose model files are w.x and no more.
var liblinearSolvers = []string{"L2R_LR", "L2R_LR_DUAL", "L1R_LR", "L2R_L2LOSS_SVC", "L2R_L2LOSS_SVC_DUAL", "L2R_L1LOSS_SVC_DUAL", "L1R_L2LOSS_SVC",
	multiclassSVM, "L2R_L2LOSS_SVR", "L2R_L2LOSS_SVR_DUAL", "L2R_L1LOSS_SVR_DUAL"}

// WriteLIBLINEAR writes a linear model, see [algos.LIBLINEAR], as a model file of
// LIBLINEAR, with which liblinear-predict says the same of the same data in LIBSVM
// format. Index j there is feature j-1: that of the same index if the training data was
// LIBSVM, else column j of the features from 1. Classes must be integers. solver is
// the solver_type. "" is of a model that LIBLINEAR has none for, which is refused.
//
//	solver_type L2R_LR
//	nr_class 2              that, without labels, for the solvers of regression (.._SVR)
//	label 1 -1              as the columns of w; of two classes the later one first:
//	                        it is the one where w.x is above 0
//	nr_feature 123
//	bias -1                 1 with an intercept, which is then the last line
//	w
//	-0.25                   a line for each feature, with a weight for each class, in
//	...                     as few digits as tell them
//
// Where a model of two classes has two weights a feature, w is half of the later one less
// the earlier one: the same classes, and the same probabilities as of one-vs-rest where
// they are opposite numbers. A calibration cannot be told.
func (r *Reader) WriteLIBLINEAR(w io.Writer, solver string) error {
	l, err := r.linear(solver)
	if err != nil {
		return fmt.Errorf("model: %s: no LIBLINEAR model file can say what this model is: %w", r.dir, err)
	}
	out := bufio.NewWriterSize(w, 1<<16)
	fmt.Fprintf(out, "solver_type %s\nnr_class %d\n", l.solver, max(2, len(l.labels)))
	if len(l.labels) > 0 {
		fmt.Fprintf(out, "label%s\n", l.listed())
	}
	bias := -1
	if l.intercept {
		bias = 1
	}
	fmt.Fprintf(out, "nr_feature %d\nbias %d\nw\n", r.m.Data.Features, bias)
	for _, t := range l.tables {
		row := make([]float64, t.l.width, t.l.width+1)
		err := t.all(func(_ uint64, values []byte) error {
			t.l.decode(row, values)
			return l.writeWeights(out, row)
		})
		if err != nil {
			return err
		}
	}
	return out.Flush()
}

// writeWeights writes a line of w.
func (l liblinear) writeWeights(out *bufio.Writer, row []float64) error {
	if len(l.labels) == 2 {
		if len(row) == 2 {
			row = append(row[:0], row[1]/2-row[0]/2)
		}
		if l.solver == multiclassSVM {
			row = append(row, 0-row[0])
		}
	}
	var line [32]byte
	for _, v := range row {
		if _, err := out.Write(append(strconv.AppendFloat(line[:0], v, 'g', -1, 64), ' ')); err != nil { // the blank as LIBLINEAR has it
			return err
		}
	}
	return out.WriteByte('\n')
}

// liblinear is a model as LIBLINEAR has it.
type liblinear struct {
	solver    string
	labels    []int32 // none for regression
	tables    []*tableReader
	intercept bool
}

// listed is the labels in the order of the file.
func (l liblinear) listed() string {
	labels := slices.Clone(l.labels)
	if len(labels) == 2 {
		slices.Reverse(labels)
	}
	text := ""
	for _, label := range labels {
		text += fmt.Sprintf(" %d", label)
	}
	return text
}

// linear refuses a model that LIBLINEAR cannot have.
func (r *Reader) linear(solver string) (l liblinear, err error) {
	d := &r.m.Data
	l.solver = solver
	switch {
	case solver == "":
		return l, fmt.Errorf("it is of algorithm %s, and not linear", r.m.Algorithm)
	case !slices.Contains(liblinearSolvers, solver):
		return l, fmt.Errorf("%s calls its solver %s: there are %s", r.m.Algorithm, solver, strings.Join(liblinearSolvers, ", "))
	case d.Features > math.MaxInt32-1:
		return l, fmt.Errorf("it has %d features, LIBLINEAR at most %d", d.Features, math.MaxInt32-1)
	case d.Format == dataset.LIBSVM && d.Base == 0:
		return l, errors.New("the indices of its training data start at 0, those of LIBLINEAR at 1")
	}
	width := 1
	if !strings.HasSuffix(solver, "SVR") && !strings.HasSuffix(solver, "SVR_DUAL") {
		if l.labels, err = integers(d.Classes); err != nil {
			return l, err
		}
		width = len(l.labels)
	}
	return l, r.weights(&l, width)
}

// weights finds the tables of the lines of w, of so many values or, for two classes,
// of one.
func (r *Reader) weights(l *liblinear, width int) error {
	t, err := r.table("weights")
	if err != nil {
		return err
	}
	features := r.m.Data.Features
	w := t.l.width
	if t.spec.Type == table.Int32 || t.l.keys < features || t.l.keys > features+1 || w != width && !(width == 2 && w == 1) {
		return fmt.Errorf("its weights are not a number for each of %d features%s", features, map[bool]string{true: " and classes"}[width > 2])
	}
	l.tables, l.intercept = []*tableReader{t}, t.l.keys > features
	for _, b := range r.tables {
		if b.about.Name != "intercept" {
			continue
		}
		if l.intercept || b.spec.Type != t.spec.Type || b.l.keys != 1 || b.l.width != w {
			return errors.New("its table \"intercept\" is not the one intercept of its weights")
		}
		l.tables, l.intercept = append(l.tables, b), true
	}
	return nil
}

// integers are the classes as LIBLINEAR has labels.
func integers(classes []string) ([]int32, error) {
	if len(classes) < 2 {
		return nil, fmt.Errorf("it has %d classes: want 2 or more", len(classes))
	}
	labels := make([]int32, len(classes))
	for k, class := range classes {
		v, err := strconv.ParseFloat(class, 64)
		if err != nil || float64(int32(v)) != v {
			quoted := make([]string, 0, 4)
			for _, class := range classes[:min(len(classes), cap(quoted))] {
				quoted = append(quoted, strconv.Quote(class))
			}
			return nil, fmt.Errorf("its classes are %s, but labels are integers there: train it with such labels, as -1 and 1", strings.Join(quoted, " and "))
		}
		labels[k] = int32(v)
	}
	return labels, nil
}
