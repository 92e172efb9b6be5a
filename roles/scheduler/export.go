package scheduler

import (
	"context"
	"maps"

	"petuum/configs"
)

func checkOutput(*configs.Config) error { return nil }

// collect fills in the summary.
func (s *scheduler) collect(context.Context) error {
	m := &s.summary
	m.Job, m.Algorithm, m.Policy = s.cfg.Job.Name, s.cfg.Job.Algorithm, s.cfg.Policy().String()
	m.NumServers, m.NumWorkers, m.Parts = s.cfg.Cluster.Servers, s.cfg.Cluster.Workers, s.parts
	m.Objective, m.Metrics = s.last.Objective, maps.Clone(s.last.Metrics)
	m.Clocks, m.Epochs, m.Curve = int64(s.at), s.director.Epochs(s.at), s.director.Curve()
	m.Gap = m.Curve[len(m.Curve)-1].Gap
	if s.rounds != nil {
		m.Rounds = int64(s.at)
	}
	return nil
}
