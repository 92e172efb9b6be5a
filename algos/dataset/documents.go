package dataset

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
)

// What a document of Text is, in Options.Document.
const (
	OneLine = "line"
	OneFile = "file"
)

const (
	// maxDocument is the longest document of a file of its own, in bytes.
	maxDocument = 1 << 30

	// taskFiles is the most files that a goroutine reads at a time.
	taskFiles = 256
)

// ofFiles says whether each file is a document.
func (o Options) ofFiles() bool { return o.Document == OneFile }

// filesBelow looks at the files that paths name, each a document: those of a folder are in
// the order of their paths, but for names that begin with a point.
func filesBelow(paths []string) (all []*source, err error) {
	for _, path := range paths {
		var found []*source
		err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case name != path && strings.HasPrefix(entry.Name(), ".") && entry.IsDir():
				return fs.SkipDir
			case name != path && (strings.HasPrefix(entry.Name(), ".") || !entry.Type().IsRegular()):
				return nil
			case entry.IsDir():
				return nil
			}
			s, err := findSource(name)
			if err == nil {
				s.named = path
				found = append(found, s)
			}
			return err
		})
		var bad *fs.PathError
		switch {
		case errors.As(err, &bad):
			return nil, fmt.Errorf("dataset: %w", bad)
		case err != nil:
			return nil, err
		case len(found) == 0:
			return nil, fmt.Errorf("dataset: there is no file in %s", path)
		}
		all = append(all, found...)
	}
	return all, nil
}

// foldersOf describes what was named: a folder with all that is in it as one file.
func foldersOf(sources []*source) (files []File, err error) {
	named := ""
	for _, s := range sources {
		f, err := s.file()
		if err != nil {
			return nil, err
		}
		name := f.Name
		if s.named != "" {
			name, _ = filepath.Rel(filepath.Dir(s.named), s.path)
		}
		if len(files) == 0 || s.named != named {
			files = append(files, File{Name: filepath.Base(cmp.Or(s.named, s.path))})
		}
		named = s.named
		all := &files[len(files)-1]
		all.Bytes += s.size
		all.Digest = crc32.Update(all.Digest, crc32.IEEETable, fmt.Appendf(nil, "%q %d %d", name, f.Bytes, f.Digest))
	}
	return files, nil
}

// textLayout is that of a file which is a document.
func textLayout(o Options, first *layout) (*layout, error) {
	l := &layout{options: o, format: Text, header: -1, label: -1, weight: -1, mask: o.mask()}
	if err := l.agrees(first); err != nil {
		return nil, err
	}
	return l, l.readText(first)
}

// readText is ready for documents.
func (l *layout) readText(first *layout) (err error) {
	l.unlabelled, l.features, l.categorical = true, 1, []bool{true}
	if first != nil {
		l.stop = first.stop
		return nil
	}
	l.stop, err = l.options.stopWords()
	return err
}

// task is some files that follow each other, of one part.
type task struct {
	place, number int // of the part
	begin, end    int // of the sources
}

// documents reads the parts of an input whose files are documents. Part p has the files
// that begin in its share of the bytes, so the order of the parts is that of the files.
func (in *input) documents(numbers []int, parts []*assembly) error {
	r := &reading{input: in, numbers: numbers, parts: parts, workers: runtime.GOMAXPROCS(0)}
	total := int64(0)
	for _, s := range in.sources {
		total += s.size + 1 // one is empty
	}
	var tasks []task
	at, bytes := int64(0), int64(0)
	part := 0
	for i, s := range in.sources {
		for at >= cut(total, part+1, in.of) {
			part++
		}
		at += s.size + 1
		place := slices.Index(numbers, part)
		if place < 0 {
			continue
		}
		n := len(tasks) - 1
		if n < 0 || tasks[n].place != place || tasks[n].end < i || i-tasks[n].begin >= taskFiles || bytes >= in.chunk() {
			tasks, bytes = append(tasks, task{place, part, i, i}), 0
			n++
		}
		tasks[n].end, bytes = i+1, bytes+s.size
	}
	var next atomic.Int64
	r.each(min(r.workers, len(tasks)), func(w *worker) {
		for k := int(next.Add(1)) - 1; k < len(tasks); k = int(next.Add(1)) - 1 {
			if t := tasks[k]; !r.stopped(int64(t.begin)) {
				w.documents(t)
			}
		}
	})
	return r.bad
}

// documents adds the rows of some files to their part.
func (w *worker) documents(t task) {
	c := chunk{part: t.place, order: order{file: int32(t.begin), number: int32(t.number)}}
	b := w.builder(c)
	for i := t.begin; i < t.end; i++ {
		if err := w.document(b, w.sources[i]); err != nil {
			w.fail(int64(i), err)
			return
		}
	}
	w.add(b, c)
}

// document adds the row of a file.
func (w *worker) document(b *builder, s *source) error {
	text, err := w.whole(s)
	if err != nil {
		return err
	}
	begin := 0
	if bytes.HasPrefix(text, []byte(mark)) {
		begin = len(mark)
	}
	if f := b.document(text, begin, len(text)); f != nil {
		before := text[:begin+f.at]
		line := bytes.Count(before, []byte("\n"))
		return &SyntaxError{s.path, int64(line) + 1, len(before) - bytes.LastIndexByte(before, '\n'), f.what}
	}
	return nil
}

// whole is the text of a file, up to the next call.
func (w *worker) whole(s *source) ([]byte, error) {
	if s.size == 0 {
		return nil, nil
	}
	src, done, err := s.open()
	if err != nil {
		return nil, err
	}
	defer done()
	if err := src.check(); err != nil {
		return nil, err
	}
	text, free, err := src.stream()
	if err != nil {
		return nil, err
	}
	defer free()
	buf := bytes.NewBuffer(w.text[:0])
	_, err = buf.ReadFrom(io.LimitReader(text, maxDocument+1))
	w.text = buf.Bytes()
	switch {
	case err != nil:
		return nil, err
	case len(w.text) > maxDocument:
		return nil, fmt.Errorf("dataset: %s is longer than %d bytes: it is one document by data.document = %q", s.path, maxDocument, OneFile)
	}
	return w.text, nil
}
