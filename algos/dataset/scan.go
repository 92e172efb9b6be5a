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
	X         Matrix    // columns are positions in Keys
	Keys      []uint64  // ascending: the feature ids, from 0, that have a value in this part

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
	name  string // for messages
	of    int
	parts []int
	read  []*assembly // parallel to parts; nil after Parts
	infos []Info      // parallel to parts
}

// Scan parses the given parts (each below of) of the files in one pass, on all
// processors. Where several lines are malformed the error is about the first of the
// plain files, else of the others.
func Scan(paths []string, o Options, parts []int, of int) (*Scanned, error) {
	o, err := o.resolved()
	if err != nil {
		return nil, err
	}
	sources, err := findSources(paths)
	if err != nil {
		return nil, err
	}
	return scan(sources, o, parts, of)
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
	in, err := newInput(sources, o, of)
	if err != nil {
		return nil, err
	}
	s := &Scanned{name: name, of: of, parts: slices.Clone(parts), read: make([]*assembly, len(parts))}
	for i := range s.read {
		s.read[i] = &assembly{}
	}
	if in.layouts[0].format == MM {
		err = s.matrix(in)
	} else {
		err = s.text(in)
	}
	if err != nil {
		return nil, err
	}
	for _, a := range s.read {
		if err := a.finish(in.layouts[0], in.files); err != nil {
			return nil, err
		}
		s.infos = append(s.infos, a.info)
	}
	return s, nil
}

// Info returns the facts of part p, or Info{} if it was not scanned.
func (s *Scanned) Info(p int) Info {
	if i := slices.Index(s.parts, p); i >= 0 {
		return s.infos[i]
	}
	return Info{}
}

// Parts returns the parts in the order they were asked for, with feature ids,
// labels and classes as the merged info of all parts of the input numbers them,
// which need not have names. It hands over the memory and can be called once.
func (s *Scanned) Parts(info Info) ([]*Part, error) {
	if s.read == nil && len(s.parts) > 0 {
		return nil, fmt.Errorf("dataset: %s: parts were handed over before", s.name)
	}
	if err := info.check(); err != nil {
		return nil, err
	}
	for i, a := range s.read {
		mine := s.infos[i]
		if info.Format != mine.Format || info.sameFiles(mine) != nil {
			return nil, fmt.Errorf("dataset: %s: the merged info is not of this input", s.name)
		}
		if !a.fits(info) {
			return nil, fmt.Errorf("dataset: %s: the merged info lacks what part %d has", s.name, s.parts[i])
		}
	}
	read := s.read
	s.read = nil
	parts := make([]*Part, len(s.parts))
	for i, a := range read {
		var err error
		if parts[i], err = a.part(s.parts[i], s.of, info); err != nil {
			return nil, err
		}
	}
	return parts, nil
}
