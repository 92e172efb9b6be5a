package model

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"petuum/algos/calibration"
	"petuum/algos/durable"
)

// AddMetrics adds metrics to the manifest of the model in dir, such as those of a
// test with it.
func AddMetrics(dir string, found map[string]float64) error {
	return amend(dir, func(m *Manifest) error {
		all := map[string]float64{}
		maps.Copy(all, m.Metrics)
		maps.Copy(all, found)
		m.Metrics = all
		return nil
	})
}

// Calibrate gives the model in dir a calibration in place of the one it has, or takes
// that away if c is nil. of is the manifest of the model whose scores c is for: it
// refuses another one that came to dir meanwhile.
func Calibrate(dir string, of Manifest, c *calibration.Map) error {
	return amend(dir, func(m *Manifest) error {
		same := func(a, b Table) bool { return a.Name == b.Name && a.Binary == b.Binary }
		if m.Parameters != of.Parameters || !slices.EqualFunc(m.Tables, of.Tables, same) {
			return fmt.Errorf("model: %s: another model took its place meanwhile: calibrate that", dir)
		}
		m.Calibration = c
		return nil
	})
}

// amend changes the manifest of the model in dir. The new one takes the place of the
// old one at once, so the model is complete throughout.
func amend(dir string, change func(*Manifest) error) error {
	path, err := resolve(dir)
	if err != nil {
		return err
	}
	m, err := readManifest(path)
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	if err := change(m); err != nil {
		return err
	}
	b, err := m.encode()
	if err != nil {
		return fmt.Errorf("model: %s: the manifest: %w", dir, err)
	}
	tmp := sibling(path, "tmp") // not inside, where a crash would leave a file that is none of the model's
	if err = writeFile(tmp, b); err == nil {
		if err = os.Rename(tmp, filepath.Join(path, manifestName)); err == nil {
			return durable.SyncDir(path)
		}
		err = fmt.Errorf("model: %w", err)
	}
	_ = os.Remove(tmp)
	return err
}
