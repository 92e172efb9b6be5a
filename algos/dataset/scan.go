package dataset

import (
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
	name     string // for messages
	of       int
	parts    []int
	builders []*builder // parallel to parts; nil after Parts
	infos    []Info     // parallel to parts
}

// Scan parses the given parts (each below of) of the files in one pass: plain
// files, and compressed ones that are dealt out whole, with one goroutine per
// processor, others with one. Where several lines are malformed the error is about
// the first of the plain files, else of the others.
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
	s := &Scanned{name: name, of: of, parts: slices.Clone(parts)}
	for range parts {
		s.builders = append(s.builders, newBuilder(in.layouts[0], in.files))
	}
	if in.layouts[0].format == MM {
		err = s.matrix(in)
	} else if err = s.slice(in); err == nil {
		err = s.deal(in)
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

// slice reads what parts have of plain files and whole compressed ones, as many
// parts at a time as there are processors.
func (s *Scanned) slice(in *input) error {
	spans := make([][]span, len(s.parts))
	order := make([]int, len(s.parts)) // places in s.parts, by part
	for i, p := range s.parts {
		order[i], spans[i] = i, in.spans(p)
	}
	slices.SortFunc(order, func(i, j int) int { return s.parts[i] - s.parts[j] })
	for _, i := range order {
		for _, span := range spans[i] {
			if err := in.look(span.file); err != nil {
				return err
			}
		}
	}
	var (
		errs = make([]error, len(order))
		next atomic.Int64
		bad  atomic.Bool
		wg   sync.WaitGroup
		last = len(in.dealt()) == 0
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
				for _, span := range spans[i] {
					if errs[k] = s.builders[i].span(in, span, s.parts[i]); errs[k] != nil {
						bad.Store(true)
						return
					}
				}
				if last {
					s.builders[i].finish()
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

// span reads what part p has of a file that is not dealt out in blocks.
func (b *builder) span(in *input, span span, p int) error {
	src, done, err := in.sources[span.file].open()
	if err != nil {
		return err
	}
	defer done()
	b.layout = in.layouts[span.file]
	before := b.rows()
	if src.codec != "" {
		err = b.whole(src)
	} else {
		err = b.slice(src, span.begin, span.end)
	}
	if len(in.sources) > 1 && in.plain < totalSize(in.files) {
		b.blocks = append(b.blocks, Block{int32(span.file), int32(p), int32(b.rows() - before)})
	}
	return err
}

func totalSize(files []File) int64 { return Info{Files: files}.Bytes() }

// slice reads the lines of a plain file that start in [begin, end).
func (b *builder) slice(src *source, begin, end int64) error {
	header := b.layout.header
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
		case off != header:
			f = b.line(line)
		}
		if f != nil {
			return src.syntaxError(f, off)
		}
	}
	return nil
}

// whole reads all of a compressed file.
func (b *builder) whole(src *source) error {
	r, free, err := src.stream()
	if err != nil {
		return err
	}
	defer free()
	lines := newLineReader(r, 0)
	for err == nil {
		err = b.lines(src.path, lines, blockLines)
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// deal reads the parts of compressed files that are dealt out in blocks.
func (s *Scanned) deal(in *input) error {
	files := in.dealt()
	if len(s.parts) == 0 || len(files) == 0 {
		return nil
	}
	mine := make(map[int]*builder, len(s.parts))
	for i, p := range s.parts {
		mine[p] = s.builders[i]
	}
	for _, file := range files {
		if err := in.look(file); err != nil {
			return err
		}
		for _, b := range s.builders {
			b.layout = in.layouts[file]
		}
		if err := dealFile(in.sources[file], file, s.of, mine); err != nil {
			return err
		}
	}
	for _, b := range s.builders {
		b.finish()
	}
	return nil
}

// dealFile reads the blocks of a file that the parts mine have: block b is of part
// (b + number of the file) mod of, so that short files are spread.
func dealFile(src *source, file, of int, mine map[int]*builder) error {
	src, done, err := src.open()
	if err != nil {
		return err
	}
	defer done()
	r, free, err := src.stream()
	if err != nil {
		return err
	}
	defer free()
	lines := newLineReader(r, 0)
	for number := 0; ; number++ {
		if b := mine[(number+file)%of]; b != nil {
			before := b.rows()
			err = b.lines(src.path, lines, blockLines)
			b.blocks = append(b.blocks, Block{int32(file), int32(number), int32(b.rows() - before)})
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

// lines reads the next n lines of a file. The error is io.EOF behind the last line.
func (b *builder) lines(path string, lines *lineReader, n int) error {
	for range n {
		line, off, err := lines.next()
		if err == errLongLine {
			return &SyntaxError{path, lines.lines + 1, 1, err.Error()}
		}
		if err != nil {
			return err
		}
		if off == b.layout.header {
			continue
		}
		if f := b.line(line); f != nil {
			return &SyntaxError{path, lines.lines, f.at + 1, f.what}
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
// labels and classes as the merged info of all parts of the input numbers them,
// which need not have names. It hands over the memory and can be called once.
func (s *Scanned) Parts(info Info) ([]*Part, error) {
	if s.builders == nil && len(s.parts) > 0 {
		return nil, fmt.Errorf("dataset: %s: parts were handed over before", s.name)
	}
	if err := info.check(); err != nil {
		return nil, err
	}
	for i, b := range s.builders {
		mine := s.infos[i]
		if info.Format != mine.Format || info.sameFiles(mine) != nil {
			return nil, fmt.Errorf("dataset: %s: the merged info is not of this input", s.name)
		}
		if !b.fits(info) {
			return nil, fmt.Errorf("dataset: %s: the merged info lacks what part %d has", s.name, s.parts[i])
		}
	}
	parts := make([]*Part, len(s.parts))
	for i, b := range s.builders {
		parts[i] = b.part(s.parts[i], s.of, info)
	}
	s.builders = nil
	return parts, nil
}
