package algos

import (
	"errors"
	"io"

	"petuum/algos/dataset"
)

// Explainer is an Algorithm that chooses by itself what its parameters leave open.
type Explainer interface {
	Algorithm
	// Explain says what it chose and why, a sentence each. The scheduler's instance
	// is asked once, after Tables has succeeded.
	Explain(d dataset.Info) []string
}

// Reporter is an Algorithm that learns, while a job goes on, more than its model.
type Reporter interface {
	Algorithm
	// Report says what it learned, a sentence each. The scheduler's instance is asked
	// once, after training.
	Report() []string
}

// Staged is an Algorithm that solves several problems one after another, each from
// where the last one ended, as the path of a penalty is followed (Friedman, Hastie
// and Tibshirani, "Regularization Paths for Generalized Linear Models via Coordinate
// Descent", Journal of Statistical Software 33, 2010). Each has the rules of [Stop]
// for itself, but for the seconds, which are those of the job.
type Staged interface {
	Algorithm
	// Stages is how many problems there are; 0 or 1 is an ordinary job. The
	// scheduler's instance is asked, after Tables has succeeded.
	Stages(d dataset.Info) int
	// Stage begins problem s = 1, 2, ..., of every part and of the scheduler, between
	// two clocks and with all parts at the same one. An evaluation follows before the
	// first Push. Problem 0 begins with the job.
	Stage(s int)
}

// Rehearsing is a Staged algorithm of whose problems not all are results.
type Rehearsing interface {
	Staged
	// Rehearses says of a problem that its model is not to be kept with those of the
	// path: as it leaves out samples, or is that of the job. The instance is the
	// scheduler's, as for Stages.
	Rehearses(s int) bool
}

// Resumer is an Algorithm whose tables may begin with the values of an earlier
// model. Its scratch tables, and the state of rules, begin as ever.
type Resumer interface {
	Algorithm
	// Resumes says why it cannot with these parameters; nil if it can. An instance is
	// asked when it has its parameters and, if it is Consistent, knows how it reads.
	Resumes() error
}

// Columnar is an Algorithm that uses its part by columns only. Where ByColumns says so, of
// an instance that has its parameters, Load gets a part that has dataset.Part.Columns in
// place of X, mapped where the data or its cache is kept by columns, and perhaps no Keys
// (see dataset.Part.Key). Evaluation of test data is by rows all the same.
type Columnar interface {
	Algorithm
	ByColumns() bool
}

// Featurewise is a Columnar whose parts may be ranges of features, each with all rows
// (dataset.Info.ByFeatures), where ByFeatures says so of an instance that has its
// parameters. Others are not given such data. What belongs to rows is the same in every
// part: let one of them add it to sums.
type Featurewise interface {
	Columnar
	ByFeatures() bool
}

// ReadsByFeatures says whether an algorithm takes parts that are ranges of features.
func ReadsByFeatures(a Algorithm) bool {
	f, ok := a.(Featurewise)
	return ok && f.ByColumns() && f.ByFeatures()
}

// Summing is an Algorithm that wants to know the sum of the values of each feature, as how
// often a word occurs: where Sums says so, of an instance that has its parameters,
// dataset.Info.Sums has them. Data that is streamed has none.
type Summing interface {
	Algorithm
	Sums() bool
}

// NeedsSums says whether an algorithm wants to know the sum of each feature.
func NeedsSums(a Algorithm) bool {
	s, ok := a.(Summing)
	return ok && s.Sums()
}

// Tested is an Algorithm whose parts evaluate on test data while they learn. LoadTest
// follows Load where there is test data, evaluate.test is set, and Tests says so of an
// instance that has its parameters. d is read like the training data: of ratings it
// has a row for each row of the part, those of the same users; else it is a part of the
// test rows, in as many parts as the training data.
type Tested interface {
	Algorithm
	Tests() bool
	LoadTest(d *dataset.Part, w *Worker) error
}

// TestsParts says whether the parts of an algorithm get test data.
func TestsParts(a Algorithm) bool {
	t, ok := a.(Tested)
	return ok && t.Tests()
}

// Unsupervised is an Algorithm that learns without labels: where Unsupervised says so, of
// an instance that has its parameters, data needs none, and labels that are there are
// not looked at.
type Unsupervised interface {
	Algorithm
	Unsupervised() bool
}

// IsUnsupervised says whether an algorithm learns without labels.
func IsUnsupervised(a Algorithm) bool {
	u, ok := a.(Unsupervised)
	return ok && u.Unsupervised()
}

// Stateful is an Algorithm whose jobs can be stopped and go on (package checkpoint): it
// saves the state of a part that neither the input nor the tables can rebuild, as the
// topics that tokens are assigned, or nothing if there is none. Save is called between two
// clocks, behind an evaluation, where the tables hold all that the part did. Restore is
// called once after Load, in place of Prepare, of a part of the same input, and of nothing
// but what a part of the same number saved: views have their values, those of scratch
// tables too, and rules their state. It checks what it reads: an error, and nothing half
// restored. An evaluation at the same clock follows.
//
// Of a ModelParallel the scheduler's instance is saved and restored too, after Begin.
type Stateful interface {
	Algorithm
	Save(w io.Writer) error
	Restore(r io.Reader) error
}

// Savable is a Stateful that cannot save with all of its parameters.
type Savable interface {
	Stateful
	// Saves says why it cannot with these parameters; nil if it can. An instance is
	// asked as for Resumes.
	Saves() error
}

// CanSave says why a job of an algorithm cannot have checkpoints; nil if it can.
func CanSave(a Algorithm) error {
	switch s := a.(type) {
	case Savable:
		return s.Saves()
	case Stateful:
		return nil
	}
	return errors.New("it cannot save what its parts know")
}

// Publisher is an Algorithm whose parts keep results to themselves while they learn, as
// factors of the users that only they have. Publish is called once, after the last
// evaluation; what it writes to views is in the model.
type Publisher interface {
	Algorithm
	Publish(w *Worker)
}
