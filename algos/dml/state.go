package dml

import (
	"fmt"
	"io"
	"math/rand/v2"

	"petuum/algos"
)

var _ algos.Stateful = (*DML)(nil)

// Save writes where the generator of mini-batches is: all else is in the tables, or made
// of them and the rows again.
func (a *DML) Save(w io.Writer) error {
	state, err := a.source.MarshalBinary()
	if err == nil {
		_, err = w.Write(state)
	}
	return err
}

// Restore reads it. The pairs to evaluate are drawn before it counts, as they were.
func (a *DML) Restore(r io.Reader) error {
	state, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := new(rand.PCG).UnmarshalBinary(state); err != nil {
		return fmt.Errorf("dml: the state of the generator: %w", err)
	}
	a.later = state
	return nil
}
