// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"slices"
	"strings"

	"socketio/bench/internal/charts"
	"socketio/bench/internal/results"
)

// sections returns what is generated in a page, by name.
func sections(r *results.Run) map[string]string {
	return map[string]string{
		"about":   about(r),
		"cpu":     compared(r, "us", results.Value, true).markdown(),
		"user":    compared(r, "us", results.User, false).markdown(),
		"memory":  compared(r, "KiB", results.Value, true).markdown(),
		"ratios":  ratios(r).markdown(),
		"latency": latencies(r).markdown(),
		"driver":  driver(r).markdown(),
		"scaling": scaling(r).markdown(),
		"goals":   goals(r).markdown(),
		"million": million(r).markdown(),
	}
}

const (
	begin = "<!-- bench "
	end   = "<!-- bench end -->"
)

// replace puts sections into a page, where it has the marks.
func replace(page string, sections map[string]string) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(page, begin)
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, rest, ok := strings.Cut(rest, " -->\n")
		section, known := sections[name]
		if !ok || !known {
			return "", fmt.Errorf("unknown mark %q", name)
		}
		_, rest, ok = strings.Cut(rest, end)
		if !ok {
			return "", fmt.Errorf("the end of %q is missing", name)
		}
		fmt.Fprintf(&out, "%s%s -->\n\n%s\n%s", begin, name, section, end)
		page = rest
	}
}

// pictures returns the charts by the names of their files.
func pictures(r *results.Run) map[string][]byte {
	const note = "CPU time of the server for each operation, the dark part in user mode; median and range. Green: this repository, grey: no Socket.IO."
	return map[string][]byte{
		"bench-overview.svg": charts.SVG("CPU time and memory of servers", 2, panels(r, false,
			"echo-1000", "ack", "bcast-1000", "rooms", "connect", "idle-10000"),
			"Microseconds of the server's CPU for each operation, the dark part in user mode; KiB of memory for each idle client. Less is better."),
		"bench-events.svg": charts.SVG("CPU time for each event", 2, panels(r, true,
			"echo-1", "echo-100", "echo-1000", "echo-awake", "echo-8", "ack", "connect", "poll", "blob", "large"), note),
		"bench-broadcast.svg": charts.SVG("CPU time for each delivery", 2, panels(r, true,
			"bcast-1000", "bcast-10000", "rooms", "chat", "echo-2", "bcast-2", "ping"), note),
		"bench-memory.svg": charts.SVG("memory of idle clients", 2, panels(r, true,
			"idle-1000", "idle-5000", "idle-10000", "idle-18000", "idle-plain", "idle-bare"),
			"KiB of resident memory for each client; median and range. Green: this repository, grey: no Socket.IO."),
		"bench-latency.svg": charts.SVG("latency of an echo", 3, tails(r, "echo-1000"), "Milliseconds until the answer, 1000 clients that all wait; logarithmic."),
	}
}

// panels makes a panel of each row that was measured.
func panels(r *results.Run, floors bool, ids ...string) []charts.Panel {
	var list []charts.Panel
	for _, id := range ids {
		row, ok := results.RowOf(id)
		if !ok || len(r.Samples[id]) == 0 {
			continue
		}
		p := charts.Panel{Title: row.Text, Unit: row.Unit}
		for _, s := range results.Servers {
			v := r.Each(id, s.Name, results.Value)
			// The short charts have servers that one might choose, and the floor.
			short := s.Floor && s.Name != row.Floor || s.Other || strings.HasPrefix(s.Name, "recovery")
			if len(v) == 0 || short && !floors {
				continue
			}
			user, _ := r.Median(id, s.Name, results.User)
			bar := charts.Bar{Label: s.Name, Value: results.Median(v), Part: user, Class: class(s)}
			if len(v) > 1 {
				bar.Low, bar.High = slices.Min(v), slices.Max(v)
			}
			p.Bars = append(p.Bars, bar)
		}
		list = append(list, p)
	}
	return list
}

// tails makes panels of the quantiles of a row.
func tails(r *results.Run, id string) []charts.Panel {
	var list []charts.Panel
	for _, q := range []struct {
		name string
		f    func(results.Sample) float64
	}{{"p50", results.P50}, {"p99", results.P99}, {"p99.9", results.P999}} {
		p := charts.Panel{Title: q.name, Unit: "ms", Log: true}
		for _, s := range results.Servers {
			if m, ok := r.Median(id, s.Name, q.f); ok && m > 0 {
				p.Bars = append(p.Bars, charts.Bar{Label: s.Name, Value: m / 1000, Class: class(s)})
			}
		}
		if len(p.Bars) > 0 {
			list = append(list, p)
		}
	}
	return list
}

func class(s results.Server) string {
	switch {
	case s.Own:
		return "own"
	case s.Floor:
		return "floor"
	}
	return "peer"
}
