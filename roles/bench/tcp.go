package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"slices"
	"time"

	"petuum/table/kernel"
)

// Bare TCP is measured in frames of this size, each after a header that says what
// the other end is to do with it.
const (
	frameBytes  = 1 << 20
	headerBytes = 8
)

// What a bare connection is for; its first byte says so.
const (
	askEcho    = 'e' // small messages that come back
	askRaw     = 'r' // frames that are dropped
	askMatched = 'm' // frames that are checked and added up
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sink answers bare connections until the listener closes. What arrives costs it
// no more memory than a frame.
func sink(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			_ = absorb(c)
		}()
	}
}

func absorb(c net.Conn) error {
	var ask [1]byte
	if _, err := io.ReadFull(c, ask[:]); err != nil {
		return err
	}
	switch ask[0] {
	case askEcho:
		var b [32]byte
		for {
			if _, err := io.ReadFull(c, b[:]); err != nil {
				return err
			}
			if _, err := c.Write(b[:]); err != nil {
				return err
			}
		}
	case askRaw, askMatched:
		return absorbFrames(c, ask[0] == askMatched)
	}
	return fmt.Errorf("bench: %q is no question", ask[0])
}

// absorbFrames reads frames up to an empty one, and acknowledges that. Matched
// frames are what a server does to an update at the very least: a checksum, and
// each value added to one of its own.
func absorbFrames(c net.Conn, matched bool) error {
	body := make([]byte, frameBytes)
	values := make([]float32, frameBytes/4)
	var buf []float32
	for {
		var h [headerBytes]byte
		if _, err := io.ReadFull(c, h[:]); err != nil {
			return err
		}
		n := binary.LittleEndian.Uint32(h[:])
		if n == 0 {
			_, err := c.Write(h[:1])
			return err
		}
		if n > frameBytes || n%4 != 0 {
			return errors.New("bench: a frame of another size")
		}
		if _, err := io.ReadFull(c, body[:n]); err != nil {
			return err
		}
		if !matched {
			continue
		}
		if crc32.Checksum(body[:n], castagnoli) != binary.LittleEndian.Uint32(h[4:]) {
			return errors.New("bench: bad checksum")
		}
		kernel.Add(values[:n/4], kernel.Values(body[:n], int(n/4), &buf))
	}
}

// stream sends frames to a sink for a while and measures bytes a second. Matched
// frames are made of values first, as an update is.
func stream(ctx context.Context, addr string, matched bool, lasts time.Duration) (m Measure, err error) {
	c, err := dial(ctx, addr, map[bool]byte{false: askRaw, true: askMatched}[matched])
	if err != nil {
		return m, err
	}
	defer c.Close()
	const frames = 40 // as many values as a dense table has, so that they are not in the cache
	values := make([]float32, frames*frameBytes/4)
	for i := range values {
		values[i] = float32(i)
	}
	frame := make([]byte, headerBytes, headerBytes+frameBytes)
	frame = kernel.Append(frame, values[:frameBytes/4])
	binary.LittleEndian.PutUint32(frame, frameBytes)
	sent := 0
	start := time.Now()
	for k := 0; time.Since(start) < lasts; k = (k + 1) % frames {
		if matched {
			frame = kernel.Append(frame[:headerBytes], values[k*frameBytes/4:(k+1)*frameBytes/4])
			binary.LittleEndian.PutUint32(frame[4:], crc32.Checksum(frame[headerBytes:], castagnoli))
		}
		if _, err := c.Write(frame); err != nil {
			return m, err
		}
		sent += frameBytes
	}
	var end [headerBytes]byte
	if _, err := c.Write(end[:]); err != nil {
		return m, err
	}
	if _, err := io.ReadFull(c, end[:1]); err != nil {
		return m, err
	}
	return Measure{PerSecond: float64(sent) / time.Since(start).Seconds(), Bytes: int64(sent)}, nil
}

// roundTrips measures messages of 32 bytes that come back.
func roundTrips(ctx context.Context, addr string, n int) (times []time.Duration, err error) {
	c, err := dial(ctx, addr, askEcho)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var b [32]byte
	for range n {
		start := time.Now()
		if _, err := c.Write(b[:]); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(c, b[:]); err != nil {
			return nil, err
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	return times, nil
}

func dial(ctx context.Context, addr string, ask byte) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("bench: bare TCP: %w", err)
	}
	_, err = c.Write([]byte{ask})
	return c, err
}
