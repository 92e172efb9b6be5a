package roles_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// alike is how many neighbouring columns are the same in the data of scattered.
const alike = 8

// scattered writes rows with a part of so many features, of which a clock of all rows
// changes most. Neighbours are alike, so that the values of a model shrink.
func scattered(t *testing.T, features int) (path string) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	for i := range 200 {
		fmt.Fprint(&text, i%2)
		for j := 1 + alike*r.IntN(20); j <= features; j += alike * (1 + r.IntN(20)) {
			x := r.Float64()
			for k := range alike {
				fmt.Fprintf(&text, " %d:%.3f", j+k, x)
			}
		}
		fmt.Fprintln(&text)
	}
	path = filepath.Join(t.TempDir(), "scattered")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// slow makes the machine send no faster than so many Mbit/s, or skips the test where
// the kernel cannot.
func (m *machine) slow(t *testing.T, mbit int) {
	t.Helper()
	out, err := exec.Command("tc", "-n", m.space, "qdisc", "add", "dev", "eth0", "root", "tbf",
		"rate", fmt.Sprintf("%dmbit", mbit), "burst", "16kb", "latency", "100ms").CombinedOutput()
	if err != nil {
		t.Skipf("needs tc and its queue tbf: %v: %s", err, out)
	}
}

// TestSlowNetwork asserts that a job with the default settings compresses what goes
// over a slow network, in both directions. It needs what TestNamespaces needs, and tc.
func TestSlowNetwork(t *testing.T) {
	mayNest(t)
	path := scattered(t, 20_000)
	job := func(how string) summary {
		r := newRack(t, 3)
		for _, m := range r.machines {
			m.slow(t, 100)
		}
		j := r.begin("wire.compression="+how, "data.train="+path, "data.test=", "data.format=libsvm", "algorithm.solver=dual", "stop.clocks=30",
			"evaluate.every=60", "stop.epochs=0").complete()
		s := j.sched.result()
		for _, p := range j.others() {
			p.status()
		}
		t.Logf("%s: trained for %.2f s, %+v", how, s.Seconds["train"], s.Bytes)
		return s
	}
	auto, off := job("auto"), job("off")
	if f := auto.Bytes.Compression; f.Updates.Compressed < f.Updates.All/4 || f.Answers.Compressed < f.Answers.All/4 {
		t.Errorf("by default: got %+v, want many frames compressed", f)
	}
	if got, was := auto.Bytes.Updates.Sent+auto.Bytes.Answers.Sent, off.Bytes.Updates.Sent+off.Bytes.Answers.Sent; 4*got > 3*was {
		t.Errorf("by default: got %d bytes sent, want at most three quarters of the %d with compression off", got, was)
	}
	if f := off.Bytes.Compression; f.Updates.Compressed+f.Answers.Compressed != 0 {
		t.Errorf("off: got %+v, want no frames compressed", f)
	}
}
