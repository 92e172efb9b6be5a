package algotest

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// mutation breaks one mechanism of the tables. Each edit must find its old text
// exactly once: a mutation that does not is out of date.
type mutation struct {
	name  string
	edits []edit
	kinds []string // of failures, any of which shows that it was caught
}

type edit struct {
	file     string // below the module
	old, new string
}

var mutations = []mutation{
	{"slack + 1 at the client", []edit{
		{"table/clock.go", "floor := c.o.Policy.Floor(p.clock)\n", "floor := c.o.Policy.Floor(p.clock) - 1\n"},
	}, []string{"bound", "read-my-writes"}},
	{"of the updates not answered only the oldest is sent again", []edit{
		{"table/client.go", "for _, u := range sh.sent {", "for _, u := range sh.sent[:min(1, len(sh.sent))] {"},
	}, []string{"protocol", "stuck"}},
	{"updates in flight are not sent again", []edit{
		{"table/client.go", "for _, u := range sh.sent {", "for _, u := range sh.sent[:0] {"},
	}, []string{"protocol", "stuck"}},
	{"asks are not sent again", []edit{
		{"table/client.go", "for _, a := range sh.asks {", "for _, a := range sh.asks[:0] {"},
	}, []string{"stuck"}},
	{"an ask is taken for answered when a later one is", []edit{
		{"table/deliver.go", "a.ticket <= sh.ticket && a.floor <= sh.version", "a.ticket <= sh.ticket"},
	}, []string{"stuck"}},
	{"a shard applies what it has seen", []edit{
		{"table/update.go", "if clock <= ses.clock || clock == ses.clock+1 && sub < ses.sub {", "if false {"},
		{"table/update.go", "if clock != ses.clock+1 || sub != ses.sub {", "if clock > ses.clock+1 {"},
		{"table/update.go", "ses.clock, ses.sub = clock, 0\n", "clock = max(clock, ses.clock)\n\t\tses.clock, ses.sub = clock, 0\n"},
	}, []string{"future", "sums", "read-my-writes"}},
	{"sets are declared after updates", []edit{
		{"table/client.go", "	for _, u := range sh.sent {\n		again := c.buffers.get() // the sender of before may still use the other\n		again.Bytes = append(again.Bytes, u.msg.Bytes...)\n		setGeneration(again.Bytes, c.gen)\n		c.send(k, again)\n	}\n", ""},
		{"table/client.go", "	declared := false\n", "	for _, u := range sh.sent {\n		again := c.buffers.get() // the sender of before may still use the other\n		again.Bytes = append(again.Bytes, u.msg.Bytes...)\n		setGeneration(again.Bytes, c.gen)\n		c.send(k, again)\n	}\n	declared := false\n"},
	}, []string{"protocol"}},
	{"an update of a stale generation is taken", []edit{
		{"table/shard.go", "case gen < s.generation:", "case gen < s.generation && k != kindUpdate:"},
	}, []string{"protocol", "sums", "future", "read-my-writes", "bound"}},
	{"a newcomer starts at clock 0", []edit{
		{"table/placement/roster.go", "Start: min + 1}", "Start: min - min}"},
	}, []string{"bound", "stuck", "protocol"}},
	{"an answer skips what changes next", []edit{
		{"table/update.go", "h.sent, h.fresh = s.stamp, false", "h.sent, h.fresh = s.stamp+1, false"},
	}, []string{"bound", "read-my-writes", "future"}},
	{"what changes after an answer keeps its stamp", []edit{
		{"table/update.go", "// From here on nothing fails.\n	if s.answered && len(blocks) > 0 {", "// From here on nothing fails.\n	if false {"},
	}, []string{"bound", "read-my-writes", "future"}},
	{"a lease is granted before its release", []edit{
		{"table/update.go", "if h.turn-1 == l.turn {", "if h.turn-1 >= l.turn {"},
	}, []string{"lease"}},
	{"a lease is granted in the middle of an update", []edit{
		{"table/update.go", "	for _, h := range released {\n		ses.remove(h)\n		s.releaseLease(h, reply)\n	}\n", ""},
		{"table/update.go", "	// A lease is granted with an answer, which must say that this update is in.\n", "	for _, h := range released {\n		ses.remove(h)\n		s.releaseLease(h, reply)\n	}\n"},
	}, []string{"lease", "future", "read-my-writes"}},
	{"updates in flight are not put back on refreshed values", []edit{
		{"table/refresh.go", "for _, l := range s.layers {", "for _, l := range s.layers[:0] {"},
	}, []string{"read-my-writes"}},
	{"unsent updates are not put back on refreshed values", []edit{
		{"table/refresh.go", "waiting && h.marks.has(p)", "false && h.marks.has(p)"},
	}, []string{"read-my-writes", "bound"}},
	{"another working set forgets the updates in flight", []edit{
		{"table/view.go", "			h.pass(v.next, c.clock+1)\n", "			_ = h\n"},
	}, []string{"read-my-writes", "bound"}},
	{"only the last working set passes its updates on", []edit{
		{"table/view.go", "ok && h.table == v.table {\n			h.pass", "ok && h == old {\n			h.pass"},
	}, []string{"read-my-writes", "bound"}},
	{"a Sync turns to the next working set", []edit{
		{"table/clock.go", "		if p.ended {\n			v.turn()", "		if v != nil {\n			v.turn()"},
	}, []string{"future", "read-my-writes", "lease", "sums", "stuck"}},
	{"a set that others have left is still lent", []edit{
		{"table/view.go", "	if v.held.lent {\n		return", "	if len(v.held.views) == 1 && !v.inPlace {\n		return"},
	}, []string{"read-my-writes", "bound", "sums"}},
	{"a set that all have left forgets who was ahead", []edit{
		{"table/view.go", "old.retiredBy = max(old.retiredBy, c.parts[v.part].clock)", "old.retiredBy = c.parts[v.part].clock"},
	}, []string{"read-my-writes", "bound", "sums"}},
	{"what was written in place is refreshed away", []edit{
		{"table/refresh.go", "if v.inPlace && v.dirty.has(int(i)) {", "if false {"},
	}, []string{"read-my-writes", "bound", "future"}},
	{"parts that end apart leave updates behind", []edit{
		{"table/clock.go", "		least = most\n", "		least, most = c.clock, least\n"},
	}, []string{"sums", "stuck", "protocol", "bound"}},
	{"nothing asks for sets that are declared anew", []edit{
		{"table/client.go", "if declared && sh.version > consistency.Beginning &&", "if false && declared &&"},
	}, []string{"stuck"}},
	{"an answer of the session before is taken", []edit{
		{"table/deliver.go", "case gen < c.gen && (k == kindAnswer || k == kindReset):", "case false:"},
	}, []string{"read-my-writes", "bound", "protocol", "stuck"}},
	{"a Clock does not wait for sets that are declared anew", []edit{
		{"table/view.go", "	return v.held.ready()\n", "	return true\n"},
	}, []string{"bound", "read-my-writes"}},
	{"what a dead client had sent is seen twice", []edit{
		{"table/clock.go", "		if c.clock <= sh.seen {\n", "		if false {\n"},
	}, []string{"read-my-writes", "future"}},
	{"an origin that has left is waited for again", []edit{
		{"table/shard.go", "if s.sessions[e.Origin] == nil { // else", "if _, ok := s.vector.Clock(e.Origin); !ok { // else"},
	}, []string{"stuck", "back", "bound", "replica"}},
	{"an origin that leaves forgets what it owes", []edit{
		{"table/clock.go", "slices.ContainsFunc(c.replicas, replica.owes)", "c.err != nil && slices.ContainsFunc(c.replicas, replica.owes)"},
	}, []string{"sums"}},
	{"a part that turns away leaves behind what it owes", []edit{
		{"table/lossy.go", "return clock <= h.exactBy || slices.ContainsFunc(h.views, func(v *View[T]) bool { return v.next != nil })", "return false"},
	}, []string{"sums"}},
	{"a clock is folded in the order of arrival", []edit{
		{"table/fold.go", "return int(a.origin) - int(b.origin)", "return 0"},
	}, []string{"deterministic"}},
	{"a snapshot has no identities", []edit{
		{"table/snapshot.go", "b = appendVarint(b, int64(ses.clock))", "b = appendVarint(b, 0)"},
	}, []string{"protocol", "replica"}},
	{"nobody is taken to wait for a lease", []edit{
		{"table/update.go", "	return ses != nil && ses.find(w.h.table, w.h.id) == w.h\n", "	return ses != nil && ses.find(w.h.table, w.h.id) == nil\n"},
	}, []string{"stuck", "replica", "lease"}},
}

// A mutated run says what it found, or that it found nothing.
var failed = regexp.MustCompile(`algotest: seed (\d+): ([a-z-]+):`)

// TestMutations breaks the tables in one way after another and expects the
// cluster to notice: by a check of its own, not by a crash or by taking for ever.
func TestMutations(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the package once for each mutation")
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command: ", err)
	}
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, m := range mutations {
		t.Run(strings.ReplaceAll(m.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			overlay := m.overlay(t)
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			run := "-run=^TestCluster$"
			if slices.Contains(m.kinds, "deterministic") {
				run = "-run=^TestDeterministic$"
			}
			cmd := exec.CommandContext(ctx, tool, "test", "-vet=off", "-overlay="+overlay, "-count=1", "-timeout=150s", run, ".")
			cmd.Env = append(os.Environ(), "PETUUM_SEEDS=6000", "PETUUM_SEED=")
			out, err := cmd.CombinedOutput()
			found := failed.FindSubmatch(out)
			switch {
			case err == nil:
				t.Fatalf("not caught")
			case strings.Contains(string(out), "build failed"):
				t.Fatalf("does not compile; bring it up to date:\n%s", out)
			case ctx.Err() != nil || strings.Contains(string(out), "test timed out"):
				t.Fatalf("hangs instead of being caught:\n%s", out)
			case found == nil:
				t.Fatalf("fails otherwise than by a check:\n%s", out)
			case !slices.Contains(m.kinds, string(found[2])):
				t.Fatalf("caught as %q, want one of %q:\n%s", found[2], m.kinds, out)
			}
			t.Logf("caught as %s by seed %s", found[2], found[1])
		})
	}
}

// overlay writes the mutated files and returns the file that puts them in the
// place of the real ones.
func (m mutation) overlay(t *testing.T) string {
	dir := t.TempDir()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	sources := make(map[string]string)
	for _, e := range m.edits {
		path := filepath.Join(root, filepath.FromSlash(e.file))
		if _, ok := sources[path]; !ok {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			sources[path] = string(b)
		}
		if n := strings.Count(sources[path], e.old); n != 1 {
			t.Fatalf("out of date: %s has %d times %q, want once", e.file, n, e.old)
		}
		sources[path] = strings.Replace(sources[path], e.old, e.new, 1)
	}
	replace := make(map[string]string)
	for path, text := range sources {
		replace[path] = filepath.Join(dir, strings.ReplaceAll(path[len(root)+1:], string(filepath.Separator), "-"))
		if err := os.WriteFile(replace[path], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
