// SPDX-License-Identifier: MIT

// Command mutate says how much the tests of the core notice. It draws changes of the
// source by a seed, applies each alone through an overlay (the working tree stays as
// it is), and runs the tests of the changed package. If they pass, those of the core
// packages that import it run too. A change that no test notices survives.
//
//	go run ./mutate -dir .. -seed 4af93f9 -n 60
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
	factor := flag.Int("limit", 4, "the time limit of a test run, as a multiple of its time without a mutation")
	flag.Parse()
	m := mutator{root: *dir, factor: *factor, limits: make(map[string]time.Duration), equivalent: readEquivalent(equivalentRows)}
	if err := m.main(*seed, *n, *skip, *only, *list); err != nil {
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
	limits     map[string]time.Duration // of a test run, by import path
	equivalent map[string]string        // reasons, by mutant.key
}

func (m *mutator) main(seed string, n, skip int, only string, list bool) (err error) {
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
	return m.run(drawn, n)
}

// run tries mutants until n compiled, and prints one line for each.
func (m *mutator) run(drawn []mutant, n int) error {
	counts := make(map[string]int)
	var survivors []string
	for _, mu := range drawn {
		if counts["killed"]+counts["survived"]+counts["equivalent"] == n {
			break
		}
		outcome, by, err := m.try(mu)
		if err != nil {
			return err
		}
		if outcome == "survived" && m.equivalent[mu.key(m)] != "" {
			outcome, by = "equivalent", m.equivalent[mu.key(m)]
		}
		counts[outcome]++
		if outcome == "does not compile" {
			continue
		}
		line := fmt.Sprintf("%-10s %s", outcome, m.show(mu))
		if by != "" {
			line += "  [" + by + "]"
		}
		fmt.Println(line)
		if outcome == "survived" {
			survivors = append(survivors, m.show(mu))
		}
	}
	fmt.Printf("\n%d mutations: %d killed, %d survived, %d equivalent (%d more did not compile)\n",
		counts["killed"]+counts["survived"]+counts["equivalent"], counts["killed"], counts["survived"], counts["equivalent"], counts["does not compile"])
	for _, s := range survivors {
		fmt.Println("survived:", s)
	}
	return nil
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

// try applies a mutant and runs tests until one fails.
func (m *mutator) try(mu mutant) (outcome, by string, err error) {
	overlay, err := m.overlay(mu)
	if err != nil {
		return "", "", err
	}
	build := exec.Command("go", "build", "-overlay", overlay, mu.pkg)
	build.Dir = m.root
	if build.Run() != nil {
		return "does not compile", "", nil
	}
	for _, p := range m.testedBy(mu.pkg) {
		limit, err := m.limit(p)
		if err != nil {
			return "", "", err
		}
		if by, err := m.test(p, overlay, limit); by != "" || err != nil {
			return "killed", by, err
		}
	}
	return "survived", "", nil
}

// overlay writes the changed file and the description that -overlay reads.
func (m *mutator) overlay(mu mutant) (string, error) {
	src, err := os.ReadFile(mu.file)
	if err != nil {
		return "", err
	}
	changed := slices.Concat(src[:mu.from], []byte(mu.text), src[mu.to:])
	file := filepath.Join(m.temp, "mutant.go")
	if err := os.WriteFile(file, changed, 0o600); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {mu.file: file}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(m.temp, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

// testedBy returns a package and those of the core that import it, if they have tests.
func (m *mutator) testedBy(path string) (all []pkg) {
	for _, p := range m.packages {
		if len(p.TestGoFiles)+len(p.XTestGoFiles) == 0 {
			continue
		}
		if p.ImportPath == path {
			all = slices.Insert(all, 0, p)
		} else if slices.Contains(p.Imports, path) {
			all = append(all, p)
		}
	}
	return all
}

// limit is the time that the tests of a package may take. It runs them once.
func (m *mutator) limit(p pkg) (time.Duration, error) {
	if m.limits[p.ImportPath] == 0 {
		start := time.Now()
		if by, err := m.test(p, "", 20*time.Minute); by != "" || err != nil {
			return 0, fmt.Errorf("without a mutation %s fails: %s %w", p.ImportPath, by, err)
		}
		m.limits[p.ImportPath] = max(time.Minute, time.Duration(m.factor)*time.Since(start))
	}
	return m.limits[p.ImportPath], nil
}

var failure = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)|^(panic: .*|fatal error: .*)$`)

// test runs the tests of a package. by names the failure, or is "".
func (m *mutator) test(p pkg, overlay string, limit time.Duration) (by string, err error) {
	binary := filepath.Join(m.temp, "test")
	build := exec.Command("go", "test", "-c", "-vet=off", "-o", binary, "-overlay", overlay, p.ImportPath)
	if overlay == "" {
		build.Args = slices.Delete(build.Args, 6, 8)
	}
	build.Dir = m.root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the tests of %s: %w\n%s", p.ImportPath, err, out)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit+10*time.Second) // the binary ends itself before
	defer cancel()
	run := exec.CommandContext(ctx, binary, "-test.failfast", "-test.timeout", limit.String())
	run.Dir, run.WaitDelay = p.Dir, 5*time.Second
	out, err := run.CombinedOutput()
	if err == nil {
		return "", nil
	}
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) && ctx.Err() == nil {
		return "", err
	}
	name := strings.TrimPrefix(p.ImportPath, p.Module.Path+"/")
	if strings.Contains(string(out), "panic: test timed out") || ctx.Err() != nil {
		return name + ": time limit", nil
	}
	if found := failure.FindStringSubmatch(string(out)); found != nil {
		return name + ": " + found[1] + found[2], nil
	}
	return name + ": " + err.Error(), nil
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
