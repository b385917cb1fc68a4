// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"socketio/bench/internal/charts"
	"socketio/bench/internal/results"
)

// A table has a head and rows of cells.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// markdown writes the table for a page. All columns but the first have figures.
func (t *table) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s |\n|---%s|\n", strings.Join(t.head, " | "), strings.Repeat("|---:", len(t.head)-1))
	for _, row := range t.rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
	}
	return b.String()
}

func (t *table) print(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.Join(t.head, "\t"))
	for _, row := range t.rows {
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	_ = tw.Flush() // of a terminal, or a buffer
}

// servers returns the names of the servers that have samples in one of the rows.
func servers(r *results.Run, rows []results.Row) []string {
	var names []string
	for _, s := range results.Servers {
		if slices.ContainsFunc(rows, func(row results.Row) bool { return len(r.Samples[row.ID][s.Name]) > 0 }) {
			names = append(names, s.Name)
		}
	}
	return names
}

// rowsOf returns the rows of a unit.
func rowsOf(r *results.Run, unit string) []results.Row {
	var list []results.Row
	for _, row := range results.Rows {
		if row.Unit == unit && len(r.Samples[row.ID]) > 0 {
			list = append(list, row)
		}
	}
	return list
}

// compared is the table of the servers' medians, with the spread as half of the range in
// per cent.
func compared(r *results.Run, unit string, f func(results.Sample) float64, spread bool) *table {
	rows := rowsOf(r, unit)
	names := servers(r, rows)
	t := &table{head: append([]string{""}, names...)}
	for _, row := range rows {
		cells := []string{row.Text}
		for _, name := range names {
			v := r.Each(row.ID, name, f)
			m := results.Median(v)
			switch {
			case len(v) == 0:
				cells = append(cells, "")
			case spread && m > 0 && len(v) > 1:
				cells = append(cells, fmt.Sprintf("%s ±%.0f %%", charts.Number(m), 50*(slices.Max(v)-slices.Min(v))/m))
			default:
				cells = append(cells, charts.Number(m))
			}
		}
		t.add(cells...)
	}
	return t
}

// ratios is the table of ours divided by each other server.
func ratios(r *results.Run) *table {
	rows := append(rowsOf(r, "us"), rowsOf(r, "KiB")...)
	names := slices.DeleteFunc(servers(r, rows), func(n string) bool { return n == "ours" })
	t := &table{head: append([]string{"ours /"}, names...)}
	for _, row := range rows {
		cells := []string{row.Text}
		for _, name := range names {
			m, least, most, ok := r.Ratio(row.ID, "ours", name, results.Value)
			switch {
			case !ok:
				cells = append(cells, "")
			case least == most:
				cells = append(cells, charts.Number(m))
			default:
				cells = append(cells, fmt.Sprintf("%s (%s to %s)", charts.Number(m), charts.Number(least), charts.Number(most)))
			}
		}
		t.add(cells...)
	}
	return t
}

// latencies is the table of p50, p99 and p99.9 in milliseconds.
func latencies(r *results.Run) *table {
	rows := rowsOf(r, "us")
	names := servers(r, rows)
	t := &table{head: append([]string{"p50 / p99 / p99.9, ms"}, names...)}
	for _, row := range rows {
		cells := []string{row.Text}
		some := false
		for _, name := range names {
			p50, ok := r.Median(row.ID, name, results.P50)
			p99, _ := r.Median(row.ID, name, results.P99)
			p999, _ := r.Median(row.ID, name, results.P999)
			if !ok || p50 == 0 {
				cells = append(cells, "")
				continue
			}
			some = true
			cells = append(cells, fmt.Sprintf("%s / %s / %s", charts.Number(p50/1000), charts.Number(p99/1000), charts.Number(p999/1000)))
		}
		if some {
			t.add(cells...)
		}
	}
	return t
}

// driver is the table of what the driver has used itself.
func driver(r *results.Run) *table {
	t := &table{head: []string{"with ours", "operations a second", "driver's CPU, us an operation", "share of its core"}}
	for _, row := range rowsOf(r, "us") {
		rate, ok := r.Median(row.ID, "ours", results.Rate)
		if !ok || row.ID == "ping" {
			continue
		}
		own, _ := r.Median(row.ID, "ours", func(s results.Sample) float64 { return s.DriverCPU })
		share, _ := r.Median(row.ID, "ours", func(s results.Sample) float64 { return s.Driver })
		t.add(row.Text, fmt.Sprintf("%.0f", rate), charts.Number(own), fmt.Sprintf("%.0f %%", 100*share))
	}
	return t
}

// goals is the table of what is to be reached.
func goals(r *results.Run) *table {
	t := &table{head: []string{"", "figure", "measured", "goal", ""}}
	for _, c := range r.Checks() {
		got, verdict := "not measured", ""
		if c.Known {
			got, verdict = withUnit(c.Got, c.Unit), "missed"
		}
		if c.Met() {
			verdict = "met"
		}
		t.add(c.Row, c.Text, got, withUnit(c.Bound, c.Unit), verdict)
	}
	return t
}

func withUnit(v float64, unit string) string {
	if unit == "x" {
		return charts.Number(v) + "x"
	}
	return charts.Number(v) + " " + unit
}

// scaling is the table of one core against two.
func scaling(r *results.Run) *table {
	t := &table{head: []string{"", "echo, us: 1 core", "2 cores", "echoes a second, times", "broadcast, us: 1 core", "2 cores", "deliveries a second, times"}}
	for _, s := range results.Servers {
		cells := []string{s.Name}
		for _, row := range [][2]string{{"echo-1000", "echo-2"}, {"bcast-1000", "bcast-2"}} {
			one, ok1 := r.Median(row[0], s.Name, results.Value)
			two, ok2 := r.Median(row[1], s.Name, results.Value)
			before, _ := r.Median(row[0], s.Name, results.Rate)
			after, _ := r.Median(row[1], s.Name, results.Rate)
			if !ok1 || !ok2 || before == 0 {
				cells = append(cells, "", "", "")
				continue
			}
			cells = append(cells, charts.Number(one), charts.Number(two), charts.Number(after/before))
		}
		if strings.Join(cells[1:], "") != "" {
			t.add(cells...)
		}
	}
	return t
}

// million is the table of the simulation.
func million(r *results.Run) *table {
	t := &table{head: []string{"sockets", "live heap, B each", "resident, B each", "CPU of a connection, us", "broadcast, ms", "CPU of a delivery, us", "longest pause, ms", "collections", "goroutines"}}
	if r.Million == nil {
		return t
	}
	for _, s := range r.Million.Steps {
		t.add(fmt.Sprint(s.Sockets), fmt.Sprintf("%.0f", s.HeapBytes), fmt.Sprintf("%.0f", s.ResidentBytes), charts.Number(s.ConnectMicros),
			charts.Number(s.BroadcastMS), charts.Number(s.BroadcastCPU), charts.Number(s.GCPauseMax), fmt.Sprint(s.GCCycles), fmt.Sprint(s.Goroutines))
	}
	return t
}

// about says on what a run happened.
func about(r *results.Run) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, commit %s, %s, %s, %d rounds, %.0f s.", r.Date.Format("2 January 2006"), r.Commit, r.Machine, r.Kernel, r.Rounds(), r.Seconds)
	var names []string
	for name := range r.Versions {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		names[i] = name + " " + r.Versions[name]
	}
	fmt.Fprintf(&b, " %s.\n", strings.Join(names, ", "))
	if r.Awake {
		b.WriteString("The driver stayed awake.\n")
	}
	for _, s := range results.Servers {
		if why := r.Missing[s.Name]; why != "" {
			fmt.Fprintf(&b, "\nNot measured: %s: %s.\n", s.Name, why)
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "\nNote: %s.\n", note)
	}
	return b.String()
}

// terminal prints everything.
func terminal(w io.Writer, r *results.Run) {
	fmt.Fprintln(w, about(r))
	for _, s := range results.Servers {
		fmt.Fprintf(w, "%s: %s\n", s.Name, s.Text)
	}
	for _, part := range []struct {
		title string
		t     *table
	}{
		{"CPU time of the server for each operation, us, median and half of the range", compared(r, "us", results.Value, true)},
		{"of it in user mode, us", compared(r, "us", results.User, false)},
		{"resident memory for each client, KiB", compared(r, "KiB", results.Value, true)},
		{"ratios, round by round: median (least to most)", ratios(r)},
		{"latencies", latencies(r)},
		{"the driver", driver(r)},
		{"one core and two", scaling(r)},
		{"goals", goals(r)},
		{"a million sockets in memory", million(r)},
	} {
		if len(part.t.rows) > 0 {
			fmt.Fprintf(w, "\n%s\n\n", part.title)
			part.t.print(w)
		}
	}
}
