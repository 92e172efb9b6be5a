// Package svm is linear support vector classification: of two classes, or of more by
// one-vs-rest. What it minimises, and how, is of package linear and those below it.
package svm

import (
	"petuum/algos/linear"
	"petuum/algos/linear/dual"
	"petuum/algos/linear/newton"
	"petuum/algos/linear/online"
	"petuum/algos/linear/proximal"
)

var family = linear.Family{Name: "svm", Losses: []string{linear.SquaredHinge, linear.Hinge}, Methods: []linear.Method{newton.Method, dual.Method, proximal.Method, online.FTRL, online.AdaGrad}}

// New makes an instance with the default parameters.
func New() *linear.Model { return linear.New(family) }
