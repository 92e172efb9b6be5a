package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"petuum/algos/dataset"
	"petuum/algos/lasso"
	"petuum/algos/registry"
	"petuum/configs"
	"petuum/roles/wire"
	"petuum/table/placement"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// roundTrip sends a cold message through its encoding.
func roundTrip[T any](t *testing.T, want T) {
	t.Helper()
	body := Encode(want)
	got, err := Decode[T](body)
	if err != nil {
		t.Fatalf("%T: %v", want, err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%T: (-sent +received)\n%s", want, diff)
	}
	for n := range body {
		if _, err := Decode[T](body[:n]); err == nil {
			t.Errorf("%T: the first %d of %d bytes were read", want, n, len(body))
		}
	}
}

func TestCold(t *testing.T) {
	info := dataset.Info{Format: "csv", Rows: 1 << 63, LabelMin: -1.5e300, Classes: []string{"\x01", "é"}}
	place, err := placement.Place(1, 5, []int{1, 0})
	if err != nil {
		t.Fatal(err)
	}
	roundTrip(t, Job{ID: "a1", Config: "[job]\nname = \"\u2028\"\n", Name: "worker-3", Seat: -1, Parts: 7, Seats: 2,
		Groups: []Group{{Origin: 3, Parts: []int{3, 4}}, {Origin: 5}}})
	roundTrip(t, Scanned{Parts: []int{0, 2}, Infos: []dataset.Info{info, {}}, Seconds: 0.1})
	roundTrip(t, Setup{Info: info, Roster: placement.NewRoster(3), Placement: place, Servers: []string{"127.0.0.1:1", "[::1]:2"}})
	roundTrip(t, Stop{Reason: "done", Failed: true, Ledger: true})
	roundTrip(t, Failed{Error: "data:3: bad \"number\""})
	var l PartLedger
	fill(reflect.ValueOf(&l).Elem(), 2)
	var w WireLedger
	fill(reflect.ValueOf(&w).Elem(), 2)
	roundTrip(t, Ledger{Parts: []PartLedger{l, {}}, Server: &ServerLedger{Updates: 1 << 63, Stalest: -1}, Wire: w})
}

func TestColdRefused(t *testing.T) {
	for name, body := range map[string]string{
		"nothing": "", "garbage": "\x00\xff", "another type": `{"parts": 3}`, "two objects": "{}{}",
		"part that is no integer": `{"parts": [0.5]}`, "wrong thing": "[]",
	} {
		if got, err := Decode[Scanned]([]byte(body)); err == nil || !strings.Contains(err.Error(), "control.Scanned") {
			t.Errorf("%s: got %v and the error %v, want one that names control.Scanned", name, got, err)
		}
	}
}

func TestKnown(t *testing.T) {
	for k := range 256 {
		kind := wire.Kind(k)
		if got, want := Known(kind), kind >= KindJob && kind <= KindMore; got != want {
			t.Errorf("Known(%d) = %t, want %t", k, got, want)
		}
	}
	if KindJob < wire.FirstKind {
		t.Errorf("kind %d belongs to the wire", KindJob)
	}
}

// fill gives every field of a struct of numbers and maps a value: k for the first,
// one more for each after it.
func fill(v reflect.Value, k int) {
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.Struct:
			fill(f, 10*(k+i))
		case reflect.Map:
			f.Set(reflect.ValueOf(map[string]float64{"both": float64(k + i), fmt.Sprint("only ", k): 1}))
		default:
			f.Set(reflect.ValueOf(k + i).Convert(f.Type()))
		}
	}
}

// TestPlus checks that no field is forgotten where ledgers are added up.
func TestPlus(t *testing.T) {
	t.Run("part", func(t *testing.T) {
		var a, b PartLedger
		fill(reflect.ValueOf(&a).Elem(), 100)
		fill(reflect.ValueOf(&b).Elem(), 1000)
		got := a.Plus(b)
		if got.Part != a.Part {
			t.Errorf("part %d, want the first one's, %d", got.Part, a.Part)
		}
		by := map[string]float64{"both": a.SlowestBy["both"] + b.SlowestBy["both"], "only 100": 1, "only 1000": 1}
		if diff := cmp.Diff(by, got.SlowestBy); diff != "" {
			t.Errorf("slowest by: (-want +got)\n%s", diff)
		}
		if len(a.SlowestBy) != 2 || len(b.SlowestBy) != 2 {
			t.Errorf("adding changed what was added: %v, %v", a.SlowestBy, b.SlowestBy)
		}
		sums(t, a, b, got, "Part", "SlowestBy")
	})
	t.Run("wire", func(t *testing.T) {
		var a, b WireLedger
		fill(reflect.ValueOf(&a).Elem(), 100)
		fill(reflect.ValueOf(&b).Elem(), 1000)
		sums(t, a, b, a.Plus(b))
	})
}

// sums checks that each number of got is the sum of those of a and b.
func sums(t *testing.T, a, b, got any, but ...string) {
	t.Helper()
	va, vb, vg := reflect.ValueOf(a), reflect.ValueOf(b), reflect.ValueOf(got)
	number := reflect.TypeFor[float64]()
	for i := range va.NumField() {
		name := va.Type().Field(i).Name
		if strings.Contains(strings.Join(but, " "), name) {
			continue
		}
		if va.Field(i).Kind() == reflect.Struct {
			sums(t, va.Field(i).Interface(), vb.Field(i).Interface(), vg.Field(i).Interface())
			continue
		}
		want := va.Field(i).Convert(number).Float() + vb.Field(i).Convert(number).Float()
		if sum := vg.Field(i).Convert(number).Float(); sum != want {
			t.Errorf("%s: got %v, want %v", name, sum, want)
		}
	}
}

// What a worker sends are updates, and what it receives are answers.
func TestCountedLink(t *testing.T) {
	a, b := net.Pipe()
	hello := func(role string) wire.Hello { return wire.Hello{Major: 1, Role: role, Name: role, Seat: -1} }
	accepted := make(chan *wire.Conn)
	go func() {
		c, _ := wire.Accept(a, hello(Server), wire.Options{Compression: wire.Zstd})
		accepted <- c
	}()
	worker, err := wire.Client(t.Context(), b, hello(Worker), wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := <-accepted
	var ended sync.WaitGroup
	came := make(chan struct{})
	ended.Go(func() { worker.Serve(func(wire.Kind, []byte) error { came <- struct{}{}; return nil }) })
	ended.Go(func() { server.Serve(func(wire.Kind, []byte) error { came <- struct{}{}; return nil }) })
	for range 3 {
		worker.Send(KindBatch, make([]byte, 1000))
		<-came
	}
	server.Send(KindBatch, make([]byte, 5000))
	<-came
	if err := worker.Close(); err != nil { // which ends the writer, who counts what it wrote afterwards
		t.Error(err)
	}
	server.Abort()
	ended.Wait()
	l := CountedLink(worker)
	if got, want := l.Compression, (FrameLedger{Updates: FrameCount{All: 3}, Answers: FrameCount{All: 1, Compressed: 1}}); got != want {
		t.Errorf("frames: got %+v, want %+v", got, want)
	}
	u, n := l.Updates, l.Answers
	if u.Raw != 3000 || u.Encoded != 3000 || u.Compressed != 3000 || u.Sent != l.Sent || u.Sent <= 3000 {
		t.Errorf("updates: got %+v, want 3000 bytes and %d sent", u, l.Sent)
	}
	if n.Raw != 5000 || n.Encoded != 5000 || n.Compressed >= 1000 || n.Sent != l.Received || n.Sent <= n.Compressed {
		t.Errorf("answers: got %+v, want 5000 bytes, compressed, and %d received", n, l.Received)
	}
	if l.Raw != 3000 || l.Encoded != 3000 || l.Compressed != 3000 {
		t.Errorf("totals: got %+v, want what was sent", l)
	}
}

// What the workers know of raw bytes counts in the total, too.
func TestSettled(t *testing.T) {
	l := WireLedger{Raw: 100, Encoded: 100, Updates: FlowLedger{Raw: 50, Encoded: 30}, Answers: FlowLedger{Raw: 40, Encoded: 35}}
	if got, want := l.Settled().Raw, int64(125); got != want {
		t.Errorf("raw: got %d, want %d", got, want)
	}
}

// TestMailboxOrder checks that nothing bounds a mailbox and that events come out
// in the order in which each sender put them in.
func TestMailboxOrder(t *testing.T) {
	const senders, each = 4, 5000
	m := NewMailbox()
	var putting sync.WaitGroup
	for s := range senders {
		putting.Go(func() {
			for i := range each {
				m.Put(Event{From: fmt.Sprint(s), Kind: KindReady, Body: AppendUints(nil, uint64(s), uint64(i))})
			}
		})
	}
	take := func(seen *[senders]int) {
		t.Helper()
		e, err := m.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s, i, err := ReadReached(e.Body)
		if err != nil || e.From != fmt.Sprint(s) || e.Kind != KindReady {
			t.Fatalf("got %v, which nobody put in: %v", e, err)
		}
		if int(i) != seen[s] {
			t.Fatalf("event %d of sender %d, want %d", i, s, seen[s])
		}
		seen[s]++
	}
	var seen [senders]int
	for range senders * each / 2 { // while they are being put in
		take(&seen)
	}
	putting.Wait() // ends although nobody takes anything out
	for range senders * each / 2 {
		take(&seen)
	}
}

// TestMailboxWakes has each event put in while somebody begins to wait for it.
func TestMailboxWakes(t *testing.T) {
	const rounds = 20000
	m, ask := NewMailbox(), make(chan struct{})
	var putting sync.WaitGroup
	putting.Go(func() {
		for range ask {
			m.Put(Event{})
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // far more than it takes
	defer cancel()
	for n := range rounds {
		ask <- struct{}{}
		if _, err := m.Next(ctx); err != nil {
			t.Errorf("event %d is in the mailbox, but nobody woke up: %v", n, err)
			break
		}
	}
	close(ask)
	putting.Wait()
}

func TestMailboxEnd(t *testing.T) {
	m := NewMailbox()
	cause := errors.New("the job is over")
	ctx, cancel := context.WithCancelCause(t.Context())
	m.Put(Event{From: "a"})
	m.Put(Event{From: "b", Err: wire.ErrLost})
	if e, err := m.Next(ctx); err != nil || e.From != "a" {
		t.Fatalf("got %v and %v, want the event of a", e, err)
	}
	cancel(cause)
	if e, err := m.Next(ctx); err != nil || !errors.Is(e.Err, wire.ErrLost) {
		t.Errorf("got %v and %v, want what is there even though the context ended", e, err)
	}
	if e, err := m.Next(ctx); !errors.Is(err, cause) {
		t.Errorf("got %v and %v, want %v", e, err, cause)
	}

	ctx, cancel = context.WithCancelCause(t.Context())
	ended := make(chan error)
	go func() {
		_, err := m.Next(ctx)
		ended <- err
	}()
	cancel(cause)
	if err := <-ended; !errors.Is(err, cause) {
		t.Errorf("got %v, want %v", err, cause)
	}
	m.Put(Event{From: "c"}) // the mailbox goes on
	if e, err := m.Next(t.Context()); err != nil || e.From != "c" {
		t.Errorf("got %v and %v, want the event of c", e, err)
	}
}

func config(t *testing.T, algorithm, more string) *configs.Config {
	t.Helper()
	c, err := configs.Parse("job.toml", []byte("[job]\nalgorithm = \""+algorithm+"\"\n[data]\ntrain = \"rows\"\n"+more), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNewAlgorithm(t *testing.T) {
	a, err := NewAlgorithm(registry.Algorithms, config(t, "lasso", "[algorithm]\nlambda = 0.25\n"))
	if l, ok := a.(*lasso.Lasso); err != nil || !ok || l.Lambda != 0.25 {
		t.Errorf("got %+v and %v, want a lasso with lambda 0.25", a, err)
	}
	for _, c := range []struct{ algorithm, more, want string }{
		{"lasos", "", `job.toml:2: job.algorithm: no algorithm is called "lasos": there are dml, lasso, lda, logreg, mf, regression, svm`},
		{"lasso", "[algorithm]\nlamda = 1\n", `"lambda"`},
		{"lasso", "[algorithm]\nlambda = \"much\"\n", "job.toml:6"},
		{"dml", "test = \"b\"\n", "job.toml:5: data.test: dml does not predict: there is nothing to test"},
	} {
		if a, err := NewAlgorithm(registry.Algorithms, config(t, c.algorithm, c.more)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: got %v and the error %v, want one with %s", c.algorithm, c.more, a, err, c.want)
		}
	}
}

// An algorithm hears how the job reads, and what it refuses comes with the place of the
// parameter.
func TestConsistent(t *testing.T) {
	const newton = "[algorithm]\nsolver = \"newton\"\n"
	for _, c := range []struct{ more, want string }{
		{newton, ""},
		{newton + "[wire]\nencoding = \"exact\"\nfilter = \"none\"\n", ""},
		{newton + "[consistency]\npolicy = \"ssp:3\"\n", `job.toml:6: algorithm.solver: solver = "newton" needs policy "bsp", not "ssp:3"`},
		{newton + "[wire]\nencoding = \"weights:fixed2\"\n", `job.toml:6: algorithm.solver: solver = "newton" needs tables that travel exactly`},
		{newton + "[wire]\nfilter = \"skip:0.5\"\n", "wire.filter out"},
		{"[wire]\nfilter = \"skip:0.5\"\n", ""},
	} {
		a, err := NewAlgorithm(registry.Algorithms, config(t, "logreg", c.more))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got the error %v, want %q", c.more, err, c.want)
		}
		if err != nil {
			continue
		}
		tables := 1 // weights, with the dual solver
		if strings.HasPrefix(c.more, newton) {
			tables = 7
		}
		specs, err := a.Tables(dataset.Info{Rows: 10, Features: 1000, Classes: []string{"a", "b"}})
		if err != nil || len(specs) != tables {
			t.Errorf("%q: got %d tables and %v, want %d", c.more, len(specs), err, tables)
		}
	}
}

func TestDataOptions(t *testing.T) {
	more := "format = \"csv\"\nlabel = \"#2\"\nheader = \"no\"\nfeatures = 9\n[algorithm]\nlambda = 0.5\n"
	want := dataset.Options{Format: "csv", Label: "#2", Header: "no", Base: -1, Features: 9, MinLength: 3, StopWords: "english"}
	for algorithm, quantity := range map[string]bool{"lasso": true, "logreg": false, "regression": true, "svm": false} {
		c := config(t, algorithm, more)
		a, err := NewAlgorithm(registry.Algorithms, c)
		if err != nil {
			t.Fatal(err)
		}
		want.Quantity, want.Columns, want.ByFeatures = quantity, algorithm == "lasso", algorithm == "lasso"
		if diff := cmp.Diff(want, DataOptions(c, a), cmpopts.IgnoreUnexported(want)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", algorithm, diff)
		}
	}
}
