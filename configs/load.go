package configs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"unicode/utf8"
)

// Load reads the file of a job and lays overrides ("section.key=value") over
// it; path "" is no file. Inputs are looked up and paths made absolute, see the
// package documentation. What is wrong with the configuration comes as
// [Errors].
func Load(path string, sets []string) (*Config, error) { return load(path, sets, true) }

// LoadRole is Load for a role other than the scheduler: the file need not be a
// whole job, and data.train and data.test need not be on this machine. The
// caller holds the result against the scheduler's with [Config.Conflicts].
func LoadRole(path string, sets []string) (*Config, error) { return load(path, sets, false) }

// Parse reads the text of a job, whose name appears in messages and gives the
// job its default name, and lays overrides over it. It looks at no file: paths
// stay as they are written.
func Parse(name string, text []byte, sets []string) (*Config, error) {
	l := parse(name, text, sets)
	l.require()
	return l.finish()
}

func load(path string, sets []string, job bool) (*Config, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("configs: %w", err)
	}
	l := parse(path, text, sets)
	if job {
		l.require()
	}
	if err := l.locate(job); err != nil {
		return nil, fmt.Errorf("configs: %w", err)
	}
	return l.finish()
}

// readFile reads one byte more than is allowed, so that scan can tell.
func readFile(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxText+1))
}

// A loader holds a configuration while it is put together.
type loader struct {
	decoder
	c    *Config
	lost bool // part of the text has no readable key, so nothing can be called missing
}

func parse(name string, text []byte, sets []string) *loader {
	c := Default()
	c.file = name
	root, problems := scan(name, text)
	l := &loader{c: c}
	for _, p := range problems {
		l.lost = l.lost || p.Key == ""
		l.note(p)
	}
	for i, set := range sets {
		l.override(root, set, i+1)
	}
	l.sections(root)
	if c.Job.Name == "" && !l.bad["job.name"] {
		c.Job.Name = "job"
		if base := strings.TrimSuffix(filepath.Base(name), ".toml"); name != "" && base != "" {
			c.Job.Name = base
		}
	}
	l.check()
	return l
}

func (l *loader) finish() (*Config, error) {
	if err := l.problems.sorted(); err != nil {
		return nil, err
	}
	return l.c, nil
}

// sections decodes the tree into the configuration.
func (l *loader) sections(root *node) {
	list := fields(reflect.ValueOf(l.c).Elem())
	byName := make(map[string]field, len(list))
	for _, f := range list {
		byName[f.name] = f
	}
	elsewhere := func(key string) string {
		for _, section := range list {
			for _, f := range fields(section.value) {
				if f.name == key {
					return join(section.name, key)
				}
			}
		}
		return ""
	}
	for _, name := range root.keys {
		n := root.fields[name]
		f, ok := byName[name]
		switch {
		case ok:
			l.table(n, name, f.value, elsewhere)
		case name == "algorithm" && n.kind == table:
			l.c.params = n
		case name == "algorithm" && n.kind != broken:
			what := "want a table, got " + n.describe()
			if n.kind == scalar {
				l.note(Problem{at: n.at, Key: name, What: what, Nearest: "job.algorithm"})
				continue
			}
			l.fail(n, name, "%s", what)
		case name != "algorithm":
			l.stray(n, name, append(names(list), "algorithm"), elsewhere)
		}
		n.walk(join("", name), func(key string, n *node) {
			l.c.origin[key] = n.at
			for i, item := range n.items {
				l.c.origin[fmt.Sprintf("%s[%d]", key, i)] = item.at
			}
		})
	}
}

// stray notes a name at the top of the document that is no section.
func (l *loader) stray(n *node, name string, sections []string, elsewhere func(string) string) {
	p := Problem{at: n.at, Key: join("", name), What: "unknown section", Nearest: nearest(name, sections)}
	if n.kind != table && n.kind != tables {
		p.What = "unknown key outside of any section"
		if near := elsewhere(name); near != "" {
			p.Nearest = near
		}
	}
	l.note(p)
}

// override puts the value of a "section.key=value" into the tree.
func (l *loader) override(root *node, set string, nth int) {
	at := place{file: l.c.file, set: set, nth: nth}
	fail := func(key, what string) { l.note(Problem{at: at, Key: key, What: what}) }
	switch {
	case set == "":
		at.set = `""`
		fail("", "want section.key=value")
		return
	case len(set) > maxText:
		fail("", "the value is too large")
		return
	case !utf8.ValidString(set):
		fail("", "the text is not valid UTF-8")
		return
	}
	s := newScanner([]byte(set), at)
	path, ok := s.key()
	if !ok || s.peek() != '=' {
		fail("", "want section.key=value")
		return
	}
	full, t := "", root
	for _, k := range path[:len(path)-1] {
		full = join(full, k)
		child := t.fields[k]
		if child == nil || child.kind == broken {
			child = newTable(at)
			t.put(k, child)
		} else if child.kind != table {
			fail(full, fmt.Sprintf("%s is not a table: it is %s", full, child.describe()))
			return
		}
		t = child
	}
	last := path[len(path)-1]
	full = join(full, last)
	if len(path) == 1 && (last == "algorithm" || l.isSection(last)) {
		fail(full, "want section.key=value: a section cannot be set as a whole")
		return
	}
	t.put(last, overrideValue(set[s.pos+1:], at))
}

func (l *loader) isSection(name string) bool {
	for _, f := range fields(reflect.ValueOf(l.c).Elem()) {
		if f.name == name {
			return true
		}
	}
	return false
}

// overrideValue reads a value as TOML or, if it is not, as a bare string.
func overrideValue(text string, at place) *node {
	s := newScanner([]byte(text), at)
	s.spaces()
	n := s.value("")
	s.spaces()
	if n == nil || n.kind == broken || len(s.problems) > 0 || s.pos < len(s.text) {
		return &node{at: at, value: text}
	}
	var doc map[string]any
	if _, err := decodeTOML("v = "+text, &doc); err != nil || len(doc) != 1 {
		return &node{at: at, value: text}
	}
	n.at = at
	return n
}

// locate makes the paths absolute. Inputs must be there: the key file always,
// the data if the process starts a job.
func (l *loader) locate(job bool) error {
	wd, err := os.Getwd()
	if err != nil {
		return err
	}
	home, err := filepath.Abs(filepath.Dir(l.c.file))
	if err != nil {
		return err
	}
	c := l.c
	l.input("data.train", &c.Data.Train, home, wd, job)
	l.input("data.test", &c.Data.Test, home, wd, job)
	l.input("data.names", &c.Data.Names, home, wd, job)
	l.input("data.labels", &c.Data.Labels, home, wd, job)
	l.input("cluster.key_file", &c.Cluster.KeyFile, home, wd, true)
	if model := &c.Output.Model; *model != "" {
		c.written["output.model"] = *model
		*model = absolute(wd, *model)
	}
	l.paths() // the folders they now begin with come from the system
	return nil
}

// input finds a file: in the folder of the configuration, then in the working
// directory; for an override only in the latter.
func (l *loader) input(key string, path *string, home, wd string, needed bool) {
	if *path == "" || l.bad[key] {
		return
	}
	l.c.written[key] = *path
	tries := []string{absolute(home, *path), absolute(wd, *path)}
	at := l.c.origin[key]
	if at.set != "" || l.c.file == "" || tries[0] == tries[1] {
		tries = tries[1:]
	}
	for _, name := range tries {
		info, err := os.Stat(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if needed && err != nil {
			l.note(Problem{at: at, Key: key, What: oneLine(err.Error())})
			return
		}
		if needed && info.IsDir() {
			l.note(Problem{at: at, Key: key, What: oneLine(name) + " is a folder: want a file"})
			return
		}
		*path = name
		return
	}
	if needed {
		what := fmt.Sprintf("no such file: looked for %s", oneLine(strings.Join(tries, " and ")))
		l.note(Problem{at: at, Key: key, What: what})
		return
	}
	*path = tries[0]
}

func absolute(base, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, path)
}
