package cache

import "golang.org/x/sys/unix"

// mapFlags allow for a cache that is larger than memory: hardly any of it will be
// changed. Advice to populate the mapping or to read ahead made nothing faster.
const mapFlags = unix.MAP_NORESERVE
