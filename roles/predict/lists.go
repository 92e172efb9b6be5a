package predict

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sort"
	"strconv"
	"sync"

	"petuum/algos/model"
)

// listRows is the rows whose lists one goroutine makes at a time.
const listRows = 1024

// Listed is what suits a row best: features and what they score, best first.
type Listed struct {
	Row      uint64
	Features []uint32
	Scores   []float32
}

// Lists finds the features that score highest for each of rows, all rows of the training
// data if rows is nil: at most most of them, and none that seen has with the row (nil: all
// may be). It calls each in the order of rows, from the caller's goroutine. The model must
// be Paired.
func (m *Model) Lists(ctx context.Context, rows []uint64, most int, seen *Seen, each func(Listed) error) error {
	n := uint64(len(rows))
	if rows == nil {
		n = m.manifest.Data.Rows
	}
	for at := uint64(0); at < n; {
		var blocks []*listBlock
		for len(blocks) < runtime.GOMAXPROCS(0) && at < n {
			b := &listBlock{}
			for ; at < n && len(b.rows) < listRows; at++ {
				row := at
				if rows != nil {
					row = rows[at]
				}
				b.rows = append(b.rows, row)
			}
			blocks = append(blocks, b)
		}
		var wg sync.WaitGroup
		for _, b := range blocks {
			wg.Go(func() { b.err = m.list(b, most, seen) })
		}
		wg.Wait()
		for _, b := range blocks {
			if b.err != nil {
				return fmt.Errorf("model %s: %w", m.dir, b.err)
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			for _, l := range b.lists {
				if err := each(l); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// listBlock is the rows of one goroutine, and their lists.
type listBlock struct {
	rows  []uint64
	lists []Listed
	err   error
}

func (m *Model) list(b *listBlock, most int, seen *Seen) error {
	if m.paired == nil {
		return errors.New("it scores no pairs of rows and features")
	}
	skip := func(k int) []uint32 { return seen.of(b.rows[k]) }
	return m.paired.List(m.manifest.Data, m, b.rows, most, skip, func(k int, features []uint32, scores []float32) {
		b.lists = append(b.lists, Listed{b.rows[k], slices.Clone(features), slices.Clone(scores)})
	})
}

// RowName is what the training data calls a row: its name, or its number from 1.
func (m *Model) RowName(row uint64) string {
	if names := m.manifest.Data.RowNames; names != nil {
		return names.At(int(row))
	}
	return strconv.FormatUint(row+1, 10)
}

// FeatureName is what the training data calls a feature.
func (m *Model) FeatureName(feature uint64) string {
	if names := m.manifest.Data.Names; feature < uint64(len(names)) && names[feature] != "" {
		return names[feature]
	}
	return m.manifest.KeyName(model.Table{Features: m.manifest.Data.Features}, feature)
}

// Seen is pairs of rows and features, such as what users have. nil has none.
type Seen struct {
	pairs    []uint64 // row<<32 | feature, ascending
	features []uint32 // of each pair
}

// See reads pairs (dataset.Options.Pairs) of some rows, of all if these are nil. Pairs of
// which the model does not have one are passed over. It takes 12 bytes of memory a pair.
func See(ctx context.Context, in Rows, rows []uint64) (*Seen, error) {
	of := slices.Clone(rows)
	slices.Sort(of)
	s := &Seen{}
	for {
		part, err := in.Next(mostRows)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		for i, row := range part.RowOf {
			if _, ok := slices.BinarySearch(of, row); rows != nil && !ok || row >= 1<<32 {
				continue
			}
			for j := range part.X.Row(i) {
				s.pairs = append(s.pairs, row<<32|part.Key(j))
			}
		}
	}
	slices.Sort(s.pairs)
	s.pairs = slices.Compact(s.pairs)
	s.features = make([]uint32, len(s.pairs))
	for k, pair := range s.pairs {
		s.features[k] = uint32(pair)
	}
	return s, nil
}

// of is the features of a row, ascending.
func (s *Seen) of(row uint64) []uint32 {
	if s == nil {
		return nil
	}
	begin := sort.Search(len(s.pairs), func(k int) bool { return s.pairs[k]>>32 >= row })
	end := begin + sort.Search(len(s.pairs)-begin, func(k int) bool { return s.pairs[begin+k]>>32 > row })
	return s.features[begin:end]
}
