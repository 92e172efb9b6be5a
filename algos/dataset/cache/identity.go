package cache

import "os"

// Identity is what the system says of a file without reading it. The zero value is
// the identity of no file.
type Identity struct {
	Size     int64  `json:"size"`
	Modified int64  `json:"modified"` // time of the last change of the content, ns since 1970
	Changed  int64  `json:"changed"`  // time of the last change of anything; 0 if the system has none
	Inode    uint64 `json:"inode"`    // and Device: 0 if the system has none
	Device   uint64 `json:"device"`
}

// settled is how much older than its record the last change of a file must be, in
// ns. File systems tell times in steps, of 2 s at most.
const settled = 2_000_000_000

// Trusted reports whether id, of a file now, proves that its content is what it was
// when its identity was then. written is when then was taken, in ns since 1970, on
// the clock of the file system, and the content must have been read after it.
//
//	written-2s      written             now
//	----|--------------|----------------|---
//	    |  then taken, content read     id taken
//	    changed here or later: not trusted, as a second change within the same step
//	    of the clock would not show in then
//
// Who sets the time of modification back is found out by Changed, which nobody can
// set; without it nothing is trusted. Not found out are writes through a shared
// mapping that began before the record, and changes under a clock that was set
// back: a digest is for those who must know.
func (id Identity) Trusted(then Identity, written int64) bool {
	old := written - settled
	return id == then && id.Changed > 0 && id.Inode != 0 && written > settled &&
		id.Modified < old && id.Changed < old
}

// Now tells the time, ns since 1970, by the clock of the file system that has dir,
// which is made if there is none. It is 0 where that cannot be found out: no identity
// that is noted then will be trusted.
func Now(dir string) int64 {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0
	}
	f, err := os.CreateTemp(dir, ".cache-tmp-*")
	if err != nil {
		return 0
	}
	defer os.Remove(f.Name())
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	return info.ModTime().UnixNano()
}
