// Package coefficients shows what a job of stages came to: how the coefficients of its
// models come and go as the penalty gets weaker. [Read] gathers them, [Path.Text] is a
// table of the stages, [Path.SVG] a plot as plot(fit, xvar="lambda") of R's glmnet has it
// (Friedman, Hastie and Tibshirani, Journal of Statistical Software 33, 2010).
//
// A coefficient is a value of the table of weights: of a feature, or of a feature and a
// class where each class has a score. Intercepts are none.
package coefficients

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"petuum/algos/model"
	"petuum/table"
)

// Path is the stages of a job and its largest coefficients.
type Path struct {
	Model     string `json:"model"` // directory
	Algorithm string `json:"algorithm"`
	Job       string `json:"job"`

	Stages []Stage `json:"stages"`
	Ever   int     `json:"ever_nonzero"` // coefficients that are not 0 in some stage
	// Lines are the largest of these, by the size that each once has, the largest first.
	Lines []Line `json:"coefficients"`

	// The penalties that cross-validation chose; nil without one.
	LambdaMin *float64 `json:"cv_lambda_min,omitempty"`
	Lambda1SE *float64 `json:"cv_lambda_1se,omitempty"`
}

// Stage is one model of a path. What it does not tell is nil.
type Stage struct {
	Stage     int                `json:"stage"`
	Model     string             `json:"model"` // directory
	Lambda    *float64           `json:"lambda"`
	Objective *float64           `json:"objective"`
	NonZeros  int                `json:"nonzeros"` // coefficients, so without intercepts
	Metrics   map[string]float64 `json:"metrics"`
	Enter     []string           `json:"enter"` // coefficients that the stage before has at 0, the largest first
	Leave     []string           `json:"leave"` // those that it has not at 0 and this one has, likewise
}

// Line is a coefficient along the path.
type Line struct {
	Name   string         `json:"name"`
	Key    uint64         `json:"key"`             // of the table of weights
	Class  string         `json:"class,omitempty"` // "" where there is one score
	Values []model.Number `json:"values"`          // in each stage
}

// weights is the table of linear models that has the coefficients.
const weights = "weights"

// coefficient is a value of the table: key times width, plus its column.
type coefficient uint64

// sized is a coefficient and its magnitude.
type sized struct {
	id   coefficient
	size float64
}

// gathering is the state of Read.
type gathering struct {
	path  *Path
	m     *model.Manifest // of the first stage
	table model.Table     // of m
	last  []sized         // those of the last stage that are not 0, by number
	most  map[coefficient]float64
}

// Read gathers the stages of the model in dir, and at most top coefficients. It reads
// the models twice and holds in memory what is not 0 of two of them.
func Read(dir string, top int) (*Path, error) {
	r, err := model.Open(dir)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	m := r.Manifest()
	if m.Path == 0 {
		return nil, fmt.Errorf("model %s: there are no models of stages in %s: have the job solve for several penalties, path = 100 under [algorithm], and name its output.model",
			dir, filepath.Dir(model.StageDir(dir, 0)))
	}
	g := &gathering{most: map[coefficient]float64{},
		path: &Path{Model: dir, Algorithm: m.Algorithm, Job: m.Job, LambdaMin: metric(m.Metrics, "cv_lambda_min"), Lambda1SE: metric(m.Metrics, "cv_lambda_1se")}}
	for stage := range m.Path {
		if err := g.stage(stage); err != nil {
			return nil, err
		}
	}
	g.choose(top)
	if err := g.fill(); err != nil {
		return nil, err
	}
	return g.path, nil
}

// metric is a pointer to a metric, nil without it.
func metric(metrics map[string]float64, name string) *float64 {
	v, ok := metrics[name]
	if !ok {
		return nil
	}
	return &v
}

// open opens the model of a stage, which must have the coefficients of the first one.
func (g *gathering) open(stage int) (*model.Reader, error) {
	dir := model.StageDir(g.path.Model, stage)
	r, err := model.Open(dir)
	if err != nil {
		return nil, err
	}
	m := r.Manifest()
	k := slices.IndexFunc(m.Tables, func(t model.Table) bool { return t.Name == weights })
	if k < 0 && len(m.Tables) == 1 {
		k = 0
	}
	switch {
	case k < 0:
		err = fmt.Errorf("model %s: it has no table %q, so no coefficients: look at it with petuum model show", dir, weights)
	case g.m == nil:
		g.m, g.table = &m, m.Tables[k]
	case m.Tables[k].Name != g.table.Name || m.Tables[k].Keys != g.table.Keys || m.Tables[k].Width != g.table.Width:
		err = fmt.Errorf("model %s: its table %s is not like that of %s: train the model again", dir, m.Tables[k].Name, model.StageDir(g.path.Model, 0))
	}
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// each calls with the coefficients of a stage that are not 0, in the order of their
// numbers. What is not a number is one of them.
func (g *gathering) each(r *model.Reader, call func(id coefficient, v float64)) error {
	rows, row := g.table.Keys, 0
	if n := uint64(len(g.table.Names)); g.table.Features > 0 && n > 0 { // the intercept and its like follow the features
		rows = g.table.Features
	}
	all := g.table.Init.Value != 0 || g.table.Init.Spread != 0
	return r.Rows(g.table.Name, table.Float64, all, func(key uint64, values []byte) error {
		if key >= rows {
			return nil
		}
		for row = range len(values) / 8 {
			if v := math.Float64frombits(binary.LittleEndian.Uint64(values[8*row:])); v != 0 {
				call(coefficient(key*uint64(g.table.Width)+uint64(row)), v)
			}
		}
		return nil
	})
}

// stage adds a stage to the path.
func (g *gathering) stage(stage int) error {
	r, err := g.open(stage)
	if err != nil {
		return err
	}
	defer r.Close()
	var now []sized
	err = g.each(r, func(id coefficient, v float64) {
		c := sized{id, math.Abs(v)}
		if math.IsNaN(v) {
			c.size = math.Inf(1)
		}
		now = append(now, c)
		g.most[id] = max(g.most[id], c.size)
	})
	if err != nil {
		return err
	}
	m := r.Manifest()
	s := Stage{Stage: stage, Model: model.StageDir(g.path.Model, stage), Lambda: metric(m.Metrics, "lambda"), Objective: m.Objective,
		NonZeros: len(now), Metrics: m.Metrics, Enter: g.names(without(now, g.last)), Leave: g.names(without(g.last, now))}
	g.path.Stages, g.last = append(g.path.Stages, s), now
	return nil
}

// without is what of a is not in b; both are in the order of numbers.
func without(a, b []sized) []sized {
	var left []sized
	for _, c := range a {
		for len(b) > 0 && b[0].id < c.id {
			b = b[1:]
		}
		if len(b) == 0 || b[0].id != c.id {
			left = append(left, c)
		}
	}
	return left
}

// bySize puts the largest first, of equal ones the one of the lower number.
func bySize(a, b sized) int { return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.id, b.id)) }

// names are those of coefficients, the largest first.
func (g *gathering) names(list []sized) []string {
	slices.SortFunc(list, bySize)
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = g.name(c.id)
	}
	return names
}

// name is that of the feature, and of the class if there are several.
func (g *gathering) name(id coefficient) string {
	name := g.m.KeyName(g.table, uint64(id)/uint64(g.table.Width))
	if class := g.class(id); class != "" {
		name += " (" + class + ")"
	}
	return name
}

// class is the class of a coefficient, or the number of its column where columns have
// no names; "" if there is one column.
func (g *gathering) class(id coefficient) string {
	k := int(uint64(id) % uint64(g.table.Width))
	switch {
	case g.table.Width == 1:
		return ""
	case len(g.table.Columns) > 0:
		return string(model.AppendName(nil, g.table.Columns[k]))
	}
	return fmt.Sprint(k)
}

// choose makes the lines, still without values.
func (g *gathering) choose(top int) {
	all := make([]sized, 0, len(g.most))
	for id, size := range g.most {
		all = append(all, sized{id, size})
	}
	slices.SortFunc(all, bySize)
	g.path.Ever, g.path.Lines = len(all), []Line{}
	clear(g.most)
	for i, c := range all[:min(max(top, 0), len(all))] {
		g.most[c.id] = float64(i)
		g.path.Lines = append(g.path.Lines, Line{Name: g.name(c.id), Key: uint64(c.id) / uint64(g.table.Width), Class: g.class(c.id),
			Values: make([]model.Number, len(g.path.Stages))})
	}
}

// fill gives the lines their values.
func (g *gathering) fill() error {
	if len(g.path.Lines) == 0 {
		return nil
	}
	for stage := range g.path.Stages {
		r, err := g.open(stage)
		if err != nil {
			return err
		}
		err = g.each(r, func(id coefficient, v float64) {
			if i, ok := g.most[id]; ok {
				g.path.Lines[int(i)].Values[stage] = model.Number(v)
			}
		})
		_ = r.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
