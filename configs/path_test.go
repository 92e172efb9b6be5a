package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree makes a folder with conf/ and here/, goes to here/ and gives its path.
func tree(t *testing.T, files ...string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, "conf/", "here/") {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(path, 0o700)
		} else {
			err = os.WriteFile(path, nil, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(dir, "here"))
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPaths(t *testing.T) {
	dir := tree(t, "conf/both.csv", "here/both.csv", "conf/conf.csv", "here/here.csv", "conf/key", "conf/folder/")
	for _, tt := range []struct {
		name, train string
		sets        []string
		want        string // below dir
		problem     string // DIR stands for dir
	}{
		{"folder of the file first", "both.csv", nil, "conf/both.csv", ""},
		{"then the working directory", "here.csv", nil, "here/here.csv", ""},
		{"dots", "../here/here.csv", nil, "here/here.csv", ""},
		{"absolute", filepath.Join(dir, "conf/conf.csv"), nil, "conf/conf.csv", ""},
		{"override is of the working directory", "both.csv", []string{"data.train=both.csv"}, "here/both.csv", ""},
		{"override not of the folder of the file", "both.csv", []string{"data.train=conf.csv"}, "", `--set data.train=conf.csv: no such file: looked for DIR/here/conf.csv`},
		{"missing", "no.csv", nil, "", `../conf/j.toml:5: data.train: no such file: looked for DIR/conf/no.csv and DIR/here/no.csv`},
		{"device", "/dev/null", nil, "", `../conf/j.toml:5: data.train: /dev/null is no regular file: want one, as data is read by several processes`},
		{"folder", "folder", nil, "", `../conf/j.toml:5: data.train: DIR/conf/folder is a folder: want a file`},
		{"missing test", "both.csv", []string{"data.test=no"}, "", `--set data.test=no: no such file: looked for DIR/here/no`},
		{"missing key file", "both.csv", []string{"cluster.key_file=key"}, "", `--set cluster.key_file=key: no such file: looked for DIR/here/key`},
		{"with other problems", "no.csv", []string{"job.seed=-1"}, "", "../conf/j.toml:5: data.train: no such file: looked for DIR/conf/no.csv and DIR/here/no.csv\n" +
			"--set job.seed=-1: -1 is out of range: want an integer of at least 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			write(t, filepath.Join(dir, "conf/j.toml"), "[job]\nalgorithm = \"x\"\n\n[data]\ntrain = \""+tt.train+"\"\n[cluster]\nkey_file = \"key\"\n[output]\nmodel = \"out/\"\n")
			c, err := Load("../conf/j.toml", over(tt.sets...))
			if tt.problem != "" {
				got := ""
				if err != nil {
					got = strings.ReplaceAll(err.Error(), dir, "DIR")
				}
				if got != tt.problem {
					t.Errorf("\ngot  %s\nwant %s", got, tt.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range []struct{ key, got, want string }{
				{"data.train", c.Data.Train.String(), tt.want}, {"cluster.key_file", c.Cluster.KeyFile, "conf/key"}, {"output.model", c.Output.Model, "here/out"},
			} {
				if want := filepath.Join(dir, p.want); p.got != want {
					t.Errorf("%s: got %s, want %s", p.key, p.got, want)
				}
			}
			if c.Job.Name != "j" || c.Data.Test != nil {
				t.Errorf("got name %q and test %q, want j and none", c.Job.Name, c.Data.Test)
			}
			roundTrip(t, c)
		})
	}
}

// TestStartFolder: the folder of a model is an input.
func TestStartFolder(t *testing.T) {
	dir := tree(t, "conf/a.csv", "conf/m/manifest.json", "here/m/manifest.json", "here/n/manifest.json")
	for _, c := range []struct{ name, file, set, want, problem string }{
		{"beside the file", "m", "", "conf/m", ""},
		{"in the working directory", "n", "", "here/n", ""},
		{"on the command line", "n", "m", "here/m", ""},
		{"none", "o", "", "", "../conf/j.toml:3: job.start: no such folder: looked for DIR/conf/o and DIR/here/o"},
		{"a file", "a.csv", "", "", "../conf/j.toml:3: job.start: DIR/conf/a.csv is a file: want a folder"},
		{"only beside the file", "m", "conf/m", "", "--set job.start=conf/m: no such folder: looked for DIR/here/conf/m"},
	} {
		t.Run(c.name, func(t *testing.T) {
			write(t, filepath.Join(dir, "conf/j.toml"), "[job]\nalgorithm = \"x\"\nstart = \""+c.file+"\"\n[data]\ntrain = \"a.csv\"\n")
			var sets []string
			if c.set != "" {
				sets = append(sets, "job.start="+c.set)
			}
			got, err := Load("../conf/j.toml", over(sets...))
			if c.problem != "" {
				if err == nil || strings.ReplaceAll(err.Error(), dir, "DIR") != c.problem {
					t.Errorf("\ngot  %v\nwant %s", err, c.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := filepath.Join(dir, c.want); got.Job.Start != want {
				t.Errorf("got %s, want %s", got.Job.Start, want)
			}
			role, err := LoadRole("", over("job.start=elsewhere/"+filepath.Base(c.want)))
			if err != nil {
				t.Fatal(err)
			}
			if err := role.Conflicts(got); err == nil {
				t.Error("a role with another start is not refused")
			}
			if role, err = LoadRole("", over("job.start="+filepath.Base(c.want))); err != nil || role.Conflicts(got) != nil {
				t.Errorf("a role with the same start: %v, %v", err, role.Conflicts(got))
			}
		})
	}
}

func TestLoadRole(t *testing.T) {
	dir := tree(t, "conf/here.csv")
	write(t, filepath.Join(dir, "conf/w.toml"), "[cluster]\njoin = [\"a:1\"]\n[data]\ntrain = \"no.csv\"\ntest = \"here.csv\"\n")
	c, err := LoadRole("../conf/w.toml", over("log.level=warn"))
	if err != nil {
		t.Fatal(err)
	}
	scheduler := mustParse(t, job, "data.train=/elsewhere/no.csv", "data.test=/elsewhere/here.csv")
	if err := c.Conflicts(scheduler); err != nil {
		t.Errorf("relative paths of another machine: %v", err)
	}
	scheduler = mustParse(t, job, "data.train=/elsewhere/no.csv", "data.test=/elsewhere/other.csv")
	if err := c.Conflicts(scheduler); err == nil || !strings.HasPrefix(err.Error(), "../conf/w.toml:5: data.test: ") {
		t.Errorf("got %v, want a refusal of data.test on line 5", err)
	}
	if c, err = LoadRole("", over("cluster.join=[\"a:1\"]")); err != nil || c.Cluster.Join[0] != "a:1" {
		t.Errorf("no file: got %+v, %v", c, err)
	}
	if _, err = LoadRole("", over("cluster.threads=0")); err == nil {
		t.Error("no threads: accepted")
	}
}

func TestLoadWithoutFile(t *testing.T) {
	dir := tree(t, "here/a.csv")
	c, err := Load("", over("job.algorithm=x", "data.train=a.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "here/a.csv"); c.Data.Train.String() != want || c.Job.Name != "job" {
		t.Errorf("got %s, %s, want %s, job", c.Data.Train, c.Job.Name, want)
	}
	_, err = Load("", nil)
	if want := "no file: job.algorithm: required: the name of an algorithm\nno file: data.train: required: the path of the training data"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err = Load("no.toml", nil); err == nil || !strings.Contains(err.Error(), "no.toml") {
		t.Errorf("got %v, want an error that names no.toml", err)
	}
	if _, err = Load(dir, nil); err == nil {
		t.Error("a folder was accepted as configuration")
	}
}

func TestPatterns(t *testing.T) {
	dir := tree(t, "conf/p/b-1.csv", "conf/p/b-2.csv", "conf/p/b-10.csv", "conf/a.csv", "conf/both-1", "here/both-2", "here/h-1.csv", "conf/odd[1].csv", "conf/odd1.csv", "conf/d/sub/", "conf/d/x", "conf/s/a/1", "conf/s/a-b/1")
	if err := os.Symlink("a.csv", filepath.Join(dir, "conf/link.csv")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, train string // TOML
		sets        []string
		want        string // below dir, with blanks between
		problem     string // DIR stands for dir
	}{
		{"list", `["p/b-2.csv", "a.csv"]`, nil, "conf/p/b-2.csv conf/a.csv", ""},
		{"list of one", `["a.csv"]`, nil, "conf/a.csv", ""},
		{"sorted", `"p/b-*.csv"`, nil, "conf/p/b-1.csv conf/p/b-10.csv conf/p/b-2.csv", ""},
		{"sorted as a whole", `"s/*/1"`, nil, "conf/s/a-b/1 conf/s/a/1", ""},
		{"one character", `"p/b-?.csv"`, nil, "conf/p/b-1.csv conf/p/b-2.csv", ""},
		{"one of several", `"p/b-[2-9].csv"`, nil, "conf/p/b-2.csv", ""},
		{"list of patterns", `["p/b-1*.csv", "h-*.csv"]`, nil, "conf/p/b-1.csv conf/p/b-10.csv here/h-1.csv", ""},
		{"the file's folder only", `"both-*"`, nil, "conf/both-1", ""},
		{"override: the working directory only", `"a.csv"`, []string{"data.train=both-*"}, "here/both-2", ""},
		{"absolute", fmt.Sprintf("%q", filepath.Join(dir, "conf/p/b-1*")), nil, "conf/p/b-1.csv conf/p/b-10.csv", ""},
		{"a name with brackets", `"odd[1].csv"`, nil, "conf/odd[1].csv", ""},
		{"no match", `"q/*.csv"`, nil, "", "../conf/j.toml:5: data.train: no file matches: looked for DIR/conf/q/*.csv and DIR/here/q/*.csv"},
		{"one of a list", "[\"a.csv\",\n \"no.csv\"]", nil, "", "../conf/j.toml:6: data.train[1]: no such file: looked for DIR/conf/no.csv and DIR/here/no.csv"},
		{"all of a list", "[\"x\",\n \"y*\"]", nil, "", "../conf/j.toml:5: data.train[0]: no such file: looked for DIR/conf/x and DIR/here/x\n" +
			"../conf/j.toml:6: data.train[1]: no file matches: looked for DIR/conf/y* and DIR/here/y*"},
		{"twice", `["a.csv", "./a.csv"]`, nil, "", `../conf/j.toml:5: data.train[1]: DIR/conf/a.csv is there twice: "a.csv" and "./a.csv" both mean it`},
		{"twice by patterns", `["p/b-1.csv", "p/b-1*"]`, nil, "", `../conf/j.toml:5: data.train[1]: DIR/conf/p/b-1.csv is there twice: "p/b-1.csv" and "p/b-1*" both mean it`},
		{"twice by a link", `["a.csv", "link.csv"]`, nil, "", `../conf/j.toml:5: data.train[1]: DIR/conf/link.csv is there twice: "a.csv" and "link.csv" both mean it`},
		{"any depth", `"**/*.csv"`, nil, "", `../conf/j.toml:5: data.train: ** is no pattern here: * stands for any text without /, so name each folder, as in "data/*/part-*.csv"`},
		{"bad pattern", `"a[1.csv"`, nil, "", `../conf/j.toml:5: data.train: a[1.csv is no pattern: a [ needs its ], or \ before it`},
		{"a folder", `"d/*"`, nil, "", `../conf/j.toml:5: data.train: DIR/conf/d/sub is a folder: want a pattern that only files match`},
		{"an empty one", `["a.csv", ""]`, nil, "", "../conf/j.toml:5: data.train[1]: an empty path"},
		{"an empty list", `[]`, nil, "", "../conf/j.toml:5: data.train: required: the path of the training data"},
		{"no text", `["a.csv", 5]`, nil, "", `../conf/j.toml:5: data.train[1]: want a string, got the integer 5: a string needs quotes, as "5"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			write(t, filepath.Join(dir, "conf/j.toml"), "[job]\nalgorithm = \"x\"\n\n[data]\ntrain = "+tt.train+"\n")
			c, err := Load("../conf/j.toml", over(tt.sets...))
			got := ""
			if err != nil {
				got = strings.ReplaceAll(err.Error(), dir, "DIR")
			}
			if got != tt.problem {
				t.Fatalf("\ngot  %s\nwant %s", got, tt.problem)
			}
			if err != nil {
				return
			}
			var want Paths
			for _, name := range strings.Fields(tt.want) {
				want = append(want, filepath.Join(dir, name))
			}
			if !slices.Equal(c.Data.Train, want) {
				t.Errorf("got %v, want %v", c.Data.Train, want)
			}
			roundTrip(t, c)
			// What was expanded is read again as it is, also from a file.
			write(t, filepath.Join(dir, "again.toml"), string(c.Encode()))
			again, err := Load(filepath.Join(dir, "again.toml"), nil)
			if err != nil || !slices.Equal(again.Data.Train, want) {
				t.Errorf("read again: got %v, %v, want %v", again.Data.Train, err, want)
			}
		})
	}
}

// A folder with the characters of a pattern is no pattern.
func TestPatternInOddFolder(t *testing.T) {
	dir := tree(t, "here/[x]*/a-1", "here/x1/a-2")
	write(t, filepath.Join(dir, "here/[x]*/j.toml"), "job.algorithm = \"x\"\ndata.train = \"a-*\"\n")
	c, err := Load("[x]*/j.toml", nil)
	if want := (Paths{filepath.Join(dir, "here/[x]*/a-1")}); err != nil || !slices.Equal(c.Data.Train, want) {
		t.Errorf("got %v, %v, want %v", c.Data.Train, err, want)
	}
}

// A role's patterns and the scheduler's files.
func TestConflictOfPaths(t *testing.T) {
	scheduler := mustParse(t, "job.algorithm = \"x\"\ndata.train = [\"/s/data/p-1.csv\", \"/s/data/p-2.csv\"]\n")
	for train, agree := range map[string]bool{
		`"data/p-*.csv"`: true, `"../data/p-?.csv"`: true, `["p-1.csv", "p-2.csv"]`: true, `["/s/data/p-1.csv", "p-2.csv"]`: true,
		`"p-1.csv"`: false, `["p-1.csv", "p-2.csv", "p-3.csv"]`: false, `"q-*.csv"`: false, `"/t/data/p-*.csv"`: false, `""`: false,
	} {
		path := filepath.Join(t.TempDir(), "w.toml")
		write(t, path, "data.train = "+train)
		c, err := LoadRole(path, nil)
		if err != nil {
			t.Fatalf("%s: %v", train, err)
		}
		if err := c.Conflicts(scheduler); (err == nil) != agree {
			t.Errorf("%s: got %v, want agreement: %v", train, err, agree)
		}
	}
}
