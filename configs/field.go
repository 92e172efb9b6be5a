package configs

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// A Setting describes one setting, for a table in the documentation.
type Setting struct {
	Key     string // such as "cluster.servers"
	Type    string // string, integer, float, boolean, duration, table or list of ...
	Default string // as TOML; "" if there is none
	Doc     string // one line
}

// Settings lists the settings of all sections but [algorithm], in order.
func Settings() []Setting {
	var list []Setting
	for _, section := range fields(reflect.ValueOf(Default()).Elem()) {
		list = append(list, describe(section.name, section.value)...)
	}
	return list
}

// Describe lists the parameters of an algorithm in the same way, with keys
// below "algorithm": defaults is a pointer to the struct that
// [Config.Algorithm] decodes into, filled with its defaults.
func Describe(defaults any) []Setting {
	return describe("algorithm", target(defaults))
}

func describe(prefix string, v reflect.Value) []Setting {
	var list []Setting
	for _, f := range fields(v) {
		key := join(prefix, f.name)
		if inner, ok := section(f.value); ok {
			list = append(list, describe(key, inner)...)
			continue
		}
		s := Setting{Key: key, Type: typeName(f.value.Type()), Doc: f.doc}
		if n := nodeOf(f.value); n != nil {
			s.Default = string(n.appendTOML(nil))
		}
		list = append(list, s)
	}
	return list
}

// section is the struct that a value holds, if it is a table of settings.
func section(v reflect.Value) (reflect.Value, bool) {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	return v, v.Kind() == reflect.Struct && !isText(v.Type())
}

// A field is a setting as the tags of its struct describe it.
type field struct {
	name    string
	doc     string
	own     bool
	value   reflect.Value
	least   float64 // inclusive limits of a number
	most    float64
	limits  string   // the limits in words; "" if there are none
	choices []string // the values a string may have; nil for any
}

// fields lists the tagged fields of a struct in order, those of embedded
// structs among them.
func fields(v reflect.Value) []field {
	var list []field
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		name := sf.Tag.Get("toml")
		if sf.Anonymous && name == "" && sf.Type.Kind() == reflect.Struct {
			list = append(list, fields(v.Field(i))...)
			continue
		}
		if name == "" || name == "-" || !sf.IsExported() {
			continue
		}
		f := field{name: name, doc: sf.Tag.Get("doc"), own: sf.Tag.Get("own") != "", value: v.Field(i)}
		f.limit(sf.Tag)
		if one := sf.Tag.Get("oneof"); one != "" {
			f.choices = strings.Fields(one)
		}
		list = append(list, f)
	}
	return list
}

func (f *field) limit(tag reflect.StructTag) {
	lo, hi := tag.Get("min"), tag.Get("max")
	f.least, f.most = bound(lo, math.Inf(-1)), bound(hi, math.Inf(1))
	switch {
	case lo != "" && hi != "":
		f.limits = " from " + lo + " to " + hi
	case lo != "":
		f.limits = " of at least " + lo
	case hi != "":
		f.limits = " of at most " + hi
	}
}

// bound reads a min or max tag, which only this program writes.
func bound(text string, none float64) float64 {
	if text == "" {
		return none
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(fmt.Sprintf("configs: bad limit %q in a struct tag", text))
	}
	return x
}

func names(list []field) []string {
	s := make([]string, len(list))
	for i, f := range list {
		s[i] = f.name
	}
	return s
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	pathsType    = reflect.TypeFor[Paths]()
)

// isText reports whether a type is read from a string by its UnmarshalText.
func isText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textType) }

// typeName is the name of a type in messages and tables.
func typeName(t reflect.Type) string {
	if t == durationType {
		return "duration"
	}
	if t == pathsType {
		return "string or list of strings"
	}
	if isText(t) {
		return "string"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Float32, reflect.Float64:
		return "float"
	case reflect.Struct:
		return "table"
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Slice:
		return "list of " + typeName(t.Elem()) + "s"
	}
	if isInt(t.Kind()) || isUint(t.Kind()) {
		return "integer"
	}
	panic(fmt.Sprintf("configs: a setting cannot have type %s", t))
}

func isInt(k reflect.Kind) bool  { return reflect.Int <= k && k <= reflect.Int64 }
func isUint(k reflect.Kind) bool { return reflect.Uint <= k && k <= reflect.Uint64 }

// article is the name of a type with its article.
func article(t reflect.Type) string {
	name := typeName(t)
	if strings.HasPrefix(name, "i") {
		return "an " + name
	}
	return "a " + name
}

// nodeOf is the value of a setting as the document would have it; nil for a
// pointer that is not set.
func nodeOf(v reflect.Value) *node {
	t := v.Type()
	switch {
	case t.Kind() == reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return nodeOf(v.Elem())
	case t == durationType:
		return &node{value: v.Interface().(time.Duration).String()}
	case t == pathsType && v.Len() == 0:
		return &node{value: ""}
	case t == pathsType && v.Len() == 1:
		return &node{value: v.Index(0).String()}
	case isText(t):
		return &node{value: fmt.Sprint(v.Interface())}
	case t.Kind() == reflect.Slice:
		n := &node{kind: array}
		for i := range v.Len() {
			n.items = append(n.items, nodeOf(v.Index(i)))
		}
		return n
	case t.Kind() == reflect.Struct:
		n := newTable(place{})
		for _, f := range fields(v) {
			if child := nodeOf(f.value); child != nil {
				n.put(f.name, child)
			}
		}
		return n
	case isInt(t.Kind()):
		return &node{value: v.Int()}
	case isUint(t.Kind()):
		return &node{value: int64(v.Uint())} // a setting cannot be set beyond MaxInt64
	case t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64:
		return &node{value: v.Float()}
	case t.Kind() == reflect.Bool:
		return &node{value: v.Bool()}
	}
	return &node{value: v.String()}
}
