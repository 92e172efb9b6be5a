package roles_test

import (
	"encoding/json"
	"math"
	"testing"
)

// TestLossyJobs trains with values that are rounded or kept back on the way. The
// optimum is the same, fewer bytes travel, and what was evaluated last is the model
// that was written: predicting the training data gives the job's own metrics.
func TestLossyJobs(t *testing.T) {
	job := func(settings ...string) summary {
		args := []string{"--set", "algorithm.solver=dual", "--set", "stop.epochs=10", "--set", "evaluate.every=50", "--set", "wire.compression=off"}
		for _, s := range settings {
			args = append(args, "--set", s)
		}
		return train(t, t.TempDir(), append(args, config(t, "logreg-a9a.toml"))...)
	}
	plain := job()
	if b := plain.Bytes.Updates; b.Raw != b.Encoded || b.Raw == 0 {
		t.Errorf("exactly: got %+v, want as many bytes raw as encoded", b)
	}
	for _, c := range []struct {
		settings []string
		most     float64 // of the bytes of an exact job, both ways
	}{
		{[]string{"wire.encoding=float32"}, 0.75},
		{[]string{"wire.encoding=bfloat16"}, 0.6},
		{[]string{"wire.encoding=fixed3"}, 0.7},
		{[]string{"wire.encoding=weights:fixed2"}, 0.6},
		{[]string{"wire.encoding=fixed1"}, 0.55},
		{[]string{"wire.filter=significant:0.5"}, 0.9},
		{[]string{"wire.filter=skip:0.5"}, 0.9},
		{[]string{"wire.encoding=fixed1", "wire.filter=significant:0.5", "consistency.policy=ssp:2"}, 0.8}, // which answers more often
	} {
		s := job(c.settings...)
		near(t, c.settings[0]+": objective", s.Objective, plain.Objective, 1e-3)
		if s.Clocks != plain.Clocks {
			t.Errorf("%v: got %d clocks, want %d", c.settings, s.Clocks, plain.Clocks)
		}
		sum := func(s summary) float64 { return float64(s.Bytes.Updates.Encoded + s.Bytes.Answers.Encoded) }
		if got := sum(s) / sum(plain); got > c.most {
			t.Errorf("%v: got %.2f of the bytes, want at most %.2f", c.settings, got, c.most)
		}
		if b := s.Bytes.Updates; b.Raw <= b.Encoded {
			t.Errorf("%v: got %+v, want more bytes raw than encoded", c.settings, b)
		}
		t.Logf("%v: objective %.9g, exactly %.9g; %.2f of the bytes; %+v", c.settings, s.Objective, plain.Objective, sum(s)/sum(plain), s.Bytes)
		out, _ := mustUse(t, "", "predict", "--json", "--model", s.Model, "--data", config(t, "data/a9a.train.libsvm.gz"))
		var got struct{ Metrics map[string]float64 }
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, name := range []string{"logloss", "accuracy"} {
			want, ok := s.Metrics["train_"+name]
			if v := got.Metrics[name]; !ok || math.Abs(v-want) > 1e-12*want {
				t.Errorf("%v: %s: the model predicts with %v, the job said %v", c.settings, name, v, want)
			}
		}
	}
}
