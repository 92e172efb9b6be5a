//go:build !amd64 || purego

package kernel

func drawFast(t *Topics, rows rowKind) (int, *Topics) { return drawGo(t, rows) }
func fillFast(t *Topics, lanes *[16]float32, n int)   { fillGo(t, lanes, 0, n) }
