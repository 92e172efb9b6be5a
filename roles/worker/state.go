package worker

import (
	"fmt"

	"petuum/roles/control"
	"petuum/roles/wire"
)

// pass gives the part that a frame is about its command.
func (w *worker) pass(e control.Event) error {
	part, body := 0, []byte(nil)
	var err error
	if e.Kind == control.KindState {
		var p control.StatePiece
		p, err = control.ReadState(e.Body)
		part, body = p.Part, e.Body
	} else {
		part, err = control.ReadPart(e.Body)
	}
	if err != nil {
		return err
	}
	r := w.runners[part]
	if r == nil {
		return fmt.Errorf("worker: a frame of kind %d is for part %d, which is not here", e.Kind, part)
	}
	r.orders.put(command{kind: e.Kind, body: body})
	return nil
}

// await is the next order, which has to be of a kind.
func (r *runner) await(kind wire.Kind) (command, error) {
	c, ok := r.orders.next()
	switch {
	case !ok:
		return c, errStopped
	case c.kind != kind:
		return c, fmt.Errorf("part %d: a frame of kind %d while kind %d was due", r.part.Number(), c.kind, kind)
	}
	return c, nil
}

// save sends the state of the part to the scheduler.
func (r *runner) save() error {
	w := &control.StateWriter{Part: r.part.Number(),
		Send: func(body []byte) error { return r.w.sched.Send(control.KindState, body) },
		Await: func() error {
			_, err := r.await(control.KindMore)
			return err
		}}
	if err := r.part.Save(w); err != nil {
		return err
	}
	return w.Close()
}

// restore reads it.
func (r *runner) restore() error {
	return r.part.Restore(&control.StateReader{Part: r.part.Number(),
		Next: func() ([]byte, error) {
			c, err := r.await(control.KindState)
			return c.body, err
		},
		More: func() error {
			return r.w.sched.Send(control.KindMore, control.AppendUints(nil, uint64(r.part.Number())))
		}})
}
