package roles_test

import (
	"encoding/json"
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
