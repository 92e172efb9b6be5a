package synthetic

import (
	"io"
	"testing"

	"petuum/algos/dataset"
)

// counter counts what is written.
type counter struct{ n int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return len(b), nil
}

var _ io.Writer = (*counter)(nil)

func BenchmarkWrite(b *testing.B) {
	tall := Regression()
	tall.Rows, tall.Features = 50_000, 500_000
	loose := tall
	loose.Correlation = 0
	law := Logistic()
	law.Rows = 50_000
	table := Regression()
	table.Rows, table.Features = 2_000, 1_000
	for _, c := range []struct {
		name, format string
		p            Problem
	}{
		{"lasso", dataset.LIBSVM, tall},
		{"lasso-uncorrelated", dataset.LIBSVM, loose},
		{"logistic", dataset.LIBSVM, law},
		{"csv", dataset.CSV, table},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				var w counter
				if err := Write(b.Context(), &w, c.format, c.p, Train, nil); err != nil {
					b.Fatal(err)
				}
				b.SetBytes(w.n)
			}
		})
	}
}
