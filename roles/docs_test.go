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

var rewrite = flag.Bool("rewrite", false, "write docs/settings.md anew")

// TestSettingsPage holds docs/settings.md against the code it describes.
func TestSettingsPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Settings\n\nEvery key of a job's TOML file, from the code (`go test ./roles -run TestSettingsPage -rewrite`). Any of them can be\noverridden: `--set section.key=value`.\n")
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
