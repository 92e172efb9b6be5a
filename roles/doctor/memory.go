package doctor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"petuum/algos/model"
	"petuum/configs"
	"petuum/roles/control"
	"petuum/table"
)

// Room is the memory of one host.
type Room struct {
	Host  string `json:"host"`
	Free  uint64 `json:"free"`  // bytes; 0: not known
	Limit string `json:"limit"` // what limits it
}

func room(m Machine) Room {
	free, limit := m.Memory()
	return Room{m.Host(), free, limit}
}

// What a job takes, in bytes. These are estimates: buffers and fragmentation come on
// top, which is why most of the free memory counts as all of it.
const (
	processBytes = 48 << 20 // a process without tables and data
	cellBytes    = 12       // a value of the data and its column
	rowBytes     = 24       // a row's label, class and end
	streamBytes  = 16 << 20 // a part that reads while it learns: some batches
	enough       = 0.8      // of the free memory
)

// need estimates the memory of a process of each role.
func need(c *configs.Config, specs []table.Spec, s Sample) map[string]uint64 {
	var held, seen float64 // by the shards; by the views of one part
	for _, t := range specs {
		held += used(t, s) * float64(t.KeyBytes())
		seen += min(float64(t.Keys), float64(max(s.Cells/uint64(c.Parts()), s.Info.Features, 1))) * float64(max(t.Width, 1)*t.Type.Size())
	}
	workers, servers := float64(c.Cluster.Workers), float64(c.Cluster.Servers)
	parts := float64(c.Parts()) / workers
	data := (float64(s.Cells)*cellBytes + float64(s.Rows)*rowBytes) / workers
	if s.Info.Sampled {
		data = parts * streamBytes
	}
	return map[string]uint64{
		control.Scheduler: processBytes,
		control.Server:    processBytes + uint64(held/servers),
		control.Worker:    processBytes + uint64(data+seen*(parts+2)), // a replica and what is on its way
	}
}

// used is how many keys of a table a job may come to write.
func used(t table.Spec, s Sample) float64 {
	return min(float64(t.Keys), float64(max(s.Cells, s.Info.Features, 1)))
}

// seated is a process and the room it is in.
type seated struct {
	process, role string
	room          Room
}

// checkMemory holds what all processes of a host need against what there is. A check
// is the first process's.
func checkMemory(needs map[string]uint64, all []seated) (checks []Check) {
	type house struct {
		first seated
		names []string
		need  uint64
	}
	var houses []*house
	byHost := map[string]*house{}
	for _, s := range all {
		h := byHost[s.room.Host]
		if h == nil {
			h = &house{first: s}
			byHost[s.room.Host] = h
			houses = append(houses, h)
		}
		h.names = append(h.names, s.process)
		h.need += needs[s.role]
		if s.room.Free < h.first.room.Free {
			h.first.room = s.room
		}
	}
	for _, h := range houses {
		l := list{process: h.first.process}
		r := h.first.room
		who := h.first.process + " needs"
		switch others := len(h.names) - 1; {
		case h.first.process == ThisMachine:
			who = fmt.Sprintf("all %d processes need", len(h.names))
		case others == 1:
			who = h.first.process + " and " + h.names[1] + " need"
		case others > 1:
			who = fmt.Sprintf("%s and %d other processes here need", h.first.process, others)
		}
		text := fmt.Sprintf("%s about %s, %s are free %s", who, size(h.need), size(r.Free), r.Limit)
		if len(h.names) > 1 {
			text += fmt.Sprintf(" (a server %s, a worker %s)", size(needs[control.Server]), size(needs[control.Worker]))
		}
		const fix = "spread the job over more machines (cluster.servers, cluster.workers), or free memory, or raise the limit"
		switch usable := float64(r.Free) * enough; {
		case r.Limit == "":
			l.ok("memory", "%s about %s; what is free is not known", who, size(h.need))
		case h.need > r.Free:
			l.fail("memory", fix, "%s", text)
		case float64(h.need) > usable:
			l.warn("memory", fix, "%s", text)
		default:
			l.ok("memory", "%s", text)
		}
		checks = append(checks, l.checks...)
	}
	return checks
}

// textBytes is about what a value takes in the readable form of a model.
const textBytes = 24

// written estimates the size of the model.
func written(c *configs.Config, specs []table.Spec, s Sample) uint64 {
	var most float64
	for _, t := range specs {
		if t.Scratch {
			continue
		}
		values := used(t, s) * float64(max(t.Width, 1))
		most += values * float64(t.Type.Size())
		if c.Output.Text {
			most += values * textBytes
		}
	}
	return uint64(most)
}

// checkOutput looks at the place of the model, which takes at most so many bytes; 0
// if that is not known.
func checkOutput(l *list, c *configs.Config, m Machine, most uint64) {
	const name, fix = "output", "set output.model to a directory in one that you can write to"
	path := c.Output.Model
	if path == "" {
		l.ok(name, "output.model is empty: no model is written")
		return
	}
	above := filepath.Dir(path)
	for {
		info, err := os.Stat(above)
		if err == nil && !info.IsDir() {
			l.fail(name, fix, "%s is no directory", above)
			return
		}
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrNotExist) || above == filepath.Dir(above) {
			l.fail(name, fix, "%v", err)
			return
		}
		above = filepath.Dir(above)
	}
	err := error(nil)
	if above == filepath.Dir(path) {
		err = model.Check(path)
	} else { // what is missing the job makes
		err = trial(above)
	}
	if err != nil {
		l.fail(name, fix, "%s", plain(err))
		return
	}
	free, err := m.Disk(above)
	if err != nil {
		l.warn(name, "look whether the model fits", "%s is writable; %v", path, err)
		return
	}
	switch {
	case most > free:
		l.fail(name, "free space, or set output.text = false, or set output.model to another disk", "%s: the model takes up to %s, %s are free", path, size(most), size(free))
	case most > 0:
		l.ok(name, "%s: the model takes up to %s, %s are free", path, size(most), size(free))
	default:
		l.ok(name, "%s is writable, %s are free", path, size(free))
	}
}

// trial makes a directory and takes it away again.
func trial(above string) error {
	dir, err := os.MkdirTemp(above, ".petuum-doctor-")
	if err != nil {
		return err
	}
	return os.Remove(dir)
}
