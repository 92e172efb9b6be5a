package alternate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// State is numbers, then values, all little endian:
//
//	numbers   uint64, one after another: which step is next
//	lengths   uint64, one for each list of values
//	values    float32 or float64, list after list

// lists are the values of a state, in their order.
type lists struct {
	singles [][]float32
	doubles [][]float64
}

func (l lists) lengths() (n []uint64) {
	for _, x := range l.singles {
		n = append(n, uint64(len(x)))
	}
	for _, x := range l.doubles {
		n = append(n, uint64(len(x)))
	}
	return n
}

func (l lists) save(w io.Writer, numbers ...uint64) error {
	err := binary.Write(w, binary.LittleEndian, append(numbers, l.lengths()...))
	for _, x := range l.singles {
		err = errors.Join(err, binary.Write(w, binary.LittleEndian, x))
	}
	for _, x := range l.doubles {
		err = errors.Join(err, binary.Write(w, binary.LittleEndian, x))
	}
	return err
}

// restore reads what save wrote, of lists as long as these. Numbers are below limits. All is
// read and checked before anything changes.
func (l lists) restore(r io.Reader, limits ...uint64) ([]uint64, error) {
	want := l.lengths()
	head := make([]uint64, len(limits)+len(want))
	if err := binary.Read(r, binary.LittleEndian, head); err != nil {
		return nil, fmt.Errorf("mf: the state of a part ends early: %w", err)
	}
	for k, most := range limits {
		if head[k] >= most {
			return nil, fmt.Errorf("mf: the state of a part is at step %d of %d: it is of other parameters", head[k], most)
		}
	}
	for k, n := range want {
		if got := head[len(limits)+k]; got != n {
			return nil, fmt.Errorf("mf: the state of a part has %d values where this one has %d: it is of another part, other data or other parameters", got, n)
		}
	}
	read, err := l.read(r)
	if err != nil {
		return nil, err
	}
	for k, x := range l.singles {
		copy(x, read.singles[k])
	}
	for k, x := range l.doubles {
		copy(x, read.doubles[k])
	}
	return head[:len(limits)], nil
}

// read reads lists like these.
func (l lists) read(r io.Reader) (read lists, err error) {
	var endless bool
	if read.singles, endless, err = readLike(r, l.singles); err == nil {
		var more bool
		read.doubles, more, err = readLike(r, l.doubles)
		endless = endless || more
	}
	switch {
	case err != nil:
		return lists{}, fmt.Errorf("mf: the state of a part ends early: %w", err)
	case endless:
		return lists{}, errors.New("mf: the state of a part has values that are not finite")
	}
	return read, nil
}

// readLike reads lists as long as others, and tells whether a value is not finite.
func readLike[T float32 | float64](r io.Reader, others [][]T) (read [][]T, endless bool, err error) {
	for _, like := range others {
		x := make([]T, len(like))
		if err := binary.Read(r, binary.LittleEndian, x); err != nil {
			return nil, false, err
		}
		for _, v := range x {
			endless = endless || v-v != 0
		}
		read = append(read, x)
	}
	return read, endless, nil
}

func (a *ALS) state() lists {
	return lists{[][]float32{a.rows.Users, a.rows.Items}, [][]float64{a.before, a.gram, a.gramWas}}
}

// Save writes the part's state.
func (a *ALS) Save(w io.Writer) error {
	a.Settle()
	swept := uint64(0)
	if a.swept {
		swept = 1
	}
	return a.state().save(w, uint64(a.phase), swept)
}

// Restore reads what Save wrote, of the same part, after Begin.
func (a *ALS) Restore(r io.Reader) error {
	numbers, err := a.state().restore(r, uint64(a.Clocks()), 2)
	if err == nil {
		a.phase, a.swept = int(numbers[0]), numbers[1] == 1
	}
	return err
}

// Save writes the part's state. What is left of the ratings is in it: made again of the rows,
// it would be rounded in another way.
func (c *CCD) Save(w io.Writer) error {
	c.Settle()
	return c.state().save(w, uint64(c.column))
}

func (c *CCD) state() lists {
	return lists{[][]float32{c.rows.Users, c.rows.Items, c.ratings.Values}, [][]float64{c.before}}
}

// Restore reads what Save wrote, of the same part, after Begin.
func (c *CCD) Restore(r io.Reader) error {
	c.solver.Settle() // what is left has nothing to follow any more
	numbers, err := c.state().restore(r, uint64(c.Columns()))
	if err == nil {
		c.column, c.pending = int(numbers[0]), false
	}
	return err
}
