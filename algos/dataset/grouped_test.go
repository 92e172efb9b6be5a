package dataset

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLongRows: rows that are sorted by digits, in every form of columns and values, hold
// what was listed, in any number of parts.
func TestLongRows(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	for _, c := range []struct {
		name        string
		users, cols int
		value       func(r *rand.Rand) string
	}{
		{"few values", 20, 300, func(r *rand.Rand) string { return fmt.Sprintf(" %g", float64(r.IntN(9)+2)/2) }},
		{"many values", 20, 300, func(r *rand.Rand) string { return fmt.Sprintf(" %d", r.IntN(100_000)) }},
		{"float64", 20, 300, func(r *rand.Rand) string { return fmt.Sprintf(" %.15f", r.Float64()) }},
		{"ones", 20, 300, func(*rand.Rand) string { return "" }},
		{"written ones", 5, 300, func(*rand.Rand) string { return " 1" }},
		{"many columns", 150, 200_000, func(r *rand.Rand) string { return fmt.Sprintf(" %d", 1+r.IntN(5)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			rows, used := make([]map[int]string, c.users), make(map[int]int)
			var lines []string
			for u := range rows {
				rows[u] = make(map[int]string)
				for range 20 + r.IntN(1200)*(u%2) {
					j := r.IntN(c.cols)
					if _, twice := rows[u][j]; twice {
						continue
					}
					rows[u][j], used[j] = c.value(r), 0
					lines = append(lines, fmt.Sprintf("%d %d%s\n", u, j, rows[u][j]))
				}
			}
			r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
			text := strings.Join(lines, "")
			order := sortedKeys(used)
			for k, j := range order {
				used[j] = k
			}
			want := make([]string, len(rows))
			for u, row := range rows {
				want[u] = "?"
				for _, j := range sortedKeys(row) {
					v := strings.TrimLeft(row[j], " ")
					if v == "" {
						v = "1"
					}
					var x float64
					if _, err := fmt.Sscan(v, &x); err != nil {
						t.Fatal(err)
					}
					want[u] += fmt.Sprintf(" %d:%v", used[j], x)
				}
			}
			for _, of := range []int{1, 3} {
				o := listedOptions(Ratings)
				o.chunk = 1000
				got := mustLoad(t, "a", text, o, of)
				if c.name != "many values" { // which has zeros
					checkParts(t, got)
				}
				if d := cmp.Diff(want, got.rows()); d != "" {
					t.Errorf("%d parts (-want +got):\n%.2000s", of, d)
				}
			}
		})
	}
}

func sortedKeys[V any](m map[int]V) (keys []int) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
