package command

import (
	"errors"
	"io"
	"os"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"petuum/algos"
	"petuum/configs"
	"petuum/roles/control"
	"petuum/roles/enlist"
	"petuum/roles/local"
	"petuum/roles/scheduler"
	"petuum/roles/server"
	"petuum/roles/worker"
)

const summaryUsage = "print the summary as one JSON object on stdout"

// explain is the flag for whoever wants to know why.
func explain() cli.Flag {
	return &cli.BoolFlag{Name: "explain", Usage: "say what the algorithm chooses at the start, and why, and what it has learned at the end", DisableDefaultText: true}
}

// resume is the flag of a job that goes on.
func resume() cli.Flag {
	return &cli.BoolFlag{Name: "resume", Usage: "go on from the last checkpoint in checkpoint.path; if there is none yet, begin", DisableDefaultText: true}
}

func (p *program) runCommand() *cli.Command {
	return &cli.Command{
		Name: "run", Category: groupJobs, Usage: "run a job on this machine, every role a process", ArgsUsage: "FILE.toml",
		Flags: append([]cli.Flag{p.asJSON(summaryUsage), explain(), resume()}, common()...), Action: p.run,
		Description: `Counts of servers and workers come from [cluster] of the file.
  petuum run configs/logreg-a9a.toml
  petuum run configs/logreg-a9a.toml --set cluster.workers=4 --json
  petuum run configs/logreg-a9a.toml --explain
  petuum run job.toml --set checkpoint.path=state --resume`,
	}
}

func (p *program) run(c *cli.Context) error {
	if c.Args().Len() != 1 || c.Args().First() == "" {
		if c.Args().Len() > 1 {
			return usagef("run: one job at a time: unexpected argument %q", c.Args().Get(1))
		}
		return usagef("run: which job? petuum run FILE.toml")
	}
	path := c.Args().First()
	cfg, err := p.job(path, p.overrides(c))
	if err != nil {
		return err
	}
	args := append([]string{"--config", path}, again(c)...)
	if c.Bool("json") {
		args = append(args, "--json")
	}
	if c.Bool("explain") {
		args = append(args, "--explain")
	}
	if c.Bool("resume") {
		args = append(args, "--resume")
	}
	if cfg.From("log.level") == "default" {
		args = append(args, "--log-level", "warn") // the line of progress tells enough
	}
	if columns(c.App.ErrWriter) != nil { // on which the scheduler has a line of progress
		c.App.ErrWriter = &screen{w: c.App.ErrWriter, line: []byte(rewind)}
	}
	return local.Run(c.Context, local.Options{Config: cfg, Args: args, Role: roleFlags(cfg), Log: logger(c, cfg)})
}

// roleFlags are those with which a server or worker of this machine is started.
func roleFlags(cfg *configs.Config) []string {
	level := cfg.Log.Level
	if cfg.From("log.level") == "default" {
		level = "error" // of a death the scheduler tells, once
	}
	flags := []string{"--bind", cfg.Cluster.Bind, "--log-format", cfg.Log.Format, "--log-level", level}
	if cfg.Cluster.KeyFile != "" {
		flags = append(flags, "--key-file", cfg.Cluster.KeyFile)
	}
	return flags
}

// job loads the configuration of a whole job. All that is wrong with it, the
// parameters of the algorithm included, is in one error.
func (p *program) job(path string, over []configs.Override) (*configs.Config, error) {
	cfg, _, err := p.load(path, over)
	return cfg, err
}

// load is job that also returns the algorithm.
func (p *program) load(path string, over []configs.Override) (*configs.Config, algos.Algorithm, error) {
	cfg, err := configs.Load(path, over)
	if cfg == nil {
		return nil, nil, usageError{err}
	}
	var alg algos.Algorithm
	if cfg.Job.Algorithm != "" {
		var wrong error
		alg, wrong = control.NewAlgorithm(p.algorithms, cfg)
		err = configs.Join(err, wrong)
	}
	if err != nil {
		return nil, nil, usageError{err}
	}
	return cfg, alg, nil
}

func (p *program) schedulerCommand() *cli.Command {
	return &cli.Command{
		Name: "scheduler", Category: groupRoles, Usage: "lead a job: one for each cluster",
		Flags: append([]cli.Flag{p.asJSON(summaryUsage), explain(), resume()}, place()...), Action: p.scheduler,
		Description: "Example:\n  petuum scheduler --config job.toml --bind 10.0.0.1 --gossip 10.0.0.1:7946",
	}
}

func (p *program) scheduler(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	if c.String("config") == "" {
		return usagef("scheduler: which job? --config FILE.toml")
	}
	cfg, err := p.job(c.String("config"), p.overrides(c))
	if err != nil {
		return err
	}
	width := columns(c.App.ErrWriter)
	if width != nil {
		c.App.ErrWriter = &screen{w: c.App.ErrWriter}
	}
	summary, err := scheduler.Run(c.Context, scheduler.Options{Options: p.options(c, cfg), Progress: c.App.ErrWriter,
		Width: width, Explain: c.Bool("explain"), Resume: c.Bool("resume"), Patient: p.child, Joined: local.Joined, Began: local.Began()})
	if summary == nil {
		return err
	}
	if p.json {
		p.printed = true
		return errors.Join(err, summary.JSON(c.App.Writer))
	}
	return errors.Join(err, summary.Text(c.App.Writer))
}

// columns returns how to learn the width of the terminal that w is, or nil.
func columns(w io.Writer) func() int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return func() int {
		width, _, _ := term.GetSize(int(f.Fd())) // 0: unknown
		return width
	}
}

func (p *program) options(c *cli.Context, cfg *configs.Config) enlist.Options {
	return enlist.Options{Config: cfg, Algorithms: p.algorithms, Log: logger(c, cfg)}
}

// roleConfig reads the configuration of a role other than the scheduler.
func (p *program) roleConfig(c *cli.Context) (*configs.Config, error) {
	if err := noArgs(c); err != nil {
		return nil, err
	}
	cfg, err := configs.LoadRole(c.String("config"), p.overrides(c))
	if err != nil {
		return nil, usageError{err}
	}
	if len(cfg.Cluster.Join) == 0 {
		return nil, usagef("%s: which cluster? --join HOST:PORT of any member, or cluster.join in --config", c.Command.Name)
	}
	return cfg, nil
}

func (p *program) serverCommand() *cli.Command {
	seat := &cli.IntFlag{Name: "shard", Value: -1, Usage: "take this `seat`, so that a restarted server gets the same shards back", DefaultText: "the scheduler chooses", EnvVars: []string{"PETUUM_SHARD"}}
	return &cli.Command{
		Name: "server", Category: groupRoles, Usage: "hold shards of the tables",
		Flags: append([]cli.Flag{seat}, place()...), Action: p.server,
		Description: "Example:\n  petuum server --join 10.0.0.1:7946 --bind 10.0.0.2 --shard 0",
	}
}

func (p *program) server(c *cli.Context) error {
	cfg, err := p.roleConfig(c)
	if err != nil {
		return err
	}
	if c.IsSet("shard") && c.Int("shard") < 0 {
		return usagef("server: --shard %d: a seat is a number from 0", c.Int("shard"))
	}
	return server.Run(c.Context, p.options(c, cfg), c.Int("shard"))
}

func (p *program) workerCommand() *cli.Command {
	return &cli.Command{
		Name: "worker", Category: groupRoles, Usage: "compute on parts of the data",
		Flags: place(), Action: p.worker,
		Description: "Example:\n  petuum worker --join 10.0.0.1:7946 --bind 10.0.0.3",
	}
}

func (p *program) worker(c *cli.Context) error {
	cfg, err := p.roleConfig(c)
	if err != nil {
		return err
	}
	return worker.Run(c.Context, p.options(c, cfg))
}
