package configs

import (
	"fmt"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// Conflicts holds the configuration of a role against the scheduler's. What a
// role sets itself (defaults don't count) must be the scheduler's value, unless
// it is about the role's own place: cluster.join, bind, advertise, gossip, data and
// key_file, and [log]. A relative path agrees if the
// scheduler's path ends in it. The error is [Errors], a line for each key.
func (c *Config) Conflicts(scheduler *Config) error {
	var d decoder
	theirs := fields(reflect.ValueOf(scheduler).Elem())
	for i, section := range fields(reflect.ValueOf(c).Elem()) {
		their := fields(theirs[i].value)
		for j, f := range fields(section.value) {
			key := join(section.name, f.name)
			at, set := c.origin[key]
			if !set || f.own || c.matches(key, scheduler, f.value, their[j].value) {
				continue
			}
			d.differs(at, key, nodeOf(f.value), nodeOf(their[j].value))
		}
	}
	params := map[string]*node{}
	scheduler.params.walk("algorithm", func(key string, n *node) { params[key] = n })
	c.params.walk("algorithm", func(key string, n *node) {
		if other := params[key]; other == nil || !same(n, other) {
			d.differs(n.at, key, n, other)
		}
	})
	return d.problems.sorted()
}

// matches says whether two values of a setting are the same or mean the same.
func (c *Config) matches(key string, scheduler *Config, mine, theirs reflect.Value) bool {
	if reflect.DeepEqual(mine.Interface(), theirs.Interface()) {
		return true
	}
	switch key {
	case "cluster.parts":
		return c.Cluster.Parts == scheduler.Parts()
	case "cluster.shards":
		return c.Cluster.Shards == scheduler.Shards(0)
	case "consistency.policy":
		return c.Policy() == scheduler.Policy()
	case "consistency.window":
		return c.Consistency.Window == scheduler.Window()
	case "data.train", "data.test":
		written, ok := c.written[key]
		if !ok {
			written = mine.Interface().(Paths)
		}
		return allAgree(written, theirs.Interface().(Paths))
	case "data.names", "data.labels", "data.cache", "output.model", "job.start", "checkpoint.path":
		written := Paths{mine.String()}
		if w, ok := c.written[key]; ok {
			written = w
		}
		return agrees(written[0], theirs.String())
	}
	return false
}

func (d *decoder) differs(at place, key string, mine, theirs *node) {
	text := "not set"
	if theirs != nil {
		text = printable(string(theirs.appendTOML(nil)))
	}
	d.note(Problem{at: at, Key: key, What: fmt.Sprintf("%s differs from the scheduler's, which is %s: leave it out or make it the same",
		printable(string(mine.appendTOML(nil))), text)})
}

// allAgree says whether a role's paths mean the scheduler's: each of either side
// agrees with one of the other.
func allAgree(written, scheduler Paths) bool {
	matched := make([]bool, len(scheduler))
	for _, w := range written {
		some := false
		for i, s := range scheduler {
			if agrees(w, s) {
				matched[i], some = true, true
			}
		}
		if !some {
			return false
		}
	}
	return len(written) > 0 && !slices.Contains(matched, false)
}

// agrees says whether a path or pattern that a role's file has means the
// scheduler's path: it is the same or, as machines keep their files in different
// folders, it is relative and the scheduler's ends in it.
func agrees(written, scheduler string) bool {
	if written == scheduler {
		return true
	}
	if written == "" || scheduler == "" || filepath.IsAbs(written) {
		return false
	}
	tail := filepath.ToSlash(filepath.Clean(written))
	for strings.HasPrefix(tail, "../") {
		tail = tail[len("../"):]
	}
	end := filepath.ToSlash(scheduler)
	if tail == "." || tail == ".." || !filepath.IsAbs(scheduler) {
		return false
	}
	if strings.HasSuffix(end, "/"+tail) {
		return true
	}
	folders := strings.Split(end, "/")
	n := min(strings.Count(tail, "/")+1, len(folders))
	ok, err := path.Match(tail, strings.Join(folders[len(folders)-n:], "/"))
	return ok && err == nil
}

// same compares values; 1 and 1.0 are the same.
func same(a, b *node) bool {
	x, xok := number(a)
	y, yok := number(b)
	if xok && yok {
		return x == y
	}
	return string(a.appendTOML(nil)) == string(b.appendTOML(nil))
}

func number(n *node) (float64, bool) {
	switch v := n.value.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}
