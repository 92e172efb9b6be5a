package configs

import "reflect"

// A Value is the effective value of one setting.
type Value struct {
	Key  string // such as "cluster.servers"
	TOML string // "" if it is not set and has no default
	JSON any    // the same for encoding/json; nil if it is not set
	From string // where it comes from, see [Config.From]
}

// Values lists the effective values of all settings in order, and below
// "algorithm" those of alg, a pointer to what [Config.Algorithm] has filled; nil for
// none.
func (c *Config) Values(alg any) []Value {
	var list []Value
	for _, section := range fields(reflect.ValueOf(c).Elem()) {
		list = c.values(list, section.name, section.value)
	}
	if alg != nil {
		list = c.values(list, "algorithm", target(alg))
	}
	return list
}

func (c *Config) values(list []Value, prefix string, v reflect.Value) []Value {
	for _, f := range fields(v) {
		key := join(prefix, f.name)
		if inner, ok := section(f.value); ok {
			list = c.values(list, key, inner)
			continue
		}
		value := Value{Key: key, From: c.From(key)}
		if n := nodeOf(f.value); n != nil {
			value.TOML, value.JSON = string(n.appendTOML(nil)), n.plain()
		}
		list = append(list, value)
	}
	return list
}

// plain is the value as encoding/json has it.
func (n *node) plain() any {
	switch n.kind {
	case table:
		m := map[string]any{}
		for _, k := range n.keys {
			m[k] = n.fields[k].plain()
		}
		return m
	case array, tables:
		list := make([]any, len(n.items))
		for i, item := range n.items {
			list[i] = item.plain()
		}
		return list
	}
	return n.value
}

// Where is the place of a problem for machines: its file and line, or the label of
// an override.
func (p Problem) Where() (file string, line int, label string) {
	if p.at.given != "" {
		return "", 0, p.at.label
	}
	return p.at.file, p.at.line, ""
}
