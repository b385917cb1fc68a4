// SPDX-License-Identifier: MIT

package main

// This file holds the line that the checker prints for programs.

import (
	"encoding/json"

	"socketio/internal/histcheck"
)

func summary(r *histcheck.Report) string {
	line, err := json.Marshal(struct {
		Counts  map[string]int          `json:"counts"`
		Faults  map[histcheck.Class]int `json:"faults"`
		Invalid []string                `json:"invalid"`
		Reasons map[string]int          `json:"reasons"`
	}{r.Counts, r.Classes(), append([]string{}, r.Invalid...), r.Reasons})
	if err != nil {
		panic(err) // these types can be encoded
	}
	return string(line)
}
