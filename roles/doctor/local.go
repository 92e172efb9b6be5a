package doctor

import (
	"context"

	"petuum/configs"
	"petuum/roles/control"
)

// Local checks what can be seen of a job on this machine alone, where all its processes
// will be: no process is started.
func Local(ctx context.Context, o Options) Report {
	l := &list{process: ThisMachine}
	a := checkConfig(l, o)
	if a == nil {
		return Report{l.checks}
	}
	checkPlace(ctx, l, o.Options, o.Machine, control.Scheduler)
	c := o.Config
	train := checkTrain(l, c, a)
	checkTest(l, c, a, train)
	if train == nil {
		checkOutput(l, c, o.Machine, 0)
		return Report{l.checks}
	}
	specs := checkTables(l, c, a, *train)
	checkOutput(l, c, o.Machine, written(c, specs, *train))
	if specs != nil {
		l.checks = append(l.checks, checkMemory(need(c, specs, *train), together(c, room(o.Machine)))...)
	}
	return Report{l.checks}
}

// together are all processes of a job in one room.
func together(c *configs.Config, r Room) []seated {
	all := []seated{{ThisMachine, control.Scheduler, r}}
	for range c.Cluster.Servers {
		all = append(all, seated{ThisMachine, control.Server, r})
	}
	for range c.Cluster.Workers {
		all = append(all, seated{ThisMachine, control.Worker, r})
	}
	return all
}

// Refused is the report of a configuration that cannot be read.
func Refused(err error) Report {
	l := list{process: ThisMachine}
	l.fail("configuration", "correct the file; docs/settings.md lists every setting", "%s", plain(err))
	return Report{l.checks}
}

// Broken is the report of roles that could not be started, or did not report.
func Broken(err error) Report {
	l := list{process: ThisMachine}
	l.fail("processes", "see what they say on stderr", "%v", err)
	return Report{l.checks}
}

// Skipped says that no process was started, because of what failed.
func Skipped() Report {
	l := list{process: ThisMachine}
	l.warn("processes", "", "not started, because of what failed above")
	return Report{l.checks}
}
