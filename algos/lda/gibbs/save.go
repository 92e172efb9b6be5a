package gibbs

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sort"
)

// Topics are saved in the order of documents, of words in a document, and of a word's
// tokens, which are alike:
//
//	"LDAZ" topics tokens checksum of the documents | topics of tokens | checksum of all before
//
// Numbers have 4 bytes, little endian; topics 2 if there are fewer than 2^16, else 4. A token that no
// sweep has visited has all bits set.
const magic = "LDAZ"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Save writes the topics of all tokens. It is not called within a sweep.
func (s *State) Save(w io.Writer) error {
	if s.sweep {
		return errors.New("gibbs: topics are saved within a sweep")
	}
	sum := crc32.New(castagnoli)
	buffer := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16)
	buffer.Write(s.header())
	var b [4]byte
	size := s.topicSize()
	s.inOrder(func(t int32) {
		binary.LittleEndian.PutUint32(b[:], s.topic[t])
		buffer.Write(b[:size])
	})
	if err := buffer.Flush(); err != nil {
		return fmt.Errorf("gibbs: save topics: %w", err)
	}
	binary.LittleEndian.PutUint32(b[:], sum.Sum32())
	if _, err := w.Write(b[:]); err != nil {
		return fmt.Errorf("gibbs: save topics: %w", err)
	}
	return nil
}

// Restore reads what Save has written of the same documents, by any sampler. After an
// error the topics are as they were. The counts of words are the caller's to restore;
// see Counts.
func (s *State) Restore(r io.Reader) error {
	if s.sweep {
		return errors.New("gibbs: topics are restored within a sweep")
	}
	sum := crc32.New(castagnoli)
	buffer := bufio.NewReaderSize(r, 1<<16)
	header := s.header()
	b := make([]byte, len(header))
	if _, err := io.ReadFull(buffer, b); err != nil {
		return fmt.Errorf("gibbs: restore topics: %w", err)
	}
	if err := s.compare(b); err != nil {
		return err
	}
	sum.Write(b)
	topics := make([]uint32, len(s.topic))
	size := s.topicSize()
	b = make([]byte, 4)
	for i := range topics {
		if _, err := io.ReadFull(buffer, b[:size]); err != nil {
			return fmt.Errorf("gibbs: restore topic %d of %d: %w", i, len(topics), err)
		}
		sum.Write(b[:size])
		k := binary.LittleEndian.Uint32(b)
		if size == 2 && k == 1<<16-1 {
			k = unassigned
		}
		if k != unassigned && int(k) >= s.topics {
			return fmt.Errorf("gibbs: restore topics: token %d has topic %d of %d", i, k, s.topics)
		}
		topics[i] = k
	}
	if _, err := io.ReadFull(buffer, b); err != nil {
		return fmt.Errorf("gibbs: restore topics: %w", err)
	}
	if got := binary.LittleEndian.Uint32(b); got != sum.Sum32() {
		return fmt.Errorf("gibbs: restore topics: checksum %08x, but %08x is written: the file is damaged", sum.Sum32(), got)
	}
	at := 0
	s.inOrder(func(t int32) {
		s.topic[t] = topics[at]
		at++
	})
	return s.sampler.assign(s)
}

// topicSize is how many bytes a saved topic has.
func (s *State) topicSize() int {
	if s.topics < 1<<16 {
		return 2
	}
	return 4
}

// header is how saved topics begin.
func (s *State) header() []byte {
	sum := crc32.New(castagnoli)
	var b []byte
	for i := range s.length {
		b = binary.LittleEndian.AppendUint32(b[:0], uint32(s.length[i]))
		for w, v := range s.x.Row(i) {
			b = binary.LittleEndian.AppendUint32(b, uint32(w))
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		}
		sum.Write(b)
	}
	h := []byte(magic)
	h = binary.LittleEndian.AppendUint32(h, uint32(s.topics))
	h = binary.LittleEndian.AppendUint32(h, uint32(len(s.topic)))
	return binary.LittleEndian.AppendUint32(h, sum.Sum32())
}

// compare tells how what was saved differs from the state.
func (s *State) compare(b []byte) error {
	h := s.header()
	number := func(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
	switch {
	case string(b[:4]) != magic:
		return errors.New("gibbs: restore topics: these are no saved topics")
	case number(b, 1) != number(h, 1):
		return fmt.Errorf("gibbs: restore topics: saved with %d topics, not %d", number(b, 1), s.topics)
	case number(b, 2) != number(h, 2):
		return fmt.Errorf("gibbs: restore topics: saved of %d tokens, not %d", number(b, 2), len(s.topic))
	case number(b, 3) != number(h, 3):
		return errors.New("gibbs: restore topics: saved of other documents")
	}
	return nil
}

// inOrder calls f with the index of each token, by document, then by word. In a block
// the documents are in the matrix' order, and so are the tokens of a word.
func (s *State) inOrder(f func(t int32)) {
	next := append([]int32(nil), s.start...)
	for d, p := range s.place {
		b := sort.Search(len(s.blocks), func(b int) bool { return p < s.blocks[b].hi })
		first := next[b*(s.words+1):]
		for w, v := range s.x.Row(d) {
			for range int(v) {
				f(first[w])
				first[w]++
			}
		}
	}
}
