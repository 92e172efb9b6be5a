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
//	--set stop.epochs=ten: want an integer of at least 0, got the string "ten"
//
// # Overrides
//
// A "section.key=value" override (--set on the command line) replaces what the
// file says; a later one replaces an earlier one. The value is read as TOML. If
// it is not TOML it is taken as a bare string, which only a string accepts:
// data.train=a.csv needs no quotes, but job.name=7 does. Overrides may add and
// replace keys of [algorithm], too.
//
// # Paths
//
// A relative path of an input (data.train, data.test, cluster.key_file) in a
// file is looked for in the folder of that file first, then in the working
// directory. A relative output.model, and every relative path in an override,
// is relative to the working directory. [Load] makes them absolute, so that
// [Config.Encode] means the same to every role. [Parse] touches no file and
// leaves paths as they are written.
//
// # Whose value counts
//
// The scheduler's configuration is the job's. It is sent to the other roles as
// text ([Config.Encode], [Parse]). A role that has a file of its own reads it
// with [LoadRole] and asks [Config.Conflicts]: its place (addresses, threads,
// key file, log) is its own, any other value that it sets must be the
// scheduler's.
//
// A Config is not changed by its methods: once loaded it may be shared.
package configs
