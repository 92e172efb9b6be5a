package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow is the largest zstd window, the limit of the zstd command.
const maxWindow = 128 << 20

// source is the bytes of one input file.
type source struct {
	path  string
	named string      // the folder that it was found by, or the path itself; "" unless each file is a document
	r     io.ReaderAt // nil until opened
	size  int64
	codec string // "gzip", "zstd" or "" by the name of the file
}

// findSource looks at a regular file without opening it.
func findSource(path string) (*source, error) {
	info, err := os.Stat(path) // opening a pipe may wait for ever
	switch {
	case err != nil:
		return nil, fmt.Errorf("dataset: %w", err)
	case info.IsDir():
		return nil, fmt.Errorf("dataset: %s is a directory: name a file", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("dataset: %s is not a regular file", path)
	}
	return newSource(path, nil, info.Size()), nil
}

// findSources looks at the files of an input.
func findSources(paths []string, o Options) (sources []*source, err error) {
	if len(paths) == 0 {
		return nil, errors.New("dataset: no file is named")
	}
	if o.ofFiles() {
		if sources, err = filesBelow(paths); err != nil {
			return nil, err
		}
	} else {
		for _, path := range paths {
			s, err := findSource(path)
			if err != nil {
				return nil, err
			}
			sources = append(sources, s)
		}
	}
	named := make(map[string]string, len(sources))
	for _, s := range sources {
		path := s.path
		real, err := filepath.EvalSymlinks(path)
		if err == nil {
			real, err = filepath.Abs(real)
		}
		if err != nil {
			return nil, fmt.Errorf("dataset: %w", err)
		}
		if other, twice := named[real]; twice && other == path {
			return nil, fmt.Errorf("dataset: %s is named twice", path)
		} else if twice {
			return nil, fmt.Errorf("dataset: %s is the same file as %s", path, other)
		}
		named[real] = path
	}
	return sources, nil
}

// open returns the source ready to read, which the caller closes.
func (s *source) open() (*source, func(), error) {
	if s.r != nil {
		return s, func() {}, nil
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, nil, fmt.Errorf("dataset: %w", err)
	}
	opened := *s
	opened.r = f
	return &opened, func() { f.Close() }, nil
}

// A file is known by samples of this many bytes, evenly spread: that all parts are
// of the same one is to cost no pass over it.
const (
	samples    = 16
	sampleSize = 4 << 10
)

// file describes the source.
func (s *source) file() (File, error) {
	opened, done, err := s.open()
	if err != nil {
		return File{}, err
	}
	defer done()
	digest := crc32.NewIEEE()
	step := max(sampleSize, (s.size-sampleSize+samples-2)/(samples-1)) // rounded up: the last byte counts
	buf := make([]byte, sampleSize)
	for i := int64(0); i < samples && i*step < s.size; i++ {
		n, err := opened.r.ReadAt(buf, i*step)
		if err != nil && err != io.EOF {
			return File{}, s.wrap(err)
		}
		digest.Write(buf[:n])
	}
	return File{Name: filepath.Base(s.path), Bytes: s.size, Digest: digest.Sum32()}, nil
}

func newSource(path string, r io.ReaderAt, size int64) *source {
	s := &source{path: path, r: r, size: size}
	switch _, codec := s.name(); codec {
	case ".gz":
		s.codec = "gzip"
	case ".zst":
		s.codec = "zstd"
	}
	return s
}

// name returns the path without the ending of a compressed file, and that ending.
func (s *source) name() (name, ending string) { return Compressed(s.path) }

// Compressed returns a path without .gz or .zst, in any case, and that ending; "" if
// it has none.
func Compressed(path string) (name, ending string) {
	for _, ending := range []string{".gz", ".zst"} {
		if n := len(path) - len(ending); n >= 0 && strings.EqualFold(path[n:], ending) {
			return path[:n], ending
		}
	}
	return path, ""
}

// check refuses files whose content cannot be what their name says.
func (s *source) check() error {
	if s.size == 0 {
		return fmt.Errorf("dataset: %s is empty", s.path)
	}
	var magic [4]byte
	n, err := s.r.ReadAt(magic[:], 0)
	if err != nil && err != io.EOF {
		return s.wrap(err)
	}
	if found := codecOf(magic[:n]); s.codec == "" && found != "" {
		return fmt.Errorf("dataset: %s holds %s data: give its name the ending .gz or .zst", s.path, found)
	}
	return nil
}

// codecOf tells by its first bytes how a stream is compressed, "" if it is not.
func codecOf(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return "gzip"
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		return "zstd"
	}
	return ""
}

// namedReader names the file in errors of reading it.
type namedReader struct {
	io.Reader
	src *source
}

func (r namedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = r.src.wrap(err)
	}
	return n, err
}

// section returns the stored bytes [from, to).
func (s *source) section(from, to int64) io.Reader {
	return namedReader{io.NewSectionReader(s.r, from, to-from), s}
}

// stream returns the text of a file from its beginning, and a function that
// frees what that takes.
func (s *source) stream() (io.Reader, func(), error) {
	return s.decoded(io.NewSectionReader(s.r, 0, s.size), 64<<10)
}

// smallBuffer is for those who are to know how far a compressed file was read.
const smallBuffer = 4 << 10

// decoded is stream of stored bytes that come from elsewhere, so many at a time.
func (s *source) decoded(section io.Reader, buffer int) (io.Reader, func(), error) {
	switch s.codec {
	case "gzip":
		z, err := gzip.NewReader(bufio.NewReaderSize(section, buffer))
		if err != nil {
			return nil, nil, s.wrap(err)
		}
		return namedReader{z, s}, func() { z.Close() }, nil
	case "zstd":
		z, err := zstd.NewReader(section, zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, s.wrap(err)
		}
		return namedReader{z, s}, z.Close, nil
	}
	return namedReader{section, s}, func() {}, nil
}

// wrap names the file in an error of reading it.
func (s *source) wrap(err error) error {
	var path *os.PathError
	switch {
	case errors.As(err, &path): // names it already
		return fmt.Errorf("dataset: %w", err)
	case s.codec != "" && errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("dataset: %s: the %s data is truncated: %w", s.path, s.codec, err)
	case s.codec != "":
		return fmt.Errorf("dataset: %s: bad %s data: %w", s.path, s.codec, err)
	}
	return fmt.Errorf("dataset: %s: %w", s.path, err)
}

// shorter is the error of a file that has less than it had.
func (s *source) shorter() error {
	return fmt.Errorf("dataset: %s became shorter while it was read", s.path)
}

// cut returns size·p/of, where part p of size bytes or rows begins.
func cut(size int64, p, of int) int64 {
	hi, lo := bits.Mul64(uint64(size), uint64(p))
	q, _ := bits.Div64(hi, lo, uint64(of))
	return int64(q)
}

// syntaxError turns a fault in the line at a stream offset of a plain file into
// an error. It counts the lines before.
func (s *source) syntaxError(f *fault, off int64) error {
	lines := newLineReader(s.section(0, off), 0)
	for {
		if err := lines.skip(1 << 20); err == io.EOF || err == nil && lines.off == off {
			break
		} else if err != nil {
			return err
		}
	}
	return &SyntaxError{File: s.path, Line: lines.lines + 1, Column: f.at + 1, What: f.what}
}
