package dataset

import (
	"bytes"
	"crypto/sha256"
	"io"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"petuum/algos/dataset/cache"
)

const (
	// chunkSize is how much of a plain file is read at a time. The same file is cut
	// in the same chunks on every machine.
	chunkSize = 1 << 20

	// blockLines is the number of lines in which compressed files are dealt out.
	blockLines = 256

	// padding is how many bytes behind its lines the text of a chunk has, so that
	// numbers can be read by words.
	padding = 64
)

// chunk is some whole lines of one part.
type chunk struct {
	seq   int64 // of two malformed chunks, the one to tell of has the lower
	part  int   // place in reading.parts
	order order
	file  int

	begin, end int64  // of a plain file: the lines that start here
	text       []byte // of another file
	line       int64  // and the lines before them
}

// reading is a scan of text.
type reading struct {
	*input
	numbers []int // of the parts
	parts   []*assembly
	workers int

	mu  sync.Mutex
	bad error // of the lowest chunk
	at  int64 // its seq
}

// text reads the parts of text files: plain ones chunk by chunk, each on the
// processor that comes to it first; compressed ones by goroutines that decode them,
// for others to parse.
func (in *input) text(numbers []int, parts []*assembly) error {
	r := &reading{input: in, numbers: numbers, parts: parts, workers: runtime.GOMAXPROCS(0)}
	blocks := len(in.sources) > 1 && in.plain < Info{Files: in.files}.Bytes()
	for _, a := range parts {
		a.blocks = blocks || len(in.dealt()) > 0
		if in.options.Cache != "" {
			a.digests = make(map[int][]cache.Digest)
		}
	}
	chunks, whole, err := r.divide()
	if err != nil {
		return err
	}
	if len(parts) > 0 {
		for _, file := range in.dealt() {
			if err := in.look(file); err != nil {
				return err
			}
			whole = append(whole, encoded{file: file})
		}
	}
	var next atomic.Int64
	r.each(min(r.workers, len(chunks)), func(w *worker) {
		for {
			k := int(next.Add(1)) - 1
			if k >= len(chunks) || r.stopped(int64(k)) {
				return
			}
			w.plain(chunks[k])
		}
	})
	if r.bad == nil && len(whole) > 0 {
		r.decode(whole)
	}
	return r.bad
}

// encoded is a compressed file.
type encoded struct {
	file  int
	whole bool
	part  int // place of the part that has the whole of it
}

// divide returns the chunks of plain files that the parts have, and the compressed
// files that they have wholly. It looks into all of these.
func (r *reading) divide() (chunks []chunk, whole []encoded, err error) {
	places := make([]int, len(r.numbers))
	for i := range places {
		places[i] = i
	}
	slices.SortFunc(places, func(i, j int) int { return r.numbers[i] - r.numbers[j] })
	for _, i := range places {
		for _, span := range r.spans(r.numbers[i]) {
			if err := r.look(span.file); err != nil {
				return nil, nil, err
			}
			if r.sources[span.file].codec != "" {
				whole = append(whole, encoded{span.file, true, i})
				continue
			}
			for at := span.begin; at < span.end; at += r.chunk() {
				o := order{file: int32(span.file), number: int32(r.numbers[i]), at: at}
				chunks = append(chunks, chunk{seq: int64(len(chunks)), part: i, order: o, file: span.file,
					begin: at, end: min(at+r.chunk(), span.end)})
			}
		}
	}
	return chunks, whole, nil
}

// chunk is how much is read at a time.
func (in *input) chunk() int64 {
	if in.options.chunk > 0 {
		return in.options.chunk
	}
	return chunkSize
}

// decode reads compressed files, several at a time.
func (r *reading) decode(files []encoded) {
	slices.SortFunc(files, func(a, b encoded) int { return a.file - b.file })
	mine := make(map[int]int, len(r.numbers)) // places of the parts
	for i, p := range r.numbers {
		mine[p] = i
	}
	var (
		work = make(chan chunk, r.workers)
		free = sync.Pool{New: func() any { return new([]byte) }}
		next atomic.Int64
		wg   sync.WaitGroup
	)
	for range min(r.workers, len(files)) {
		wg.Go(func() {
			for k := int(next.Add(1)) - 1; k < len(files); k = int(next.Add(1)) - 1 {
				f := files[k]
				err := r.decodeFile(f, func(number int) (int, bool) {
					if f.whole {
						return f.part, true
					}
					place, ok := mine[(number+f.file)%r.of]
					return place, ok
				}, work, &free)
				if err != nil {
					r.fail(int64(f.file+1)<<32|math.MaxUint32, err) // what could be decoded comes first
				}
			}
		})
	}
	go func() {
		wg.Wait()
		close(work)
	}()
	r.each(r.workers, func(w *worker) {
		for c := range work {
			if !r.stopped(c.seq) {
				w.lines(c)
			}
			free.Put(&c.text)
		}
	})
}

// decodeFile decodes a compressed file, for others to parse. owner tells whose block a number is.
func (r *reading) decodeFile(f encoded, owner func(number int) (int, bool), work chan<- chunk, free *sync.Pool) error {
	src, done, err := r.sources[f.file].open()
	if err != nil {
		return err
	}
	defer done()
	stored := io.Reader(io.NewSectionReader(src.r, 0, src.size))
	sum := sha256.New()
	if r.options.Cache != "" {
		stored = io.TeeReader(stored, sum)
	}
	stream, end, err := src.decoded(stored, 64<<10)
	if err != nil {
		return err
	}
	defer end()
	if err := r.cut(src.path, f, stream, owner, work, free); err != nil || r.options.Cache == "" {
		return err
	}
	if _, err := io.Copy(io.Discard, stored); err != nil { // what is behind the data, if anything
		return src.wrap(err)
	}
	d := cache.Digest{To: src.size, Sum: [sha256.Size]byte(sum.Sum(nil))}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, a := range r.parts {
		if !f.whole || f.part == i {
			a.digests[f.file] = []cache.Digest{d}
		}
	}
	return nil
}

// cut makes chunks of the text of a compressed file.
func (r *reading) cut(path string, f encoded, stream io.Reader, owner func(number int) (int, bool), work chan<- chunk, free *sync.Pool) error {
	lines := newLineReader(stream, 0)
	seq := int64(f.file+1) << 32
	for number := 0; ; number++ {
		part, ok := owner(number)
		if !ok {
			if err := lines.skip(blockLines); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
			continue
		}
		o := order{dealt: true, file: int32(f.file), number: int32(number)}
		left := blockLines
		if f.whole { // a block to its end
			o, left = order{file: int32(f.file), number: int32(r.numbers[part])}, math.MaxInt
		}
		for ; left > 0; seq, o.at = seq+1, o.at+1 {
			if r.stopped(seq) {
				return nil
			}
			c := chunk{seq: seq, part: part, file: f.file, line: lines.lines, order: o, text: (*free.Get().(*[]byte))[:0]}
			err := c.fill(lines, r.layouts[f.file].header, left)
			left -= int(lines.lines - c.line)
			if err == nil || err == io.EOF {
				work <- c
			}
			switch {
			case err == io.EOF:
				return nil
			case err == errLongLine:
				return &SyntaxError{path, lines.lines + 1, 1, err.Error()}
			case err != nil:
				return err
			}
		}
	}
}

// fill takes the next lines, as many as make a chunk but not more than most. A header
// becomes a blank line.
func (c *chunk) fill(lines *lineReader, header int64, most int) error {
	for n := 0; n < most && len(c.text) < chunkSize; n++ {
		line, off, err := lines.next()
		if err != nil {
			return err
		}
		c.text = slices.Grow(c.text, len(line)+1+padding)
		if off > header {
			c.text = append(c.text, line...)
		}
		c.text = append(c.text, '\n')
	}
	return nil
}

// each runs workers and waits for them.
func (r *reading) each(workers int, run func(*worker)) {
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			run(&worker{reading: r, builders: make([]*builder, len(r.parts)), from: make([]int, len(r.parts)), rows: &rows{}})
		})
	}
	wg.Wait()
}

// fail notes that a chunk is malformed.
func (r *reading) fail(seq int64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bad == nil || seq < r.at {
		r.bad, r.at = err, seq
	}
}

// stopped says whether a chunk is not needed any more, as one before it is malformed.
func (r *reading) stopped(seq int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bad != nil && r.at < seq
}

// worker parses chunks on one goroutine.
type worker struct {
	*reading
	builders []*builder // of each part that it has met
	from     []int      // and their numbers in it
	rows     *rows
	text     []byte
}

// builder returns the worker's builder of a chunk's part.
func (w *worker) builder(c chunk) *builder {
	b := w.builders[c.part]
	if b == nil {
		b = newBuilder(w.layouts[0], w.files)
		b.rows = w.rows
		w.builders[c.part] = b
		a := w.parts[c.part]
		w.mu.Lock()
		w.from[c.part] = len(a.builders)
		a.builders = append(a.builders, b)
		w.mu.Unlock()
	}
	b.layout = w.layouts[c.file]
	return b
}

// add gives the rows of a chunk to their part.
func (w *worker) add(b *builder, c chunk) {
	p := b.piece(c.order)
	p.from = w.from[c.part]
	w.mu.Lock()
	defer w.mu.Unlock()
	if a := w.parts[c.part]; len(p.ends) > 0 || len(p.rowCodes) > 0 || a.blocks {
		a.pieces = append(a.pieces, p)
	}
}

// plain reads and parses a chunk of a plain file.
func (w *worker) plain(c chunk) {
	src, done, err := w.sources[c.file].open()
	if err == nil {
		defer done()
		_, err = w.parsePlain(src, c)
	}
	if err != nil {
		w.fail(c.seq, err)
	}
}

// parsePlain returns the bytes of the lines of a chunk.
func (w *worker) parsePlain(src *source, c chunk) (n int, err error) {
	first, n, err := w.read(src, c)
	if err != nil {
		return 0, err
	}
	if a := w.parts[c.part]; a.digests != nil {
		d := cache.DigestOf(w.text, max(0, c.begin-1))
		w.mu.Lock()
		a.digests[c.file] = append(a.digests[c.file], d)
		w.mu.Unlock()
	}
	w.text = append(w.text, make([]byte, padding)...)
	b := w.builder(c)
	off := max(0, c.begin-1) + int64(first)
	if at, _, f := b.text(w.text[first:], n, off); f != nil {
		return n, src.syntaxError(f, off+int64(at))
	}
	w.add(b, c)
	return n, nil
}

// read fills w.text with the chunk's lines: n bytes from first on.
func (w *worker) read(src *source, c chunk) (first, n int, err error) {
	// The line before the chunk's first one ends with the newline at or after begin-1.
	from := max(0, c.begin-1)
	if err := w.extend(src, from, 0, int(c.end-from)); err != nil {
		return 0, 0, err
	}
	if c.begin > 0 {
		k := bytes.IndexByte(w.text, '\n')
		if k < 0 || from+int64(k)+1 >= c.end {
			return 0, 0, nil // no line starts here
		}
		first = k + 1
	}
	// The last line goes on behind the chunk, up to the longest line and its end.
	start := -1 // of this line
	for have := len(w.text); w.text[have-1] != '\n' && from+int64(have) < src.size; {
		if start < 0 {
			start = bytes.LastIndexByte(w.text, '\n') + 1
		}
		if have-start > maxLine+1 {
			return 0, 0, src.syntaxError(&fault{0, errLongLine.Error()}, from+int64(start))
		}
		more := min(max(firstBuffer, have-start), int(src.size-from)-have)
		if err := w.extend(src, from, have, more); err != nil {
			return 0, 0, err
		}
		if k := bytes.IndexByte(w.text[have:], '\n'); k >= 0 {
			w.text = w.text[:have+k+1]
		}
		have = len(w.text)
	}
	return first, len(w.text) - first, nil
}

// extend reads n more bytes of a file behind the first have of w.text.
func (w *worker) extend(src *source, from int64, have, n int) error {
	w.text = slices.Grow(w.text[:have], n+padding)[:have+n]
	_, err := io.ReadFull(src.section(from+int64(have), from+int64(have+n)), w.text[have:])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return src.shorter()
	}
	return err
}

// lines parses a chunk of a compressed file.
func (w *worker) lines(c chunk) {
	b := w.builder(c)
	n := len(c.text)
	if _, line, f := b.text(append(c.text, make([]byte, padding)...), n, inside); f != nil {
		w.fail(c.seq, &SyntaxError{w.sources[c.file].path, c.line + line + 1, f.at + 1, f.what})
		return
	}
	w.add(b, c)
}

// inside is the offset of text without a mark and a header, wherever it stands.
const inside = -1

// text adds the rows of text[:n], which is whole lines that begin at byte off of the
// file. Of a malformed line it tells where it begins and how many are before it.
func (b *builder) text(text []byte, n int, off int64) (at int, lines int64, f *fault) {
	top, header := b.top, int64(-1)
	if off != inside && b.layout.header >= off {
		header = b.layout.header - off
	}
	for at < n {
		next, end := n, n
		if k := bytes.IndexByte(text[at:n], '\n'); k >= 0 {
			next, end = at+k+1, at+k
		}
		begin := at
		if off == 0 && at == 0 && bytes.HasPrefix(text[:end], []byte(mark)) {
			begin = len(mark)
		}
		if end-at > maxLine {
			return at, lines, &fault{0, errLongLine.Error()}
		}
		if end > begin && text[end-1] == '\r' {
			end--
		}
		if int64(at) > header {
			if f := b.line(text, begin, end); f != nil {
				return at, lines, f
			}
			if b.top > top {
				top, b.topLine = b.top, lines
			}
		}
		at, lines = next, lines+1
	}
	return 0, lines, nil
}

// mark is what some editors put before the text of a file: U+FEFF in UTF-8.
const mark = "\xef\xbb\xbf"
