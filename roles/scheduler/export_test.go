package scheduler

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
)

func TestSpaceless(t *testing.T) {
	full := fmt.Errorf("model: %w", &os.PathError{Op: "write", Path: "out/.m.tmp-1/weights.bin", Err: syscall.ENOSPC})
	want := "model: out/m: no space left on device: free some or set output.model to another disk, and run the job again; what was there before still is"
	if got := spaceless(full, "out/m"); got.Error() != want || !errors.Is(got, syscall.ENOSPC) {
		t.Errorf("got %v\nwant %s", got, want)
	}
	for _, other := range []error{os.ErrClosed, fmt.Errorf("model: %w", syscall.EACCES)} {
		if got := spaceless(other, "out/m"); got != other {
			t.Errorf("got %v, want %v", got, other)
		}
	}
}
