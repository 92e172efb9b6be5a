package configs

import (
	"strings"
	"testing"
	"time"

	"petuum/consistency"

	"github.com/google/go-cmp/cmp"
)

// Common is embedded in params: its fields are parameters, too.
type Common struct {
	Lambda float64 `toml:"lambda" doc:"strength" min:"0"`
}

type params struct {
	Common
	Penalty string             `toml:"penalty" oneof:"l1 l2"`
	Topics  int32              `toml:"topics" min:"1"`
	Small   uint8              `toml:"small"`
	Rate    float32            `toml:"rate"`
	Flag    bool               `toml:"flag"`
	Grid    []float64          `toml:"grid" min:"0"`
	C       *float64           `toml:"C"`
	Wait    time.Duration      `toml:"wait"`
	Policy  consistency.Policy `toml:"policy"`
	Step    struct {
		Size  float64 `toml:"size"`
		Decay float64 `toml:"decay"`
	} `toml:"step"`
	Layers []layer `toml:"layers"`
	Ready  bool    // not a parameter
}

type layer struct {
	Width int `toml:"width" min:"1"`
}

func defaults() params {
	p := params{Penalty: "l2", Topics: 10, Rate: 0.5}
	p.Lambda = 0.1
	p.Step.Decay = 0.9
	return p
}

func TestAlgorithm(t *testing.T) {
	c := mustParse(t, job+`[algorithm]
lambda = 1
penalty = "l1"
grid = [1, 0.5]
C = 2
wait = "250ms"
policy = "ssp:3"
step.size = 3
[[algorithm.layers]]
width = 4
[[algorithm.layers]]
width = 5
`, "algorithm.topics=20", "algorithm.penalty=l2", "algorithm.flag=true")
	got := defaults()
	if err := c.Algorithm(&got); err != nil {
		t.Fatal(err)
	}
	want, two := defaults(), 2.0
	want.Lambda, want.Grid, want.C, want.Wait = 1, []float64{1, 0.5}, &two, 250*time.Millisecond
	want.Policy, want.Step.Size, want.Topics, want.Flag = consistency.SSP(3), 3, 20, true
	want.Layers = []layer{{4}, {5}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(consistency.Policy{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAlgorithmProblems(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		sets       []string
		want       string
	}{
		{"unknown", "lamda = 1", nil, `job.toml:5: algorithm.lamda: unknown key; nearest valid name "lambda"`},
		{"untagged", "Ready = true", nil, `job.toml:5: algorithm.Ready: unknown key; nearest valid name "rate"`},
		{"unknown below", "step = {sise = 1}", nil, `job.toml:5: algorithm.step.sise: unknown key; nearest valid name "size"`},
		{"type", "\n\nlambda = \"x\"", nil, `job.toml:7: algorithm.lambda: want a float of at least 0, got the string "x"`},
		{"limit", "lambda = -1", nil, `job.toml:5: algorithm.lambda: -1 is out of range: want a float of at least 0`},
		{"nan", "rate = nan", nil, `job.toml:5: algorithm.rate: nan is not a finite number`},
		{"float32", "rate = 1e300", nil, `job.toml:5: algorithm.rate: 1e+300 is out of range: want a float that fits in 32 bits`},
		{"int32", "topics = 3000000000", nil, `job.toml:5: algorithm.topics: 3000000000 is out of range: want an integer that fits in 32 bits`},
		{"uint8", "small = 256", nil, `job.toml:5: algorithm.small: 256 is out of range: want an integer that fits in 8 bits`},
		{"element", "grid = [\n1,\n-1,\n]", nil, `job.toml:7: algorithm.grid[1]: -1 is out of range: want a float of at least 0`},
		{"choice", "penalty = \"L1\"", nil, `job.toml:5: algorithm.penalty: "L1" is not one of l1, l2; nearest valid name "l1"`},
		{"duration", "wait = \"5\"", nil, `job.toml:5: algorithm.wait: "5" is not a duration: want a number and a unit, as "250ms"`},
		{"duration type", "wait = 5", nil, `job.toml:5: algorithm.wait: want a duration, got the integer 5`},
		{"text", "policy = \"x\"", nil, `job.toml:5: algorithm.policy: consistency: unknown policy "x": use "bsp", "ssp:S" with a slack S of 0 to 1048576, or "asp"`},
		{"list of tables", "[[algorithm.layers]]\nwidth = 1\n[[algorithm.layers]]\nwidth = 0", nil, `job.toml:8: algorithm.layers[1].width: 0 is out of range: want an integer of at least 1`},
		{"not a list", "layers = 1", nil, `job.toml:5: algorithm.layers: want a list of tables, got the integer 1`},
		{"not a table", "step = 1", nil, `job.toml:5: algorithm.step: want a table, got the integer 1`},
		{"override", "lambda = 1", []string{"algorithm.lambda=0.1x"}, `--set algorithm.lambda=0.1x: want a float of at least 0, got the string "0.1x"`},
		{"override unknown", "", []string{"algorithm.lamda=1"}, `--set algorithm.lamda=1: unknown key; nearest valid name "lambda"`},
		{"all", "topics = 0\nflag = 1", []string{"algorithm.small=-1"}, "job.toml:5: algorithm.topics: 0 is out of range: want an integer of at least 1\n" +
			"job.toml:6: algorithm.flag: want a boolean, got the integer 1\n--set algorithm.small=-1: -1 is out of range: want an integer of at least 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := defaults()
			err := mustParse(t, job+"[algorithm]\n"+tt.text, tt.sets...).Algorithm(&got)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(defaults(), got, cmp.AllowUnexported(consistency.Policy{})); diff != "" {
				t.Errorf("the target has changed (-want +got)\n%s", diff)
			}
		})
	}
}

func TestAlgorithmAfterEncode(t *testing.T) {
	c := mustParse(t, job+"[algorithm]\nlamda = 1\nlambda = 2")
	sent, err := Parse("the scheduler's configuration", c.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	err = sent.Algorithm(&params{})
	if err == nil || !strings.Contains(err.Error(), `algorithm.lamda: unknown key; nearest valid name "lambda"`) {
		t.Errorf("got %v, want the unknown key", err)
	}
}

func TestDescribe(t *testing.T) {
	p := defaults()
	var got []string
	for _, s := range Describe(&p) {
		got = append(got, s.Key+" "+s.Type+" "+s.Default+" "+s.Doc)
	}
	want := []string{"algorithm.lambda float 0.1 strength", `algorithm.penalty string "l2" `, "algorithm.topics integer 10 ", "algorithm.small integer 0 ", "algorithm.rate float 0.5 ",
		"algorithm.flag boolean false ", "algorithm.grid list of floats [] ", "algorithm.C float  ", `algorithm.wait duration "0s" `, `algorithm.policy string "bsp" `,
		"algorithm.step.size float 0.0 ", "algorithm.step.decay float 0.9 ", "algorithm.layers list of tables [] "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
