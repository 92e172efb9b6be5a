// Package predict applies a model to data: a batch of rows at a time, so that
// neither the data nor the predictions need to fit into memory, on all cores.
//
//	reader ─► batches ─► as many scorers as cores ─► in the order of rows: each
//
// The end of a job tests its model with it, too.
package predict

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/model"
	"petuum/algos/registry"
	"petuum/configs"
	"petuum/roles/control"
)

// keepBytes is the size of models that are kept in memory.
const keepBytes = 4 << 30

// ErrMute is of a model that cannot be applied, because its algorithm is none that
// predicts.
var ErrMute = errors.New("makes no predictions")

// Model is a model and the algorithm that can apply it.
type Model struct {
	*model.Reader
	Task algos.Task

	measurer   algos.Measurer // nil: labels measure
	paired     algos.Paired   // nil: rows are none of pairs
	width      int            // scores of a row
	dir        string
	manifest   model.Manifest
	algorithms registry.List
	config     *configs.Config
}

// OpenModel opens the model in dir. It refuses one of an algorithm that is none of
// list or that does not predict.
func OpenModel(dir string, list registry.List) (*Model, error) {
	r, err := model.Open(dir)
	if err != nil {
		return nil, err
	}
	m := &Model{Reader: r, dir: dir, manifest: r.Manifest(), algorithms: list}
	if err := m.begin(); err != nil {
		_ = r.Close()
		return nil, err
	}
	return m, nil
}

func (m *Model) begin() error {
	name := m.manifest.Algorithm
	if list := slices.Sorted(maps.Keys(m.algorithms)); !slices.Contains(list, name) {
		return fmt.Errorf("model %s: it is of algorithm %q, which this program does not have (there are %s): use the petuum that wrote it (%s)",
			m.dir, name, strings.Join(list, ", "), m.manifest.Petuum)
	}
	text := fmt.Sprintf("[job]\nalgorithm = %q\n[data]\ntrain = \"-\"\n[algorithm]\n%s", name, m.manifest.Parameters)
	var err error
	if m.config, err = configs.Parse("parameters", []byte(text), nil); err != nil {
		return m.foreign(err)
	}
	p, err := m.Predictor()
	if err != nil {
		return err
	}
	m.Task = p.Task(m.manifest.Data)
	m.measurer, _ = p.(algos.Measurer)
	m.paired, _ = p.(algos.Paired)
	if m.width = algos.Scores(p, m.manifest.Data); m.width == 0 {
		return fmt.Errorf("model %s: it tells classes apart, but its training data has none", m.dir)
	}
	if c := m.manifest.Calibration; c != nil && !c.Fits(m.Task) {
		return fmt.Errorf("model %s: its calibration, %s, is not for the scores of %s: petuum model calibrate --model %[1]s --remove takes it away", m.dir, c.Method, m.manifest.Algorithm)
	}
	return m.Keep(keepBytes)
}

// foreign is the error of parameters that this program does not know. It is not
// the user's configuration that is at fault.
func (m *Model) foreign(err error) error {
	return fmt.Errorf("model %s: its parameters are not those of this program's %s: %s: use the petuum that wrote it (%s)",
		m.dir, m.manifest.Algorithm, strings.ReplaceAll(err.Error(), "\n", "; "), m.manifest.Petuum)
}

// Predictor makes an instance of the algorithm, with the parameters of the model.
func (m *Model) Predictor() (algos.Predictor, error) {
	a, err := control.NewAlgorithm(m.algorithms, m.config)
	if err != nil {
		return nil, m.foreign(err)
	}
	p, ok := a.(algos.Predictor)
	if !ok {
		return nil, fmt.Errorf("model %s: algorithm %s %w: look at the model with petuum model show", m.dir, m.manifest.Algorithm, ErrMute)
	}
	return p, nil
}

// Probable reports whether the model tells probabilities of classes, or shares of components.
func (m *Model) Probable() bool {
	return m.Task == algos.Binary || m.Task == algos.Multiclass || m.Task == algos.Mixture || m.Task == algos.Margin && m.manifest.Calibration != nil
}

// LIBLINEAR is what LIBLINEAR calls the solver of such models, see algos.LIBLINEAR;
// "" if there is none.
func (m *Model) LIBLINEAR() (solver string, err error) {
	p, err := m.Predictor()
	if l, ok := p.(algos.LIBLINEAR); ok && err == nil {
		solver = l.SolverType(m.manifest.Data)
	}
	return solver, err
}

// Paired reports whether the model predicts pairs, as of users and items.
func (m *Model) Paired() bool { return m.paired != nil }

// Options says how data is to be read that is like the training data, with labels or
// without. The caller may change them, Like included.
func (m *Model) Options() dataset.Options {
	like := m.manifest.Data
	return dataset.Options{Header: m.manifest.Source.Header, Base: like.Base, Quantity: m.Task == algos.Regression, Unlabelled: true, Pairs: m.Paired(), Like: &like}
}
