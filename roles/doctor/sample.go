package doctor

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"petuum/algos/dataset"
)

// Sample is what a look at data files tells.
type Sample struct {
	Path  string       `json:"path"`  // of the first
	Files int          `json:"files"` // how many
	Bytes int64        `json:"bytes"` // as stored, of all
	Head  string       `json:"head"`  // a digest of the first bytes of each
	Info  dataset.Info `json:"info"`  // of the lines that were read
	Whole bool         `json:"whole"` // these were all
	Rows  uint64       `json:"rows"`  // of the files; estimated unless Whole
	Cells uint64       `json:"cells"` // their values, likewise
}

// bounds are how much of a file is read, in bytes.
type bounds struct {
	plain, compressed int64 // a file up to this size is read as a whole, as stored
	around            int64 // before and behind the places where it is cut
	text              int64 // of a compressed file
}

// quick takes well under a second.
var quick = bounds{plain: 16 << 20, compressed: 2 << 20, around: 32 << 10, text: 4 << 20}

const (
	headBytes    = 64 << 10 // for the digest
	sampledParts = 64       // of a large file, at most
	fewestParts  = 16
)

// mostParts is how many parts a small file is cut in; more would be too many to go through one by one.
const mostParts = 1024

// look reads all of small files, and the first and last lines of the parts of large
// ones. Of a large compressed file only the beginning can be read in a short time,
// and a matrix of MatrixMarket makes no sense in pieces.
func (b bounds) look(paths []string, o dataset.Options, parts int) (Sample, error) {
	s := Sample{Path: paths[0], Files: len(paths)}
	var plain, compressed int64
	regular := true
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return s, err
		}
		regular = regular && info.Mode().IsRegular()
		if compression(path) == "" {
			plain += info.Size()
		} else {
			compressed += info.Size()
		}
	}
	s.Bytes = plain + compressed
	var err error
	if o.Stream { // the job will take a sample, too
		if s.Info, err = scan(paths, o, min(parts, mostParts)); err != nil {
			return s, err
		}
		s.Rows, s.Cells = s.Info.Rows, s.Info.NonZeros
		s.Head, err = digest(paths)
		return s, err
	}
	if !regular || plain <= b.plain && compressed <= b.compressed || matrix(paths[0], o) {
		s.Info, err = scan(paths, o, min(parts, mostParts))
		s.Whole, s.Rows, s.Cells = true, s.Info.Rows, s.Info.NonZeros
	} else {
		err = s.lookInto(paths, o, parts, b)
	}
	if err != nil {
		return s, err
	}
	s.Head, err = digest(paths)
	return s, err
}

// matrix reports whether a file is read as MatrixMarket, or is binary.
func matrix(path string, o dataset.Options) bool {
	name, _ := dataset.Compressed(path)
	format := o.Format
	if format == "" || format == "auto" {
		format = dataset.FormatOfName(name)
	}
	return dataset.ReadWhole(format) || format == dataset.Binary
}

// compression is the ending of a compressed file.
func compression(path string) string {
	_, ending := dataset.Compressed(path)
	return ending
}

// scan reads files in so many parts.
func scan(paths []string, o dataset.Options, parts int) (info dataset.Info, err error) {
	all := make([]int, parts)
	for p := range all {
		all[p] = p
	}
	scanned, err := dataset.Scan(paths, o, all, parts)
	for p := 0; p < parts && err == nil; p++ {
		info, err = info.Merge(scanned.Info(p))
	}
	return info, err
}

func digest(paths []string) (string, error) {
	h := sha256.New()
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		_, err = io.CopyN(h, f, headBytes)
		f.Close()
		if err != nil && err != io.EOF {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// lookInto copies some lines of each file to one of its own; these are then read as
// the files would be.
func (s *Sample) lookInto(paths []string, o dataset.Options, parts int, b bounds) error {
	dir, err := os.MkdirTemp("", "petuum-doctor-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	copies := make([]string, len(paths))
	lines := make([]excerpt, len(paths))
	var files []dataset.File
	copied, stored := 0.0, 0.0 // bytes of text
	for i, path := range paths {
		whole, err := lines[i].read(path, parts, b)
		if err != nil {
			return err
		}
		name, _ := dataset.Compressed(filepath.Base(path))
		copies[i] = filepath.Join(dir, fmt.Sprintf("%d", i), name)
		if err := errors.Join(os.Mkdir(filepath.Dir(copies[i]), 0o700), os.WriteFile(copies[i], lines[i].text, 0o600)); err != nil {
			return err
		}
		files = append(files, dataset.File{Name: filepath.Base(path), Bytes: lines[i].bytes})
		copied, stored = copied+float64(len(lines[i].text)), stored+whole
	}
	if s.Info, err = scan(copies, o, 1); err != nil {
		for i, path := range paths {
			err = lines[i].locate(err, path, copies[i], compression(path) == "")
		}
		return err
	}
	s.Info.Files = files
	more := max(1, stored/copied)
	s.Rows, s.Cells = uint64(more*float64(s.Info.Rows)), uint64(more*float64(s.Info.NonZeros))
	return nil
}

// read takes some lines of a file, and estimates how long the text of all is.
func (e *excerpt) read(path string, parts int, b bounds) (text float64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	e.bytes = info.Size()
	text = float64(e.bytes)
	if ending := compression(path); ending == "" {
		err = e.plain(f, e.bytes, parts, b.around)
	} else {
		var read int64
		read, err = e.compressed(f, ending, b.text)
		if read > 0 {
			text = float64(e.bytes) / float64(read) * float64(len(e.text))
		}
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return text, nil
}

// excerpt is some lines of a file and where they stand in it.
type excerpt struct {
	text  []byte
	at    []int64 // offset of each line
	bytes int64   // of the file, as stored
}

// take adds the lines in b, which begins at an offset; what follows the last
// newline is left out unless b reaches the end of the file.
func (e *excerpt) take(b []byte, at int64, end bool) {
	for len(b) > 0 {
		n := bytes.IndexByte(b, '\n') + 1
		if n == 0 && !end {
			return
		}
		if n == 0 {
			n = len(b)
		}
		e.text, e.at = append(e.text, b[:n]...), append(e.at, at)
		b, at = b[n:], at+int64(n)
	}
}

// next is the offset of the first line that may follow.
func (e *excerpt) next() int64 {
	if len(e.at) == 0 {
		return 0
	}
	before := len(e.text) - 1
	for before > 0 && e.text[before-1] != '\n' {
		before--
	}
	return e.at[len(e.at)-1] + int64(len(e.text)-before)
}

// plain takes the lines around the places where the file is cut, its beginning and its end.
func (e *excerpt) plain(f io.ReaderAt, size int64, parts int, around int64) error {
	for parts < fewestParts {
		parts *= 2 // in between, too
	}
	cuts := min(parts, sampledParts)
	buf := make([]byte, 2*around)
	for i := range cuts + 1 {
		p := parts * i / cuts
		cut := int64(float64(size) * (float64(p) / float64(parts)))
		from := max(e.next(), cut-around)
		if from >= min(size, cut+around) {
			continue
		}
		b := buf[:min(size, cut+around)-from]
		if _, err := f.ReadAt(b, from); err != nil && err != io.EOF {
			return err
		}
		end := from+int64(len(b)) == size
		if from > e.next() { // in the middle of a line
			n := bytes.IndexByte(b, '\n') + 1
			if n == 0 {
				continue
			}
			b, from = b[n:], from+int64(n)
		}
		e.take(b, from, end)
	}
	return nil
}

// compressed takes the first lines, and returns how many bytes of the file they come from.
func (e *excerpt) compressed(f io.Reader, ending string, most int64) (read int64, err error) {
	count := &counter{r: f}
	var r io.Reader
	if ending == ".gz" {
		z, err := gzip.NewReader(bufio.NewReader(count))
		if err != nil {
			return 0, err
		}
		defer z.Close()
		r = z
	} else {
		z, err := zstd.NewReader(count, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return 0, err
		}
		defer z.Close()
		r = z
	}
	text, err := io.ReadAll(io.LimitReader(r, most))
	if err != nil {
		return 0, err
	}
	e.take(text, 0, int64(len(text)) < most)
	return count.n, nil
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// locate turns an error about the copy into one about the file: with the line, if
// it is the same, or else the offset.
func (e *excerpt) locate(err error, path, copied string, plain bool) error {
	var bad *dataset.SyntaxError
	if !errors.As(err, &bad) {
		return errors.New(strings.ReplaceAll(err.Error(), copied, path))
	}
	if bad.File != copied {
		return err
	}
	if i := int(bad.Line) - 1; plain && i >= 0 && i < len(e.at) && e.at[i] > 0 {
		return fmt.Errorf("%s: column %d of the line at byte %s: %s", path, bad.Column, thousands(uint64(e.at[i])), bad.What)
	}
	return &dataset.SyntaxError{File: path, Line: bad.Line, Column: bad.Column, What: bad.What}
}
