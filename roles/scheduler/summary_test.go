package scheduler

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/algos"
	"petuum/configs"
	"petuum/roles/control"
)

// done is the summary of a job with something in every field.
func done() *Summary {
	gap := 0.25
	s := &Summary{Job: "j\n", Algorithm: "lasso", Objective: 1.5, Gap: &gap, Clocks: 8, Rounds: 8, Epochs: 2, StopReason: algos.ReasonTolerance,
		Metrics:    map[string]float64{"nonzeros": 5, "train_logloss": 0.5, "test_auc": math.NaN(), "up": math.Inf(1), "down": math.Inf(-1)},
		NumWorkers: 2, NumServers: 3, Parts: 4, Policy: "bsp", Model: "out", Curve: []algos.Point{{Clock: 0, Objective: 3}, {Clock: 8, Seconds: 1, Objective: 1.5, Gap: &gap}}}
	s.Seconds.Start, s.Seconds.Load, s.Seconds.Train, s.Seconds.Total = 0.1, 0.2, 1, 1.5
	s.settle([]control.Ledger{
		{Parts: []control.PartLedger{{Part: 3, Wall: 1, Compute: 0.5}, {Part: 1, Wall: 1, Wire: 0.25}}, Wire: control.WireLedger{Raw: 8, Encoded: 8, Compressed: 6, Sent: 7, Received: 4,
			Updates: control.FlowLedger{Raw: 20, Encoded: 5, Compressed: 3, Sent: 4}, Answers: control.FlowLedger{Raw: 40, Encoded: 10, Compressed: 9, Sent: 11},
			Compression: control.FrameLedger{Updates: control.FrameCount{All: 3, Compressed: 2}, Answers: control.FrameCount{All: 4, Compressed: 1}}}},
		{Parts: []control.PartLedger{{Part: 0, Wall: 1, Slowest: 0.1, SlowestBy: map[string]float64{"1": 0.1}}, {Part: 2, Wall: 1}}, Wire: control.WireLedger{Raw: 3, Encoded: 3, Compressed: 3}},
		{Server: &control.ServerLedger{Updates: 7}, Wire: control.WireLedger{Raw: 10, Encoded: 10, Compressed: 9, Sent: 100}},
		{Server: &control.ServerLedger{Updates: 8}},
	}, control.WireLedger{Received: 1000})
	return s
}

func TestSettle(t *testing.T) {
	s := done()
	bytes := control.WireLedger{Raw: 21 + 15 + 30, Encoded: 21, Compressed: 18, Sent: 107, Received: 1004,
		Updates: control.FlowLedger{Raw: 20, Encoded: 5, Compressed: 3, Sent: 4}, Answers: control.FlowLedger{Raw: 40, Encoded: 10, Compressed: 9, Sent: 11},
		Compression: control.FrameLedger{Updates: control.FrameCount{All: 3, Compressed: 2}, Answers: control.FrameCount{All: 4, Compressed: 1}}}
	if diff := cmp.Diff(bytes, s.Bytes); diff != "" {
		t.Errorf("bytes: (-want +got)\n%s", diff)
	}
	var order []int
	for _, p := range s.Wait.Parts {
		order = append(order, p.Part)
	}
	if !slices.Equal(order, []int{0, 1, 2, 3}) {
		t.Errorf("parts in the order %v, want 0 to 3", order)
	}
	want := control.PartLedger{Part: -1, Wall: 4, Compute: 0.5, Wire: 0.25, Slowest: 0.1, SlowestBy: map[string]float64{"1": 0.1}}
	if diff := cmp.Diff(want, s.Wait.Sum); diff != "" {
		t.Errorf("sum: (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]control.ServerLedger{{Updates: 7}, {Updates: 8}}, s.Servers); diff != "" {
		t.Errorf("servers: (-want +got)\n%s", diff)
	}
}

// keys are those of an object of JSON, in order; nil if v is none.
func keys(v any) []string {
	m, _ := v.(map[string]any)
	return slices.Sorted(maps.Keys(m))
}

// TestJSON checks the keys that users' scripts read, and that what JSON cannot say
// is left out.
func TestJSON(t *testing.T) {
	s := done()
	var b bytes.Buffer
	if err := s.JSON(&b); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(b.Bytes(), []byte("\n")); n != 1 || !bytes.HasSuffix(b.Bytes(), []byte("}\n")) {
		t.Errorf("%d ends of line, want one, at the end:\n%s", n, b.Bytes())
	}
	d := json.NewDecoder(&b)
	var got map[string]any
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		t.Errorf("there is more than one object: %v", err)
	}
	for _, key := range []string{"job", "algorithm", "objective", "gap", "metrics", "clocks", "rounds", "epochs", "stop_reason", "seconds", "bytes", "wait",
		"workers", "servers", "model", "curve"} {
		if _, ok := got[key]; !ok {
			t.Errorf("no key %q among %q", key, keys(got))
		}
	}
	for key, want := range map[string][]string{"seconds": {"load", "start", "total", "train"}, "bytes": {"answers", "compressed", "compression", "encoded", "raw", "received", "sent", "updates"},
		"metrics": {"nonzeros", "train_logloss"}, "wait": {"parts", "sum"}} {
		if diff := cmp.Diff(want, keys(got[key])); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", key, diff)
		}
	}
	bytes, _ := got["bytes"].(map[string]any)
	for _, direction := range []string{"updates", "answers"} {
		if diff := cmp.Diff([]string{"compressed", "encoded", "raw", "sent"}, keys(bytes[direction])); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", direction, diff)
		}
	}
	want := []any{map[string]any{"clock": 0.0, "seconds": 0.0, "objective": 3.0}, map[string]any{"clock": 8.0, "seconds": 1.0, "objective": 1.5, "gap": 0.25}}
	if diff := cmp.Diff(want, got["curve"]); diff != "" {
		t.Errorf("curve: (-want +got)\n%s", diff)
	}
	for key, want := range map[string]any{"workers": 2.0, "servers": 3.0, "rounds": 8.0, "stop_reason": "tolerance", "gap": 0.25, "model": "out", "job": "j\n"} {
		if got[key] != want {
			t.Errorf("%s: got %v, want %v", key, got[key], want)
		}
	}
	if len(s.Metrics) != 5 {
		t.Errorf("writing the summary changed its metrics: %v", s.Metrics)
	}
}

// TestJSONUnknown is a job of which little is known.
func TestJSONUnknown(t *testing.T) {
	var b bytes.Buffer
	if err := (&Summary{}).JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if _, ok := got["gap"]; ok || got["metrics"] == nil || got["model"] != "" {
		t.Errorf("got %s, want no gap, no metrics in their object and no model", b.Bytes())
	}
	if err := (&Summary{Objective: math.NaN()}).JSON(io.Discard); err == nil {
		t.Error("an objective that is no number was written")
	}
}

// TestJSONStages holds the stages of a summary against what scripts read.
func TestJSONStages(t *testing.T) {
	s := done()
	stage, gap := 1, 0.5
	s.Choices = []string{"solver dual: the policy is asp"}
	s.Curve[1].Stage = &stage
	s.Path = []Stage{{StageResult: algos.StageResult{Stage: 1, Clock: 8, Epochs: 2, Seconds: 0.5, Objective: 1.5, Gap: &gap,
		Metrics: map[string]float64{"lambda": 0.1, "test_auc": math.NaN()}, StopReason: algos.ReasonClocks}, Model: "out/path/001"}}
	var b bytes.Buffer
	if err := s.JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := []any{map[string]any{"stage": 1.0, "clock": 8.0, "epochs": 2.0, "seconds": 0.5, "objective": 1.5, "gap": 0.5,
		"metrics": map[string]any{"lambda": 0.1}, "stop_reason": "clocks", "model": "out/path/001"}}
	if diff := cmp.Diff(want, got["path"]); diff != "" {
		t.Errorf("path: (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]any{"solver dual: the policy is asp"}, got["choices"]); diff != "" {
		t.Errorf("choices: (-want +got)\n%s", diff)
	}
	if curve, _ := got["curve"].([]any); len(curve) != 2 || curve[1].(map[string]any)["stage"] != 1.0 {
		t.Errorf("got the curve %v, want the stage in its second point", curve)
	}
	if len(s.Path[0].Metrics) != 2 {
		t.Errorf("writing the summary changed its metrics: %v", s.Path[0].Metrics)
	}
	var text strings.Builder
	if err := s.Text(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"chosen         solver dual: the policy is asp\n", "stage 1        objective 1.5, stopped by clocks after 2 epochs\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text has no line %q:\n%s", want, text.String())
		}
	}
}

// full is a disk with no room.
type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestSummaryWriteError(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{"JSON": done().JSON, "Text": done().Text} {
		if err := write(full{}); !errors.Is(err, errFull) {
			t.Errorf("%s: got %v, want %v", name, err, errFull)
		}
	}
}

func TestText(t *testing.T) {
	s := done()
	s.Metrics = map[string]float64{"train_logloss": 0.123456789, "nonzeros": 5}
	var b strings.Builder
	if err := s.Text(&b); err != nil {
		t.Fatal(err)
	}
	want := `objective      1.5
gap            0.25
nonzeros       5
train_logloss  0.123457
stopped by     tolerance after 8 clocks, 2 epochs
seconds        1.50: start 0.10, load 0.20, train 1.00
parts' time    compute 12%, evaluate 0%, encode and decode 0%, waiting: slowest part 2%, server queue 0%, apply 0%, wire 6%, barrier 0%, scheduler 0%; unaccounted 0.0%
bytes sent     107 (66 before encoding)
updates        4 bytes (20 before encoding), 2 of 3 frames compressed; answers 11 (40), 1 of 4
model          out
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	b.Reset()
	if err := (&Summary{}).Text(&b); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"gap", "parts' time", "model", "NaN", "updates"} {
		if strings.Contains(b.String(), word) {
			t.Errorf("a summary without it speaks of %s:\n%s", word, b.String())
		}
	}
}

func config(t *testing.T, more string, sets ...string) *configs.Config {
	t.Helper()
	var over []configs.Override
	for _, s := range sets {
		over = append(over, configs.Set(s))
	}
	c, err := configs.Parse("job.toml", []byte("[job]\nalgorithm = \"lasso\"\n[data]\ntrain = \"rows\"\n"+more), over)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParameters(t *testing.T) {
	for _, c := range []struct{ name, more, want string }{
		{"none", "", "\n"},
		{"none, with a section", "[algorithm]\n", "\n"},
		{"in order", "[algorithm]\nb = 1\na = \"x\"\n[stop]\nepochs = 3\n", "a = \"x\"\nb = 1\n"},
		{"tables", "[algorithm.x]\ny = 1\n[[algorithm.l]]\nz = 2\n", "l = [{z = 2}]\nx = {y = 1}\n"},
		{"what looks like a section", "[algorithm]\na = \"\\n[algorithm]\\n[b]\"\n\"[c]\" = \"\"\"\n[d]\n\"\"\"\n", "\"[c]\" = \"[d]\\n\"\na = \"\\n[algorithm]\\n[b]\"\n"},
	} {
		if got := parameters(config(t, c.more)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	c := config(t, "[algorithm]\nlambda = 1\n", "job.name=[algorithm]", "algorithm.lambda=2")
	if got, want := parameters(c), "lambda = 2\n"; got != want {
		t.Errorf("with overrides: got %q, want %q", got, want)
	}
}

func TestCheckOutput(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, model, want string }{
		{"none", "", ""},
		{"in folders to be made", filepath.Join(dir, "a", "b", "model"), ""},
		{"below a file", filepath.Join(file, "model"), "output.model"},
		{"a file", file, file},
	} {
		err := checkOutput(config(t, "", "output.model="+c.model))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	if found, err := filepath.Glob(filepath.Join(dir, "a", "*", "*")); err != nil || len(found) > 0 {
		t.Errorf("%v was made before there is a model: %v", found, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "a", "b")); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Errorf("the file is now %q: %v", b, err)
	}
}
