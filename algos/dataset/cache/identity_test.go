package cache

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"
)

const second = 1_000_000_000

func TestTrusted(t *testing.T) {
	const at = 1_700_000_000 * second
	base := Identity{Size: 5, Modified: at, Changed: at, Inode: 7, Device: 3}
	same := func(id *Identity) {}
	for _, tc := range []struct {
		name    string
		now     func(now *Identity)
		both    func(id *Identity)
		written int64
		want    bool
	}{
		{"unchanged", same, same, at + 3*second, true},
		{"long unchanged", same, same, at + 1_000_000*second, true},
		{"size", func(id *Identity) { id.Size++ }, same, at + 3*second, false},
		{"modified", func(id *Identity) { id.Modified++ }, same, at + 3*second, false},
		{"modified to an earlier time", func(id *Identity) { id.Modified -= second }, same, at + 3*second, false},
		{"changed", func(id *Identity) { id.Changed++ }, same, at + 3*second, false},
		{"inode", func(id *Identity) { id.Inode++ }, same, at + 3*second, false},
		{"device", func(id *Identity) { id.Device++ }, same, at + 3*second, false},
		{"just older", same, same, at + 2*second + 1, true},
		{"not older by enough", same, same, at + 2*second, false},
		{"recorded at once", same, same, at, false},
		{"recorded before", same, same, at - 10*second, false},
		{"modified late, as set by a user", same, func(id *Identity) { id.Modified = at + 2*second }, at + 3*second, false},
		{"modified long ago, as set by a user", same, func(id *Identity) { id.Modified = 1 }, at + 3*second, true},
		{"modified before 1970", same, func(id *Identity) { id.Modified = -second }, at + 3*second, true},
		{"changed late", same, func(id *Identity) { id.Changed = at + 2*second }, at + 3*second, false},
		{"changed not older by enough", same, func(id *Identity) { id.Modified = 1 }, at + 2*second, false},
		{"modified not older by enough", same, func(id *Identity) { id.Changed = 1 }, at + 2*second, false},
		{"no time of change", same, func(id *Identity) { id.Changed = 0 }, at + 3*second, false},
		{"no inode", same, func(id *Identity) { id.Inode = 0 }, at + 3*second, false},
		{"record without a time", same, same, 0, false},
		{"record with an impossible time", same, same, math.MinInt64, false},
		{"empty file", same, func(id *Identity) { id.Size = 0 }, at + 3*second, true},
		{"zero", same, func(id *Identity) { *id = Identity{} }, at + 3*second, false},
	} {
		then := base
		tc.both(&then)
		now := then
		tc.now(&now)
		if got := now.Trusted(then, tc.written); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestIdentityJSON(t *testing.T) {
	want := Identity{Size: math.MaxInt64, Modified: math.MaxInt64 - 1, Changed: 1<<53 + 1, Inode: math.MaxUint64, Device: 1<<63 + 1}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Identity
	if err := json.Unmarshal(b, &got); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func stat(t *testing.T, path string) Identity {
	t.Helper()
	id, err := Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestStat changes a file in all ways that leave its size. The record is said to be
// of 3 s after the file was made, so that only the change can be what is found out.
func TestStat(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "input")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(path, "+1 1:1\n")
	if id := stat(t, path); id.Changed == 0 {
		t.Skip("this system has no identity to trust")
	}
	for _, tc := range []struct {
		name   string
		change func(then fs.FileInfo)
	}{
		{"content, with the time set back", func(then fs.FileInfo) {
			write(path, "-1 1:1\n")
			if err := os.Chtimes(path, then.ModTime(), then.ModTime()); err != nil {
				t.Fatal(err)
			}
		}},
		{"touch", func(then fs.FileInfo) {
			if err := os.Chtimes(path, then.ModTime(), then.ModTime().Add(second)); err != nil {
				t.Fatal(err)
			}
		}},
		{"another file in its place, with its time", func(then fs.FileInfo) {
			write(path+"2", "-1 1:1\n")
			if err := os.Chtimes(path+"2", then.ModTime(), then.ModTime()); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(path+"2", path); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			then := stat(t, path)
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if then.Size != info.Size() || then.Modified != info.ModTime().UnixNano() {
				t.Errorf("got %+v, want %d bytes of %d", then, info.Size(), info.ModTime().UnixNano())
			}
			written := max(then.Modified, then.Changed) + 3*second
			if !stat(t, path).Trusted(then, written) {
				t.Error("unchanged: got it not trusted")
			}
			if stat(t, path).Trusted(then, then.Changed) {
				t.Error("recorded at once: got it trusted")
			}
			// The clock of the file system goes in steps: change until it has moved.
			for range 1_000_000 {
				tc.change(info)
				if stat(t, path).Changed != then.Changed {
					break
				}
			}
			if now := stat(t, path); now.Trusted(then, written) {
				t.Errorf("got %+v trusted after %+v", now, then)
			}
		})
	}
}

func TestStatErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Stat(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: got %v, want fs.ErrNotExist", err)
	}
	if _, err := Stat(dir); err == nil {
		t.Error("a directory: got no error")
	}
}

// TestStatLink has a link be the file that it names.
func TestStatLink(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "input"), filepath.Join(dir, "link")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	if got, want := stat(t, link), stat(t, path); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
