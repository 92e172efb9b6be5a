package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// plain returns an uncompressed frame.
func plain(kind Kind, body []byte) []byte {
	return append(appendPlain(nil, kind, body, nil), body...)
}

// squeezed returns a compressed frame that announces raw bytes.
func squeezed(kind Kind, packed []byte, raw int) []byte {
	b := append(make([]byte, zstdHeader), packed...)
	putZstd(b[:zstdHeader], kind, packed, raw)
	return b
}

// edited returns b with the byte at i changed and the checksum made right again.
func edited(b []byte, i int, to byte) []byte {
	b = bytes.Clone(b)
	b[i] = to
	seal(b, nil, nil)
	return b
}

// pack compresses body as wire does.
func pack(body []byte, o ...zstd.EOption) []byte {
	z, err := zstd.NewWriter(nil, append([]zstd.EOption{zstd.WithSingleSegment(true), zstd.WithEncoderCRC(false)}, o...)...)
	if err != nil {
		panic(err)
	}
	return z.EncodeAll(body, nil)
}

// streamed compresses body without saying how long it is.
func streamed(body []byte) []byte {
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	z.Write(body)
	z.Flush()
	z.Close()
	return b.Bytes()
}

// lying returns a frame of zstd that says it holds n bytes, from 64 KiB on, and
// holds body.
func lying(body []byte, n uint32) []byte {
	b := pack(body)
	if b[4]>>6 != 2 { // the size of the content's length
		panic("the content is not announced in four bytes")
	}
	binary.LittleEndian.PutUint32(b[5:], n)
	return b
}

// An attack is what a peer may send after a proper handshake, and how the
// connection must end.
type attack struct {
	name  string
	bytes []byte
	want  error
	text  string
}

const attackMax = 1 << 20 // Options.MaxFrame under attack

func attacks() []attack {
	good := plain(kindData, prose(100))
	return []attack{
		{"nothing", nil, ErrLost, "lost"},
		{"half a header", good[:5], ErrTruncated, ""},
		{"half a body", good[:50], ErrTruncated, ""},
		{"half a long body", plain(kindData, noise(200_000))[:100_000], ErrTruncated, ""},
		{"half a header of a compressed frame", squeezed(kindData, pack(prose(9000)), 9000)[:12], ErrTruncated, ""},
		{"a length that lies, within the limit", edited(good, 6, 0x0f), ErrTruncated, ""},
		{"a length beyond the limit", edited(good, 7, 0x10), ErrTooLarge, "at most 1048576"},
		{"a negative length", edited(good, 7, 0xff), ErrTooLarge, ""},
		{"a flipped bit", func() []byte { b := bytes.Clone(good); b[77] ^= 4; return b }(), ErrChecksum, "of 100 bytes of kind 16"},
		{"a flipped bit in a long body", func() []byte { b := plain(kindData, noise(300_000)); b[200_000] ^= 4; return b }(), ErrChecksum, ""},
		{"kind 0", plain(0, nil), ErrKind, ""},
		{"a kind reserved for later", plain(15, nil), ErrKind, ""},
		{"a kind not accepted", plain(99, prose(10)), ErrKind, "99, with 10 bytes"},
		{"unknown flags", edited(plain(kindData, nil), atFlags, 4), ErrMalformed, "flags 0x4"},
		{"a long pace", plain(kindPace, prose(9)), ErrMalformed, "want 8"},
		{"half a pace", plain(kindPace, prose(4)), ErrMalformed, "want 8"},
		{"a compressed pace", squeezed(kindPace, pack(prose(8)), 8), ErrMalformed, "flags 0x1"},
		{"a long ping", plain(kindPing, prose(9)), ErrMalformed, "want 8"},
		{"a short pong", plain(kindPong, nil), ErrMalformed, ""},
		{"a pong from the future", plain(kindPong, bytes.Repeat([]byte{0x7f}, 8)), ErrMalformed, "no ping"},
		{"a pong from before the beginning", plain(kindPong, bytes.Repeat([]byte{0xff}, 8)), ErrMalformed, "no ping"},
		{"a long bye", plain(kindBye, prose(1)), ErrMalformed, ""},
		{"a compressed bye", squeezed(kindBye, nil, 0), ErrMalformed, ""},
		{"a bomb that says so", squeezed(kindData, pack(make([]byte, 8<<20)), 8<<20), ErrTooLarge, "8388608 bytes decoded"},
		{"a bomb that lies to us", squeezed(kindData, pack(make([]byte, 8<<20)), 1000), ErrCompressed, "zstd says 8388608"},
		{"a bomb that lies to zstd too", squeezed(kindData, lying(make([]byte, 8<<20), 70_000), 70_000), ErrCompressed, ""},
		{"a bomb that says nothing", squeezed(kindData, streamed(make([]byte, 8<<20)), 1000), ErrCompressed, ""},
		{"two frames of zstd", squeezed(kindData, append(pack(prose(5000)), pack(prose(5000))...), 5000), ErrCompressed, ""},
		{"a second, small frame of zstd", squeezed(kindData, append(pack(prose(5000)), pack(prose(10))...), 5000), ErrCompressed, "5010 came out"},
		{"less than announced", squeezed(kindData, lying(prose(70_000), 70_001), 70_001), ErrCompressed, ""},
		{"a promise that cannot be kept", squeezed(kindData, lying(prose(70_000), attackMax)[:20], attackMax), ErrCompressed, "cannot hold"},
		{"no zstd", squeezed(kindData, prose(1000), 2000), ErrCompressed, ""},
		{"an empty zstd", squeezed(kindData, nil, 0), ErrCompressed, ""},
		{"half a zstd", squeezed(kindData, pack(prose(5000))[:20], 5000), ErrCompressed, ""},
	}
}

func TestAttacks(t *testing.T) {
	alive, friend := pair(t, "tcp", Options{}, Options{})
	answers := make(chan struct{}, 1)
	serve(friend, func(Kind, []byte) error { answers <- struct{}{}; return nil })
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			var log journal
			c, nc := raw(t, "tcp", Options{
				MaxFrame: attackMax, Logger: log.logger(),
				Kinds: func(k Kind) bool { return k == kindData },
			})
			handled := 0
			done := serve(c, func(Kind, []byte) error { handled++; return nil })
			nc.Write(append(plain(kindData, []byte("good")), a.bytes...))
			nc.(*net.TCPConn).CloseWrite()
			err := <-done
			wantText(t, "end", err, a.want, a.text)
			if handled != 1 {
				t.Errorf("frames: got %d handled, want only the good one", handled)
			}
			if got := log.lines(); len(got) != 1 || !strings.Contains(got[0], "level=WARN") || !strings.Contains(got[0], a.want.Error()) {
				t.Errorf("log: got %q, want one warning with the reason", got)
			}
			alive.Send(kindData, nil)
			<-answers
		})
	}
}

// decodeAll returns the kinds and bodies of a stream and the error at its end.
func decodeAll(b []byte, limit int) (kinds []Kind, bodies [][]byte, err error) {
	d := decoder{br: bufio.NewReaderSize(bytes.NewReader(b), readBuffer), max: limit}
	for {
		f, err := d.next()
		if err != nil {
			return kinds, bodies, err
		}
		kinds, bodies = append(kinds, f.kind), append(bodies, bytes.Clone(f.body))
	}
}

// No byte of a stream can be changed, and none cut off, unnoticed.
func TestEveryByteCounts(t *testing.T) {
	stream := plain(kindData, []byte("some body"))
	first := len(stream)
	stream = append(stream, squeezed(kindData, pack(prose(300)), 300)...)
	for i := range stream {
		want := 0
		if i >= first {
			want = 1
		}
		for bit := range 8 {
			bad := bytes.Clone(stream)
			bad[i] ^= 1 << bit
			kinds, _, err := decodeAll(bad, attackMax)
			if errors.Is(err, ErrLost) || len(kinds) != want {
				t.Errorf("byte %d, bit %d: got %d frames and %v, want %d and an error", i, bit, len(kinds), err, want)
			}
		}
		kinds, _, err := decodeAll(stream[:i], attackMax)
		end := ErrTruncated
		if i == 0 || i == first {
			end = ErrLost
		}
		if !errors.Is(err, end) || len(kinds) != want {
			t.Errorf("%d bytes: got %d frames and %v, want %d and %v", i, len(kinds), err, want, end)
		}
	}
}

// Memory is spent on what has come, not on what is announced.
func TestLyingLengthCostsNothing(t *testing.T) {
	const announced = 200 << 20
	long := plain(kindData, nil)
	binary.LittleEndian.PutUint32(long[atLength:], announced)
	long = append(long, noise(100_000)...)
	promise := squeezed(kindData, lying(prose(70_000), announced)[:100], announced)
	for _, tt := range []struct {
		name  string
		bytes []byte
		want  error
	}{{"length", long, ErrTruncated}, {"raw length", promise, ErrCompressed}} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := decodeAll(tt.bytes, DefaultMaxFrame)
		runtime.ReadMemStats(&after)
		wantError(t, tt.name, err, tt.want)
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(4<<20); got > most {
			t.Errorf("%s of %d bytes: got %d allocated, want at most %d", tt.name, announced, got, most)
		}
	}
}

func TestLargeBuffersAreGivenBack(t *testing.T) {
	stream := append(plain(kindData, noise(keepBuffer+growStep)), plain(kindData, nil)...)
	d := decoder{br: bufio.NewReaderSize(bytes.NewReader(stream), readBuffer), max: DefaultMaxFrame}
	for range 2 {
		if _, err := d.next(); err != nil {
			t.Fatal(err)
		}
	}
	if got := cap(d.body); got != 0 {
		t.Errorf("buffer after a small frame: got %d bytes, want 0", got)
	}
}

func TestReaderErrorsAreKept(t *testing.T) {
	why := errors.New("cable pulled")
	for _, tt := range []struct {
		bytes []byte
		want  error
	}{{nil, ErrLost}, {plain(kindData, nil)[:3], ErrTruncated}, {plain(kindData, noise(100_000))[:80_000], ErrTruncated}} {
		d := decoder{br: bufio.NewReader(io.MultiReader(bytes.NewReader(tt.bytes), failing{why})), max: DefaultMaxFrame}
		_, err := d.next()
		wantError(t, "class", err, tt.want)
		wantError(t, "cause", err, why)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzDecoder(f *testing.F) {
	for _, a := range attacks() {
		if len(a.bytes) < 1<<16 {
			f.Add(a.bytes)
		}
	}
	f.Add(plain(kindPace, bytes.Repeat([]byte{0xff}, 8)))
	f.Add(append(plain(kindData, prose(10)), squeezed(kindData, pack(prose(3000)), 3000)...))
	classes := []error{ErrLost, ErrTruncated, ErrChecksum, ErrTooLarge, ErrCompressed, ErrKind, ErrMalformed}
	f.Fuzz(func(t *testing.T, b []byte) {
		const limit = 1 << 16
		for _, stream := range [][]byte{b, resealed(b)} {
			kinds, bodies, err := decodeAll(stream, limit)
			known := false
			for _, c := range classes {
				known = known || errors.Is(err, c)
			}
			if !known {
				t.Errorf("end: got %v, want one of the package's errors", err)
			}
			var again []byte
			enc := encoder{above: 100}
			for i, body := range bodies {
				if len(body) > limit {
					t.Errorf("body: got %d bytes, want at most %d", len(body), limit)
				}
				var packed bool
				if again, packed, err = enc.appendZstd(again, Zstd, pace{}, kinds[i], body, nil); err != nil {
					t.Fatal(err)
				} else if !packed {
					again = append(appendPlain(again, kinds[i], body, nil), body...)
				}
			}
			if _, back, err := decodeAll(again, limit); !errors.Is(err, ErrLost) || !equal(back, bodies) {
				t.Errorf("sent again: got %d bodies and %v, want the same %d", len(back), err, len(bodies))
			}
		}
	})
}

func equal(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// resealed returns b with the right checksum for its first frame, so that
// fuzzing gets beyond it.
func resealed(b []byte) []byte {
	if len(b) < plainHeader {
		return b
	}
	b = bytes.Clone(b)
	h := parseHeader(b)
	if end := h.size() + int(h.length); h.size() <= len(b) && int64(h.length) < 1<<20 && end <= len(b) {
		seal(b[:end], nil, nil)
	}
	return b
}
