package table

import (
	"cmp"
	goflag "flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"petuum/consistency"
	"petuum/table/placement"
)

var rewrite = goflag.Bool("rewrite", false, "write the outputs that the scripts in testdata give into them")

// TestScripts runs the scripts of the protocol. A script is a list of commands,
// each followed by ---- and what it prints; # begins a comment. Clients are c0,
// c1, ..., shards s0, s1, ...; nothing moves but by a command:
//
//	job shards=N origins=N policy=P [window=N] [eager] [keys=N] [rule=R]
//	start C...               open a view on [0, keys) of table w, connect, BeginStart
//	begin C [I=D ...]        Inc(I, D) or Put(I, D), then BeginClock
//	end C...                 End if ready, and the values; else "waits"
//	sync C, finish C, hold C FROM TO, acquire C FROM TO TURN, release C
//	deliver FROM>TO ...      the first message on that way; FROM>TO* for all
//	lose FROM>TO             the first message on that way vanishes
//	pump                     deliver until nothing moves
//	cut C S                  the connection is lost with all that is on it
//	connect C S
//	save S, restore S life=N the shard as it is; as it was saved last
//	roster S ORIGIN:START... the next generation
//	generation C N           the client follows
//	takeover C at=N          a new client of the same origin, which starts at clock N
//	shard S                  what it has and counted
func TestScripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runScript(t, file) })
	}
}

func runScript(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	s := &script{t: t, saved: map[int][]byte{}}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if line == "" || strings.HasPrefix(line, "#") {
			out.WriteString(line + "\n")
			continue
		}
		var want strings.Builder
		at := i + 1
		if i+1 < len(lines) && lines[i+1] == "----" {
			for i += 2; i < len(lines) && lines[i] != ""; i++ {
				want.WriteString(lines[i] + "\n")
			}
			i--
		}
		s.out.Reset()
		s.run(strings.Fields(line))
		got := s.out.String()
		out.WriteString(line + "\n----\n" + got)
		if got != want.String() && !*rewrite {
			t.Errorf("%s:%d: %s\ngot:\n%swant:\n%s(-rewrite writes what we got)", file, at, line, got, want.String())
		}
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

type script struct {
	t     *testing.T
	r     *rig
	job   rigJob
	out   strings.Builder
	views []*View[int32]
	saved map[int][]byte
	syncs map[int]func() bool
}

func (s *script) print(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

func (s *script) num(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		s.t.Fatalf("%q is not a number", text)
	}
	return n
}

// index is the number of c3 or s3.
func (s *script) index(name string) int { return s.num(name[1:]) }

func (s *script) run(f []string) {
	s.t.Helper()
	arg := func(i int) string {
		if i >= len(f) {
			s.t.Fatalf("%s: argument %d is missing", strings.Join(f, " "), i)
		}
		return f[i]
	}
	switch f[0] {
	case "job":
		s.makeJob(f[1:])
	case "pump":
		for moved := true; moved; {
			moved = false
			for _, way := range s.ways() {
				moved = s.deliver(way, true) || moved
			}
		}
	case "deliver":
		for _, way := range f[1:] {
			if name, all := strings.CutSuffix(way, "*"); all {
				for s.deliver(name, true) {
				}
			} else if !s.deliver(way, true) {
				s.print("%s: nothing", way)
			}
		}
	case "lose":
		s.deliver(arg(1), false)
	case "cut":
		s.r.cut(pair{s.index(arg(1)), s.index(arg(2))})
	case "connect":
		s.r.connect(s.index(arg(1)), s.index(arg(2)))
	case "save", "restore", "roster", "shard":
		s.atShard(f[0], s.index(arg(1)), f[2:])
	case "start", "end":
		for _, name := range f[1:] {
			s.atClient(f[0], s.index(name), nil)
		}
	default:
		s.atClient(f[0], s.index(arg(1)), f[2:])
	}
}

func (s *script) makeJob(f []string) {
	set := map[string]string{"shards": "1", "origins": "1", "policy": "bsp", "window": "0", "keys": "4", "rule": "add"}
	for _, a := range f {
		k, v, _ := strings.Cut(a, "=")
		set[k] = v
	}
	policy, err := consistency.ParsePolicy(set["policy"])
	if err != nil {
		s.t.Fatal(err)
	}
	_, eager := set["eager"]
	rule, ok := map[string]Rule{"add": Add, "min": Min, "max": Max, "replace": Replace}[set["rule"]]
	if !ok {
		s.t.Fatalf("rule %q", set["rule"])
	}
	s.job = rigJob{specs: []Spec{{Name: "w", Keys: uint64(s.num(set["keys"])), Type: Int32, Rule: rule}},
		shards: s.num(set["shards"]), parts: make([]int, s.num(set["origins"])), policy: policy, window: s.num(set["window"]), eager: eager}
	for o := range s.job.parts {
		s.job.parts[o] = 1
	}
	s.r, s.syncs = newRig(s.t, s.job), map[int]func() bool{}
	s.views = make([]*View[int32], len(s.job.parts))
}

// ways lists the queues that hold messages, in order.
func (s *script) ways() (ways []string) {
	byPair := func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.client, b.client), cmp.Compare(a.shard, b.shard))
	}
	for _, p := range slices.SortedFunc(maps.Keys(s.r.up), byPair) {
		ways = append(ways, fmt.Sprintf("c%d>s%d", p.client, p.shard))
	}
	for _, p := range slices.SortedFunc(maps.Keys(s.r.down), byPair) {
		ways = append(ways, fmt.Sprintf("s%d>c%d", p.shard, p.client))
	}
	return ways
}

// deliver moves the first message of a way, prints it and what came of it.
func (s *script) deliver(way string, arrives bool) bool {
	from, to, _ := strings.Cut(way, ">")
	if from[0] == 'c' {
		p := pair{s.index(from), s.index(to)}
		msg, ok := next(s.r.up, p)
		if !ok {
			return false
		}
		s.print("%s %s", way, describe(msg))
		if arrives {
			if err := s.r.handle(p.shard, msg); err != nil {
				s.print("  error: %v", err)
			}
		}
		return true
	}
	p := pair{s.index(to), s.index(from)}
	msg, ok := next(s.r.down, p)
	if !ok {
		return false
	}
	s.print("%s %s", way, describe(msg))
	if arrives {
		if err := s.r.clients[p.client].Deliver(p.shard, msg); err != nil {
			s.print("  error: %v", err)
		}
	}
	return true
}

func (s *script) atShard(verb string, k int, f []string) {
	shard := s.r.shards[k]
	switch verb {
	case "save":
		s.saved[k] = shard.AppendSnapshot(nil)
	case "restore":
		o := s.r.options
		o.Life = uint32(s.num(strings.TrimPrefix(f[0], "life=")))
		restored, err := Restore(s.saved[k], s.job.specs, o)
		if err != nil {
			s.t.Fatal(err)
		}
		s.r.shards[k] = restored
	case "roster":
		r := placement.Roster{Generation: shard.Generation() + 1}
		for _, e := range f {
			o, start, _ := strings.Cut(e, ":")
			r.Origins = append(r.Origins, placement.Entry{Origin: consistency.Origin(s.num(o)), Start: consistency.Clock(s.num(start))})
		}
		if err := shard.SetRoster(r, s.r.reply(k)); err != nil {
			s.print("error: %v", err)
		}
	case "shard":
		s.print("generation %d, minimum %d, values %v", shard.Generation(), shard.Min(), stored[int32](shard, 0))
		st := shard.Stats()
		s.print("updates %d, duplicates %d, refused %d, held %d", st.Updates, st.Duplicates, st.Refused, st.Held)
	}
}

func (s *script) atClient(verb string, o int, f []string) {
	c := s.r.clients[o]
	switch verb {
	case "start":
		s.views[o] = openView[int32](s.r, o, 0, "w", Span(0, s.job.specs[0].Keys), Increments)
		for k := range s.r.shards {
			s.r.connect(o, k)
		}
		c.Steps().BeginStart()
		s.syncs[o] = c.Steps().StartReady
	case "begin":
		for _, a := range f {
			i, d, _ := strings.Cut(a, "=")
			if s.job.specs[0].Rule == Add {
				s.views[o].Inc(s.num(i), int32(s.num(d)))
			} else {
				s.views[o].Put(s.num(i), []int32{int32(s.num(d))})
			}
		}
		c.Steps().BeginClock(0)
	case "sync":
		ticket, floor := c.Steps().BeginSync(0, false)
		s.syncs[o] = func() bool { return c.Steps().SyncReady(ticket, floor) }
	case "end":
		s.end(o)
	case "finish":
		c.Finish(0)
	case "hold":
		s.views[o].Hold(Span(uint64(s.num(f[0])), uint64(s.num(f[1]))))
	case "acquire":
		s.views[o].Acquire(Range{uint64(s.num(f[0])), uint64(s.num(f[1]))}, uint64(s.num(f[2])))
	case "release":
		s.views[o].Release()
	case "generation":
		c.SetGeneration(uint32(s.num(f[0])))
	case "takeover":
		n := s.r.newClient(ClientOptions{Origin: c.Origin(), Generation: c.gen, Policy: s.job.policy, Shards: s.job.shards, Parts: 1,
			Start: consistency.Clock(s.num(strings.TrimPrefix(f[0], "at=")))})
		s.views = append(s.views, nil)
		s.print("c%d", n)
	default:
		s.t.Fatalf("unknown command %q", verb)
	}
	if c.Refused() > c.gen {
		s.print("refused by generation %d", c.Refused())
	}
}

func (s *script) end(o int) {
	c := s.r.clients[o]
	ready := func() bool { return c.Steps().ClockReady(0) }
	if sync := s.syncs[o]; sync != nil {
		ready = sync
	}
	switch {
	case c.Err() != nil:
		s.print("c%d failed: %v", o, c.Err())
	case !ready():
		s.print("c%d waits", o)
	default:
		s.syncs[o] = nil
		c.Steps().End(0)
		s.print("c%d at clock %d: %v", o, c.parts[0].clock, s.views[o].Values())
	}
}

// describe prints a message of table w.
func describe(msg []byte) string {
	r := &reader{b: msg}
	k, gen, origin := r.header()
	head := fmt.Sprintf("%s g%d o%d", k, gen, origin)
	switch k {
	case kindHello:
		head += fmt.Sprintf(" life=%d stamp=%d clock=%d holds=%d", r.uvarint(), r.uvarint(), r.varint(), r.uvarint())
	case kindHold:
		r.uvarint()
		head += fmt.Sprintf(" id=%d lease=%d", r.uvarint(), r.uvarint()>>1)
		s := r.set(1<<40, new([]uint64))
		head += fmt.Sprintf(" [%d, %d)", s.r.Begin, s.r.End)
	case kindDrop:
		r.uvarint()
		head += fmt.Sprintf(" id=%d", r.uvarint())
	case kindAsk:
		head += fmt.Sprintf(" ticket=%d floor=%s", r.uvarint(), floorText(r.varint()))
	case kindLeave:
		head += fmt.Sprintf(" clock=%d", r.varint())
	case kindUpdate:
		head += fmt.Sprintf(" clock=%d", r.varint())
		r.uvarint() // sub
		head += fmt.Sprintf(" floor=%s", floorText(r.varint()))
		r.varint() // based
		r.uvarint()
		head += fmt.Sprintf(" blocks=%d", r.u32())
	case kindAnswer:
		r.uvarint() // life
		stamp, version, clock, ticket := r.uvarint(), r.varint(), r.varint(), r.uvarint()
		seen := r.varint()
		r.uvarint() // sub
		head += fmt.Sprintf(" stamp=%d version=%d clock=%d ticket=%d seen=%d by=%d blocks=%d", stamp, version, clock, ticket, seen, r.uvarint(), r.uvarint())
	case kindReset:
		head += fmt.Sprintf(" life=%d", r.uvarint())
	}
	return head
}

func floorText(c int64) string {
	if consistency.Clock(c) == consistency.Beginning {
		return "never"
	}
	return strconv.FormatInt(c, 10)
}
