package command

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"petuum/algos/calibration"
	"petuum/algos/model"
	"petuum/roles/predict"
)

// calibratedModel is what petuum model calibrate --json prints.
type calibratedModel struct {
	Model       string             `json:"model"`
	Calibration *calibration.Map   `json:"calibration"`      // null if it was taken away
	Before      map[string]float64 `json:"before,omitempty"` // absent where scores are no probabilities
	After       map[string]float64 `json:"after,omitempty"`
}

func (p *program) calibrate(c *cli.Context) error {
	if c.Bool("remove") {
		return p.uncalibrate(c)
	}
	dir, data, err := rowArguments(c, "model calibrate")
	if err != nil {
		return err
	}
	switch method := c.String("method"); {
	case !c.IsSet("method"), method == calibration.Sigmoid, method == calibration.Isotonic, method == calibration.Temperature:
	default:
		return usagef("model calibrate: --method %s: want sigmoid, isotonic or temperature", method)
	}
	m, err := predict.OpenModel(dir, p.algorithms)
	if err != nil {
		return err
	}
	defer m.Close()
	rows, err := openData(c, data, m.Options())
	if err != nil {
		return flagged(err)
	}
	defer rows.Close()
	found, err := m.Calibrate(c.Context, rows, c.String("method"))
	if err != nil {
		return flagged(err)
	}
	trained := m.Manifest().Data.Files
	for _, f := range rows.Info().Files {
		found.Map.Data = append(found.Map.Data, f.Name)
		for _, t := range trained {
			if t.Name == f.Name && t.Bytes == f.Bytes {
				fmt.Fprintf(c.App.ErrWriter, "petuum: %s is data that the model was trained with, of which it is too sure: calibrate with other rows\n", f.Name)
			}
		}
	}
	if err := m.SaveCalibration(found.Map); err != nil {
		return err
	}
	return p.printCalibrated(c, calibratedModel{dir, found.Map, found.Before, found.After})
}

// uncalibrate takes a calibration away.
func (p *program) uncalibrate(c *cli.Context) error {
	switch {
	case c.String("model") == "":
		return usagef("model calibrate: which model? --model DIR")
	case c.IsSet("data") || c.Args().Present() || c.IsSet("method"):
		return usagef("model calibrate: --remove goes with --model only")
	}
	dir := c.String("model")
	m, err := model.Open(dir)
	if err != nil {
		return err
	}
	defer m.Close()
	if m.Manifest().Calibration != nil {
		if err := model.Calibrate(dir, m.Manifest(), nil); err != nil {
			return err
		}
	}
	return p.printCalibrated(c, calibratedModel{Model: dir})
}

func (p *program) printCalibrated(c *cli.Context, m calibratedModel) error {
	if p.json {
		p.printed = true
		return json.NewEncoder(c.App.Writer).Encode(m)
	}
	return m.text(c.App.Writer)
}

// text prints the calibration for people.
func (m *calibratedModel) text(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "model\t%s\ncalibration\t%s\n", m.Model, calibrated(m.Calibration))
	if err := w.Flush(); err != nil || m.Calibration == nil {
		return err
	}
	fmt.Fprintf(w, "\nof these rows\tbefore\tafter\n")
	for _, name := range []string{"logloss", "brier", "ece"} {
		before := "-"
		if v, ok := m.Before[name]; ok {
			before = fmt.Sprintf("%.6g", v)
		}
		fmt.Fprintf(w, "%s\t%s\t%.6g\n", name, before, m.After[name])
	}
	return w.Flush()
}

// calibrated is a calibration in a line.
func calibrated(m *calibration.Map) string {
	if m == nil {
		return "none"
	}
	text := m.Method
	switch m.Method {
	case calibration.Sigmoid:
		text += fmt.Sprintf(": log-odds are %.6g times the score %+.6g", m.Slope, m.Offset)
	case calibration.Temperature:
		text += fmt.Sprintf(" %.6g", m.Temperature)
	default:
		text += fmt.Sprintf(" through %d points", len(m.Scores))
	}
	text += fmt.Sprintf(", fitted to %d rows", m.Rows)
	if n := len(m.Data); n == 1 {
		text += " of " + m.Data[0]
	} else if n > 1 {
		text += fmt.Sprintf(" of %s and %d more", m.Data[0], n-1)
	}
	return text
}
