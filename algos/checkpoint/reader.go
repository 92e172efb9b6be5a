package checkpoint

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"petuum/algos/durable"
)

// ErrNone is that there is no checkpoint.
var ErrNone = errors.New("there is no checkpoint")

// Reader reads a checkpoint.
type Reader struct {
	Manifest
	Dir string
}

// Last is the manifest of the last checkpoint at path: ErrNone if there is none.
func Last(path string) (Manifest, error) {
	r, err := find(path)
	if err != nil {
		return Manifest{}, err
	}
	return r.Manifest, nil
}

func find(path string) (*Reader, error) {
	last, err := newest(path)
	if err != nil {
		return nil, err
	}
	if last == 0 {
		return nil, fmt.Errorf("checkpoint: %s: %w", path, ErrNone)
	}
	r := &Reader{Dir: filepath.Join(path, fmt.Sprintf("%08d", last))}
	r.Manifest, err = readManifest(r.Dir)
	return r, err
}

// Open opens the last checkpoint at path, all of which it reads and checks: ErrNone if
// there is none.
func Open(path string) (*Reader, error) {
	r, err := find(path)
	if err != nil {
		return nil, err
	}
	for _, f := range r.Files {
		if err := r.Read(f.Name, func(r io.Reader) error {
			_, err := io.Copy(io.Discard, r)
			return err
		}); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Read has f read a file, to its end, and checks it against the manifest.
func (r *Reader) Read(name string, f func(io.Reader) error) error {
	path := filepath.Join(r.Dir, name)
	bad := func(err error) error { return fmt.Errorf("checkpoint: %s: %w", path, durable.Cause(err)) }
	i := slices.IndexFunc(r.Files, func(f File) bool { return f.Name == name })
	if i < 0 {
		return bad(errors.New("the manifest does not list it"))
	}
	about := r.Files[i]
	file, err := os.Open(path)
	if err != nil {
		return bad(err)
	}
	defer file.Close()
	if fi, err := file.Stat(); err != nil {
		return bad(err)
	} else if fi.Size() != about.Bytes {
		return bad(fmt.Errorf("it has %d bytes, and the manifest says %d: it is cut short or another", fi.Size(), about.Bytes))
	}
	summed := &summing{r: io.LimitReader(file, about.Bytes), sum: sha256.New()}
	if err := f(summed); err != nil {
		return bad(err)
	}
	if n, err := summed.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return bad(errors.New("it has more than what was to be read"))
	}
	if hex.EncodeToString(summed.sum.Sum(nil)) != about.SHA256 {
		return bad(errors.New("its checksum is not the manifest's: it is damaged"))
	}
	return nil
}

// summing adds up what is read.
type summing struct {
	r   io.Reader
	sum hash.Hash
}

func (s *summing) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	s.sum.Write(b[:n])
	return n, err
}

// Rows calls f with the rows of a table, which has so many keys and bytes a row. A row is
// good during the call.
func (r *Reader) Rows(t Table, f func(key uint64, row []byte) error) error {
	if t.Row < 1 || t.Row > math.MaxInt32 {
		return fmt.Errorf("checkpoint: table %q with rows of %d bytes", t.Name, t.Row)
	}
	return r.Read(TableFile(t.Name), func(from io.Reader) error {
		b := bufio.NewReaderSize(from, 1<<18)
		row := make([]byte, t.Row)
		for {
			key, err := binary.ReadUvarint(b)
			if err == io.EOF {
				return nil
			}
			if err == nil && key >= t.Keys {
				err = fmt.Errorf("key %d of %d", key, t.Keys)
			}
			if err == nil {
				_, err = io.ReadFull(b, row)
			}
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				err = errors.New("it ends in the middle of a row")
			}
			if err == nil {
				err = f(key, row)
			}
			if err != nil {
				return err
			}
		}
	})
}
