package cluster

import "sync"

// A queue is an unbounded channel of events: put never blocks. It holds at most two events per
// incarnation that has ever taken part, so that a consumer that sleeps costs little memory.
type queue struct {
	out  chan Event
	wake chan struct{} // one token: there is something to send
	stop chan struct{}
	done chan struct{}

	mu      sync.Mutex // guards waiting
	waiting []Event
}

func newQueue() *queue {
	q := &queue{
		out: make(chan Event), wake: make(chan struct{}, 1),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	go q.pump()
	return q
}

// put appends events; any goroutine may call it, before and after close.
func (q *queue) put(events ...Event) {
	if len(events) == 0 {
		return
	}
	q.mu.Lock()
	q.waiting = append(q.waiting, events...)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// pump owns out: it sends in order and closes.
func (q *queue) pump() {
	defer close(q.done)
	defer close(q.out)
	for {
		q.mu.Lock()
		batch := q.waiting
		q.waiting = nil
		q.mu.Unlock()
		for _, e := range batch {
			select {
			case q.out <- e:
			case <-q.stop:
				return
			}
		}
		if len(batch) > 0 {
			continue
		}
		select {
		case <-q.wake:
		case <-q.stop:
			return
		}
	}
}

// close drops what nobody took, closes out and waits for the pump. Call it once.
func (q *queue) close() {
	close(q.stop)
	<-q.done
}
