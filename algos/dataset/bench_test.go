package dataset

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// synthetic returns about size bytes of a format.
func synthetic(format string, size int) string {
	r := rand.New(rand.NewPCG(1, 2))
	var s strings.Builder
	if format == CSV {
		s.WriteString("y,a,b,c,d,e,f,g,h\n")
	}
	for s.Len() < size {
		switch format {
		case "binary": // 54 features of 75,924 a row, as in bags of words
			s.WriteString("-1")
			for id := 0; id < 75924; {
				fmt.Fprintf(&s, " %d:1", id+1)
				id += 1 + r.IntN(2800)
			}
		case "real":
			s.WriteString("1.5")
			for id := range 20 {
				fmt.Fprintf(&s, " %d:%.6f", id+1, r.NormFloat64())
			}
		case "hashed", "distinct": // large ids, few of them or each one new
			s.WriteString("1")
			id := uint64(0)
			for range 20 {
				if format == "hashed" {
					id += 1<<28 + r.Uint64N(1000)<<20
				} else {
					id += 1 + r.Uint64N(1<<40)
				}
				fmt.Fprintf(&s, " %d:1", id)
			}
		case CSV:
			fmt.Fprintf(&s, "%d", r.IntN(2))
			for range 8 {
				fmt.Fprintf(&s, ",%.5f", r.NormFloat64())
			}
		}
		s.WriteByte('\n')
	}
	return s.String()
}

func BenchmarkScan(b *testing.B) {
	for _, c := range []struct{ format, file string }{
		{"binary", "x.libsvm"}, {"real", "x.libsvm"}, {"hashed", "x.libsvm"}, {"distinct", "x.libsvm"}, {CSV, "x.csv"},
		{"binary", "x.libsvm.gz"}, {"binary", "x.libsvm.zst"},
	} {
		text := synthetic(c.format, 8<<20)
		data := []byte(text)
		if strings.HasSuffix(c.file, ".gz") {
			data = gzipped(b, text)
		} else if strings.HasSuffix(c.file, ".zst") {
			data = zstded(b, text)
		}
		b.Run(c.format+"/"+c.file, func(b *testing.B) {
			o, _ := Defaults().resolved()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := scan([]*source{newSource(c.file, bytes.NewReader(data), int64(len(data)))}, o, []int{0}, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestNoAllocationPerToken: once buffers have grown, a line takes no memory.
func TestNoAllocationPerToken(t *testing.T) {
	for _, c := range []struct{ name, file, text, line string }{
		{"libsvm ones", "x.svm", "1 1:1\n", "1 1:1 3:1 5:1 7:1 8:1 90000:1 12345678901:1"},
		{"libsvm values", "x.svm", "1 1:1\n", "-1 1:1 3:0.25 5:1e-3 7:0.12345678901234567 8:-6.64385618977472 9:1 # text"},
		{"libsvm weights", "x.svm", "1:2 1:1\n", "-1:0.25 1:1 3:0.25"},
		{"csv", "x.csv", "y,a,b,c\nx,1,2,3\n", `word,1.5,"2",-0.12345678901234567`},
		{"csv escaped", "x.csv", "y,a,b,c\nx,1,2,3\n", `"wo""rd",1.5,"2",3`},
	} {
		src := newSource(c.file, strings.NewReader(c.text), int64(len(c.text)))
		o, _ := Defaults().resolved()
		l, err := src.layout(o, nil)
		if err != nil {
			t.Fatal(err)
		}
		b := newBuilder(l, nil)
		line := []byte(c.line)
		for range 2000 { // grow
			if f := b.line(line, 0, len(line)); f != nil {
				t.Fatal(c.name, f)
			}
		}
		got := testing.AllocsPerRun(100, func() {
			// Keep the grown memory, forget the rows.
			b.ends, b.codes, b.vals, b.full, b.kind = b.ends[:0], b.codes[:0], b.vals[:0], b.full[:0], ones
			b.weights = b.weights[:0]
			b.labels.values, b.labels.classes = b.labels.values[:0], b.labels.classes[:0]
			for range 100 {
				b.line(line, 0, len(line))
			}
		})
		if got != 0 {
			t.Errorf("%s: got %v allocations in 100 lines, want 0", c.name, got)
		}
	}
}

// BenchmarkIDSet measures the lookup of an id, small or large.
func BenchmarkIDSet(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name string
		step uint64
	}{{"small", 1}, {"large", 1 << 21}} {
		ids := make([]uint64, 1<<20)
		for i := range ids {
			ids[i] = (1 + r.Uint64N(200_000)) * c.step
		}
		b.Run(c.name, func(b *testing.B) {
			var s idSet
			for b.Loop() {
				for _, id := range ids {
					s.code(id)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(ids)), "ns/id")
		})
	}
}
