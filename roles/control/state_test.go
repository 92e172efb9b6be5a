package control

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestState carries states of many lengths from a writer to a reader, of which either
// waits for the other: no more than one piece may be under way.
func TestState(t *testing.T) {
	const seed = 5
	r := rand.New(rand.NewPCG(seed, 0))
	for _, n := range []int{0, 1, pieceBytes - 1, pieceBytes, pieceBytes + 1, 3*pieceBytes + 7} {
		want := make([]byte, n)
		for i := range want {
			want[i] = byte(r.Uint32())
		}
		frames, more := make(chan []byte, 1), make(chan struct{}, 1)
		w := &StateWriter{Part: 3, Send: func(body []byte) error {
			select {
			case frames <- bytes.Clone(body):
				return nil
			default:
				return errors.New("two pieces are under way")
			}
		}, Await: func() error { <-more; return nil }}
		sent := make(chan error, 1)
		go func() {
			_, err := io.Copy(w, struct{ io.Reader }{bytes.NewReader(want)})
			sent <- errors.Join(err, w.Close())
		}()
		got, err := io.ReadAll(&StateReader{Part: 3, Next: func() ([]byte, error) {
			body := <-frames
			if len(body) > pieceBytes+16 {
				t.Errorf("a frame of %d bytes, want at most %d and a head", len(body), pieceBytes)
			}
			return body, nil
		}, More: func() error { more <- struct{}{}; return nil }})
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("seed %d: %d bytes arrive as %d, %v", seed, n, len(got), err)
		}
		if err := <-sent; err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestStateRefuses(t *testing.T) {
	for _, c := range []struct {
		name, want string
		body       []byte
	}{
		{"another part", "a piece of the state of part 4, while that of part 3 was due", AppendState(nil, StatePiece{Part: 4, Last: true})},
		{"half a piece", "control", AppendState(nil, StatePiece{Part: 3, Last: true, Bytes: []byte("xyz")})[:4]},
	} {
		_, err := io.ReadAll(&StateReader{Part: 3, Next: func() ([]byte, error) { return c.body, nil }})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q", c.name, err, c.want)
		}
	}
}
