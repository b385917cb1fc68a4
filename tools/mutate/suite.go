// SPDX-License-Identifier: MIT

// This file runs the tests of packages.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A suite is the tests of a package, with all mutants that can be switched on.
type suite struct {
	pkg
	binary string
	tests  map[int][]string // which reach a mutant, by its number
	always map[int]bool     // mutants that are reached outside of tests
	took   map[string]time.Duration
	all    time.Duration
	broken []string // tests that fail without a mutant
}

// measure builds the suites and runs each once, to see which tests reach which mutant and
// how long they take.
func (m *mutator) measure() error {
	dir := filepath.Join(m.temp, "tests")
	var paths []string
	for _, p := range m.tested {
		m.suites = append(m.suites, &suite{pkg: p, binary: filepath.Join(dir, path.Base(p.ImportPath)+".test")})
		paths = append(paths, p.ImportPath)
	}
	if err := m.build(dir+"/", m.schema.overlay, paths...); err != nil { // together: they share packages
		return err
	}
	return m.each(len(m.suites), func(i int) error {
		s := m.suites[i]
		if err := s.measure(); err != nil {
			return fmt.Errorf("%s: %w", s.ImportPath, err)
		}
		fmt.Fprintf(os.Stderr, "%s: %d tests in %v\n", s.ImportPath, len(s.took), s.all.Round(time.Second))
		for _, test := range s.broken {
			fmt.Printf("left out: %s: %s fails without a mutation\n", s.ImportPath, test)
		}
		return nil
	})
}

// build builds the tests of packages. Without symbols linking takes half the time.
func (m *mutator) build(to, overlay string, paths ...string) error {
	build := exec.Command("go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-o", to, "-overlay", overlay)
	build.Args = append(build.Args, paths...)
	build.Dir = m.root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the tests: %w\n%s", err, out)
	}
	return nil
}

var result = regexp.MustCompile(`(?m)^--- (\w+): (\w+) \((.*)s\)$`)

func (s *suite) measure() error {
	hits := s.binary + ".hits"
	start := time.Now()
	run := exec.Command(s.binary, "-test.short", "-test.v", "-test.timeout", "0") // it may wait for a busy machine
	run.Dir, run.Env = s.Dir, append(os.Environ(), "MUTANT_HITS="+hits)
	out, err := run.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return err
	}
	s.all = time.Since(start)
	s.took = make(map[string]time.Duration)
	for _, found := range result.FindAllSubmatch(out, -1) {
		name := string(found[2])
		s.took[name], _ = time.ParseDuration(string(found[3]) + "s")
		if string(found[1]) != "FAIL" {
			continue
		}
		// With what records, or by chance: it need not fail alone.
		alone := exec.Command(s.binary, "-test.short", "-test.run", pattern([]string{name}))
		alone.Dir = s.Dir
		if alone.Run() != nil {
			s.broken = append(s.broken, name)
		}
	}
	if len(s.took) == 0 && err != nil {
		return fmt.Errorf("no test ran: %w\n%s", err, out)
	}
	s.tests, s.always, err = readHits(hits)
	for i, tests := range s.tests { // any of those that run side by side may have reached it
		for _, found := range paused.FindAllSubmatch(out, -1) {
			if name := string(found[1]); !slices.Contains(tests, name) {
				s.tests[i] = append(s.tests[i], name)
			}
		}
	}
	return err
}

var paused = regexp.MustCompile(`(?m)^=== PAUSE (\w+)$`)

// pattern selects tests.
func pattern(tests []string) string { return "^(" + strings.Join(tests, "|") + ")$" }

// quick is how long a test may take that runs before the slow ones.
const quick = 300 * time.Millisecond

// try runs tests with a mutant until one fails. by names the failure, or is "".
func (m *mutator) try(mu mutant, i int) (by string, err error) {
	if m.schema.alone[i] {
		return m.tryAlone(mu)
	}
	for _, slow := range []bool{false, true} {
		for _, s := range m.inOrder(mu.pkg) {
			all := s.tests[i+1]
			if s.always[i+1] {
				all = s.names()
			}
			r := tests{suite: s, binary: s.binary, mutant: fmt.Sprintf("MUTANT=%d", i+1), original: s.binary}
			r.choose(all, slow)
			if by, err := r.failure(m); by != "" || err != nil {
				return by, err
			}
		}
	}
	return "", nil
}

// tryAlone is try for a mutant that can't be switched.
func (m *mutator) tryAlone(mu mutant) (by string, err error) {
	temp, err := os.MkdirTemp(m.temp, "")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	overlay, err := mu.overlay(temp)
	if err != nil {
		return "", err
	}
	for _, slow := range []bool{false, true} {
		for _, s := range m.inOrder(mu.pkg) {
			if s.ImportPath != mu.pkg && !slices.Contains(slices.Concat(s.Deps, s.TestImports, s.XTestImports), mu.pkg) {
				continue
			}
			r := tests{suite: s, binary: filepath.Join(temp, path.Base(s.binary)), original: s.binary}
			if !slow {
				if err := m.build(r.binary, overlay, s.ImportPath); err != nil {
					return "", err
				}
			}
			r.choose(s.names(), slow)
			if by, err := r.failure(m); by != "" || err != nil {
				return by, err
			}
		}
	}
	return "", nil
}

// names returns all tests, in a fixed order.
func (s *suite) names() []string { return slices.Sorted(maps.Keys(s.took)) }

// overlay writes the changed file and the description that -overlay reads.
func (mu mutant) overlay(temp string) (string, error) {
	file := filepath.Join(temp, "mutant.go")
	if err := os.WriteFile(file, mu.changed(), 0o600); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {mu.file: file}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(temp, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

// inOrder returns the suites in the order in which they are tried: that of the package
// itself, the root, the others.
func (m *mutator) inOrder(path string) []*suite {
	rank := func(s *suite) int {
		switch s.ImportPath {
		case path:
			return 0
		case m.module:
			return 1
		}
		return 2
	}
	all := slices.Clone(m.suites)
	slices.SortStableFunc(all, func(a, b *suite) int { return rank(a) - rank(b) })
	return all
}

// limit is how long tests may take that took so long without a mutant.
func (m *mutator) limit(took time.Duration) time.Duration {
	return max(time.Minute, time.Duration(m.factor)*took)
}

// tests are a selection of a suite, with a mutant on.
type tests struct {
	*suite
	binary   string
	mutant   string // in its environment, switches the mutant on; or "": it always is
	original string // the program without it
	pattern  string
	took     time.Duration
}

// choose selects those of the tests that are slow, or those that are not.
func (r *tests) choose(from []string, slow bool) {
	var chosen []string
	r.took = 0
	for _, test := range from {
		if (r.suite.took[test] > quick) == slow {
			chosen = append(chosen, test)
			r.took += r.suite.took[test]
		}
	}
	r.pattern = ""
	if len(chosen) > 0 {
		r.pattern = pattern(chosen)
	}
}

// failure runs the tests. by names a failure that was seen twice, and not without the
// mutant, or is "".
func (r *tests) failure(m *mutator) (by string, err error) {
	if r.pattern == "" {
		return "", nil
	}
	limit := m.limit(r.took)
	failed, err := r.run(r.pattern, limit)
	if failed == "" || err != nil {
		return "", err
	}
	name := strings.TrimPrefix(r.ImportPath, m.module+"/") + ": "
	if test := testName.FindString(failed); test != "" {
		alone, took := pattern([]string{test}), r.suite.took[test]
		again, err := r.run(alone, m.limit(took))
		if err != nil {
			return "", err
		}
		if again != "" {
			if ok, err := r.passes(alone, m.limit(took)); ok || err != nil {
				return name + failed, err
			}
		}
	}
	again, err := r.run(r.pattern, limit)
	if again == "" || err != nil {
		return "", err
	}
	if ok, err := r.passes(r.pattern, limit); !ok || err != nil {
		return "", err
	}
	return name + again, nil
}

// passes reports whether tests pass without the mutant, in half the time that they have
// with it.
func (r *tests) passes(pattern string, limit time.Duration) (bool, error) {
	without := *r
	without.binary, without.mutant = r.original, ""
	failed, err := without.run(pattern, limit/2)
	return failed == "", err
}

// failure finds the first sign of a failure in the output: the name of a test, or what
// ended the program.
var (
	failure  = regexp.MustCompile(`(?m)^--- FAIL: (\S+)|^(panic: .*|fatal error: .*|FAIL)$`)
	testName = regexp.MustCompile(`\b(Test|Fuzz|Example)\w*$`)
	running  = regexp.MustCompile(`\n\trunning tests:\n\t\t(\w+)`)
)

// run runs tests in their short form until one fails. failed is the name of that test or
// another sign of the failure, or "".
func (r *tests) run(pattern string, limit time.Duration) (failed string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit+10*time.Second) // the binary ends itself before
	defer cancel()
	run := exec.CommandContext(ctx, r.binary, "-test.short", "-test.failfast", "-test.timeout", limit.String(), "-test.run", pattern)
	if len(r.broken) > 0 {
		run.Args = append(run.Args, "-test.skip", "^("+strings.Join(r.broken, "|")+")$")
	}
	out := watched{found: cancel}
	run.Env = append(os.Environ(), r.mutant)
	run.Dir, run.WaitDelay, run.Stdout, run.Stderr = r.Dir, 5*time.Second, &out, &out
	err = run.Run()
	if found := failure.FindStringSubmatch(out.text.String()); found != nil {
		if strings.HasPrefix(found[2], "panic: test timed out") {
			if late := running.FindStringSubmatch(out.text.String()); late != nil {
				return "time limit in " + late[1], nil
			}
			return "time limit", nil
		}
		return found[1] + found[2], nil
	}
	if exit := (*exec.ExitError)(nil); err == nil || !errors.As(err, &exit) && ctx.Err() == nil {
		return "", err
	}
	if ctx.Err() != nil {
		return "time limit", nil
	}
	return err.Error(), nil
}

// watched collects an output and reports the first whole line that names a test that
// failed: the tests that still run say nothing more.
type watched struct {
	text  bytes.Buffer
	found func()
}

var failedTest = regexp.MustCompile(`(?m)^--- FAIL: \S+.*\n`)

func (w *watched) Write(b []byte) (int, error) {
	w.text.Write(b)
	if failedTest.Match(w.text.Bytes()) {
		w.found()
	}
	return len(b), nil
}
