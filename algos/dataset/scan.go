package dataset

import (
	"fmt"
	"slices"
)

// A Part is the Index-th of Of slices of the input, as algorithms see it.
type Part struct {
	Index, Of int
	Labels    []float64 // of each row: the number, or what stands for the word
	Class     []int32   // of each row: index in Info.Classes; nil if those are not listed
	Weight    []float32 // of each row: finite and at least 0; nil where all are 1, see Info.Weighted
	X         Matrix    // columns are positions in Keys
	Keys      []uint64  // ascending: the feature ids, from 0, that may have a value in this part

	// RowOf is of each row, with Options.Pairs, the row of the training data that it is a
	// rating of, or Unknown; nil else. Columns of X are feature ids then, and Keys is nil.
	RowOf []uint64

	// Columns stands in place of X with Options.Columns: its row j lists the rows of the
	// part that have a value at position j. Keys is nil then if position j is that of
	// feature First+j: see Positions and Key.
	Columns *Matrix

	// First is the feature at position 0 where Keys is nil; above 0 only where parts are by
	// features (Info.ByFeatures).
	First uint64

	// FirstRow is the number of the part's first row in the order of all parts; 0 where
	// parts are by features or streamed.
	FirstRow uint64

	// Strangers are the ratings that are in X of no part, as Options.Like does not have their
	// user or their item.
	Strangers []Stranger

	// Dropped is how many values were left out, as Options.Like does not have their features
	// or users. Where a process reads all of the input (ReadWhole) part 0 tells of all.
	Dropped uint64

	// Stream has the rows where they are read while the algorithm learns
	// (Options.Stream); all else is empty then.
	Stream *Stream

	// Blocks restores the order of the input where it is not that of the parts (nil
	// if it is): rows come in blocks, and those of all parts, sorted by file and
	// number, are in the order of the input.
	Blocks []Block
}

// Block is some rows of a part that stand together in a file.
type Block struct {
	File   int32 // in Info.Files
	Number int32 // ascending within the file
	Rows   int32
}

// Scanned is some parts of an input, parsed but not yet numbered like the others.
type Scanned struct {
	in     *input
	binary *binaryFile // in place of all that is read, of binary data
	parts  []int
	read   []*assembly  // parallel to parts; nil where cached, and after Parts
	cache  []*partCache // parallel to parts; nil where there is none
	infos  []Info       // parallel to parts
	notes  []Note
	done   bool
	// mapped is the number of parts that came from the cache.
	mapped int
}

// Scan parses the given parts (each below of) of the files in one pass, on all
// processors, or maps them from the cache. Where several lines are malformed the
// error is about the first of the plain files, else of the others.
func Scan(paths []string, o Options, parts []int, of int) (*Scanned, error) {
	o, err := o.resolved()
	if err != nil {
		return nil, err
	}
	sources, err := findSources(paths, o)
	if err != nil {
		return nil, err
	}
	return scan(sources, o, parts, of)
}

// ReadTest reads some parts of test data, which Options.Like numbers: so nothing needs to
// be known of the others, but FirstRow, which is 0 of all but ratings.
func ReadTest(paths []string, o Options, parts []int, of int) ([]*Part, error) {
	s, err := Scan(paths, o, parts, of)
	if err != nil {
		return nil, err
	}
	var info Info
	for _, p := range parts {
		if info, err = info.Merge(s.Info(p)); err != nil {
			return nil, err
		}
	}
	info.PartRows = nil
	return s.Parts(info)
}

// scan is Scan with resolved options.
func scan(sources []*source, o Options, parts []int, of int) (*Scanned, error) {
	name := sources[0].path
	if of < 1 {
		return nil, fmt.Errorf("dataset: %s: %d parts: want at least 1", name, of)
	}
	seen := make(map[int]bool, len(parts))
	for _, p := range parts {
		if p < 0 || p >= of || seen[p] {
			return nil, fmt.Errorf("dataset: %s: part %d of %d does not exist or is named twice", name, p, of)
		}
		seen[p] = true
	}
	if isBinary(name, o) {
		b, err := openBinary(sources, o)
		if err != nil {
			return nil, err
		}
		return b.scan(slices.Clone(parts), of)
	}
	kept := o.Cache
	if o.Stream || o.ofFiles() {
		o.Cache = ""
	}
	in, err := newInput(sources, o, of)
	if err != nil {
		return nil, err
	}
	s := &Scanned{in: in, parts: slices.Clone(parts), read: make([]*assembly, len(parts)),
		cache: make([]*partCache, len(parts)), infos: make([]Info, len(parts))}
	if o.Stream {
		if kept != "" {
			s.notes = append(s.notes, Note{true, "data.cache: data that is streamed from disk is not kept"})
		}
		return s, s.samples()
	}
	if o.ofFiles() && kept != "" {
		s.notes = append(s.notes, Note{true, "data.cache: documents of a file each are not kept"})
	}
	var missing []int // places in parts
	for i, p := range parts {
		if o.Cache != "" {
			var notes []Note
			s.cache[i], notes = in.cacheOf(p)
			s.notes = append(s.notes, notes...)
		}
		if c := s.cache[i]; c != nil && c.file != nil {
			s.infos[i] = c.meta.Own
		} else {
			missing = append(missing, i)
		}
	}
	return s, s.scan(missing)
}

// scan parses the parts at some places.
func (s *Scanned) scan(places []int) error {
	if len(places) == 0 {
		return nil
	}
	var numbers []int
	var read []*assembly
	for _, i := range places {
		s.read[i] = &assembly{}
		numbers, read = append(numbers, s.parts[i]), append(read, s.read[i])
	}
	scan := s.in.text
	switch format := s.in.layouts[0].format; {
	case format == MM:
		scan = s.in.matrix
	case listsEntries(format):
		scan = s.in.listed
	case s.in.options.ofFiles():
		scan = s.in.documents
	}
	if err := scan(numbers, read); err != nil {
		return err
	}
	if err := s.in.unchanged(); err != nil {
		return err
	}
	for _, i := range places {
		if s.read[i].made != nil {
			s.infos[i] = s.read[i].info
			continue
		}
		if err := s.read[i].finish(s.in.layouts[0], s.in.files); err != nil {
			return err
		}
		own := &s.read[i].info
		own.PartRows = []uint64{own.Rows}
		s.infos[i] = *own
	}
	return nil
}

// samples reads some rows of each part.
func (s *Scanned) samples() error {
	if err := s.in.streamable(); err != nil {
		return err
	}
	for i := range s.parts {
		if err := s.sample(i); err != nil {
			return err
		}
	}
	return s.in.unchanged()
}

// Info returns the facts of part p, or Info{} if it was not scanned.
func (s *Scanned) Info(p int) Info {
	if i := slices.Index(s.parts, p); i >= 0 {
		return s.infos[i]
	}
	return Info{}
}

// Cached returns how many parts were mapped from the cache.
func (s *Scanned) Cached() int { return s.mapped }

// Notes tells what became of the cache so far.
func (s *Scanned) Notes() []Note { return s.notes }

// Parts returns the parts in the order they were asked for, with feature ids,
// labels and classes as the merged info of all parts of the input numbers them,
// which need not have names. It hands over the memory and can be called once. What
// was parsed is put in the cache, if there is one; that it cannot be is a note.
func (s *Scanned) Parts(info Info) ([]*Part, error) {
	parts, err := s.allParts(info)
	if like := s.in.options.Like; like != nil && info.Format == Ratings {
		info = *like // whose rows these are
	}
	for i, part := range parts {
		part.FirstRow, part.Dropped = info.firstRow(part.Index), s.infos[i].Dropped
	}
	return parts, err
}

// allParts is Parts, but for FirstRow.
func (s *Scanned) allParts(info Info) ([]*Part, error) {
	name := s.in.sources[0].path
	info, err := info.Settled()
	if err != nil {
		return nil, err
	}
	if s.done && len(s.parts) > 0 {
		return nil, fmt.Errorf("dataset: %s: parts were handed over before", name)
	}
	if err := info.check(); err != nil {
		return nil, err
	}
	if s.binary != nil {
		s.done = true
		return s.binaries(info)
	}
	if s.in.options.Stream {
		s.done = true
		return s.streams(info)
	}
	var outdated []int
	for i := range s.parts {
		if info.Format != s.infos[i].Format || info.sameFiles(s.infos[i]) != nil {
			return nil, fmt.Errorf("dataset: %s: the merged info is not of this input", name)
		}
		if s.read[i] == nil && !s.cache[i].serves(info) {
			s.notes = append(s.notes, Note{false, fmt.Sprintf("part %d: the cache is made anew: other parts of the input changed: %s", s.parts[i], s.cache[i].path)})
			outdated = append(outdated, i)
		}
	}
	if err := s.scan(outdated); err != nil {
		return nil, err
	}
	for i, a := range s.read {
		if a != nil && !a.fits(info) {
			return nil, fmt.Errorf("dataset: %s: the merged info lacks what part %d has", name, s.parts[i])
		}
	}
	s.done = true
	parts := make([]*Part, len(s.parts))
	for i := range parts {
		var err error
		if parts[i], err = s.part(i, info); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// part returns the part at a place, from the cache or from what was read.
func (s *Scanned) part(i int, info Info) (*Part, error) {
	p, c := s.parts[i], s.cache[i]
	if s.read[i] == nil {
		part, err := c.part(p, s.in.of, info.Weighted)
		if err == nil {
			if err := c.again(s.in); err != nil {
				s.notes = append(s.notes, Note{true, fmt.Sprintf("part %d: the cache is not brought up to date: %v", p, err)})
			}
			s.mapped++
			s.notes = append(s.notes, Note{false, fmt.Sprintf("part %d is mapped from the cache %s", p, c.path)})
			return part, nil
		}
		s.notes = append(s.notes, Note{true, fmt.Sprintf("part %d: the cache is made anew: %s: %v", p, c.path, err)})
		if err := s.scan([]int{i}); err != nil {
			return nil, err
		}
		if !s.read[i].fits(info) {
			return nil, fmt.Errorf("dataset: %s changed while it was read", s.in.sources[0].path)
		}
	}
	a := s.read[i]
	s.read[i] = nil
	own, digests := a.info, a.digests
	part, err := a.part(p, s.in.of, info)
	if err == nil && s.in.options.Columns {
		part.turn()
	}
	if err != nil || c == nil {
		return part, err
	}
	if err := c.write(s.in, own, info.WithoutNames(), digests, part); err != nil {
		s.notes = append(s.notes, Note{true, fmt.Sprintf("part %d: no cache is made: %v", p, err)})
	} else {
		s.notes = append(s.notes, Note{false, fmt.Sprintf("part %d is in the cache %s from now on", p, c.path)})
	}
	return part, nil
}
