package bench

import (
	"errors"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/table"
)

// Name is the algorithm whose tables are measured. It cannot be trained.
const Name = "_wire"

// The tables.
const (
	dense  = "dense"  // a range of float32
	sparse = "sparse" // float32 of 2^32 keys
	shared = "shared" // the same, for two holders
	cold   = "cold"   // the same, of which every pull is the first
)

const sparseKeys = 1 << 32

// tables is an algorithm in name only.
type tables struct {
	Dense uint64 `toml:"dense" doc:"values of the dense table"`
}

// New makes the algorithm.
func New() algos.Algorithm { return &tables{Dense: 10_000_000} }

// Tables implements [algos.Algorithm].
func (t *tables) Tables(dataset.Info) ([]table.Spec, error) {
	if t.Dense == 0 {
		return nil, errors.New("bench: no values")
	}
	return []table.Spec{{Name: dense, Keys: t.Dense}, {Name: sparse, Keys: sparseKeys},
		{Name: shared, Keys: sparseKeys}, {Name: cold, Keys: sparseKeys}}, nil
}

var errNoJob = errors.New("bench: this algorithm is for petuum bench wire alone")

// Load implements [algos.Algorithm].
func (t *tables) Load(*dataset.Part, *algos.Worker) error { return errNoJob }

// Push implements [algos.Algorithm].
func (t *tables) Push(*algos.Worker, algos.Block) {}

// Evaluate implements [algos.Algorithm].
func (t *tables) Evaluate(*algos.Worker, *algos.Eval) {}

// Conclude implements [algos.Algorithm].
func (t *tables) Conclude(dataset.Info, *algos.Eval) {}
