package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"petuum/algos"
	"petuum/algos/calibration"
	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/table"
)

const (
	manifestName = "manifest.json"
	formatName   = "petuum model"
	version      = 2
	maxManifest  = 512 << 20 // bytes; the names of features are in it
	maxStages    = 1 << 20
)

// Manifest says what a model is. The Writer fills in Path and Tables.
type Manifest struct {
	Petuum     string             `json:"petuum"` // version of the program that wrote it
	Job        string             `json:"job"`
	Algorithm  string             `json:"algorithm"`
	Parameters string             `json:"parameters"` // of the algorithm, as TOML
	Data       dataset.Info       `json:"data"`       // of the training data
	Source     Source             `json:"source,omitzero"`
	Clock      consistency.Clock  `json:"clock"`          // when the model was written
	Objective  *float64           `json:"objective"`      // nil if unknown
	Metrics    map[string]float64 `json:"metrics"`        // as in the summary of the job; see AddMetrics
	Path       int                `json:"path,omitempty"` // so many models of stages are in path/
	Tables     []Table            `json:"tables"`

	// Calibration turns the scores into probabilities; nil without one. See Calibrate.
	Calibration *calibration.Map `json:"calibration,omitempty"`
}

// Source is what the job was told of its data, as far as Data does not say it.
type Source struct {
	Header string   `json:"header"`         // whether CSV starts with names: auto, yes or no
	Test   []string `json:"test,omitempty"` // names of the files of test data, without folders
}

// Table describes a table of a model.
type Table struct {
	Name     string   `json:"name"`
	Keys     uint64   `json:"keys"` // the key space is [0, Keys)
	Width    int      `json:"width"`
	Type     string   `json:"type"`               // float32, float64 or int32
	Rule     string   `json:"rule"`               // for people
	Rows     bool     `json:"rows,omitempty"`     // keys are rows of the data; else
	Features uint64   `json:"features,omitempty"` // so many keys are features of the data,
	Names    []string `json:"names,omitempty"`    // those after them are called this, and others are numbers
	Columns  []string `json:"columns,omitempty"`  // names of the values of a key
	Init     Init     `json:"init"`
	Written  uint64   `json:"written"` // keys that are in the files
	Binary   File     `json:"binary"`
	Text     *File    `json:"text,omitempty"`
}

// Init is a [table.Init], the values of keys that are not in the files.
type Init struct {
	Value  Number `json:"value"`
	Spread Number `json:"spread"`
	Seed   uint64 `json:"seed"`
}

// File is a file of a model.
type File struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // in hex
}

// Number is a float64 that is "+Inf", "-Inf" or "NaN" in JSON where it has to be.
type Number float64

// MarshalJSON implements [json.Marshaler].
func (n Number) MarshalJSON() ([]byte, error) {
	s := strconv.FormatFloat(float64(n), 'g', -1, 64)
	if v := float64(n); math.IsInf(v, 0) || math.IsNaN(v) {
		s = `"` + s + `"`
	}
	return []byte(s), nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (n *Number) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `"+Inf"`:
		*n = Number(math.Inf(1))
	case `"-Inf"`:
		*n = Number(math.Inf(-1))
	case `"NaN"`:
		*n = Number(math.NaN())
	default:
		return json.Unmarshal(b, (*float64)(n))
	}
	return nil
}

// describe makes the description of a table that was not written yet.
func describe(s table.Spec, names algos.KeyNames) Table {
	return Table{Name: s.Name, Keys: s.Keys, Width: max(1, s.Width), Type: s.Type.String(), Rule: s.Rule.String(),
		Rows: names.Rows, Features: names.Features, Names: names.Names, Columns: names.Columns,
		Init: Init{Number(s.Init.Value), Number(s.Init.Spread), s.Init.Seed}}
}

// spec returns the specification of the table, but for its rule and store.
func (t Table) spec() (table.Spec, error) {
	s := table.Spec{Name: t.Name, Keys: t.Keys, Width: t.Width, Type: table.Int32 + 1,
		Init: table.Init{Value: float64(t.Init.Value), Spread: float64(t.Init.Spread), Seed: t.Init.Seed}}
	for typ := table.Float32; typ <= table.Int32; typ++ {
		if t.Type == typ.String() {
			s.Type = typ
		}
	}
	if s.Type > table.Int32 || t.Width < 1 {
		return s, fmt.Errorf("table %q: type %q, width %d", t.Name, t.Type, t.Width)
	}
	return s, s.Validate()
}

// files lists the files of the table.
func (t Table) files() []File {
	if t.Text == nil {
		return []File{t.Binary}
	}
	return []File{t.Binary, *t.Text}
}

// validate refuses what no Writer makes. After it, the names of files are those
// of tables and lead nowhere else.
func (m *Manifest) validate() error {
	if m.Path < 0 || m.Path > maxStages {
		return fmt.Errorf("a path of %d models", m.Path)
	}
	seen := map[string]bool{}
	for _, t := range m.Tables {
		if _, err := t.spec(); err != nil {
			return err
		}
		if seen[t.Name] {
			return fmt.Errorf("two tables are called %q", t.Name)
		}
		seen[t.Name] = true
		if t.Written > t.Keys {
			return fmt.Errorf("table %q: %d of %d keys written", t.Name, t.Written, t.Keys)
		}
		if t.Features > t.Keys || t.Features > m.Data.Features || uint64(len(t.Names)) > t.Keys-t.Features {
			return fmt.Errorf("table %q: %d features and %d names for %d keys", t.Name, t.Features, len(t.Names), t.Keys)
		}
		if t.Rows && (t.Features > 0 || len(t.Names) > 0) {
			return fmt.Errorf("table %q: its keys are rows, and %d features and %d names", t.Name, t.Features, len(t.Names))
		}
		if len(t.Columns) > 0 && len(t.Columns) != t.Width {
			return fmt.Errorf("table %q: %d names for %d values of a key", t.Name, len(t.Columns), t.Width)
		}
		names := []string{t.Name + ".bin", t.Name + ".txt"}
		for i, f := range t.files() {
			if sum, err := hex.DecodeString(f.SHA256); f.Name != names[i] || f.Bytes < 0 || err != nil || len(sum) != sha256.Size {
				return fmt.Errorf("table %q: file %q of %d bytes with sha256 %q", t.Name, f.Name, f.Bytes, f.SHA256)
			}
		}
	}
	if m.Calibration != nil {
		if err := m.Calibration.Check(); err != nil {
			return err
		}
	}
	_, err := dataset.Info{}.Merge(m.Data) // checks it
	return err
}

// document is the manifest as it stands in the file.
type document struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Manifest
	SHA256 string `json:"sha256"`
}

func (d document) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(d)
	return b.Bytes(), err
}

// A document without its digest ends in unsigned; what follows the digest is closing.
const (
	unsigned = `"sha256": "` + closing
	closing  = "\"\n}\n"
)

// digest is the SHA-256 of bytes, in hex.
func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// intact reports whether the bytes of a manifest are those that encode made, by their
// digest, sum. If not they may still say the same in other white space. It is never sure
// of text with a mark that encode puts in place of what is not UTF-8.
func intact(b []byte, sum string) bool {
	head, ok := bytes.CutSuffix(b, []byte(sum+closing))
	return ok && !bytes.Contains(b, []byte(`\ufffd`)) && digest(slices.Concat(head, []byte(closing))) == sum
}

// encode returns the file for a manifest. It refuses what would be read back as
// something else.
func (m *Manifest) encode() ([]byte, error) {
	d := document{Format: formatName, Version: version, Manifest: *m}
	d.Metrics = map[string]float64{}
	for name, v := range m.Metrics {
		if finite(v) {
			d.Metrics[name] = v
		}
	}
	if m.Objective != nil && !finite(*m.Objective) {
		d.Objective = nil
	}
	b, err := d.encode()
	if err != nil {
		return nil, err
	}
	b = slices.Concat(b[:len(b)-len(unsigned)], []byte(unsigned[:len(unsigned)-len(closing)]), []byte(digest(b)), []byte(closing))
	if len(b) > maxManifest {
		return nil, fmt.Errorf("%d bytes, more than %d", len(b), maxManifest)
	}
	if _, err := decode(b); err != nil {
		return nil, fmt.Errorf("text that is not UTF-8, or: %w", err)
	}
	return b, nil
}

// errForeign says that a manifest.json is of something else.
var errForeign = errors.New("this is not the manifest of a model")

// foreign says which bytes are no manifest of this version; nil if it cannot tell.
func foreign(b []byte) error {
	var which struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
		Petuum  string `json:"petuum"`
	}
	if err := json.Unmarshal(b, &which); err != nil || which.Format != formatName {
		return errForeign
	}
	if which.Version != version {
		return fmt.Errorf("version %d of the format, but this program reads %d: use the petuum that wrote it (%q)", which.Version, version, which.Petuum)
	}
	return nil
}

// decode reads the bytes of a manifest and checks them.
func decode(b []byte) (*Manifest, error) {
	var d document
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil || d.Format != formatName || d.Version != version || dec.InputOffset() < int64(len(b))-1 {
		if other := foreign(b); other != nil {
			return nil, other
		}
		if err != nil {
			return nil, fmt.Errorf("malformed: %w", err)
		}
	}
	if want := d.SHA256; !intact(b, want) {
		d.SHA256 = ""
		plain, err := d.encode()
		if err != nil {
			return nil, fmt.Errorf("malformed: %w", err)
		}
		if digest(plain) != want {
			return nil, errChecksum
		}
	}
	if err := d.validate(); err != nil {
		return nil, fmt.Errorf("impossible: %w", err)
	}
	return &d.Manifest, nil
}

// readManifest reads the manifest in dir; errors name the file.
func readManifest(dir string) (*Manifest, error) {
	path := filepath.Join(dir, manifestName)
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxManifest {
		return nil, fmt.Errorf("%s: more than %d bytes: %w", path, maxManifest, errForeign)
	}
	m, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// openFile opens a regular file; anything else might block.
func openFile(path string) (*os.File, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a file", path)
	}
	return os.Open(path)
}

// list returns the names of all files of the model, the manifest last.
func (m *Manifest) list() []string {
	var names []string
	for _, t := range m.Tables {
		for _, f := range t.files() {
			names = append(names, f.Name)
		}
	}
	return append(slices.Clip(names), manifestName)
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
