package command

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
)

// npz is the arrays of a file for NumPy, flat.
type npz struct {
	numbers map[string][]float64
	texts   map[string][]string
}

// npyType finds the type in the header of an array.
var npyType = regexp.MustCompile(`'descr': '<([fU])(\d+)'`)

func readNPZ(t *testing.T, path string) npz {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	found := npz{map[string][]float64{}, map[string][]string{}}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		begin, name, size := 10+int(binary.LittleEndian.Uint16(b[8:])), strings.TrimSuffix(f.Name, ".npy"), 0
		kind := npyType.FindSubmatch(b[:begin])
		if kind == nil {
			t.Fatalf("%s: header %q", name, b[:begin])
		}
		if _, err := fmt.Sscan(string(kind[2]), &size); err != nil {
			t.Fatal(err)
		}
		for b = b[begin:]; len(b) > 0; {
			switch {
			case string(kind[1]) == "U":
				var s []rune
				for k := range size {
					if c := binary.LittleEndian.Uint32(b[4*k:]); c != 0 {
						s = append(s, rune(c))
					}
				}
				found.texts[name] = append(found.texts[name], string(s))
				b = b[4*size:]
			case size == 8:
				found.numbers[name] = append(found.numbers[name], math.Float64frombits(binary.LittleEndian.Uint64(b)))
				b = b[8:]
			default:
				found.numbers[name] = append(found.numbers[name], float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
				b = b[4:]
			}
		}
	}
	return found
}
