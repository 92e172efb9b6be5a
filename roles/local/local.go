// Package local runs a whole job on this machine: it starts the roles as
// processes of the same binary, watches over them, and ends them.
//
// Each child inherits a pipe, the lifeline, whose other end only the supervisor
// holds. When the supervisor ends, however it ends, the system closes that end,
// every child reads the end of its lifeline, and exits: nothing survives.
package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"petuum/configs"
)

// The environment by which a child knows that it is one. The descriptors follow
// the three standard ones.
const (
	lifelineEnv = "PETUUM_LIFELINE" // descriptor to read until it ends
	joinedEnv   = "PETUUM_JOINED"   // descriptor to write the gossip address to
	beganEnv    = "PETUUM_BEGAN"    // when the user's command began, nanoseconds since 1970
)

const (
	// stopFor is how long the scheduler gets to end the job after Ctrl-C.
	stopFor = 4 * time.Second
	// noticeFor is how long it gets to see that a role has ended and to say why,
	// and obeyFor to end when it is told to.
	noticeFor = 2 * time.Second
	obeyFor   = time.Second
	// settleFor is how long children get to end by themselves once the
	// scheduler has: more than the grace after which all end that can run.
	settleFor = grace + grace/2
	// joinFor bounds the time until the scheduler can be joined.
	joinFor = 20 * time.Second
)

// ErrInterrupted is what Run returns after Ctrl-C.
var ErrInterrupted = errors.New("interrupted")

// ExitError is how the scheduler ended; what went wrong it has said itself.
type ExitError struct{ Code int }

func (e *ExitError) Error() string { return fmt.Sprintf("the scheduler exited with status %d", e.Code) }

// Options of a local run.
type Options struct {
	Config *configs.Config
	// Args are what the scheduler is called with, Role what every role is.
	Args []string
	Role []string
	// Lead is the whole command line of what plays the scheduler, in place of
	// "scheduler" and Args.
	Lead []string
	// Under are the words before the name of a role on its command line.
	Under []string
	// Stdout takes what the scheduler prints. Nil: standard output.
	Stdout io.Writer
	// Patient leaves it to the scheduler what to do without a role that ended.
	Patient bool
	Log     *slog.Logger
}

// process is one child.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how, once done
}

type supervisor struct {
	o        Options
	exe      string
	began    time.Time
	lifeline *os.File // what children read
	hold     *os.File // what the supervisor holds
	procs    []*process
	waiting  sync.WaitGroup
	fell     chan *process // roles that ended with an error, the scheduler apart
}

// Run runs the job and waits for all processes to end.
func Run(ctx context.Context, o Options) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("local: %w", err)
	}
	s := &supervisor{o: o, exe: exe, began: time.Now(), fell: make(chan *process, o.Config.Cluster.Servers+o.Config.Cluster.Workers)}
	if s.lifeline, s.hold, err = os.Pipe(); err != nil {
		return fmt.Errorf("local: %w%s", err, limited(err))
	}
	defer s.lifeline.Close()
	err = s.run(ctx)
	s.hold.Close() // whoever is still there ends now
	s.settle()
	s.waiting.Wait()
	return err
}

func (s *supervisor) run(ctx context.Context) error {
	sched, addr, err := s.scheduler(ctx)
	if err != nil {
		return err
	}
	for i := range s.o.Config.Cluster.Servers {
		if _, err := s.start(fmt.Sprintf("server-%d", i), nil, append([]string{"server", "--join", addr}, s.o.Role...)...); err != nil {
			return err
		}
	}
	for i := range s.o.Config.Cluster.Workers {
		if _, err := s.start(fmt.Sprintf("worker-%d", i), nil, append([]string{"worker", "--join", addr}, s.o.Role...)...); err != nil {
			return err
		}
	}
	select {
	case <-sched.done:
		return s.verdict(sched)
	case <-ctx.Done():
		return s.interrupt(sched)
	case p := <-s.fell:
		return s.without(ctx, sched, p)
	}
}

// interrupt stops the job.
func (s *supervisor) interrupt(sched *process) error {
	s.o.Log.Info("interrupted: stopping the roles; press Ctrl-C again to kill them")
	_ = sched.cmd.Process.Signal(syscall.SIGTERM)
	again, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	select {
	case <-sched.done:
	case <-again.Done():
	case <-time.After(stopFor):
		s.o.Log.Warn("the scheduler does not stop; killing it")
	}
	return ErrInterrupted
}

// without ends a job that has lost a role. The scheduler sees that itself and says
// why, unless the role was still to join, or the scheduler stands still.
func (s *supervisor) without(ctx context.Context, sched, lost *process) error {
	select {
	case <-sched.done:
		return s.verdict(sched)
	case <-ctx.Done():
		return s.interrupt(sched)
	case <-time.After(noticeFor):
	}
	_ = sched.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-sched.done:
		return fmt.Errorf("%s ended (%w), and the job cannot go on without it", lost.name, lost.err)
	case <-time.After(obeyFor):
		return fmt.Errorf("the scheduler stands still and was killed; %s ended (%w)", lost.name, lost.err)
	}
}

// verdict says how the scheduler ended.
func (s *supervisor) verdict(sched *process) error {
	if sched.err == nil {
		return nil
	}
	var exit *exec.ExitError
	if errors.As(sched.err, &exit) && exit.Exited() {
		return &ExitError{exit.ExitCode()}
	}
	return fmt.Errorf("the scheduler died: %w", sched.err)
}

// scheduler starts the scheduler and waits until it can be joined.
func (s *supervisor) scheduler(ctx context.Context) (*process, string, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, "", fmt.Errorf("local: %w%s", err, limited(err))
	}
	defer r.Close()
	lead := s.o.Lead
	if lead == nil {
		lead = append([]string{"scheduler"}, s.o.Args...)
	}
	sched, err := s.start("scheduler", w, lead...)
	w.Close()
	if err != nil {
		return nil, "", err
	}
	if err := r.SetReadDeadline(time.Now().Add(joinFor)); err != nil {
		return nil, "", fmt.Errorf("local: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { r.SetReadDeadline(time.Now()) })
	defer stop()
	addr, err := bufio.NewReader(io.LimitReader(r, 256)).ReadString('\n')
	if ctx.Err() != nil {
		return nil, "", ErrInterrupted
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, "", fmt.Errorf("the scheduler could not be joined within %s", joinFor)
	}
	if err != nil { // it ended, and has said why
		<-sched.done
		if err := s.verdict(sched); err != nil {
			return nil, "", err
		}
		return nil, "", errors.New("the scheduler ended before the job began")
	}
	return sched, strings.TrimSpace(addr), nil
}

// start starts a role. Children are in process groups of their own, so that
// Ctrl-C reaches the supervisor alone.
func (s *supervisor) start(name string, joined *os.File, args ...string) (*process, error) {
	cmd := exec.Command(s.exe, append(slices.Clone(s.o.Under), args...)...)
	cmd.Stderr = os.Stderr
	if joined != nil { // results are the scheduler's
		cmd.Stdout = os.Stdout
		if s.o.Stdout != nil {
			cmd.Stdout = s.o.Stdout
		}
	}
	cmd.Env = append(environ(joined != nil), lifelineEnv+"=3")
	cmd.ExtraFiles = []*os.File{s.lifeline}
	if joined != nil {
		cmd.Env = append(cmd.Env, joinedEnv+"=4", beganEnv+"="+strconv.FormatInt(s.began.UnixNano(), 10))
		cmd.ExtraFiles = append(cmd.ExtraFiles, joined)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("local: %s: %w%s", name, err, limited(err))
	}
	p := &process{name: name, cmd: cmd, done: make(chan struct{})}
	s.procs = append(s.procs, p)
	s.waiting.Go(func() {
		p.err = cmd.Wait()
		close(p.done)
		if p.err != nil && joined == nil && !s.o.Patient {
			s.fell <- p
		}
		s.o.Log.Debug("ended", "role", name, "status", cmd.ProcessState.String())
	})
	return p, nil
}

// limited is what to do about an error that is a limit of this shell or user; ""
// for any other.
func limited(err error) string {
	switch {
	case errors.Is(err, syscall.EMFILE):
		return ": raise the limit (ulimit -n), or have fewer servers and workers"
	case errors.Is(err, syscall.EAGAIN):
		return ": raise the limit of processes (ulimit -u), or have fewer servers and workers"
	}
	return ""
}

// environ is what a child inherits. The settings in it are those of the job, which
// the scheduler reads; a server or worker hears of them from it.
func environ(scheduler bool) []string {
	all := os.Environ()
	if !scheduler {
		all = configs.WithoutSettings(all)
	}
	return slices.DeleteFunc(all, func(entry string) bool {
		return strings.HasPrefix(entry, "PETUUM_CONFIG=") || strings.HasPrefix(entry, "PETUUM_SHARD=")
	})
}

// settle kills those who do not end by themselves.
func (s *supervisor) settle() {
	ctx, cancel := context.WithTimeout(context.Background(), settleFor)
	defer cancel()
	for _, p := range s.procs {
		select {
		case <-p.done:
		case <-ctx.Done():
			_ = p.cmd.Process.Kill()
			<-p.done
		}
	}
}

// Child reports whether this process was started by a supervisor, and if so ends
// it, at once, when the supervisor is gone. Call it first thing.
func Child() bool {
	f := inherited(lifelineEnv)
	if f == nil {
		return false
	}
	go func() {
		_, _ = io.Copy(io.Discard, f) // nothing is ever written: this ends when the supervisor does
		time.AfterFunc(grace, func() { os.Exit(1) })
	}()
	return true
}

// grace is what a role gets to end by itself after its lifeline has: the
// supervisor may have ended because the job did.
const grace = 500 * time.Millisecond

// Joined tells the supervisor, if there is one, where this scheduler's cluster
// can be joined.
func Joined(addr string) {
	if f := inherited(joinedEnv); f != nil {
		fmt.Fprintln(f, addr)
		f.Close()
	}
}

// Began is when the command that led to this process began.
func Began() time.Time {
	if ns, err := strconv.ParseInt(os.Getenv(beganEnv), 10, 64); err == nil {
		return time.Unix(0, ns)
	}
	return time.Now()
}

func inherited(env string) *os.File {
	fd, err := strconv.Atoi(os.Getenv(env))
	if err != nil || fd < 3 {
		return nil
	}
	os.Unsetenv(env)
	return os.NewFile(uintptr(fd), env)
}
