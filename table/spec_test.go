package table

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"petuum/consistency"
	"petuum/table/placement"
)

func TestShardRangesCoverTheKeys(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for i := range 400 {
		keys, n := rnd.Uint64()>>rnd.IntN(64), 1+rnd.IntN(300)
		switch i % 4 {
		case 0:
			keys = math.MaxUint64
		case 1:
			keys = uint64(rnd.IntN(400)) // fewer keys than shards, too
		}
		end := uint64(0)
		for k := range n {
			r := ShardRange(keys, k, n)
			if r.Begin != end || r.End < r.Begin {
				t.Fatalf("keys %d: shard %d of %d begins at %d, want %d", keys, k, n, r.Begin, end)
			}
			if low := keys / uint64(n); r.Len() < low || r.Len()-low > 1 {
				t.Fatalf("keys %d: shard %d of %d has %d keys, want %d or one more", keys, k, n, r.Len(), low)
			}
			end = r.End
		}
		if end != keys {
			t.Fatalf("keys %d: %d shards end at %d", keys, n, end)
		}
	}
}

func TestRange(t *testing.T) {
	for _, c := range []struct {
		a, b, both Range
	}{
		{Range{0, 10}, Range{5, 20}, Range{5, 10}},
		{Range{5, 20}, Range{0, 10}, Range{5, 10}},
		{Range{0, 5}, Range{5, 9}, Range{5, 5}},
		{Range{0, 5}, Range{7, 9}, Range{7, 7}},
		{Range{0, math.MaxUint64}, Range{3, 4}, Range{3, 4}},
	} {
		if got := c.a.Intersect(c.b); got != c.both || got.Len() != c.both.End-c.both.Begin {
			t.Errorf("%v and %v: got %v, want %v", c.a, c.b, got, c.both)
		}
	}
	if got := (Range{9, 3}).Len(); got != 0 {
		t.Errorf("a range that ends before it begins: got %d keys, want 0", got)
	}
	if r := (Range{3, 5}); r.Contains(2) || !r.Contains(3) || !r.Contains(4) || r.Contains(5) {
		t.Errorf("%v contains the wrong keys", r)
	}
}

func TestInitDependsOnSeedAndKeyAlone(t *testing.T) {
	init := Init{Value: 2, Spread: 0.5, Seed: 11}
	whole := make([]float64, 8)
	for key := range uint64(200) {
		fillInit(init, key*0x9e3779b97f4a7c15, whole)
		again := make([]float64, 3)
		fillInit(init, key*0x9e3779b97f4a7c15, again)
		if !slices.Equal(again, whole[:3]) {
			t.Fatalf("key %d: value j depends on the width: got %v, want %v", key, again, whole[:3])
		}
		for _, v := range whole {
			if v < 1.5 || v >= 2.5 {
				t.Fatalf("key %d: got %g, want it in [1.5, 2.5)", key, v)
			}
		}
	}
	// A dense and a sparse shard, and a client, all make the same.
	specs := []Spec{
		{Name: "dense", Keys: 3000, Width: 3, Type: Float64, Init: init},
		{Name: "sparse", Keys: 3000, Width: 3, Type: Float64, Init: init, Store: StoreSparse},
	}
	r := newRig(t, rigJob{specs: specs, shards: 3})
	keys := Keys([]uint64{0, 1, 999, 1000, 1001, 2999})
	var views []*View[float64]
	for _, s := range specs {
		views = append(views, openView[float64](r, 0, 0, s.Name, keys, Increments))
	}
	r.start()
	for _, v := range views {
		for i := range keys.Len() {
			want := make([]float64, 3)
			fillInit(init, keys.Key(i), want)
			wantValues(t, "initial values", v.Row(i), want...)
		}
		v.Inc(3*4+1, 1) // key 1001, on a shard that makes its page only now
	}
	r.clock()
	for table := range specs {
		want := make([]float64, 3)
		fillInit(init, 1001, want)
		want[1]++
		wantValues(t, "initial values plus 1 at the shard", stored[float64](r.shards[1], table)[1001], want...)
	}
	// Another seed, another key, another position: other numbers.
	seen := map[float64]bool{}
	for seed := range uint64(4) {
		for key := range uint64(4) {
			row := make([]float64, 4)
			fillInit(Init{Spread: 1, Seed: seed}, key, row)
			for _, v := range row {
				if seen[v] {
					t.Fatalf("%g came twice", v)
				}
				seen[v] = true
			}
		}
	}
}

func TestValidate(t *testing.T) {
	good := Spec{Name: "w", Keys: 1}
	for _, c := range []struct {
		name   string
		change func(*Spec)
		want   []string // in the error; none: valid
	}{
		{"zero values", func(*Spec) {}, nil},
		{"all keys", func(s *Spec) { s.Keys = math.MaxUint64 }, nil},
		{"widest", func(s *Spec) { s.Width = MaxWidth }, nil},
		{"longest name", func(s *Spec) { s.Name = "a" + strings.Repeat("-", 62) }, nil},
		{"integer minimum", func(s *Spec) { s.Type, s.Rule, s.Init.Value = Int32, Min, 5 }, nil},
		{"optimiser", func(s *Spec) { s.Type, s.Rule = Float64, Aggregate(0.1, 0) }, nil},
		{"proximal", func(s *Spec) { s.Rule = ProximalL1(1, 0) }, nil},
		{"no name", func(s *Spec) { s.Name = "" }, []string{"a name is"}},
		{"name too long", func(s *Spec) { s.Name = strings.Repeat("a", 64) }, []string{"a name is"}},
		{"name with a slash", func(s *Spec) { s.Name = "a/b" }, []string{"a name is"}},
		{"no keys", func(s *Spec) { s.Keys = 0 }, []string{"no keys"}},
		{"negative width", func(s *Spec) { s.Width = -1 }, []string{"width -1"}},
		{"too wide", func(s *Spec) { s.Width = MaxWidth + 1 }, []string{"width 1048577"}},
		{"type", func(s *Spec) { s.Type = 3 }, []string{"element type 3"}},
		{"store", func(s *Spec) { s.Store = 3 }, []string{"store 3"}},
		{"rule", func(s *Spec) { s.Rule = Rule{kind: 9} }, []string{"unknown rule 9"}},
		{"optimiser of integers", func(s *Spec) { s.Type, s.Rule = Int32, AdaGrad(1, 1) }, []string{"needs a float type"}},
		{"no step", func(s *Spec) { s.Rule = AdaGrad(0, 1) }, []string{"eta must be positive"}},
		{"step is not a number", func(s *Spec) { s.Rule = AdaGrad(math.NaN(), 1) }, []string{"eta must be positive"}},
		{"endless step", func(s *Spec) { s.Rule = ProximalL1(math.Inf(1), 1) }, []string{"eta must be positive"}},
		{"negative eps", func(s *Spec) { s.Rule = Aggregate(1, -1) }, []string{"must not be negative"}},
		{"lambda is not a number", func(s *Spec) { s.Rule = ProximalL1(1, math.NaN()) }, []string{"must not be negative"}},
		{"random integers", func(s *Spec) { s.Type, s.Init.Spread = Int32, 1 }, []string{"random initial values"}},
		{"all at once", func(s *Spec) { *s = Spec{Width: -2, Type: 5, Store: 7, Rule: Rule{kind: 8}} },
			[]string{"a name is", "no keys", "width -2", "type 5", "store 7", "rule 8"}},
	} {
		s := good
		c.change(&s)
		err := s.Validate()
		if (err == nil) != (c.want == nil) {
			t.Errorf("%s: got error %v, want one: %t", c.name, err, c.want != nil)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %q, want %q in it", c.name, err, want)
			}
		}
	}
}

func TestNewShardRefuses(t *testing.T) {
	for _, c := range []struct {
		name      string
		index, of int
		spec      Spec
		o         Options
	}{
		{"no shard", 0, 0, Spec{Name: "w", Keys: 1}, Options{}},
		{"negative", -1, 2, Spec{Name: "w", Keys: 1}, Options{}},
		{"beyond", 2, 2, Spec{Name: "w", Keys: 1}, Options{}},
		{"bad spec", 0, 1, Spec{Name: "w"}, Options{}},
		{"deterministic and stale", 0, 1, Spec{Name: "w", Keys: 1}, Options{Deterministic: true, Policy: consistency.SSP(1)}},
		{"too many dense rows", 0, 1, Spec{Name: "w", Keys: 1<<32 + 1, Store: StoreDense}, Options{}},
	} {
		_, err := NewShard(c.index, c.of, []Spec{c.spec}, placement.NewRoster(1), c.o)
		wantError(t, c.name, err)
	}
}

func TestNewClientRefuses(t *testing.T) {
	w := Spec{Name: "w", Keys: 1}
	for _, c := range []struct {
		name  string
		specs []Spec
		o     ClientOptions
	}{
		{"no shards", []Spec{w}, ClientOptions{Parts: 1}},
		{"no parts", []Spec{w}, ClientOptions{Shards: 1}},
		{"bad spec", []Spec{{}}, ClientOptions{Shards: 1, Parts: 1}},
		{"twice", []Spec{w, w}, ClientOptions{Shards: 1, Parts: 1}},
	} {
		_, err := NewClient(c.specs, c.o)
		wantError(t, c.name, err)
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Float32.String(), "float32"}, {Float64.String(), "float64"}, {Int32.String(), "int32"}, {Type(7).String(), "Type(7)"},
		{Add.String(), "add"}, {Min.String(), "min"}, {Max.String(), "max"}, {Replace.String(), "replace"},
		{AdaGrad(0.5, 1e-8).String(), "adagrad(eta=0.5, eps=1e-08)"}, {Aggregate(1, 0).String(), "aggregate(eta=1, eps=0)"},
		{ProximalL1(2, 3).String(), "proximal-l1(eta=2, lambda=3)"}, {Rule{kind: 70}.String(), "Rule(70)"},
		{kindReset.String(), "reset"}, {kind(99).String(), "kind(99)"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// KeyBytes is what the layout of a page says, to the byte for a dense store.
func TestKeyBytes(t *testing.T) {
	for _, c := range []struct {
		spec Spec
		want int
	}{
		{Spec{Keys: 10}, 4 + 4},
		{Spec{Keys: 10, Width: 3, Type: Float64}, 4 + 3*8},
		{Spec{Keys: 10, Width: 2, Rule: AdaGrad(1, 1)}, 4 + 2*2*4},
		{Spec{Keys: 1 << 40}, 4 + 4 + 12},
	} {
		if got := c.spec.KeyBytes(); got != c.want {
			t.Errorf("%+v: got %d bytes, want %d", c.spec, got, c.want)
		}
	}
}
