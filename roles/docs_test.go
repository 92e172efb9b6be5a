package roles_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/algos/registry"
	"petuum/configs"
)

const settingsHead = `# Settings

Every key of a job's TOML file, from the code (BTgo test ./roles -run TestSettingsPage -rewriteBT).

A value comes from the last of these that has one:

1. the default in the table;
2. the file;
3. the environment: BTPETUUM_BT, the section, BT_BT and the key, in capitals. BTcluster.key_fileBT is BTPETUUM_CLUSTER_KEY_FILEBT,
   the parameter BTlambdaBT is BTPETUUM_ALGORITHM_LAMBDABT. A variable that begins like a section but has no
   setting's name is an error, so that a slip is not lost; all others, such as BTPETUUM_SHARDBT, are left alone;
4. the command line: BT--set section.key=valueBT, or a flag of its own, such as BT--bindBT. Of several
   BT--setBT for one key the last counts.

In the environment and on the command line a text needs no quotes but the shell's, and a list is TOML, as in
BT--set 'data.ignore=["id", "name"]'BT, or its only element: BT--set data.ignore=idBT.

BTpetuum config show FILE.tomlBT prints every value and where it comes from; BTpetuum config check FILE.tomlBT all that is
wrong with a file, and what would run.

BTdata.trainBT and BTdata.testBT are a file or a list of files. Each may be a pattern, in which BT*BT stands for any text and
BT?BT for any character but BT/BT, and BT[a-z]BT for one of these; the files it matches are read in the order of their names. A relative
path or pattern in a file is looked for beside that file, then in the working directory; in the environment and on the
command line only in the latter. One that means no file, and a file that is meant twice, are errors. BTjob.startBT is looked for
in the same way.

A job of stages, one problem after another, has the rules of BTstopBT for each of them, but for BTstop.secondsBT, which are those
of the job.
`

var rewrite = flag.Bool("rewrite", false, "write docs/settings.md anew")

// TestSettingsPage holds docs/settings.md against the code it describes.
func TestSettingsPage(t *testing.T) {
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(settingsHead, "BT", "`"))
	table(&b, "The job and its place", configs.Settings())
	for _, name := range slices.Sorted(maps.Keys(registry.Algorithms)) {
		table(&b, fmt.Sprintf("[algorithm] of %s", name), configs.Describe(registry.Algorithms[name]()))
	}
	path := filepath.Join("..", "docs", "settings.md")
	if *rewrite {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(page), b.String()); d != "" {
		t.Errorf("docs/settings.md is not what the code says; run this test with -rewrite (-page +code):\n%s", d)
	}
}

func table(b *strings.Builder, title string, settings []configs.Setting) {
	fmt.Fprintf(b, "\n## %s\n\n| key | type | default | |\n|---|---|---|---|\n", title)
	for _, s := range settings {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", s.Key, s.Type, value(s.Default), strings.ReplaceAll(s.Doc, "|", "\\|"))
	}
}

// value shows a default; one that is not set shows as a dash.
func value(text string) string {
	if text == "" {
		return "-"
	}
	return "`" + text + "`"
}
