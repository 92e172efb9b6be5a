package configs

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
)

// Load reads the file of a job and lays overrides over it, a later one over an
// earlier one; path "" is no file. Inputs are looked up and paths made absolute,
// see the package documentation.
//
// What is wrong with the configuration comes as [Errors], and with it what could
// be read, so that the caller can go on looking for problems ([Config.Algorithm])
// and report all at once ([Join]). Such a configuration is good for nothing else.
func Load(path string, over []Override) (*Config, error) { return load(path, over, true) }

// LoadRole is Load for a role other than the scheduler: the file need not be a
// whole job, and data.train and data.test need not be on this machine. The
// caller holds the result against the scheduler's with [Config.Conflicts].
func LoadRole(path string, over []Override) (*Config, error) { return load(path, over, false) }

// Parse reads the text of a job, whose name appears in messages and gives the
// job its default name, and lays overrides over it. It looks at no file: paths
// stay as they are written.
func Parse(name string, text []byte, over []Override) (*Config, error) {
	l := parse(name, text, over)
	l.require()
	return l.finish()
}

func load(path string, over []Override, job bool) (*Config, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("configs: %w", err)
	}
	l := parse(path, text, over)
	if job {
		l.require()
	}
	if err := l.locate(job); err != nil {
		return nil, fmt.Errorf("configs: %w", err)
	}
	return l.finish()
}

// readFile reads one byte more than is allowed, so that scan can tell. A pipe is
// read only if somebody writes to it: to wait for that would look like a hang.
func readFile(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err == nil && len(text) == 0 {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeNamedPipe != 0 {
			return nil, fmt.Errorf("%s is a pipe that nobody writes to: want a file", path)
		}
	}
	return text, err
}

// A loader holds a configuration while it is put together.
type loader struct {
	decoder
	c *Config
}

func parse(name string, text []byte, over []Override) *loader {
	c := Default()
	c.file = name
	root, problems := scan(name, text)
	l := &loader{c: c}
	for _, p := range problems {
		c.lost = c.lost || p.Key == ""
		l.note(p)
	}
	for i, o := range over {
		l.override(root, o, i+1)
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
	l.c.bad = l.bad
	return l.c, l.problems.sorted()
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
