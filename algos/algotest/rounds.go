package algotest

import (
	"petuum/algos"
	"petuum/consistency"
)

// roundsTo runs rounds up to a clock, with the window full. What a part emitted is sent
// before its Clock, which may wait for Pull.
func (t *training) roundsTo(until consistency.Clock) error {
	for {
		t.at = t.rounds.Round()
		due := t.rounds.Next(until)
		if due == algos.Drained {
			return nil
		}
		var err error
		if due == algos.DuePull {
			err = t.rounds.Pull()
		} else if err = t.collect(due == algos.DueEmitted); err == nil && due == algos.DueSchedule && t.rounds.Next(until) == due {
			t.schedule()
		}
		if err != nil {
			return err
		}
	}
}

func (t *training) schedule() {
	round, blocks, ok := t.rounds.Schedule()
	if !ok {
		return
	}
	t.quiet()
	for p := range t.crew {
		t.order(p, func(p *algos.Part) error {
			emitted := t.push(p, blocks[p.Number()])
			t.emitted <- emission{p.Number(), round, append([]float64(nil), emitted...)}
			return p.Clock()
		})
	}
}

// collect takes in what parts have emitted, in a random order if the job has one, and
// their acks. Where wait is set, one of either is due.
func (t *training) collect(wait bool) error {
	t.come = t.come[:0]
	if wait {
		select {
		case e := <-t.emitted:
			t.come = append(t.come, e)
		case err := <-t.acks:
			if t.ack(err) != nil {
				return err
			}
		}
	}
	for more := true; more; {
		select {
		case e := <-t.emitted:
			t.come = append(t.come, e)
		case err := <-t.acks:
			if t.ack(err) != nil {
				return err
			}
		default:
			more = false
		}
	}
	if t.rng != nil {
		t.rng.Shuffle(len(t.come), func(i, j int) { t.come[i], t.come[j] = t.come[j], t.come[i] })
	}
	for _, e := range t.come {
		if err := t.rounds.Collect(e.part, e.round, e.values); err != nil {
			return err
		}
	}
	return nil
}
