package configs

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// An Override is a value that is laid over what the file says, and the name under
// which the user knows it.
type Override struct {
	Label string // such as "--set", "--bind" or "PETUUM_CLUSTER_BIND"
	Key   string // such as "cluster.bind"; "" if Text is "section.key=value"
	Text  string // what the user gave, without the label

	unknown bool   // a variable of no setting
	nearest string // whose name is closest to this
	kind    string // Setting.Type
}

// Set is the override that --set gives: "section.key=value".
func Set(text string) Override { return Override{Label: "--set", Text: text} }

// given is the override as the user wrote it.
func (o Override) given() string {
	switch {
	case o.variable():
		return printable(o.Label) + "=" + printable(o.Text)
	case o.Text == "":
		return o.Label + ` ""`
	}
	return o.Label + " " + printable(o.Text)
}

func (o Override) variable() bool { return strings.HasPrefix(o.Label, prefix) }

// prefix is how the variables of settings begin.
const prefix = "PETUUM_"

// Variable is the environment variable of a setting: PETUUM_CLUSTER_KEY_FILE for
// "cluster.key_file".
func Variable(key string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// isVariable says whether a variable has the name of a section in it, so that it
// can only be a setting's. Of all others, such as PETUUM_DATA, nothing is known here.
func isVariable(name string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return false
	}
	if key, ok := strings.CutPrefix(rest, "ALGORITHM_"); ok {
		return key != ""
	}
	for _, f := range fields(reflect.ValueOf(Default()).Elem()) {
		if key, ok := strings.CutPrefix(rest, strings.ToUpper(f.name)+"_"); ok && key != "" {
			return true
		}
	}
	return false
}

// Environment lists the overrides of an environment ("NAME=value", as os.Environ
// has it) by name. parameters are those of all algorithms, see [Describe]. A
// variable with the name of a section that no setting has is a problem when the
// overrides are used.
func Environment(environ []string, parameters []Setting) []Override {
	known := map[string]Setting{}
	for _, s := range slices.Concat(parameters, Settings()) {
		known[Variable(s.Key)] = s
	}
	found := map[string]Override{}
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		if !isVariable(name) {
			continue
		}
		o := Override{Label: name, Text: text}
		if s, ok := known[name]; ok {
			o.Key, o.kind = s.Key, s.Type
		} else {
			o.unknown, o.nearest = true, nearest(name, slices.Sorted(maps.Keys(known)))
		}
		found[name] = o
	}
	var list []Override
	for _, name := range slices.Sorted(maps.Keys(found)) {
		list = append(list, found[name])
	}
	return list
}

// WithoutSettings is an environment without the variables of settings.
func WithoutSettings(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return isVariable(name)
	})
}

// override puts the value of an override into the tree.
func (l *loader) override(root *node, o Override, nth int) {
	at := place{file: l.c.file, given: o.given(), label: o.Label, nth: nth}
	fail := func(key, what string) { l.note(Problem{at: at, Key: key, What: what}) }
	switch {
	case len(o.Text) > maxText:
		fail("", "the value is too large")
		return
	case !utf8.ValidString(o.Text):
		fail("", "the text is not valid UTF-8")
		return
	case o.unknown:
		l.note(Problem{at: at, What: "no setting has this variable", Nearest: o.nearest})
		return
	case o.Key != "":
		path := strings.Split(o.Key, ".")
		if t := l.below(root, path, at); t != nil {
			last := path[len(path)-1]
			t.put(last, o.value(t.fields[last], at))
		}
		return
	}
	s := newScanner([]byte(o.Text), at)
	path, ok := s.key()
	if !ok || s.peek() != '=' {
		fail("", "want section.key=value")
		return
	}
	if len(path) == 1 && (path[0] == "algorithm" || l.isSection(path[0])) {
		fail(join("", path[0]), "want section.key=value: a section cannot be set as a whole")
		return
	}
	if t := l.below(root, path, at); t != nil {
		n := overrideValue(o.Text[s.pos+1:], at)
		if _, ok := n.value.(string); !ok && n.kind == scalar && settingIsText(strings.Join(path, ".")) {
			n = &node{at: at, value: o.Text[s.pos+1:]} // the shell has taken the quotes
		}
		t.put(path[len(path)-1], n)
	}
}

// below is the table in which the last key of a path stands; nil, with a problem
// noted, if something else stands there.
func (l *loader) below(root *node, path []string, at place) *node {
	full, t := "", root
	for _, k := range path[:len(path)-1] {
		full = join(full, k)
		child := t.fields[k]
		if child == nil || child.kind == broken {
			child = newTable(at)
			t.put(k, child)
		} else if child.kind != table {
			l.note(Problem{at: at, Key: full, What: fmt.Sprintf("%s is not a table: it is %s", full, child.describe())})
			return nil
		}
		t = child
	}
	return t
}

func (l *loader) isSection(name string) bool {
	for _, f := range fields(reflect.ValueOf(l.c).Elem()) {
		if f.name == name {
			return true
		}
	}
	return false
}

// settingIsText says whether the values of a setting are text: one string, or files.
func settingIsText(key string) bool {
	return slices.ContainsFunc(Settings(), func(s Setting) bool {
		return s.Key == key && strings.HasPrefix(s.Type, "string")
	})
}

// value is that of an override whose setting is known, and so whether it is text:
// then it needs no quotes, whatever it looks like. A flag for a list gives an
// element, which joins those that the same flag gave before.
func (o Override) value(before *node, at place) *node {
	kind := o.kind
	for _, s := range Settings() {
		if s.Key == o.Key {
			kind = s.Type
		}
	}
	n := overrideValue(o.Text, at)
	isText := strings.Contains(kind, "string")
	if _, ok := n.value.(string); isText && (!o.variable() || n.kind == scalar && !ok) {
		n = &node{at: at, value: o.Text}
	}
	if strings.HasPrefix(kind, "list of") && n.kind == scalar {
		n = &node{kind: array, at: at, items: []*node{n}}
		if before != nil && before.kind == array && before.at.label == o.Label {
			n.items = append(slices.Clone(before.items), n.items...)
		}
	}
	return n
}

// overrideValue reads a value as TOML or, if it is not, as a bare string.
func overrideValue(text string, at place) *node {
	s := newScanner([]byte(text), at)
	s.spaces()
	n := s.value("")
	s.spaces()
	if n == nil || n.kind == broken || len(s.problems) > 0 || s.pos < len(s.text) {
		return &node{at: at, value: text}
	}
	var doc map[string]any
	if _, err := decodeTOML("v = "+text, &doc); err != nil || len(doc) != 1 {
		return &node{at: at, value: text}
	}
	n.at = at
	return n
}
