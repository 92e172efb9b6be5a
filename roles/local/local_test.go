package local

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestLimited(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&os.PathError{Op: "fork/exec", Path: "petuum", Err: syscall.EMFILE}, "ulimit -n"},
		{os.NewSyscallError("pipe2", syscall.EMFILE), "ulimit -n"},
		{&os.PathError{Op: "fork/exec", Path: "petuum", Err: syscall.EAGAIN}, "ulimit -u"},
		{os.ErrNotExist, ""},
		{errors.New("else"), ""},
	} {
		if got := limited(c.err); !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%v: got %q, want %q in it", c.err, got, c.want)
		}
	}
}
