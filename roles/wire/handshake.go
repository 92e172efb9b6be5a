package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Layout of hello and verdict; see the picture in the package comment.
const (
	magic = "PTUM"

	helloHeader   = 14
	verdictHeader = 7
	textMax       = 255     // bytes of job, role and name each
	helloMax      = 4 << 10 // bytes after the header; more than this version writes
	reasonMax     = 1 << 10

	welcome = 0
	refused = 1
)

// appendHello appends the encoding of h, whose texts are known to be in order.
func appendHello(dst []byte, h Hello) []byte {
	start := len(dst)
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint16(dst, h.Major)
	dst = binary.LittleEndian.AppendUint16(dst, h.Minor)
	dst = append(dst, make([]byte, helloHeader-8)...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(h.Seat))
	for _, s := range []string{h.Job, h.Role, h.Name} {
		dst = append(dst, byte(len(s)))
		dst = append(dst, s...)
	}
	b := dst[start:]
	binary.LittleEndian.PutUint16(b[8:], uint16(len(b)-helloHeader))
	binary.LittleEndian.PutUint32(b[10:], helloSum(b))
	return dst
}

// helloSum is the checksum of the encoding b of a hello.
func helloSum(b []byte) uint32 {
	sum := crc32.Update(0, castagnoli, b[4:10])
	return crc32.Update(sum, castagnoli, b[helloHeader:])
}

// readHello reads the peer's hello. With ErrVersion only the versions of the
// result are known; the whole hello has been read, so that an answer survives
// the closing of the connection.
func readHello(br *bufio.Reader, major uint16) (Hello, error) {
	if b, err := br.Peek(len(magic)); !strings.HasPrefix(magic, string(b)) {
		return Hello{}, fmt.Errorf("%w: it begins with %q", ErrNotPeer, b)
	} else if err != nil {
		if len(b) > 0 && err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return Hello{}, helloError(err, "its hello")
	}
	b := make([]byte, helloHeader)
	if _, err := io.ReadFull(br, b); err != nil {
		return Hello{}, helloError(err, "its hello")
	}
	h := Hello{Major: binary.LittleEndian.Uint16(b[4:]), Minor: binary.LittleEndian.Uint16(b[6:])}
	n := int(binary.LittleEndian.Uint16(b[8:]))
	if h.Major != major {
		if _, err := br.Discard(n); err != nil {
			return h, helloError(err, "its hello")
		}
		return h, ErrVersion
	}
	if n > helloMax {
		return h, fmt.Errorf("%w: %d bytes long, at most %d are accepted", ErrHello, n, helloMax)
	}
	b = append(b, make([]byte, n)...)
	if _, err := io.ReadFull(br, b[helloHeader:]); err != nil {
		return h, helloError(err, "its hello")
	}
	if got, want := helloSum(b), binary.LittleEndian.Uint32(b[10:]); got != want {
		return h, fmt.Errorf("%w: checksum %08x, announced %08x", ErrHello, got, want)
	}
	return parseHello(h, b[helloHeader:])
}

// parseHello reads into h what follows the header. Bytes after the fields known
// here are a later minor version's.
func parseHello(h Hello, b []byte) (Hello, error) {
	if len(b) < 4 {
		return h, fmt.Errorf("%w: %d bytes long", ErrHello, len(b))
	}
	h.Seat = int32(binary.LittleEndian.Uint32(b))
	b = b[4:]
	for _, f := range h.texts() {
		if len(b) == 0 || len(b)-1 < int(b[0]) {
			return h, fmt.Errorf("%w: it ends inside its %s", ErrHello, f.name)
		}
		*f.text, b = string(b[1:1+int(b[0])]), b[1+int(b[0]):]
	}
	return h, h.validate()
}

// A text is one of a hello's fields.
type text struct {
	name string
	text *string
}

// texts returns the fields of h in the order in which they are sent.
func (h *Hello) texts() []text {
	return []text{{"job", &h.Job}, {"role", &h.Role}, {"name", &h.Name}}
}

// validate reports a text that is too long or could garble a log.
func (h *Hello) validate() error {
	for _, f := range h.texts() {
		switch s := *f.text; {
		case len(s) > textMax:
			return fmt.Errorf("%w: the %s has %d bytes, at most %d are allowed", ErrHello, f.name, len(s), textMax)
		case !utf8.ValidString(s) || strings.ContainsFunc(s, unprintable):
			return fmt.Errorf("%w: the %s %q is not printable text", ErrHello, f.name, s)
		}
	}
	return nil
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// appendVerdict appends the encoding of a refusal, or of a welcome if err is nil.
func appendVerdict(dst []byte, err error) []byte {
	status, reason := byte(welcome), ""
	if err != nil {
		status, reason = refused, clean(err.Error())
	}
	start := len(dst)
	dst = append(dst, status)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(reason)))
	sum := crc32.Update(0, castagnoli, dst[start:])
	sum = crc32.Update(sum, castagnoli, []byte(reason))
	dst = binary.LittleEndian.AppendUint32(dst, sum)
	return append(dst, reason...)
}

// clean returns s as text of one line that fits in a verdict.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unprintable(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	for len(s) > reasonMax {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// readVerdict reads the peer's verdict and returns nil if it is a welcome.
func readVerdict(br *bufio.Reader) error {
	b := make([]byte, verdictHeader)
	if _, err := io.ReadFull(br, b); err != nil {
		return helloError(err, "its verdict")
	}
	n := int(binary.LittleEndian.Uint16(b[1:]))
	if b[0] > refused || n > reasonMax || b[0] == welcome && n != 0 {
		return fmt.Errorf("%w: verdict %d with a reason of %d bytes", ErrHello, b[0], n)
	}
	b = append(b, make([]byte, n)...)
	if _, err := io.ReadFull(br, b[verdictHeader:]); err != nil {
		return helloError(err, "its verdict")
	}
	sum := crc32.Update(0, castagnoli, b[:3])
	if crc32.Update(sum, castagnoli, b[verdictHeader:]) != binary.LittleEndian.Uint32(b[3:]) {
		return fmt.Errorf("%w: bad checksum of the verdict", ErrHello)
	}
	if b[0] == refused {
		return fmt.Errorf("%w by the peer: %s", ErrRefused, clean(string(b[verdictHeader:])))
	}
	return nil
}

// helloError names the class of an error of the stream.
func helloError(err error, awaited string) error {
	switch within := errors.Is(err, io.ErrUnexpectedEOF); {
	case errors.Is(readError(err, within), ErrSilent):
		return fmt.Errorf("%w: it did not send %s in time", ErrSilent, awaited)
	default:
		return fmt.Errorf("%w while waiting for %s", readError(err, within), awaited)
	}
}

// judge returns why a peer whose hello was read with err is refused, if it is.
func judge(self, peer Hello, err error, o Options) error {
	switch {
	case errors.Is(err, ErrVersion):
		return fmt.Errorf("%w: %d.%d here, %d.%d there", ErrVersion, self.Major, self.Minor, peer.Major, peer.Minor)
	case err != nil || o.Verify == nil:
		return err
	}
	if err := o.Verify(peer); err != nil {
		return refusal{err}
	}
	return nil
}

// A refusal is an error of Options.Verify.
type refusal struct{ reason error }

func (r refusal) Error() string   { return "refused: " + r.reason.Error() }
func (r refusal) Unwrap() []error { return []error{ErrRefused, r.reason} }

// reason is what the peer is told of err.
func reason(err error) error {
	if r, ok := err.(refusal); ok {
		return r.reason
	}
	return err
}

// greet is the dialing side's handshake.
func greet(w io.Writer, br *bufio.Reader, self Hello, o Options) (Hello, error) {
	if _, err := w.Write(appendHello(nil, self)); err != nil {
		return Hello{}, writeError(err)
	}
	peer, err := readHello(br, self.Major)
	if err != nil && !errors.Is(err, ErrHello) {
		return peer, judge(self, peer, err, o)
	}
	if err == nil {
		if err := readVerdict(br); err != nil {
			return peer, err
		}
	}
	verdict := judge(self, peer, err, o)
	if _, err := w.Write(appendVerdict(nil, reason(verdict))); err != nil && verdict == nil {
		return peer, writeError(err)
	}
	return peer, verdict
}

// welcomes is the accepting side's handshake.
func welcomes(w io.Writer, br *bufio.Reader, self Hello, o Options) (Hello, error) {
	peer, err := readHello(br, self.Major)
	verdict := judge(self, peer, err, o)
	answers := err == nil || errors.Is(err, ErrVersion) || errors.Is(err, ErrHello)
	if !answers {
		return peer, verdict
	}
	answer := appendVerdict(appendHello(nil, self), reason(verdict))
	if _, err := w.Write(answer); err != nil && verdict == nil {
		return peer, writeError(err)
	}
	if verdict != nil {
		return peer, verdict
	}
	return peer, readVerdict(br)
}
