package roles_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// variable is one that a unit's command line uses.
var variable = regexp.MustCompile(`\$\{([A-Z_]+)\}`)

// commandLine is the ExecStart of a unit, with its variables and its instance, as arguments.
// Every variable must be in one of the unit's environment files, or systemd's own.
func commandLine(t *testing.T, unit, instance string, values map[string]string) []string {
	t.Helper()
	dir := filepath.Join("..", "docs", "deploy")
	environment := "\n"
	text, err := os.ReadFile(filepath.Join(dir, unit))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if file, ok := strings.CutPrefix(strings.TrimSpace(line), "EnvironmentFile=/etc/petuum/"); ok {
			example, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			environment += string(example)
		}
		line, ok := strings.CutPrefix(strings.TrimSpace(line), "ExecStart=/usr/local/bin/petuum ")
		if !ok {
			continue
		}
		line = variable.ReplaceAllStringFunc(line, func(v string) string {
			name := variable.FindStringSubmatch(v)[1]
			if name != "CREDENTIALS_DIRECTORY" && !strings.Contains(environment, "\n"+name+"=") {
				t.Errorf("%s uses %s, which its environment files do not set", unit, name)
			}
			if values[name] == "" {
				t.Errorf("%s uses %s, which this test does not know", unit, name)
			}
			return values[name]
		})
		return strings.Fields(strings.ReplaceAll(line, "%i", instance))
	}
	t.Fatalf("%s has no ExecStart of /usr/local/bin/petuum", unit)
	return nil
}

// TestUnits runs a job with the command lines of the systemd units.
func TestUnits(t *testing.T) {
	dir := t.TempDir()
	values := map[string]string{
		"PETUUM_CLUSTER_BIND": "127.0.0.1", "PETUUM_CLUSTER_GOSSIP": "127.0.0.1:0", "PETUUM_CLUSTER_DATA": "127.0.0.1:0",
		"PETUUM_CONFIG": config(t, "logreg-a9a.toml"), "CREDENTIALS_DIRECTORY": filepath.Dir(key(t, "gossip.key", ourKey)),
	}
	sched := start(t, dir, commandLine(t, "petuum-scheduler.service", "", values)...)
	line := sched.until("to join ")
	values["PETUUM_CLUSTER_JOIN"] = line[strings.LastIndex(line, " ")+1:]
	all := []*program{sched}
	for _, role := range []string{"server", "worker"} {
		for _, instance := range []string{"0", "1"} {
			all = append(all, start(t, dir, commandLine(t, "petuum-"+role+"@.service", instance, values)...))
		}
	}
	for _, p := range all {
		if code := p.status(); code != 0 {
			t.Errorf("%v: exit status %d, want 0:\n%s", p.cmd.Args, code, p.stderr())
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "out", "logreg-a9a", "manifest.json")); err != nil {
		t.Errorf("no model where the unit works: %v", err)
	}
}

// fakeSrun runs the tasks of a step on this machine, as srun does on the job's nodes.
const fakeSrun = `#!/usr/bin/env bash
tasks=1
while [[ $1 == --* ]]; do
    [[ $1 == --ntasks=* ]] && tasks=${1#*=}
    shift
done
for ((i = 0; i < tasks; i++)); do
    SLURM_PROCID=$i "$@" &
    pids+=($!)
done
trap 'kill "${pids[@]}"' TERM
status=0
for p in "${pids[@]}"; do wait "$p" || status=$?; done
exit $status
`

// TestSlurmScript runs docs/deploy/petuum.sbatch with an srun of its own.
func TestSlurmScript(t *testing.T) {
	petuum := binary(t)
	if out, err := exec.Command("bash", "-c", `((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)) && type getent hostname head base64`).CombinedOutput(); err != nil {
		t.Skipf("needs bash 5.1, getent and hostname: %v: %s", err, out)
	}
	script, err := filepath.Abs(filepath.Join("..", "docs", "deploy", "petuum.sbatch"))
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "srun"), []byte(fakeSrun), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		want string // on stderr; "": the job's result on stdout
	}{
		{"a job", []string{"--json"}, 0, ""},
		{"a wrong setting", []string{"--set", "stop.epoch=1"}, 2, `nearest valid name "epochs"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, tmp := t.TempDir(), t.TempDir()
			cmd := exec.Command("bash", append([]string{script, config(t, "logreg-a9a.toml")}, c.args...)...)
			cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "TMPDIR="+tmp, "PETUUM="+petuum, "PETUUM_NET=127.0.0.1",
				"SLURM_JOB_NUM_NODES=2", "SLURMD_NODENAME=127.0.0.1", "SERVERS=3", "WORKERS=")
			p := launch(t, dir, cmd)
			if c.want == "" {
				s := p.result()
				near(t, "objective", s.Objective, 0.32450692, 1e-4)
				if s.Servers != 3 || s.Workers != 2 {
					t.Errorf("%d servers and %d workers, want 3 and 2", s.Servers, s.Workers)
				}
			} else if code := p.status(); code != c.code || !strings.Contains(p.stderr(), c.want) {
				t.Errorf("exit status %d, want %d, saying %q:\n%s", code, c.code, c.want, p.stderr())
			}
			if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
				t.Errorf("left in TMPDIR: %v, %v", left, err)
			}
		})
	}
}
