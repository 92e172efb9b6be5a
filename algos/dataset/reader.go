package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
)

// Reader gives an input a batch of samples at a time, in the order of the files.
// It holds no more than a batch and its text, except of data that is read as a whole
// (ReadWhole), and of Text whose words are to be found.
// One goroutine uses it at a time.
type Reader struct {
	options Options
	sources []*source
	stream  *countingReader // in place of sources[0].r; nil for files
	next    int             // file to enter next

	path    string // of the file that is being read
	blocks  blockReader
	frees   []func()
	first   *layout // of the first file
	now     *layout // of the file that is being read
	cats    *categories
	parsers []*parser

	pairs   *pairs      // Options.Pairs
	whole   *Part       // MatrixMarket, or a part of binary data
	at      int         // rows of whole that were given
	binary  *binaryFile // nil: text
	entered int         // parts of binary that were whole

	files []File
	rows  []uint64 // of each file, so far
	info  Info
	top   place // of the largest LIBSVM index
	err   error // what the next call of Next returns; it ends the reading
}

// place is where something was seen.
type place struct {
	value uint64 // 1 + the index; 0: none
	path  string
	line  int64
}

// Open returns a reader of the files. It looks into the first one. The caller
// closes it.
func Open(paths []string, o Options) (*Reader, error) {
	o, err := o.resolved()
	if err != nil {
		return nil, err
	}
	sources, err := findSources(paths, o)
	if err != nil {
		return nil, err
	}
	return open(&Reader{options: o, sources: sources})
}

// OpenStream returns a reader of what src holds, plain or compressed with gzip or
// zstd. The name is for messages and, without .gz and .zst, tells the format like
// that of a file. src is not closed.
func OpenStream(name string, src io.Reader, o Options) (*Reader, error) {
	o, err := o.resolved()
	if err != nil {
		return nil, err
	}
	return open(&Reader{options: o, sources: []*source{newSource(name, nil, 0)}, stream: &countingReader{Reader: src}})
}

func open(r *Reader) (*Reader, error) {
	r.options.Stream = false
	r.rows = make([]uint64, len(r.sources))
	for _, s := range r.sources {
		r.files = append(r.files, File{Name: filepath.Base(s.path), Bytes: s.size})
	}
	if err := r.enter(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// countingReader counts the bytes that were read.
type countingReader struct {
	io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// enter looks into the next file and is ready to read it from its beginning.
func (r *Reader) enter() error {
	r.leave()
	src := r.sources[r.next]
	name, _ := src.name()
	r.path = src.path
	if r.stream == nil && isBinary(src.path, r.options) {
		return r.enterBinary()
	}
	if r.options.ofFiles() {
		if r.stream != nil {
			return fmt.Errorf("dataset: %s: a document in each file, and this is a stream: name a folder or files", src.path)
		}
		return r.readWhole(name, nil)
	}
	text, err := r.text(src)
	if err != nil {
		return err
	}
	var head bytes.Buffer
	lines := newLineReader(io.TeeReader(text, &head), 0)
	l, err := readLayout(lines, name, r.options, r.first)
	if err := layoutError(src.path, lines, err); err != nil {
		return err
	}
	text = io.MultiReader(&head, text)
	if r.options.Pairs {
		if err := r.enterPairs(l); err != nil {
			return err
		}
	} else if ReadWhole(l.format) || l.format == Text && r.options.Like == nil { // words are known by all of it
		return r.readWhole(name, text)
	}
	if r.now = l; r.first == nil {
		r.first = l
		r.cats = newBuilder(l, nil).cats
	}
	r.blocks.enter(text)
	r.next++
	return nil
}

// text opens a file or the stream.
func (r *Reader) text(src *source) (io.Reader, error) {
	if r.stream != nil {
		stored := bufio.NewReaderSize(r.stream, firstBuffer)
		head, err := stored.Peek(4)
		if len(head) == 0 && err == io.EOF {
			return nil, fmt.Errorf("dataset: %s is empty", src.path)
		}
		src.codec = codecOf(head)
		text, free, err := src.decoded(stored, 64<<10)
		if err == nil {
			r.frees = append(r.frees, free)
		}
		return text, err
	}
	src, done, err := src.open()
	if err != nil {
		return nil, err
	}
	r.frees = append(r.frees, done)
	if err := src.check(); err != nil {
		return nil, err
	}
	text, free, err := src.stream()
	if err == nil {
		r.frees = append(r.frees, free)
	}
	return text, err
}

// readWhole reads all of the data.
func (r *Reader) readWhole(name string, text io.Reader) error {
	src := r.sources[0]
	if r.stream != nil {
		data, err := io.ReadAll(text)
		if err != nil {
			return err
		}
		src = newSource(name, bytes.NewReader(data), int64(len(data)))
	}
	s, err := scan(append([]*source{src}, r.sources[1:]...), r.options, []int{0}, 1)
	if err != nil {
		return err
	}
	if r.info, err = s.Info(0).Settled(); err != nil {
		return err
	}
	r.info.PartRows = nil
	r.files, r.rows = r.info.Files, make([]uint64, len(r.info.Files))
	parts, err := s.Parts(r.info)
	if err != nil {
		return err
	}
	r.whole, r.next = parts[0], len(r.sources)
	return nil
}

// Next returns the next samples, at most rows (from 1) of them, as part 0 of 1, and
// io.EOF behind the last one. It waits for no more than these. Samples before what ends
// the reading are returned before its error. With Options.Like features and classes are
// numbered as in the training data; else as far as the input is known by then, and the
// same number may stand for another feature or class in a later part if base, classes or
// categories are not settled by the options. Weights are nil up to the first batch that
// has a weight other than 1.
func (r *Reader) Next(rows int) (*Part, error) {
	if r.err != nil {
		return nil, r.err
	}
	if rows < 1 {
		return nil, fmt.Errorf("dataset: %s: %d rows: want at least 1", r.path, rows)
	}
	part, err := r.batch(rows)
	if err != nil {
		r.err = err
	}
	return part, err
}

func (r *Reader) batch(rows int) (*Part, error) {
	if r.pairs != nil {
		return r.nextPairs(rows)
	}
	if r.whole != nil {
		if r.at == r.whole.X.Rows() {
			if err := r.nextWhole(); err != nil {
				return nil, err
			}
		}
		end := min(r.at+rows, r.whole.X.Rows())
		part := r.whole.slice(r.at, end)
		part.FirstRow = r.rows[0]
		r.rows[0] += uint64(end - r.at)
		r.at = end
		return part, nil
	}
	b := r.newBatch()
	end := b.read(rows)
	defer b.settle()
	if b.rows == 0 {
		return nil, end
	}
	part, err := b.part()
	if err != nil && !b.alone { // one goroutine may know a line that is to blame
		if err := b.again(); err != nil {
			end = err
		}
		if b.count(); b.rows == 0 {
			return nil, end
		}
		part, err = b.part()
	}
	if err != nil {
		return nil, err
	}
	for _, n := range r.rows {
		part.FirstRow += n
	}
	r.err = end
	return part, nil
}

// Info returns the facts of what was read so far.
func (r *Reader) Info() Info {
	info := r.info
	if r.first != nil && info.Format == "" {
		info = newBuilder(r.first, r.files).info()
	}
	if r.stream != nil && len(info.Files) > 0 {
		info.Files = append([]File{{Name: info.Files[0].Name, Bytes: r.stream.n}}, info.Files[1:]...)
	}
	return info
}

// Close frees what reading takes.
func (r *Reader) Close() error {
	r.leave()
	if r.err == nil {
		r.err = errors.New("dataset: the reader is closed")
	}
	return nil
}

func (r *Reader) leave() {
	for i := len(r.frees) - 1; i >= 0; i-- {
		r.frees[i]()
	}
	r.frees = nil
}

// slice returns rows [begin, end) of a part as a part, whose memory is its own.
func (p *Part) slice(begin, end int) *Part {
	s := &Part{Of: 1}
	if p.Labels != nil {
		s.Labels = append([]float64{}, p.Labels[begin:end]...)
	}
	if p.Class != nil {
		s.Class = append([]int32{}, p.Class[begin:end]...)
	}
	if p.Weight != nil {
		s.Weight = append([]float32{}, p.Weight[begin:end]...)
	}
	used := make([]bool, len(p.Keys))
	nnz := 0
	kind := ones
	for i := begin; i < end; i++ {
		for j, v := range p.X.Row(i) {
			used[j] = true
			nnz++
			kind = max(kind, valueKindOf([]float64{v}))
		}
	}
	place := make([]int, len(p.Keys))
	for j, u := range used {
		if u {
			place[j] = len(s.Keys)
			s.Keys = append(s.Keys, p.Keys[j])
		}
	}
	f := newFiller(end-begin, len(s.Keys), nnz, kind)
	if p.X.index != dense { // it may have values of 0
		f.m = newMatrix(end-begin, len(s.Keys), nnz, p.X.index, kind)
	}
	for i := begin; i < end; i++ {
		for j, v := range p.X.Row(i) {
			f.put(place[j], v)
		}
		f.end()
	}
	s.X = f.m
	return s
}
