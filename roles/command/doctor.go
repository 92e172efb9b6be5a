package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/urfave/cli/v2"

	"petuum/configs"
	"petuum/roles/control"
	"petuum/roles/doctor"
	"petuum/roles/local"
)

// errUnwell is the error of a report with failed checks.
var errUnwell = errors.New("some checks failed")

func (p *program) doctorCommand() *cli.Command {
	wait := &cli.DurationFlag{Name: "wait", Value: doctor.DefaultWait, Usage: "begin without processes that have not come after this `time`"}
	asJSON := p.asJSON("print all checks as one JSON object on stdout")
	flags := append([]cli.Flag{asJSON, wait}, place()...)
	seat := &cli.IntFlag{Name: "shard", Value: -1, Usage: "take this `seat`", DefaultText: "the scheduler chooses"}
	return &cli.Command{
		Name: "doctor", Category: groupInspect, Usage: "check, before a job, whether it could run", ArgsUsage: "FILE.toml",
		Flags: append([]cli.Flag{asJSON, wait}, common()...), Action: p.doctor,
		Subcommands: []*cli.Command{
			{Name: control.Scheduler, Usage: "check a cluster from the scheduler's place", Flags: flags, Action: p.doctorScheduler},
			{Name: control.Server, Usage: "check a cluster from a server's place", Flags: append([]cli.Flag{seat}, flags...), Action: p.doctorServer},
			{Name: control.Worker, Usage: "check a cluster from a worker's place", Flags: flags, Action: p.doctorWorker},
		},
		Description: `On this machine: settings, addresses, data, output and memory, and then the
roles as processes, which look at each other:

   petuum doctor configs/logreg-a9a.toml

On a cluster: the roles with the flags that they will have in the job. They
gather, check each other from where they are, and end:

   petuum doctor scheduler --config job.toml --bind 10.0.0.1 --gossip 10.0.0.1:7946
   petuum doctor server --join 10.0.0.1:7946 --bind 10.0.0.2 --shard 0
   petuum doctor worker --join 10.0.0.1:7946 --bind 10.0.0.3

A line for each check says ok, warn or FAIL, and what to do. Exit status 1: a
check failed.`,
	}
}

// checkup are the options of a process of a check-up. Logs are for those who ask
// for them.
func (p *program) checkup(c *cli.Context, cfg *configs.Config) doctor.Options {
	o := p.options(c, cfg)
	o.Checkup = true
	if cfg.From("log.level") == "default" {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return doctor.Options{Options: o, Machine: doctor.Real(), Wait: c.Duration("wait"), Among: p.child, Joined: local.Joined}
}

// tell prints a report.
func (p *program) tell(c *cli.Context, r doctor.Report) error {
	if p.json {
		p.printed = true
		if err := r.JSON(c.App.Writer); err != nil {
			return err
		}
	} else if err := r.Text(c.App.Writer); err != nil {
		return err
	}
	if r.Failed() {
		return errUnwell
	}
	return nil
}

func (p *program) doctor(c *cli.Context) error {
	if c.Args().Len() != 1 {
		return usagef("doctor: which job? petuum doctor FILE.toml, or petuum doctor scheduler, server or worker on a cluster")
	}
	if err := checkWait(c); err != nil {
		return err
	}
	path := c.Args().First()
	cfg, err := p.job(path, p.overrides(c))
	if err != nil {
		return p.tell(c, doctor.Refused(err))
	}
	report := doctor.Local(c.Context, p.checkup(c, cfg))
	if c.Context.Err() != nil {
		return c.Context.Err()
	}
	if report.Failed() {
		report.Add(doctor.Skipped().Checks...)
		return p.tell(c, report)
	}
	among, err := p.doctorRoles(c, cfg, path)
	if err != nil {
		return err
	}
	report.Add(among.Checks...)
	return p.tell(c, report)
}

// doctorRoles starts the roles as processes of a check-up and returns their report.
func (p *program) doctorRoles(c *cli.Context, cfg *configs.Config, path string) (doctor.Report, error) {
	wait := c.Duration("wait").String()
	args := append([]string{"--config", path, "--wait", wait, "--json"}, again(c)...)
	role := append([]string{"--wait", wait}, roleFlags(cfg)...)
	var out bytes.Buffer
	err := local.Run(c.Context, local.Options{Config: cfg, Args: args, Role: role, Under: []string{"doctor"}, Stdout: &out, Patient: true, Log: logger(c, cfg)})
	if c.Context.Err() != nil {
		return doctor.Report{}, c.Context.Err()
	}
	if r, bad := doctor.ReadJSON(out.Bytes()); bad == nil {
		return r, nil
	} else if err == nil {
		err = bad
	}
	return doctor.Broken(err), nil
}

func checkWait(c *cli.Context) error {
	if d := c.Duration("wait"); d <= 0 {
		return usagef("%s: --wait %s: want a time such as 10s", c.Command.Name, d)
	}
	return nil
}

func (p *program) doctorScheduler(c *cli.Context) error {
	if err := errors.Join(noArgs(c), checkWait(c)); err != nil {
		return err
	}
	if c.String("config") == "" {
		return usagef("doctor scheduler: which job? --config FILE.toml")
	}
	cfg, err := p.job(c.String("config"), p.overrides(c))
	if err != nil {
		return p.tell(c, doctor.Refused(err))
	}
	o := p.checkup(c, cfg)
	if !p.child {
		o.Waiting = waiting(c.App.ErrWriter)
	}
	return p.examined(c, func(ctx context.Context) (doctor.Report, error) { return doctor.Lead(ctx, o) })
}

// waiting tells whom a scheduler waits for, once for each change.
func waiting(w io.Writer) func(missing map[string]int, at string) {
	said := ""
	return func(missing map[string]int, at string) {
		var who []string
		for _, role := range []string{control.Server, control.Worker} {
			switch n := missing[role]; {
			case n == 1:
				who = append(who, "1 "+role)
			case n > 1:
				who = append(who, fmt.Sprintf("%d %ss", n, role))
			}
		}
		text := fmt.Sprintf("waiting for %s to join %s", strings.Join(who, " and "), at)
		if text != said {
			said = text
			fmt.Fprintln(w, text)
		}
	}
}

func (p *program) doctorServer(c *cli.Context) error {
	if c.IsSet("shard") && c.Int("shard") < 0 {
		return usagef("doctor server: --shard %d: a seat is a number from 0", c.Int("shard"))
	}
	return p.doctorRole(c, control.Server, c.Int("shard"))
}

func (p *program) doctorWorker(c *cli.Context) error { return p.doctorRole(c, control.Worker, -1) }

func (p *program) doctorRole(c *cli.Context, role string, seat int) error {
	if err := checkWait(c); err != nil {
		return err
	}
	cfg, err := p.roleConfig(c)
	if err != nil {
		return err
	}
	o := p.checkup(c, cfg)
	return p.examined(c, func(ctx context.Context) (doctor.Report, error) { return doctor.Follow(ctx, o, role, seat) })
}

// examined prints what a check-up found.
func (p *program) examined(c *cli.Context, check func(context.Context) (doctor.Report, error)) error {
	r, err := check(c.Context)
	if err != nil {
		return err
	}
	return p.tell(c, r)
}
