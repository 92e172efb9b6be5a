// Package columnar is a file of a sparse matrix by columns, cut by rows into parts
// that are mapped into memory as they stand: neither parsing nor a transpose comes
// between the disk and coordinate descent, and a process maps no part but its own.
//
//	w, err := columnar.NewWriter(f, header)         a stream of columns, in order
//	file, err := columnar.Open(path)                header and index, a few kB
//	y, err := file.Labels(p)                        8 bytes a row
//	part, err := file.Map(p)                        all else, verified
//
// # The file
//
//	byte  0          8         10      12      16     20    24     32        40
//	      +----------+---------+-------+-------+------+-----+------+---------+------ ··
//	      | ptmcolum | version | order | parts | base | 0   | rows | columns |
//	      +----------+---------+-------+-------+------+-----+------+---------+------ ··
//	byte  40       48     56      60       64
//	      +--------+------+-------+--------+
//	   ·· | values | size | index | crc32c |  header
//	      +--------+------+-------+--------+
//	byte  64                64+64·parts                  +4·blocks    a multiple of 64 KiB
//	      +-----------------+---------------------------+-------------+
//	      | a part, 64 each | crc32c of each block, 4   | zeros       |  index
//	      +-----------------+---------------------------+-------------+
//
//	a part of the index, 8 bytes each
//	      | rows | values | empty rows | row min | row max | value min | value max | 0 |
//
//	a part, at a multiple of 64 KiB; its sections at multiples of 64 bytes
//	      +--------+--------------------+-------------+--------+
//	      | labels | begins of columns  | row numbers | values |
//	      | 8·rows | 8·(columns + 1)    | 2 or 4 each | 4 each |
//	      +--------+--------------------+-------------+--------+
//
// In version 1 a part has some of the rows, and all columns of them. In version 2 part p of
// P has all rows, and of C columns those from C·p/P to C·(p+1)/P; the labels are in part 0
// only, and what the index says of rows is said of whole rows, in each part.
//
// Numbers are little endian; order is 0x0102. base is the index that the
// first column has in LIBSVM. rows and values are those of all parts, size is that of the
// file. Row min and row max are the fewest and most values that a row has. Labels and the
// extremes of values are float64, values float32. The j-th column of a part has the values from
// its begin to that of the next, row numbers counting from the first row of the part, in
// ascending order, uint16 where the part has at most 2^16 rows, else uint32. A column
// takes 8 bytes a part and a value 6 (or 8).
//
// A block is 256 KiB of a section, or what is left of it. crc32c (Castagnoli) is of the
// 60 bytes before it, index of the index but for its zeros, that of a block of its bytes.
// Where anything is follows from rows, values and columns: nothing can overlap. Any change
// of the layout, or of what a field means, is a new version.
//
// # Promises
//
//   - Nothing in a file makes Open, Labels or Map panic, read outside of it, or take more
//     memory of its own than the index, which is within the file.
//   - What Map returns is safe to use as an index: begins ascend, row numbers are below rows.
//   - The same header, labels and columns make the same bytes.
//   - Goroutines are started inside Map only, which waits for them.
package columnar
