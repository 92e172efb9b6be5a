package configs

import (
	"petuum/consistency"
)

// Bounds of what a configuration may ask for. They keep products such as
// workers*threads far from overflow and catch a slipped digit.
const (
	maxText  = 256 << 10 // bytes of a file; an override may have as many
	maxParts = 1 << 20

	maxShards = 1 << 10 // of a table on one server; each is a message in every clock
)

// Config is the effective configuration of a job or of a role: defaults, file,
// environment and command line, in that order.
//
// The tags are the schema: toml is the key, doc its line of documentation, min
// and max (inclusive) and oneof its limits; own marks what belongs to the
// process and not to the job.
type Config struct {
	Job         Job         `toml:"job"`
	Data        Data        `toml:"data"`
	Consistency Consistency `toml:"consistency"`
	Cluster     Cluster     `toml:"cluster"`
	Wire        Wire        `toml:"wire"`
	Evaluate    Evaluate    `toml:"evaluate"`
	Stop        Stop        `toml:"stop"`
	Output      Output      `toml:"output"`
	Checkpoint  Checkpoint  `toml:"checkpoint"`
	Log         Log         `toml:"log"`

	file    string           // as named by the caller; "" if there is none
	params  *node            // the [algorithm] table; never nil after loading
	origin  map[string]place // of every key that is set, parameters included
	written map[string]Paths // as written, before they were made absolute
	bad     map[string]bool  // keys with a problem
	lost    bool             // part of the text has no readable key: nothing can be called missing
}

// Job is the [job] section.
type Job struct {
	Name      string `toml:"name" doc:"name of the job; \"\" is the name of the file without .toml"`
	Algorithm string `toml:"algorithm" doc:"algorithm to run (required)"`
	Seed      uint64 `toml:"seed" doc:"seed of every random choice of the job"`
	Start     string `toml:"start" doc:"folder of an earlier model of the same features and classes, on the scheduler's machine, whose values the job begins with; \"\" is none"`
}

// Data is the [data] section.
type Data struct {
	Train    Paths  `toml:"train" doc:"training data (required): a plain, .gz or .zst file, or a list of them; each may be a pattern with *, ? and [a-z]"`
	Test     Paths  `toml:"test" doc:"test data, given in the same way; \"\" is none"`
	Format   string `toml:"format" oneof:"auto libsvm csv mm binary docword ratings text" doc:"format of the data: auto, libsvm, csv, mm (MatrixMarket), binary (columns in parts, as petuum data gen writes them to NAME.petuum), docword (UCI bag of words, docword.NAME.txt), text (a document in each line, its words are counted) or ratings (user, item and rating in each line, with a tab, ::, a semicolon, a comma or blanks between them; without ratings each is 1)"`
	Label    string `toml:"label" doc:"label column of a CSV file, by name or as \"#3\" (0-based); \"\" is the first named y, label, class or target"`
	Positive string `toml:"positive" doc:"label of the positive class: all other labels together are the negative one; \"\" takes the classes as they are"`
	Weight   string `toml:"weight" doc:"column of a CSV file with the weight of each row, given like data.label; \"\" is none. A LIBSVM file has weights behind its labels, as 1:0.5"`
	Header   string `toml:"header" oneof:"auto yes no" doc:"whether a CSV file, or one of ratings, starts with column names: auto, yes or no"`
	Base     int    `toml:"base" min:"-1" max:"1" doc:"index of the first feature in a LIBSVM file, 0 or 1; -1 finds out"`
	Features uint64 `toml:"features" doc:"number of features; 0 counts them"`
	Hash     int    `toml:"hash" min:"0" max:"62" doc:"bits of a feature id: indices of LIBSVM are taken modulo 2^hash, and categories of CSV are hashed to as many features; values of a row that come together add up; 0 keeps every feature apart"`

	Categorical []string `toml:"categorical" doc:"columns of a CSV file whose values are categories, by name or as \"#3\"; \"*\" is every column whose first value is not a number"`
	Ignore      []string `toml:"ignore" doc:"columns of a CSV file that are left out, such as identifiers, by name or as \"#3\""`
	Missing     *float64 `toml:"missing" doc:"number that stands for a missing one in a CSV file, such as 0; unset, a missing number is an error"`
	Float64     bool     `toml:"float64" doc:"keep all numbers of the data as float64; else float32 does where it holds what the text says, up to 7 to 9 digits"`
	MinLength   int      `toml:"min_length" min:"1" max:"256" doc:"letters that a word of text has at least"`
	StopWords   string   `toml:"stop_words" doc:"words of text that are left out: english for common ones of that language, \"\" for none"`
	Names       string   `toml:"names" doc:"file with a feature name a line, for data that has none; \"\" is none"`
	Labels      string   `toml:"labels" doc:"file with the labels of MatrixMarket training data"`
	Weights     string   `toml:"weights" doc:"file with the weights of the rows of MatrixMarket training data; \"\" is none"`
	Cache       string   `toml:"cache" doc:"folder in which workers keep the training data as they parsed it, to map it into memory when they read the same files again; \"\" keeps nothing. Old files in it may be deleted at any time"`
}

// Consistency is the [consistency] section.
type Consistency struct {
	Policy        string `toml:"policy" doc:"how stale a read may be: bsp, ssp:S with a slack of S clocks, or asp"`
	Deterministic bool   `toml:"deterministic" doc:"fold updates in a fixed order, so that runs repeat to the bit (bsp only)"`
	Window        int    `toml:"window" min:"0" max:"1048577" doc:"updates that may be unanswered; 0 is slack + 1, or 8 under asp"`
	Eager         bool   `toml:"eager" doc:"servers send what changed unasked when slack > 0"`
}

// Wire is the [wire] section.
type Wire struct {
	Compression string `toml:"compression" oneof:"auto off zstd" doc:"compression of what servers and workers send each other: auto, where the link is so slow that it saves time; off; zstd, always"`
	Encoding    string `toml:"encoding" doc:"how the values of tables travel: exact, float32, bfloat16, or fixed1, fixed2, fixed3 (fixed point of so many bytes); for all tables that can, or for one, as \"weights:fixed2\"; several are separated by commas"`
	Filter      string `toml:"filter" doc:"changes that are kept back: none; significant:C, those below C/t in clock t; or skip:P, each with probability P; for all tables or for one, as wire.encoding"`
}

// Cluster is the [cluster] section.
type Cluster struct {
	Servers   int      `toml:"servers" min:"1" max:"65536" doc:"server processes"`
	Workers   int      `toml:"workers" min:"1" max:"65536" doc:"worker processes"`
	Threads   int      `toml:"threads" min:"1" max:"4096" doc:"parts that run at once in one worker process"`
	Parts     int      `toml:"parts" min:"0" max:"1048576" doc:"parts the data is cut into; 0 is workers * threads"`
	Shards    int      `toml:"shards" min:"0" max:"1048576" doc:"shards each table is cut into, at most 1024 a server; 0 is 8 a server, at least 16, or up to 64 a server where tables are so large that a shard would be above 1 MiB"`
	Join      []string `toml:"join" own:"true" doc:"gossip addresses (host:port) of members to join"`
	Bind      string   `toml:"bind" own:"true" doc:"address that listeners bind to, without port"`
	Advertise string   `toml:"advertise" own:"true" doc:"address under which others reach this process, without port; \"\" is the bound one"`
	Gossip    string   `toml:"gossip" own:"true" doc:"host:port of the gossip listener; \"\" is bind and a free port"`
	Data      string   `toml:"data" own:"true" doc:"host:port of the data listener; \"\" is bind and a free port"`
	KeyFile   string   `toml:"key_file" own:"true" doc:"file with the base64 key that encrypts gossip; \"\" is none"`
}

// Evaluate is the [evaluate] section.
type Evaluate struct {
	Every int  `toml:"every" min:"0" doc:"clocks between evaluations; 0 is once an epoch"`
	Test  bool `toml:"test" doc:"evaluate the model on the test data, if there is any"`
}

// Stop is the [stop] section. Whichever rule holds first ends the training; if
// none is set a relative gap or change of 1e-6 does.
type Stop struct {
	Epochs    int      `toml:"epochs" min:"0" doc:"stop after that many passes over the data; 0 is 1,000 if neither clocks nor seconds are set, else off; with nothing of stop set, a solver that streams makes 1 pass"`
	Clocks    int      `toml:"clocks" min:"0" doc:"stop after that many clocks; 0 is off"`
	Seconds   float64  `toml:"seconds" min:"0" doc:"stop after that many seconds of training; 0 is off"`
	Tolerance float64  `toml:"tolerance" min:"0" doc:"stop when the objective changes relatively less between evaluations, or the relative gap is smaller where there is one; 0 is off"`
	Objective *float64 `toml:"objective" doc:"stop when the objective is at most this"` // nil is off
}

// Output is the [output] section.
type Output struct {
	Model string `toml:"model" doc:"where the model is written; \"\" writes none"`
	Text  bool   `toml:"text" doc:"write the model as readable text, too"`
}

// Checkpoint is the [checkpoint] section.
type Checkpoint struct {
	Path    string  `toml:"path" doc:"folder, on the scheduler's machine, where the state of the job is kept, so that petuum run --resume goes on from there; \"\" keeps none"`
	Every   int     `toml:"every" min:"1" doc:"evaluations from one checkpoint to the next; the last evaluation has one in any case"`
	Seconds float64 `toml:"seconds" min:"0" doc:"seconds of training from one checkpoint to the next, at least"`
}

// Log is the [log] section.
type Log struct {
	Level  string `toml:"level" oneof:"debug info warn error" own:"true" doc:"least level that is logged: debug, info, warn or error"`
	Format string `toml:"format" oneof:"text json" own:"true" doc:"format of the log: text or json"`
}

// Default is the configuration that a file and overrides are laid over. It is
// not a job yet: job.algorithm and data.train have no default.
func Default() *Config {
	return &Config{
		Job:         Job{Seed: 1},
		Data:        Data{Format: "auto", Header: "auto", Base: -1, MinLength: 3, StopWords: "english", Categorical: []string{}, Ignore: []string{}},
		Consistency: Consistency{Policy: "bsp", Eager: true},
		Cluster:     Cluster{Servers: 2, Workers: 2, Threads: 1, Join: []string{}, Bind: "127.0.0.1"},
		Wire:        Wire{Compression: "auto", Encoding: "exact", Filter: "none"},
		Evaluate:    Evaluate{Test: true},
		Output:      Output{Text: true},
		Checkpoint:  Checkpoint{Every: 1, Seconds: 30},
		Log:         Log{Level: "info", Format: "text"},
		params:      newTable(place{}),
		origin:      map[string]place{},
		written:     map[string]Paths{},
	}
}

// Parts is the number of parts the data is cut into: cluster.parts, or
// workers * threads.
func (c *Config) Parts() int {
	if c.Cluster.Parts != 0 {
		return c.Cluster.Parts
	}
	return c.Cluster.Workers * c.Cluster.Threads
}

// Shards is the number of shards of each table: cluster.shards, or 8 a server and
// at least 16, and up to 64 a server where bytes, the size of the largest table,
// makes that more than a MiB each. A shard's update or answer is one message: while
// it is sent the next one is encoded, and the one before received and applied.
func (c *Config) Shards(bytes uint64) int {
	if c.Cluster.Shards != 0 {
		return c.Cluster.Shards
	}
	few, many := max(16, 8*c.Cluster.Servers), 64*c.Cluster.Servers
	return max(few, int(min(bytes>>20, uint64(many))))
}

// Policy is consistency.policy, which loading has checked.
func (c *Config) Policy() consistency.Policy {
	p, _ := consistency.ParsePolicy(c.Consistency.Policy)
	return p
}

// Window is the number of updates that may be unanswered: consistency.window,
// or what the policy has by itself.
func (c *Config) Window() int {
	if c.Consistency.Window != 0 {
		return c.Consistency.Window
	}
	return c.Policy().Window()
}

// From says where the value of a key such as "cluster.servers" or
// "algorithm.lambda" comes from: "default", "file:line", or the label of an
// override, such as "--set" or "PETUUM_CLUSTER_SERVERS".
func (c *Config) From(key string) string {
	at, ok := c.origin[key]
	switch {
	case !ok:
		return "default"
	case at.given != "":
		return at.label
	}
	return oneLine(at.String())
}

// Refuse is the error that says what is wrong with the value of a setting, at the
// place that it comes from. names are the valid ones, if that is what matters.
func (c *Config) Refuse(key, what string, names ...string) error {
	at, ok := c.origin[key]
	if !ok {
		at = place{file: c.file}
	}
	p := Problem{at: at, Key: key, What: what}
	if s, isText := c.text(key); isText {
		p.Nearest = nearest(s, names)
	}
	return Errors{p}
}
