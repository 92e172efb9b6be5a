package dataset

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
)

// maxSums is the largest number of features that are summed.
const maxSums = 1 << 28

// Sums is the sum of the values of each feature. In JSON it is a string that takes a byte
// or two for most counts.
type Sums []float64

// Of is the sum of a feature, 0 of those beyond the list.
func (s Sums) Of(feature uint64) float64 {
	if feature < uint64(len(s)) {
		return s[feature]
	}
	return 0
}

// MarshalJSON writes the sums as "u" and numbers of variable length where all are whole and
// small enough, else as "f" and 8 bytes each, in base64.
func (s Sums) MarshalJSON() ([]byte, error) {
	var b []byte
	whole := true
	for _, v := range s {
		whole = whole && v >= 0 && v < 1<<53 && v == math.Trunc(v) && !math.Signbit(v)
	}
	kind := "f"
	if whole {
		kind = "u"
	}
	for _, v := range s {
		if whole {
			b = binary.AppendUvarint(b, uint64(v))
		} else {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
	}
	return json.Marshal(kind + base64.StdEncoding.EncodeToString(b))
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Sums) UnmarshalJSON(text []byte) error {
	bad := errors.New("dataset: sums contradict themselves")
	var coded string
	if err := json.Unmarshal(text, &coded); err != nil {
		return err
	}
	if coded == "" || coded[0] != 'u' && coded[0] != 'f' {
		return bad
	}
	b, err := base64.StdEncoding.DecodeString(coded[1:])
	if err != nil || len(b)%8 > 0 && coded[0] == 'f' {
		return bad
	}
	*s = Sums{}
	for len(b) > 0 {
		if coded[0] == 'f' {
			v := math.Float64frombits(binary.LittleEndian.Uint64(b))
			if !isFinite(v) {
				return bad
			}
			*s, b = append(*s, v), b[8:]
			continue
		}
		n, k := binary.Uvarint(b)
		if k <= 0 || n >= 1<<53 {
			return bad
		}
		*s, b = append(*s, float64(n)), b[k:]
	}
	return nil
}

// mergeSums sets m's sums to those of a and b, whose ids may count from another base.
func (m *Info) mergeSums(a, b Info) {
	if a.Sums == nil && a.Seen > 0 || b.Sums == nil && b.Seen > 0 || m.Seen == 0 {
		m.Sums = nil
		return
	}
	m.Sums = make(Sums, m.Seen)
	if m.Format == Text {
		for _, x := range []Info{a, b} {
			for k, v := range x.Sums {
				j, _ := slices.BinarySearch(m.Columns[0].Categories, x.Columns[0].Categories[k])
				m.Sums[j] += v
			}
		}
		return
	}
	for _, x := range []Info{a, b} {
		shift := x.Base - m.Base // 1 if an index 0 is in the other part
		for j, v := range x.Sums {
			m.Sums[j+shift] = finite(m.Sums[j+shift] + v)
		}
	}
}

// newSums is room for the sums of so many features.
func (a Info) newSums() (Sums, error) {
	if a.Seen > maxSums {
		return nil, fmt.Errorf("dataset: %s: the values of %d features would be summed, and at most %d can be: number them without gaps", a.input(), a.Seen, maxSums)
	}
	return make(Sums, a.Seen), nil
}

// sum adds up the values of what was read.
func (a *assembly) sum() (err error) {
	named := a.builders[0].named()
	if named && a.info.Format != Text {
		return fmt.Errorf("dataset: %s: the algorithm needs the sum of each column, and there are columns of categories (data.categorical)", a.info.input())
	}
	if a.info.Sums, err = a.info.newSums(); err != nil {
		return err
	}
	sums, base := a.info.Sums, uint64(a.info.Base)
	for _, p := range a.pieces {
		large := a.builders[p.from].ids.large
		if p.width > 0 {
			for k := range p.width * len(p.ends) {
				if v := p.at(k); v != 0 {
					sums[k%p.width] = finite(sums[k%p.width] + v)
				}
			}
			continue
		}
		for k := range p.len() {
			id := uint64(p.code(k))
			if id >= smallIDs {
				id = large[id-smallIDs]
			}
			if named {
				id, _ = a.builders[p.from].cats.place(id, a.info.Columns, []uint64{0})
			}
			sums[id-base] = finite(sums[id-base] + p.at(k))
		}
	}
	return nil
}

// sum adds up the values of a part.
func (p *Part) sum(info *Info) (err error) {
	if info.Sums, err = info.newSums(); err != nil {
		return err
	}
	for i := range p.X.Rows() {
		for j, v := range p.X.Row(i) {
			info.Sums[p.Keys[j]] = finite(info.Sums[p.Keys[j]] + v)
		}
	}
	return nil
}

// sum adds up the values of part p of a binary file.
func (b *binaryFile) sum(p int, info *Info) (err error) {
	if info.Sums, err = info.newSums(); err != nil {
		return err
	}
	first, _ := b.file.Range(p)
	x, m, err := b.columns(p)
	if err != nil {
		return err
	}
	for j := range x.rows {
		for _, v := range x.Row(j) {
			key := first + uint64(j)
			info.Sums[key] = finite(info.Sums[key] + v)
		}
	}
	return m.Free()
}
