package configs

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const full = `[job]
name = "full"
algorithm = "lasso"
seed = 9223372036854775807
[data]
train = "a \"b\"\\\u0001é.csv"
[cluster]
join = ["a:1", "[::1]:2"]
[stop]
tolerance = 1e-300
objective = 0
[algorithm]
b = [1, 2.0, "x", [true], {y = 1, x = {}}]
a = -0.0
"odd key".x = 1e21
big = -9223372036854775808
text = """
two
lines"""
[[algorithm.layer]]
n = 1
[[algorithm.layer]]
n = inf
`

func TestEncode(t *testing.T) {
	got := string(mustParse(t, full).Encode())
	for _, want := range []string{
		"[job]\nname = \"full\"\nalgorithm = \"lasso\"\nseed = 9223372036854775807\nstart = \"\"\n\n[data]\ntrain = \"a \\\"b\\\"\\\\\\u0001é.csv\"\ntest = \"\"\n",
		"join = [\"a:1\", \"[::1]:2\"]\nbind = \"127.0.0.1\"\n",
		"seconds = 0.0\ntolerance = 1e-300\nobjective = 0.0\n\n[output]",
		"\n[algorithm]\na = -0.0\nb = [1, 2.0, \"x\", [true], {x = {}, y = 1}]\nbig = -9223372036854775808\n" +
			"layer = [{n = 1}, {n = inf}]\n\"odd key\" = {x = 1e+21}\ntext = \"two\\nlines\"\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant it to contain\n%s", got, want)
		}
	}
	if strings.Contains(string(mustParse(t, job).Encode()), "objective") {
		t.Error("an objective that is not set was encoded")
	}
}

// roundTrip checks that what is encoded is read back as the same configuration.
func roundTrip(t *testing.T, c *Config) {
	t.Helper()
	text := c.Encode()
	back, err := Parse("sent", text, nil)
	if err != nil {
		t.Fatalf("cannot read what was encoded: %v\n%s", err, text)
	}
	if diff := cmp.Diff(c, back, cmpopts.IgnoreUnexported(Config{})); diff != "" {
		t.Errorf("(-sent +received)\n%s", diff)
	}
	if again := back.Encode(); !bytes.Equal(text, again) {
		t.Errorf("encoding is not canonical: (-first +second)\n%s", cmp.Diff(string(text), string(again)))
	}
	if diff := cmp.Diff(plain(c.params), plain(back.params), cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("parameters (-sent +received)\n%s", diff)
	}
	if err := back.Conflicts(c); err != nil && !strings.Contains(string(text), "nan") {
		t.Errorf("a configuration conflicts with itself: %v", err)
	}
}

func TestRoundTrip(t *testing.T) {
	roundTrip(t, mustParse(t, full))
	roundTrip(t, mustParse(t, job))
	for key, value := range other {
		roundTrip(t, mustParse(t, job, key+"="+value))
	}
}

// plain is a tree as the toml package would have it.
func plain(n *node) any {
	switch n.kind {
	case table:
		m := map[string]any{}
		for _, k := range n.keys {
			m[k] = plain(n.fields[k])
		}
		return m
	case array, tables:
		list := []any{}
		for _, item := range n.items {
			list = append(list, plain(item))
		}
		return list
	}
	return n.value
}

// level makes lists of tables plain lists, as plain has them.
func level(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, x := range v {
			m[k] = level(x)
		}
		return m
	case []map[string]any:
		list := []any{}
		for _, x := range v {
			list = append(list, level(x))
		}
		return list
	case []any:
		list := []any{}
		for _, x := range v {
			list = append(list, level(x))
		}
		return list
	}
	return v
}

// seeds are documents that exercise the scanner.
func seeds() []string {
	return []string{full, marked, job, job + full, "", "[", "[[a]]\n[a.b]\n[[a.c]]\nx=1", "a.b.c=1\na.d=2\n[a]\ne=1", "[a.b]\n[a]\nb.c = 1",
		"x = [[{a=1}], [{a=2}]]", "x = {a.b = 1, a.c = [1,\n2]\n}", "x = 1979-05-27 07:32:00", "\"\" = 1", "'''a''' = 1", "x = \"\"\"\"\"\"\"", "x=0x_1", "x = 1\r", "\x00", `x = """\\""""""`, "a.b.c=1\na=1\na.d=2"}
}

// FuzzScan compares the scanner with the toml package: what it accepts has the
// same values, and what it refuses the package refuses, too. The exceptions are
// limits, dates, and two things that TOML forbids but the package takes: keys
// that are set again as "a.b = 1, a = 2", and some strings with six quotes.
func FuzzScan(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		root, found := scan("f", text)
		lines := bytes.Count(text, []byte("\n")) + 1
		for _, p := range found {
			if p.Line() < 0 || p.Line() > lines || p.Line() == 0 && len(text) <= maxText {
				t.Errorf("problem on line %d of %d: %v", p.Line(), lines, p)
			}
			for _, limit := range []string{"deeper than", "more than 16 parts", "date or time", "too large", "not valid UTF-8", "already set on line"} {
				if strings.Contains(p.What, limit) {
					return
				}
			}
		}
		if bytes.Contains(text, []byte(`\"""""`)) {
			return
		}
		var doc map[string]any
		_, err := decodeTOML(string(text), &doc)
		if (err != nil) != (len(found) > 0) {
			t.Fatalf("scan: %v, toml: %v", found, err)
		}
		if err != nil {
			return
		}
		if diff := cmp.Diff(level(doc), plain(root), cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-toml +scan)\n%s", diff)
		}
	})
}

// FuzzParse checks that Parse never panics, that its errors are whole, and that
// a configuration it gives is valid and survives being sent.
func FuzzParse(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s), "stop.epochs=3")
		f.Add([]byte(job+s), "algorithm.x=[1, {a = 2}]")
	}
	for key, value := range other {
		f.Add([]byte(job+key+" = "+value), key+"="+value)
	}
	f.Fuzz(func(t *testing.T, text []byte, set string) {
		c, err := Parse("f", text, over(set))
		if err != nil {
			var list Errors
			if c == nil || !errors.As(err, &list) || len(list) == 0 {
				t.Fatalf("got %v, %T %v", c, err, err)
			}
			for _, p := range list {
				if strings.Contains(p.Error(), "\n") {
					t.Errorf("a problem on several lines: %q", p.Error())
				}
			}
			return
		}
		if err := invalid(c); err != nil {
			t.Fatalf("accepted, but %v", err)
		}
		roundTrip(t, c)
		var p params
		_ = c.Algorithm(&p)
	})
}

// invalid is a second opinion on a configuration that was accepted.
func invalid(c *Config) error {
	finite := func(x float64) bool { return x >= 0 && !math.IsInf(x, 0) }
	oneOf := func(s string, list ...string) bool {
		for _, x := range list {
			if s == x {
				return true
			}
		}
		return false
	}
	for what, ok := range map[string]bool{
		"no algorithm or data": c.Job.Algorithm != "" && len(c.Data.Train) > 0 && c.Job.Name != "",
		"text":                 utf8.ValidString(c.Job.Name + strings.Join(c.Data.Train, "") + c.Output.Model),
		"counts":               c.Cluster.Servers > 0 && c.Cluster.Workers > 0 && c.Cluster.Threads > 0 && c.Cluster.Parts >= 0 && c.Cluster.Shards >= 0,
		"parts":                c.Parts() >= c.Cluster.Workers && c.Parts() <= maxParts && c.Shards(0) >= c.Cluster.Servers,
		"policy":               c.Policy().Synchronous() == (c.Consistency.Policy == "bsp" || strings.Trim(c.Consistency.Policy, "0") == "ssp:"),
		"deterministic":        !c.Consistency.Deterministic || c.Policy().Synchronous(),
		"window":               c.Consistency.Window >= 0 && c.Window() >= 1,
		"names":                oneOf(c.Data.Format, "auto", "libsvm", "csv") && oneOf(c.Data.Header, "auto", "yes", "no") && oneOf(c.Log.Format, "text", "json") && oneOf(c.Log.Level, "debug", "info", "warn", "error"),
		"stop":                 c.Stop.Epochs >= 0 && c.Stop.Clocks >= 0 && finite(c.Stop.Seconds) && finite(c.Stop.Tolerance) && c.Evaluate.Every >= 0,
		"objective":            c.Stop.Objective == nil || !math.IsNaN(*c.Stop.Objective) && !math.IsInf(*c.Stop.Objective, 0),
	} {
		if !ok {
			return fmt.Errorf("%s: %+v", what, c)
		}
	}
	var doc map[string]any
	_, err := toml.Decode(string(c.Encode()), &doc)
	return err
}
