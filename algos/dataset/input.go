package dataset

import (
	"cmp"
	"fmt"
	"slices"

	"petuum/algos/dataset/cache"
)

// input is the files of a job and how they are dealt out.
type input struct {
	sources []*source
	files   []File
	extra   []string  // paths of the files of labels and weights, which are behind the sources in files
	layouts []*layout // nil where the file has not been looked into
	options Options   // resolved
	of      int       // parts
	wholes  []int     // part that has the whole of a compressed file; -1: dealt in blocks
	plain   int64     // bytes of the plain files

	// What the system says of the files, those of labels and weights behind them, before they are read,
	// and when that was by the clock of the cache's folder.
	ids   []cache.Identity
	noted int64

	digests map[int]cache.Digest // of whole files, as far as they were needed
}

// newInput looks into the first file.
func newInput(sources []*source, o Options, of int) (*input, error) {
	in := &input{sources: sources, options: o, of: of, layouts: make([]*layout, len(sources)), wholes: make([]int, len(sources)), digests: make(map[int]cache.Digest)}
	compressed := 0
	for _, s := range sources {
		if s.size == 0 {
			return nil, fmt.Errorf("dataset: %s is empty", s.path)
		}
		file, err := s.file()
		if err != nil {
			return nil, err
		}
		in.files = append(in.files, file)
		if s.codec != "" {
			compressed++
		} else {
			in.plain += s.size
		}
	}
	in.deal(compressed)
	if err := in.look(0); err != nil {
		return nil, err
	}
	if format := in.layouts[0].format; (format == MM || format == Docword) && len(sources) > 1 {
		what := map[string]string{MM: "a MatrixMarket matrix", Docword: "a bag of words"}[format]
		return nil, fmt.Errorf("dataset: %s: %s is one file, but %d are named", sources[0].path, what, len(sources))
	}
	for _, path := range []string{o.Labels, o.Weights} {
		if path == "" {
			continue
		}
		extra, err := findSource(path)
		if err != nil {
			return nil, err
		}
		file, err := extra.file()
		if err != nil {
			return nil, err
		}
		in.files, in.extra = append(in.files, file), append(in.extra, path)
	}
	if o.Cache != "" {
		in.noted = cache.Now(o.Cache) + o.clock
	}
	var err error
	in.ids, err = in.identities()
	return in, err
}

// deal gives whole compressed files to parts if there are at least two for each,
// the largest first, each to the part that has least.
func (in *input) deal(compressed int) {
	for i := range in.wholes {
		in.wholes[i] = -1
	}
	if in.of < 2 || compressed < 2*in.of {
		return
	}
	var order []int
	for i, s := range in.sources {
		if s.codec != "" {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(in.sources[j].size, in.sources[i].size) })
	load := make(loads, in.of)
	for p := range load {
		load[p].part = p
	}
	for _, i := range order {
		in.wholes[i] = load[0].part
		load[0].bytes += in.sources[i].size
		load.sift()
	}
}

// loads is a heap of what parts have, the least first.
type loads []struct {
	bytes int64
	part  int
}

// sift restores the order after the first one has grown.
func (l loads) sift() {
	less := func(i, j int) bool {
		return l[i].bytes < l[j].bytes || l[i].bytes == l[j].bytes && l[i].part < l[j].part
	}
	for i := 0; ; {
		least := i
		for j := 2*i + 1; j <= 2*i+2 && j < len(l); j++ {
			if less(j, least) {
				least = j
			}
		}
		if least == i {
			return
		}
		l[i], l[least] = l[least], l[i]
		i = least
	}
}

// look reads the beginning of a file, once.
func (in *input) look(file int) (err error) {
	if in.layouts[file] == nil {
		in.layouts[file], err = in.sources[file].layout(in.options, in.layouts[0])
	}
	return err
}

// layout reads the beginning of a file; first is the layout of the first file, nil
// for that itself.
func (s *source) layout(o Options, first *layout) (*layout, error) {
	s, done, err := s.open()
	if err != nil {
		return nil, err
	}
	defer done()
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
	l, err := readLayout(lines, name, o, first)
	return l, layoutError(s.path, lines, err)
}

// span is the lines of a file that start in [begin, end).
type span struct {
	file       int
	begin, end int64
}

// spans returns what part p has of the plain files, whose bytes are counted through,
// and the compressed files that it has wholly, in order of the files.
func (in *input) spans(p int) (spans []span) {
	from, to := cut(in.plain, p, in.of), cut(in.plain, p+1, in.of)
	at := int64(0)
	for i, s := range in.sources {
		if s.codec != "" {
			if in.wholes[i] == p {
				spans = append(spans, span{file: i})
			}
			continue
		}
		begin, end := max(from-at, 0), min(to-at, s.size)
		if begin < end {
			spans = append(spans, span{i, begin, end})
		}
		at += s.size
	}
	return spans
}

// dealt returns the compressed files that are dealt out in blocks of lines.
func (in *input) dealt() (files []int) {
	for i, s := range in.sources {
		if s.codec != "" && in.wholes[i] < 0 {
			files = append(files, i)
		}
	}
	return files
}
