package model

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"petuum/algos/durable"
)

// Check reports whether a model can be written to dir: its parent is there and
// writable, and dir is absent, empty, or a model, which would be replaced. It
// changes nothing; call it before the training.
func Check(dir string) error {
	path, err := resolve(dir)
	if err != nil {
		return err
	}
	if _, _, err := inspect(path); err != nil {
		return err
	}
	trial := sibling(path, "tmp")
	if err := os.Mkdir(trial, 0o700); err != nil {
		return fmt.Errorf("model: %s: no directory can be made beside it: %w: make its parent a directory that you can write to", dir, durable.Cause(err))
	}
	if err := os.Remove(trial); err != nil {
		return fmt.Errorf("model: %s: %w", dir, err)
	}
	return nil
}

// resolve returns the absolute path of a directory to be, links followed.
func resolve(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("model: the directory has no name")
	}
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("model: %s: %w", dir, err)
	}
	if fi, err := os.Lstat(path); err == nil && fi.Mode()&fs.ModeSymlink != 0 {
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return "", fmt.Errorf("model: %s is a link to nowhere: %w", dir, err)
		}
	}
	if filepath.Dir(path) == path {
		return "", fmt.Errorf("model: %s: name a directory below it", dir)
	}
	return path, nil
}

// inspect looks at what is at path now: nothing, an empty directory (exists), or
// a model (and its manifest). Anything else is an error.
func inspect(path string) (exists bool, old *Manifest, err error) {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil, nil
	}
	if err != nil {
		return false, nil, fmt.Errorf("model: %w", err)
	}
	if !fi.IsDir() {
		return false, nil, fmt.Errorf("model: %s is not a directory: move it away or name another", path)
	}
	if err := mounted(path, fi); err != nil {
		return false, nil, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return false, nil, fmt.Errorf("model: %w", err)
	}
	if len(entries) == 0 {
		return true, nil, nil
	}
	advice := "only a model can be replaced: move it away or name another directory"
	if !isModel(entries) {
		return false, nil, fmt.Errorf("model: %s is neither empty nor a model (there is %q): %s", path, entries[0].Name(), advice)
	}
	old, err = readManifest(path)
	if err != nil {
		return false, nil, fmt.Errorf("model: %w: %s", err, advice)
	}
	name, err := old.strange(path)
	if err != nil {
		return false, nil, fmt.Errorf("model: %w: %s", err, advice)
	}
	if name != "" {
		return false, nil, fmt.Errorf("model: %s holds %q, which is not of the model there: %s", path, name, advice)
	}
	return true, old, nil
}

// mounted refuses the root of a file system, which cannot be renamed.
func mounted(path string, fi fs.FileInfo) error {
	parent, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	a, ok := fi.Sys().(*syscall.Stat_t)
	b, also := parent.Sys().(*syscall.Stat_t)
	if ok && also && a.Dev != b.Dev {
		return fmt.Errorf("model: %s is where a file system is mounted: name a directory inside it", path)
	}
	return nil
}

// sibling makes up a name beside path.
func sibling(path, kind string) string {
	return filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%s-%016x", filepath.Base(path), kind, rand.Uint64()))
}

// strays are the siblings of a kind that a crash left.
func strays(path, kind string) []string {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil
	}
	var found []string
	prefix := fmt.Sprintf(".%s.%s-", filepath.Base(path), kind)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			found = append(found, filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	return found
}

// publish renames the finished directory tmp to path, in place of an empty
// directory or a model. If that fails, tmp and what is at path stay as they are.
func publish(tmp, path string) error {
	exists, old, err := inspect(path)
	if err != nil {
		return err
	}
	away := ""
	if exists {
		away = sibling(path, "old")
		if err := os.Rename(path, away); err != nil {
			return fmt.Errorf("model: %w", err)
		}
	}
	if err := os.Rename(tmp, path); err != nil {
		if exists {
			err = errors.Join(err, os.Rename(away, path))
		}
		return fmt.Errorf("model: %w", err)
	}
	if err := durable.SyncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	if exists {
		remove(away, old)
	}
	return nil
}

// remove deletes a model that was replaced: its own files, and the directory if
// nothing else came into it meanwhile. What cannot be deleted stays.
func remove(dir string, m *Manifest) {
	if m != nil {
		removePath(dir, m)
		for _, name := range m.list() {
			_ = os.Remove(filepath.Join(dir, name))
		}
	}
	_ = os.Remove(dir)
}
