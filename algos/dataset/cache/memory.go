package cache

import "runtime/debug"

// MapAlignment is what the first byte of a mapping is a multiple of, in its file,
// on every system.
const MapAlignment = 64 << 10

// Guard does work that reads a mapping, on this goroutine. fault is set where a page
// could not be read: the disk fails, or the file was cut after it was mapped.
func Guard(work func() error) (fault bool, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch r := recover().(type) {
		case nil:
		case interface{ Addr() uintptr }:
			fault = true
		default:
			panic(r)
		}
	}()
	return false, work()
}
