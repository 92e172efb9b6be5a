package dataset

import ("testing";"os";"time";"runtime")

func TestZZ(t *testing.T) {
	path := os.Getenv("ZZ")
	if path == "" { t.Skip() }
	o := Defaults()
	o.Quantity = os.Getenv("ZQ") != ""
	t0 := time.Now()
	s, err := Scan([]string{path}, o, []int{0,1}, 2)
	if err != nil { t.Fatal(err) }
	t1 := time.Now()
	info, err := s.Info(0).Merge(s.Info(1))
	if err != nil { t.Fatal(err) }
	parts, err := s.Parts(info)
	if err != nil { t.Fatal(err) }
	t2 := time.Now()
	x := Matrix{}; if os.Getenv("ZT") != "" { x = parts[0].X.Transpose() }
	t3 := time.Now()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b, _ := os.ReadFile("/proc/self/status")
	t.Logf("scan %v parts %v transpose(0) %v bytes %d+%d index %d value %d rows %d nnz %d\n%s", t1.Sub(t0), t2.Sub(t1), t3.Sub(t2), parts[0].X.Bytes(), parts[1].X.Bytes(), parts[0].X.index, parts[0].X.value, x.Rows(), x.NNZ(), string(b[1:1]))
	for _, l := range []string{"VmHWM"} { for _, line := range splitLines(string(b)) { if len(line) > 5 && line[:5] == l { t.Log(line) } } }
}
func splitLines(s string) (out []string) { cur := ""; for _, c := range s { if c == '\n' { out = append(out, cur); cur = "" } else { cur += string(c) } }; return }
