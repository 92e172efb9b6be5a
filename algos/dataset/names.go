package dataset

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// ReadNames reads a file of feature names, one a line, in order of feature id. The
// file may be compressed. An empty line is a feature without a name.
func ReadNames(path string) (names []string, err error) {
	err = eachLine(path, func(line []byte) error {
		if !utf8.Valid(line) {
			return errors.New("the name is not UTF-8")
		}
		names = append(names, string(line))
		return nil
	})
	return names, err
}

// openChecked opens a file whose content is what its name says. The caller calls
// done.
func openChecked(path string) (src *source, done func(), err error) {
	if src, err = findSource(path); err != nil {
		return nil, nil, err
	}
	if src, done, err = src.open(); err != nil {
		return nil, nil, err
	}
	if err := src.check(); err != nil {
		done()
		return nil, nil, err
	}
	return src, done, nil
}

// eachLine reads a file, perhaps compressed, line by line.
func eachLine(path string, visit func(line []byte) error) error {
	src, done, err := openChecked(path)
	if err != nil {
		return err
	}
	defer done()
	return src.lines(func(line []byte, _, number int64) error {
		err := visit(line)
		var f faultError
		switch {
		case errors.As(err, &f):
			return &SyntaxError{path, number, f.at + 1, f.what}
		case err != nil:
			return fmt.Errorf("dataset: %s:%d: %w", path, number, err)
		}
		return nil
	})
}
