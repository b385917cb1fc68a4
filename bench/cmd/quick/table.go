// SPDX-License-Identifier: MIT

//go:build linux

// This file holds the results: medians, ratios round by round, the budgets of
// docs/DESIGN.md and the tables.

package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A sample is one server in one round. value is KiB per client, or microseconds of
// CPU per operation, of which user is the user-mode part.
type sample struct {
	value, user float64
	driver      float64 // share of its core that the driver used
	rate        float64 // operations per second
}

// results are samples by server and figure, one for each round.
type results struct {
	samples map[string]map[string][]sample
	names   []string
}

func newResults() *results { return &results{samples: make(map[string]map[string][]sample)} }

func (r *results) add(server, figure string, s sample) {
	if r.samples[server] == nil {
		r.samples[server] = make(map[string][]sample)
		r.names = append(r.names, server)
	}
	r.samples[server][figure] = append(r.samples[server][figure], s)
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	if n == 0 {
		return 0
	}
	return (v[(n-1)/2] + v[n/2]) / 2
}

func (r *results) each(server, figure string, f func(sample) float64) []float64 {
	var v []float64
	for _, s := range r.samples[server][figure] {
		v = append(v, f(s))
	}
	return v
}

func value(s sample) float64 { return s.value }
func user(s sample) float64  { return s.user }

// ratio is the median of the ratios of each round.
func (r *results) ratio(server, other, figure string) float64 {
	return median(r.ratios(server, other, figure))
}

// ratios has one for each round, the least first.
func (r *results) ratios(server, other, figure string) []float64 {
	a, b := r.each(server, figure, value), r.each(other, figure, value)
	var v []float64
	for i := range min(len(a), len(b)) {
		v = append(v, a[i]/b[i])
	}
	slices.Sort(v)
	return v
}

// number is for a table. There is no 0: it means not measured.
func number(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", v)
}

// A figure is a row. The budgets are upper bounds; 0 means none.
type figure struct {
	name, text, unit string
	value, user      float64 // of ours
	floor, gws, node float64 // ratios
	budget           string
}

var figures = []figure{
	{name: "idle", text: "idle client", unit: "KiB", value: 2, budget: "2 KiB"},
	{name: "idle-gc", text: "idle client, after GC", unit: "KiB"},
	{name: "idle-bare", text: "idle client, no handlers", unit: "KiB"},
	{name: "idle-bare-gc", text: "idle client, no handlers, after GC", unit: "KiB"},
	{name: "kept", text: "session kept for a client that has gone", unit: "KiB"},
	{name: "echo", text: "echo", unit: "us", floor: 1.3, node: 1. / 3, budget: "1.3 floor, 0.33 node"},
	{name: "ack", text: "acknowledgement", unit: "us", floor: 1.3, node: 1. / 3, budget: "1.3 floor, 0.33 node"},
	{name: "broadcast", text: "broadcast, per delivery", unit: "us", user: 0.5, floor: 1.1, gws: 1, node: 0.5,
		budget: "1.1 floor, 0.5 node, below gws, user 0.5 us"},
	{name: "connect", text: "connect, join, close", unit: "us", floor: 1.5, gws: 1, node: 1,
		budget: "1.5 floor, below gws and node"},
	{name: "poll", text: "echo over polling", unit: "us"},
	{name: "blob", text: "echo of 64 KiB", unit: "us"},
}

// verdict compares ours with the budgets.
func (r *results) verdict(f figure, server string) string {
	if f.budget == "" {
		return ""
	}
	var missed []string
	check := func(what string, got, bound float64) {
		if bound > 0 && got > bound {
			missed = append(missed, fmt.Sprintf("%s by %.0f %%", what, 100*(got/bound-1)))
		}
	}
	check(f.unit, median(r.each(server, f.name, value)), f.value)
	check("floor", r.ratio(server, "floor", f.name), f.floor)
	check("gws", r.ratio(server, "gws", f.name), f.gws)
	check("node", r.ratio(server, "node", f.name), f.node)
	check("user", median(r.each(server, f.name, user)), f.user)
	if len(missed) == 0 {
		return "met"
	}
	return "missed: " + strings.Join(missed, ", ")
}

func (r *results) print(o settings, took time.Duration) {
	rounds := 0
	for _, sc := range scenarios(o.clients) {
		rounds = max(rounds, len(r.samples["ours"][sc.name]))
	}
	fmt.Printf("server on core %s (GOMAXPROCS=1), driver on another; %s, node %s; %d idle clients, else %d; %d rounds, medians; %.0f s\n",
		o.core, runtime.Version(), nodeVersion(), o.idle, o.clients, rounds, took.Seconds())
	fmt.Print("floor: bare epoll server, handshake by hand; gws: github.com/lxzan/gws 1.8.9 on net/http; node: npm socket.io 4.8.4 with ws 8.23.0\n")
	fmt.Print("CPU figures are the server process's own user + system time; ratios are ours / other, below 1 is less than the other\n\n")

	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FIGURE\tDRIVER\tOURS\tUSER\t/ FLOOR\t/ GWS\t/ NODE\tBUDGET\tVERDICT")
	for _, f := range figures {
		for _, server := range []string{"ours", "ours-goroutine"} {
			if len(r.samples[server][f.name]) == 0 {
				continue
			}
			driver, userPart := "poll", "-"
			if server != "ours" {
				driver = "goroutine"
			}
			if f.unit == "us" {
				userPart = number(median(r.each(server, f.name, user)))
			}
			fmt.Fprintf(w, "%s\t%s\t%.2f %s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.text, driver,
				median(r.each(server, f.name, value)), f.unit, userPart,
				number(r.ratio(server, "floor", f.name)), number(r.ratio(server, "gws", f.name)), number(r.ratio(server, "node", f.name)),
				f.budget, r.verdict(f, server))
		}
	}
	_ = w.Flush() // standard output
	for _, s := range recoverers {
		if v := r.ratios(s.name, "ours", "broadcast"); len(v) > 0 {
			fmt.Printf("a broadcast with %s / without: %.2f (%.2f to %.2f)\n", s.name, median(v), v[0], v[len(v)-1])
		}
	}
	for _, s := range recoverers {
		kept, idle := median(r.each(s.name, "kept", value)), median(r.each("ours", "idle-gc", value))
		if kept > 0 && idle > 0 {
			fmt.Printf("a session kept with %s / an idle client, after GC: %.2f\n", s.name, kept/idle)
		}
	}
	if o.other != "" {
		r.printPairs()
	}

	fmt.Print("\nEach server: median (least to most), user-mode part, operations per second, share of its core that the driver used\n\n")
	w = tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FIGURE\tSERVER\tMEDIAN\tRANGE\tUSER\tOPS/S\tDRIVER")
	for _, f := range figures {
		for _, server := range r.names {
			v := r.each(server, f.name, value)
			if len(v) == 0 {
				continue
			}
			fmt.Fprintf(w, "%s\t%s\t%.2f %s\t%.2f to %.2f", f.text, server, median(v), f.unit, slices.Min(v), slices.Max(v))
			if f.unit == "us" {
				fmt.Fprintf(w, "\t%.2f\t%.0f\t%.0f %%", median(r.each(server, f.name, user)),
					median(r.each(server, f.name, func(s sample) float64 { return s.rate })),
					100*median(r.each(server, f.name, func(s sample) float64 { return s.driver })))
			}
			fmt.Fprintln(w)
		}
	}
	_ = w.Flush()
}

// printPairs compares two builds, round by round. Where the builds are the same, the
// range says how much of a difference is chance.
func (r *results) printPairs() {
	fmt.Print("\nours (poll) / the other build, round by round\n\n")
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FIGURE\tMEDIAN\tMIDDLE HALF\tRANGE\tROUNDS")
	for _, f := range figures {
		if v := r.ratios("ours", "other", f.name); len(v) > 0 {
			n := len(v)
			fmt.Fprintf(w, "%s\t%.3f\t%.3f to %.3f\t%.3f to %.3f\t%d\n", f.text, median(v), v[n/4], v[n-1-n/4], v[0], v[n-1], n)
		}
	}
	_ = w.Flush() // standard output
}
