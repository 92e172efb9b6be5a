// Package configs is the configuration of a job: its settings, their defaults,
// and strict loading from TOML.
//
// One file serves every role. The struct [Config] is the schema: its tags hold
// the names, the one-line documentation and the limits of all settings, so
// that loading, [Settings], [Config.Encode] and the messages cannot disagree.
//
//	[job]                        # name, algorithm, seed
//	algorithm = "lasso"
//	[data]                       # train, test, format, ...
//	train = "diabetes.csv"
//	[algorithm]                  # the parameters of the algorithm itself: kept
//	lambda_ratio = 0.1           # undecoded until [Config.Algorithm] is called
//	[stop]
//	epochs = 20
//
// Every setting but job.algorithm and data.train has a default. A key that is
// not a setting, a value of the wrong type, a value that makes no sense and a
// file that is not there are errors; nothing is ever clamped or ignored. All
// problems are reported at once, as [Errors], one on a line:
//
//	job.toml:4: cluster.servrs: unknown key; nearest valid name "servers"
//	job.toml:9: cluster.workers: 0 is out of range: want an integer from 1 to 65536
//	PETUUM_CLUSTER_WORKER=4: no setting has this variable; nearest valid name "PETUUM_CLUSTER_WORKERS"
//	--set stop.epochs=ten: want an integer of at least 0, got the string "ten"
//	--bind 10.0.0.256: "10.0.0.256" is no address: want an address without port, as "127.0.0.1"
//
// What could be read comes with them, so that the caller can ask the algorithm what
// is wrong with its parameters ([Config.ValidAlgorithm]) and tell all ([Join]).
//
// # Overrides
//
// An [Override] replaces what the file says; a later one replaces an earlier one.
// There are three kinds, and a message about one names what the user typed:
//
//   - "section.key=value" ([Set]). The value is read as TOML. If it is not TOML it is
//     taken as a bare string, which only a string accepts: data.train=a.csv needs no
//     quotes, but job.name=7 does.
//   - A variable PETUUM_SECTION_KEY ([Environment]), for parameters PETUUM_ALGORITHM_KEY.
//     The environment is an argument: this package does not look for it. A text needs
//     no quotes whatever it looks like, a list of one no brackets.
//   - A flag of the command line that stands for a setting. Its value is never TOML, and
//     if the setting is a list, each adds an element.
//
// Overrides may add and replace keys of [algorithm], too.
//
// # Paths
//
// A relative path of an input (data.train, data.test, cluster.key_file) in a
// file is looked for in the folder of that file first, then in the working
// directory. A relative output.model or data.cache, and every relative path in an override,
// is relative to the working directory.
//
// data.train and data.test are [Paths]: one or a list, each a file or a pattern of
// [filepath.Match]. A file of exactly that name comes first, so that odd names can be
// written. The files of one pattern are in the order of their names, in place of the
// pattern. A pattern without files and a file that is there twice are problems.
//
// [Load] makes paths absolute and replaces patterns, so that
// [Config.Encode] means the same to every role. [Parse] touches no file and
// leaves paths as they are written.
//
// # Whose value counts
//
// The scheduler's configuration is the job's. It is sent to the other roles as
// text ([Config.Encode], [Parse]). A role that has a file of its own reads it
// with [LoadRole] and asks [Config.Conflicts]: its place (addresses, key file,
// log) is its own, any other value that it sets must be the
// scheduler's.
//
// A Config is not changed by its methods: once loaded it may be shared.
package configs
