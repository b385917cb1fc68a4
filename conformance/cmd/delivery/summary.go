// SPDX-License-Identifier: MIT

package main

// This file holds the line that the checker prints for programs.

import (
	"encoding/json"
	"slices"
	"strings"

	"socketio/internal/histcheck"
)

// causes counts the faults by what was found, and separately those of sessions in which
// the ids, the state or the admission of a connection was wrong before.
func causes(r *histcheck.Report) map[string]int {
	n := make(map[string]int)
	broken := make(map[string]bool)
	for _, v := range r.Violations {
		if slices.Contains([]histcheck.Class{histcheck.DoubleID, histcheck.State, histcheck.Forbidden}, v.Class) {
			broken[v.Event.Session] = v.Event.Session != ""
			broken[clientOf(v.Event.Epoch)] = v.Event.Epoch != ""
		}
	}
	for _, v := range r.Violations {
		switch {
		case v.Class == histcheck.DoubleID || v.Class == histcheck.State || v.Class == histcheck.Forbidden:
		case broken[v.Event.Session] || broken[clientOf(v.Event.Epoch)]:
			n[string(v.Class)+", in a session of that kind"]++
			continue
		}
		n[string(v.Class)+" ("+v.Rule+")"]++
	}
	return n
}

func clientOf(epoch string) string {
	name, _, _ := strings.Cut(epoch, "/")
	return name
}

func summary(r *histcheck.Report) string {
	line, err := json.Marshal(struct {
		Counts  map[string]int          `json:"counts"`
		Faults  map[histcheck.Class]int `json:"faults"`
		Invalid []string                `json:"invalid"`
		Reasons map[string]int          `json:"reasons"`
		Causes  map[string]int          `json:"causes"`
	}{r.Counts, r.Classes(), append([]string{}, r.Invalid...), r.Reasons, causes(r)})
	if err != nil {
		panic(err) // these types can be encoded
	}
	return string(line)
}
