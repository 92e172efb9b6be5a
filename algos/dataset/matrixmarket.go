package dataset

func isBanner(line []byte) bool { return len(line) > 14 && string(line[:14]) == "%%MatrixMarket" }

func (s *Scanned) matrix(in *input) error { return nil }
