package control

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"petuum/roles/wire"
	"petuum/table"
)

// frames keeps the bodies that are sent.
type frames struct{ bodies [][]byte }

func (f *frames) Send(_ wire.Kind, body []byte) error {
	f.bodies = append(f.bodies, slices.Clone(body))
	return nil
}

func (f *frames) SendNow(kind wire.Kind, body []byte) error { return f.Send(kind, body) }

func (f *frames) SendOwned(kind wire.Kind, head, tail []byte, _ wire.Owner) error {
	return f.Send(kind, slices.Concat(head, tail))
}

// read returns the messages of all frames.
func (f *frames) read(t *testing.T) (all []table.Message) {
	t.Helper()
	for _, body := range f.bodies {
		_, messages, err := ReadBatch(body, nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, messages...)
	}
	return all
}

// Whatever is added comes out, in order: short messages and long ones, the same ones
// one after another and not, from buffers that are used again.
func TestBatch(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 50 {
		f := &frames{}
		b := Batch{To: f}
		var want []table.Message
		buffer := &table.Buffer{}
		for range r.IntN(300) {
			switch r.IntN(8) {
			case 0:
				buffer.Bytes = buffer.Bytes[:0] // no message is empty, but no reason to lose one
			case 1:
				buffer.Bytes = bytes.Repeat([]byte{byte(r.IntN(3))}, longestRun-1+r.IntN(3))
			case 2:
				if r.IntN(10) == 0 {
					buffer.Bytes = bytes.Repeat([]byte{1}, ownedFrom-1+r.IntN(2))
				}
			case 3, 4:
				buffer.Bytes = append(buffer.Bytes[:0], "the same memory "...)
				buffer.Bytes = append(buffer.Bytes, byte('a'+r.IntN(2)))
			}
			shard := r.IntN(300)
			want = append(want, table.Message{Shard: shard, Body: slices.Clone(buffer.Bytes)})
			if err := b.Add(shard, buffer); err != nil {
				t.Fatal(err)
			}
			if r.IntN(30) == 0 {
				if err := b.Flush(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := b.Flush(); err != nil {
			t.Fatal(err)
		}
		got := f.read(t)
		if len(got) != len(want) {
			t.Fatalf("got %d messages, want %d", len(got), len(want))
		}
		for i, m := range got {
			if m.Shard != want[i].Shard || !bytes.Equal(m.Body, want[i].Body) {
				t.Fatalf("message %d: got %d bytes for shard %d, want %d for %d", i, len(m.Body), m.Shard, len(want[i].Body), want[i].Shard)
			}
		}
	}
}

// A message that says the same as the one before takes a byte or two, and is read as
// the same memory.
func TestBatchRuns(t *testing.T) {
	f := &frames{}
	b := Batch{To: f}
	for shard := range 64 {
		if err := b.Add(shard, &table.Buffer{Bytes: []byte("nothing changed")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
	if got, want := len(f.bodies[0]), BatchHead+2+len("nothing changed")+63; got != want {
		t.Errorf("got %d bytes, want %d", got, want)
	}
	got := f.read(t)
	for i := 1; i < len(got); i++ {
		if !got[i].Again(got[i-1].Body) {
			t.Errorf("message %d is not the memory of the one before", i)
		}
	}
}

// A batch of the shortest messages that is sent because it is full is not more than a
// reader takes.
func TestBatchFull(t *testing.T) {
	f := &frames{}
	b := Batch{To: f}
	for range 2 * maxMessages {
		if err := b.Add(0, &table.Buffer{Bytes: []byte{1}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := len(f.read(t)); got != 2*maxMessages || len(f.bodies) < 2 {
		t.Errorf("got %d messages in %d frames, want %d in more than one", got, len(f.bodies), 2*maxMessages)
	}
}
