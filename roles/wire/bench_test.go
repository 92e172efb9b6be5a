package wire

import (
	"fmt"
	"testing"
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
		{"1MiB-never", noise(1 << 20), Options{CompressAbove: -1}},
		{"1MiB-prose", prose(1 << 20), Options{}},
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
