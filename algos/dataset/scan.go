package dataset

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// blockLines is the number of lines in which compressed files are dealt out.
const blockLines = 256

// A Part is the Index-th of Of slices of the input, as algorithms see it.
type Part struct {
	Index, Of int
	Labels    []float64 // of each row: the number, or what stands for the word
	Class     []int32   // of each row: index in Info.Classes; nil if those are not listed
	X         Matrix    // columns are positions in Keys
	Keys      []uint64  // ascending: the feature ids, from 0, that have a value in this part

	// Blocks restores the order of the file where it was dealt out (nil if not):
	// Blocks[j] rows of this part, after those of Blocks[:j], are the rows of
	// block j·Of + Index of the file.
	Blocks []int32
}

// Scanned is some parts of a file, parsed but not yet numbered like the others.
type Scanned struct {
	path     string
	of       int
	parts    []int
	builders []*builder // parallel to parts; nil after Parts
	infos    []Info     // parallel to parts
}

// Scan parses the given parts (each below of) of a file in one pass: a plain
// file with one goroutine per processor, a compressed file with one. Where several
// lines are malformed the error is about the first.
func Scan(path string, o Options, parts []int, of int) (*Scanned, error) {
	o, err := o.resolved()
	if err != nil {
		return nil, err
	}
	f, src, err := openSource(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return scan(src, o, parts, of)
}

// scan is Scan with resolved options.
func scan(src *source, o Options, parts []int, of int) (*Scanned, error) {
	if of < 1 {
		return nil, fmt.Errorf("dataset: %s: %d parts: want at least 1", src.path, of)
	}
	seen := make(map[int]bool, len(parts))
	for _, p := range parts {
		if p < 0 || p >= of || seen[p] {
			return nil, fmt.Errorf("dataset: %s: part %d of %d does not exist or is named twice", src.path, p, of)
		}
		seen[p] = true
	}
	l, err := src.layout(o)
	if err != nil {
		return nil, err
	}
	s := &Scanned{path: src.path, of: of, parts: slices.Clone(parts)}
	for range parts {
		s.builders = append(s.builders, newBuilder(l))
	}
	if src.codec != "" {
		err = s.deal(src, l)
	} else {
		err = s.slice(src, l)
	}
	if err != nil {
		return nil, err
	}
	for _, b := range s.builders {
		info := b.info()
		if err := info.checkFeatures(); err != nil {
			return nil, err
		}
		s.infos = append(s.infos, info)
	}
	return s, nil
}

// layout reads the beginning of the file.
func (s *source) layout(o Options) (*layout, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	r, free, err := s.stream()
	if err != nil {
		return nil, err
	}
	defer free()
	name, _ := s.name()
	lines := newLineReader(r, 0)
	l, err := readLayout(lines, name, s.size, o)
	var f faultError
	switch {
	case errors.As(err, &f):
		return nil, &SyntaxError{s.path, lines.lines, f.at + 1, f.what}
	case err == errLongLine:
		return nil, &SyntaxError{s.path, lines.lines + 1, 1, err.Error()}
	case lines.err != nil && lines.err != io.EOF && err == lines.err:
		return nil, err // names the file
	case err != nil:
		return nil, fmt.Errorf("dataset: %s: %w", s.path, err)
	}
	return l, nil
}

// slice reads the parts of a plain file, as many at a time as there are processors.
func (s *Scanned) slice(src *source, l *layout) error {
	order := make([]int, len(s.parts)) // places in s.parts, by part
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return s.parts[i] - s.parts[j] })
	var (
		errs = make([]error, len(order))
		next atomic.Int64
		bad  atomic.Bool
		wg   sync.WaitGroup
	)
	for range min(len(order), runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			// Parts are taken in order, so those before a bad one are read to their end.
			for !bad.Load() {
				k := int(next.Add(1)) - 1
				if k >= len(order) {
					return
				}
				i := order[k]
				if errs[k] = s.builders[i].slice(src, l, s.parts[i], s.of); errs[k] != nil {
					bad.Store(true)
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// slice reads part p of a plain file.
func (b *builder) slice(src *source, l *layout, p, of int) error {
	defer b.finish()
	begin, end := src.cut(p, of), src.cut(p+1, of)
	if begin == end {
		return nil
	}
	// The line before the part's first one ends with the newline at or after begin-1.
	from := max(0, begin-1)
	lines := newLineReader(src.section(from, src.size), from)
	if begin > 0 {
		if err := lines.skip(1); err != nil && err != io.EOF {
			return err
		}
	}
	for lines.off < end {
		line, off, err := lines.next()
		if err == io.EOF {
			return fmt.Errorf("dataset: %s became shorter while it was read", src.path)
		}
		var f *fault
		switch {
		case err == errLongLine:
			f = &fault{0, err.Error()}
		case err != nil:
			return err
		case off != l.header:
			f = b.line(line)
		}
		if f != nil {
			return src.syntaxError(f, off)
		}
	}
	return nil
}

// deal reads the parts of a compressed file.
func (s *Scanned) deal(src *source, l *layout) error {
	if len(s.parts) == 0 {
		return nil
	}
	mine := make(map[int]*builder, len(s.parts))
	for i, p := range s.parts {
		mine[p] = s.builders[i]
		defer s.builders[i].finish()
	}
	r, free, err := src.stream()
	if err != nil {
		return err
	}
	defer free()
	lines := newLineReader(r, 0)
	for p := 0; ; p = (p + 1) % s.of {
		if b := mine[p]; b != nil {
			err = b.block(src, l, lines)
		} else {
			err = lines.skip(blockLines)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// block reads one block of lines of a compressed file. The error is io.EOF
// behind the last line.
func (b *builder) block(src *source, l *layout, lines *lineReader) error {
	before := len(b.ptr)
	defer func() { b.blocks = append(b.blocks, int32(len(b.ptr)-before)) }()
	for range blockLines {
		line, off, err := lines.next()
		if err == errLongLine {
			return &SyntaxError{src.path, lines.lines + 1, 1, err.Error()}
		}
		if err != nil {
			return err
		}
		if off == l.header {
			continue
		}
		if f := b.line(line); f != nil {
			return &SyntaxError{src.path, lines.lines, f.at + 1, f.what}
		}
	}
	return nil
}

// Info returns the facts of part p, or Info{} if it was not scanned.
func (s *Scanned) Info(p int) Info {
	if i := slices.Index(s.parts, p); i >= 0 {
		return s.infos[i]
	}
	return Info{}
}

// Parts returns the parts in the order they were asked for, with feature ids,
// labels and classes as the merged info of all parts of the file numbers them.
// It hands over the memory and can be called once.
func (s *Scanned) Parts(info Info) ([]*Part, error) {
	if s.builders == nil && len(s.parts) > 0 {
		return nil, fmt.Errorf("dataset: %s: parts were handed over before", s.path)
	}
	if err := info.check(); err != nil {
		return nil, err
	}
	for i, b := range s.builders {
		mine := s.infos[i]
		if info.Format != mine.Format || info.sameFile(mine) != nil {
			return nil, fmt.Errorf("dataset: %s: the merged info is not of this file", s.path)
		}
		if !b.fits(info) {
			return nil, fmt.Errorf("dataset: %s: the merged info lacks what part %d has", s.path, s.parts[i])
		}
	}
	parts := make([]*Part, len(s.parts))
	for i, b := range s.builders {
		parts[i] = b.part(s.parts[i], s.of, info)
	}
	s.builders = nil
	return parts, nil
}
