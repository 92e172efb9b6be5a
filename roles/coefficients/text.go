package coefficients

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
)

const mostNames = 4 // of coefficients that enter in a stage, and of those that leave

// shownMetrics are those that the table has if a stage has them, in this order. Of each
// group it has the first that there is.
var shownMetrics = [][]string{
	{"gap", "kkt_violation"},
	{"cv_error"}, {"cv_se"},
	{"train_r2", "train_deviance", "train_logloss", "train_rmse", "train_loss", "train_mse"},
	{"test_r2", "test_deviance", "test_logloss", "test_rmse", "test_loss", "test_mse"},
	{"train_accuracy"}, {"test_accuracy"},
}

// Text writes a table, a line each stage.
func (p *Path) Text(w io.Writer) error {
	metrics := p.columns()
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "stage\tlambda\tobjective\t")
	for _, name := range metrics {
		fmt.Fprintf(t, "%s\t", name)
	}
	fmt.Fprint(t, "nonzeros\tenter (+), leave (-)\n")
	for _, s := range p.Stages {
		fmt.Fprintf(t, "%d\t%s%s\t%s\t", s.Stage, number(s.Lambda, 5), p.mark(s), number(s.Objective, 9))
		for _, name := range metrics {
			fmt.Fprintf(t, "%s\t", number(metric(s.Metrics, name), 5))
		}
		fmt.Fprintf(t, "%d\t%s\n", s.NonZeros, strings.Join(append(some("+", s.Enter), some("-", s.Leave)...), " "))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if p.LambdaMin == nil && p.Lambda1SE == nil {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nlambda of least cross-validated error (min) %s; the largest within one standard error of it (1se) %s\n", number(p.LambdaMin, 5), number(p.Lambda1SE, 5))
	return err
}

// columns are the metrics of the table.
func (p *Path) columns() []string {
	var names []string
	for _, group := range shownMetrics {
		for _, name := range group {
			if p.have(name) {
				names = append(names, name)
				break
			}
		}
	}
	return names
}

// have reports whether a stage has a metric.
func (p *Path) have(name string) bool {
	for _, s := range p.Stages {
		if _, ok := s.Metrics[name]; ok {
			return true
		}
	}
	return false
}

// mark says that cross-validation chose the penalty of a stage.
func (p *Path) mark(s Stage) string {
	mark := ""
	if same(s.Lambda, p.LambdaMin) {
		mark += " min"
	}
	if same(s.Lambda, p.Lambda1SE) {
		mark += " 1se"
	}
	return mark
}

// same reports whether two penalties are one, but for rounding.
func same(a, b *float64) bool {
	return a != nil && b != nil && math.Abs(*a-*b) <= 1e-9*math.Abs(*b)
}

// number is a number for people; "-" if it is unknown.
func number(v *float64, digits int) string {
	if v == nil {
		return "-"
	}
	return strconv.FormatFloat(*v, 'g', digits, 64)
}

// some are the first names, each behind a sign, and how many more there are.
func some(sign string, names []string) []string {
	var list []string
	for _, name := range names[:min(mostNames, len(names))] {
		list = append(list, sign+name)
	}
	if n := len(names) - mostNames; n > 0 {
		list = append(list, fmt.Sprintf("%s%d more", sign, n))
	}
	return list
}
