package dataset

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"petuum/algos/dataset/cache"
)

// cacheVersion is that of what caches hold: what text means to this package, too. A
// cache of another version is made anew.
const cacheVersion = 3

// cacheMeta is what a cache says of a part beside its slices.
type cacheMeta struct {
	Own    Info // of the part
	Merged Info // that the part is numbered by
	Files  []cachedFile
	Rows   int // of the matrix, which is of columns with Turned
	Cols   int
	NNZ    int
	Turned bool `json:",omitempty"` // Options.Columns
	Index  indexKind
	Value  valueKind
	Blocks []Block
}

// cachedFile is a file of the input, as it was when the part was read.
type cachedFile struct {
	Identity cache.Identity
	Noted    int64          // when that was, ns since 1970, by the clock of the cache's folder
	Digests  []cache.Digest // of the bytes that the part was made of
}

// The sections of a cache, each a slice of numbers.
const (
	labelSection = iota
	classSection
	keySection
	ptrSection
	idx16Section
	idx32Section
	val32Section
	val64Section
	weightSection
	sectionCount
)

// A Note is something about a cache that a user may want to know.
type Note struct {
	Problem bool   `json:"problem"` // a cache could not be used or written, which costs time only
	Text    string `json:"text"`
}

// partCache is the cache of one part.
type partCache struct {
	path  string
	key   cache.Key
	file  *cache.File // nil if there is no valid one
	meta  cacheMeta
	used  map[int]bool // files that the part is made of
	renew bool         // files were read to know that the cache is valid: next time that can be spared
}

// cacheOf returns the cache of part p, open if it is valid.
func (in *input) cacheOf(p int) (*partCache, []Note) {
	c := &partCache{used: make(map[int]bool)}
	note := func(problem bool, format string, args ...any) []Note {
		return []Note{{problem, fmt.Sprintf("part %d: ", p) + fmt.Sprintf(format, args...)}}
	}
	if err := in.identify(c, p); err != nil {
		return nil, note(true, "no cache: %v", err)
	}
	f, err := cache.Open(c.path, c.key)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	var stale *cache.StaleError
	var damaged *cache.DamagedError
	switch {
	case errors.As(err, &stale), errors.As(err, &damaged):
		return c, note(true, "the cache is made anew: %v", err)
	case err != nil:
		return nil, note(true, "no cache: %v", err)
	}
	why := json.Unmarshal(f.Meta(), &c.meta)
	if why == nil {
		why = c.meta.check(f.Sections())
	}
	if why != nil {
		f.Close()
		return c, note(true, "the cache is made anew: %s: %v", c.path, why)
	}
	if why := in.changed(c); why != "" {
		f.Close()
		return c, note(false, "the cache is made anew: %s: %s", c.path, why)
	}
	c.file = f
	c.meta.Own.Files = in.files // files of other parts may have changed
	return c, nil
}

// identify finds the path and the key of the cache of a part, and the files that it is
// made of.
func (in *input) identify(c *partCache, p int) error {
	var paths, layouts []string
	for i, s := range in.sources {
		c.used[i] = s.codec != "" && in.wholes[i] < 0 || ReadWhole(in.layouts[0].format)
		path, err := filepath.Abs(s.path)
		if err != nil {
			return err
		}
		paths = append(paths, path)
	}
	for _, span := range in.spans(p) {
		c.used[span.file] = true
	}
	for i := range in.sources {
		layouts = append(layouts, "")
		if c.used[i] || i == 0 {
			if err := in.look(i); err != nil {
				return err
			}
			l := *in.layouts[i]
			l.options = Options{}
			layouts[i] = fmt.Sprintf("%+v", l)
		}
	}
	o := in.options
	o.Cache = ""
	for i := range in.extra {
		c.used[len(in.sources)+i] = true
	}
	name, err := cache.KeyOf([]any{paths, o, p, in.of})
	if err != nil {
		return err
	}
	c.path = filepath.Join(in.options.Cache, filepath.Base(paths[0])+"."+hex.EncodeToString(name[:12])+".cache")
	c.key, err = cache.KeyOf([]any{cacheVersion, o, p, in.of, layouts})
	return err
}

// path is that of a file: of labels and weights behind all others.
func (in *input) path(i int) string {
	if i < len(in.sources) {
		return in.sources[i].path
	}
	return in.extra[i-len(in.sources)]
}

// identities is what the system says of the files now.
func (in *input) identities() (ids []cache.Identity, err error) {
	for i := range in.files {
		var id cache.Identity
		if i >= len(in.sources) || in.sources[i].r == nil { // else it is in memory
			id, err = cache.Stat(in.path(i))
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// sameFile says whether a file is the one it was.
func sameFile(now, was cache.Identity) bool {
	return now.Size == was.Size && now.Modified == was.Modified && now.Inode == was.Inode && now.Device == was.Device
}

func (in *input) changedError(i int) error {
	return fmt.Errorf("dataset: %s changed while it was read: start again when nobody writes to it", in.path(i))
}

// unchanged returns an error if a file is not the one it was, as what was read of it
// may be of both.
func (in *input) unchanged() error {
	now, err := in.identities()
	if err != nil {
		return err
	}
	for i, id := range now {
		if !sameFile(id, in.ids[i]) {
			return in.changedError(i)
		}
	}
	return nil
}

// changed tells why the input is not what the cache was made of, "" if it is. Files
// that are not known to be unchanged are read, which takes a fraction of parsing them.
func (in *input) changed(c *partCache) string {
	if len(c.meta.Files) != len(in.ids) {
		return "it is of another number of files"
	}
	for i, was := range c.meta.Files {
		now, path := in.ids[i], in.path(i)
		if now.Size != was.Identity.Size {
			return fmt.Sprintf("%s had %d bytes, now %d", path, was.Identity.Size, now.Size)
		}
		if !c.used[i] || now.Trusted(was.Identity, was.Noted) {
			continue
		}
		if err := cache.Unchanged(path, was.Digests); err != nil {
			return err.Error()
		}
		c.renew = now.Trusted(now, in.noted)
	}
	return ""
}

// check refuses a meta that contradicts itself or its sections.
func (m *cacheMeta) check(sections [][]byte) error {
	bad := errors.New("it contradicts itself")
	if len(sections) != sectionCount || m.Rows < 0 || m.Cols < 0 || m.NNZ < 0 || m.Index > index32 || m.Value > values64 {
		return bad
	}
	if err := errors.Join(m.Own.check(), m.Merged.check()); err != nil {
		return err
	}
	stored, rows, features := m.NNZ, m.Rows, m.Cols
	if m.Turned {
		rows, features = m.Cols, m.Rows
	}
	if m.Index == dense {
		if m.Cols > 0 && m.Rows > (1<<56)/m.Cols || m.Value == ones && m.Rows > 0 {
			return bad
		}
		stored = m.Rows * m.Cols
	}
	want := [sectionCount]int{keySection: 8 * features}
	if m.Turned && len(sections[keySection]) == 0 { // position j is that of feature j
		want[keySection] = 0
	}
	if !m.Merged.Unlabelled {
		want[labelSection] = 8 * rows
		if m.Merged.Classes != nil {
			want[classSection] = 4 * rows
		}
	}
	if m.Own.Weighted {
		want[weightSection] = 4 * rows
	}
	if m.Index != dense {
		want[ptrSection] = 8 * (m.Rows + 1)
	}
	switch m.Index {
	case index16:
		want[idx16Section] = 2 * m.NNZ
	case index32:
		want[idx32Section] = 4 * m.NNZ
	}
	switch m.Value {
	case values32:
		want[val32Section] = 4 * stored
	case values64:
		want[val64Section] = 8 * stored
	}
	for k, n := range want {
		if len(sections[k]) != n {
			return bad
		}
	}
	return nil
}

// part returns the part of an open cache, with weights if some part has any. Everything that serves as an index is
// checked: the matrix is used without.
func (c *partCache) part(p, of int, weighted bool) (*Part, error) {
	m := &c.meta
	part := &Part{Index: p, Of: of, Blocks: m.Blocks}
	x := Matrix{rows: m.Rows, cols: m.Cols, nnz: m.NNZ, index: m.Index, value: m.Value}
	s := c.file.Sections()
	if err := errors.Join(
		view(&part.Labels, s[labelSection]), view(&part.Class, s[classSection]), view(&part.Keys, s[keySection]),
		view(&x.ptr, s[ptrSection]), view(&x.idx16, s[idx16Section]), view(&x.idx32, s[idx32Section]),
		view(&x.val32, s[val32Section]), view(&x.val64, s[val64Section]), view(&part.Weight, s[weightSection]),
	); err != nil {
		return nil, err
	}
	bad := errors.New("it contradicts itself")
	rows := m.Rows
	if m.Turned {
		rows = m.Cols
	}
	if weighted && !m.Own.Weighted { // the weights are in other parts
		part.Weight = evenWeights(rows)
	}
	if part.Labels == nil && !m.Merged.Unlabelled { // a part without rows
		part.Labels = []float64{}
	}
	if x.index != dense {
		if x.ptr[0] != 0 || x.ptr[x.rows] != int64(x.nnz) || !slices.IsSorted(x.ptr) {
			return nil, bad
		}
		if n := uint64(x.cols); !below(x.idx16, n) || !below(x.idx32, n) {
			return nil, bad
		}
	}
	for i, key := range part.Keys {
		if key >= m.Merged.Features || i > 0 && part.Keys[i-1] >= key {
			return nil, bad
		}
	}
	for _, k := range part.Class {
		if k < 0 || int(k) >= len(m.Merged.Classes) {
			return nil, bad
		}
	}
	if m.Turned {
		part.Columns = &x
		return part, nil
	}
	part.X = x
	return part, nil
}

func view[T cache.Number](x *[]T, section []byte) (err error) {
	*x, err = cache.View[T](section)
	return err
}

// below says whether all of x are, on all processors.
func below[T uint16 | uint32](x []T, n uint64) bool {
	workers := runtime.GOMAXPROCS(0)
	var bad atomic.Bool
	var wg sync.WaitGroup
	for chunk := range slices.Chunk(x, max(1, (len(x)+workers-1)/workers)) {
		wg.Go(func() {
			most := T(0)
			for _, v := range chunk {
				most = max(most, v)
			}
			if uint64(most) >= n {
				bad.Store(true)
			}
		})
	}
	wg.Wait()
	return !bad.Load()
}

// again writes the cache with what the system says of the files now, if that is
// worth it.
func (c *partCache) again(in *input) error {
	if !c.renew {
		return nil
	}
	for i := range c.meta.Files {
		f := &c.meta.Files[i]
		f.Identity, f.Noted = in.ids[i], in.noted
	}
	meta, err := json.Marshal(c.meta)
	if err != nil {
		return err
	}
	return cache.Write(c.path, c.key, meta, c.file.Sections())
}

// write makes the cache of a part that was read, unless the input changed meanwhile.
func (c *partCache) write(in *input, own, merged Info, digests map[int][]cache.Digest, part *Part) error {
	files := make([]cachedFile, len(in.ids))
	for i, id := range in.ids {
		f := &files[i]
		f.Identity, f.Noted, f.Digests = id, in.noted, digests[i]
		if !c.used[i] {
			continue
		}
		path := in.path(i)
		now, err := cache.Stat(path)
		if err != nil {
			return err
		}
		if now != id {
			return fmt.Errorf("%s changed while it was read", path)
		}
		if f.Digests != nil {
			continue
		}
		d, known := in.digests[i]
		if !known { // it was not read as text, but whole
			if d, err = cache.DigestFile(path, now.Size); err != nil {
				return err
			}
			in.digests[i] = d
		}
		f.Digests = []cache.Digest{d}
	}
	x, weights := &part.X, part.Weight
	if part.Columns != nil {
		x = part.Columns
	}
	if !own.Weighted {
		weights = nil
	}
	meta, err := json.Marshal(cacheMeta{Own: own, Merged: merged, Files: files, Rows: x.rows, Cols: x.cols, NNZ: x.nnz,
		Turned: part.Columns != nil, Index: x.index, Value: x.value, Blocks: part.Blocks})
	if err != nil {
		return err
	}
	return cache.Write(c.path, c.key, meta, [][]byte{
		labelSection: cache.Bytes(part.Labels), classSection: cache.Bytes(part.Class), keySection: cache.Bytes(part.Keys),
		ptrSection: cache.Bytes(x.ptr), idx16Section: cache.Bytes(x.idx16), idx32Section: cache.Bytes(x.idx32),
		val32Section: cache.Bytes(x.val32), val64Section: cache.Bytes(x.val64), weightSection: cache.Bytes(weights),
	})
}

// serves says whether the cached part is numbered as info says.
func (c *partCache) serves(info Info) bool {
	was, _ := json.Marshal(c.meta.Merged.numbering())
	is, _ := json.Marshal(info.numbering())
	return bytes.Equal(was, is)
}

// numbering is what decides about the numbers of features, labels and classes.
func (a Info) numbering() Info {
	return Info{Base: a.Base, Features: a.Features, Classes: a.Classes, Columns: a.Columns, Numeric: a.Numeric, Unlabelled: a.Unlabelled}
}
