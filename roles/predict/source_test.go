package predict

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"petuum/algos/dataset"
)

// TestOpenFolder: a folder holds documents for a model of text, and nothing for another one.
func TestOpenFolder(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.txt": "war\nand peace\n", "b.md": "peace, unheard of\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	train, err := dataset.Open([]string{filepath.Join(dir, "a.txt")}, dataset.Options{Format: dataset.Text, Unsupervised: true})
	if err != nil {
		t.Fatal(err)
	}
	defer train.Close()
	for err == nil {
		_, err = train.Next(10)
	}
	if err != io.EOF {
		t.Fatal(err)
	}
	like := train.Info()
	rows, err := Open(t.Context(), []string{dir}, nil, dataset.Options{Unlabelled: true, Like: &like})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	part, err := rows.Next(10)
	if err != nil || part.X.Rows() != 2 || part.X.NNZ() != 4 {
		t.Errorf("got %+v, %v, want 2 documents of 3 words and of 1", part, err)
	}
	other := dataset.Info{Format: dataset.LIBSVM, Rows: 1, Features: 1, Seen: 1}
	if _, err := Open(t.Context(), []string{dir}, nil, dataset.Options{Unlabelled: true, Like: &other}); err == nil {
		t.Error("LIBSVM: got no error of a folder")
	}
}
