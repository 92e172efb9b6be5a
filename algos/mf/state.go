package mf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"petuum/consistency"
	"petuum/table/kernel"
)

// Under remembers how parts wait for each other.
func (a *MF) Under(p consistency.Policy, exact bool) error {
	a.lockstep = p.Synchronous()
	return a.adds(p, exact)
}

// Saves refuses checkpoints where slices go round without lockstep: the first clock after
// a checkpoint has no leases, and counts on seeing all of the clock before.
func (a *MF) Saves() error {
	if !a.lockstep {
		return errors.New("slices of items go round in no lockstep: take policy bsp")
	}
	return nil
}

// Save writes how far the part has come, and where there is patience the best rows so far. If
// those are of the clock at hand, they are found again by the evaluation that follows Restore.
func (a *MF) Save(w io.Writer) error {
	if err := a.save(w); err != nil || a.Patience == 0 {
		return err
	}
	err := binary.Write(w, binary.LittleEndian, int64(a.best.clock))
	if a.best.clock >= 0 {
		err = errors.Join(err, binary.Write(w, binary.LittleEndian, a.best.users), binary.Write(w, binary.LittleEndian, a.best.items))
	}
	return err
}

// save writes the rows of the part's users and how far it has come.
func (a *MF) save(w io.Writer) error {
	if s, ok := a.solver.(*alternating); ok {
		return s.save(a, w)
	}
	head := []uint64{uint64(a.pushes), uint64(a.kept()), uint64(a.Rank)}
	if err := binary.Write(w, binary.LittleEndian, head); err != nil {
		return err
	}
	row := make([]float32, 1+a.Rank)
	var b []byte
	for i := range a.kept() {
		rows, i := a.keptRow(i)
		a.unpack(row, i, rows)
		b = kernel.Append(b[:0], row)
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// kept is how many rows no table has at a barrier: those of users, and those of items where
// they do not travel.
func (a *MF) kept() int {
	if a.solver.travels() {
		return len(a.perUser)
	}
	return len(a.perUser) + len(a.perItem)
}

// keptRow is where the i-th of these rows is.
func (p *part) keptRow(i int) (rows []float32, at int) {
	if i < len(p.perUser) {
		return p.users, i
	}
	return p.items, i - len(p.perUser)
}

// Restore reads what Save wrote.
func (a *MF) Restore(r io.Reader) error {
	if err := a.read(r); err != nil || a.Patience == 0 {
		return err
	}
	clock, best := int64(0), kept{users: make([]float32, len(a.part.users)), items: make([]float32, a.lot)}
	err := binary.Read(r, binary.LittleEndian, &clock)
	if err == nil && clock >= 0 {
		err = errors.Join(binary.Read(r, binary.LittleEndian, best.users), binary.Read(r, binary.LittleEndian, best.items))
	}
	if err != nil {
		return fmt.Errorf("mf: state of the best rows: %w", err)
	}
	for _, v := range slices.Concat(best.users, best.items) {
		if v-v != 0 {
			return fmt.Errorf("mf: state of the best rows: a value is %v", v)
		}
	}
	best.clock = consistency.Clock(max(clock, -1))
	a.best = best
	return nil
}

// read reads what save wrote.
func (a *MF) read(r io.Reader) error {
	if s, ok := a.solver.(*alternating); ok {
		a.begin(a)
		return s.read(a, r)
	}
	head := make([]uint64, 3)
	if err := binary.Read(r, binary.LittleEndian, head); err != nil {
		return fmt.Errorf("mf: state: %w", err)
	}
	a.begin(a)
	if head[0] > math.MaxInt32 || head[1] != uint64(a.kept()) || head[2] != uint64(a.Rank) {
		return fmt.Errorf("mf: state of %d rows of rank %d, want %d of rank %d", head[1], head[2], a.kept(), a.Rank)
	}
	width := 1 + a.Rank
	values, b := make([]float32, a.kept()*width), make([]byte, 4*width)
	for u := range a.kept() {
		if _, err := io.ReadFull(r, b); err != nil {
			return fmt.Errorf("mf: state: %w", err)
		}
		row := values[u*width:][:width]
		for k := range row {
			row[k] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*k:]))
			if v := float64(row[k]); math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("mf: state: a value of row %d is %v", u, v)
			}
		}
	}
	for i := range a.kept() {
		rows, at := a.keptRow(i)
		a.pack(at, rows, values[i*width:][:width])
	}
	a.pushes = int(head[0])
	a.solver.restore(a)
	return nil
}
