package topics

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// squared are the squared distances of points.
func squared(points [][]float64) Distances {
	d := newDistances(len(points))
	for i := range points {
		for j := range i {
			sum := 0.0
			for a, x := range points[i] {
				sum += (x - points[j][a]) * (x - points[j][a])
			}
			d.pair[i*(i-1)/2+j] = sum
		}
	}
	return d
}

// Points of a plane come out as they are, but for a turn.
func TestPlane(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	for _, n := range []int{0, 1, 2, 3, 4, 9, 60} {
		points := make([][]float64, n)
		for i := range points {
			points[i] = []float64{3 * r.NormFloat64(), r.NormFloat64()}
		}
		d := squared(points)
		places, explained := Plane(d)
		if len(places) != n || explained < 1-1e-9 {
			t.Fatalf("seed %d: %d points: got %d places and %g explained, want all", seed, n, len(places), explained)
		}
		wide, narrow, far, x, y := 0.0, 0.0, Point{}, 0.0, 0.0
		for i, p := range places {
			wide, narrow, x, y = wide+p.X*p.X, narrow+p.Y*p.Y, x+p.X, y+p.Y
			if math.Abs(p.X) > math.Abs(far.X) {
				far.X = p.X
			}
			if math.Abs(p.Y) > math.Abs(far.Y) {
				far.Y = p.Y
			}
			for j, q := range places {
				if got, want := math.Hypot(p.X-q.X, p.Y-q.Y), math.Sqrt(d.At(i, j)); math.Abs(got-want) > 1e-6*(1+want) {
					t.Fatalf("seed %d: %d points: %d and %d are %g apart, want %g", seed, n, i, j, got, want)
				}
			}
		}
		if narrow > wide*(1+1e-9) || math.Abs(x)+math.Abs(y) > 1e-6 || far.X < 0 || n > 2 && far.Y < 0 {
			t.Errorf("seed %d: %d points: got spreads %g and %g around (%g, %g), farthest %v, want the wider first, around 0, farthest positive", seed, n, wide, narrow, x, y, far)
		}
	}
}

// Of points in space the plane is that of the two axes of most variance.
func TestPlaneOfSpace(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	const n = 200
	points := make([][]float64, n)
	for i := range points { // opposite pairs, so that the mean is 0
		if points[i] = []float64{r.NormFloat64(), r.NormFloat64(), r.NormFloat64(), r.NormFloat64()}; i%2 == 1 {
			for a := range points[i] {
				points[i][a] = -points[i-1][a]
			}
		}
	}
	// Axes without covariance, of variances 4, 3, 2 and 1.
	axes := make([][]float64, 4)
	for a := range axes {
		axes[a] = make([]float64, n)
		for i := range n {
			axes[a][i] = points[i][a]
		}
	}
	orthonormal(axes)
	for i := range n {
		for a := range axes {
			points[i][a] = axes[a][i] * math.Sqrt(float64(4-a))
		}
	}
	places, explained := Plane(squared(points))
	if math.Abs(explained-0.7) > 1e-9 {
		t.Errorf("seed %d: got %g explained, want 7 of 10", seed, explained)
	}
	for i, p := range places {
		if math.Abs(math.Abs(p.X)-math.Abs(points[i][0])) > 1e-5 || math.Abs(math.Abs(p.Y)-math.Abs(points[i][1])) > 1e-5 {
			t.Fatalf("seed %d: point %d: got %v, want %v but for signs", seed, i, p, points[i][:2])
		}
	}
}

// Things that are all one are at one place, and those that share nothing are as far from
// each other as a plane allows.
func TestPlaneOfEquals(t *testing.T) {
	places, explained := Plane(Distances{4, make([]float64, 6)})
	if explained != 1 || places[3] != (Point{}) {
		t.Errorf("got %v and %g explained, want all at (0, 0)", places, explained)
	}
	places, explained = Plane(newDistances(30))
	if math.Abs(explained-2./29) > 1e-9 {
		t.Errorf("got %g explained, want 2 of 29 axes", explained)
	}
	for _, p := range places {
		if math.IsNaN(p.X) || math.IsNaN(p.Y) {
			t.Errorf("got %v", p)
		}
	}
}
