package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"petuum/roles/cluster"
	"petuum/roles/enlist"
)

func (p *program) membersCommand() *cli.Command {
	return &cli.Command{
		Name: "members", Category: groupInspect, Usage: "list who is in a cluster",
		Flags: append([]cli.Flag{p.asJSON("print the members as one JSON object on stdout")}, place()...), Action: p.members,
		Description: "   petuum members --join 10.0.0.1:7946\n\nIt looks without taking part: no job counts it. A member that does not answer\nover UDP is silent: it died a moment ago, or a firewall is in between.",
	}
}

// member is a line of the list.
type member struct {
	Name      string  `json:"name"`
	Role      string  `json:"role"`
	Seat      *int    `json:"seat,omitempty"`
	State     string  `json:"state"`                   // alive or silent
	RoundTrip float64 `json:"round_trip_ms,omitempty"` // of those alive
	Gossip    string  `json:"gossip"`
	Data      string  `json:"data,omitempty"`
	Version   string  `json:"version"`
	Job       string  `json:"job,omitempty"`
	Node      string  `json:"node"`
}

const (
	lookFor  = 2 * time.Second // for answers of members
	leaveFor = time.Second     // for the goodbye to a cluster
)

func (p *program) members(c *cli.Context) error {
	cfg, err := roleConfig(c)
	if err != nil {
		return err
	}
	o := p.options(c, cfg)
	if cfg.From("log.level") == "default" {
		o.Log = slog.New(slog.DiscardHandler) // the list says it all
	}
	at, err := enlist.Observe(c.Context, o)
	if err != nil {
		return err
	}
	defer goodbye(at)
	list := look(c.Context, at)
	if c.Context.Err() != nil {
		return c.Context.Err()
	}
	if p.json {
		p.printed = true
		e := json.NewEncoder(c.App.Writer)
		e.SetIndent("", "  ")
		return e.Encode(map[string][]member{"members": list})
	}
	return writeMembers(c.App.Writer, list)
}

// goodbye leaves politely, but does not wait for members that stand still: who misses
// it did not count this process either.
func goodbye(at *cluster.Cluster) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveFor)
	defer cancel()
	if at.Leave(ctx) == nil {
		at.Shutdown()
	}
}

// look pings every member at the same time.
func look(ctx context.Context, at *cluster.Cluster) []member {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	known := at.Members()
	list := make([]member, len(known))
	var pings sync.WaitGroup
	for i, m := range known {
		pings.Go(func() {
			e := member{Name: m.Name, Role: string(m.Role), State: "silent", Gossip: m.Gossip, Data: m.Data, Version: m.Version, Job: m.Job, Node: m.Node}
			if m.Seat != cluster.NoSeat {
				e.Seat = &m.Seat
			}
			if took, err := at.Ping(ctx, m); err == nil {
				e.State, e.RoundTrip = "alive", float64(took)/float64(time.Millisecond)
			}
			list[i] = e
		})
	}
	pings.Wait()
	return list
}

// writeMembers aligns the list.
func writeMembers(w io.Writer, list []member) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tROLE\tSEAT\tSTATE\tPING\tGOSSIP\tDATA\tVERSION\tJOB")
	or := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	for _, m := range list {
		seat, ping := "-", "-"
		if m.Seat != nil {
			seat = strconv.Itoa(*m.Seat)
		}
		if m.State == "alive" {
			ping = fmt.Sprintf("%.1f ms", m.RoundTrip)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", m.Name, m.Role, seat, m.State, ping, m.Gossip, or(m.Data), m.Version, or(m.Job))
	}
	return t.Flush()
}
