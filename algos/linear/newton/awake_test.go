package newton

import "testing"

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		a, b []int32
		want bool
	}{
		{nil, nil, true},
		{nil, []int32{1}, true},
		{[]int32{1}, nil, false},
		{[]int32{1, 5}, []int32{0, 1, 3, 5}, true},
		{[]int32{1, 4}, []int32{0, 1, 3, 5}, false},
		{[]int32{6}, []int32{0, 1, 3, 5}, false},
		{[]int32{0, 1, 3, 5}, []int32{0, 1, 3, 5}, true},
	} {
		if got := within32(c.a, c.b); got != c.want {
			t.Errorf("%v in %v: got %t, want %t", c.a, c.b, got, c.want)
		}
	}
}
