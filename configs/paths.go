package configs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// Paths are files: in TOML a string, which is one of them, or a list. Each may be a
// pattern of [filepath.Match], which [Load] replaces by the files it matches.
type Paths []string

// String names the first and how many there are more.
func (p Paths) String() string {
	switch len(p) {
	case 0:
		return ""
	case 1:
		return p[0]
	}
	return fmt.Sprintf("%s and %d more", p[0], len(p)-1)
}

// text is the value of a setting that is a string.
func (c *Config) text(key string) (string, bool) {
	for _, section := range fields(reflect.ValueOf(c).Elem()) {
		for _, f := range fields(section.value) {
			if join(section.name, f.name) == key && f.value.Kind() == reflect.String {
				return f.value.String(), true
			}
		}
	}
	return "", false
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
	c, s := l.c, seeker{l, home, wd}
	c.Data.Train = s.inputs("data.train", c.Data.Train, job)
	c.Data.Test = s.inputs("data.test", c.Data.Test, job)
	s.single("data.names", &c.Data.Names, job)
	s.single("data.labels", &c.Data.Labels, job)
	s.single("data.weights", &c.Data.Weights, job)
	s.single("cluster.key_file", &c.Cluster.KeyFile, true)
	s.folder("job.start", &c.Job.Start, job)
	for key, path := range map[string]*string{"output.model": &c.Output.Model, "data.cache": &c.Data.Cache, "checkpoint.path": &c.Checkpoint.Path} {
		if *path != "" {
			c.written[key] = Paths{*path}
			*path = absolute(wd, *path)
		}
	}
	l.paths() // the folders they now begin with come from the system
	return nil
}

// A seeker looks for inputs: in the folder of the configuration, then in the
// working directory; for an override only in the latter.
type seeker struct {
	*loader
	home, wd string
}

// inputs are the files that the paths of a setting mean. Unless they are needed
// they may also be on another machine.
func (s seeker) inputs(key string, paths Paths, needed bool) Paths {
	if len(paths) == 0 || s.bad[key] {
		return paths
	}
	s.c.written[key] = paths
	var all Paths
	from := map[string]string{} // which path meant a file, without symbolic links
	for i, path := range paths {
		full := s.element(key, i)
		if s.bad[full] {
			continue
		}
		at, ok := s.c.origin[full]
		if !ok {
			at = s.c.origin[key]
		}
		found, what := s.input(path, at, needed, true)
		if what != "" {
			s.note(Problem{at: at, Key: full, What: what})
			continue
		}
		for _, name := range found {
			real, err := filepath.EvalSymlinks(name)
			if err != nil {
				real = name
			}
			if other, twice := from[real]; twice && needed {
				what := fmt.Sprintf("%s is there twice: %q and %q both mean it", oneLine(name), other, path)
				s.note(Problem{at: at, Key: full, What: what})
				continue
			}
			from[real] = path
		}
		all = append(all, found...)
	}
	return all
}

// single looks for the one file of a setting that is no list and no pattern.
func (s seeker) single(key string, path *string, needed bool) {
	if *path == "" || s.bad[key] {
		return
	}
	s.c.written[key] = Paths{*path}
	at := s.c.origin[key]
	found, what := s.input(*path, at, needed, false)
	if what != "" {
		s.note(Problem{at: at, Key: key, What: what})
		return
	}
	*path = found[0]
}

// folder looks for the folder of a setting that is an input.
func (s seeker) folder(key string, path *string, needed bool) {
	if *path == "" || s.bad[key] {
		return
	}
	s.c.written[key] = Paths{*path}
	at := s.c.origin[key]
	var tries []string
	for _, folder := range s.folders(*path, at) {
		name := absolute(folder, *path)
		info, err := os.Stat(name)
		switch {
		case err == nil && needed && !info.IsDir():
			s.note(Problem{at: at, Key: key, What: oneLine(name) + " is a file: want a folder"})
			return
		case err == nil:
			*path = name
			return
		}
		tries = append(tries, name)
	}
	if needed {
		s.note(Problem{at: at, Key: key, What: "no such folder: looked for " + oneLine(strings.Join(tries, " and "))})
		return
	}
	*path = tries[0]
}

// folders are where to look for a path.
func (s seeker) folders(path string, at place) []string {
	if at.given != "" || s.c.file == "" || s.home == s.wd || filepath.IsAbs(path) {
		return []string{s.wd}
	}
	return []string{s.home, s.wd}
}

// input is the files that one path means, or what is wrong with it.
func (s seeker) input(path string, at place, needed, pattern bool) (found Paths, wrong string) {
	folders := s.folders(path, at)
	var tries []string
	for _, folder := range folders {
		name := absolute(folder, path)
		tries = append(tries, name)
		info, err := os.Stat(name)
		switch {
		case err == nil && needed && info.IsDir():
			return nil, oneLine(name) + " is a folder: want a file"
		case err == nil && needed && pattern && !info.Mode().IsRegular():
			return nil, oneLine(name) + " is no regular file: want one, as data is read by several processes"
		case err == nil:
			return Paths{name}, ""
		case needed && !errors.Is(err, os.ErrNotExist):
			return nil, oneLine(err.Error())
		}
	}
	if !pattern || !strings.ContainsAny(path, `*?[`) {
		if needed {
			return nil, "no such file: looked for " + oneLine(strings.Join(tries, " and "))
		}
		return Paths{tries[0]}, ""
	}
	if strings.Contains(path, "**") {
		return nil, "** is no pattern here: * stands for any text without /, so name each folder, as in \"data/*/part-*.csv\""
	}
	for _, folder := range folders {
		names, err := glob(folder, path)
		if err != nil {
			return nil, oneLine(path) + " is no pattern: a [ needs its ], or \\ before it"
		}
		for _, name := range names {
			if info, err := os.Stat(name); err == nil && info.IsDir() {
				return nil, oneLine(name) + " is a folder: want a pattern that only files match"
			}
		}
		if len(names) > 0 {
			return names, ""
		}
	}
	if needed {
		return nil, "no file matches: looked for " + oneLine(strings.Join(tries, " and "))
	}
	return Paths{tries[0]}, ""
}

// glob lists the files that a pattern matches in their order. The folder is no
// part of the pattern, whatever characters it has.
func glob(folder, pattern string) ([]string, error) {
	if !filepath.IsAbs(pattern) {
		folder = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(folder)
		pattern = folder + string(filepath.Separator) + pattern
	}
	names, err := filepath.Glob(pattern)
	for i := range names {
		names[i] = filepath.Clean(names[i])
	}
	slices.Sort(names)
	return names, err
}

func absolute(base, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, path)
}
