package command

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/model"
	"petuum/table"
)

// saveTopics writes a model of two topics of three words.
func saveTopics(t *testing.T, dir string) {
	t.Helper()
	w, err := model.Create(dir, model.Manifest{Job: "two", Algorithm: "lda", Parameters: "topics = 2\n",
		Data: dataset.Info{Format: dataset.LIBSVM, Rows: 2, NonZeros: 3, Features: 3, Seen: 3, Base: 1, Names: []string{"war", "peace", "tax"}, Numeric: true, Weight: 2}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	tw, err := w.Table(table.Spec{Name: "words", Keys: 3, Width: 2, Type: table.Int32}, algos.KeyNames{Features: 3}, false)
	if err != nil {
		t.Fatal(err)
	}
	for word, counts := range [][]uint32{{6, 0}, {2, 0}, {0, 12}} {
		if err := tw.Append(uint64(word), binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, counts[0]), counts[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestModelTopics(t *testing.T) {
	parent := t.TempDir()
	dir, data := filepath.Join(parent, "model"), filepath.Join(parent, "documents.libsvm")
	saveTopics(t, dir)
	if err := os.WriteFile(data, []byte("7 1:2 2:1\n1 1:1 2:1\n9 3:5\n4 2:1\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	html, svg := filepath.Join(parent, "page.html"), filepath.Join(parent, "map.svg")
	status, out, errs := typed(t, "model", "topics", dir, "--data", data, "--html", html, "--svg", svg)
	if status != 0 || !strings.Contains(out, "1      60.00%  -          tax\n") || !strings.Contains(out, "0      40.00%  0.415      war peace\n") {
		t.Errorf("got status %d, %s and the table\n%s\nwant topics 1 and 0", status, errs, out)
	}
	for file, want := range map[string]string{html: "<li data-word=\"0\"", svg: ">war peace</text>"} {
		written, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(written), want) {
			t.Errorf("%s: got error %v and\n%s\nwant %s", file, err, written, want)
		}
		flag := "--" + strings.TrimPrefix(filepath.Ext(file), ".")
		status, out, errs := typed(t, "model", "topics", dir, "--data", data, flag+"=-")
		if status != 0 || out != string(written) {
			t.Errorf("%s -: got status %d, %s and\n%s\nwant what is in the file", flag, status, errs, out)
		}
	}
	status, out, errs = typed(t, "model", "topics", dir, "--json", "--top", "1", "--lambda", "0.5", "--data", data)
	var got struct {
		Tokens    int
		Lambda    float64
		Coherence struct {
			Documents int
			Mean      *float64
			Files     []string
		}
		Topics []struct {
			Topic int
			Words []struct{ Word string }
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || status != 0 {
		t.Fatalf("got status %d, %s, %v and\n%s", status, errs, err, out)
	}
	if got.Tokens != 20 || got.Lambda != 0.5 || got.Coherence.Documents != 4 || got.Coherence.Mean != nil || got.Coherence.Files[0] != "documents.libsvm" ||
		len(got.Topics) != 2 || got.Topics[0].Topic != 1 || len(got.Topics[1].Words) != 1 || got.Topics[1].Words[0].Word != "war" {
		t.Errorf("got %+v", got)
	}
}

func TestModelTopicsRefuses(t *testing.T) {
	parent := t.TempDir()
	dir, data := filepath.Join(parent, "model"), filepath.Join(parent, "d.libsvm")
	saveTopics(t, dir)
	if err := os.WriteFile(data, []byte("1 1:x\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"", 2, "which model?"},
		{"a b", 2, `unexpected argument "b"`},
		{"--top 0 " + dir, 2, "--top 0: want 1 to 1000"},
		{"--lambda 1.5 " + dir, 2, "--lambda 1.5: want 0 to 1"},
		{"--lambda NaN " + dir, 2, "--lambda NaN: want 0 to 1"},
		{"--html= " + dir, 2, "--html: want the name of a file"},
		{"--svg= " + dir, 2, "--svg: want the name of a file"},
		{"--svg - --json " + dir, 2, "only one of them"},
		{"--svg - --html - " + dir, 2, "only one of them"},
		{"--svg " + parent + "/x --html " + parent + "/x " + dir, 2, "the same file"},
		{"--format csv " + dir, 2, "of which data?"},
		{"--data - --data " + data + " " + dir, 2, "goes with no other data"},
		{"--data " + data + " --html " + data + " " + dir, 2, "would replace the data"},
		{"--data " + data + " " + dir, 1, "d.libsvm:1"},
		{"--data " + data + "x --html " + parent + "/x.html " + dir, 1, "d.libsvmx"},
		{"--format xml --data " + data + " " + dir, 1, "xml"},
		{filepath.Join(parent, "none"), 1, "none"},
		{"--html " + filepath.Join(parent, "none", "a.html") + " " + dir, 1, "a.html"},
		{"--svg " + parent + " " + dir, 1, "choose another name"},
	} {
		status, out, errs := typed(t, append([]string{"model", "topics"}, strings.Fields(c.args)...)...)
		if status != c.status || !strings.Contains(errs, c.want) || out != "" && !strings.Contains(c.args, "--json") {
			t.Errorf("%s: got status %d, %q and %q, want %d and %q", c.args, status, out, errs, c.status, c.want)
		}
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 2 {
		t.Errorf("got %v, %v, want the model and the data alone", entries, err)
	}
}
