package command

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"petuum/algos/model"
	"petuum/roles/predict"
)

// mostListed bounds --top.
const mostListed = 100_000

// listing is what petuum predict --top --json prints.
type listing struct {
	Model     string   `json:"model"`
	Algorithm string   `json:"algorithm"`
	Top       int      `json:"top"`
	Users     uint64   `json:"users"`
	Seconds   float64  `json:"seconds"`
	Output    string   `json:"output"`          // "" if lists were not written to a file
	Lists     []listed `json:"lists,omitempty"` // if they were not
}

type listed struct {
	User  string       `json:"user"`
	Items []scoredItem `json:"items"` // best first
}

type scoredItem struct {
	Item  string  `json:"item"`
	Score float32 `json:"score"`
}

// list is predict with --top: the best items of users.
func (p *program) list(c *cli.Context) error {
	began := time.Now()
	top, path, seen := c.Int("top"), c.String("output"), c.StringSlice("seen")
	if err := listArguments(c); err != nil {
		return err
	}
	m, err := predict.OpenModel(c.String("model"), p.algorithms)
	if err != nil {
		return err
	}
	defer m.Close()
	if !m.Paired() {
		return usagef("predict: --top: %s scores no pairs of users and items", m.Manifest().Algorithm)
	}
	var users []uint64
	if c.IsSet("users") {
		if users, err = m.Manifest().Data.FindRows(c.String("users")); err != nil {
			return err
		}
		users = slices.Clip(append([]uint64{}, users...)) // none is not all
	}
	var known *predict.Seen
	if len(seen) > 0 {
		in, err := openData(c, seen, m.Options())
		if err != nil {
			return flagged(err)
		}
		defer in.Close()
		if known, err = predict.See(c.Context, in, users); err != nil {
			return flagged(err)
		}
	}
	found := listing{Model: c.String("model"), Algorithm: m.Manifest().Algorithm, Top: top, Output: path}
	run := func(w io.Writer) error {
		return m.Lists(c.Context, users, top, known, func(l predict.Listed) error {
			found.Users++
			if w == nil {
				found.Lists = append(found.Lists, named(m, l))
				return nil
			}
			_, err := w.Write(appendList(nil, m, l))
			return err
		})
	}
	if p.json && path == "" {
		err = run(nil)
	} else {
		err = toFile(c.App.Writer, path, func(w io.Writer) error {
			if _, err := io.WriteString(w, "user"+strings.Repeat("\titem\tscore", top)+"\n"); err != nil {
				return err
			}
			return run(w)
		})
	}
	if err != nil {
		return err
	}
	found.Seconds = time.Since(began).Seconds()
	if p.json {
		p.printed = true
		return json.NewEncoder(c.App.Writer).Encode(found)
	}
	if path != "" {
		_, err = fmt.Fprintf(c.App.ErrWriter, "users    %d\nseconds  %.2f\noutput   %s\n", found.Users, found.Seconds, path)
	}
	return err
}

// listArguments refuses what does not go with --top.
func listArguments(c *cli.Context) error {
	top, seen := c.Int("top"), c.StringSlice("seen")
	switch {
	case c.String("model") == "":
		return usagef("predict: which model? --model DIR")
	case top < 1 || top > mostListed:
		return usagef("predict: --top %d: want 1 to %d", top, mostListed)
	case c.IsSet("data") || c.Args().Present():
		return usagef("predict: --top lists items for users, and needs no data: name users with --users FILE, and ratings whose items are to be left out with --seen FILE")
	case c.String("users") == "" && c.IsSet("users"):
		return usagef("predict: --users: want the name of a file")
	case slices.Contains(seen, "-") && len(seen) > 1:
		return usagef("predict: stdin (-) goes with no other file of --seen")
	}
	for _, name := range []string{"score", "probabilities", "ignore-labels"} {
		if c.Bool(name) {
			return usagef("predict: --%s: it does not go with --top", name)
		}
	}
	return apart("predict: --output", c.String("output"), append(seen, c.String("users")))
}

func named(m *predict.Model, l predict.Listed) listed {
	found := listed{User: m.RowName(l.Row), Items: []scoredItem{}}
	for k, item := range l.Features {
		found.Items = append(found.Items, scoredItem{m.FeatureName(uint64(item)), l.Scores[k]})
	}
	return found
}

// appendList appends the line of a list.
func appendList(b []byte, m *predict.Model, l predict.Listed) []byte {
	b = model.AppendName(b, m.RowName(l.Row))
	for k, item := range l.Features {
		b = model.AppendName(append(b, '\t'), m.FeatureName(uint64(item)))
		b = strconv.AppendFloat(append(b, '\t'), float64(l.Scores[k]), 'g', -1, 32)
	}
	return append(b, '\n')
}
