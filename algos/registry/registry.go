// Package registry lists the algorithms that are built in.
package registry

import (
	"maps"

	"petuum/algos"
	"petuum/algos/dml"
	"petuum/algos/lasso"
	"petuum/algos/lda"
	"petuum/algos/logreg"
	"petuum/algos/mf"
	"petuum/algos/regression"
	"petuum/algos/svm"
)

// List makes an instance of each algorithm with its default parameters, by the
// name that job.algorithm gives it.
type List map[string]func() algos.Algorithm

// Algorithms are the ones that are built in. A name that is there twice does not
// compile.
var Algorithms = List{
	"dml":        func() algos.Algorithm { return dml.New() },
	"lasso":      func() algos.Algorithm { return lasso.New() },
	"lda":        func() algos.Algorithm { return lda.New() },
	"logreg":     func() algos.Algorithm { return logreg.New() },
	"mf":         func() algos.Algorithm { return mf.New() },
	"regression": func() algos.Algorithm { return regression.New() },
	"svm":        func() algos.Algorithm { return svm.New() },
}

// With returns the list and one algorithm more, for a program of your own:
//
//	command.Run(registry.Algorithms.With("mine", func() algos.Algorithm { return mine.New() }), ...)
//
// It panics if the name is taken.
func (l List) With(name string, make func() algos.Algorithm) List {
	if l[name] != nil {
		panic("registry: an algorithm is called " + name + " already")
	}
	all := maps.Clone(l)
	all[name] = make
	return all
}
