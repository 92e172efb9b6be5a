package scheduler

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sort"
	"syscall"
	"time"

	"petuum/algos"
	"petuum/algos/checkpoint"
	"petuum/configs"
	"petuum/consistency"
	"petuum/roles/control"
	"petuum/roles/enlist"
	"petuum/roles/wire"
	"petuum/table"
)

// keeping is what the scheduler knows of its checkpoints.
type keeping struct {
	path  string
	from  *checkpoint.Reader // the job goes on from it; nil: it begins
	base  float64            // seconds of training before this run
	count int                // evaluations since the last one
	last  float64            // seconds of training when that was
	at    consistency.Clock  // of the last one; -1: there is none
	done  string             // why the job had ended there
}

// openCheckpoint looks, before anything starts, at where checkpoints are kept, and with
// resume opens the last one.
func openCheckpoint(c *configs.Config, resume bool) (k keeping, err error) {
	k = keeping{path: c.Checkpoint.Path, at: -1}
	if k.path == "" {
		if resume {
			return k, c.Refuse("checkpoint.path", "it is not set: without it there is no checkpoint to go on from, nor will there be one")
		}
		return k, nil
	}
	if err := checkpoint.Check(k.path); err != nil {
		return k, fmt.Errorf("checkpoint.path: %w", err)
	}
	if !resume {
		return k, unfinished(k.path)
	}
	r, err := checkpoint.Open(k.path)
	if errors.Is(err, checkpoint.ErrNone) {
		return k, nil
	}
	if err == nil {
		err = differs(r, jobOf(c))
	}
	if err != nil {
		return k, fmt.Errorf("checkpoint.path: %w", err)
	}
	k.from, k.at, k.done = r, r.Clock, r.Done
	k.base, k.last = r.Seconds, r.Seconds
	return k, nil
}

// unfinished refuses to begin a job where the checkpoint of one is that has not ended: its
// first checkpoint would replace that.
func unfinished(path string) error {
	m, err := checkpoint.Last(path)
	switch {
	case errors.Is(err, checkpoint.ErrNone):
		return nil
	case err != nil:
		return fmt.Errorf("checkpoint.path: %w: remove it, or name another folder", err)
	case m.Done == "":
		return fmt.Errorf("checkpoint.path: %s has the checkpoint of clock %d of a job that has not ended: go on with --resume, or remove the folder to begin anew", path, m.Clock)
	}
	return nil
}

// tellKept tells people where a job that may go on begins.
func (s *scheduler) tellKept(resume bool) {
	switch from := s.keeping.from; {
	case from != nil:
		s.progress.Say(fmt.Sprintf("going on from the checkpoint of clock %d in %s", from.Clock, from.Dir))
	case resume:
		s.progress.Say(fmt.Sprintf("there is no checkpoint in %s yet: the job begins", s.keeping.path))
	}
}

// tellStopped tells people how an interrupted job can go on.
func (s *scheduler) tellStopped() {
	if k := s.keeping; k.at >= 0 {
		s.progress.Say(fmt.Sprintf("the checkpoint of clock %d is in %s: --resume goes on from there", k.at, k.path))
	}
}

// jobOf is what is known of a job before its data is read.
func jobOf(c *configs.Config) checkpoint.Job {
	return checkpoint.Job{Algorithm: c.Job.Algorithm, Parameters: parameters(c), Seed: c.Job.Seed, Parts: c.Parts()}
}

func differs(r *checkpoint.Reader, now checkpoint.Job) error {
	if err := r.Job.Differs(now); err != nil {
		return fmt.Errorf("the checkpoint in %s is of another job: %w", r.Dir, err)
	}
	return nil
}

// job is the whole of it.
func (s *scheduler) job() checkpoint.Job {
	j := jobOf(s.cfg)
	j.Data, j.Tables = s.info.WithoutNames(), []checkpoint.Table{}
	for _, spec := range s.specs {
		j.Tables = append(j.Tables, checkpoint.TableOf(spec))
	}
	return j
}

// checkKeeping refuses, when the tables are known, a checkpoint of another job, and a job
// that none can be kept of.
func (s *scheduler) checkKeeping() error {
	if s.keeping.path == "" {
		return nil
	}
	if a, ok := s.alg.(algos.Staged); ok && a.Stages(s.info) > 1 {
		return s.cfg.Refuse("checkpoint.path", "a job of several stages keeps no checkpoints: leave it out, or ask for one stage")
	}
	if s.keeping.from == nil {
		return nil
	}
	if err := differs(s.keeping.from, s.job()); err != nil {
		return fmt.Errorf("checkpoint.path: %w", err)
	}
	return nil
}

// lossy says whether a table may owe something.
func (s *scheduler) lossy() bool { return slices.ContainsFunc(s.specs, table.Spec.Lossy) }

// keepDue reports, before an evaluation, whether a checkpoint follows it.
func (s *scheduler) keepDue(seconds float64) bool {
	k := &s.keeping
	k.count++
	return k.path != "" && k.count >= s.cfg.Checkpoint.Every && seconds-k.last >= s.cfg.Checkpoint.Seconds
}

// keepJob writes a checkpoint at a barrier, behind an evaluation. Training stands still
// meanwhile, and so does its time. done is why the job has ended; "" if it goes on.
func (s *scheduler) keepJob(ctx context.Context, done string) error {
	k := &s.keeping
	if k.path == "" || k.at == s.at && k.done == done {
		return nil
	}
	began, seconds := time.Now(), s.elapsed()
	defer func() { s.paused += time.Since(began) }()
	if err := s.writeCheckpoint(ctx, checkpoint.Manifest{Petuum: enlist.Version, Job: s.job(), Start: s.start, Clock: s.at,
		Seconds: seconds, Done: done, Curve: s.director.Curve(), Best: s.director.Leader()}); err != nil {
		var errno syscall.Errno
		if errors.As(err, &errno) && (errno == syscall.ENOSPC || errno == syscall.EDQUOT) {
			return fmt.Errorf("checkpoint: %s: %w: free some or move the folder to another disk, set checkpoint.path, and go on with --resume; the checkpoint before this one still is", k.path, errno)
		}
		return err
	}
	k.at, k.done, k.count, k.last = s.at, done, 0, seconds
	s.log.Debug("kept a checkpoint", "clock", s.at, "path", k.path)
	return nil
}

func (s *scheduler) writeCheckpoint(ctx context.Context, m checkpoint.Manifest) error {
	w, err := checkpoint.Create(s.keeping.path)
	if err != nil {
		return err
	}
	defer w.Abort()
	into := func(name string, write func(to io.Writer) error) error {
		f, err := w.File(name)
		if err != nil {
			return err
		}
		err = write(f)
		return errors.Join(err, f.Close())
	}
	for t, spec := range s.specs {
		err := into(checkpoint.TableFile(spec.Name), func(to io.Writer) error {
			var b []byte
			return s.export(ctx, t, true, func(key uint64, row []byte) error {
				b = append(binary.AppendUvarint(b[:0], key), row...)
				_, err := to.Write(b)
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	for _, c := range s.workers {
		for _, part := range c.parts {
			if err := into(checkpoint.PartFile(part), func(to io.Writer) error { return s.savePart(ctx, c.conn, part, to) }); err != nil {
				return err
			}
		}
	}
	if s.rounds != nil {
		if err := into(checkpoint.SchedulerFile, s.rounds.Save); err != nil {
			return err
		}
	}
	return w.Close(m)
}

// savePart has a part send its state, a piece at a time.
func (s *scheduler) savePart(ctx context.Context, c *wire.Conn, part int, to io.Writer) error {
	about := control.AppendUints(nil, uint64(part))
	if err := s.send(ctx, c, control.KindSave, about); err != nil {
		return err
	}
	_, err := io.Copy(to, &control.StateReader{Part: part, Next: func() (body []byte, err error) {
		err = s.box.Await(ctx, control.KindState, 1, func(e control.Event) error {
			body = e.Body
			return nil
		})
		return body, err
	}, More: func() error { return s.send(ctx, c, control.KindMore, about) }})
	return err
}

// ready waits until the parts have prepared, or have their states.
func (s *scheduler) ready(ctx context.Context) error {
	if s.keeping.from != nil {
		return s.restoreParts(ctx)
	}
	if s.rounds != nil && s.at > 0 {
		if err := s.rounds.Settle(); err != nil {
			return err
		}
	}
	return s.awaitParts(ctx, control.KindReady)
}

// restoreParts sends every part what it saved, one part after the other, and waits until
// it is ready.
func (s *scheduler) restoreParts(ctx context.Context) error {
	for _, c := range s.workers {
		for _, part := range c.parts {
			w := &control.StateWriter{Part: part,
				Send:  func(body []byte) error { return s.send(ctx, c.conn, control.KindState, body) },
				Await: func() error { return s.box.Await(ctx, control.KindMore, 1, func(control.Event) error { return nil }) }}
			err := s.keeping.from.Read(checkpoint.PartFile(part), func(r io.Reader) error {
				_, err := io.Copy(w, r)
				if err == nil {
					err = w.Close()
				}
				return err
			})
			if err == nil {
				err = s.box.Await(ctx, control.KindReady, 1, func(e control.Event) error {
					p, at, err := control.ReadReached(e.Body)
					if err == nil && (p != part || at != s.at) {
						err = fmt.Errorf("part %d is ready at clock %d, but part %d was to be, at clock %d", p, at, part, s.at)
					}
					return err
				})
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// wholeChunk is the bytes of rows for a shard that are gathered before they are sent.
const wholeChunk = 256 << 10

// loadWhole has the servers begin with the tables of the checkpoint, of whatever number of
// shards.
func (s *scheduler) loadWhole(ctx context.Context) error {
	s.progress.Status("going on from the checkpoint of clock %d", s.keeping.from.Clock)
	servers, of := s.bySeat(), len(s.placed.Seats)
	rows := make([][]byte, of)
	for t, spec := range s.specs {
		flush := func(shard int) error {
			if len(rows[shard]) == 0 {
				return nil
			}
			to := servers[s.placed.Seats[shard]]
			if err := s.send(ctx, to.Conn, control.KindLoad, control.AppendLoad(nil, t, shard, true, rows[shard])); err != nil {
				return err
			}
			rows[shard] = rows[shard][:0]
			return s.box.Await(ctx, control.KindLoaded, 1, func(control.Event) error { return nil })
		}
		k := 0
		err := s.keeping.from.Rows(checkpoint.TableOf(spec), func(key uint64, row []byte) error {
			if !table.ShardRange(spec.Keys, k, of).Contains(key) {
				k = sort.Search(of, func(k int) bool { return key < table.ShardRange(spec.Keys, k, of).End })
			}
			rows[k] = append(binary.AppendUvarint(rows[k], key), row...)
			if len(rows[k]) < wholeChunk {
				return nil
			}
			return flush(k)
		})
		for shard := range rows {
			if err == nil {
				err = flush(shard)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// compare warns of an objective that is not what it was at the clock of the checkpoint.
func (s *scheduler) compare() {
	if s.keeping.from == nil {
		return
	}
	curve := s.keeping.from.Curve
	was, is := curve[len(curve)-1].Objective, s.last.Objective
	if !(math.Abs(is-was) <= 1e-6*math.Abs(was)) {
		s.log.Warn("the objective is not what it was at the clock of the checkpoint: the algorithm does not save all that it knows", "clock", s.at, "was", was, "is", is)
	}
}
