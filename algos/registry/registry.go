// Package registry lists the algorithms that are built in.
package registry

import (
	"petuum/algos"
	"petuum/algos/lasso"
	"petuum/algos/logreg"
)

// Algorithms makes an instance of each algorithm with its default parameters, by
// the name that job.algorithm gives it. A name that is there twice does not
// compile.
var Algorithms = map[string]func() algos.Algorithm{
	"lasso":  func() algos.Algorithm { return lasso.New() },
	"logreg": func() algos.Algorithm { return logreg.New() },
}
