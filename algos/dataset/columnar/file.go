package columnar

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"petuum/algos/dataset/cache"
)

// Error is about a file that is not as it was written, or cannot be read by this
// release.
type Error struct {
	Path, What string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s: copy the file again, or make it anew", e.Path, e.What)
}

// File is a file whose header and index were verified.
type File struct {
	Header
	path   string
	layout layout
	sums   []byte // of the blocks, as in the file
}

// Open reads the header and the index. The file is not kept open. An error is an
// *[Error] or one of the system.
func Open(path string) (*File, error) {
	info, err := os.Stat(path) // opening a pipe may wait for ever
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	return read(path, f, info.Size())
}

// read is Open of bytes that may be anything.
func read(path string, r io.ReaderAt, size int64) (*File, error) {
	bad := func(format string, args ...any) (*File, error) {
		return nil, &Error{path, fmt.Sprintf(format, args...)}
	}
	var b [headerSize]byte
	n, err := r.ReadAt(b[:], 0)
	if n < headerSize && errors.Is(err, io.EOF) {
		return bad("it ends at byte %d, within the header", n)
	} else if n < headerSize {
		return nil, err
	}
	var h head
	if wrong := h.parse(b[:]); wrong != "" {
		return bad("%s", wrong)
	}
	switch {
	case h.size > uint64(size):
		return bad("it ends at byte %d of %d", size, h.size)
	case h.size < uint64(size):
		return bad("%d bytes follow its end", uint64(size)-h.size)
	case headerSize+partSize*int64(h.parts) > size:
		return bad("it cannot hold %d parts", h.parts)
	}
	parts := make([]byte, partSize*int64(h.parts))
	if _, err := r.ReadAt(parts, headerSize); err != nil {
		return nil, cut(path, err)
	}
	header, l, wrong := h.parseParts(parts)
	if wrong != "" {
		return bad("%s", wrong)
	}
	index := make([]byte, l.index) // which is within the file, as the layout makes its size
	if _, err := r.ReadAt(index, headerSize); err != nil {
		return nil, cut(path, err)
	}
	if crc32.Checksum(index, castagnoli) != h.index {
		return bad("the checksum of the index is wrong")
	}
	return &File{Header: header, path: path, layout: l, sums: index[len(parts):]}, nil
}

// cut is the error of reading a file that had more bytes before.
func cut(path string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &Error{path, "it became shorter while it was read"}
	}
	return err
}

// Bytes is the length of the file.
func (f *File) Bytes() int64 { return f.layout.size }

// Labels reads the labels of a part, all of them where parts are by columns.
func (f *File) Labels(p int) ([]float64, error) {
	if f.ByColumns {
		p = 0
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	s := f.layout.parts[p][labelSection]
	y := make([]float64, s.size/8)
	b := make([]byte, s.size)
	if _, err := io.ReadFull(io.NewSectionReader(file, s.at, s.size), b); err != nil && s.size > 0 {
		return nil, cut(f.path, err)
	}
	if err := f.verify(s, b); err != nil {
		return nil, err
	}
	_, err = binary.Decode(b, binary.LittleEndian, y)
	return y, err
}

// Part is a part by columns: of its j-th column the rows and values from Begins[j] to
// Begins[j+1].
type Part struct {
	Rows    int
	Begins  []int64
	Rows16  []uint16 // of parts of at most 2^16 rows
	Rows32  []uint32 // of others
	Values  []float32
	mapping []byte
}

// Free frees the memory of a part: whoever reads it after that ends the process.
func (p *Part) Free() error {
	b := p.mapping
	*p = Part{}
	if b == nil {
		return nil
	}
	return cache.Unmap(b)
}

// Map maps a part and verifies all of it, on all processors. Nobody may write into
// the file or cut it as long as the part is used.
func (f *File) Map(p int) (*Part, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil {
		return nil, err
	} else if info.Size() != f.layout.size {
		return nil, &Error{f.path, fmt.Sprintf("it had %d bytes before and has %d now", f.layout.size, info.Size())}
	}
	s := &f.layout.parts[p]
	from, to := s[0].at, s[sectionCount-1].at+s[sectionCount-1].size
	if int64(int(to-from)) != to-from {
		return nil, fmt.Errorf("%s: the %d bytes of part %d are too many for this machine", f.path, to-from, p)
	}
	part := &Part{Rows: int(f.Parts[p].Rows)}
	if part.mapping, err = cache.Map(file, from, int(to-from)); err != nil {
		return nil, fmt.Errorf("%s: part %d cannot be mapped: %w", f.path, p, err)
	}
	if err := f.guarded(func() error { return f.fill(part, p) }); err != nil {
		_ = part.Free() // the first error tells more
		return nil, err
	}
	return part, nil
}

// fill verifies a mapping and makes its slices.
func (f *File) fill(part *Part, p int) (err error) {
	var sections [sectionCount][]byte
	for k, s := range f.layout.parts[p] {
		at := s.at - f.layout.parts[p][0].at
		sections[k] = part.mapping[at : at+s.size : at+s.size]
		switch k {
		case labelSection:
		case rowSection:
			err = f.verifyRows(s, sections[k], f.Parts[p].Rows, f.Parts[p].narrow())
		default:
			err = f.verify(s, sections[k])
		}
		if err != nil {
			return err
		}
	}
	part.Begins, err = cache.View[int64](sections[beginSection])
	if err == nil && f.Parts[p].narrow() {
		part.Rows16, err = cache.View[uint16](sections[rowSection])
	} else if err == nil {
		part.Rows32, err = cache.View[uint32](sections[rowSection])
	}
	if err == nil {
		part.Values, err = cache.View[float32](sections[valueSection])
	}
	if err != nil {
		return err
	}
	b := part.Begins
	if b[0] != 0 || b[len(b)-1] != int64(len(part.Values)) || !slices.IsSorted(b) {
		return &Error{f.path, fmt.Sprintf("the columns of part %d contradict themselves", p)}
	}
	return nil
}

// verify compares the blocks of a section with their checksums.
func (f *File) verify(s section, b []byte) error {
	return f.blocks(s, b, func([]byte) bool { return true })
}

// verifyRows is verify of row numbers, which have to be below rows.
func (f *File) verifyRows(s section, b []byte, rows uint64, narrow bool) error {
	return f.blocks(s, b, func(block []byte) bool {
		most := uint64(0)
		if narrow {
			numbers, _ := cache.View[uint16](block)
			most = uint64(greatest(numbers))
		} else {
			numbers, _ := cache.View[uint32](block)
			most = uint64(greatest(numbers))
		}
		return len(block) == 0 || most < rows
	})
}

func greatest[T uint16 | uint32](x []T) (most T) {
	for _, v := range x {
		most = max(most, v)
	}
	return most
}

// blocks verifies a section on all processors. good is asked about blocks whose
// checksum is right, while they are near the processor.
func (f *File) blocks(s section, b []byte, good func(block []byte) bool) error {
	n := (s.size + blockSize - 1) / blockSize
	workers := min(int64(runtime.GOMAXPROCS(0)), n)
	errs := make([]error, workers)
	var next atomic.Int64
	var wg sync.WaitGroup
	check := func() error {
		for k := next.Add(1) - 1; k < n; k = next.Add(1) - 1 {
			block := b[k*blockSize : min((k+1)*blockSize, s.size)]
			from := s.at + k*blockSize
			if crc32.Checksum(block, castagnoli) != binary.LittleEndian.Uint32(f.sums[4*(s.block+k):]) {
				return &Error{f.path, fmt.Sprintf("the checksum of bytes %d to %d is wrong", from, from+int64(len(block)))}
			}
			if !good(block) {
				return &Error{f.path, fmt.Sprintf("bytes %d to %d name rows that there are not", from, from+int64(len(block)))}
			}
		}
		return nil
	}
	for w := range workers {
		wg.Go(func() { errs[w] = f.guarded(check) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// guarded makes an error of a page that cannot be read.
func (f *File) guarded(work func() error) error {
	fault, err := cache.Guard(work)
	if fault {
		return &Error{f.path, "a page of it cannot be read"}
	}
	return err
}
