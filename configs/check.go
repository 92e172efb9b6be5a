package configs

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"petuum/consistency"
)

// maxName bounds the name of a job, which travels in gossip.
const maxName = 128

// require notes what a job cannot do without.
func (l *loader) require() {
	if l.c.lost {
		return
	}
	l.rule(l.c.Job.Algorithm == "", `required: the name of an algorithm`, "job.algorithm")
	l.rule(len(l.c.Data.Train) == 0, `required: the path of the training data`, "data.train")
}

// check notes values that make no sense, alone or together. What a single tag
// can say (types, limits, choices) has been checked by then.
func (l *loader) check() {
	l.checkJob()
	l.checkData()
	l.checkConsistency()
	l.checkCluster()
	l.paths()
}

func (l *loader) paths() {
	l.each("data.train", l.c.Data.Train)
	l.each("data.test", l.c.Data.Test)
	l.path("data.names", l.c.Data.Names)
	l.path("data.labels", l.c.Data.Labels)
	l.path("data.weights", l.c.Data.Weights)
	l.path("data.cache", l.c.Data.Cache)
	l.path("output.model", l.c.Output.Model)
	l.path("checkpoint.path", l.c.Checkpoint.Path)
	l.path("cluster.key_file", l.c.Cluster.KeyFile)
}

// each checks the paths of a list. A list must not be mistaken for none.
func (l *loader) each(key string, paths Paths) {
	for i, path := range paths {
		l.rule(path == "", "an empty path", l.element(key, i))
		l.path(l.element(key, i), path)
	}
}

// element is the key of a path in messages: that of the setting, if it is no list.
func (l *loader) element(key string, i int) string {
	if full := fmt.Sprintf("%s[%d]", key, i); !l.bad[key] {
		if _, ok := l.c.origin[full]; ok {
			return full
		}
	}
	return key
}

func (l *loader) path(key, path string) {
	l.rule(strings.ContainsRune(path, 0) || !utf8.ValidString(path), strconv.Quote(shortened(path))+" cannot be a path", key)
}

// rule notes what is wrong with the first key, where it is set or, if it is
// not, where the first of the others that is set stands. If any of the keys has
// a problem already there is nothing to conclude.
func (l *loader) rule(wrong bool, what string, keys ...string) {
	if !wrong {
		return
	}
	at, found := place{file: l.c.file}, false
	for _, key := range keys {
		if l.bad[key] {
			return
		}
		if o, ok := l.c.origin[key]; ok && !found {
			at, found = o, true
		}
	}
	l.note(Problem{at: at, Key: keys[0], What: what})
}

func (l *loader) checkJob() {
	l.name("job.name", l.c.Job.Name)
	l.name("job.algorithm", l.c.Job.Algorithm)
}

func (l *loader) name(key, name string) {
	l.rule(len(name) > maxName, fmt.Sprintf("%d bytes is too long for a name: at most %d", len(name), maxName), key)
	bad := strings.IndexFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError })
	l.rule(bad >= 0, strconv.Quote(shortened(name))+" has characters that do not print", key)
}

func (l *loader) checkData() {
	d := &l.c.Data
	l.column("data.label", d.Label)
	l.column("data.weight", d.Weight)
	only := func(set bool, key, format, name string) {
		other := d.Format != "auto" && d.Format != format
		l.rule(set && other, fmt.Sprintf("is for %s, but data.format is %q", name, d.Format), key, "data.format")
	}
	only(d.MinLength != 3, "data.min_length", "text", "text")
	only(d.StopWords != "english", "data.stop_words", "text", "text")
	l.rule(d.StopWords != "" && d.StopWords != "english", strconv.Quote(shortened(d.StopWords))+` are no stop words: want "english", or "" for none`, "data.stop_words")
	ratings := d.Format == "ratings"
	l.rule(ratings && d.Names != "", "ratings have names of their own: leave data.names out", "data.names", "data.format")
	l.rule(ratings && d.Features != 0, "the items of ratings are counted: leave data.features out", "data.features", "data.format")
	only(d.Label != "", "data.label", "csv", "CSV")
	only(d.Weight != "", "data.weight", "csv", "CSV")
	only(d.Header != "auto" && !ratings, "data.header", "csv", "CSV and ratings")
	only(len(d.Categorical) > 0, "data.categorical", "csv", "CSV")
	only(len(d.Ignore) > 0, "data.ignore", "csv", "CSV")
	only(d.Missing != nil, "data.missing", "csv", "CSV")
	only(d.Base != -1, "data.base", "libsvm", "LIBSVM")
	only(d.Labels != "", "data.labels", "mm", "MatrixMarket data")
	only(d.Weights != "", "data.weights", "mm", "MatrixMarket data")
	l.rule(d.Hash > 0 && d.Features > 0, "hashed features are 2^data.hash: leave data.features out", "data.features", "data.hash")
	l.rule(d.Hash > 0 && d.Names != "", "hashed features have no names: leave data.names out", "data.names", "data.hash")
	l.rule(d.Hash > 0 && (d.Format == "mm" || d.Format == "binary" || d.Format == "docword" || ratings), fmt.Sprintf("is for LIBSVM and CSV, but data.format is %q", d.Format), "data.hash", "data.format")
	l.columns("data.categorical", d.Categorical, `a name, or "*"`, "*")
	l.columns("data.ignore", d.Ignore, "or a name", "")
}

// column checks the name or number of a column; "" is none.
func (l *loader) column(key, column string) {
	if number, ok := strings.CutPrefix(column, "#"); ok {
		_, err := strconv.ParseUint(number, 10, 31)
		l.rule(err != nil, strconv.Quote(shortened(column))+` is no column: want "#" and a number from 0, or a name`, key)
	} else {
		l.rule(column != "" && l.c.Data.Header == "no", `a column cannot be named when data.header is "no": want its number, as "#0"`, key, "data.header")
	}
}

// columns checks a list of names and numbers of columns; all stands for all of them.
func (l *loader) columns(key string, list []string, want, all string) {
	for _, column := range list {
		number, ok := strings.CutPrefix(column, "#")
		_, err := strconv.ParseUint(number, 10, 31)
		l.rule(column == "" || ok && err != nil, strconv.Quote(shortened(column))+` is no column: want "#" and a number from 0, `+want, key)
		l.rule(!ok && (all == "" || column != all) && l.c.Data.Header == "no", `a column cannot be named when data.header is "no": want its number, as "#0"`, key, "data.header")
	}
}

func (l *loader) checkConsistency() {
	c := &l.c.Consistency
	policy, err := consistency.ParsePolicy(c.Policy)
	if err != nil {
		if !l.bad["consistency.policy"] {
			what := printable(strings.TrimPrefix(err.Error(), "consistency: "))
			l.note(Problem{at: l.c.origin["consistency.policy"], Key: "consistency.policy", What: what,
				Nearest: nearest(c.Policy, []string{"bsp", "ssp:S", "asp"})})
		}
		return
	}
	l.rule(c.Deterministic && !policy.Synchronous(), fmt.Sprintf(`needs the policy "bsp", not %q`, c.Policy),
		"consistency.deterministic", "consistency.policy")
	bounded := policy != consistency.ASP()
	l.rule(bounded && c.Window > policy.Window(), fmt.Sprintf("%d is more than slack + 1 = %d under the policy %q: reads would be staler than it allows",
		c.Window, policy.Window(), c.Policy), "consistency.window", "consistency.policy")
}

func (l *loader) checkCluster() {
	c := &l.c.Cluster
	l.rule(c.Parts != 0 && c.Parts < c.Workers, fmt.Sprintf("%d parts are fewer than %d workers: some would have no data", c.Parts, c.Workers),
		"cluster.parts", "cluster.workers")
	l.rule(c.Parts == 0 && l.c.Parts() > maxParts, fmt.Sprintf("%d workers * %d threads are too many parts: at most %d", c.Workers, c.Threads, maxParts),
		"cluster.threads", "cluster.workers", "cluster.parts")
	l.rule(c.Shards != 0 && c.Shards < c.Servers, fmt.Sprintf("%d shards are fewer than %d servers: some would hold nothing", c.Shards, c.Servers),
		"cluster.shards", "cluster.servers")
	l.rule(c.Shards > maxShards*c.Servers, fmt.Sprintf("%d shards are more than %d a server: each costs time in every clock, so that the job would stand still", c.Shards, maxShards),
		"cluster.shards", "cluster.servers")
	l.host("cluster.bind", c.Bind, "want an address without port, as \"127.0.0.1\"")
	if c.Advertise != "" {
		l.host("cluster.advertise", c.Advertise, "want an address without port, as \"10.0.0.1\"")
		ip, err := netip.ParseAddr(c.Advertise)
		l.rule(err == nil && ip.IsUnspecified(), c.Advertise+" is no address that others can reach", "cluster.advertise")
	}
	if c.Gossip != "" {
		l.hostPort("cluster.gossip", c.Gossip, 0)
	}
	if c.Data != "" {
		l.hostPort("cluster.data", c.Data, 0)
	}
	for i, addr := range c.Join {
		l.hostPort(fmt.Sprintf("cluster.join[%d]", i), addr, 1)
	}
}

// isHost reports whether s is an IP address or has the form of a host name.
func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	labels := strings.Split(strings.TrimSuffix(s, "."), ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if !bareKey(c) {
				return false
			}
		}
	}
	_, err := strconv.Atoi(labels[len(labels)-1]) // a number there is a mistyped IP address
	return err != nil && len(s) <= 253
}

func (l *loader) host(key, addr, want string) {
	l.rule(!isHost(addr), strconv.Quote(shortened(addr))+" is no address: "+want, key)
}

// hostPort wants an address with a port from least on; port 0 is any free one.
func (l *loader) hostPort(key, addr string, least uint64) {
	host, port, err := net.SplitHostPort(addr)
	p, perr := strconv.ParseUint(port, 10, 16)
	wrong := err != nil || perr != nil || p < least || !isHost(host)
	l.rule(wrong, fmt.Sprintf("%s is no address: want host:port with a port from %d to 65535, as \"10.0.0.1:7946\"",
		strconv.Quote(shortened(addr)), least), key)
}
