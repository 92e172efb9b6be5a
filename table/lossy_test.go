package table

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"petuum/consistency"
)

var lossyEncodings = []Encoding{Single, BFloat16, Fixed1, Fixed2, Fixed3}

func testRounding[T Elem](t *testing.T, r *rand.Rand, enc Encoding) {
	t.Helper()
	x := make([]T, r.IntN(70))
	size := math.Ldexp(1, r.IntN(60)-30)
	most := 0.0
	for i := range x {
		x[i] = T(r.NormFloat64() * size)
		if r.IntN(5) == 0 {
			x[i] = 0
		}
		most = max(most, math.Abs(float64(x[i])))
	}
	rounded := slices.Clone(x)
	p := packer[T]{enc: enc}
	if !p.round(rounded) {
		t.Fatalf("%s: %v was not rounded", enc, x)
	}
	b := p.append([]byte{}, rounded)
	if limit := len(x)*enc.size(typeOf[T]()) + 2; len(b) > limit {
		t.Errorf("%s: %d values take %d bytes, want at most %d", enc, len(x), len(b), limit)
	}
	back := make([]T, len(x))
	rd := &reader{b: b}
	q := packer[T]{enc: enc}
	if q.read(rd, back); rd.err != nil || len(rd.b) > 0 {
		t.Fatalf("%s: reading: %v, %d bytes left", enc, rd.err, len(rd.b))
	}
	wantValues(t, enc.String()+": read again", back, rounded...)
	for i, v := range x {
		off := math.Abs(float64(v) - float64(rounded[i]))
		limit := math.Abs(float64(v)) / (1 << 8) // bfloat16: 8 bits
		switch {
		case enc == Single:
			limit = math.Abs(float64(v)) / (1 << 24)
		case enc.fixed() > 0:
			limit = most / float64(int(1)<<(8*enc.fixed()-1)-1) // half of a unit, which is less than twice as large as it must be
		}
		if off > limit*(1+1e-6) {
			t.Errorf("%s: %v became %v: off by %g, want at most %g", enc, v, rounded[i], off, limit)
		}
	}
}

func TestRounding(t *testing.T) {
	const seed = 11
	r := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		for _, enc := range lossyEncodings {
			testRounding[float32](t, r, enc)
			testRounding[float64](t, r, enc)
		}
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 3.4e38, 1e300} {
		for _, enc := range lossyEncodings {
			p := packer[float64]{enc: enc}
			for _, x := range [][]float64{{1, bad}, {bad, 1}} {
				if p.round(slices.Clone(x)) {
					t.Errorf("%s rounded %v", enc, x)
				}
			}
		}
	}
}

func TestEncodingAndFilterText(t *testing.T) {
	for _, name := range EncodingNames() {
		if e, err := ParseEncoding(name); err != nil || e.String() != name {
			t.Errorf("%q: got %s, %v", name, e, err)
		}
	}
	for _, s := range []string{"none", "significant:0.01", "skip:0.5"} {
		if f, err := ParseFilter(s); err != nil || f.String() != s {
			t.Errorf("%q: got %s, %v", s, f, err)
		}
	}
	_, err := ParseEncoding("bf16")
	wantError(t, "bf16", err)
	for _, s := range []string{"", "skip", "skip:1", "skip:-0.1", "skip:0", "significant:", "significant:-1", "significant:Inf", "significant:NaN", "kkt:1", "skip:0.1:2"} {
		_, err := ParseFilter(s)
		wantError(t, s, err)
	}
}

func TestLossyTablesThatAreRefused(t *testing.T) {
	skip := Filter{Skip: 0.5}
	for what, s := range map[string]Spec{
		"whole numbers":       {Type: Int32, Encoding: Fixed1},
		"rule max":            {Rule: Max, Encoding: BFloat16},
		"replace and filter":  {Rule: Replace, Filter: skip},
		"a step every clock":  {Rule: ProximalL1(1, 1), Filter: skip},
		"no such encoding":    {Encoding: 99},
		"a certain skip":      {Filter: Filter{Skip: 1}},
		"a negative skip":     {Filter: Filter{Skip: -1}},
		"a threshold of NaN":  {Filter: Filter{Significant: math.NaN()}},
		"an infinite one":     {Filter: Filter{Significant: math.Inf(1)}},
		"aggregate and a fil": {Rule: Aggregate(1, 1), Filter: skip},
	} {
		s.Name, s.Keys = "w", 10
		wantError(t, what, s.Validate())
	}
	for _, s := range []Spec{{Rule: AdaGrad(1, 1), Encoding: Fixed2, Filter: skip}, {Rule: ProximalL1(1, 1), Encoding: Fixed1}} {
		s.Name, s.Keys = "w", 10
		if err := s.Validate(); err != nil {
			t.Error(err)
		}
	}
}

// lossyJobs are all kinds of lossy tables under all policies.
func lossyJobs(do func(name string, job rigJob)) {
	encodings := append(slices.Clone(lossyEncodings), Exact)
	if testing.Short() {
		encodings = []Encoding{Fixed1, Exact}
	}
	for _, policy := range []consistency.Policy{consistency.BSP(), consistency.SSP(2), consistency.ASP()} {
		for _, f := range []Filter{{}, {Significant: 40}, {Skip: 0.6}} {
			for _, enc := range encodings {
				spec := Spec{Name: "w", Keys: 150, Width: 2, Type: Float64, Init: Init{Value: 3}, Encoding: enc, Filter: f}
				if !spec.Lossy() {
					continue
				}
				name := policy.String() + " " + enc.String() + " " + f.String()
				do(name, rigJob{specs: []Spec{spec}, shards: 3, parts: []int{1, 2}, policy: policy, eager: policy.Eager()})
				spec.Keys = 1 << 40
				do(name+" sparse", rigJob{specs: []Spec{spec}, shards: 2, parts: []int{1, 1}, policy: policy, deterministic: policy.Synchronous()})
			}
		}
	}
}

const lossyKeys = 150

// lossyRun has part n of all write to keys n, n + (all parts), ... for some clocks, in
// whole numbers, so that sums are exact. A view must
// always show what its part did, exactly; and the sum of everything once all is
// paid. disturb is called in each clock when the updates are on their way.
func lossyRun(t *testing.T, name string, job rigJob, disturb func(r *rig, clock int)) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(5, uint64(len(name))))
	r := newRig(t, job)
	var keys []uint64
	step := job.specs[0].Keys / lossyKeys
	for i := range uint64(lossyKeys) {
		keys = append(keys, i*step)
	}
	var views []*View[float64]
	for o, parts := range job.parts {
		for p := range parts {
			views = append(views, openView[float64](r, o, p, "w", Keys(keys), Increments))
		}
	}
	r.start()
	sums := make([]float64, 2*lossyKeys)
	for i := range sums {
		sums[i] = job.specs[0].Init.Value
	}
	check := func(when string, exact bool) {
		t.Helper()
		for n, v := range views {
			for i, x := range v.Values() {
				own := i/2%len(views) == n && !job.deterministic
				if (exact || own) && x != sums[i] {
					t.Fatalf("%s: %s: view %d shows %v at %d, want %v", name, when, n, x, i, sums[i])
				}
			}
		}
	}
	for clock := range 6 {
		for n, v := range views {
			for i := n; i < lossyKeys; i += len(views) {
				if d := float64(rnd.IntN(201) - 100); rnd.IntN(3) > 0 {
					v.AddTo(i, d, []float64{1, 3})
					sums[2*i] += d
					sums[2*i+1] += 3 * d
				}
			}
		}
		check("written", false)
		for o, parts := range job.parts {
			for p := range parts {
				r.clients[o].Steps().BeginClock(p)
			}
		}
		if disturb != nil {
			disturb(r, clock)
		}
		r.pump()
		for o, parts := range job.parts {
			for p := range parts {
				r.end(o, p)
			}
		}
		check("after a clock", false)
	}
	for _, c := range r.clients {
		c.Exactly()
	}
	r.clock()
	r.syncTo(true)
	check("at the end", true)
	wantStored := func(when string) {
		t.Helper()
		for i, k := range keys {
			for _, s := range r.shards {
				if row, ok := stored[float64](s, 0)[k]; ok && !slices.Equal(row, sums[2*i:2*i+2]) {
					t.Fatalf("%s: %s: key %d is %v, want %v", name, when, k, row, sums[2*i:2*i+2])
				}
			}
		}
	}
	wantStored("paid")
	for i := range lossyKeys { // and by leaving
		views[i%len(views)].Inc(2*i, 77)
		sums[2*i] += 77
	}
	r.clock()
	for o := range r.clients {
		for p := range job.parts[o] {
			r.clients[o].Finish(p)
		}
	}
	r.pump()
	wantStored("left")
}

func TestLossyLosesNothing(t *testing.T) {
	lossyJobs(func(name string, job rigJob) { lossyRun(t, name, job, nil) })
}

func TestLossyReconnects(t *testing.T) {
	lossyJobs(func(name string, job rigJob) {
		lossyRun(t, name, job, func(r *rig, clock int) {
			for o := range r.clients {
				for k := range r.shards {
					p := pair{o, k}
					if (clock+o+k)%2 == 0 { // the update arrives, its answer does not
						if msg, ok := next(r.up, p); ok {
							if err := r.handle(k, msg); err != nil {
								t.Fatal(err)
							}
						}
					}
					if (clock+k)%3 > 0 {
						r.cut(p)
						r.connect(o, k)
					}
				}
			}
		})
	})
}

// A shard restored from its snapshot goes on to the bit.
func TestLossySnapshots(t *testing.T) {
	lossyJobs(func(name string, job rigJob) {
		lossyRun(t, name, job, func(r *rig, clock int) {
			for k, s := range r.shards {
				again, err := Restore(s.AppendSnapshot(nil), r.specs, r.options)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				r.shards[k] = again
			}
		})
	})
}

// A part that turns to another set leaves nothing behind.
func TestLossyTurns(t *testing.T) {
	for _, policy := range []consistency.Policy{consistency.BSP(), consistency.SSP(2), consistency.ASP()} {
		for _, parts := range []int{1, 2} {
			specs := []Spec{{Name: "w", Keys: 100, Type: Float64, Encoding: Fixed1, Filter: Filter{Significant: 500}}}
			r := newRig(t, rigJob{specs: specs, parts: []int{parts, 1}, shards: 2, policy: policy})
			var views []*View[float64]
			for p := range parts {
				views = append(views, openView[float64](r, 0, p, "w", Span(0, 100), Increments))
			}
			o := openView[float64](r, 1, 0, "w", Span(0, 100), Increments)
			r.start()
			v := views[0]
			for i := range 100 {
				v.Inc(i, float64(i%7)+100*float64(i%3))
			}
			r.clock()
			if slices.Equal(o.Values(), v.Values()) {
				t.Fatalf("%s: nothing was rounded or kept back", policy)
			}
			mine := slices.Clone(v.Values())
			v.Hold(Span(20, 60))
			if parts == 2 && !policy.Synchronous() { // it turns before its group sends
				r.pump()
				r.clients[0].Steps().BeginClock(0)
				r.end(0, 0)
				wantValues(t, policy.String()+": turned", v.Values(), mine[20:60]...)
				r.clients[0].Steps().BeginClock(1)
				r.pump()
				r.end(0, 1)
				r.clock(1)
			} else {
				r.clock()
			}
			r.syncTo(true)
			wantValues(t, policy.String()+": the other, after", o.Values(), mine...)
			wantValues(t, policy.String()+": in the new set", v.Values(), mine[20:60]...)
		}
	}
}

// What is not a number goes as it is, and nothing of it is owed afterwards.
func TestLossyInfinity(t *testing.T) {
	r := newRig(t, rigJob{specs: []Spec{{Name: "w", Keys: 3, Type: Float64, Encoding: Fixed1}}, parts: []int{1, 1}})
	v := openView[float64](r, 0, 0, "w", Span(0, 3), Increments)
	o := openView[float64](r, 1, 0, "w", Span(0, 3), Increments)
	r.start()
	v.Inc(0, math.Inf(1))
	v.Inc(1, 0.3)
	r.clock()
	v.Inc(1, 0.3)
	r.clock()
	for what, got := range map[string]*View[float64]{"own": v, "the other's": o} {
		if x := got.Values(); !math.IsInf(x[0], 1) || math.Abs(x[1]-0.6) > 0.01 || x[2] != 0 {
			t.Errorf("%s: got %v, want infinity, about 0.6 and 0", what, x)
		}
	}
	if r.clients[0].replicas[0].(*heldSet[float64]).owed[0] != 0 {
		t.Error("infinity is owed after it was sent")
	}
}

// What two parts of a group do to a value may add up to nothing: no answer comes
// of it, and both have to see that all the same.
func TestPartsThatCancel(t *testing.T) {
	for _, enc := range []Encoding{Exact, Fixed1} {
		r := newRig(t, rigJob{specs: []Spec{{Name: "w", Keys: 4, Encoding: enc}}, parts: []int{2}})
		a := openView[float32](r, 0, 0, "w", Span(0, 4), Increments)
		b := openView[float32](r, 0, 1, "w", Span(0, 4), Increments)
		r.start()
		a.Inc(1, 5)
		b.Inc(1, -5)
		a.Inc(2, 1)
		r.clock()
		wantValues(t, enc.String()+": first part", a.Values(), 0, 0, 1, 0)
		wantValues(t, enc.String()+": second part", b.Values(), 0, 0, 1, 0)
	}
}

// The bytes of messages, both ways.
func TestLossyBytes(t *testing.T) {
	const n = 4000
	for _, c := range []struct {
		enc   Encoding
		bytes int // a value
	}{{Exact, 8}, {Single, 4}, {BFloat16, 2}, {Fixed3, 3}, {Fixed2, 2}, {Fixed1, 1}} {
		r := newRig(t, rigJob{specs: []Spec{{Name: "w", Keys: n, Type: Float64, Encoding: c.enc}}, parts: []int{1, 1}, policy: consistency.ASP()})
		v := openView[float64](r, 0, 0, "w", Span(0, n), Increments)
		openView[float64](r, 1, 0, "w", Span(0, n), Increments)
		r.start()
		for i := range n {
			v.Inc(i, 1+float64(i)/n)
		}
		r.clients[0].Steps().BeginClock(0)
		up := len(r.up[pair{0, 0}][0])
		r.pump()
		r.end(0, 0)
		echo := r.shards[0].Stats().Saved
		r.clients[1].Steps().BeginClock(0)
		msg, _ := next(r.up, pair{1, 0})
		if err := r.handle(0, msg); err != nil {
			t.Fatal(err)
		}
		down := len(r.down[pair{1, 0}][0])
		for what, got := range map[string]int{"update": up, "answer": down} {
			if want := n * c.bytes; got < want || got > want+40 {
				t.Errorf("%s of %s: got %d bytes, want %d and at most 40", what, c.enc, got, want)
			}
		}
		wantSaved := int64(n * (8 - c.bytes))
		for what, got := range map[string]int64{"updates": r.clients[0].Stats().Saved, "answers": r.shards[0].Stats().Saved - echo} {
			if got < wantSaved-10 || got > wantSaved {
				t.Errorf("saved in %s of %s: got %d bytes, want %d, less a few", what, c.enc, got, wantSaved)
			}
		}
		if c.enc != Exact && echo < n*8-10 { // a client is not told what it did itself
			t.Errorf("%s: %d bytes were saved in the answer to the writer, want all of %d", c.enc, echo, n*8)
		}
	}
}

// A filter keeps back what is not significant in its clock, and sends it when it
// has become so.
func TestSignificant(t *testing.T) {
	specs := []Spec{{Name: "w", Keys: 3, Filter: Filter{Significant: 12}}}
	r := newRig(t, rigJob{specs: specs, parts: []int{1, 1}})
	v := openView[float32](r, 0, 0, "w", Span(0, 3), Increments)
	o := openView[float32](r, 1, 0, "w", Span(0, 3), Increments)
	r.start()
	v.Inc(0, 12)
	v.Inc(1, 5)
	v.Inc(2, -3)
	for clock, want := range [][]float32{{12, 0, 0}, {12, 0, 0}, {12, 5, 0}, {12, 5, -3}} { // thresholds 12, 6, 4, 3
		r.clock()
		wantValues(t, "the other", o.Values(), want...)
		wantValues(t, "own", v.Values(), 12, 5, -3)
		if clock == 3 && r.clients[0].owes() {
			t.Error("something is owed after everything was sent")
		}
	}
}

// owes reports whether a client owes anything.
func (c *Client) owes() bool { return slices.ContainsFunc(c.replicas, replica.owes) }

func TestSkipIsRandomAndRepeats(t *testing.T) {
	sent := func() (list []int) {
		r := newRig(t, rigJob{specs: []Spec{{Name: "w", Keys: 1000, Filter: Filter{Skip: 0.75}}}, parts: []int{1, 1}})
		v := openView[float32](r, 0, 0, "w", Span(0, 1000), Increments)
		o := openView[float32](r, 1, 0, "w", Span(0, 1000), Increments)
		r.start()
		for i := range 1000 {
			v.Inc(i, 1)
		}
		for range 3 {
			r.clock()
			n := 0
			for _, x := range o.Values() {
				n += int(x)
			}
			list = append(list, n)
		}
		return list
	}
	first := sent()
	for i, want := range []float64{250, 437, 578} { // 1000 (1 - 0.75^n)
		if math.Abs(float64(first[i])-want) > 60 {
			t.Errorf("after clock %d %d of 1000 have been sent, want about %g", i+1, first[i], want)
		}
	}
	if again := sent(); !slices.Equal(first, again) {
		t.Errorf("again: got %v, want %v", again, first)
	}
}

func TestLossyFormsThatAreRefused(t *testing.T) {
	for what, c := range map[string]struct {
		enc  Encoding
		form byte
		body []byte
		want string
	}{
		"unknown form":        {Fixed1, 2, []byte{0, 0, 0}, "unknown form"},
		"encoded, but exact":  {Exact, formEncoded, make([]byte, 8), "unknown form"},
		"a huge unit":         {Fixed1, formEncoded, append(appendVarint(nil, 1000), 0, 0), "unit"},
		"a tiny unit":         {Fixed1, formEncoded, append(appendVarint(nil, -1000), 0, 0), "unit"},
		"too few planes":      {Fixed2, formEncoded, []byte{0, 1, 2, 3}, "truncated"},
		"too few exact ones":  {Fixed2, formExact, make([]byte, 7), "truncated"},
		"too few of bfloat16": {BFloat16, formEncoded, make([]byte, 3), "truncated"},
	} {
		rd := &reader{b: append([]byte{c.form}, c.body...)}
		if readForm(rd, c.enc, make([]float32, 2)); rd.err == nil || !strings.Contains(rd.err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", what, rd.err, c.want)
		}
	}
}
