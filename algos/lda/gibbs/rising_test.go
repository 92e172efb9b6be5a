package gibbs

import (
	"math"
	"slices"
	"testing"
)

func near1(got, want, tolerance float64) bool {
	return math.Abs(got-want) <= tolerance*max(1, math.Abs(want))
}

func TestRising(t *testing.T) {
	for _, a := range []float64{1e-3, 0.01, 0.1, 1, 7.5, 2000} {
		r := NewRising(a, 50)
		for _, n := range []int32{0, 1, 2, 49, 50, 51, 1000, 1 << 30} {
			x, _ := math.Lgamma(a + float64(n))
			y, _ := math.Lgamma(a)
			if got, want := r.Log(n), x-y; !near1(got, want, 1e-9) {
				t.Errorf("log of %v at %d: got %v, want %v", a, n, got, want)
			}
			if n > 1000 {
				continue
			}
			want := 0.0
			for i := range n {
				want += 1 / (a + float64(i))
			}
			if got := r.Psi(n); !near1(got, want, 1e-9) {
				t.Errorf("psi of %v at %d: got %v, want %v", a, n, got, want)
			}
		}
		if r.Log(-3) != 0 || r.Psi(-3) != 0 {
			t.Errorf("below 0: got %v and %v, want 0", r.Log(-3), r.Psi(-3))
		}
	}
}

// TestNextAlpha finds that each step makes the topics more likely, and that the
// statistics are the derivatives of the likelihood.
func TestNextAlpha(t *testing.T) {
	m := newModel(t, corpus(5, 200, 60, 6, 30), Options{Topics: 8, Beta: 0.1, VBeta: 6, Seed: 1}, false)
	for range 20 {
		m.sweep(t)
	}
	stats := make([]float64, 9)
	m.AlphaStatistics(stats)
	before := m.DocumentLikelihood()
	alpha := slices.Clone(m.Alpha())
	alpha[3] += 1e-6
	if err := m.SetAlpha(alpha); err != nil {
		t.Fatal(err)
	}
	if got, want := (m.DocumentLikelihood()-before)/1e-6, stats[3]-stats[8]; math.Abs(got-want) > 1e-3*math.Abs(want)+1e-2 {
		t.Errorf("got derivative %v, want %v", got, want)
	}
	alpha[3] -= 1e-6
	for range 10 {
		clear(stats)
		if err := m.SetAlpha(alpha); err != nil {
			t.Fatal(err)
		}
		m.AlphaStatistics(stats)
		NextAlpha(alpha, stats)
		if err := m.SetAlpha(alpha); err != nil {
			t.Fatal(err)
		}
		after := m.DocumentLikelihood()
		if after < before {
			t.Fatalf("alpha %v: got likelihood %v after %v", alpha, after, before)
		}
		before = after
	}
}

// likelihood is ln p(words, topics).
func (m *model) likelihood() float64 {
	sum := m.DocumentLikelihood() + TotalsLikelihood(m.totals, m.vbeta)
	from := NewRising(m.beta, 100)
	for w := range m.words {
		sum += m.form.WordLikelihood(m.rows.row(w, m.topics), from)
	}
	return sum
}

func TestNextBeta(t *testing.T) {
	m := newModel(t, corpus(5, 200, 60, 6, 30), Options{Topics: 8, Beta: 0.1, VBeta: 6, Seed: 1}, true)
	for range 20 {
		m.sweep(t)
	}
	before := m.likelihood()
	for range 5 {
		sum := 0.0
		for w := range m.words {
			sum += m.form.BetaStatistic(m.rows.row(w, m.topics), NewRising(m.beta, 10))
		}
		beta := NextBeta(m.beta, 60, sum, m.totals)
		if err := m.SetBeta(beta, 60*beta); err != nil {
			t.Fatal(err)
		}
		after := m.likelihood()
		if after < before {
			t.Fatalf("beta %v: got likelihood %v after %v", beta, after, before)
		}
		before = after
	}
}
