package cache

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

// StaleError is about a file that is intact but not for the caller: another release
// wrote it, or it is of another key. Make it anew.
type StaleError struct {
	Path, What string
}

func (e *StaleError) Error() string { return fmt.Sprintf("cache: %s is stale: %s", e.Path, e.What) }

// DamagedError is about a file that is not as it was written. Make it anew.
type DamagedError struct {
	Path, What string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("cache: %s is damaged: %s", e.Path, e.What)
}

// File is an open file, all of which was verified. Any number of goroutines may
// read it.
type File struct {
	memory   []byte // all of the file
	sections [][]byte
}

// Open maps the file at path and verifies every byte, on all processors. The error
// is a *[StaleError], a *[DamagedError], or one of the system, such as
// [fs.ErrNotExist].
//
// What other processes do to the path later, even [Write], does not reach an open
// file. Nobody may write into the file itself or cut it: reading what is then gone
// would end the process.
func Open(path string, key Key) (*File, error) {
	info, err := os.Stat(path) // opening a pipe may wait for ever
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("cache: %s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	size := info.Size()
	switch {
	case size < headerSize:
		return nil, &DamagedError{path, fmt.Sprintf("it ends at byte %d, within the header", size)}
	case int64(int(size)) != size:
		return nil, fmt.Errorf("cache: %s: its %d bytes are too many for this machine", path, size)
	}
	memory, err := Map(f, 0, int(size))
	if err != nil {
		return nil, fmt.Errorf("cache: %s: it cannot be mapped: %w", path, cause(err))
	}
	file := &File{memory: memory}
	if err := guarded(path, func() error { return file.verify(path, key) }); err != nil {
		_ = file.Close() // the first error tells more
		return nil, err
	}
	return file, nil
}

// Meta returns the meta that was written. It is as the sections are.
func (f *File) Meta() []byte { return f.sections[0] }

// Sections returns the sections that were written, each at a multiple of 64 bytes
// in memory. They are valid until Close, and so is every slice of them. They may
// be changed: that is seen through this File and no other, and not in the file on
// disk. A page takes memory of its own from then on.
func (f *File) Sections() [][]byte { return f.sections[1:] }

// Close frees the memory of the sections: whoever reads them after it ends the
// process. A second Close does nothing.
func (f *File) Close() error {
	memory := f.memory
	f.memory, f.sections = nil, [][]byte{nil}
	if memory == nil {
		return nil
	}
	return Unmap(memory)
}

// verify checks everything and finds the sections.
func (f *File) verify(path string, key Key) error {
	damaged := func(format string, args ...any) error {
		return &DamagedError{path, fmt.Sprintf(format, args...)}
	}
	b := f.memory
	size := int64(len(b))
	var h header
	if damage := h.parse(b[:headerSize]); damage != "" {
		return damaged("%s", damage)
	}
	switch {
	case h.version != version:
		return &StaleError{path, fmt.Sprintf("another release wrote it, in version %d of the format (this one writes %d)", h.version, version)}
	case h.order != order:
		return &StaleError{path, "its numbers have another order of bytes"}
	case h.key != key:
		return &StaleError{path, "it was written for other options"}
	case h.size > uint64(size):
		return damaged("it ends at byte %d of %d", size, h.size)
	case h.size < uint64(size):
		return damaged("%d bytes follow its end", uint64(size)-h.size)
	case h.sections == 0 || int64(h.sections) > (size-headerSize)/8:
		return damaged("it cannot hold %d sections", h.sections)
	}
	lengths := make([]int64, h.sections)
	for i := range lengths {
		lengths[i] = int64(binary.LittleEndian.Uint64(b[headerSize+8*i:]))
	}
	l, ok := layoutOf(lengths)
	if !ok || l.size != size {
		return damaged("the lengths of its sections do not make %d bytes", size)
	}
	if crc32.Checksum(b[headerSize:l.body], castagnoli) != h.index {
		return damaged("the checksum of the index is wrong")
	}
	if k, err := verifyBlocks(path, b, &l); err != nil {
		return err
	} else if k < l.blocks {
		from, to := l.block(k)
		return damaged("the checksum of block %d, bytes %d to %d, is wrong", k, from, to)
	}
	for i, at := range l.at {
		end := at + l.lengths[i]
		f.sections = append(f.sections, b[at:end:end])
	}
	return nil
}

// verifyBlocks returns the first block whose checksum is wrong, the number of
// blocks if none is.
func verifyBlocks(path string, b []byte, l *layout) (int64, error) {
	var next, bad atomic.Int64
	bad.Store(l.blocks)
	workers := min(int64(runtime.GOMAXPROCS(0)), l.blocks)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			errs[w] = guarded(path, func() error {
				for k := next.Add(1) - 1; k < bad.Load(); k = next.Add(1) - 1 {
					from, to := l.block(k)
					if crc32.Checksum(b[from:to], castagnoli) == l.sum(b, k) {
						continue
					}
					for old := bad.Load(); k < old && !bad.CompareAndSwap(old, k); old = bad.Load() {
					}
				}
				return nil
			})
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return bad.Load(), nil
}

// guarded makes an error of a page that cannot be read, because the disk fails or
// the file was cut after it was mapped.
func guarded(path string, work func() error) error {
	fault, err := Guard(work)
	if fault {
		return &DamagedError{path, "a page of it cannot be read"}
	}
	return err
}
