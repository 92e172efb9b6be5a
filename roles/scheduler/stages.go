package scheduler

import (
	"context"
	"maps"
	"time"

	"petuum/algos"
	"petuum/algos/model"
	"petuum/roles/control"
)

// stages asks the algorithm how many stages the job has, 0 if it knows none.
func (s *scheduler) stages() int {
	a, ok := s.alg.(algos.Staged)
	if !ok {
		return 0
	}
	n := a.Stages(s.info)
	s.director.Staged(n)
	if n > 1 {
		s.progress.Stage(0, n)
	}
	return n
}

// elapsed is the seconds of training so far, those before a checkpoint included.
func (s *scheduler) elapsed() float64 {
	return s.keeping.base + (time.Since(s.trained) - s.paused).Seconds()
}

// beginStage has all instances begin a stage. All parts have been evaluated at the
// same clock, and none goes on before it was told.
func (s *scheduler) beginStage(ctx context.Context, stage int) error {
	a := s.alg.(algos.Staged) // or there were no second stage
	a.Stage(stage)
	s.progress.Stage(stage, a.Stages(s.info))
	body := control.AppendUints(nil, uint64(stage))
	for _, p := range s.peers.Of(control.Worker) {
		if err := s.send(ctx, p.Conn, control.KindStage, body); err != nil {
			return err
		}
	}
	return nil
}

// keepStage keeps what the stage under way has come to, unless it is no result: its
// numbers, and its model if the job's is to be written. Training stands still meanwhile, and so does its time.
func (s *scheduler) keepStage(ctx context.Context, reason string) error {
	r := Stage{StageResult: s.director.Ended(reason, s.reached)}
	a, ok := s.alg.(algos.Rehearsing)
	if s.kept = !ok || !a.Rehearses(r.Stage); !s.kept {
		return nil
	}
	r.Stage = len(s.summary.Path)
	s.progress.Ended()
	began := time.Now()
	defer func() { s.paused += time.Since(began) }()
	dir := ""
	if final := s.cfg.Output.Model; final != "" {
		if s.path == nil {
			var err error
			if s.path, err = model.NewPath(final); err != nil {
				return spaceless(err, final)
			}
		}
		dir, r.Model = s.path.Next(), model.StageDir(final, r.Stage)
	}
	if r.Gap != nil { // of the model of the stage; that of the job has its own
		s.last.Metrics["gap"] = *r.Gap
		defer delete(s.last.Metrics, "gap")
	}
	found, err := s.keep(ctx, dir, nil, s.tests())
	if err != nil {
		return err
	}
	maps.Copy(s.last.Metrics, found) // for the job's, if this is the last
	maps.Copy(r.Metrics, found)
	s.summary.Path = append(s.summary.Path, r)
	return nil
}

// abandonPath removes the models of stages, unless the job's model has taken them in.
func (s *scheduler) abandonPath() {
	if s.path != nil {
		s.path.Abort()
	}
}
