package configs

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// A decoder fills structs from a tree and notes every problem on the way.
type decoder struct {
	problems Errors
	bad      map[string]bool // keys with a problem: no conclusions from their values
}

func (d *decoder) fail(n *node, key, format string, args ...any) {
	d.note(Problem{at: n.at, Key: key, What: fmt.Sprintf(format, args...)})
}

func (d *decoder) note(p Problem) {
	if d.bad == nil {
		d.bad = map[string]bool{}
	}
	d.bad[p.Key] = true
	d.problems = append(d.problems, p)
}

// table decodes a table into the tagged fields of a struct. elsewhere gives for
// a wrong key the full name of a key of that name in another section.
func (d *decoder) table(n *node, key string, v reflect.Value, elsewhere func(name string) string) {
	if n.kind == broken {
		return
	}
	if n.kind != table {
		d.fail(n, key, "want a table, got %s", n.describe())
		return
	}
	list := fields(v)
	byName := make(map[string]field, len(list))
	for _, f := range list {
		byName[f.name] = f
	}
	for _, name := range n.keys {
		full := join(key, name)
		if f, ok := byName[name]; ok {
			d.value(n.fields[name], full, f, f.value)
			continue
		}
		near := elsewhere(name)
		meant := near
		if near == "" {
			near = nearest(name, names(list))
			meant = join(key, near)
		}
		d.note(Problem{at: n.fields[name].at, Key: full, What: "unknown key", Nearest: near})
		d.bad[meant] = true
	}
}

// nowhere is the elsewhere of a table without sisters.
func nowhere(string) string { return "" }

// value decodes a value into v, which is the field or an element of it.
func (d *decoder) value(n *node, key string, f field, v reflect.Value) {
	t := v.Type()
	wrong := func() {
		got := n.describe()
		if s, ok := n.value.(string); !ok && n.kind == scalar && t.Kind() == reflect.String {
			got += fmt.Sprintf(": a string needs quotes, as %q", string(n.appendTOML(nil)))
		} else if ok && strings.TrimSpace(s) == "" && n.at.given != "" {
			got = "no value"
		}
		d.fail(n, key, "want %s%s, got %s", article(t), f.limits, got)
	}
	switch {
	case n.kind == broken:
	case t.Kind() == reflect.Pointer:
		p := reflect.New(t.Elem())
		if !v.IsNil() {
			p.Elem().Set(v.Elem())
		}
		d.value(n, key, f, p.Elem())
		v.Set(p)
	case t == durationType:
		d.duration(n, key, v, wrong)
	case t == pathsType && n.kind == scalar:
		d.path(n, v, wrong)
	case t == pathsType && n.kind == array && len(n.items) == 0:
		v.SetZero()
	case isText(t):
		d.text(n, key, v, wrong)
	case t.Kind() == reflect.Struct:
		d.table(n, key, v, nowhere)
	case t.Kind() == reflect.Slice:
		d.list(n, key, f, v, wrong)
	case n.kind != scalar:
		wrong()
	default:
		d.scalar(n, key, f, v, wrong)
	}
}

func (d *decoder) scalar(n *node, key string, f field, v reflect.Value, wrong func()) {
	switch x := n.value.(type) {
	case bool:
		if v.Kind() == reflect.Bool {
			v.SetBool(x)
			return
		}
	case string:
		if v.Kind() == reflect.String {
			d.choice(n, key, f, x)
			v.SetString(x)
			return
		}
	case int64:
		if isInt(v.Kind()) || isUint(v.Kind()) {
			d.integer(n, key, f, v, x)
			return
		}
		if v.CanFloat() {
			d.float(n, key, f, v, float64(x))
			return
		}
	case float64:
		if v.CanFloat() {
			d.float(n, key, f, v, x)
			return
		}
	}
	wrong()
}

func (d *decoder) integer(n *node, key string, f field, v reflect.Value, x int64) {
	limits := f.limits
	if isUint(v.Kind()) && limits == "" {
		limits = " of at least 0"
	}
	switch {
	case float64(x) < f.least || float64(x) > f.most || isUint(v.Kind()) && x < 0:
		d.fail(n, key, "%d is out of range: want an integer%s", x, limits)
	case isInt(v.Kind()) && v.OverflowInt(x) || isUint(v.Kind()) && v.OverflowUint(uint64(x)):
		d.fail(n, key, "%d is out of range: want an integer that fits in %d bits", x, v.Type().Bits())
	case isInt(v.Kind()):
		v.SetInt(x)
	default:
		v.SetUint(uint64(x))
	}
}

func (d *decoder) float(n *node, key string, f field, v reflect.Value, x float64) {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		d.fail(n, key, "%s is not a finite number", formatFloat(x))
	case x < f.least || x > f.most:
		d.fail(n, key, "%s is out of range: want a float%s", strconv.FormatFloat(x, 'g', -1, 64), f.limits)
	case v.OverflowFloat(x):
		d.fail(n, key, "%s is out of range: want a float that fits in 32 bits", formatFloat(x))
	default:
		v.SetFloat(x)
	}
}

// choice checks a string that has a closed list of values.
func (d *decoder) choice(n *node, key string, f field, s string) {
	if f.choices == nil {
		return
	}
	for _, c := range f.choices {
		if s == c {
			return
		}
	}
	what := fmt.Sprintf("%s is not one of %s", strconv.Quote(shortened(s)), strings.Join(f.choices, ", "))
	d.note(Problem{at: n.at, Key: key, What: what, Nearest: nearest(s, f.choices)})
}

func (d *decoder) list(n *node, key string, f field, v reflect.Value, wrong func()) {
	if n.kind != array && n.kind != tables {
		wrong()
		return
	}
	list := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	before := len(d.problems)
	for i, item := range n.items {
		d.value(item, fmt.Sprintf("%s[%d]", key, i), f, list.Index(i))
	}
	if len(d.problems) > before {
		d.bad[key] = true
	}
	v.Set(list)
}

// path decodes a list of paths that is written as the one path it has, or as "".
func (d *decoder) path(n *node, v reflect.Value, wrong func()) {
	switch s, ok := n.value.(string); {
	case !ok:
		wrong()
	case s == "":
		v.SetZero()
	default:
		v.Set(reflect.ValueOf(Paths{s}))
	}
}

func (d *decoder) duration(n *node, key string, v reflect.Value, wrong func()) {
	s, ok := n.value.(string)
	if !ok {
		wrong()
		return
	}
	x, err := time.ParseDuration(s)
	if err != nil {
		d.fail(n, key, "%s is not a duration: want a number and a unit, as \"250ms\"", strconv.Quote(shortened(s)))
		return
	}
	v.SetInt(int64(x))
}

func (d *decoder) text(n *node, key string, v reflect.Value, wrong func()) {
	s, ok := n.value.(string)
	if !ok {
		wrong()
		return
	}
	if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)); err != nil {
		d.fail(n, key, "%s", printable(err.Error()))
	}
}

// target is the struct that a pointer leads to. Anything else is a caller's bug.
func target(dst any) reflect.Value {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("configs: want a pointer to a struct, got %T", dst))
	}
	return v.Elem()
}

// Algorithm decodes the [algorithm] table into the fields of *dst that have a
// toml tag, as strictly as the settings: dst holds the defaults, and the tags
// min, max, oneof and doc work as in [Config]. Fields may be booleans, numbers,
// strings, durations, types that implement [encoding.TextUnmarshaler], structs
// (tables), pointers and slices of these. With an error, which is [Errors], dst
// is as it was.
func (c *Config) Algorithm(dst any) error { return c.algorithm(dst, false) }

// ValidAlgorithm is Algorithm that also asks the method Validate() error of *dst,
// if it has one, and reports all at once. An error among those that Validate joins
// may say by a method Parameters() []string which parameters it is about.
func (c *Config) ValidAlgorithm(dst any) error { return c.algorithm(dst, true) }

func (c *Config) algorithm(dst any, validate bool) error {
	v := target(dst)
	fresh := reflect.New(v.Type()).Elem()
	fresh.Set(v)
	var d decoder
	d.table(c.params, "algorithm", fresh, nowhere)
	if a, ok := fresh.Addr().Interface().(interface{ Validate() error }); ok && validate && !c.lost {
		c.refused(&d, a.Validate())
	}
	if err := d.problems.sorted(); err != nil {
		return err
	}
	v.Set(fresh)
	return nil
}

// refused notes what Validate reports, each where the first of its parameters that
// is set stands, unless one of them has a problem already.
func (c *Config) refused(d *decoder, err error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			c.refused(d, err)
		}
		return
	}
	p := Problem{at: c.params.at, Key: "algorithm", What: printable(err.Error())}
	if p.at.line == 0 && p.at.given == "" {
		p.at = c.origin["job.algorithm"]
	}
	var about interface{ Parameters() []string }
	if errors.As(err, &about) {
		set := false
		for i, name := range about.Parameters() {
			key := "algorithm." + name
			if i == 0 {
				p.Key = key
			}
			if d.bad[key] || c.bad[key] {
				return
			}
			if at, ok := c.origin[key]; ok && !set {
				p.at, set = at, true
			}
		}
	}
	d.note(p)
}
