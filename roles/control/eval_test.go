package control

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/algos"
	"petuum/roles/wire"
	"petuum/table/kernel"
)

func encodePiece(m any) []byte {
	p := m.(Piece)
	return kernel.Append(appendPieceHead(nil, p.Part, p.Clock, p.Name, p.Len, p.At, len(p.Values)), p.Values)
}

// carried has what was sent, as it comes to the other side.
type carried struct {
	take  func(kind wire.Kind, body []byte) error
	room  []byte
	kinds []wire.Kind
}

func (c *carried) Send(kind wire.Kind, body []byte) error { return c.SendNow(kind, body) }

func (c *carried) SendNow(kind wire.Kind, body []byte) error {
	c.kinds = append(c.kinds, kind)
	return c.take(kind, body)
}

func (c *carried) SendOwned(kind wire.Kind, head, tail []byte, owner wire.Owner) error {
	c.room = append(append(c.room[:0], head...), tail...) // the socket
	owner.Release()
	return c.SendNow(kind, c.room)
}

type owner struct{ sync.WaitGroup }

func (o *owner) Retain()  { o.Add(1) }
func (o *owner) Release() { o.Done() }

// TestSendEval checks that what a part evaluated arrives, long sums in pieces, each from
// where it lies.
func TestSendEval(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 0))
	for _, n := range []int{0, 1, pieceFloats - 1, pieceFloats, pieceFloats + 1, 3*pieceFloats - 7} {
		long := make([]float64, n)
		for i := range long {
			long[i] = rng.NormFloat64()
		}
		e := algos.NewEval(5)
		e.Add("long", long...)
		e.Add("", 1, 2)
		e.Max("most", 3)
		g := algos.NewGather(5, 1)
		pieces := 0
		c := &carried{take: func(kind wire.Kind, body []byte) error {
			if kind == KindSum {
				var buf []float64
				p, err := ReadPiece(body, &buf)
				if err != nil {
					return err
				}
				pieces++
				return g.Piece(p.Part, p.Clock, p.Name, p.Len, p.At, p.Values)
			}
			part, e, err := ReadEval(body)
			if err != nil {
				return err
			}
			return g.End(part, e)
		}}
		var o owner
		if _, err := SendEval(c, 0, e, nil, &o); err != nil {
			t.Fatalf("n = %d: %v", n, err)
		}
		o.Wait()
		got, err := g.Total()
		if err != nil {
			t.Fatalf("n = %d: %v", n, err)
		}
		if !slices.Equal(got.Sums("long"), long) || !slices.Equal(got.Sums(""), []float64{1, 2}) || got.Maximum("most") != 3 {
			t.Errorf("n = %d: what arrived is not what was sent: %s", n, cmp.Diff(e.Sums("long"), got.Sums("long")))
		}
		want := 0
		if n >= pieceFloats {
			want = (n + pieceFloats - 1) / pieceFloats
		}
		if pieces != want || c.kinds[len(c.kinds)-1] != KindEval {
			t.Errorf("n = %d: %d pieces, want %d, and then the rest", n, pieces, want)
		}
		if sums, _ := e.Parts(); len(sums) != 2 {
			t.Errorf("n = %d: sending changed the evaluation", n)
		}
	}
}

// BenchmarkEval is the way of an evaluation with one long sum from two parts to their
// total, but for the sockets: as whole frames, each copied to be queued and to be kept,
// and in pieces.
func BenchmarkEval(b *testing.B) {
	for _, n := range []int{1e6, 1e7} {
		parts := [2]*algos.Eval{algos.NewEval(1), algos.NewEval(1)}
		for _, e := range parts {
			e.Into("xr", n)[n-1] = 1
		}
		b.Run(fmt.Sprintf("n=%d/whole", n), func(b *testing.B) {
			b.SetBytes(int64(16 * n))
			for b.Loop() {
				total := algos.NewEval(1)
				for p, e := range parts {
					sums, maxima := e.Parts()
					queued := slices.Clone(appendEval(nil, p, 1, sums, maxima))
					read := append([]byte(nil), queued...)
					_, got, err := ReadEval(append([]byte(nil), read...))
					if err == nil {
						err = total.Merge(got)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		b.Run(fmt.Sprintf("n=%d/pieces", n), func(b *testing.B) {
			b.SetBytes(int64(16 * n))
			var scratch []byte
			var o owner
			for b.Loop() {
				g := algos.NewGather(1, 2)
				c := &carried{take: func(kind wire.Kind, body []byte) error {
					if kind == KindSum {
						var buf []float64
						p, err := ReadPiece(body, &buf)
						if err != nil {
							return err
						}
						return g.Piece(p.Part, p.Clock, p.Name, p.Len, p.At, p.Values)
					}
					part, e, err := ReadEval(body)
					if err != nil {
						return err
					}
					return g.End(part, e)
				}}
				for p, e := range parts {
					var err error
					if scratch, err = SendEval(c, p, e, scratch, &o); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
