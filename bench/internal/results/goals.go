// SPDX-License-Identifier: MIT

package results

import "fmt"

// A Goal has the bounds for one of our rows. A bound of 0 does not count.
type Goal struct {
	Row   string
	Value float64 // at most so much
	Floor float64 // at most so many times the floor
	Best  float64 // at most so many times the best peer; 1: first
	User  float64 // the user part at most so many times that of socketioxide
	P99   bool    // the least of all servers, floors apart
}

// Goals are all goals.
var Goals = []Goal{
	{Row: "idle-plain", Value: 2.2, Best: 1},
	{Row: "idle-bare", Value: 2.2, Best: 1},
	{Row: "idle-10000", Value: 2.7, Best: 1},
	{Row: "idle-browser", Value: 2.7},
	{Row: "ping", Best: 0.5},
	{Row: "echo-1000", Floor: 1.5, Best: 1, User: 0.5, P99: true},
	{Row: "ack", Floor: 1.6, Best: 1, User: 0.5},
	{Row: "echo-8", Floor: 1.1, Best: 1},
	{Row: "bcast-1000", Floor: 1.1, Best: 1 / 1.5},
	{Row: "bcast-10000", Floor: 1.25, Best: 1 / 1.5},
	{Row: "rooms", Floor: 1.25, Best: 1 / 1.5},
	{Row: "connect", Floor: 1.75, Best: 1},
	{Row: "poll", Floor: 1.1, Best: 1},
	{Row: "blob", Floor: 1.5, Best: 1},
	{Row: "large", Best: 1},
}

// A Check is a part of a goal.
type Check struct {
	Row, Text string
	Got       float64
	Bound     float64
	Unit      string // "KiB", or "x" for a ratio
	Known     bool   // it was measured
}

// Met reports whether the goal is reached.
func (c Check) Met() bool { return c.Known && c.Got <= c.Bound*1.0001 }

// Checks compares a run with the goals.
func (r *Run) Checks() []Check {
	var list []Check
	for _, g := range Goals {
		row, _ := RowOf(g.Row)
		add := func(text string, got, bound float64, unit string, known bool) {
			if bound > 0 {
				list = append(list, Check{row.Text, text, got, bound, unit, known})
			}
		}
		v, ok := r.Median(g.Row, "ours", Value)
		add("resident", v, g.Value, "KiB", ok)
		v, _, _, ok = r.Ratio(g.Row, "ours", row.Floor, Value)
		add("of the floor", v, g.Floor, "x", ok)
		best, _ := r.Best(g.Row, Value)
		v, _, _, ok = r.Ratio(g.Row, "ours", best, Value)
		add(fmt.Sprintf("of the best Socket.IO server (%s)", orNone(best)), v, g.Best, "x", ok)
		v, _, _, ok = r.Ratio(g.Row, "ours", "oxide", User)
		add("user part, of socketioxide's", v, g.User, "x", ok)
		if g.P99 {
			best, _ = r.Best(g.Row, P99)
			v, _, _, ok = r.Ratio(g.Row, "ours", best, P99)
			add(fmt.Sprintf("p99, of the best (%s)", orNone(best)), v, 1, "x", ok)
		}
	}
	return list
}

func orNone(name string) string {
	if name == "" {
		return "none ran"
	}
	return name
}
