// SPDX-License-Identifier: MIT

//go:build linux

// This file holds the settings of a run, the figures it measures, and their table.

package main

import (
	"fmt"
	"slices"
)

// A row is a figure, and whether it has no decimals.
type row struct {
	name  string
	whole bool
}

var rows = []row{
	{name: "delivered, us of CPU"}, {name: "elsewhere, us of CPU"}, {name: "published, us of CPU"}, {"published each second", true},
	{"recovered, us of CPU", true}, {"recovered each second", true},
}

const delivered, elsewhere, published, rate, recovered, recoveries = 0, 1, 2, 3, 4, 5

// figures are those of one server in one round. What was not measured is 0.
type figures [6]float64

// settings are the flags; see main.
type settings struct {
	bin, node, core, beside string
	modes                   string
	rounds, events          int
	profile                 string
}

// draw prints the medians, and the median of the ratios of the rounds.
func draw(mode string, ours, npm []figures) {
	fmt.Printf("\n%-24s%12s%12s%16s\n", mode, "ours", "node", "ours : node")
	for i, row := range rows {
		var a, b, ratios []float64
		for k := range ours {
			a, b = append(a, ours[k][i]), append(b, npm[k][i])
			ratios = append(ratios, ours[k][i]/npm[k][i])
		}
		format := "%-24s%12.2f"
		if row.whole {
			format = "%-24s%12.0f"
		}
		switch mine, theirs := median(a), median(b); {
		case mine == 0:
		case theirs == 0:
			fmt.Printf(format+"\n", row.name, mine)
		default:
			fmt.Printf(format+format[5:]+"%12.2f\n", row.name, mine, theirs, median(ratios))
		}
	}
}

func median(all []float64) float64 {
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}
