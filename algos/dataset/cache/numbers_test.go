package cache

import (
	"bytes"
	"encoding/binary"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"unsafe"
)

type clock int64

// roundTrip wants x as encoding/binary has it, and back, on machines of both orders.
func roundTrip[T Number](t *testing.T, x ...T) {
	t.Helper()
	defer func(was bool) { native = was }(native)
	for range 2 {
		order := binary.ByteOrder(binary.LittleEndian)
		if !native {
			order = binary.BigEndian // this machine played to be of the other order
		}
		want, err := binary.Append(nil, order, x)
		if err != nil {
			t.Fatal(err)
		}
		b := Bytes(x)
		if !bytes.Equal(b, want) {
			t.Errorf("%T: got bytes %x, want %x", x, b, want)
		}
		got, err := View[T](b)
		if err != nil || !slices.Equal(got, x) {
			t.Errorf("%T: got %v, %v, want %v", x, got, err, x)
		}
		if cap(got) != len(got) && len(got) > 0 {
			t.Errorf("%T: got room for %d", x, cap(got))
		}
		native = !native
	}
}

func TestNumbers(t *testing.T) {
	roundTrip[uint16](t, 1, 0xfffe, 3)
	roundTrip[uint32](t, 1, math.MaxUint32, 1<<31+7, 9, 10)
	roundTrip[int32](t, -1, math.MinInt32, 5)
	roundTrip[int64](t, -2, math.MinInt64, math.MaxInt64)
	roundTrip[uint64](t, 2, math.MaxUint64)
	roundTrip[float32](t, 1.5, -math.MaxFloat32, float32(math.Inf(1)))
	roundTrip(t, 1.5, -math.SmallestNonzeroFloat64, math.Inf(-1))
	roundTrip[clock](t, 77, -1)
	roundTrip[float64](t)
}

func TestViewErrors(t *testing.T) {
	b := Bytes(make([]uint64, 4))
	view := func(name string, err error) {
		t.Helper()
		if err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	_, err := View[uint64](b[:31])
	view("odd length of uint64", err)
	_, err = View[uint16](b[:1])
	view("odd length of uint16", err)
	_, err = View[uint32](b[:6])
	view("odd length of uint32", err)
	for at := 1; at < int(unsafe.Alignof(0.0)); at++ {
		_, err = View[float64](b[at : at+8])
		view("unaligned float64", err)
	}
	_, err = View[uint16](b[3:7])
	view("unaligned uint16", err)
	if _, err := View[uint16](b[2:8]); err != nil {
		t.Errorf("aligned uint16: %v", err)
	}
}

// TestNumbersInFile writes slices of numbers and changes what comes back.
func TestNumbersInFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	values, keys, labels := []float64{1, math.Pi, -3}, []uint16{9, 8, 7, 6, 5}, []int32{-1}
	if err := Write(path, someKey, nil, [][]byte{Bytes(keys), Bytes(values), Bytes(labels)}); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, someKey)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	gotKeys, err := View[uint16](f.Sections()[0])
	if err != nil || !slices.Equal(gotKeys, keys) {
		t.Errorf("got %v, %v, want %v", gotKeys, err, keys)
	}
	gotValues, err := View[float64](f.Sections()[1])
	if err != nil || !slices.Equal(gotValues, values) {
		t.Errorf("got %v, %v, want %v", gotValues, err, values)
	}
	gotLabels, err := View[int32](f.Sections()[2])
	if err != nil || !slices.Equal(gotLabels, labels) {
		t.Errorf("got %v, %v, want %v", gotLabels, err, labels)
	}
	gotValues[0] = 5
	_ = append(gotKeys, 1, 2, 3)
	if got, _ := View[float64](f.Sections()[1]); !slices.Equal(got, []float64{5, math.Pi, -3}) && native {
		t.Errorf("got %v after a change", got)
	}
}
