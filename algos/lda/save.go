package lda

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Saved state is, little endian,
//
//	"LDAP" | step slices parts | of each slice: last term counted | beta of terms | sums told | topics of tokens
//
// with 8 bytes for each number but the last, which package gibbs saves and checks.
const magic = "LDAP"

// Save writes where the part is in the rotation, what it told of priors, and its topics.
func (a *LDA) Save(w io.Writer) error {
	n := a.plan.slices()
	if a.step%n != 0 {
		return fmt.Errorf("lda: the state is saved behind whole sweeps, of %d clocks each: set evaluate.every to a multiple of %[1]d, or to 0", n)
	}
	b := append([]byte(nil), magic...)
	b, err := binary.Append(b, binary.LittleEndian, []int64{int64(a.step), int64(n), int64(a.rotation.parts)})
	for _, v := range a.kept() {
		if err == nil {
			b, err = binary.Append(b, binary.LittleEndian, v)
		}
	}
	if err == nil {
		_, err = w.Write(b)
	}
	if err != nil {
		return fmt.Errorf("lda: save: %w", err)
	}
	return a.state.Save(w)
}

// Restore reads what Save has written.
func (a *LDA) Restore(r io.Reader) error {
	head := make([]byte, len(magic))
	var numbers [3]int64
	if _, err := io.ReadFull(r, head); err != nil {
		return fmt.Errorf("lda: restore: %w", err)
	}
	if string(head) != magic {
		return errors.New("lda: restore: this is no saved state")
	}
	if err := binary.Read(r, binary.LittleEndian, numbers[:]); err != nil {
		return fmt.Errorf("lda: restore: %w", err)
	}
	if want := [3]int64{int64(a.step), int64(a.plan.slices()), int64(a.rotation.parts)}; numbers != want {
		return fmt.Errorf("lda: restore: saved at step %d with %d slices for %d parts, and this is step %d with %d for %d",
			numbers[0], numbers[1], numbers[2], want[0], want[1], want[2])
	}
	for _, v := range a.kept() {
		if err := binary.Read(r, binary.LittleEndian, v); err != nil {
			return fmt.Errorf("lda: restore: %w", err)
		}
	}
	for _, p := range a.rotation.last {
		if p < -1 || p >= int64(a.rotation.parts) {
			return fmt.Errorf("lda: restore: a slice was held by part %d of %d", p, a.rotation.parts)
		}
	}
	var n counter // the reader of the topics reads ahead, but not what is behind them
	if err := a.state.Save(&n); err != nil {
		return err
	}
	return a.state.Restore(io.LimitReader(r, int64(n)))
}

// counter counts what is written to it.
type counter int64

func (n *counter) Write(b []byte) (int, error) {
	*n += counter(len(b))
	return len(b), nil
}

// kept is what is saved besides the topics.
func (a *LDA) kept() []any {
	return []any{a.rotation.last, a.rotation.term, a.rotation.counted, a.rotation.beta, a.prior.told}
}
