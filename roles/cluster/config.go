package cluster

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"
)

// What a caller may test an error of this package for.
var (
	ErrUnreachable = errors.New("nobody answers")
	ErrForeign     = errors.New("does not answer to our gossip key, or is not a petuum member")
	ErrVersion     = errors.New("another major version")
	ErrSeat        = errors.New("seat taken")
	ErrClosed      = errors.New("cluster: this process has left")
)

// Config says who this process is and where it meets the others. Name, Role and Version are required.
type Config struct {
	// Bind is host[:port] of the gossip listener, TCP and UDP. Empty: 127.0.0.1; no port: any free one.
	Bind string
	// Advertise is host[:port] at which others reach it. Empty: the bound address. It must be one
	// machine's address, and not on loopback if a member to join is not.
	Advertise string
	// Join are gossip addresses of members, host:port; one that answers is enough, and this process's
	// own are skipped. If nothing is left a new cluster starts.
	Join []string
	// Name is shown to people: "server-0". Letters, digits, dots, underscores, dashes; at most 64.
	Name string
	// Role is scheduler, server, worker or observer.
	Role Role
	// Seat is the seat that a server claims; NoSeat: it gets one by SetSeat. Other roles have none,
	// whatever it says.
	Seat int
	// Data is host:port of this process's data listener. Empty: it has none, and its gossip
	// listener is asked when its death is in doubt.
	Data string
	// Job names the job it was started for. Empty: not known.
	Job string
	// Version is major.minor.patch of the program. Members of one cluster share the major number.
	Version string
	// Key encrypts gossip with AES: 16, 24 or 32 bytes, the same for all. Nil: gossip is in the clear.
	Key []byte
	// Logger takes joins and leaves at info, deaths and refusals at warn, Serf's own lines at debug.
	// Nil: nothing is logged.
	Logger *slog.Logger
	// Alive is asked, from a goroutine of its own, before a death is believed: does m still answer?
	// It must return soon after ctx ends. Nil: whether a TCP connection to its data listener opens.
	Alive func(ctx context.Context, m Member) bool
}

// timing is what tests shorten.
type timing struct {
	settle time.Duration // a seat is claimed this long before it is held: several gossip intervals
	stale  time.Duration // longest wait for a seat whose holder does not answer any more
	grace  time.Duration // a goodbye may be overtaken by the silence that follows it
	ask    time.Duration // longest wait for one answer of Alive
	again  time.Duration // from one answer to the next question
	asks   int           // a silent member is believed dead after so many answers
}

var defaultTiming = timing{
	settle: 100 * time.Millisecond,
	stale:  10 * time.Second,
	grace:  100 * time.Millisecond,
	ask:    2 * time.Second,
	again:  500 * time.Millisecond,
	asks:   4,
}

// patient is how long one exchange over TCP may last: a busy machine makes its members slow.
const patient = 5 * time.Second

// check reports everything that is wrong with the parts of c that need no look-up.
func (c *Config) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("cluster: "+format, args...)) }
	if err := checkName(c.Name); err != nil {
		bad("%w", err)
	}
	if !c.Role.valid() {
		bad("role %q: want scheduler, server, worker or observer", c.Role)
	}
	if c.Role == Server && (c.Seat < NoSeat || c.Seat > maxSeat) {
		bad("seat %d: want 0 to %d, or %d for none", c.Seat, maxSeat, NoSeat)
	}
	if _, err := majorOf(c.Version); err != nil {
		bad("%w", err)
	}
	if c.Data != "" {
		if err := checkDial(c.Data); err != nil {
			bad("data address: %w", err)
		}
	}
	if c.Key != nil {
		if err := checkKey(c.Key); err != nil {
			bad("%w", err)
		}
	}
	return errors.Join(errs...)
}

// gossipConfig is the tuned configuration of Serf. Serf owns it after Create.
func (c *Config) gossipConfig(self claim, p place, g *gate, out *lines, events chan<- serf.Event) *serf.Config {
	logger := log.New(out, "", 0) // Logger and LogOutput together are refused by memberlist
	ml := memberlist.DefaultLocalConfig()
	ml.Label = "petuum"
	ml.BindAddr = p.bind.Addr().String()
	ml.BindPort = int(p.bind.Port())
	ml.AdvertisePort = int(p.bind.Port())
	if p.advertise.IsValid() {
		ml.AdvertiseAddr = p.advertise.Addr().String()
		if p.advertise.Port() != 0 {
			ml.AdvertisePort = int(p.advertise.Port())
		}
	}
	ml.TCPTimeout = patient
	ml.ProbeInterval = 200 * time.Millisecond
	ml.ProbeTimeout = 100 * time.Millisecond
	ml.GossipInterval = 20 * time.Millisecond
	ml.SuspicionMult = 3
	ml.SuspicionMaxTimeoutMult = 1        // others' confirmation is not waited for: TCP confirms,
	ml.AwarenessMaxMultiplier = 2         // and a member with few peers must not probe ever slower
	ml.RetransmitMult = 4                 // with fast gossip 2 loses bursts of joins,
	ml.PushPullInterval = 2 * time.Second // and this repairs what was lost
	ml.DeadNodeReclaimTime = time.Second
	ml.SecretKey = c.Key
	ml.LogOutput = nil
	ml.Logger = logger

	sc := serf.DefaultConfig()
	sc.NodeName = self.Node
	sc.Tags = self.tags()
	sc.EventCh = events
	sc.Merge = g
	sc.BroadcastTimeout = time.Second
	sc.LeavePropagateDelay = 100 * time.Millisecond
	sc.ReconnectInterval = 5 * time.Second
	sc.ReconnectTimeout = 5 * time.Minute
	sc.TombstoneTimeout = 5 * time.Minute
	sc.EventBuffer, sc.QueryBuffer = 16, 16 // neither is used; both travel with every push/pull
	sc.EnableNameConflictResolution = false // it shuts the newcomer down; our names are unique
	sc.DisableCoordinates = true
	sc.LogOutput = nil
	sc.Logger = logger
	sc.MemberlistConfig = ml
	return sc
}
