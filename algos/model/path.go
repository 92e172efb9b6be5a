package model

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// pathName is the directory, in that of a model, of the models of its stages.
const pathName = "path"

// stageName is the directory of the model of a stage, in path.
func stageName(stage int) string { return fmt.Sprintf("%03d", stage) }

// StageDir is where the model in dir has that of a stage.
func StageDir(dir string, stage int) string { return filepath.Join(dir, pathName, stageName(stage)) }

// Path gathers the models of the stages of a job, beside the place of the job's own
// model, until that takes them in. It is for one goroutine at a time.
//
//	p, err := model.NewPath(dir)
//	defer p.Abort() // nothing after Take
//	for each stage:
//		w, err := model.Create(p.Next(), manifest) // and so on, to Close
//	w, err := model.Create(dir, manifest)          // and so on
//	err = w.Take(p)
//	err = w.Close()
type Path struct {
	tmp    string // "" once it is not ours to remove
	stages int
}

// NewPath begins the path of a model that will be at dir.
func NewPath(dir string) (*Path, error) {
	path, err := resolve(dir)
	if err != nil {
		return nil, err
	}
	p := &Path{tmp: sibling(path, "tmp")}
	if err := os.Mkdir(p.tmp, 0o777); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return p, nil
}

// Next is where the model of the next stage is to be written.
func (p *Path) Next() string {
	p.stages++
	return filepath.Join(p.tmp, stageName(p.stages-1))
}

// Abort removes the models, unless another has taken them in.
func (p *Path) Abort() {
	if p.tmp != "" {
		_ = os.RemoveAll(p.tmp) // made by us, under a name nobody else knows
		p.tmp = ""
	}
}

// Take has the model hold the models of a path, which must all be complete.
func (w *Writer) Take(p *Path) error {
	if err := os.Rename(p.tmp, filepath.Join(w.tmp, pathName)); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	w.m.Path, p.tmp = p.stages, ""
	return nil
}

// strange returns the name of something in the directory of a model that is not of
// it, "" if all is.
func (m *Manifest) strange(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	names := m.list()
	for _, e := range entries {
		switch {
		case e.Name() == pathName && e.IsDir() && m.Path > 0:
			if name, err := m.strangeInPath(filepath.Join(dir, pathName)); err != nil || name != "" {
				return filepath.Join(pathName, name), err
			}
		case !slices.Contains(names, e.Name()) || !e.Type().IsRegular():
			return e.Name(), nil
		}
	}
	return "", nil
}

// strangeInPath is strange for the directory of the models of stages.
func (m *Manifest) strangeInPath(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	stages := m.stages()
	for _, e := range entries {
		if !e.IsDir() || !slices.Contains(stages, e.Name()) {
			return e.Name(), nil
		}
		of, err := readManifest(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		if name, err := of.strange(filepath.Join(dir, e.Name())); err != nil || name != "" {
			return filepath.Join(e.Name(), name), err
		}
	}
	return "", nil
}

// stages lists the directories of the models of stages.
func (m *Manifest) stages() []string {
	var names []string
	for stage := range m.Path {
		names = append(names, stageName(stage))
	}
	return names
}

// removePath deletes the models of stages.
func removePath(dir string, m *Manifest) {
	for _, name := range m.stages() {
		stage := filepath.Join(dir, pathName, name)
		if of, err := readManifest(stage); err == nil {
			remove(stage, of)
		}
	}
	_ = os.Remove(filepath.Join(dir, pathName))
}

// isModel reports whether there is a manifest among the entries of a directory.
func isModel(entries []fs.DirEntry) bool {
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == manifestName })
}
