package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

func BenchmarkRoundTrip(b *testing.B) {
	for _, size := range []int{32, 4096} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			x, y := pair(b, "tcp", Options{CompressAbove: -1}, Options{CompressAbove: -1})
			back := make(chan struct{}, 1)
			dx := serve(x, func(Kind, []byte) error { back <- struct{}{}; return nil })
			dy := serve(y, y.Send)
			body := noise(size)
			b.ReportAllocs()
			for b.Loop() {
				x.Send(kindData, body)
				<-back
			}
			x.Close()
			<-dx
			<-dy
		})
	}
}

// A stream in one direction, with a window of 16 MiB or 4096 frames.
func BenchmarkThroughput(b *testing.B) {
	for _, bb := range []struct {
		name string
		body []byte
		o    Options
	}{
		{"64B", noise(64), Options{}},
		{"4KiB", noise(4 << 10), Options{}},
		{"64KiB", noise(64 << 10), Options{}},
		{"1MiB", noise(1 << 20), Options{}},
		{"1MiB-zstd", noise(1 << 20), Options{Compression: Zstd}},
		{"1MiB-prose", prose(1 << 20), Options{Compression: Zstd}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			x, y := pair(b, "tcp", bb.o, bb.o)
			window := make(chan struct{}, min(4096, 16<<20/len(bb.body)))
			done := serve(y, func(Kind, []byte) error { <-window; return nil })
			b.SetBytes(int64(len(bb.body)))
			b.ReportAllocs()
			for b.Loop() {
				window <- struct{}{}
				x.Send(kindData, bb.body)
			}
			x.Close()
			<-done
		})
	}
}

// numbers returns n bytes of each of the kinds of which bodies are made.
func numbers(n int) map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	m := map[string][]byte{}
	for range n {
		f := math.Float32bits(float32(r.NormFloat64() * 1e-2))
		m["bfloat16-high"] = append(m["bfloat16-high"], byte(f>>24))
		m["bfloat16-low"] = append(m["bfloat16-low"], byte(f>>16))
		m["float32"] = binary.LittleEndian.AppendUint32(m["float32"], f)
		m["quantised"] = append(m["quantised"], byte(int8(max(-127, min(127, math.Round(r.NormFloat64()*127/4))))))
		m["gaps"] = binary.AppendUvarint(m["gaps"], uint64(r.ExpFloat64()*20))
	}
	for name := range m {
		m[name] = m[name][:n]
	}
	m["bfloat16"] = append(m["bfloat16-high"][:n/2:n/2], m["bfloat16-low"][:n/2]...)
	return m
}

// What literals cost and give when zstd codes them although it finds no matches.
func BenchmarkZstd(b *testing.B) {
	for name, body := range numbers(1 << 20) {
		for _, literals := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/literals=%t", name, literals), func(b *testing.B) {
				e := encoder{}
				if err := e.begin(); err != nil {
					b.Fatal(err)
				}
				if !literals {
					e.zstd, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
						zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true))
				}
				d := decoder{max: DefaultMaxFrame}
				var packed []byte
				var encoding, decoding time.Duration
				for b.Loop() {
					start := time.Now()
					packed = e.zstd.EncodeAll(body, packed[:0])
					middle := time.Now()
					if _, err := d.unpack(packed, len(body)); err != nil {
						b.Fatal(err)
					}
					encoding, decoding = encoding+middle.Sub(start), decoding+time.Since(middle)
				}
				bytes := float64(b.N * len(body))
				b.ReportMetric(float64(len(packed))/float64(len(body)), "ratio")
				b.ReportMetric(float64(encoding)/bytes, "encode-ns/B")
				b.ReportMetric(float64(decoding)/bytes, "decode-ns/B")
			})
		}
	}
}
