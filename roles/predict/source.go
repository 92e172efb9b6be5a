package predict

import (
	"errors"
	"io"

	"petuum/algos/dataset"
)

// Source is data that is read from its files.
type Source interface {
	Rows
	Info() dataset.Info // of what was read so far
	Close() error
}

// whole is a file that is read at once.
type whole struct {
	part *dataset.Part
	info dataset.Info
}

// OpenFiles opens the files of paths, one after the other.
func OpenFiles(paths []string, o dataset.Options) (Source, error) {
	if len(paths) != 1 {
		return nil, errors.New("one file at a time")
	}
	s, err := dataset.Scan(paths[0], o, []int{0}, 1)
	if err != nil {
		return nil, err
	}
	parts, err := s.Parts(s.Info(0))
	if err != nil {
		return nil, err
	}
	return &whole{parts[0], s.Info(0)}, nil
}

// Next returns all rows the first time.
func (s *whole) Next(int) (*dataset.Part, error) {
	if s.part == nil {
		return nil, io.EOF
	}
	p := s.part
	s.part = nil
	return p, nil
}

func (s *whole) Info() dataset.Info { return s.info }
func (s *whole) Close() error       { return nil }
