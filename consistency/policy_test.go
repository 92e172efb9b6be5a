package consistency

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestPolicy(t *testing.T) {
	for _, c := range []struct {
		text   string
		policy Policy
		string string
		floor  Clock // at clock 10
		window int
		sync   bool
		eager  bool
	}{
		{"bsp", BSP(), "bsp", 10, 1, true, false},
		{"ssp:0", SSP(0), "bsp", 10, 1, true, false},
		{"ssp:1", SSP(1), "ssp:1", 9, 2, false, true},
		{"ssp:03", SSP(3), "ssp:3", 7, 4, false, true},
		{"ssp:1048576", SSP(1 << 20), "ssp:1048576", 10 - 1<<20, 1<<20 + 1, false, true},
		{"asp", ASP(), "asp", Beginning, 8, false, false},
	} {
		p, err := ParsePolicy(c.text)
		if err != nil || p != c.policy {
			t.Errorf("ParsePolicy(%q): got %v, %v, want %v", c.text, p, err, c.policy)
		}
		if got := p.String(); got != c.string {
			t.Errorf("%q: String: got %q, want %q", c.text, got, c.string)
		}
		if got := p.Floor(10); got != c.floor {
			t.Errorf("%q: Floor(10): got %d, want %d", c.text, got, c.floor)
		}
		if got := p.Window(); got != c.window {
			t.Errorf("%q: Window: got %d, want %d", c.text, got, c.window)
		}
		if p.Synchronous() != c.sync || p.Eager() != c.eager {
			t.Errorf("%q: Synchronous, Eager: got %t, %t, want %t, %t", c.text, p.Synchronous(), p.Eager(), c.sync, c.eager)
		}

		text, err := json.Marshal(map[string]Policy{"policy": p})
		if err != nil {
			t.Fatal(err)
		}
		var back map[string]Policy
		if err := json.Unmarshal(text, &back); err != nil || back["policy"] != p {
			t.Errorf("%s: round trip: got %v, %v, want %v", text, back["policy"], err, p)
		}
	}
	if got := (Policy{}); got != BSP() {
		t.Errorf("the zero value: got %v, want bsp", got)
	}
}

func TestParsePolicyRefuses(t *testing.T) {
	for _, text := range []string{"", "BSP", "bsp ", "ssp", "ssp:", "ssp:-1", "ssp:+1", "ssp:1.5", "ssp:1048577", "ssp:4294967296", "ssp:0x1", "asp:1"} {
		p := SSP(7)
		err := p.UnmarshalText([]byte(text))
		if err == nil || !strings.Contains(err.Error(), `"ssp:S"`) {
			t.Errorf("%q: got error %v, want one that names the forms", text, err)
		}
		if p != SSP(7) {
			t.Errorf("%q: an error changed the policy to %v", text, p)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("SSP(-1): got no panic, want one")
		}
	}()
	SSP(-1)
}

// The start of a job lies below no floor: a reader at clock 0 waits for nobody.
func TestFloorAtTheStart(t *testing.T) {
	for _, p := range []Policy{BSP(), SSP(1), SSP(5), ASP()} {
		var v Vector
		v.Enter(0, 0)
		if p.Floor(0) > v.Min() {
			t.Errorf("%v: floor %d at clock 0 is above the minimum %d", p, p.Floor(0), v.Min())
		}
	}
}
