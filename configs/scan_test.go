package configs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// marked is a document in which every key on a line that ends in "#!key" is
// reported for that line: the keys are all unknown, so that each has a problem.
const marked = `# a comment with [section] and key = 1
[cluster] # comment ]
servers = 3 # = "
x1 = 1 #!cluster.x1
join = [ # [
  "a:1", # a comment, "with a quote
  'b:2', # ]
  # y = 3

]
x2 = 2 #!cluster.x2
"x3" = """
[cluster]
y = 1 # not a comment
a "quoted" word, \""" and an escape \\""" #!!cluster.x3
x4 = '''
[job]
''quotes''''' #!!cluster.x4
'x5' = ["""
# no comment
""", '''
''' , [1,
2]] #!!cluster.x5
bind = "127.0.0.1" # "
  x6	 =  "a # b = \" ]" #!cluster.x6
x7 . a = 1 #!cluster.x7
x7 . b = 1
"x 8".'c"d' = 1 #!cluster."x 8"
x9 = { a = [ "}", # }
  "]" ], # TOML 1.1 lets a table go on
  b = """
""" } #!!cluster.x9

[ cluster . x10 ] #!cluster.x10
a = 1
[[cluster.x11]] #!cluster.x11
a = 1
[[cluster.x11]]
a = 2
["log"]
'level' = "info"
[stop]
epochs = 3
x13 = [1, 2,] #!stop.x13
[output]
x14 = "" #!output.x14
x15 = '''''' #!output.x15
x16 = """""" #!output.x16
x17 = """a""""" #!output.x17
x18 = 'c:\' #!output.x18`

// TestLines finds the line of every unknown key, whatever stands in between.
func TestLines(t *testing.T) {
	for _, newline := range []string{"\n", "\r\n"} {
		for _, bom := range []string{"", "\xef\xbb\xbf"} {
			var want []string
			lines := strings.Split(marked, "\n")
			for i, line := range lines {
				if _, key, ok := strings.Cut(line, "#!"); ok {
					at := i + 1
					if rest, ok := strings.CutPrefix(key, "!"); ok { // the key is further up
						key = rest
						last := key[strings.LastIndex(key, ".")+1:]
						for !strings.HasPrefix(strings.Trim(lines[at-1], `"'`), last) {
							at--
						}
					}
					want = append(want, fmt.Sprintf("%d %s", at, key))
				}
			}
			text := bom + strings.ReplaceAll(marked, "\n", newline)
			var got []string
			_, err := Parse("f", []byte(text), over("job.algorithm=a", "data.train=b"))
			if err == nil {
				t.Fatal("no error")
			}
			for _, p := range err.(Errors) {
				if p.What != "unknown key" {
					t.Errorf("got problem %v, want only unknown keys", p)
				}
				got = append(got, fmt.Sprintf("%d %s", p.Line(), p.Key))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("newline %q: (-want +got)\n%s", newline, diff)
			}
		}
	}
}

// TestLinesOfValues has a wrong type behind each thing that spans lines.
func TestLinesOfValues(t *testing.T) {
	for i, before := range []string{
		"", "\n\n", "# x\n", "algorithm.a = \"\"\"\n\n\n\"\"\"\n", "algorithm.a = '''\n[log]\n'''\n",
		"algorithm.a = [\n1,\n# ]\n2\n]\n", "algorithm.a = [[\n],[\n]]\n", "algorithm.a = {\nb = 1,\nc = 2 # }\n}\n",
		"algorithm.a = \"\\\"\"\n", "algorithm.a = \"\"\"\\\n  x \\\"\"\"\n\"\"\"\n", "\r\n\r\n", "algorithm.a = [\"\"\"\n\"\"\", 2]\r\n",
	} {
		text := job + before + "stop.epochs = \"x\""
		want := fmt.Sprintf(`job.toml:%d: stop.epochs: want an integer of at least 0, got the string "x"`, strings.Count(text, "\n")+1)
		if got := problems(t, text); got != want {
			t.Errorf("case %d:\ngot  %s\nwant %s", i, got, want)
		}
	}
}

// TestStructure has the ways in which tables may be written in pieces.
func TestStructure(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"[algorithm.a.b]\nx = 1\n[algorithm.a]\ny = 2\n[algorithm]\nz = 3", "a = {b = {x = 1}, y = 2}\nz = 3\n"},
		{"algorithm.a.b = 1\nalgorithm.a.c = 2", "a = {b = 1, c = 2}\n"},
		{"[algorithm]\na.b = 1\n[algorithm.a.c]\nx = 1", "a = {b = 1, c = {x = 1}}\n"},
		{"[[algorithm.a]]\n[algorithm.a.b]\nx = 1\n[[algorithm.a]]\n[algorithm.a.b]\nx = 2\n[[algorithm.a.c]]\n[[algorithm.a.c]]", "a = [{b = {x = 1}}, {b = {x = 2}, c = [{}, {}]}]\n"},
		{"algorithm = {a.b = 1, a.c = [{x = 1}, {x = 2}]}", "a = {b = 1, c = [{x = 1}, {x = 2}]}\n"},
		{"[algorithm]\n1 = 1\n\"\" = 2\n-a- = 3\n'\"' = 4", "\"\" = 2\n\"\\\"\" = 4\n-a- = 3\n1 = 1\n"},
		{"[algorithm]\na = 0x1F\nb = 1_000\nc = +1.5\nd = 0b11\ne = true", "a = 31\nb = 1000\nc = 1.5\nd = 3\ne = true\n"},
	} {
		_, got, _ := strings.Cut(string(mustParse(t, job+tt.text).Encode()), "[algorithm]\n")
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s\n(-want +got)\n%s", tt.text, diff)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"epochs", "clocks", "seconds", "tolerance"}
	for name, want := range map[string]string{
		"epoch": "epochs", "EPOCHS": "epochs", "clcoks": "clocks", "second": "seconds", "": "epochs",
		strings.Repeat("é", 10000): "epochs", // all are as far: the first
	} {
		if got := nearest(name, names); got != want {
			t.Errorf("nearest(%q): got %q, want %q", name, got, want)
		}
	}
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "abc", 3}, {"abc", "abd", 1}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"Ab", "aB", 0}, {"ca", "abc", 3}} {
		if got := edits(tt.a, tt.b); got != tt.want {
			t.Errorf("edits(%q, %q): got %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
