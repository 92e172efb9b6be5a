// Package dataset is the input of a learning job: it reads the samples of a
// file, part by part, into compact sparse matrices and the statistics that all
// parts must agree on.
//
// A part is the p-th of P slices of the input. A process reads only its own
// parts, in two steps with a merge between them:
//
//	Scan(path, options, my parts, P) ─► Info of each part ─┐
//	                                                       ▼  in the order of parts
//	                                    one Info ◄── Info.Merge
//	Scanned.Parts(merged Info) ◄────────────┘
//	     └─► []*Part: labels, classes, rows (Matrix), keys
//
// # Dividing
//
// A line belongs to exactly one part, whatever P is. Of a plain file of n bytes
// part p gets the lines that start in [n·p/P, n·(p+1)/P):
//
//	bytes   0         n/3        2n/3         n
//	        |----line---|--line---|---line----|
//	part     0           0             1        ("line" 2 starts before n·2/3)
//
// A .gz or .zst file cannot be entered in the middle. It is dealt out in blocks
// of 256 lines, block b to part b mod P; one reader in each process searches
// the blocks of other parts for newlines only.
//
// # Formats
//
// In both formats blank lines and lines whose first character is '#' are
// skipped, a line ends with "\n" or "\r\n" (the last one may end with the file),
// and a line of more than 64 MiB is refused. A leading UTF-8 byte order mark is
// ignored.
//
// LIBSVM: label, then index:value in strictly increasing order of index, then
// perhaps a comment. Blanks are spaces and tabs.
//
//	+1 3:1 7:0.25 11:1e-3  # the rest is a comment
//
// CSV: fields between commas (between tabs if the first line has tabs and no
// commas), perhaps in quotes, perhaps under a header. One field is the label,
// which need not be a number; all others are numbers.
//
//	y,age,"body ""mass"" index"
//	ALL,59,32.1
//
// Values equal to zero are not stored. What is malformed is refused as a
// *SyntaxError that prints as file:line:column: what.
//
// # Labels and classes
//
// A class is a distinct label; numbers are the same class when they are equal
// ("1", "+1" and "1.0"). Classes are sorted, numerically if all are numbers,
// else alphabetically, and in a binary problem the later one is the positive
// one. Labels that are numbers stay as they are in Part.Labels; words become
// -1 and +1 if there are two of them, else 0, 1, 2, ...
//
// The package starts goroutines only inside Scan and waits for them there.
package dataset
