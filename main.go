// Petuum trains iterative-convergent machine-learning models on one machine or
// on many: one binary that starts as scheduler, server or worker.
package main

import (
	"os"

	"petuum/algos/registry"
	"petuum/roles/command"
)

func main() {
	os.Exit(command.Run(registry.Algorithms, os.Args, os.Stdout, os.Stderr))
}
