// Package enlist is how a process takes up its role: it opens its listener,
// joins the cluster, finds the scheduler, and connects to it.
package enlist

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"petuum/algos/registry"
	"petuum/configs"
	"petuum/roles/cluster"
	"petuum/roles/control"
	"petuum/roles/wire"
)

// Version of the program. Processes of one cluster share the major number; the
// wire protocol has its own below.
const Version = "0.1.0"

const (
	wireMajor = 4
	wireMinor = 1
)

// lookFor bounds how long a process looks for the scheduler of the cluster that
// it joined.
const lookFor = 30 * time.Second

// Options are what a process is started with.
type Options struct {
	Config     *configs.Config
	Algorithms registry.List
	Log        *slog.Logger
	Checkup    bool // not for a job but for a check-up of the cluster
}

// Place is a process that takes part: its listener, its membership, and the
// hello with which it introduces itself.
type Place struct {
	Role     string
	Name     string // mu guards it against Rename
	Seat     int    // so it does this
	Job      string // id of the job, known to the scheduler from the start
	Listener net.Listener
	Cluster  *cluster.Cluster
	Options

	mu          sync.Mutex
	compression wire.Compression // guarded by mu
	closing     sync.Once
}

// checkup begins the id of a check-up, which gathers roles as a job does.
const checkup = "doctor-"

// NewJob makes the id of a job, or of a check-up.
func (o Options) NewJob() string {
	if o.Checkup {
		return checkup + random()
	}
	return random()
}

// ErrBusy is in the error of a check-up of a cluster that runs a job already.
var ErrBusy = errors.New("the cluster runs a job")

// fits reports why a process started with these options cannot take part in a job.
func (o Options) fits(job string) error {
	switch its := strings.HasPrefix(job, checkup); {
	case its && !o.Checkup:
		return errors.New("the scheduler was started by petuum doctor: it checks the cluster and runs no job")
	case !its && o.Checkup:
		return fmt.Errorf("%w, %s", ErrBusy, job)
	}
	return nil
}

func random() string {
	var b [6]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // the system has no randomness
	}
	return hex.EncodeToString(b[:])
}

// Open takes up a place: o.Config gives addresses, key and members to join. name may be
// empty: until the scheduler names the process it goes by one that no other
// process of the cluster has, on whatever machine.
func Open(ctx context.Context, o Options, role, name string, seat int, job string) (*Place, error) {
	p := &Place{Role: role, Name: name, Seat: seat, Job: job, Options: o}
	c := o.Config
	if name == "" {
		p.Name = fmt.Sprintf("%s-%d-%.6s", role, os.Getpid(), random())
	}
	if err := checkAddresses(ctx, &c.Cluster, role != control.Worker); err != nil {
		return nil, fmt.Errorf("%s: %w", role, err)
	}
	if err := p.Adopt(c); err != nil {
		return nil, err
	}
	gossip, err := o.Gossip(role)
	if err != nil {
		return nil, err
	}
	data := ""
	if role != control.Worker {
		addr := c.Cluster.Data
		if addr == "" {
			addr = net.JoinHostPort(c.Cluster.Bind, "0")
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return nil, fmt.Errorf("%s: data listener on %s: %w: %s", role, addr, err, listenAdvice(err))
		}
		p.Listener = l
		data = advertised(l.Addr().String(), c.Cluster.Advertise)
	}
	gossip.Name, gossip.Seat, gossip.Data, gossip.Job = p.Name, seat, data, job
	if err := p.join(ctx, gossip); err != nil {
		p.Close()
		return nil, explainKey(err, c.Cluster.KeyFile)
	}
	return p, nil
}

// listenAdvice is what to do about an address that cannot be listened on.
func listenAdvice(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "another process has that port: name another in cluster.data, or none for any free one"
	case errors.Is(err, syscall.EACCES):
		return "a port below 1024 is for root: name another in cluster.data, or none for any free one"
	}
	return "set cluster.bind or cluster.data to an address of this machine"
}

// Gossip is how a process with a role joins: all but its name, seat, data address
// and job.
func (o Options) Gossip(role string) (cluster.Config, error) {
	c := o.Config.Cluster
	g := cluster.Config{Bind: c.Gossip, Advertise: c.Advertise, Join: c.Join, Role: cluster.Role(role), Seat: cluster.NoSeat, Version: Version, Logger: o.Log}
	if g.Bind == "" {
		g.Bind = c.Bind
	}
	var err error
	if c.KeyFile != "" {
		g.Key, err = readKey(c.KeyFile, o.Log)
	}
	return g, err
}

// Observe joins the cluster without taking part in it.
func Observe(ctx context.Context, o Options) (*cluster.Cluster, error) {
	g, err := o.Gossip(string(cluster.Observer))
	if err != nil {
		return nil, err
	}
	if c := o.Config; c.From("cluster.bind") == "default" && c.Cluster.Gossip == "" && len(c.Cluster.Join) > 0 {
		g.Bind = towards(c.Cluster.Join[0])
	}
	g.Name = fmt.Sprintf("observer-%d-%.6s", os.Getpid(), random())
	return cluster.Start(ctx, g)
}

// towards is this machine's address on the way to another, or loopback if there is
// none. Nothing is sent.
func towards(addr string) string {
	const loopback = "127.0.0.1"
	c, err := net.Dial("udp", addr)
	if err != nil {
		return loopback
	}
	defer c.Close()
	host, _, err := net.SplitHostPort(c.LocalAddr().String())
	if err != nil {
		return loopback
	}
	return host
}

// Alone returns an error if the cluster has another scheduler.
func (p *Place) Alone() error {
	for _, m := range p.Cluster.Members() {
		if m.Role == cluster.Scheduler && m.Job != p.Job {
			return fmt.Errorf("the cluster has a scheduler already, at %s, with job %s: a cluster runs one job at a time", m.Gossip, m.Job)
		}
	}
	return nil
}

// Whoever is started together with the member it joins may come first.
const (
	joinFor   = 5 * time.Second
	joinAgain = 200 * time.Millisecond
)

// join joins the cluster, trying again for a while where nobody answers yet.
func (p *Place) join(ctx context.Context, c cluster.Config) (err error) {
	for began := time.Now(); ; {
		p.Cluster, err = cluster.Start(ctx, c)
		if !errors.Is(err, cluster.ErrUnreachable) || time.Since(began) > joinFor {
			return err
		}
		p.Log.Debug("nobody answers yet; trying again", "join", c.Join, "error", err)
		select {
		case <-time.After(joinAgain):
		case <-ctx.Done():
			return err
		}
	}
}

func advertised(bound, advertise string) string {
	if advertise == "" {
		return bound
	}
	_, port, err := net.SplitHostPort(bound)
	if err != nil {
		return bound
	}
	return net.JoinHostPort(advertise, port)
}

// Leave says goodbye to a cluster that goes on without this process, so that
// nobody takes it for a death. When a job ends everybody goes, and nobody needs
// to be told.
func (p *Place) Leave() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := p.Cluster.Leave(ctx); err != nil {
		p.Log.Debug("leave", "error", err)
	}
}

// closeFor bounds how long gossip takes to end. It may just be talking to a
// member that stands still.
const closeFor = 250 * time.Millisecond

// Close closes the listener and ends gossip, or leaves that to the end of the
// process. Only the first call does anything.
func (p *Place) Close() {
	p.closing.Do(func() {
		if p.Listener != nil {
			p.Listener.Close()
		}
		if p.Cluster == nil {
			return
		}
		ended := make(chan struct{})
		go func() {
			p.Cluster.Shutdown()
			close(ended)
		}()
		select {
		case <-ended:
		case <-time.After(closeFor):
		}
	})
}

// Hello is how the process introduces itself on a connection.
func (p *Place) Hello() wire.Hello {
	p.mu.Lock()
	defer p.mu.Unlock()
	return wire.Hello{Major: wireMajor, Minor: wireMinor, Job: p.Job, Role: p.Role, Name: p.Name, Seat: int32(p.Seat)}
}

// Rename gives the process the name and the seat that it has in the job. The
// goroutine that calls it may read them without a lock.
func (p *Place) Rename(name string, seat int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Name, p.Seat = name, seat
}

// Adopt has connections send as the job's configuration says: those that are made from
// now on, and those given.
func (p *Place) Adopt(job *configs.Config, conns ...*wire.Conn) error {
	how, err := wire.ParseCompression(job.Wire.Compression)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.compression = how
	p.mu.Unlock()
	for _, c := range conns {
		c.SetCompression(how)
	}
	return nil
}

// Wire returns the options of the process's connections. verify may be nil.
func (p *Place) Wire(verify func(peer wire.Hello) error) wire.Options {
	o := wire.Defaults()
	o.Kinds = control.Known
	p.mu.Lock()
	o.Compression = p.compression
	p.mu.Unlock()
	o.Verify = func(peer wire.Hello) error {
		if peer.Job != "" && p.Job != "" && peer.Job != p.Job {
			return fmt.Errorf("this is job %s, not %s: a cluster runs one job at a time", p.Job, peer.Job)
		}
		if verify != nil {
			return verify(peer)
		}
		return nil
	}
	return o
}

// FindScheduler waits until the cluster has a scheduler and connects to it.
func (p *Place) FindScheduler(ctx context.Context) (*wire.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, lookFor, errors.New("no scheduler is in the cluster: start `petuum scheduler`, or join one of its members"))
	defer cancel()
	for {
		var errs []error
		for _, m := range p.Cluster.Members() {
			if m.Role == cluster.Scheduler {
				if err := p.fits(m.Job); err != nil {
					return nil, fmt.Errorf("%s: scheduler at %s: %w", p.Name, m.Gossip, err)
				}
				p.Job = m.Job
				c, err := p.Dial(ctx, m.Data)
				if err == nil {
					return c, nil
				}
				// another may have been started by mistake, and is about to go
				errs = append(errs, fmt.Errorf("%s: scheduler at %s: %w", p.Name, m.Data, err))
			}
		}
		if len(errs) > 0 {
			return nil, errors.Join(errs...)
		}
		select {
		case _, ok := <-p.Cluster.Events():
			if !ok {
				return nil, cluster.ErrClosed
			}
		case err := <-p.Cluster.Refused():
			return nil, err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// acceptAgain is the pause after a connection could not be accepted, as when
// the process has too many files open.
const acceptAgain = 100 * time.Millisecond

// Accept accepts connections until the listener closes and hands each to serve
// in a goroutine of its own. It returns when all of these have ended; who has not
// introduced itself when the listener closes is cut off.
func (p *Place) Accept(verify func(peer wire.Hello) error, serve func(*wire.Conn)) {
	var serving sync.WaitGroup
	defer serving.Wait()
	open, closed := context.WithCancel(context.Background())
	defer closed()
	for {
		nc, err := p.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			p.Log.Warn("cannot accept connections; trying again", "error", err)
			time.Sleep(acceptAgain)
			continue
		}
		serving.Go(func() {
			stop := context.AfterFunc(open, func() { nc.Close() })
			c, err := wire.Accept(nc, p.Hello(), p.Wire(verify))
			switch inTime := stop(); {
			case err == nil && inTime:
				serve(c)
			case err == nil:
				c.Abort()
			case !inTime, errors.Is(err, wire.ErrLost): // gossip knocks to learn whether this process lives
				p.Log.Debug("connection refused", "from", nc.RemoteAddr(), "error", err)
			default:
				p.Log.Warn("connection refused", "from", nc.RemoteAddr(), "error", err)
			}
		})
	}
}

// partFor bounds how long connections take to close.
const partFor = 2 * time.Second

// Part closes connections, all at once. A peer that stands still, so that what is
// queued for it cannot be sent, does not hold it up for long.
func Part(conns ...*wire.Conn) {
	var closing sync.WaitGroup
	for _, c := range conns {
		closing.Go(func() {
			defer time.AfterFunc(partFor, c.Abort).Stop()
			c.Close()
		})
	}
	closing.Wait()
}
