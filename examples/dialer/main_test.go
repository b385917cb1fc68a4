// SPDX-License-Identifier: MIT

// This file holds what can be tested without Node: conformance/dialer has the rest.

package main

import (
	"os"
	"strings"
	"testing"
)

// The comment of the program says how long it is.
func TestLength(t *testing.T) {
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(source), "import (\n")
	_, after, ok := strings.Cut(rest, "\n)\n")
	if !ok {
		t.Fatal("main.go has no imports")
	}
	lines := 0
	for line := range strings.Lines(before + after) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			lines++
		}
	}
	if lines > 40 {
		t.Errorf("main.go has %d lines beside its imports, want at most 40", lines)
	}
}
