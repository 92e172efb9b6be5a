// Package model is the output of a job: a directory that says what was learned,
// from what, and how.
//
//	model/
//	├── manifest.json   what the model is, how it did, and the checksums of the files
//	├── weights.bin     the values of table "weights"
//	├── weights.txt     the same for people, if asked for
//	└── path/           of a job of stages: the models of these,
//	    ├── 000/        each a model as this one
//	    └── 001/
//
// A [Writer] streams tables into the directory, a [Reader] checks one and is an
// [algos.Model]. Both work a block at a time, so a model may be larger than
// memory. A Reader also writes what it has for other programs: [Reader.WriteText],
// [Reader.WriteNPZ], [Reader.WriteLIBLINEAR]. Nothing here logs or starts goroutines.
//
// # Promises
//
//   - Under its final name a model is complete or absent. It is written to a
//     sibling (.NAME.tmp-*), synced to disk, and renamed by [Writer.Close]. A
//     model of before is renamed away (.NAME.old-*) just before and deleted just
//     after; a crash between the two leaves it there, and [Open] says so. What a
//     crash left under these names can be deleted.
//   - Nothing but a model is replaced: a directory with any file that its
//     manifest does not list is refused, by [Check] before the training.
//   - What is damaged is refused by Open: each byte of a table is covered by the
//     SHA-256 in the manifest, which is covered by its own, and each block by a
//     checksum that is looked at whenever it is read.
//   - The same values and manifest make the same bytes.
//
// # The manifest
//
// manifest.json is a [Manifest] between "format": "petuum model", "version": 2
// and "sha256": the digest of the same document with "sha256": "", indented by
// two blanks, as this package writes it. White space may be changed, values may
// not. Metrics that are not finite are left out, as JSON has no such numbers. A
// calibration is in it, too: [Calibrate] puts a new manifest in place of the old one.
//
// # Tables
//
// All numbers are little endian. Only keys that were ever written, in a sparse
// table only those whose values are not the initial ones, are in the
// file, in ascending order; all others have the initial values that the manifest
// tells. A file is a header, blocks of rows, and an end mark:
//
//	byte  0          8         9      10     12      16          24       28
//	      +----------+---------+------+------+-------+-----------+--------+
//	      | ptmtable | version | type | 0  0 | width | key space | crc32c |  header
//	      +----------+---------+------+------+-------+-----------+--------+
//	byte  0      4       8           16        16+k                 16+k+v
//	      +------+-------+-----------+---------+--------------------+--------+
//	      | rows | k     | first key | k bytes | v = rows·row bytes | crc32c |  block
//	      |      |       |           | of keys | of values          |        |
//	      +------+-------+-----------+---------+--------------------+--------+
//	       ...
//	      +------+-------+-----------+--------+
//	      | 0    | 0     | all rows  | crc32c |  end mark, and the end of the file
//	      +------+-------+-----------+--------+
//
// type is 0 for float32, 1 for float64 and 2 for int32; width is the values in a
// row, which holds them one after the other. Where the keys of a block are
// consecutive k is 0 and they are implied, as in all blocks of a dense table;
// else each key but the first is the unsigned varint of its distance from the
// one before, less 1. A block has at least one row and at most 64 KiB of values,
// or one row if that is wider. crc32c (Castagnoli) is of all bytes of the same
// header, block or mark before it.
//
// # Text
//
// NAME.txt has a line for each key of the binary file, in ascending order:
// the name of the key, a tab, and the values with blanks between them, in as few
// digits as tell them from every other number of the type:
//
//	age	0.125
//	blood pressure	-3.5e-07
//
// There is no header. The text is not needed: it may be deleted, but not changed.
//
// # Names
//
// What a key is called in text, and in what is printed for people:
//
//	a feature with a name              that name: of the column of CSV with a header,
//	                                   or of the file that data.names names
//	another feature of CSV             # and the number of its column, from 0, as
//	                                   in the setting data.label
//	another feature of LIBSVM          its index as the file has it, so that the
//	                                   first one is 0 or 1, as data.base says
//	another feature of MatrixMarket    its column as the file has it, from 1
//	a row with a name                  that name: of users, where data lists ratings
//	what the algorithm has a name for  that name, such as (intercept)
//	any other key                      its number, from 0
//
// A name that is empty, begins with a quote or has control characters (a tab, a
// newline) stands as a JSON string, "like\tthis"; all others stand as they are.
// Classes are treated alike.
package model
