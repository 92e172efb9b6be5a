package bench

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"petuum/configs"
	"petuum/roles/control"
	"petuum/roles/enlist"
	"petuum/roles/muster"
	"petuum/roles/wire"
	"petuum/table/placement"
)

// Options of a measurement.
type Options struct {
	enlist.Options
	Keys   int           // that a client holds of a sparse table
	Dense  uint64        // values of the dense table
	Flying int           // updates of a sparse table that a worker has on their way at a time
	Rounds int           // of each workload
	For    time.Duration // that bare streams last
	// Joined is told the gossip address under which others join.
	Joined func(addr string)
	// Status is told what is being measured.
	Status func(what string)
}

// Config is the configuration of a measurement with so many processes, whose
// tables are cut in so many shards.
func Config(servers, workers, shards int, dense uint64, over []configs.Override) (*configs.Config, error) {
	text := fmt.Sprintf("[job]\nname = \"wire\"\nalgorithm = %q\n[data]\ntrain = \"-\"\n[algorithm]\ndense = %d\n[consistency]\npolicy = \"asp\"\n[cluster]\nservers = %d\nworkers = %d\nshards = %d\n",
		Name, dense, servers, workers, shards)
	return configs.Parse("bench", []byte(text), over)
}

// lead plays the scheduler.
type lead struct {
	o     Options
	place *enlist.Place
	peers *muster.Muster
	box   *control.Mailbox
	sink  string
	addrs enlist.Addresses
}

// Lead gathers the processes, measures, and returns what it found.
func Lead(ctx context.Context, o Options) (*Report, error) {
	place, err := enlist.Open(ctx, o.Options, control.Scheduler, "scheduler", -1, o.NewJob())
	if err != nil {
		return nil, err
	}
	defer place.Close()
	if err := place.Alone(); err != nil {
		place.Leave()
		return nil, err
	}
	bare, err := net.Listen("tcp", net.JoinHostPort(o.Config.Cluster.Bind, "0"))
	if err != nil {
		return nil, err
	}
	defer bare.Close()
	go sink(bare)
	l := &lead{o: o, place: place, box: control.NewMailbox(), sink: bare.Addr().String(),
		peers: muster.New(o.Config.Cluster.Servers, o.Config.Cluster.Workers)}
	if a := o.Config.Cluster.Advertise; a != "" {
		_, port, _ := net.SplitHostPort(l.sink)
		l.sink = net.JoinHostPort(a, port)
	}
	var serving sync.WaitGroup
	serving.Go(func() { place.Accept(nil, l.serve) })
	listening, deaf := context.WithCancel(ctx)
	serving.Go(func() { l.addrs.Listen(listening, place.Cluster) })
	if o.Joined != nil {
		o.Joined(place.Cluster.Addr())
	}
	report, err := l.measure(ctx)
	stop := control.Stop{Reason: "done"}
	if err != nil {
		stop = control.Stop{Reason: err.Error(), Failed: true}
	}
	conns := []*wire.Conn{}
	for _, p := range l.peers.Close() {
		_ = p.Conn.Send(control.KindStop, control.Encode(stop))
		conns = append(conns, p.Conn)
	}
	place.Listener.Close()
	enlist.Part(conns...)
	place.Close()
	deaf()
	serving.Wait()
	return report, err
}

// serve reads a connection until it ends.
func (l *lead) serve(c *wire.Conn) {
	p, err := l.peers.Admit(c)
	if err != nil {
		_ = c.Send(control.KindStop, control.Encode(control.Stop{Reason: "refused: " + err.Error(), Failed: true}))
		_ = c.Close()
		return
	}
	err = c.Serve(func(kind wire.Kind, body []byte) error {
		l.box.Put(control.Event{From: l.peers.NameOf(p), Kind: kind, Body: append([]byte(nil), body...)})
		return nil
	})
	if l.peers.Leave(p) && !l.peers.Over() {
		l.box.Put(control.Event{From: l.peers.NameOf(p), Err: fmt.Errorf("%s died: %w", l.peers.NameOf(p), err)})
	}
}

// each sends a frame to some peers and gathers one answer of a kind from each.
func (l *lead) each(ctx context.Context, peers []*muster.Peer, kind wire.Kind, body func(i int) []byte, due wire.Kind, take func(i int, body []byte) error) error {
	for i, p := range peers {
		if err := p.Conn.Send(kind, body(i)); err != nil {
			return err
		}
	}
	return muster.Await(ctx, l.box, due, peers, func(i int, e control.Event) error { return take(i, e.Body) })
}

// setUp has the servers hold the tables.
func (l *lead) setUp(ctx context.Context) (control.Setup, error) {
	servers, workers := l.peers.Of(control.Server), l.peers.Of(control.Worker)
	setup := control.Setup{Roster: placement.NewRoster(Origins(l.o.Flying) * len(workers)), Servers: make([]string, len(servers))}
	seats := make([]int, len(servers))
	for i, p := range servers {
		seats[i] = p.Seat
		var err error
		if setup.Servers[i], err = l.addrs.Of(ctx, p.Conn.Peer().Name); err != nil {
			return setup, fmt.Errorf("bench: %s: %w", p.Name, err)
		}
	}
	var err error
	if setup.Placement, err = placement.Place(setup.Roster.Generation, l.o.Config.Shards(4*l.o.Dense), seats); err != nil {
		return setup, err
	}
	text := string(l.o.Config.Encode())
	for _, p := range servers {
		job := control.Job{ID: l.place.Job, Config: text, Name: p.Name, Seat: p.Seat, Parts: len(workers), Seats: len(servers)}
		if err := p.Conn.Send(control.KindJob, control.Encode(job)); err != nil {
			return setup, err
		}
	}
	body := control.Encode(setup)
	return setup, l.each(ctx, servers, control.KindSetup, func(int) []byte { return body }, control.KindReady, func(int, []byte) error { return nil })
}

// usage is the CPU seconds of all servers and of all workers so far.
func (l *lead) usage(ctx context.Context) (servers, workers float64, err error) {
	sum := func(peers []*muster.Peer) (total float64, err error) {
		err = l.each(ctx, peers, control.KindUsage, func(int) []byte { return nil }, control.KindUsed, func(_ int, body []byte) error {
			u, err := control.Decode[control.Used](body)
			total += u.CPU
			return err
		})
		return total, err
	}
	if servers, err = sum(l.peers.Of(control.Server)); err != nil {
		return 0, 0, err
	}
	workers, err = sum(l.peers.Of(control.Worker))
	return servers, workers, err
}
