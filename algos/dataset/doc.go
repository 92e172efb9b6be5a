// Package dataset is the input of a learning job: it reads the samples of files,
// part by part, into compact sparse matrices and the statistics that all parts must
// agree on.
//
// A part is the p-th of P slices of the input. A process reads only its own
// parts, in two steps with a merge between them:
//
//	Scan(paths, options, my parts, P) ─► Info of each part ─┐
//	                                                        ▼  in the order of parts
//	                                     one Info ◄── Info.Merge
//	Scanned.Parts(merged Info) ◄────────────┘
//	     └─► []*Part: labels, classes, rows (Matrix), keys
//
// A Reader gives the same samples in the order of the input, a batch at a time and
// in constant memory, from files or a stream: that is for applying a model. Stat
// reads an input to describe it. With Options.Stream, Scan reads only a sample of each
// part, and a part has a Stream in place of rows.
//
// # Dividing
//
// A line belongs to exactly one part, whatever P is. Plain files are counted through
// in the order in which they are named: of n bytes together, part p gets the lines
// that start in [n·p/P, n·(p+1)/P).
//
//	bytes   0         n/3        2n/3         n
//	        |----line---|--line---|---line----|
//	part     0           0             1        ("line" 2 starts before n·2/3)
//
// A .gz or .zst file cannot be entered in the middle. Where there are at least 2·P
// of them, each is dealt out whole, the largest first, to the part that has least so
// far, and a process decompresses only its own. Fewer are dealt out in blocks of 256
// lines, block b of the f-th file to part (b+f) mod P; one reader in each process
// searches the blocks of other parts for newlines only. Both kinds may be mixed.
// Part.Blocks tells the order of the input where it is not that of the parts.
//
// # Formats
//
// All files of an input have the same format. In LIBSVM and CSV, blank lines and
// lines whose first character is '#' are skipped, a line ends with "\n" or "\r\n"
// (the last one may end with the file), and a line of more than 64 MiB is refused.
// A leading UTF-8 byte order mark is ignored.
//
// LIBSVM: label, then index:value in strictly increasing order of index, then
// perhaps a comment. Blanks are spaces and tabs.
//
//	+1 3:1 7:0.25 11:1e-3  # the rest is a comment
//
// A label may be followed by a weight, see below: label:weight, without a blank.
//
//	-1:0.5 3:1 7:0.25
//
// CSV: fields between separators, perhaps in quotes, perhaps under a header. The
// separator is the one of comma, tab and semicolon that the first line has most of.
// One field is the label, which need not be a number, one may be the weight
// (Options.Weight); the others are numbers or categories. Each file has its own separator and header; the columns of all but the
// first are matched to those of the first by name or, where a file has no header, by
// place.
//
//	y,age,"body ""mass"" index"
//	ALL,59,32.1
//
// Columns that Options.Ignore lists are left out, here and in test data, whatever
// they hold.
//
// MatrixMarket: coordinate (entries in any order) and array; real, integer and
// pattern; general, symmetric and skew-symmetric. A row is a sample, and the labels
// are in a file of their own (Options.Labels): a vector of MatrixMarket, n x 1 or
// 1 x n, where an entry that is not listed is 0, or text with a label a line. The weights
// may be in another such file (Options.Weights). Part p
// has rows [n·p/P, n·(p+1)/P); every process reads all of the file, which is one and
// may be compressed, and keeps its own rows.
//
//	%%MatrixMarket matrix coordinate real general
//	3 4 2
//	1 2 0.5
//	3 1 -1
//
// Binary (NAME.petuum): one file of columns in parts, which are fixed when it is made and
// must be those of the job; labels are numbers. See package columnar, petuum data gen and petuum data convert.
// A part is verified and mapped, which takes a tenth of a second for a gigabyte that
// the system has in memory. Test data of training data in this format may also be LIBSVM.
//
// Docword (docword.NAME.txt): the numbers of documents, words and entries, a line each, then
// document, word and count from 1, in any order. A row is a document, perhaps empty.
//
// Ratings: user, item and rating, perhaps more behind it, with tabs, "::", semicolons,
// commas or blanks between them, as in the first line, perhaps under a line of names. Where
// the first line has but two fields each rating is 1. Users and items are any words: rows and
// features are these in the order of their numbers if all are whole, else of their bytes,
// and Info.RowNames and Info.Names have them. A rating of 0 is stored like any other. The same
// user and item twice are an error that names both lines. Test data has a row for each user
// of the training data, in the same parts; what has another user or item is dropped and counted.
//
// Every process reads all of Docword and Ratings, 12 bytes of memory an entry, and keeps
// its own rows; parts have about as many entries.
//
// Text: a document in each line, also where that is empty. Features are its words, in the
// order of their bytes: runs of at least Options.MinLength letters, in lower case, but
// Options.StopWords. These three have no labels.
//
// Values equal to zero do not count. What is malformed is refused as a
// *SyntaxError that prints as file:line:column: what. A missing number or label (an
// empty field, or NA) is refused too: what stands for a number is for the user to say
// (Options.Missing).
//
// # By rows or by columns
//
// A part has its matrix by rows, Part.X; with Options.Columns by columns, Part.Columns, and
// nothing by rows. Binary files and caches that were made so hold columns, which are mapped;
// of all other input they are made from the rows, which are let go. Bytes of a part of at
// most 2^16 rows, beside 8 to 12 a row for labels and classes:
//
//	                      a feature                 a value
//	by rows               8 (Keys)                  2 or 4, and its number: 4, 8 or none
//	by columns            8, and 8 if Keys is kept  2, and its number
//
// Keys is left out where position j is that of feature Part.First+j. From a binary file rows are made
// by a transpose, and columns are let go: any algorithm may read one.
//
// # Numbers
//
// A number is kept as float32 where that holds what the text says: where it has at most
// seven digits that count (zeros at either end of a fraction do not), or up to nine and the
// float32 is within half a unit of the last, as in data that was float32 when it was written.
// Else it is a float64. What a number is depends on its own digits only: 0.1 is the float32 next to
// it (2e-8 off) in every part, also where others need float64 and all are kept so.
// Labels are float64, and with Options.Float64 all numbers are what strconv reads.
//
// # Categories
//
// A CSV column that Options.Categorical lists is not a number but a category, and
// each of its categories a feature, 1 in the samples that have it: the columns
//
//	age,job             age  job=cook  job=nurse
//	30,nurse      are    30                1
//	41,cook              41      1
//
// Features are numbered in the order of the columns, the categories of a column
// sorted by their bytes, whatever the number of parts. "1" and "1.0" are different
// categories. A missing value is a category as well, named "column=". A test file has
// the categories of the training data; others are dropped and counted
// (Info.Dropped). A column has at most 2^20 of them.
//
// # Hashed features
//
// With Options.Hash = B the feature ids are taken modulo 2^B, which is the number of
// features then: index i of LIBSVM is feature i mod 2^B (i-1 if indices start at 1, which
// must be said), without mixing; column t of CSV, if of numbers, is feature t; and a
// category is feature x mod 2^B of
//
//	x = FNV-1a, 64 bits, of the bytes "column=category" (a column without a name: "#3=category")
//	x = (x xor x>>32) * 0x9e3779b97f4a7c15 mod 2^64
//	x = x xor x>>32
//
// Values of a row that come to the same feature add up, and are rounded as all others.
// Nothing is kept of the categories, so that there may be any number of them, and those
// that training did not have are features as well.
//
// # Streams
//
// A part that is streamed is read again in every pass, and never held:
//
//	file    |--------slice 0--------|--------slice 1--------|--- ...
//	text             [window, 256 KiB] ─► builder ─► Batch ─► (2 ahead) ─► Next
//
// A pass has as many slices in one part as in another: slice k of S has the lines that
// begin in the k-th of S equal shares of the part's bytes, as stored. Of a compressed file
// it is not known in the first pass how long its text is: it is estimated from what was
// decoded so far, and known from then on. What parts have is the same as when they are
// loaded. Values are float32.
//
// The Info of such an input is made from a sample (Info.Sampled): 256 KiB of each part,
// at 8 places of plain files, from their beginning to their end, or the first lines of
// compressed ones. Classes that it does not show are errors later; with Options.Positive
// or Options.Quantity all are known.
//
// # Labels and classes
//
// A class is a distinct label; numbers are the same class when they are equal
// ("1", "+1" and "1.0"). Classes are sorted, numerically if all are numbers,
// else alphabetically, and in a binary problem the later one is the positive
// one. Labels that are numbers stay as they are in Part.Labels; words become
// -1 and +1 if there are two of them, else 0, 1, 2, ... Where labels are quantities
// (Options.Quantity) a word is an error. Options.Positive makes two classes of any
// labels: the one it names, and "!" with that name.
//
// With Options.Unlabelled the labels may be absent, in all of the samples or none
// (a LIBSVM line without any value is blank then, and no sample). Part.Labels and
// Part.Class are nil, Info.Unlabelled is set.
//
// # Weights
//
// A row may have a weight: how often it was seen, how long, or how much it matters. A
// weight is finite and at least 0, kept as float32; a row of weight 0 is a row that
// counts for nothing. Rows without one have 1. Where all have 1, in all parts together,
// Part.Weight is nil and Info.Weighted false.
//
// In LIBSVM the first sample of the input decides whether labels have weights: behind a
// first label without a colon, 2:1 at the beginning of a line is no label but an error;
// behind one with a colon, a label alone has weight 1.
// With Options.Unlabelled a first line such as 1:0.5 3:1 may be read in two ways. It has
// no label then, and 0.5 is the value of index 1, unless it cannot be index:value: as the
// first token has a sign or a point, as the next index is not larger, or as index 0 is none.
// Where labels are required, as in training, 1 is always a label of weight 0.5.
//
// Test data may have weights that the training data had not, and do without those it had.
// The label sums of an Info do not depend on weights.
//
// # Reading fast
//
// Text is parsed on all processors, a mebibyte of a plain file at a time; a compressed
// one is decoded by one goroutine for others to parse. What a goroutine reads of a part
// goes to a builder, which makes a piece of every chunk: small ids are their own codes,
// large ones are numbered by hash. When all parts of the input are known, the codes of
// the pieces become columns, in the order of the input, while the pieces are given back
// to the system: loading takes little more memory than what is loaded. Neither the
// number of processors nor who was faster shows in the result.
//
// With Options.Cache a part is written to a file when it is complete (see package
// cache), and mapped by the next Scan of the same files with the same options for the
// same part. It is used if the system says that no file has changed since, or else if
// what the part was made of has the same SHA-256; and if all parts number features and
// classes as they did. Whatever is wrong with a cache, it is made anew, and a Note says
// so. The mapping lasts as long as the process.
//
// A Reader cuts its text into blocks, which are parsed on all processors as well, into
// the same batches: it reads as far as a batch needs and no farther, so that a stream may
// be slow. A batch of less than a block is parsed by the caller.
//
// # Parts by features
//
// For few rows and very many features a part may be a range of features, with all rows
// (Info.ByFeatures): part p of P has those from F·p/P to F·(p+1)/P, without a list of them.
// Binary files can be made so; rows, labels and classes are the same in every part then, and
// statistics of rows count them once. Algorithms whose parts need whole rows refuse them.
// A Reader gives whole rows all the same, and holds all of the data for that.
//
// The package starts goroutines inside Scan, Parts, Transpose, ByColumn, Reader.Next and Stat, and
// waits for them there; and one in Stream.Start, for which Stream.Close waits.
package dataset
