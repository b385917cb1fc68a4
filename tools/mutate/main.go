// SPDX-License-Identifier: MIT

// Command mutate says how much the tests of the core notice. It draws changes of the
// source by a seed, applies each alone through an overlay (the working tree stays as
// it is), and runs the tests of the changed package, in their short form. If they pass,
// those of the core packages that import it run too, the root first. A change that no
// test notices survives.
//
//	go run ./mutate -dir .. -seed 4af93f9 -n 60
//
// A run ends at the first test that fails. That test must fail a second time, alone or
// with all others: a test that fails now and then kills nothing.
//
// A change that does not compile is drawn again. A survivor that behaves like the
// original belongs into equivalent.txt, with the reason; it is counted on its own.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

//go:embed equivalent.txt
var equivalentRows string

// helpers are the internal packages that only tests use, and the counter of locks.
var helpers = []string{"archtest", "difftest", "hostile", "leakcheck", "lock", "memnet", "ws/wstest"}

func main() {
	log.SetFlags(0)
	dir := flag.String("dir", ".", "the root of the repository to look at")
	seed := flag.String("seed", "4af93f9", "draws the mutations")
	n := flag.Int("n", 60, "how many mutations")
	only := flag.String("only", "", "draw from packages only whose path matches this pattern")
	skip := flag.Int("skip", 0, "how many of those drawn to pass over, to go on where a run was interrupted")
	list := flag.Bool("list", false, "print what would be drawn, run nothing")
	workers := flag.Int("j", 1, "how many mutations to try at once")
	factor := flag.Int("limit", 3, "the time limit of a test run, as a multiple of its time without a mutation")
	flag.Parse()
	m := mutator{root: *dir, factor: *factor, limits: make(map[string]time.Duration), equivalent: readEquivalent(equivalentRows)}
	if err := m.main(*seed, *n, *skip, *workers, *only, *list); err != nil {
		log.Fatal(err)
	}
}

// A pkg is a package of the core, as go list has it.
type pkg struct {
	ImportPath   string
	Dir          string
	GoFiles      []string
	Imports      []string
	TestGoFiles  []string
	XTestGoFiles []string
	Module       struct{ Path string }
}

type mutator struct {
	root       string
	temp       string
	factor     int
	packages   []pkg
	equivalent map[string]string // reasons, by mutant.key

	mu     sync.Mutex
	limits map[string]time.Duration // of a test run, by import path
}

func (m *mutator) main(seed string, n, skip, workers int, only string, list bool) (err error) {
	if m.root, err = filepath.Abs(m.root); err != nil {
		return err
	}
	if m.temp, err = os.MkdirTemp("", "mutate-*"); err != nil {
		return err
	}
	defer os.RemoveAll(m.temp)
	if err := m.readPackages(); err != nil {
		return err
	}
	drawn, err := m.draw(seed, only)
	if err != nil {
		return err
	}
	drawn = drawn[min(skip, len(drawn)):]
	if list {
		for _, mu := range drawn[:min(n, len(drawn))] {
			fmt.Println(m.show(mu))
		}
		return nil
	}
	return m.run(drawn, n, workers)
}

// run tries the first n mutants that compile, some at once. It prints a line for each
// as it is known, and at the end the counts and the survivors.
func (m *mutator) run(drawn []mutant, n, workers int) error {
	drawn, broken, err := m.compiling(drawn, n)
	if err != nil {
		return err
	}
	outcomes, errs := make([]string, len(drawn)), make([]error, workers)
	var next atomic.Int64
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(drawn) && errs[w] == nil; i = next.Add(1) - 1 {
				outcomes[i], errs[w] = m.report(drawn[i])
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	counts := make(map[string]int)
	for _, outcome := range outcomes {
		counts[outcome]++
	}
	fmt.Printf("\n%d mutations: %d killed, %d survived, %d equivalent (%d more did not compile)\n",
		len(drawn), counts["killed"], counts["survived"], counts["equivalent"], broken)
	for i, mu := range drawn {
		if outcomes[i] == "survived" {
			fmt.Println("survived:", m.show(mu))
		}
	}
	return nil
}

// report tries a mutant and prints its line.
func (m *mutator) report(mu mutant) (outcome string, err error) {
	temp, err := os.MkdirTemp(m.temp, "")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	by, err := m.try(mu, temp)
	if err != nil {
		return "", err
	}
	if by != "" {
		outcome = "killed"
	} else if by = m.equivalent[mu.key(m)]; by != "" {
		outcome = "equivalent"
	} else {
		outcome = "survived"
	}
	line := fmt.Sprintf("%-10s %s", outcome, m.show(mu))
	if by != "" {
		line += "  [" + by + "]"
	}
	fmt.Println(line)
	return outcome, nil
}

// compiling returns the first n that compile, and how many before them do not.
func (m *mutator) compiling(drawn []mutant, n int) (good []mutant, broken int, err error) {
	for _, mu := range drawn {
		if len(good) == n {
			break
		}
		overlay, err := mu.overlay(m.temp)
		if err != nil {
			return nil, 0, err
		}
		build := exec.Command("go", "build", "-overlay", overlay, mu.pkg)
		build.Dir = m.root
		if build.Run() == nil {
			good = append(good, mu)
		} else {
			broken++
		}
	}
	return good, broken, nil
}

// readPackages lists the core: the packages that users build, without programs and
// helpers of tests.
func (m *mutator) readPackages() error {
	cmd := exec.Command("go", "list", "-json", ".", "./adapter", "./engineio", "./parser/...", "./internal/...")
	cmd.Dir, cmd.Stderr = m.root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			return err
		}
		if inside, ok := strings.CutPrefix(p.ImportPath, p.Module.Path+"/internal/"); !ok || !slices.Contains(helpers, inside) {
			m.packages = append(m.packages, p)
		}
	}
	return nil
}

// draw puts all mutants into the order in which they are tried: the kinds in turn,
// and within a kind as the seed says.
func (m *mutator) draw(seed, only string) ([]mutant, error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	byKind := make(map[string][]mutant)
	for _, p := range m.packages {
		if !pattern.MatchString(p.ImportPath) {
			continue
		}
		for _, name := range p.GoFiles {
			found, err := sites(p.ImportPath, p.Dir, name)
			if err != nil {
				return nil, err
			}
			for _, mu := range found {
				byKind[mu.kind] = append(byKind[mu.kind], mu)
			}
		}
	}
	sum := fnv.New64a()
	sum.Write([]byte(seed))
	random := rand.New(rand.NewPCG(sum.Sum64(), 0))
	for _, kind := range kinds {
		random.Shuffle(len(byKind[kind]), func(i, j int) {
			byKind[kind][i], byKind[kind][j] = byKind[kind][j], byKind[kind][i]
		})
	}
	var drawn []mutant
	for i, more := 0, true; more; i++ {
		more = false
		for _, kind := range kinds {
			if i < len(byKind[kind]) {
				drawn = append(drawn, byKind[kind][i])
				more = true
			}
		}
	}
	return drawn, nil
}

// try applies a mutant and runs tests until one fails. by names the failure, or is "".
func (m *mutator) try(mu mutant, temp string) (by string, err error) {
	overlay, err := mu.overlay(temp)
	if err != nil {
		return "", err
	}
	for _, p := range m.testedBy(mu.pkg) {
		limit, err := m.limit(p)
		if err != nil {
			return "", err
		}
		if by, err := m.test(p, temp, overlay, limit); by != "" || err != nil {
			return by, err
		}
	}
	return "", nil
}

// overlay writes the changed file and the description that -overlay reads.
func (mu mutant) overlay(temp string) (string, error) {
	src, err := os.ReadFile(mu.file)
	if err != nil {
		return "", err
	}
	changed := slices.Concat(src[:mu.from], []byte(mu.text), src[mu.to:])
	file := filepath.Join(temp, "mutant.go")
	if err := os.WriteFile(file, changed, 0o600); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {mu.file: file}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(temp, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

// testedBy returns a package and those of the core that import it, if they have tests:
// the package itself, the root, the others.
func (m *mutator) testedBy(path string) (all []pkg) {
	rank := func(p pkg) int {
		switch p.ImportPath {
		case path:
			return 0
		case p.Module.Path:
			return 1
		}
		return 2
	}
	for _, p := range m.packages {
		if len(p.TestGoFiles)+len(p.XTestGoFiles) > 0 && (p.ImportPath == path || slices.Contains(p.Imports, path)) {
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b pkg) int { return rank(a) - rank(b) })
	return all
}

// limit is the time that the tests of a package may take. It runs them once, or twice
// if they fail.
func (m *mutator) limit(p pkg) (time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.limits[p.ImportPath] == 0 {
		temp, err := os.MkdirTemp(m.temp, "")
		if err != nil {
			return 0, err
		}
		defer os.RemoveAll(temp)
		start := time.Now()
		if by, err := m.test(p, temp, "", 20*time.Minute); by != "" || err != nil {
			return 0, fmt.Errorf("without a mutation %s fails: %s %w", p.ImportPath, by, err)
		}
		m.limits[p.ImportPath] = max(time.Minute, time.Duration(m.factor)*time.Since(start))
	}
	return m.limits[p.ImportPath], nil
}

// test builds the tests of a package and runs them. by names a failure that was seen
// twice, or is "".
func (m *mutator) test(p pkg, temp, overlay string, limit time.Duration) (by string, err error) {
	binary := filepath.Join(temp, "test")
	build := exec.Command("go", "test", "-c", "-vet=off", "-o", binary)
	if overlay != "" {
		build.Args = append(build.Args, "-overlay", overlay)
	}
	build.Args = append(build.Args, p.ImportPath)
	build.Dir = m.root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the tests of %s: %w\n%s", p.ImportPath, err, out)
	}
	failed, err := runTests(p, binary, "", limit)
	if failed == "" || err != nil {
		return "", err
	}
	name := strings.TrimPrefix(p.ImportPath, p.Module.Path+"/") + ": "
	if test := testName.FindString(failed); test != "" {
		again, err := runTests(p, binary, "^"+test+"$", max(time.Minute, limit/time.Duration(m.factor)))
		if again != "" || err != nil {
			return name + failed, err
		}
	}
	again, err := runTests(p, binary, "", limit)
	if again == "" || err != nil {
		return "", err
	}
	return name + again, nil
}

var (
	testName = regexp.MustCompile(`\b(Test|Fuzz|Example)\w*$`)
	running  = regexp.MustCompile(`\n\trunning tests:\n\t\t(\w+)`)
)

// failure finds the first sign of a failure in the output: the name of a test, or what
// ended the program.
var failure = regexp.MustCompile(`(?m)^--- FAIL: (\S+)|^(panic: .*|fatal error: .*|FAIL)$`)

// runTests runs a test binary in its short form until a test fails. failed is the name
// of that test or another sign of the failure, or "".
func runTests(p pkg, binary, pattern string, limit time.Duration) (failed string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit+10*time.Second) // the binary ends itself before
	defer cancel()
	run := exec.CommandContext(ctx, binary, "-test.short", "-test.failfast", "-test.timeout", limit.String(), "-test.run", pattern)
	out := watched{found: cancel}
	run.Dir, run.WaitDelay, run.Stdout, run.Stderr = p.Dir, 5*time.Second, &out, &out
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

// show describes a mutant: file:line, and the change.
func (m *mutator) show(mu mutant) string {
	name, _ := filepath.Rel(m.root, mu.file) // both are absolute
	return fmt.Sprintf("%s:%d: %s: %s in %s", filepath.ToSlash(name), mu.line, mu.kind, mu.change(), mu.function)
}

// change is the text before and after, on one line.
func (mu mutant) change() string {
	text := mu.text
	if text == "" {
		text = "nothing"
	}
	return oneLine(mu.old) + " -> " + oneLine(text)
}

// key names a mutant in equivalent.txt, where lines would not last.
func (mu mutant) key(m *mutator) string {
	name, _ := filepath.Rel(m.root, mu.file)
	return filepath.ToSlash(name) + ": " + mu.change() + " in " + mu.function
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 80 {
		s = s[:77] + "..."
	}
	return s
}

// readEquivalent reads rows of "key | reason"; "#" starts a comment.
func readEquivalent(rows string) map[string]string {
	all := make(map[string]string)
	for row := range strings.Lines(rows) {
		key, reason, ok := strings.Cut(row, " | ")
		if ok && !strings.HasPrefix(row, "#") {
			all[strings.TrimSpace(key)] = strings.TrimSpace(reason)
		}
	}
	return all
}
