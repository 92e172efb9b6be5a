package configs

import (
	"fmt"
	"reflect"
	"slices"
)

// Encode is the effective configuration as TOML, every setting included, in one
// canonical form: [Parse] reads it back, and encoding that gives the same
// bytes. It is what the scheduler sends to the other roles.
func (c *Config) Encode() []byte {
	var b []byte
	for _, section := range fields(reflect.ValueOf(c).Elem()) {
		b = fmt.Appendf(b, "[%s]\n", section.name)
		for _, f := range fields(section.value) {
			if n := nodeOf(f.value); n != nil {
				b = appendPair(b, f.name, n)
			}
		}
		b = append(b, '\n')
	}
	b = append(b, "[algorithm]\n"...)
	for _, k := range slices.Sorted(slices.Values(c.params.keys)) {
		b = appendPair(b, k, c.params.fields[k])
	}
	return b
}

func appendPair(b []byte, key string, n *node) []byte {
	b = append(append(b, quoteKey(key)...), " = "...)
	return append(n.appendTOML(b), '\n')
}
