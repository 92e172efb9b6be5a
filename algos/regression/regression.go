// Package regression fits quantities by linear models: least squares, robust ones, and
// counts. What it minimises, and how, is of package linear and those below it.
package regression

import (
	"petuum/algos/linear"
	"petuum/algos/linear/dual"
	"petuum/algos/linear/newton"
	"petuum/algos/linear/online"
	"petuum/algos/linear/proximal"
)

var family = linear.Family{Name: "regression", Losses: []string{linear.Squared, linear.Huber, linear.Poisson}, Methods: []linear.Method{newton.Method, dual.Method, proximal.Method, online.FTRL, online.AdaGrad}}

// New makes an instance with the default parameters.
func New() *linear.Model { return linear.New(family) }
