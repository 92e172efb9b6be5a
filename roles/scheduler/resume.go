package scheduler

import (
	"context"
	"fmt"
	"slices"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/model"
	"petuum/configs"
	"petuum/roles/control"
	"petuum/table"
)

// openStart opens the model that the job begins with; nil if it begins with none.
func openStart(c *configs.Config) (*model.Reader, error) {
	if c.Job.Start == "" {
		return nil, nil
	}
	r, err := model.Open(c.Job.Start)
	if err != nil {
		return nil, fmt.Errorf("job.start: %w", err)
	}
	return r, nil
}

// checkStart refuses a model whose values mean something else than the job's. Another
// algorithm may have made it: they are but where to begin.
func (s *scheduler) checkStart() error {
	if s.from == nil {
		return nil
	}
	m := s.from.Manifest()
	p, predicts := s.alg.(algos.Predictor)
	err := sameData(s.info, m.Data, !predicts || p.Task(s.info) != algos.Regression)
	for _, spec := range s.specs {
		if err == nil && !spec.Scratch {
			err = s.sameTable(spec, m)
		}
	}
	if err != nil {
		return fmt.Errorf("job.start: the model in %s cannot be where this job begins: %w", s.cfg.Job.Start, err)
	}
	return nil
}

// sameData says what of the data that a model was trained on is not as here.
func sameData(here, there dataset.Info, classes bool) error {
	switch {
	case here.Features != there.Features:
		advice := "it must have as many"
		if here.Features < there.Features && here.Format == dataset.LIBSVM {
			advice = fmt.Sprintf("set data.features = %d if they are the first of these", there.Features)
		}
		return fmt.Errorf("the training data has %d features, and the model's had %d: %s", here.Features, there.Features, advice)
	case here.Format == dataset.LIBSVM && there.Format == dataset.LIBSVM && here.Base != there.Base:
		return fmt.Errorf("the features of the training data are counted from %d, and the model's from %d: set data.base", here.Base, there.Base)
	case classes && (!slices.Equal(here.Classes, there.Classes) || here.Positive != there.Positive):
		return fmt.Errorf("the classes of the training data are %s, and of the model's %s", some(here.Classes), some(there.Classes))
	}
	for j := range min(len(here.Names), len(there.Names)) { // one may have none
		if here.Names[j] != there.Names[j] {
			return fmt.Errorf("feature %d of the training data is %q, and the model's was %q", j, here.Names[j], there.Names[j])
		}
	}
	return nil
}

// some lists the first of some classes.
func some(names []string) string {
	const most = 8
	if len(names) == 0 {
		return "none"
	}
	if len(names) > most {
		return fmt.Sprintf("%q and %d more", names[:most], len(names)-most)
	}
	return fmt.Sprintf("%q", names)
}

// sameTable says what a model's table has that the job's has not.
func (s *scheduler) sameTable(spec table.Spec, m model.Manifest) error {
	i := slices.IndexFunc(m.Tables, func(t model.Table) bool { return t.Name == spec.Name })
	if i < 0 {
		return fmt.Errorf("it is of %s and has no table %q, which %s needs", m.Algorithm, spec.Name, s.cfg.Job.Algorithm)
	}
	t, keys := m.Tables[i], algos.KeyNamesOf(s.alg, s.info, spec)
	integers := spec.Type == table.Int32
	switch width := max(spec.Width, 1); {
	case t.Keys != spec.Keys || t.Width != width:
		return fmt.Errorf("its table %q has %d keys of %d values, and the job's %d of %d: %s with other parameters, or of other data", spec.Name, t.Keys, t.Width, spec.Keys, width, m.Algorithm)
	case t.Features != keys.Features || !slices.Equal(t.Names, keys.Names):
		return fmt.Errorf("the keys of its table %q mean something else: %s with other parameters", spec.Name, m.Algorithm)
	case integers != (t.Type == table.Int32.String()):
		return fmt.Errorf("its table %q is of %s, and the job's of %s", spec.Name, t.Type, spec.Type)
	case !sameInit(spec, t) && spec.DenseBytes() == 0:
		return fmt.Errorf("the keys of its table %q that nobody wrote have other values than the job's, and are too many to be listed", spec.Name)
	}
	return nil
}

// sameInit reports whether what nobody wrote has the same values.
func sameInit(spec table.Spec, t model.Table) bool {
	return spec.Init.Value == float64(t.Init.Value) && spec.Init.Spread == float64(t.Init.Spread) && (spec.Init.Spread == 0 || spec.Init.Seed == t.Init.Seed)
}

// loadChunk is the bytes of rows in a Load.
const loadChunk = 1 << 20

// load has the servers begin with the values of the checkpoint or model, a piece at a time.
func (s *scheduler) load(ctx context.Context) error {
	if s.keeping.from != nil {
		return s.loadWhole(ctx)
	}
	if s.from == nil {
		return nil
	}
	s.progress.Status("beginning with the model in %s", s.cfg.Job.Start)
	for t, spec := range s.specs {
		if !spec.Scratch {
			if err := s.loadTable(ctx, t, spec); err != nil {
				return err
			}
		}
	}
	return nil
}

// loadTable walks the model's table once and cuts it where shards end.
func (s *scheduler) loadTable(ctx context.Context, t int, spec table.Spec) error {
	tables := s.from.Manifest().Tables
	about := tables[slices.IndexFunc(tables, func(t model.Table) bool { return t.Name == spec.Name })]
	servers, shard := s.bySeat(), 0
	var rows []byte
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		to := servers[s.placed.Seats[shard]]
		if err := s.send(ctx, to.Conn, control.KindLoad, control.AppendLoad(nil, t, shard, false, rows)); err != nil {
			return err
		}
		rows = rows[:0]
		return s.box.Await(ctx, control.KindLoaded, 1, func(control.Event) error { return nil })
	}
	err := s.from.Rows(spec.Name, spec.Type, !sameInit(spec, about), func(key uint64, values []byte) error {
		if len(rows) >= loadChunk || key >= table.ShardRange(spec.Keys, shard, len(s.placed.Seats)).End {
			if err := flush(); err != nil {
				return err
			}
		}
		for key >= table.ShardRange(spec.Keys, shard, len(s.placed.Seats)).End {
			shard++
		}
		rows = append(control.AppendUints(rows, key), values...)
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}
