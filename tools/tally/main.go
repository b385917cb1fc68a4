// SPDX-License-Identifier: MIT

// Command tally reads the output of "go test -json" and prints what a reader wants: one
// line per package, the whole output of failed tests, the names of skipped tests, and at
// the end "N passed, N failed". Tests and their subtests count alike; a package that
// fails outside its tests (it does not build, it leaks, it panics) counts as one failure.
// Its exit code is 1 if anything failed or if there was nothing to count. With -v, it
// also prints the logs of passed tests.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// An event is one line of "go test -json".
type event struct {
	Action     string
	Package    string
	ImportPath string // in place of Package while building
	Test       string
	Elapsed    float64 // seconds
	Output     string
}

// A pkg is the result of one package.
type pkg struct {
	passed, failed int
	output         map[string][]string // by test; "" is the package's own
}

func main() {
	verbose := flag.Bool("v", false, "print the output of the tests that pass")
	flag.Parse()
	if !tally(os.Stdin, os.Stdout, *verbose) {
		os.Exit(1)
	}
}

// tally copies the digest of r to w and reports whether all is well.
func tally(r io.Reader, w io.Writer, verbose bool) bool {
	pkgs := make(map[string]*pkg)
	passed, failed := 0, 0
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(w, lines.Text()) // the go command itself speaks
			continue
		}
		if e.ImportPath != "" {
			fmt.Fprint(w, e.Output) // build errors
			continue
		}
		p := pkgs[e.Package]
		if p == nil {
			p = &pkg{output: make(map[string][]string)}
			pkgs[e.Package] = p
		}
		switch e.Action {
		case "output":
			p.output[e.Test] = append(p.output[e.Test], e.Output)
		case "skip":
			if e.Test != "" {
				fmt.Fprintf(w, "skip %s %s\n", e.Package, e.Test)
				delete(p.output, e.Test)
			}
		case "pass":
			if e.Test == "" {
				fmt.Fprintf(w, "ok   %s (%d tests, %.1f s)\n", e.Package, p.passed, e.Elapsed)
				break
			}
			p.passed++
			passed++
			if verbose {
				fmt.Fprint(w, strings.Join(p.output[e.Test], ""))
			}
			delete(p.output, e.Test)
		case "fail":
			fmt.Fprintf(w, "FAIL %s %s\n%s", e.Package, e.Test, strings.Join(p.output[e.Test], ""))
			delete(p.output, e.Test)
			if e.Test == "" {
				p.unfinished(w)
				if p.failed > 0 {
					break // its tests have been counted
				}
			}
			p.failed++
			failed++
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(w, "tally:", err)
		failed++
	}
	fmt.Fprintf(w, "%d passed, %d failed\n", passed, failed)
	return failed == 0 && passed > 0
}

// unfinished prints what the tests said that neither passed nor failed: they
// were running when the package ended by a panic or a timeout.
func (p *pkg) unfinished(w io.Writer) {
	for test, output := range p.output {
		fmt.Fprintf(w, "unfinished %s\n%s", test, strings.Join(output, ""))
	}
}
