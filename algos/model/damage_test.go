package model

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every bit of a table counts, and every length.
func TestDamagedTable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	save(t, dir, Manifest{}, small(false))
	path := filepath.Join(dir, "weights.bin")
	good := contents(t, path)
	refused := func(b []byte, format string, args ...any) {
		t.Helper()
		put(t, path, b)
		r, err := Open(dir)
		if err == nil {
			r.Close()
			t.Errorf("opened: "+format, args...)
		} else if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "restore it from a copy or train it again") {
			t.Errorf("got error %v, want one that names the file and what to do", err)
		}
	}
	for i := range good {
		for bit := range 8 {
			b := slices.Clone(good)
			b[i] ^= 1 << bit
			refused(b, "byte %d bit %d flipped", i, bit)
		}
		refused(good[:i], "cut to %d bytes", i)
	}
	refused(append(slices.Clone(good), 0), "a byte more")
	_ = os.Remove(path)
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got error %v without the file", err)
	}
	put(t, path, good)
	mustOpen(t, dir)
}

// A table that is well formed, but another one, is refused too.
func TestForeignTable(t *testing.T) {
	parent := t.TempDir()
	dir, other := filepath.Join(parent, "model"), filepath.Join(parent, "other")
	save(t, dir, Manifest{}, small(false))
	changed := small(false)
	changed.rows[3] = []float64{0.2}
	save(t, other, Manifest{}, changed)
	put(t, filepath.Join(dir, "weights.bin"), contents(t, filepath.Join(other, "weights.bin")))
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "sha256") {
		t.Errorf("got error %v, want the sha256", err)
	}
}

// The structure is checked by itself, without the sha256 and right lengths.
func TestReadIndexRefuses(t *testing.T) {
	l := layout{keys: 100, width: 1}
	header := l.appendHeader(nil)
	blk := func(rows, keyBytes int, first uint64, body ...byte) []byte {
		return appendCRC(append(appendHead(nil, rows, keyBytes, first), body...))
	}
	v := []byte{1, 2, 3, 4}
	v2 := slices.Concat(v, v)
	for _, c := range []struct {
		name string
		file [][]byte
		want string
	}{
		{"good", [][]byte{header, blk(1, 0, 5, v...), blk(2, 1, 7, append([]byte{91}, v2...)...), blk(0, 0, 3)}, ""},
		{"empty", nil, "cut short"},
		{"no end mark", [][]byte{header, blk(1, 0, 5, v...)}, "byte 52: the file is cut short"},
		{"cut in a block", [][]byte{header, blk(1, 0, 5, v...)[:20]}, "cut short"},
		{"wrong count", [][]byte{header, blk(1, 0, 5, v...), blk(0, 0, 2)}, "there are 1 rows, but the end mark says 2"},
		{"more behind", [][]byte{header, blk(0, 0, 0), {0}}, "more behind"},
		{"blocks not in order", [][]byte{header, blk(2, 0, 5, v2...), blk(1, 0, 6, v...), blk(0, 0, 3)}, "key 6 comes after key 6"},
		{"first key too large", [][]byte{header, blk(1, 0, 100, v...)}, "key space of 100"},
		{"implied key too large", [][]byte{header, blk(2, 0, 99, v2...)}, "key space of 100"},
		{"told key too large", [][]byte{header, blk(2, 1, 7, append([]byte{92}, v2...)...)}, "beyond the key space"},
		{"distance of 2^64-1", [][]byte{header, blk(2, 10, 7, append(binary.AppendUvarint(nil, 1<<64-1), v2...)...)}, "beyond the key space"},
		{"endless varint", [][]byte{header, blk(2, 3, 7, append([]byte{0x80, 0x80, 0x80}, v2...)...)}, "malformed"},
		{"more keys than rows", [][]byte{header, blk(2, 2, 7, append([]byte{1, 1}, v2...)...)}, "more bytes of keys"},
		{"too many rows", [][]byte{header, blk(1<<31, 0, 0, v...)}, "where 16384 fit"},
		{"too many bytes of keys", [][]byte{header, blk(2, 1<<31, 0, v...)}, "bytes of keys for 2 rows"},
		{"keys of no rows", [][]byte{header, blk(0, 1, 0, v...)}, "bytes of keys for 0 rows"},
		{"wrong checksum", [][]byte{header, append(blk(1, 0, 5, v...)[:20], 0, 0, 0, 0)}, "byte 28: the checksum"},
		{"another magic", [][]byte{appendCRC([]byte("PTMTABLE\x01\x00\x00\x00\x01\x00\x00\x00\x64\x00\x00\x00\x00\x00\x00\x00"))}, "not a table"},
		{"another version", [][]byte{appendCRC([]byte("ptmtable\x02\x00\x00\x00\x01\x00\x00\x00\x64\x00\x00\x00\x00\x00\x00\x00"))}, "version 2"},
		{"another type", [][]byte{appendCRC([]byte("ptmtable\x01\x03\x00\x00\x01\x00\x00\x00\x64\x00\x00\x00\x00\x00\x00\x00"))}, "not a table"},
		{"width 0", [][]byte{layout{keys: 1}.appendHeader(nil)}, "not a table"},
		{"width 2^21", [][]byte{layout{keys: 1, width: 1 << 21}.appendHeader(nil)}, "not a table"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := readIndex(strings.NewReader(string(slices.Concat(c.file...))))
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
		})
	}
}

// A bit of the manifest that flips is refused, or changes nothing.
func TestDamagedManifest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	save(t, dir, example(), small(true))
	path := filepath.Join(dir, manifestName)
	good := contents(t, path)
	want := mustOpen(t, dir).Manifest()
	refused := 0
	for i := range good {
		for bit := range 8 {
			b := slices.Clone(good)
			b[i] ^= 1 << bit
			got, err := decode(b)
			if err != nil {
				refused++
			} else if d := cmp.Diff(want, *got); d != "" {
				t.Errorf("byte %d bit %d: -want +got:\n%s", i, bit, d)
			}
		}
		if i < len(good)-1 { // the last is a newline
			if _, err := decode(good[:i]); err == nil {
				t.Errorf("cut to %d bytes: decoded", i)
			}
		}
	}
	if all := 8 * len(good); refused < all*9/10 {
		t.Errorf("%d of %d flips refused", refused, all)
	}
	for _, c := range []struct{ name, from, to, want string }{
		{"a value", `"keys": 1000`, `"keys": 1001`, "it was changed after it was written; the model is damaged: restore it"},
		{"an unknown field", `"job"`, `"color": 1, "job"`, `unknown field "color"`},
		{"another format", formatName, "other model", "not the manifest of a model"},
		{"white space", "\n", "\r\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			put(t, path, []byte(strings.ReplaceAll(string(good), c.from, c.to)))
			r, err := Open(dir)
			if err == nil {
				r.Close()
			}
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path)) {
				t.Errorf("got error %v, want %q and the file", err, c.want)
			}
		})
	}
}

// Not even a manifest with the right checksum leads out of the directory.
func TestImpossibleManifest(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	good := Table{Name: "t", Keys: 5, Width: 1, Type: "int32", Written: 5, Binary: File{Name: "t.bin", SHA256: sum}}
	for _, c := range []struct {
		name   string
		change func(m *Manifest, t *Table)
		want   string
	}{
		{"nothing", func(*Manifest, *Table) {}, ""},
		{"path for a name", func(_ *Manifest, t *Table) { t.Name, t.Binary.Name = "../t", "../t.bin" }, "a name is"},
		{"path for a file", func(_ *Manifest, t *Table) { t.Binary.Name = "/etc/passwd" }, "/etc/passwd"},
		{"path for a text", func(_ *Manifest, t *Table) { t.Text = &File{Name: "t.bin", SHA256: sum} }, `file "t.bin"`},
		{"short sum", func(_ *Manifest, t *Table) { t.Binary.SHA256 = sum[:62] }, "with sha256"},
		{"bytes below 0", func(_ *Manifest, t *Table) { t.Binary.Bytes = -1 }, "-1 bytes"},
		{"type", func(_ *Manifest, t *Table) { t.Type = "int8" }, `type "int8"`},
		{"width 0", func(_ *Manifest, t *Table) { t.Width = 0 }, "width 0"},
		{"width too large", func(_ *Manifest, t *Table) { t.Width = 1 << 40 }, "is not in"},
		{"more written than keys", func(_ *Manifest, t *Table) { t.Written = 6 }, "6 of 5 keys"},
		{"two of a name", func(m *Manifest, _ *Table) { m.Tables = append(m.Tables, m.Tables[0]) }, `two tables are called "t"`},
		{"data", func(m *Manifest, _ *Table) { m.Data.Base = 7 }, "index base 7"},
		{"text that is not UTF-8", func(m *Manifest, _ *Table) { m.Job = "\xff" }, "not UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := Manifest{Tables: []Table{good}}
			c.change(&m, &m.Tables[0])
			_, err := m.encode() // which decodes
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
		})
	}
}

// A text may go, but must not say something else than the model.
func TestText(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	save(t, dir, Manifest{}, small(true))
	path := filepath.Join(dir, "weights.txt")
	put(t, path, []byte("3\t9\n"))
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "restore it or delete it") {
		t.Errorf("got error %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, dir)
}

// What is no file does not make Open wait.
func TestPipesAreRefused(t *testing.T) {
	for _, name := range []string{manifestName, "weights.bin", "weights.txt"} {
		dir := filepath.Join(t.TempDir(), "model")
		save(t, dir, Manifest{}, small(true))
		path := filepath.Join(dir, name)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Skip(err)
		}
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "not a file") {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

// What happens to a file after Open is noticed as well.
func TestDamagedWhileOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	save(t, dir, Manifest{}, small(false))
	path := filepath.Join(dir, "weights.bin")
	good := contents(t, path)
	r := mustOpen(t, dir)
	for name, b := range map[string][]byte{
		"a bit":    append(append(slices.Clone(good[:50]), good[50]^1), good[51:]...),
		"the rest": good[:40],
		"a block":  slices.Concat(good[:28], appendCRC(append(appendHead(nil, 3, 3, 2), good[44:59]...)), good[63:]),
	} {
		put(t, path, b)
		if _, err := r.Values("weights", []uint64{4}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got error %v, want one that names the file", name, err)
		}
	}
	put(t, path, good)
	if got, err := r.Values("weights", []uint64{4}); err != nil || got[0] != -2 {
		t.Errorf("got %v, %v", got, err)
	}
}
