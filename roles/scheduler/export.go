package scheduler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/model"
	"petuum/configs"
	"petuum/roles/control"
	"petuum/roles/enlist"
	"petuum/roles/muster"
	"petuum/roles/predict"
)

// checkOutput reports, before anything starts, that the model could not be
// written.
func checkOutput(c *configs.Config) error {
	if c.Output.Model == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(c.Output.Model), 0o755); err != nil {
		return fmt.Errorf("output.model: %s has no directory to be in: %w: name another place", c.Output.Model, err)
	}
	return model.Check(c.Output.Model)
}

// collect fills in the summary, writes the model and applies it to the test data.
func (s *scheduler) collect(ctx context.Context) error {
	m := &s.summary
	m.Job, m.Algorithm, m.Policy = s.cfg.Job.Name, s.cfg.Job.Algorithm, s.cfg.Policy().String()
	m.NumServers, m.NumWorkers, m.Parts = s.cfg.Cluster.Servers, s.cfg.Cluster.Workers, s.parts
	m.Objective, m.Metrics = s.last.Objective, maps.Clone(s.last.Metrics)
	m.Clocks, m.Epochs, m.Curve = int64(s.reached-s.start), s.director.Epochs(s.reached), s.director.Curve()
	m.Gap = m.Curve[len(m.Curve)-1].Gap
	if s.rounds != nil {
		m.Rounds = m.Clocks
	}
	m.Model = s.cfg.Output.Model
	if m.Model != "" {
		s.progress.Status("writing the model")
	}
	found, err := s.keep(ctx, m.Model, s.path, s.tests() && !s.kept) // else the last stage has been tested
	maps.Copy(m.Metrics, found)
	return err
}

// keep writes the model to dir, with those of stages if there are any, and applies it
// to the test data. With dir "" it is only tested.
func (s *scheduler) keep(ctx context.Context, dir string, stages *model.Path, test bool) (found map[string]float64, err error) {
	named := dir != ""
	if !named && !test {
		return nil, nil
	}
	if !named {
		tmp, err := os.MkdirTemp("", "petuum-model-")
		if err != nil {
			return nil, fmt.Errorf("scheduler: %w", err)
		}
		defer os.RemoveAll(tmp)
		dir = filepath.Join(tmp, "model")
	}
	if err := s.write(ctx, dir, stages); err != nil {
		return nil, spaceless(err, cmp.Or(s.cfg.Output.Model, dir))
	}
	if !test {
		return nil, nil
	}
	if dir == s.cfg.Output.Model || !named { // of a stage its evaluation tells enough
		s.progress.Status("testing with %s", s.cfg.Data.Test)
	}
	found, err = s.test(ctx, dir)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err == nil && named {
		err = model.AddMetrics(dir, found)
	}
	if s.untested == nil {
		s.untested = err // the training stands
	}
	return found, nil
}

// spaceless says what to do about a full disk: any other error stays as it is.
func spaceless(err error, dir string) error {
	var errno syscall.Errno
	if errors.As(err, &errno) && (errno == syscall.ENOSPC || errno == syscall.EDQUOT) {
		return fmt.Errorf("model: %s: %w: free some or set output.model to another disk, and run the job again; what was there before still is", dir, errno)
	}
	return err
}

// write gets the tables from the servers, a shard at a time in the order of keys,
// and writes the model, with those of stages if there are any.
func (s *scheduler) write(ctx context.Context, dir string, stages *model.Path) error {
	objective := s.last.Objective
	source := model.Source{Header: s.cfg.Data.Header}
	for _, path := range s.cfg.Data.Test {
		source.Test = append(source.Test, filepath.Base(path))
	}
	w, err := model.Create(dir, model.Manifest{Petuum: enlist.Version, Job: s.cfg.Job.Name, Algorithm: s.cfg.Job.Algorithm,
		Parameters: parameters(s.cfg), Data: s.info, Source: source, Clock: s.at, Objective: &objective, Metrics: s.last.Metrics})
	if err != nil {
		return err
	}
	defer w.Abort()
	for t, spec := range s.specs {
		if spec.Scratch {
			continue
		}
		tw, err := w.Table(spec, algos.KeyNamesOf(s.alg, s.info, spec), s.cfg.Output.Text)
		if err != nil {
			return err
		}
		if err := s.export(ctx, t, false, tw.Append); err != nil {
			return err
		}
	}
	if stages != nil {
		if err := w.Take(stages); err != nil {
			return err
		}
	}
	return w.Close()
}

// export gets the rows of a table from the servers, a shard at a time, with the state of
// its rule if they are to be whole.
func (s *scheduler) export(ctx context.Context, t int, whole bool, add func(key uint64, row []byte) error) error {
	spec, bySeat := s.specs[t], s.bySeat()
	size := spec.Type.Size() * max(spec.Width, 1)
	if whole {
		size = spec.WholeBytes()
	}
	for shard, seat := range s.placed.Seats {
		if err := s.send(ctx, bySeat[seat].Conn, control.KindExport, control.AppendExport(nil, t, shard, whole)); err != nil {
			return err
		}
		var written error // not the server's fault
		for last := false; !last; {
			err := s.box.Await(ctx, control.KindRows, 1, func(e control.Event) (err error) {
				last, err = control.ReadRows(e.Body, t, shard, size, func(key uint64, row []byte) error {
					written = add(key, row)
					return written
				})
				return err
			})
			if err := cmp.Or(written, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// bySeat are the servers by their seats.
func (s *scheduler) bySeat() map[int]*muster.Peer {
	servers := map[int]*muster.Peer{}
	for _, p := range s.peers.Of(control.Server) {
		servers[p.Seat] = p
	}
	return servers
}

// parameters is the [algorithm] table of the effective configuration.
func parameters(c *configs.Config) string {
	_, text, _ := strings.Cut(string(c.Encode()), "[algorithm]\n")
	text, _, _ = strings.Cut(text, "\n[")
	return strings.TrimSpace(text) + "\n"
}

// glance reads the beginning of each test file before the training, which should
// not be long and then in vain. What is wrong further on does not undo it.
func (s *scheduler) glance(context.Context) error {
	if !s.tests() || dataset.ReadWhole(s.info.Format) { // which is read as a whole
		return nil
	}
	o := s.testOptions()
	for _, path := range s.cfg.Data.Test {
		r, err := dataset.Open([]string{path}, o)
		if err != nil {
			return fmt.Errorf("data.test: %w", err)
		}
		_, err = r.Next(1)
		r.Close()
		if err != nil && err != io.EOF {
			return fmt.Errorf("data.test: %w", err)
		}
	}
	return nil
}

// testOptions say how the test data is to be read: like the training data.
func (s *scheduler) testOptions() dataset.Options {
	return control.TestOptions(s.cfg, s.alg, &s.info)
}

// tests reports whether the model is to be applied to test data, which the parts have not
// done already.
func (s *scheduler) tests() bool {
	_, ok := s.alg.(algos.Predictor)
	return ok && !algos.TestsParts(s.alg) && len(s.cfg.Data.Test) > 0 && s.cfg.Evaluate.Test
}

// test applies the model to the test data.
func (s *scheduler) test(ctx context.Context, dir string) (map[string]float64, error) {
	m, err := predict.OpenModel(dir, s.place.Algorithms)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	rows, err := predict.Open(ctx, s.cfg.Data.Test, nil, s.testOptions())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	result, err := m.Run(ctx, rows, predict.Lines{})
	if err != nil {
		return nil, fmt.Errorf("test: %w", err)
	}
	if _, ok := s.alg.(algos.Measurer); ok { // what it measures it never measures of training data
		return result.Metrics, nil
	}
	found := map[string]float64{}
	for name, v := range result.Metrics {
		found["test_"+name] = v
	}
	return found, nil
}
