package dataset

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// What is read of a part that is streamed, to know what is in it.
const (
	sampleBytes = 256 << 10 // of text, about
	sampleSpots = 8         // evenly spread over plain files, so that sorted ones show
	sampleFiles = 4         // of compressed ones, whose beginning is read
)

// streamable refuses inputs of which a sample does not tell enough to stream them.
func (in *input) streamable() error {
	path, l, o := in.sources[0].path, in.layouts[0], &in.options
	switch {
	case l.format == MM:
		return fmt.Errorf("dataset: %s: MatrixMarket data cannot be streamed from disk, as its entries are in any order: make it LIBSVM, or choose what holds the data in memory", path)
	case l.format == LIBSVM && o.Features == 0:
		return fmt.Errorf("dataset: %s: the number of features must be known before data is streamed from disk: set data.hash = 20, say, to take indices modulo 2^20, or data.features", path)
	case l.categorical != nil && o.Hash == 0:
		return fmt.Errorf("dataset: %s: categories are not known before data is streamed from disk: set data.hash = 20, say, to hash them to 2^20 features", path)
	case o.Float64:
		return errors.New("dataset: data.float64: values that are streamed from disk are kept as float32: leave it out, or choose what holds the data in memory")
	}
	return nil
}

// sample reads some lines of the part at a place and estimates its Info from them.
func (s *Scanned) sample(place int) error {
	in := s.in
	a := &assembly{}
	r := &reading{input: in, numbers: []int{s.parts[place]}, parts: []*assembly{a}}
	t := &sampling{worker: &worker{reading: r, builders: make([]*builder, 1), from: make([]int, 1), rows: &rows{}}}
	if err := t.run(s.parts[place]); err != nil {
		return err
	}
	if err := a.finish(in.layouts[0], in.files); err != nil {
		return err
	}
	s.infos[place] = a.info.times(t.factor())
	return nil
}

// sampling reads a sample of one part.
type sampling struct {
	*worker
	plain, read    float64 // bytes of text: that the part has in plain files, and that were read
	stored, shares float64 // bytes of compressed files: all that the part has a share in, and its shares
	seen, text     float64 // of these, what was decoded and the text that it made
}

// factor is how much larger the part is than its sample.
func (t *sampling) factor() float64 {
	if t.read == 0 {
		return 1
	}
	all := t.plain
	if t.seen > 0 {
		all += t.shares * t.text / t.seen
	}
	return all / t.read
}

func (t *sampling) run(part int) error {
	var compressed []int
	var spans []span
	for _, s := range t.spans(part) {
		if size := float64(t.sources[s.file].size); t.sources[s.file].codec != "" {
			compressed = append(compressed, s.file)
			t.stored, t.shares = t.stored+size, t.shares+size
			continue
		}
		spans = append(spans, s)
		t.plain += float64(s.end - s.begin)
	}
	for _, file := range t.dealt() {
		compressed = append(compressed, file)
		size := float64(t.sources[file].size)
		t.stored, t.shares = t.stored+size, t.shares+size/float64(t.of)
	}
	if err := t.spots(spans); err != nil {
		return err
	}
	files := min(sampleFiles, len(compressed))
	for i := range files {
		if err := t.beginning(compressed[i*len(compressed)/files], sampleBytes/files); err != nil {
			return err
		}
	}
	return nil
}

// spots reads the plain files here and there.
func (t *sampling) spots(spans []span) error {
	for i := range sampleSpots {
		at := int64(0) // of the span in all
		for _, s := range spans {
			begin, end := int64(0), int64(math.MaxInt64) // of the spot in all
			if t.plain > sampleBytes {
				begin = int64(float64(i) / (sampleSpots - 1) * (t.plain - sampleBytes/sampleSpots))
				end = begin + sampleBytes/sampleSpots
			} else if i > 0 {
				continue
			}
			n := s.end - s.begin
			if lo, hi := max(begin-at, 0), min(end-at, n); lo < hi {
				if err := t.spot(s.file, s.begin+lo, s.begin+hi); err != nil {
					return err
				}
			}
			at += n
		}
	}
	for _, s := range spans { // lines may be longer than what was looked at
		for at := s.begin; at < s.end && t.rowsRead() == 0 && t.plain > sampleBytes; at += chunkSize {
			if err := t.spot(s.file, at, min(at+chunkSize, s.end)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *sampling) rowsRead() int {
	n := 0
	for _, p := range t.parts[0].pieces {
		n += len(p.ends)
	}
	return n
}

// spot reads the lines of a plain file that start in [begin, end).
func (t *sampling) spot(file int, begin, end int64) error {
	if err := t.look(file); err != nil {
		return err
	}
	src, done, err := t.sources[file].open()
	if err != nil {
		return err
	}
	defer done()
	n, err := t.parsePlain(src, chunk{order: order{file: int32(file), at: begin}, file: file, begin: begin, end: end})
	t.read += float64(n)
	return err
}

// beginning reads the first lines of a compressed file.
func (t *sampling) beginning(file, most int) error {
	if err := t.look(file); err != nil {
		return err
	}
	src, done, err := t.sources[file].open()
	if err != nil {
		return err
	}
	defer done()
	stored := &countingReader{Reader: io.NewSectionReader(src.r, 0, src.size)}
	text, free, err := src.decoded(bufio.NewReaderSize(stored, smallBuffer), smallBuffer)
	if err != nil {
		return err
	}
	defer free()
	decoded := &countingReader{Reader: text}
	lines := newLineReader(decoded, 0)
	c := chunk{order: order{file: int32(file)}, file: file}
	for err == nil && len(c.text) < most {
		err = c.fill(lines, t.layouts[file].header, 16)
	}
	switch {
	case err == errLongLine:
		return &SyntaxError{src.path, lines.lines + 1, 1, err.Error()}
	case err != nil && err != io.EOF:
		return err
	}
	t.read += float64(len(c.text))
	seen := stored.n
	for rest := make([]byte, smallBuffer); err == nil; { // what was decoded and not asked for
		n := 0
		if n, err = decoded.Read(rest); stored.n > seen {
			decoded.n -= int64(n)
			break
		}
	}
	t.text += float64(decoded.n)
	t.seen += float64(seen)
	t.worker.lines(c)
	return t.bad
}

// times estimates the Info of rows of which a has one in so many.
func (a Info) times(factor float64) Info {
	scale := func(n uint64) uint64 {
		if n == 0 {
			return 0
		}
		return uint64(max(1, math.Round(float64(n)*factor)))
	}
	rows := a.Rows
	a.Sums = nil // of all rows or none
	a.NonZeros, a.Dropped, a.Rows = scale(a.NonZeros), scale(a.Dropped), scale(a.Rows)
	if a.Classes != nil {
		a.Rows = 0
		counts := make(map[string]uint64, len(a.Classes))
		for k, class := range a.Classes {
			counts[class] = scale(a.Counts[k])
			a.Rows += counts[class]
		}
		a.setClasses(counts)
	} else if rows > 0 {
		more := float64(a.Rows) / float64(rows)
		a.LabelSum, a.LabelSumSq = finite(a.LabelSum*more), finite(a.LabelSumSq*more)
	}
	if !a.Weighted {
		a.Weight = float64(a.Rows)
		return a
	}
	a.Weight *= factor
	a.ClassWeights = slices.Clone(a.ClassWeights)
	for k := range a.ClassWeights {
		a.ClassWeights[k] *= factor
	}
	return a
}
