package roles_test

import (
	"encoding/json"
	"net"
	"os"
	"testing"
)

// TestBenchWire measures a little with real processes: all that is reported must
// be there.
func TestBenchWire(t *testing.T) {
	p := start(t, t.TempDir(), "bench", "wire", "--json", "--servers", "2", "--workers", "2", "--shards", "5", "--dense", "20000", "--keys", "3000", "--rounds", "2", "--for", "5ms")
	if code := p.status(); code != 0 {
		t.Fatalf("exit status %d:\n%s", code, p.stderr())
	}
	var got map[string]any
	if err := json.Unmarshal(p.stdout.Bytes(), &got); err != nil {
		t.Fatalf("%v:\n%s", err, p.stdout.String())
	}
	for section, keys := range map[string][]string{"raw": {"gbps", "rtt_us_p50"}, "matched": {"gbps"}, "dense": {"push_gbps", "pull_gbps"},
		"sparse": {"push_mvalues", "pull_mvalues", "cold_pull_mvalues", "two_holders_mvalues"}, "clock": {"p50_us", "p99_us"}, "small": {"p50_us", "clocks_per_second"}} {
		for _, key := range keys {
			object, _ := got[section].(map[string]any)
			if v, ok := object[key].(float64); !ok || !(v > 0) {
				t.Errorf("%s.%s: got %v, want a number above 0", section, key, object[key])
			}
		}
	}
	if got["servers"] != 2.0 || got["workers"] != 2.0 || got["shards"] != 5.0 {
		t.Errorf("got servers %v, workers %v, shards %v, want 2, 2 and 5", got["servers"], got["workers"], got["shards"])
	}
}

// TestBenchWireJoins measures servers and workers that were there before.
func TestBenchWireJoins(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	dir := t.TempDir()
	server := start(t, dir, "server", "--gossip", addr, "--join", addr)
	worker := start(t, dir, "worker", "--join", addr)
	lead := start(t, dir, "bench", "wire", "--json", "--join", addr, "--shards", "3", "--dense", "2000", "--keys", "300", "--rounds", "1", "--for", "1ms")
	for name, p := range map[string]*program{"bench": lead, "server": server, "worker": worker} {
		if code := p.status(); code != 0 {
			t.Errorf("%s: exit status %d:\n%s", name, code, p.stderr())
		}
	}
	var got struct{ Dense struct{ Values int } }
	if err := json.Unmarshal(lead.stdout.Bytes(), &got); err != nil || got.Dense.Values != 2000 {
		t.Errorf("got %+v, %v, want 2000 values:\n%s", got, err, lead.stdout.String())
	}
}

// TestBenchKernelsInterrupted measures for minutes, if nobody interrupts it.
func TestBenchKernelsInterrupted(t *testing.T) {
	p := start(t, t.TempDir(), "bench", "kernels", "--json", "--seconds", "0.5")
	p.until("measuring dense")
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := p.status(); code != 130 {
		t.Errorf("got exit status %d, want 130:\n%s", code, p.stderr())
	}
	var got struct{ Status int }
	if err := json.Unmarshal(p.stdout.Bytes(), &got); err != nil || got.Status != 130 {
		t.Errorf("got %q (%v), want an object with the status", p.stdout.String(), err)
	}
}
