package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"testing"
	"time"

	"petuum/algos/dataset"
)

// listening is a sink on loopback.
func listening(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		sink(l)
	}()
	t.Cleanup(func() {
		l.Close()
		<-ended
	})
	return l.Addr().String()
}

func TestBareTCP(t *testing.T) {
	addr := listening(t)
	for _, matched := range []bool{false, true} {
		m, err := stream(t.Context(), addr, matched, time.Millisecond)
		if err != nil || m.Bytes < frameBytes || m.Bytes%frameBytes != 0 || !(m.PerSecond > 0) {
			t.Errorf("matched %t: got %+v, %v, want whole frames", matched, m, err)
		}
	}
	times, err := roundTrips(t.Context(), addr, 20)
	if err != nil || len(times) != 20 || times[0] <= 0 || times[0] > times[19] {
		t.Errorf("got %v, %v, want 20 times in order", times, err)
	}
}

// A stranger at the sink is cut off.
func TestSinkRefuses(t *testing.T) {
	addr := listening(t)
	frame := func(n uint32, sum uint32, body []byte) []byte {
		b := binary.LittleEndian.AppendUint32([]byte{askMatched}, n)
		return append(binary.LittleEndian.AppendUint32(b, sum), body...)
	}
	for name, sent := range map[string][]byte{
		"another protocol": []byte("GET / HTTP/1.1\r\n\r\n"),
		"too long":         frame(frameBytes+4, 0, nil),
		"part of a value":  frame(7, 0, make([]byte, 7)),
		"bad checksum":     frame(8, 1, make([]byte, 8)),
	} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(sent); err != nil {
			t.Fatal(err)
		}
		c.SetReadDeadline(time.Now().Add(time.Minute))
		var e net.Error
		if _, err := io.ReadFull(c, make([]byte, 1)); err == nil || errors.As(err, &e) && e.Timeout() {
			t.Errorf("%s: got %v, want the end of the connection", name, err)
		}
		c.Close()
	}
}

func TestReportTakes(t *testing.T) {
	var r Report
	two := outcome{servers: 1, workers: 2, lead: 3, measures: []Measure{
		{Values: 1e6, Push: []float64{9, 1, 2}, Pull: []float64{4, 4, 4}, PerSecond: 1e9, Bytes: 2e9},
		{Values: 1e6, Push: []float64{2, 2, 2}, Pull: []float64{1, 9, 2}, PerSecond: 2e9, Bytes: 1e9}}}
	for _, work := range []string{WorkRaw, WorkDense, WorkSparse, WorkShared, WorkCold} {
		r.take(work, two)
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= 1e-12*want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	near("bare GB/s", r.Raw.GBPS, 3)
	near("bare, the lead's CPU", r.Raw.CPU.Servers, 1)
	near("dense push", r.Dense.PushGBPS, 4e-9*(1e6/2+1e6/2))
	near("dense pull", r.Dense.PullGBPS, 4e-9*(1e6/4+1e6/2))
	near("CPU of workers", r.Dense.CPU.Workers, 2/(4*12e6/1e9))
	near("sparse pull", r.Sparse.Pull, 0.75)
	near("two holders", r.Sparse.TwoHolders, 2)
	times := outcome{measures: []Measure{{Push: make([]float64, 100)}}}
	for i := range times.measures[0].Push {
		times.measures[0].Push[i] = float64(i) / 1e6
	}
	r.take(WorkClock, times)
	near("p50", r.Clock.P50, 50)
	near("p99", r.Clock.P99, 99)
}

// The tables are for measuring alone.
func TestTablesCannotBeTrained(t *testing.T) {
	a := New()
	if err := a.Load(&dataset.Part{}, nil); err == nil {
		t.Error("Load: got no error")
	}
	if _, err := (&tables{}).Tables(dataset.Info{}); err == nil {
		t.Error("no values: got no error")
	}
	if _, err := NewWorker(nil, nil).Do(context.Background(), Task{Work: WorkDense}); err == nil {
		t.Error("a task before the start: got no error")
	}
}
