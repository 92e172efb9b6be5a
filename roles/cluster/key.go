package cluster

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"syscall"
)

// makeKey is what every complaint about a key file ends with.
const makeKey = "`head -c 32 /dev/urandom | base64` makes a good one"

// maxKeyFile is far more than a key in base64 takes.
const maxKeyFile = 4096

// ReadKey reads a gossip key from a file: 16, 24 or 32 random bytes in standard base64, and nothing
// else but white space around it.
func ReadKey(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe nobody writes to is empty, and no hang
	if err != nil {
		return nil, fmt.Errorf("cluster: key file: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("cluster: key file: %w", err)
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil, fmt.Errorf("cluster: key file %s: empty: %s", path, makeKey)
	}
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("cluster: key file %s: too long for a key: %s", path, makeKey)
	}
	// The text itself is a secret: no message shows any of it.
	key, err := base64.StdEncoding.Strict().DecodeString(string(text))
	if err != nil {
		return nil, fmt.Errorf("cluster: key file %s: not base64 (%w): %s", path, err, makeKey)
	}
	if err := checkKey(key); err != nil {
		return nil, fmt.Errorf("cluster: key file %s: %w: %s", path, err, makeKey)
	}
	return key, nil
}

// checkKey refuses a key that AES cannot use.
func checkKey(key []byte) error {
	switch len(key) {
	case 16, 24, 32:
		return nil
	}
	return fmt.Errorf("gossip key has %d bytes; want 16, 24 or 32", len(key))
}
