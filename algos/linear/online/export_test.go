package online

// HoldBits sets up to which size a part holds all of a model, until restore is called.
func HoldBits(bits int) (restore func()) {
	before := heldBits
	heldBits = bits
	return func() { heldBits = before }
}
