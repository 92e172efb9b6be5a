// Package logreg is logistic regression: of two classes, or of more by softmax or
// one-vs-rest. What it minimises, and how, is of package linear and those below it.
package logreg

import (
	"petuum/algos/linear"
	"petuum/algos/linear/dual"
	"petuum/algos/linear/newton"
	"petuum/algos/linear/online"
	"petuum/algos/linear/proximal"
)

var family = linear.Family{Name: "logreg", Losses: []string{linear.Logistic}, Methods: []linear.Method{newton.Method, dual.Method, proximal.Method, online.FTRL, online.AdaGrad}}

// New makes an instance with the default parameters.
func New() *linear.Model { return linear.New(family) }
