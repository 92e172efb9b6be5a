package cluster

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"

	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"
)

// A Role is what a process does in a job.
type Role string

// The three roles of a job, and that of a process which only looks.
const (
	Scheduler Role = "scheduler"
	Server    Role = "server"
	Worker    Role = "worker"
	Observer  Role = "observer" // not a member to anybody: no event, not in Members, not even its own
)

func (r Role) valid() bool { return r == Scheduler || r == Server || r == Worker || r == Observer }

// NoSeat is the seat of a member that has none.
const NoSeat = -1

// maxSeat bounds seats read from the network, so that a seat can size a slice.
const maxSeat = 1 << 16

// A Member is one incarnation of a process that takes part.
type Member struct {
	Name    string // logical name, shown to people: "server-0"
	Node    string // unique name of this incarnation
	Role    Role
	Seat    int    // a server's place in the placement, or NoSeat
	Gossip  string // host:port of its gossip listener; others can join there
	Data    string // host:port of its data listener; empty: none
	Version string // major.minor.patch
	Job     string // name of the job it was started for; empty: not known
}

// String is the member as messages name it.
func (m Member) String() string {
	s := fmt.Sprintf("%s %s at %s", m.Role, m.Name, m.Gossip)
	if m.Seat != NoSeat {
		s += fmt.Sprintf(" (seat %d)", m.Seat)
	}
	return s
}

// compareMembers orders by role, seat, name, and node.
func compareMembers(a, b Member) int {
	return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Seat, b.Seat),
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.Node, b.Node))
}

// A claim is a member with what decides between two servers that want the same seat.
type claim struct {
	Member
	held  bool  // it holds its seat; false: it is still asking for it
	bye   bool  // it is leaving
	start int64 // nanoseconds since 1970, by its own clock
}

// beats is the order of claims on one seat: holders first, then the earlier start, then the node.
func (a claim) beats(b claim) bool {
	if a.held != b.held {
		return a.held
	}
	return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.Node, b.Node)) < 0
}

// contends reports whether a and b are two servers that want the same seat.
func (a claim) contends(b claim) bool {
	return a.Seat != NoSeat && a.Seat == b.Seat && a.Node != b.Node
}

// tags is the claim as Serf carries it.
func (a claim) tags() map[string]string {
	t := map[string]string{
		"role":  string(a.Role),
		"name":  a.Name,
		"ver":   a.Version,
		"start": strconv.FormatInt(a.start, 36),
	}
	if a.Seat != NoSeat {
		t["seat"] = strconv.Itoa(a.Seat)
	}
	if a.held {
		t["held"] = "1"
	}
	if a.bye {
		t["bye"] = "1"
	}
	if a.Data != "" {
		t["data"] = a.Data
	}
	if a.Job != "" {
		t["job"] = a.Job
	}
	return t
}

// parseClaim reads what another member says of itself. Every field comes from the network.
func parseClaim(m *serf.Member) (claim, error) {
	t := m.Tags
	a := claim{Member: Member{
		Name: t["name"], Node: m.Name, Role: Role(t["role"]), Seat: NoSeat,
		Gossip: net.JoinHostPort(m.Addr.String(), strconv.Itoa(int(m.Port))),
		Data:   t["data"], Version: t["ver"], Job: t["job"],
	}, held: t["held"] == "1", bye: t["bye"] == "1"}
	if err := checkName(a.Name); err != nil {
		return claim{}, err
	}
	if !a.Role.valid() {
		return claim{}, fmt.Errorf("unknown role %q", a.Role)
	}
	if _, err := majorOf(a.Version); err != nil {
		return claim{}, err
	}
	if a.Data != "" {
		if err := checkDial(a.Data); err != nil {
			return claim{}, fmt.Errorf("data address: %w", err)
		}
	}
	if s, ok := t["seat"]; ok {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > maxSeat || a.Role != Server {
			return claim{}, fmt.Errorf("a %s with seat %q", a.Role, s)
		}
		a.Seat = n
	}
	var err error
	if a.start, err = strconv.ParseInt(t["start"], 36, 64); err != nil {
		return claim{}, fmt.Errorf("start %q is no number", t["start"])
	}
	return a, nil
}

// checkTags refuses a claim that does not fit into gossip, now or with what it may add later.
func checkTags(a claim) error {
	a.bye = true
	if a.Role == Server {
		a.Seat, a.held = maxSeat, true
	}
	const header = 3 // at most, of the map and of each string in msgpack
	size := 1 + header
	for k, v := range a.tags() {
		size += 2*header + len(k) + len(v)
	}
	if size > memberlist.MetaMaxSize {
		return fmt.Errorf("cluster: tags too long: name (%d bytes), job (%d), data (%d) and version (%d) take %d bytes encoded, gossip carries %d: shorten the longest",
			len(a.Name), len(a.Job), len(a.Data), len(a.Version), size, memberlist.MetaMaxSize)
	}
	return nil
}

var nameRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func checkName(s string) error {
	if !nameRE.MatchString(s) {
		return fmt.Errorf("name %q: want 1 to 64 letters, digits, dots, underscores or dashes, a letter or digit first", s)
	}
	return nil
}

// checkDial refuses a host:port that nobody can dial.
func checkDial(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return err
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%q: port must be 1 to 65535", s)
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		return fmt.Errorf("%q: no address that others can dial", s)
	}
	return nil
}

var versionRE = regexp.MustCompile(`^(\d{1,9})\.\d{1,9}\.\d{1,9}([-+][0-9A-Za-z.+-]*)?$`)

// majorOf returns the first number of a version major.minor.patch, which may have a suffix (-rc1).
func majorOf(version string) (int, error) {
	m := versionRE.FindStringSubmatch(version)
	if m == nil {
		return 0, fmt.Errorf("version %q: want major.minor.patch", version)
	}
	return strconv.Atoi(m[1])
}

// An EventKind says what happened to a member.
type EventKind int

// What happens to a member: it is Joined once, then Left or Failed once.
const (
	Joined EventKind = iota + 1
	Left             // it said goodbye
	Failed           // it fell silent, and TCP agrees that it is dead
)

// String is the kind in lower case, as logs show it.
func (k EventKind) String() string {
	if k < Joined || k > Failed {
		return "event " + strconv.Itoa(int(k))
	}
	return [...]string{"joined", "left", "failed"}[k-1]
}

// An Event is one change of another member; a process gets none about itself.
type Event struct {
	Kind   EventKind
	Member Member // as last heard
}

func sortMembers(ms []Member) { slices.SortFunc(ms, compareMembers) }
