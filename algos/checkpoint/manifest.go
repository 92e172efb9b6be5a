// Package checkpoint keeps the state of a whole job on disk, all of it at one clock: the
// rows of its tables with the state of their rules, what its parts and its scheduler
// saved, and what it takes to judge whether another run is the same job.
//
//	PATH/00000007/           the checkpoint: the highest number counts
//	    manifest.json        written last: what is there, with the sha256 of every file,
//	                         and in its last line its own
//	    table-NAME           rows: key, values and state
//	    part-3               what part 3 saved
//	    scheduler            what the scheduler's instance saved
//	PATH/.new-8d0c...        one being written, or what a crash left of it
//
// A checkpoint appears under its number by one rename, after all of it is on disk, and
// those before it go after that. So there is always a whole one, from the first on.
package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/durable"
	"petuum/consistency"
	"petuum/table"
)

// Job is what has to be the same for a job to go on.
type Job struct {
	Algorithm  string       `json:"algorithm"`
	Parameters string       `json:"parameters"` // a line each, key = value
	Seed       uint64       `json:"seed"`
	Parts      int          `json:"parts"`
	Data       dataset.Info `json:"data"` // of the training data, with the digests of its files
	Tables     []Table      `json:"tables"`
}

// Table is what a table is, as far as its rows depend on it.
type Table struct {
	Name string      `json:"name"`
	Keys uint64      `json:"keys"`
	Row  int         `json:"row"` // bytes of values and state
	Type string      `json:"type"`
	Rule string      `json:"rule"`
	Init *table.Init `json:"init,omitempty"`
}

// TableOf describes a table.
func TableOf(s table.Spec) Table {
	t := Table{Name: s.Name, Keys: s.Keys, Row: s.WholeBytes(), Type: s.Type.String(), Rule: s.Rule.String()}
	if s.Init.Value-s.Init.Value == 0 { // which JSON can hold
		t.Init = &s.Init
	}
	return t
}

// Manifest is what a checkpoint says of itself.
type Manifest struct {
	Format  int               `json:"format"`
	Petuum  string            `json:"petuum"`
	Job     Job               `json:"job"`
	Start   consistency.Clock `json:"start"` // of the first round
	Clock   consistency.Clock `json:"clock"` // that all of it is of
	Seconds float64           `json:"seconds"`
	Done    string            `json:"done,omitempty"` // why the job had ended; "" if it had not
	Curve   []algos.Point     `json:"curve"`          // up to Clock
	Best    *algos.Leader     `json:"best,omitempty"` // of evaluations before
	Files   []File            `json:"files"`
}

// File is a file of a checkpoint.
type File struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

const (
	format       = 1
	manifestName = "manifest.json"
	sumPrefix    = "\nsha256 "
	mostManifest = 1 << 30 // bytes
)

// The names of the files of a checkpoint.

// TableFile is that of a table's rows.
func TableFile(name string) string { return "table-" + name }

// PartFile is that of what a part saved.
func PartFile(part int) string { return fmt.Sprintf("part-%d", part) }

// SchedulerFile is that of what the scheduler's instance saved.
const SchedulerFile = "scheduler"

func (m Manifest) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("checkpoint: the manifest: %w", err)
	}
	text := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	sum := sha256.Sum256(text)
	return append(text, sumPrefix+hex.EncodeToString(sum[:])+"\n"...), nil
}

// readManifest reads and checks the manifest in dir.
func readManifest(dir string) (m Manifest, err error) {
	path := filepath.Join(dir, manifestName)
	bad := func(format string, args ...any) (Manifest, error) {
		return Manifest{}, fmt.Errorf("checkpoint: %s: "+format, append([]any{path}, args...)...)
	}
	if fi, err := os.Stat(path); err != nil {
		return bad("%w", durable.Cause(err))
	} else if fi.Size() > mostManifest {
		return bad("it has %d bytes, more than any manifest", fi.Size())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return bad("%w", durable.Cause(err))
	}
	at := bytes.LastIndex(b, []byte(sumPrefix))
	if at < 0 {
		return bad("it is no manifest of a checkpoint, or cut short")
	}
	sum := sha256.Sum256(b[:at])
	if string(b[at:]) != sumPrefix+hex.EncodeToString(sum[:])+"\n" {
		return bad("its checksum is not that of its text: it is damaged")
	}
	if err := json.Unmarshal(b[:at], &m); err != nil {
		return bad("%w", err)
	}
	if m.Format != format {
		return bad("format %d, but this program reads %d", m.Format, format)
	}
	seen := map[string]bool{manifestName: true}
	for _, f := range m.Files {
		if f.Name == "" || f.Name != filepath.Base(f.Name) || strings.HasPrefix(f.Name, ".") || f.Bytes < 0 || seen[f.Name] {
			return bad("file %q of %d bytes", f.Name, f.Bytes)
		}
		seen[f.Name] = true
	}
	if m.Clock < m.Start || m.Start < 0 || m.Job.Parts < 1 || len(m.Curve) == 0 {
		return bad("clock %d after %d, %d parts, %d evaluations", m.Clock, m.Start, m.Job.Parts, len(m.Curve))
	}
	return m, nil
}

// Differs says in what two jobs are not the same, as far as both are known: before the
// data is read a job has no tables.
func (j Job) Differs(now Job) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if j.Algorithm != now.Algorithm {
		bad("job.algorithm was %s and is %s", j.Algorithm, now.Algorithm)
	} else if old, here := difference(j.Parameters, now.Parameters); old != here {
		bad("the parameters of %s had %q and have %q", j.Algorithm, old, here)
	}
	if j.Seed != now.Seed {
		bad("job.seed was %d and is %d", j.Seed, now.Seed)
	}
	if j.Parts != now.Parts {
		bad("the data was cut into %d parts and is into %d: set cluster.parts = %d", j.Parts, now.Parts, j.Parts)
	}
	if now.Tables != nil && len(errs) == 0 {
		if err := sameData(j.Data, now.Data); err != nil {
			errs = append(errs, err)
		} else if !slices.EqualFunc(j.Tables, now.Tables, Table.same) {
			bad("the tables were %s and are %s", list(j.Tables), list(now.Tables))
		}
	}
	return errors.Join(errs...)
}

func (t Table) same(o Table) bool { return t.String() == o.String() }

// String is all of it in a word or two.
func (t Table) String() string {
	b, _ := json.Marshal(t)
	return string(b)
}

func list(tables []Table) string {
	var names []string
	for _, t := range tables {
		names = append(names, t.String())
	}
	return strings.Join(names, ", ")
}

// difference finds the first lines that only one of two texts has.
func difference(a, b string) (onlyA, onlyB string) {
	as, bs := strings.Split(strings.TrimSpace(a), "\n"), strings.Split(strings.TrimSpace(b), "\n")
	for _, line := range as {
		if onlyA == "" && !slices.Contains(bs, line) {
			onlyA = line
		}
	}
	for _, line := range bs {
		if onlyB == "" && !slices.Contains(as, line) {
			onlyB = line
		}
	}
	return onlyA, onlyB
}

// sameData says what of the training data is not as it was.
func sameData(was, is dataset.Info) error {
	if len(was.Files) != len(is.Files) {
		return fmt.Errorf("the training data was %d files and is %d", len(was.Files), len(is.Files))
	}
	for i, f := range was.Files {
		switch g := is.Files[i]; {
		case f.Name != g.Name:
			return fmt.Errorf("file %d of the training data was %s and is %s", i+1, f.Name, g.Name)
		case f.Bytes != g.Bytes:
			return fmt.Errorf("%s of the training data had %d bytes and has %d", f.Name, f.Bytes, g.Bytes)
		case f != g:
			return fmt.Errorf("the content of %s of the training data is another", f.Name)
		}
	}
	a, err := json.MarshalIndent(was, "", "")
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(is, "", "")
	if err != nil {
		return err
	}
	if old, here := difference(string(a), string(b)); old != here {
		return fmt.Errorf("the training data is read in another way: it had %q and has %q", old, here)
	}
	return nil
}
