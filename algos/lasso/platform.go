package lasso

import "petuum/algos"

var (
	_ algos.Windowed = (*Lasso)(nil)
	_ algos.Detached = (*Lasso)(nil)
)

// Window is one round: its products are those of pairs that are new since the last.
func (l *Lasso) Window() int { return 1 }

// Detached says that rounds need no tables: coefficients travel in blocks.
func (l *Lasso) Detached() bool { return true }
