package algotest

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/configs"
	"petuum/consistency"
	"petuum/table"
)

// Suite is what every algorithm has to show. Fields after Reference have
// defaults.
type Suite struct {
	// New is the constructor as the registry has it.
	New func() algos.Algorithm
	// Set sets the parameters of the jobs: the same for all of them.
	Set     func(algos.Algorithm)
	Path    string // small training data
	Options dataset.Options
	Stop    algos.Stop // must reach the optimum within Tolerance

	// Tolerance is how far the objective may be from the reference, relatively.
	Tolerance float64
	// Reference is the optimum as a plain loop over all rows finds it.
	Reference func(t testing.TB, d dataset.Info, all *dataset.Part) float64

	// Refused lists parameters that their tags, Validate or Tables have to refuse, as TOML.
	Refused []string
	// Window is the updates that may be unanswered under ASP; 0: the policy's.
	Window int
	// Clocks is how many clocks run before pushes must not allocate any more,
	// and as many are then measured; 0: 40.
	Clocks int
	// Every is the clocks between evaluations; 0: an epoch.
	Every int
}

// Conformance holds an algorithm against what the platform promises of it:
//
//   - the optimum is the reference's with 1, 2 and 6 parts, 1 and 5 shards, under
//     bsp, ssp:3 and asp, with the same parameters;
//   - it is the same, or within 1e-4, where values travel rounded, and where changes are
//     kept back, once what is owed is paid. Of these an [algos.Consistent] may refuse
//     all but bsp with exact tables;
//   - deterministic bsp gives the same bytes of the tables whatever the shards and
//     the order in which messages arrive;
//   - Push allocates nothing once it is warm;
//   - parameters: unknown ones and nonsense are refused, each is documented, an
//     instance shares nothing with another;
//   - Tables gives the same answer again and again, and KeyNames fits it;
//   - an [algos.Resumer] that can begins where an earlier job ended;
//   - an [algos.Stateful] that is stopped in mid-run goes on as if it had not been, to the
//     bit, and refuses states cut short or too long;
//   - an [algos.Explainer] says the same again, in sentences.
//
// Allocations are counted for the whole program (runtime.MemStats.Mallocs)
// around each Push of a job of one part, while all its other goroutines wait, so
// tests that call Conformance must not be parallel.
func Conformance(t *testing.T, s Suite) {
	t.Run("parameters", s.parameters)
	t.Run("tables", s.tables)
	t.Run("optimum", s.optimum)
	t.Run("lossy", s.lossy)
	t.Run("deterministic", s.deterministic)
	t.Run("allocations", s.Allocations)
	t.Run("resume", s.resume)
	t.Run("stateful", s.Stateful)
	t.Run("explain", s.explain)
}

// instance makes an instance with the parameters of the suite.
func (s Suite) instance() algos.Algorithm {
	a := s.New()
	if s.Set != nil {
		s.Set(a)
	}
	return a
}

func (s Suite) job(parts, group, shards int, policy string) Job {
	p, err := consistency.ParsePolicy(policy)
	if err != nil {
		panic(err) // ours
	}
	j := Job{New: s.instance, Path: s.Path, Options: s.Options, Parts: parts, Group: group, Shards: shards,
		Policy: p, Eager: p.Eager(), Seed: 1, Stop: s.Stop, Every: s.Every}
	if policy == "asp" {
		j.Window = s.Window
	}
	return j
}

// refuses reports whether the algorithm does not work under the job's policy, or with
// tables that travel as the job's. It must work under bsp with exact ones.
func (s Suite) refuses(t *testing.T, job Job) bool {
	_, err := job.instance()
	if err != nil && job.Policy.Synchronous() && job.exact() {
		t.Errorf("the algorithm refuses bsp with exact tables: %v", err)
	}
	return err != nil
}

func (s Suite) optimum(t *testing.T) {
	info, parts, err := s.job(1, 1, 1, "bsp").read(s.Path, s.Options, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := s.Reference(t, info, parts[0])
	for _, policy := range []string{"bsp", "ssp:3", "asp"} {
		if s.refuses(t, s.job(1, 1, 1, policy)) {
			continue
		}
		for _, group := range []struct{ parts, group int }{{1, 1}, {2, 1}, {6, 1}, {6, 4}} {
			for _, shards := range []int{1, 5} {
				if testing.Short() && shards == 1 && group.parts > 1 {
					continue
				}
				t.Run(fmt.Sprintf("%s/parts=%d/group=%d/shards=%d", policy, group.parts, group.group, shards), func(t *testing.T) {
					job := s.job(group.parts, group.group, shards, policy)
					job.Delay = uint64(shards) - 1 // one shard: without delays
					r := Train(t, job)
					got := r.Eval.Objective
					t.Logf("objective %.10g after %d clocks (%s)", got, r.Clocks, r.Reason)
					if off := math.Abs(got - want); !(off <= s.Tolerance*math.Abs(want)) {
						t.Errorf("got an objective of %.10g, want %.10g: it is off by %.3g", got, want, off/math.Abs(want))
					}
				})
			}
		}
	}
}

// lossyTolerance is what a job with lossy tables may be off at least: what is kept
// back comes late, which some solvers take longer to make good.
const lossyTolerance = 1e-4

func (s Suite) lossy(t *testing.T) {
	info, parts, err := s.job(1, 1, 1, "bsp").read(s.Path, s.Options, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := s.Reference(t, info, parts[0])
	policies := []string{"bsp", "ssp:3", "asp"}
	if testing.Short() {
		policies = policies[1:2]
	}
	for _, policy := range policies {
		for _, c := range []struct {
			encoding table.Encoding
			filter   table.Filter
		}{{table.BFloat16, table.Filter{}}, {table.Fixed2, table.Filter{}}, {table.Fixed1, table.Filter{}}, {table.Exact, table.Filter{Skip: 0.3}}} {
			t.Run(fmt.Sprintf("%s/%s/%s", policy, c.encoding, c.filter), func(t *testing.T) {
				job := s.job(3, 2, 2, policy)
				job.Encoding, job.Filter, job.Delay = c.encoding, c.filter, 1
				if s.refuses(t, job) {
					t.Skip("the algorithm refuses such jobs")
				}
				r := Train(t, job)
				got := r.Eval.Objective
				t.Logf("objective %.10g after %d clocks (%s)", got, r.Clocks, r.Reason)
				if off := math.Abs(got - want); !(off <= max(s.Tolerance, lossyTolerance)*math.Abs(want)) {
					t.Errorf("got an objective of %.10g, want %.10g: it is off by %.3g", got, want, off/math.Abs(want))
				}
			})
		}
	}
}

func (s Suite) deterministic(t *testing.T) {
	job := s.job(3, 1, 1, "bsp")
	job.Deterministic = true
	first := Train(t, job)
	for seed, shards := range []int{1, 2, 5, 5} {
		job.Shards, job.Delay = shards, uint64(seed)+1
		r := Train(t, job)
		if !bytes.Equal(r.Tables, first.Tables) {
			t.Errorf("%d shards, delays by seed %d: the tables differ from those of one shard without delays", shards, job.Delay)
		}
		// Norms are summed shard by shard: the objective may differ in its last bits.
		if off := math.Abs(r.Eval.Objective - first.Eval.Objective); !(off <= 1e-12*math.Abs(first.Eval.Objective)) || r.Clocks != first.Clocks {
			t.Errorf("%d shards, delays by seed %d: got %v at clock %d, want %v at clock %d", shards, job.Delay, r.Eval.Objective, r.Clocks, first.Eval.Objective, first.Clocks)
		}
	}
}

// Allocations is the part of Conformance that counts them, for algorithms that have no
// optimum to be held against. It tries three times: the runtime itself may allocate now
// and then. While a part streams its reader opens files at any time: then some pushes must
// allocate nothing.
func (s Suite) Allocations(t *testing.T) {
	if Raced {
		return
	}
	clocks := s.Clocks
	if clocks == 0 {
		clocks = 40
	}
	streaming, ok := s.New().(algos.Streaming)
	streams := ok && streaming.Streams()
	var worst []string
	for range 3 {
		worst = nil
		none := false
		job := s.job(1, 1, 1, "bsp")
		job.Stop = algos.Stop{Clocks: 2 * clocks}
		job.pushed = func(clock consistency.Clock, mallocs uint64) {
			if clock >= consistency.Clock(clocks) && mallocs > 0 {
				worst = append(worst, fmt.Sprintf("clock %d: %d", clock, mallocs))
			}
			none = none || clock >= consistency.Clock(clocks) && mallocs == 0
		}
		Train(t, job)
		if worst == nil || streams && none {
			return
		}
	}
	t.Errorf("Push allocates after %d clocks: %s", clocks, strings.Join(worst, ", "))
}

// configured decodes an [algorithm] table over the defaults.
func (s Suite) configured(t *testing.T, params string) (algos.Algorithm, error) {
	t.Helper()
	c, err := configs.Parse("job.toml", []byte("job.algorithm = \"x\"\ndata.train = \"x\"\n[algorithm]\n"+params+"\n"), nil)
	if err != nil {
		t.Fatalf("%s: %v", params, err)
	}
	a := s.New()
	return a, c.Algorithm(a)
}

func (s Suite) parameters(t *testing.T) {
	if a, err := s.configured(t, ""); err != nil || !reflect.DeepEqual(a, s.New()) {
		t.Errorf("no parameters: got %+v, %v, want the defaults", a, err)
	}
	if _, err := s.configured(t, "no_such_parameter = 1"); err == nil || !strings.Contains(err.Error(), "no_such_parameter") {
		t.Errorf("an unknown parameter: got error %v, want one that names it", err)
	}
	for _, p := range configs.Describe(s.New()) {
		if p.Doc == "" {
			t.Errorf("%s is not documented", p.Key)
		}
	}
	info, _, err := s.job(1, 1, 1, "bsp").read(s.Path, s.Options, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, params := range s.Refused {
		a, err := s.configured(t, params)
		if err != nil {
			continue // refused already
		}
		if v, ok := a.(algos.Validator); ok && v.Validate() != nil {
			continue
		}
		if _, err := a.Tables(info); err == nil {
			t.Errorf("%s is not refused", strings.ReplaceAll(params, "\n", ", "))
		}
	}
}

func (s Suite) tables(t *testing.T) {
	if a, b := s.New(), s.New(); a == b || !reflect.DeepEqual(a, b) {
		t.Errorf("the constructor makes %+v and then %+v", a, b)
	}
	fresh := s.New()
	info, _, err := s.job(1, 1, 1, "bsp").read(s.Path, s.Options, 1)
	if err != nil {
		t.Fatal(err)
	}
	a := s.instance()
	first, err := a.Tables(info)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []algos.Algorithm{a, s.instance()} {
		again, err := b.Tables(info)
		if err != nil || !slices.Equal(again, first) {
			t.Errorf("Tables: got %+v, %v, want %+v again", again, err, first)
		}
	}
	for _, spec := range first {
		if err := spec.Validate(); err != nil {
			t.Error(err)
		}
	}
	for _, spec := range first {
		names := algos.KeyNamesOf(a, info, spec)
		if n := uint64(len(names.Names)); names.Features > info.Features || names.Features > spec.Keys || n > spec.Keys-names.Features {
			t.Errorf("table %s of %d keys: KeyNames says %d of the %d features and %d names", spec.Name, spec.Keys, names.Features, info.Features, n)
		}
	}
	if _, err := s.instance().Tables(dataset.Info{}); err == nil {
		t.Errorf("data without rows is not refused")
	}
	if !reflect.DeepEqual(fresh, s.New()) {
		t.Errorf("using an instance changes what the constructor makes: %+v", s.New())
	}
}
