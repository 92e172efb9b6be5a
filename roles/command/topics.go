package command

import (
	"encoding/json"

	"github.com/urfave/cli/v2"

	"petuum/roles/predict"
	"petuum/roles/topicmap"
)

func (p *program) topicsCommand() *cli.Command {
	return &cli.Command{
		Name: "topics", Usage: "the topics of a model of lda: their words, how well these go together, and a page to look at", ArgsUsage: "DIR", Action: p.modelTopics,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "top", Value: 10, Usage: "so many `words` of each topic"},
			&cli.Float64Flag{Name: "lambda", Value: 1, Usage: "`weight` of the probability in the topic, from 0 to 1: lower ones list words that are frequent nowhere else"},
			&cli.StringSliceFlag{Name: "data", Aliases: []string{"d"}, Usage: "`file` of documents to measure the coherence of topics in; - is stdin; may be repeated"},
			&cli.StringFlag{Name: "format", Usage: "`format` of the data, as data.format of a job", DefaultText: "what the name of the file says, else that of the training data"},
			&cli.StringFlag{Name: "html", Usage: "`file` for a page with a map of the topics; - is stdout, without the table", DefaultText: "none"},
			&cli.StringFlag{Name: "svg", Usage: "`file` for the map alone; - is stdout, without the table", DefaultText: "none"},
			p.asJSON("print one JSON object on stdout"),
		},
		Description: "The largest topics come first. The coherence of a topic is the mean NPMI of its most probable\nwords: 1 where they occur in the same documents only, 0 by chance, -1 never together. The page\n" +
			"needs no network. docs/topics.md has more.\n\n" +
			"   petuum model topics out/lda-sotu\n   petuum model topics out/lda-sotu --data configs/data/docword.sotu.txt.gz --html topics.html",
	}
}

func (p *program) modelTopics(c *cli.Context) error {
	if err := p.topicsArguments(c); err != nil {
		return err
	}
	html, svg := c.String("html"), c.String("svg")
	report, err := topicmap.Read(c.Args().First(), p.algorithms, topicmap.Options{Top: c.Int("top"), Lambda: c.Float64("lambda"), Page: html != "" || svg != ""})
	if err != nil {
		return err
	}
	if data := c.StringSlice("data"); len(data) > 0 {
		o := report.Like()
		o.Format = c.String("format")
		documents, err := predict.Open(c.Context, data, c.App.Reader, o)
		if err != nil {
			return flagged(err)
		}
		defer documents.Close()
		if err := report.Measure(c.Context, documents); err != nil {
			return flagged(err)
		}
	}
	if html != "" {
		if err := toFile(c.App.Writer, html, report.Page); err != nil {
			return err
		}
	}
	if svg != "" {
		if err := toFile(c.App.Writer, svg, report.SVG); err != nil {
			return err
		}
	}
	switch {
	case html == "-" || svg == "-":
		return nil
	case !p.json:
		return report.Text(c.App.Writer)
	}
	b, err := json.Marshal(report)
	if err != nil {
		return err
	}
	p.printed = true
	_, err = c.App.Writer.Write(append(b, '\n'))
	return err
}

// topicsArguments refuses flags that make no sense.
func (p *program) topicsArguments(c *cli.Context) error {
	const name = "model topics"
	data := c.StringSlice("data")
	switch lambda := c.Float64("lambda"); {
	case c.Args().Len() == 0:
		return usagef("%s: which model? petuum %[1]s DIR", name)
	case c.Args().Len() > 1:
		return usagef("%s: one model at a time: unexpected argument %q", name, c.Args().Get(1))
	case c.Int("top") < 1 || c.Int("top") > 1000:
		return usagef("%s: --top %d: want 1 to 1000", name, c.Int("top"))
	case !(lambda >= 0 && lambda <= 1):
		return usagef("%s: --lambda %g: want 0 to 1", name, lambda)
	case c.IsSet("format") && len(data) == 0:
		return usagef("%s: --format: of which data? --data FILE", name)
	}
	stdout := 0
	for _, flag := range []string{"html", "svg"} {
		file := c.String(flag)
		if c.IsSet(flag) && file == "" {
			return usagef("%s: --%s: want the name of a file", name, flag)
		}
		if file == "-" {
			stdout++
		}
		if err := apart(name+": --"+flag, file, data); err != nil {
			return err
		}
	}
	if p.json {
		stdout++
	}
	if stdout > 1 {
		return usagef("%s: --html -, --svg - and --json: only one of them can be on stdout", name)
	}
	if html := c.String("html"); html != "" && html != "-" && html == c.String("svg") {
		return usagef("%s: --html and --svg are the same file", name)
	}
	for _, path := range data {
		if path == "-" && len(data) > 1 {
			return usagef("%s: stdin (-) goes with no other data", name)
		}
	}
	return nil
}
