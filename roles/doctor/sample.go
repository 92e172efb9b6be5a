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

// Sample is what a look at a data file tells.
type Sample struct {
	Path  string       `json:"path"`
	Bytes int64        `json:"bytes"` // as stored
	Head  string       `json:"head"`  // a digest of the first bytes
	Info  dataset.Info `json:"info"`  // of the lines that were read
	Whole bool         `json:"whole"` // these were all
	Rows  uint64       `json:"rows"`  // of the file; estimated unless Whole
	Cells uint64       `json:"cells"` // its values, likewise
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

// look reads all of a small file, and the first and last lines of the parts of a
// large one. Of a large compressed file only the beginning can be read in a short time.
func (b bounds) look(path string, o dataset.Options, parts int) (Sample, error) {
	s := Sample{Path: path}
	info, err := os.Stat(path)
	if err != nil {
		return s, err
	}
	s.Bytes = info.Size()
	ending := compression(path)
	if !info.Mode().IsRegular() || ending == "" && s.Bytes <= b.plain || s.Bytes <= b.compressed {
		s.Info, err = scan(path, o, min(parts, mostParts))
		s.Whole, s.Rows, s.Cells = true, s.Info.Rows, s.Info.NonZeros
	} else {
		err = s.lookInto(path, ending, o, parts, b)
	}
	if err != nil {
		return s, err
	}
	s.Head, err = digest(path)
	return s, err
}

// compression is the ending of a compressed file.
func compression(path string) string {
	for _, ending := range []string{".gz", ".zst"} {
		if strings.HasSuffix(strings.ToLower(path), ending) {
			return ending
		}
	}
	return ""
}

// scan reads a file in so many parts.
func scan(path string, o dataset.Options, parts int) (info dataset.Info, err error) {
	all := make([]int, parts)
	for p := range all {
		all[p] = p
	}
	scanned, err := dataset.Scan([]string{path}, o, all, parts)
	for p := 0; p < parts && err == nil; p++ {
		info, err = info.Merge(scanned.Info(p))
	}
	return info, err
}

func digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyN(h, f, headBytes); err != nil && err != io.EOF {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// lookInto copies some lines of a file to one of its own, which is then read as
// the file would be.
func (s *Sample) lookInto(path, ending string, o dataset.Options, parts int, b bounds) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var lines excerpt
	stored := float64(s.Bytes) // behind the text of the whole file
	if ending == "" {
		err = lines.plain(f, s.Bytes, parts, b.around)
	} else {
		var read int64
		read, err = lines.compressed(f, ending, b.text)
		if read > 0 {
			stored = float64(s.Bytes) / float64(read) * float64(len(lines.text))
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	dir, err := os.MkdirTemp("", "petuum-doctor-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	name := filepath.Base(path)
	copied := filepath.Join(dir, name[:len(name)-len(ending)])
	if err := os.WriteFile(copied, lines.text, 0o600); err != nil {
		return err
	}
	if s.Info, err = scan(copied, o, 1); err != nil {
		return lines.locate(err, path, copied, ending == "")
	}
	s.Info.Files = []dataset.File{{Name: name, Bytes: s.Bytes}}
	more := max(1, stored/float64(len(lines.text)))
	s.Rows, s.Cells = uint64(more*float64(s.Info.Rows)), uint64(more*float64(s.Info.NonZeros))
	return nil
}

// excerpt is some lines of a file and where they stand in it.
type excerpt struct {
	text []byte
	at   []int64 // offset of each line
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
	if i := int(bad.Line) - 1; plain && i >= 0 && i < len(e.at) && e.at[i] > 0 {
		return fmt.Errorf("%s: column %d of the line at byte %s: %s", path, bad.Column, thousands(uint64(e.at[i])), bad.What)
	}
	return &dataset.SyntaxError{File: path, Line: bad.Line, Column: bad.Column, What: bad.What}
}
