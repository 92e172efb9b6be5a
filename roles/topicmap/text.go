package topicmap

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
)

// Text writes a table, a line each topic.
func (p *Report) Text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	alpha := len(p.Topics) > 0 && p.Topics[0].Alpha != nil
	fmt.Fprint(t, "topic\tshare\t")
	if alpha {
		fmt.Fprint(t, "alpha\t")
	}
	if p.Coherence != nil {
		fmt.Fprint(t, "coherence\t")
	}
	fmt.Fprint(t, "words\n")
	for _, topic := range p.Topics {
		fmt.Fprintf(t, "%d\t%s\t", topic.Topic, percent(topic.Share))
		if alpha {
			fmt.Fprintf(t, "%s\t", number(topic.Alpha, 'g', 3))
		}
		if p.Coherence != nil {
			fmt.Fprintf(t, "%s\t", number(topic.Coherence, 'f', 3))
		}
		fmt.Fprintf(t, "%s\n", names(topic.Words))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", p.summary())
	return err
}

// summary is a line about all topics.
func (p *Report) summary() string {
	text := fmt.Sprintf("%d topics of %d tokens of %d words; diversity %.3f", len(p.Topics), p.Tokens, p.Seen, p.Diversity)
	if c := p.Coherence; c != nil {
		text += fmt.Sprintf("; coherence (NPMI of the %d most probable words, %d documents) %s", c.Words, c.Documents, number(c.Mean, 'f', 4))
	}
	return text
}

// percent is a share for people.
func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 2, 64) + "%" }

// number is a number for people; "-" if it is unknown.
func number(v *float64, format byte, digits int) string {
	if v == nil {
		return "-"
	}
	return strconv.FormatFloat(*v, format, digits, 64)
}
