// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"socketio/bench/internal/results"
)

// fixture has two rows of three servers, in three rounds.
func fixture() *results.Run {
	r := results.New()
	for i, noise := range []float64{1, 1.1, 0.9} {
		r.Add("echo-1000", "ours", results.Sample{Value: 6 * noise, User: 2, Rate: 1000, P50: 900, P99: 2000, P999: 3000 + float64(i)})
		r.Add("echo-1000", "oxide", results.Sample{Value: 12 * noise, User: 5, P50: 800, P99: 90_000, P999: 200_000})
		r.Add("echo-1000", "floor", results.Sample{Value: 4 * noise, User: 1, P50: 400, P99: 500, P999: 600})
		r.Add("echo-2", "ours", results.Sample{Value: 7 * noise, Rate: 1500})
		r.Add("idle-plain", "ours", results.Sample{Value: 2.5})
		r.Add("idle-plain", "oxide", results.Sample{Value: 28})
	}
	return r
}

func TestTables(t *testing.T) {
	var b strings.Builder
	terminal(&b, fixture())
	for _, want := range []string{
		"6.00 ±10 %",           // ours
		"1.50",                 // of the floor, in every round
		"0.90 / 2.00 / 3.00",   // latencies in ms
		"90.0 / 200",           // of the other
		"2.50 KiB", "2.20 KiB", // a goal
		"user part, of socketiox", // goals
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestGoals(t *testing.T) {
	verdicts := map[string]string{}
	for _, row := range goals(fixture()).rows {
		verdicts[row[0]+", "+row[1]] = row[4]
	}
	idle, _ := results.RowOf("idle-plain")
	echo, _ := results.RowOf("echo-1000")
	poll, _ := results.RowOf("poll")
	for what, want := range map[string]string{
		idle.Text + ", resident":                             "missed", // 2.5 KiB
		idle.Text + ", of the best Socket.IO server (oxide)": "met",
		echo.Text + ", of the floor":                         "met", // 1.5x exactly
		echo.Text + ", user part, of socketioxide's":         "met",
		echo.Text + ", p99, of the best (oxide)":             "met",
		poll.Text + ", of the floor":                         "", // not measured
	} {
		if got, ok := verdicts[what]; !ok || got != want {
			t.Errorf("%s: %q, %v, want %q", what, got, ok, want)
		}
	}
}

func TestScaling(t *testing.T) {
	rows := scaling(fixture()).rows
	if got := fmt.Sprint(rows); got != "[[ours 6.00 7.00 1.50   ]]" {
		t.Errorf("got %s", got)
	}
}

func TestReplace(t *testing.T) {
	page := "before\n<!-- bench goals -->\nold\n<!-- bench end -->\nbetween\n<!-- bench about -->\n<!-- bench end -->\nafter\n"
	parts := map[string]string{"goals": "new\n", "about": "text\n"}
	once, err := replace(page, parts)
	if err != nil {
		t.Fatal(err)
	}
	if want := "before\n<!-- bench goals -->\n\nnew\n\n<!-- bench end -->\nbetween\n<!-- bench about -->\n\ntext\n\n<!-- bench end -->\nafter\n"; once != want {
		t.Errorf("got\n%s\nwant\n%s", once, want)
	}
	if twice, err := replace(once, parts); err != nil || twice != once {
		t.Errorf("a second time: %v\n%s", err, twice)
	}
	for _, bad := range []string{"<!-- bench goals -->\nno end", "<!-- bench unheard of -->\n<!-- bench end -->"} {
		if _, err := replace(bad, parts); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// Everything from a file to a page, its charts among it.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	first, second, page := filepath.Join(dir, "1.json"), filepath.Join(dir, "2.json"), filepath.Join(dir, "page.md")
	if err := fixture().Save(first); err != nil {
		t.Fatal(err)
	}
	newer := results.New()
	newer.Add("echo-1000", "ours", results.Sample{Value: 5})
	newer.Missing["bun"] = "it was not built"
	newer.Million = &results.Million{Steps: []results.Step{{Sockets: 1_000_000, HeapBytes: 1501}}}
	if err := newer.Save(second); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(page, []byte("<!-- bench cpu -->\n<!-- bench end -->\n<!-- bench million -->\n<!-- bench end -->\n<!-- bench about -->\n<!-- bench end -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(false, page, dir, filepath.Join(dir, "all.json"), []string{first, second}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| echo, 1000 clients | 5.00 |", "| 1000000 | 1501 |", "Not measured: bun: it was not built."} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	svg, err := os.ReadFile(filepath.Join(dir, "bench-events.svg"))
	if err != nil || !strings.Contains(string(svg), "echo, 1000 clients") {
		t.Errorf("the chart: %v\n%s", err, svg)
	}
	all, err := results.Load(filepath.Join(dir, "all.json"))
	if err != nil || len(all.Samples["idle-plain"]["ours"]) != 3 || len(all.Samples["echo-1000"]["ours"]) != 1 {
		t.Errorf("merged: %v, %+v", err, all)
	}
}

// The page of the repository has marks that report knows, and text for each.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := replace(string(page), sections(fixture())); err != nil {
		t.Fatal(err)
	}
	for name := range sections(fixture()) {
		if !strings.Contains(string(page), begin+name+" -->") {
			t.Errorf("the page has no part %q", name)
		}
	}
	for name := range pictures(fixture()) {
		if _, err := os.Stat(filepath.Join("../../../docs/images", name)); err != nil {
			t.Error(err)
		}
	}
}
