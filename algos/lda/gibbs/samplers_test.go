package gibbs

import (
	"math"
	"slices"
	"testing"

	"petuum/algos/dataset"
)

// TestExact compares the distribution that each sampler comes to with that of plain
// enumeration, on documents so few that there are only 3^7 assignments.
func TestExact(t *testing.T) {
	const topics, words, beta, seed = 3, 4, 0.3, 17
	x := dataset.NewMatrix(words, []int64{0, 2, 4, 5}, []uint32{0, 1, 1, 2, 3}, []float64{2, 1, 1, 2, 1})
	alpha := []float64{0.2, 0.5, 1}
	want := enumerate(t, x, alpha, beta)
	for _, name := range []string{"plain", "dense", "sparse"} {
		for _, packed := range []bool{false, true} {
			m := newModel(t, x, Options{Topics: topics, Beta: beta, VBeta: words * beta, Seed: seed, Sampler: name}, packed)
			if err := m.SetAlpha(alpha); err != nil {
				t.Fatal(err)
			}
			const sweeps, every = 30000, 3
			got := make([]float64, len(want))
			for i := range sweeps {
				m.sweep(t, 1+i%3)
				if i%every == 0 {
					got[m.code()]++
				}
			}
			chi, n := 0.0, 0.0
			rest, restWant := 0.0, 0.0
			for i, p := range want {
				e := p * sweeps / every
				if e < 8 {
					rest, restWant = rest+got[i], restWant+e
					continue
				}
				chi += (got[i] - e) * (got[i] - e) / e
				n++
			}
			chi += (rest - restWant) * (rest - restWant) / restWant
			// Sweeps depend a little on those before, which makes the sum larger.
			if limit := 1.35*n + 6*math.Sqrt(2*n); chi > limit {
				t.Errorf("seed %d, %s, packed %t: chi-square %.0f of %.0f degrees of freedom, want at most %.0f", seed, name, packed, chi, n, limit)
			}
		}
	}
}

// code numbers the topics of all tokens, in the order of documents.
func (m *model) code() (code int) {
	m.inOrder(func(t int32) { code = code*m.topics + int(m.topic[t]) })
	return code
}

// enumerate returns the probability of all assignments by their codes.
func enumerate(t *testing.T, x dataset.Matrix, alpha []float64, beta float64) []float64 {
	t.Helper()
	s, err := New(x, x.Cols(), Options{Topics: len(alpha), Beta: beta, VBeta: beta * float64(x.Cols()), Sampler: "plain"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetAlpha(alpha); err != nil {
		t.Fatal(err)
	}
	all := int(math.Pow(float64(len(alpha)), float64(s.Tokens())))
	p, sum := make([]float64, all), 0.0
	from := NewRising(beta, 10)
	for code := range p {
		rest, at := code, make([]uint32, s.Tokens())
		for i := range at {
			at[len(at)-1-i] = uint32(rest % len(alpha))
			rest /= len(alpha)
		}
		i := 0
		s.inOrder(func(t int32) { s.topic[t] = at[i]; i++ })
		if err := s.sampler.assign(s); err != nil {
			t.Fatal(err)
		}
		logp, totals := s.DocumentLikelihood(), make([]int32, len(alpha))
		for w := range s.words {
			row := make([]int32, len(alpha))
			s.Counts(w, row)
			s.Counts(w, totals)
			logp += s.form.WordLikelihood(row, from)
		}
		p[code] = math.Exp(logp + TotalsLikelihood(totals, s.vbeta))
		sum += p[code]
	}
	for code := range p {
		p[code] /= sum
	}
	return p
}

// TestLikelihood compares the samplers after many sweeps with the plain one.
func TestLikelihood(t *testing.T) {
	const seed = 23
	x := corpus(9, 400, 300, 12, 40)
	run := func(name string, packed bool) float64 {
		m := newModel(t, x, Options{Topics: 20, Beta: 0.01, VBeta: 3, Seed: seed, Sampler: name}, packed)
		sum := 0.0
		for i := range 300 {
			m.sweep(t)
			if i >= 250 {
				sum += m.likelihood()
			}
		}
		m.check(t)
		return sum / 50 / float64(m.Tokens())
	}
	want := run("plain", false)
	for _, name := range Samplers() {
		for _, packed := range []bool{false, true} {
			if got := run(name, packed); math.Abs(got-want) > -0.01*want {
				t.Errorf("seed %d, %s, packed %t: got %.4f a token, want %.4f", seed, name, packed, got, want)
			}
		}
	}
}

// TestLate has two parts see each other's changes a sweep late.
func TestLate(t *testing.T) {
	x := corpus(9, 400, 300, 12, 40)
	whole := newModel(t, x, Options{Topics: 20, Beta: 0.01, VBeta: 3, Seed: 3, Sampler: "plain"}, false)
	for range 150 {
		whole.sweep(t)
	}
	want := whole.likelihood() / float64(whole.Tokens())
	for _, name := range Samplers() {
		parts := halves(t, x, name)
		shared, totals := make([]int32, 300*20), make([]int32, 20)
		sweeps := 150
		if name == "mh" {
			sweeps = 500
		}
		for range sweeps {
			before, beforeTotals := slices.Clone(shared), slices.Clone(totals)
			for _, p := range parts {
				copy(p.rows.Values, before)
				copy(p.totals, beforeTotals)
				p.sweep(t, 100)
				for i, n := range p.rows.Values {
					shared[i] += n - before[i]
				}
				for k, n := range p.totals {
					totals[k] += n - beforeTotals[k]
				}
			}
		}
		sum := 0.0
		counts := make([]int32, len(shared))
		for _, p := range parts {
			for w := range 300 {
				p.Counts(w, counts[w*20:(w+1)*20])
			}
			sum += p.DocumentLikelihood()
		}
		if !slices.Equal(counts, shared) {
			t.Fatalf("%s: the counts are not those of the topics", name)
		}
		copy(whole.rows.Values, shared)
		copy(whole.totals, totals)
		got := (sum + whole.likelihood() - whole.DocumentLikelihood()) / float64(whole.Tokens())
		if math.Abs(got-want) > -0.015*want {
			t.Errorf("%s: got %.4f a token, want %.4f", name, got, want)
		}
	}
}

// halves are the models of even and odd documents.
func halves(t *testing.T, x dataset.Matrix, name string) (parts []*model) {
	for odd := range 2 {
		ptr, columns, values := []int64{0}, []uint32(nil), []float64(nil)
		for i := odd; i < x.Rows(); i += 2 {
			for w, v := range x.Row(i) {
				columns, values = append(columns, uint32(w)), append(values, v)
			}
			ptr = append(ptr, int64(len(columns)))
		}
		y := dataset.NewMatrix(x.Cols(), ptr, columns, values)
		parts = append(parts, newModel(t, y, Options{Topics: 20, Beta: 0.01, VBeta: 3, Seed: uint64(odd), Sampler: name}, false))
	}
	return parts
}

// TestWrongCounts finds nothing but errors or wrong topics where counts make no sense.
func TestWrongCounts(t *testing.T) {
	x := corpus(4, 30, 40, 5, 30)
	for _, name := range Samplers() {
		for _, packed := range []bool{false, true} {
			m := newModel(t, x, Options{Topics: 21, Beta: 0.01, VBeta: 0.4, Seed: 3, Sampler: name}, packed)
			m.sweep(t)
			for _, wrong := range []int32{0, -5, 1, -1 << 31, 1<<31 - 1} {
				for i := range m.rows.Values {
					m.rows.Values[i] = wrong
				}
				for k := range m.totals {
					m.totals[k] = wrong
				}
				if err := m.Begin(m.totals); err != nil {
					t.Fatal(err)
				}
				err := m.Words(0, 40, m.rows, m.totals)
				if err == nil {
					err = m.End()
				}
				m.State.sweep = false
				for i, k := range m.topic {
					if k >= 21 {
						t.Fatalf("%s, packed %t, counts %d: token %d has topic %d (%v)", name, packed, wrong, i, k, err)
					}
				}
			}
		}
	}
}

// TestSizes has documents of all the forms that counts are stored in.
func TestSizes(t *testing.T) {
	x := dataset.NewMatrix(3, []int64{0, 2, 4, 4, 6, 7}, []uint32{0, 1, 0, 2, 1, 2, 2}, []float64{100, 155, 255, 1, 70000, 5, 1})
	for _, name := range Samplers() {
		m := newModel(t, x, Options{Topics: 3, Beta: 0.01, VBeta: 0.03, Seed: 5, Sampler: name}, false)
		for range 5 {
			m.sweep(t)
			m.check(t)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	x := corpus(4, 30, 40, 5, 30)
	for _, name := range Samplers() {
		for _, packed := range []bool{false, true} {
			m := newModel(t, x, Options{Topics: 40, Beta: 0.01, VBeta: 0.4, Seed: 3, Sampler: name}, packed)
			for range 5 {
				m.sweep(t)
			}
			if got := testing.AllocsPerRun(10, func() { m.sweepAll(t) }); got > 0 {
				t.Errorf("%s, packed %t: got %v allocations a sweep, want 0", name, packed, got)
			}
		}
	}
}

func (m *model) sweepAll(t *testing.T) {
	if m.Begin(m.totals) != nil || m.Words(0, m.words, m.rows, m.totals) != nil || m.End() != nil {
		t.Error("a sweep ends with an error")
	}
}

func TestAuto(t *testing.T) {
	tests := []struct {
		topics, length int
		want           string
	}{{2, 5, "dense"}, {100, 200, "dense"}, {256, 10, "dense"}, {1000, 200, "sparse"}, {1000, 2000, "dense"}, {10000, 200, "sparse"}, {100000, 200, "mh"}, {100000, 2000, "mh"}}
	for _, test := range tests {
		x := dataset.NewMatrix(1, []int64{0, 1}, []uint32{0}, []float64{float64(test.length)})
		s, err := New(x, 1, Options{Topics: test.topics, Beta: 1, VBeta: 1})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Sampler(); got != test.want {
			t.Errorf("%d topics, documents of %d tokens: got %s, want %s", test.topics, test.length, got, test.want)
		}
	}
}

func TestUrn(t *testing.T) {
	const draws, seed = 100000, 29
	r := newRandom(seed)
	var u urn
	u.grow(6)
	for range 2 { // it can be filled again
		u.empty()
		want := []float64{0.5, 7, 1, 1, 0.1, 12}
		for k, w := range want {
			u.add(uint32(10*k), w)
		}
		u.fill()
		got := make([]float64, len(want))
		for range draws {
			got[u.draw(r.next())/10]++
		}
		chi := 0.0
		for k, w := range want {
			e := w / u.sum * draws
			chi += (got[k] - e) * (got[k] - e) / e
		}
		if chi > 30 { // of 5 degrees of freedom: 1 in 70000
			t.Errorf("seed %d: got %v of weights %v, chi-square %.1f", seed, got, want, chi)
		}
	}
}

// TestProposals finds that what is proposed to a token does not count the token itself.
func TestProposals(t *testing.T) {
	const seed, sweeps = 31, 20000
	// One document with one token of each of 3 words: the topics of the others, or one for alpha.
	x := dataset.NewMatrix(3, []int64{0, 3}, []uint32{0, 1, 2}, []float64{1, 1, 1})
	m := newModel(t, x, Options{Topics: 3, Beta: 0.5, VBeta: 1.5, Seed: seed, Sampler: "mh"}, false)
	m.sweep(t)
	mh := m.sampler.(*metropolis)
	got := make([]float64, 3)
	for range sweeps {
		for i := range mh.tokens {
			mh.tokens[i] = pairOf(uint32(i), uint32(i))
		}
		mh.begin(m.State, m.totals)
		got[mh.tokens[0].proposed()]++
	}
	sum := 2 + m.alphaSum
	for k, want := range []float64{0.1 / sum, 1.1 / sum, 1.1 / sum} {
		if p := got[k] / sweeps; math.Abs(p-want) > 5*math.Sqrt(want/sweeps) {
			t.Errorf("seed %d: topic %d is proposed with probability %.4f, want %.4f", seed, k, p, want)
		}
	}
}
