package cache

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
)

// Key tells files apart that are for different options or inputs.
type Key [sha256.Size]byte

// KeyOf is the key of everything that the content of a file depends on: the SHA-256
// of its JSON. Fields that JSON leaves out do not count.
func KeyOf(v any) (Key, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return Key{}, fmt.Errorf("cache: a key: %w", err)
	}
	return sha256.Sum256(text), nil
}
