package doctor

import (
	"fmt"
	"slices"
	"strings"

	"petuum/roles/control"
	"petuum/roles/muster"
	"petuum/roles/wire"
	"petuum/table"
)

// compare checks what only shows when processes are held against each other.
func (s *lead) compare(all []Process, peers map[string]*muster.Peer, samples map[string]Sample) {
	self := s.place.Hello()
	for _, p := range all[1:] {
		l := list{process: p.Name}
		checkVersion(&l, build{all[0].Member.Version, self}, build{p.Member.Version, peers[p.Name].Conn.Peer()})
		s.report.Add(l.checks...)
	}
	if s.o.Among {
		return
	}
	s.report.Add(checkSame(samples)...)
	rooms := []seated{{control.Scheduler, control.Scheduler, room(s.o.Machine)}}
	for _, p := range all[1:] {
		rooms = append(rooms, seated{p.Name, p.Role, s.hereOf(peers[p.Name]).Room})
	}
	s.judge(samples, rooms)
}

// judge checks what the size of the job decides.
func (s *lead) judge(samples map[string]Sample, rooms []seated) {
	checkTest(&s.own, s.o.Config, s.alg, nil)
	var specs []table.Spec
	var sample Sample
	for _, name := range sorted(samples) {
		sample = samples[name]
		specs = checkTables(&s.own, s.o.Config, s.alg, sample)
		break
	}
	checkOutput(&s.own, s.o.Config, s.o.Machine, written(s.o.Config, specs, sample))
	if specs != nil {
		s.own.checks = append(s.own.checks, checkMemory(need(s.o.Config, specs, sample), rooms)...)
	}
}

func sorted(samples map[string]Sample) (names []string) {
	for name := range samples {
		names = append(names, name)
	}
	slices.SortFunc(names, compareProcesses)
	return names
}

// build is the version of a program and of its wire protocol.
type build struct {
	program string
	hello   wire.Hello
}

func (b build) String() string {
	return fmt.Sprintf("petuum %s, wire %d.%d", b.program, b.hello.Major, b.hello.Minor)
}

// release is the version up to the second dot.
func (b build) release() string {
	f := strings.SplitN(b.program, ".", 3)
	return strings.Join(f[:min(2, len(f))], ".")
}

// checkVersion holds a process's version against the scheduler's.
func checkVersion(l *list, scheduler, b build) {
	const fix = "install the same version everywhere"
	switch {
	case b.release() != scheduler.release(), b.hello.Major != scheduler.hello.Major, b.hello.Minor != scheduler.hello.Minor:
		l.fail("version", fix, "%s; the scheduler is %s", b, scheduler)
	case b.program != scheduler.program:
		l.warn("version", fix, "%s; the scheduler is %s", b, scheduler)
	default:
		l.ok("version", "%s, as the scheduler", b)
	}
}

// checkSame holds the workers' training data against each other: most of them are
// taken to be right.
func checkSame(samples map[string]Sample) (checks []Check) {
	type file struct {
		bytes int64
		head  string
	}
	names := sorted(samples)
	count := map[file]int{}
	var most file
	for _, name := range names {
		f := file{samples[name].Bytes, samples[name].Head}
		if count[f]++; count[f] > count[most] {
			most = f
		}
	}
	for _, name := range names {
		l := list{process: name}
		const fix = "give every worker the same file: parts are cut by its bytes"
		switch f := (file{samples[name].Bytes, samples[name].Head}); {
		case len(names) == 1:
		case f.bytes != most.bytes:
			l.fail("same data", fix, "%s has %s bytes here, %s elsewhere", samples[name].Path, thousands(uint64(f.bytes)), thousands(uint64(most.bytes)))
		case f != most:
			l.fail("same data", fix, "%s begins with other bytes than elsewhere", samples[name].Path)
		default:
			l.ok("same data", "%d of %d workers have this file", count[most], len(names))
		}
		checks = append(checks, l.checks...)
	}
	return checks
}
