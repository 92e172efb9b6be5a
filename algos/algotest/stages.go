package algotest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/consistency"
	"petuum/table"
)

// Stage is a stage of a job, and the tables when it ended.
type Stage struct {
	algos.StageResult
	Model algos.Model
}

// path trains one stage after another, and returns why and at what clock it ended.
func (t *training) path(elapsed func() float64) (reason string, clocks consistency.Clock, err error) {
	a, staged := t.alg.(algos.Staged)
	stages := 0
	if staged {
		stages = a.Stages(t.info)
	}
	t.director.Staged(stages)
	for {
		if reason, err = t.run(elapsed); err != nil {
			return "", 0, err
		}
		clocks = t.at
		if slices.ContainsFunc(t.specs, table.Spec.Lossy) {
			if err := t.pay(); err != nil {
				return "", 0, err
			}
			if _, err := t.evaluate(elapsed); err != nil {
				return "", 0, err
			}
		}
		if stages > 1 {
			m, _ := t.export()
			t.stages = append(t.stages, Stage{t.director.Ended(reason, clocks), m})
		}
		stage, stop := t.director.Next(reason, elapsed())
		if stop != "" {
			return stop, clocks, nil
		}
		a.Stage(stage)
		for p := range t.crew {
			t.order(p, func(p *algos.Part) error { return p.Stage(stage) })
		}
	}
}

// resume has the shards begin with the tables of an earlier job.
func (t *training) resume() error {
	if t.job.From != nil {
		return t.loadWhole()
	}
	if t.job.Start == nil {
		return nil
	}
	a, ok := t.alg.(algos.Resumer)
	if !ok {
		return fmt.Errorf("algotest: %T does not resume", t.alg)
	}
	if err := a.Resumes(); err != nil {
		return err
	}
	from, ok := t.job.Start.Model.(*model)
	if !ok {
		return errors.New("algotest: not the result of a job")
	}
	for i, spec := range t.specs {
		k := slices.IndexFunc(from.specs, func(s table.Spec) bool { return s.Name == spec.Name && s.Keys == spec.Keys && s.Width == spec.Width })
		if spec.Scratch {
			continue
		}
		if k < 0 {
			return fmt.Errorf("algotest: the earlier job has no table %q like this one", spec.Name)
		}
		width := max(spec.Width, 1)
		for n, key := range from.keys[k] {
			row := appendValues(nil, spec.Type, from.values[k][n*width:(n+1)*width])
			for number, s := range t.shards {
				if !table.ShardRange(spec.Keys, number, len(t.shards)).Contains(key) {
					continue
				}
				var err error
				s.do(func(s *table.Shard) { err = s.Load(i, key, row) })
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// resume goes on from the tables of a short job, with other shards.
func (s Suite) resume(t *testing.T) {
	job := s.job(2, 1, 2, "bsp")
	job.Stop = algos.Stop{Clocks: 5}
	a, err := job.instance()
	if err != nil {
		t.Fatal(err)
	}
	if r, ok := a.(algos.Resumer); !ok || r.Resumes() != nil {
		t.Skip("the algorithm does not resume with these parameters")
	}
	early := Train(t, job)
	job.Start, job.Shards = &early, 3
	late := Train(t, job)
	if got, want := late.Curve[0].Objective, early.Eval.Objective; !(math.Abs(got-want) <= 1e-12*math.Abs(want)) {
		t.Errorf("it begins at the objective %.15g, want %.15g, where the earlier job ended", got, want)
	}
}

func (s Suite) explain(t *testing.T) {
	info, _, err := s.job(1, 1, 1, "bsp").read(s.Path, s.Options, 1)
	if err != nil {
		t.Fatal(err)
	}
	var first []string
	for range 2 {
		a, err := s.job(1, 1, 1, "bsp").instance()
		if err != nil {
			t.Fatal(err)
		}
		e, ok := a.(algos.Explainer)
		if !ok {
			t.Skip("the algorithm does not explain")
		}
		if _, err := a.Tables(info); err != nil {
			t.Fatal(err)
		}
		said := e.Explain(info)
		for _, sentence := range said {
			if strings.TrimSpace(sentence) == "" || strings.Contains(sentence, "\n") {
				t.Errorf("it says %q, want a sentence", sentence)
			}
		}
		if first == nil {
			first = said
		} else if !slices.Equal(said, first) {
			t.Errorf("it says %q and then %q", first, said)
		}
	}
}

func appendValues(b []byte, t table.Type, row []float64) []byte {
	for _, v := range row {
		switch t {
		case table.Float64:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		case table.Float32:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
		case table.Int32:
			b = binary.LittleEndian.AppendUint32(b, uint32(int32(v)))
		}
	}
	return b
}
