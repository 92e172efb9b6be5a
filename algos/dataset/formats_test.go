package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFormats(t *testing.T) {
	label := func(l string) Options { o := Defaults(); o.Label = l; return o }
	header := func(h, l string) Options { o := label(l); o.Header = h; return o }
	base := func(b int) Options { o := Defaults(); o.Base = b; return o }
	quantity := Defaults()
	quantity.Quantity = true
	fixed := Defaults()
	fixed.Features = 9
	for _, c := range []struct {
		name, file, text string
		o                Options
		want             []string
		features         uint64
		classes          string
	}{
		{"1-based", "a.svm", "+1 1:1 3:0.5 # x\n-1\t2:-2\n", Defaults(), []string{"1/1 0:1 2:0.5", "-1/0 1:-2"}, 3, "-1 1"},
		{"0-based", "a.svm", "1 1:1\n1 0:1\n", Defaults(), []string{"1/0 1:1", "1/0 0:1"}, 2, "1"},
		{"base 0 set", "a.svm", "1 1:1\n", base(0), []string{"1/0 1:1"}, 2, "1"},
		{"base 1 set", "a.svm", "1 1:1\n", base(1), []string{"1/0 0:1"}, 1, "1"},
		{"zero value options", "a.svm", "1 1:1\n", Options{}, []string{"1/0 1:1"}, 2, "1"},
		{"zeros are not stored", "a.svm", "1 1:0 2:-0 3:1e-400 7:0\n", Defaults(), []string{"1/0"}, 7, "1"},
		{"no features at all", "a.svm", "1\n2\n", Defaults(), []string{"1/0", "2/1"}, 0, "1 2"},
		{"features set", "a.svm", "1 9:1\n", fixed, []string{"1/0 8:1"}, 9, "1"},
		{"comment touches value", "a.svm", "1 1:2#3:4\n", Defaults(), []string{"1/0 0:2"}, 1, "1"},
		{"hex and leading zeros", "a.svm", "01 007:0x1p-2\n", Defaults(), []string{"1/0 6:0.25"}, 7, "1"},
		{"equal numbers are one class", "a.svm", "1 1:1\n+1.0 1:1\n10e-1 1:1\n", Defaults(), []string{"1/0 0:1", "1/0 0:1", "1/0 0:1"}, 1, "1"},
		{"numeric order of classes", "a.svm", "10\n9\n-3\n", Defaults(), []string{"10/2", "9/1", "-3/0"}, 0, "-3 9 10"},
		{"quantity", "a.svm", "1 1:1\n2 1:1\n", quantity, []string{"1 0:1", "2 0:1"}, 1, ""},
		{"format by first line: libsvm", "a.txt", "# x,y\n1 1:1\n", Defaults(), []string{"1/0 0:1"}, 1, "1"},
		{"format by first line: only a label", "a", "1\n", Defaults(), []string{"1/0"}, 0, "1"},
		{"format by first line: csv", "a.data", "y,a\n1,5\n", Defaults(), []string{"1/0 0:5"}, 1, "1"},
		{"format by first line: tabs", "a.data", "1\t5\n", label("#0"), []string{"1/0 0:5"}, 1, "1"},

		{"label is y", "a.csv", "a,y,b\n1,2,3\n", Defaults(), []string{"2/0 0:1 1:3"}, 2, "2"},
		{"label before class", "a.csv", "class,label\n1,2\n", Defaults(), []string{"2/0 0:1"}, 1, "2"},
		{"label by name", "a.csv", "a,lpsa\n1,2\n", label("lpsa"), []string{"2/0 0:1"}, 1, "2"},
		{"label by number", "a.csv", "a,b\n1,2\n", label("#1"), []string{"2/0 0:1"}, 1, "2"},
		{"no header", "a.csv", "1,2\n3,4\n", label("#0"), []string{"1/0 0:2", "3/1 0:4"}, 1, "1 3"},
		{"no header, label is a word", "a.csv", "x,2\nw,4\n", label("#0"), []string{"1/1 0:2", "-1/0 0:4"}, 1, "w x"},
		{"header of numbers", "a.csv", "1,2\n3,4\n", header("yes", "#0"), []string{"3/0 0:4"}, 1, "3"},
		{"header no", "a.csv", "1,2\n3,4\n", header("no", "#1"), []string{"2/0 0:1", "4/1 0:3"}, 1, "2 4"},
		{"three words", "a.csv", "y,a\nc,1\na,1\nb,1\n", Defaults(), []string{"2/2 0:1", "0/0 0:1", "1/1 0:1"}, 1, "a b c"},
		{"one word", "a.csv", "y,a\nc,1\n", Defaults(), []string{"0/0 0:1"}, 1, "c"},
		{"words and numbers sort as text", "a.csv", "y,a\n9,1\n10,1\nx,1\n", Defaults(), []string{"1/1 0:1", "0/0 0:1", "2/2 0:1"}, 1, "10 9 x"},
		{"quotes", "a.csv", "\"y\",\"a,b\"\n\"p \"\"q\"\"\", \"1\" \n", Defaults(), []string{"0/0 0:1"}, 1, `p "q"`},
		{"blanks around fields", "a.csv", "y, a\n p ,\t 2 \r\n", Defaults(), []string{"0/0 0:2"}, 1, "p"},
		{"zero column", "a.csv", "y,a,b\n1,1,0\n", Defaults(), []string{"1/0 0:1"}, 2, "1"},
		{"semicolons", "a.csv", "y;a;b,c\n1;2;3\n", Defaults(), []string{"1/0 0:2 1:3"}, 2, "1"},
		{"more commas than semicolons", "a.csv", "y,a,b;c\n1,2,3\n", Defaults(), []string{"1/0 0:2 1:3"}, 2, "1"},
		{"separators in quotes", "a.csv", "y,\"a;b;c\"\n1,2\n", Defaults(), []string{"1/0 0:2"}, 1, "1"},
		{"only a label column", "a.csv", "y\n1\n2\n", Defaults(), []string{"1/0", "2/1"}, 0, "1 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := mustLoad(t, c.file, c.text, c.o, 2)
			checkParts(t, got)
			if d := cmp.Diff(c.want, got.rows()); d != "" {
				t.Errorf("rows (-want +got):\n%s", d)
			}
			if got.info.Features != c.features {
				t.Errorf("features: got %d, want %d", got.info.Features, c.features)
			}
			if classes := strings.Join(got.info.Classes, " "); classes != c.classes {
				t.Errorf("classes: got %q, want %q", classes, c.classes)
			}
		})
	}
}

// TestErrors: every malformed line is refused with its place, in any division.
func TestErrors(t *testing.T) {
	long := strings.Repeat("x", 100)
	var words strings.Builder
	for i := range MaxClasses + 1 {
		fmt.Fprintf(&words, "w%d,1\n", i)
	}
	for _, c := range []struct{ name, file, text, want string }{
		{"qid", "a.svm", "1 1:1\n2 qid:3 1:1\n", ":2:3: qid: ranking"},
		{"label", "a.svm", "\nx 1:1\n", `:2:1: label "x" is not a number`},
		{"no label", "a.svm", "1 1:1\n1:1 2:1\n", "2:1: label \"1:1\" is not a number: a line starts with the label"},
		{"several labels", "a.svm", "1,2 2:1\n", "several labels"},
		{"label nan", "a.svm", "nan 1:1\n", "1:1: label \"nan\" is not finite"},
		{"label huge", "a.svm", "1e999 1:1\n", "is not finite"},
		{"order", "a.svm", "1 1:1 3:1 2:1\n", ":1:11: index 2 is not larger than the one before it (3)"},
		{"twice", "a.svm", "1 3:1 3:1\n", ":1:7: index 3 is not larger"},
		{"index 2^63", "a.svm", "1 9223372036854775808:1\n", ":1:3: index \"9223372036854775808\" is 2^63 or more"},
		{"index 2^64+1", "a.svm", "1 18446744073709551617:1\n", "2^63 or more"},
		{"negative index", "a.svm", "1 -1:1\n", ":1:3: index \"-1\" is not a number"},
		{"signed index", "a.svm", "1 +1:1\n", "is not a number"},
		{"word index", "a.svm", "1 1:1 a:1\n", ":1:7: index \"a\""},
		{"no index", "a.svm", "1 :1\n", ":1:3: the index before ':' is missing"},
		{"no colon", "a.svm", "1 5\n", ":1:3: \"5\" is not index:value"},
		{"no value", "a.svm", "1 5: 6:1\n", ":1:5: the value after ':' is missing"},
		{"value", "a.svm", "1 5:1x\n", ":1:5: value \"1x\" is not a number"},
		{"value nan", "a.svm", "1 5:NaN\n", ":1:5: value \"NaN\" is not finite"},
		{"value inf", "a.svm", "1 5:-inf\n", "is not finite"},
		{"carriage return inside", "a.svm", "1 5:1\r 6:1\n", ":1:5: value \"1\\r\""},
		{"long token", "a.svm", "1 " + long + "\n", long[:40] + `"...`},
		{"NUL", "a.svm", "1 \x00\n", ":1:3:"},

		{"ragged short", "a.csv", "y,a,b\n1,2,3\n1,2\n", ":3:4: row has 2 fields, the first one has 3"},
		{"ragged long", "a.csv", "y,a\n1,2,3\n", ":2:5: row has more fields than the first one (2)"},
		{"NA", "a.csv", "y,a,b\n1,2,NA\n", ":2:5: column \"b\": the value is missing"},
		{"empty", "a.csv", "y,a,b\n1,,3\n", ":2:3: column \"a\": the value is missing"},
		{"word", "a.csv", "y,a\n1,x\n", ":2:3: column \"a\": \"x\" is not a number"},
		{"feature inf", "a.csv", "y,a\n1,inf\n", ":2:3: column \"a\": \"inf\" is not finite"},
		{"label NA", "a.csv", "y,a\nNA,1\n", ":2:1: the label is missing"},
		{"label inf", "a.csv", "y,a\nInf,1\n", ":2:1: label \"Inf\" is not finite"},
		{"label not UTF-8", "a.csv", "y,a\n\xff,1\n", ":2:1: label"},
		{"label too long", "a.csv", "y,a\n" + strings.Repeat("x", maxWord) + ",1\n" + strings.Repeat("x", maxWord+1) + ",1\n", ":3:1: label"},
		{"name not UTF-8", "a.csv", "y,\xff\n1,1\n", ":1:1: the name of column 1 is not UTF-8"},
		{"newline in quotes", "a.csv", "y,a\n\"x\ny\",1\n", ":2:1: the closing quote is missing"},
		{"text behind quote", "a.csv", "y,a\n1,\"2\"3\n", ":2:6: text between"},
		{"quote inside", "a.csv", "y,a\nb\"c,1\n", ":2:2: a quote inside"},
		{"bad header", "a.csv", "y,\"a\n1,2\n", ":1:3: the closing quote"},
		{"too many words", "a.csv", "y,a\n" + words.String(), ":1026:1: more than 1024 distinct labels"},
		{"unknown format", "a.txt", "hello world\n", ":1:1: this looks neither"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for file, data := range map[string][]byte{
				c.file: []byte(c.text), c.file + ".gz": gzipped(t, c.text), c.file + ".zst": zstded(t, c.text),
			} {
				for _, of := range []int{1, 2, 7} {
					_, err := load(file, data, Defaults(), of)
					var syntax *SyntaxError
					if (of > 1 || file != c.file) && err != nil && c.name == "too many words" {
						continue // found by Merge, of parts or of what several processors read
					}
					if !errors.As(err, &syntax) || !strings.Contains(err.Error(), c.want) {
						t.Errorf("%s in %d parts: got %v, want ...%s", file, of, err, c.want)
						continue
					}
					if !strings.HasPrefix(err.Error(), "dataset: "+file+":") {
						t.Errorf("got %v, which does not start with the file", err)
					}
				}
			}
		})
	}
}

// TestFirstError: of several malformed lines the first is reported, by any
// process that reads all parts, plain or compressed.
func TestFirstError(t *testing.T) {
	text := strings.Repeat("1 1:1\n", 3000) + "1 bad\n" + strings.Repeat("1 worse\n", 3000)
	for file, data := range map[string][]byte{"a.svm": []byte(text), "a.svm.gz": gzipped(t, text)} {
		path := filepath.Join(t.TempDir(), file)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, parts := range [][]int{{0}, {0, 1, 2, 3, 4, 5, 6, 7}, {7, 6, 5, 4, 3, 2, 1, 0}} {
			_, err := Scan([]string{path}, Defaults(), parts, len(parts))
			if want := path + ":3001:3:"; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("parts %v: got %v, want %s", parts, err, want)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	with := func(f func(*Options)) Options { o := Defaults(); f(&o); return o }
	for _, c := range []struct {
		name, file, text string
		o                Options
		want             string
	}{
		{"empty", "a.svm", "", Defaults(), "a.svm is empty"},
		{"only comments", "a.svm", "# x\n\n", Defaults(), "there is no sample in the file"},
		{"only a header", "a.csv", "y,a\n\n", Defaults(), "there is no sample in the file"},
		{"gzip without its ending", "a.svm", "\x1f\x8b\x08", Defaults(), "holds gzip data"},
		{"zstd without its ending", "a.svm", "\x28\xb5\x2f\xfd\x04", Defaults(), "holds zstd data"},
		{"no gzip", "a.svm.gz", "1 1:1\n2 2:2\n3 3:3\n", Defaults(), "bad gzip data"},
		{"no zstd", "a.svm.zst", "1 1:1\n2 2:2\n3 3:3\n", Defaults(), "bad zstd data"},
		{"no label column", "a.csv", "a,b\n1,2\n", Defaults(), "there is no column y, label, class or target"},
		{"no such label", "a.csv", "a,b\n1,2\n", with(func(o *Options) { o.Label = "c" }), `no column "c"`},
		{"no such number", "a.csv", "a,b\n1,2\n", with(func(o *Options) { o.Label = "#2" }), "the label (data.label) is column 2 (from 0), but there are 2 columns: the columns are a, b"},
		{"two labels", "a.csv", "y,y\n1,2\n", Defaults(), `two columns have the name "y"`},
		{"number needed", "a.csv", "1,2\n1,2\n", Defaults(), `set data.label to "#0"`},
		{"index 0 with base 1", "a.svm", "1 0:1\n", with(func(o *Options) { o.Base = 1 }), ":1:3: index 0 in data whose indices start at 1"},
		{"beyond features", "a.svm", "1 5:1\n", with(func(o *Options) { o.Features = 4 }), ":1:3: index 5 is beyond features = 4"},
		{"beyond features, base found later", "a.svm", "1 4:1\n1 0:1\n", with(func(o *Options) { o.Features = 4 }), "index 4 occurs, but features is fixed at 4 and indices start at 0"},
		{"more columns than features", "a.csv", "y,a,b\n1,2,3\n", with(func(o *Options) { o.Features = 1 }), "2 feature columns, but features = 1"},
		{"quantities, then a word", "a.csv", "y,a\n1,1\nx,1\n", with(func(o *Options) { o.Quantity = true }), `"x" is not a number`},
		{"quantities are no words", "a.csv", "y,a\ntall,1\n1,1\n", with(func(o *Options) { o.Quantity = true }), `a.csv:2:1: label "tall" is not a number`},
		{"format option", "a.csv", "y\n1\n", Options{Format: "arff", Header: "maybe", Base: 2, Label: "#-1", Features: 1 << 63},
			"format \"arff\": want auto, libsvm, csv, mm, binary, docword, ratings or text\ndataset: header \"maybe\": want auto, yes or no\ndataset: base 2: want -1 (auto), 0 or 1\ndataset: features"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(c.file, []byte(c.text), c.o, 1)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want ...%s", err, c.want)
			}
			if _, err = load(c.file, []byte(c.text), c.o, 3); err == nil {
				t.Error("3 parts: got no error")
			}
		})
	}
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ path, want string }{
		{dir, "is a directory"},
		{filepath.Join(dir, "missing.csv"), "missing.csv"},
		{os.DevNull, "is not a regular file"},
	} {
		if _, err := Scan([]string{c.path}, Defaults(), []int{0}, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.path, err, c.want)
		}
	}
	path := filepath.Join(dir, "a.svm")
	if err := os.WriteFile(path, []byte("1 1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		parts []int
		of    int
	}{{[]int{1}, 1}, {[]int{-1}, 1}, {[]int{0, 0}, 2}, {nil, 0}} {
		if _, err := Scan([]string{path}, Defaults(), c.parts, c.of); err == nil {
			t.Errorf("parts %v of %d: got no error", c.parts, c.of)
		}
	}
}

// TestTruncated: a compressed file that is cut off anywhere is refused.
func TestTruncated(t *testing.T) {
	var text strings.Builder
	for i := range 300 {
		fmt.Fprintf(&text, "%d 1:%d\n", i%2, i*i)
	}
	for file, data := range map[string][]byte{"a.svm.gz": gzipped(t, text.String()), "a.svm.zst": zstded(t, text.String())} {
		for n := range data {
			_, err := load(file, data[:n], Defaults(), 2)
			if err == nil || !strings.Contains(err.Error(), file) {
				t.Fatalf("%s: %d of %d bytes: got %v, want an error that names the file", file, n, len(data), err)
			}
			if n > 30 && !strings.Contains(err.Error(), "truncated") {
				t.Fatalf("%s: %d of %d bytes: got %v, want truncated", file, n, len(data), err)
			}
		}
		twice := append(append([]byte{}, data...), data...)
		got, err := load(file, twice, Defaults(), 2)
		if err != nil || got.info.Rows != 600 {
			t.Errorf("%s: two streams in one file: got %d rows and %v, want 600", file, got.info.Rows, err)
		}
	}
}
