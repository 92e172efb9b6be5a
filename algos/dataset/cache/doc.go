// Package cache keeps what was made of input files in a file that is mapped into
// memory, and tells whether the input is still what it was made of.
//
//	err := cache.Write(path, key, meta, sections)    once
//	f, err := cache.Open(path, key)                  whenever it is needed
//	f.Meta(), f.Sections()                           until f.Close
//
// What meta and sections say is the caller's business. [Bytes] and [View] make
// sections of slices of numbers and back, without copying. A [Key] stands for the
// options that the content depends on, [Identity] and [Digest] for the files.
//
// An error of Open never means more than that there is no cache: a *[StaleError]
// and a *[DamagedError] are a reason to write it anew, and worth a line of the log.
//
// # The file
//
//	byte  0          8         10      12    44         48     56      60       64
//	      +----------+---------+-------+-----+----------+------+-------+--------+
//	      | ptmcache | version | order | key | sections | size | index | crc32c |  header
//	      +----------+---------+-------+-----+----------+------+-------+--------+
//	byte  64                         64+8·sections            +4·blocks     body
//	      +---------------------------+------------------------+------------+
//	      | length of each section, 8 | crc32c of each block, 4| zeros      |  index
//	      +---------------------------+------------------------+------------+
//	byte  body
//	      +------+-------+-----------+-------+-----------+-- ··· --+
//	      | meta | zeros | section 0 | zeros | section 1 |         |  body
//	      +------+-------+-----------+-------+-----------+-- ··· --+
//	      |    block 0, 1 MiB    |      block 1     |  ···   last  |
//
// The numbers of header and index are little endian. version is 1. order is 0x0102
// where the numbers in sections are little endian, as they always are now. sections
// counts meta too; size is that of the file. crc32c (Castagnoli) is of the 60 bytes
// before it, index of the index with its zeros, that of a block of its bytes.
//
//   - The body, meta and each section begin at a multiple of 64 bytes, in the file
//     and in memory. Between them are as many zeros as that takes and nothing else,
//     and none after the last.
//   - Where anything is follows from the lengths, so that there are no places that
//     could overlap or be out of order. The lengths must make the size, and the size
//     must be that of the file.
//   - Blocks are the body cut every 1 MiB, wherever sections begin. So each byte of
//     the file is covered by one of the checksums.
//   - The same key, meta and sections make the same bytes.
//
// A file is refused as stale before it is looked at further if its version is not
// the one of this package. The 64 bytes of the header stay as they are in every
// version, so that each can tell a file of another from a damaged one; any other
// change of the layout, or of what a field means, is a new version. A change of what
// is in meta and sections is not: put a number of its own into the key.
//
// # Promises
//
//   - A path names a complete file or none: it is written under another name
//     (.cache-tmp-*), synced to disk, and renamed. What a crash left under such
//     names can be deleted.
//   - Nothing in a file makes Open panic, read outside of it, or take more memory
//     of its own than a few times the index, which is within the file.
//   - Any number of processes may write, replace, and have open the same path.
//   - Goroutines are started inside Open and Unchanged only, which wait for them.
package cache
