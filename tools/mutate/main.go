// SPDX-License-Identifier: MIT

// Command mutate says how much the tests of the core notice. It draws changes of the
// source by a seed, and runs the tests with each of them alone. A change that no test
// notices survives. The working tree stays as it is: changes are overlays.
//
//	go run ./mutate -dir .. -seed 4af93f9 -n 60
//
// Each package is compiled once, with all changes in it (schema.go); the environment says
// which one is on. The first run, with none on, records which tests reach which change.
// Then those tests run for each change, in their short form, until one fails: first the
// quick ones of its package, of the root, of the other packages, then the slow ones. A
// failure counts if it comes a second time, alone or with the others, and if the same tests
// pass with no change right after: a test that fails now and then, or is late on a busy
// machine, kills nothing. Changes that can't be switched, such as those of constants, are
// compiled alone, and all tests of the packages above theirs run.
//
// A change that does not compile is drawn again. A survivor that behaves like the
// original belongs into equivalent.txt, with the reason; it is counted on its own.
package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

//go:embed equivalent.txt
var equivalentRows string

func main() {
	log.SetFlags(0)
	dir := flag.String("dir", ".", "the root of the repository to look at")
	seed := flag.String("seed", "4af93f9", "draws the mutations")
	n := flag.Int("n", 60, "how many mutations")
	match := flag.String("match", "", "of those drawn, try those only whose line in the list matches this pattern")
	in := flag.String("in", "", "run the tests of packages only whose path matches this pattern")
	only := flag.String("only", "", "draw from packages only whose path matches this pattern")
	skip := flag.Int("skip", 0, "how many of those drawn to pass over, to go on where a run was interrupted")
	list := flag.Bool("list", false, "print what would be drawn, run nothing")
	workers := flag.Int("j", 2, "how many runs of tests at once")
	factor := flag.Int("limit", 4, "the time limit of a test run, as a multiple of its time without a mutation")
	flag.Parse()
	inside, err := regexp.Compile(*in)
	if err != nil {
		log.Fatal(err)
	}
	m := mutator{root: *dir, factor: *factor, workers: *workers, inside: inside, equivalent: readEquivalent(equivalentRows)}
	if err := m.main(*seed, *n, *skip, *only, *match, *list); err != nil {
		log.Fatal(err)
	}
}

// A pkg is a package of the core, as go list has it.
type pkg struct {
	ImportPath   string
	Dir          string
	GoFiles      []string
	Deps         []string
	TestGoFiles  []string
	TestImports  []string
	XTestGoFiles []string
	XTestImports []string
	Module       struct{ Path string }
}

type mutator struct {
	root       string
	module     string
	temp       string
	factor     int
	workers    int
	packages   []pkg             // what is changed
	tested     []pkg             // those whose tests run
	inside     *regexp.Regexp    // matches their paths
	equivalent map[string]string // reasons, by mutant.key
	schema     *schema
	suites     []*suite
}

func (m *mutator) main(seed string, n, skip int, only, match string, list bool) (err error) {
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
	wanted, err := regexp.Compile(match)
	if err != nil {
		return err
	}
	drawn = slices.DeleteFunc(drawn, func(mu mutant) bool { return !wanted.MatchString(m.show(mu)) })
	if list {
		for _, mu := range drawn[:min(n, len(drawn))] {
			fmt.Println(m.show(mu))
		}
		return nil
	}
	types, err := newChecker(m.root, m.module)
	if err != nil {
		return err
	}
	drawn, broken, err := m.compiling(types, drawn, n)
	if err != nil {
		return err
	}
	if m.schema, err = newSchema(types, drawn, m.root, m.module, m.temp); err != nil {
		return err
	}
	if err := m.measure(); err != nil {
		return err
	}
	return m.run(drawn, broken)
}

// compiling returns the first n that compile, and how many before them do not.
func (m *mutator) compiling(types *checker, drawn []mutant, n int) (good []mutant, broken int, err error) {
	for _, mu := range drawn {
		if len(good) == n {
			break
		}
		if types.known[mu.pkg] == nil {
			i := slices.IndexFunc(m.packages, func(p pkg) bool { return p.ImportPath == mu.pkg })
			if err := types.load(m.packages[i]); err != nil {
				return nil, 0, err
			}
		}
		if types.compiles(mu.pkg, mu.file, mu.changed()) {
			good = append(good, mu)
		} else {
			broken++
		}
	}
	return good, broken, nil
}

// changed returns the text of the changed file.
func (mu mutant) changed() []byte {
	return apply(mu.src, []edit{{mu.from, mu.to, mu.text}})
}

// run tries mutants, some at once. It prints a line for each as it is known, and at the
// end the counts and the survivors.
func (m *mutator) run(drawn []mutant, broken int) error {
	outcomes := make([]string, len(drawn))
	err := m.each(len(drawn), func(i int) (err error) {
		outcomes[i], err = m.report(drawn[i], i)
		return err
	})
	if err != nil {
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

// each calls do for the numbers below n, some at once, until one call fails.
func (m *mutator) each(n int, do func(i int) error) error {
	errs := make([]error, m.workers)
	var next atomic.Int64
	var all sync.WaitGroup
	for w := range m.workers {
		all.Go(func() {
			for i := next.Add(1) - 1; int(i) < n && errs[w] == nil; i = next.Add(1) - 1 {
				errs[w] = do(int(i))
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// report tries a mutant and prints its line.
func (m *mutator) report(mu mutant, i int) (outcome string, err error) {
	by, err := m.try(mu, i)
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

// readPackages lists the core: the packages that users build, and what these import, but
// the counter of locks. And all packages whose tests may notice a change of it.
func (m *mutator) readPackages() error {
	core, err := m.goList("-deps", ".", "./adapter", "./engineio", "./parser/...")
	if err != nil {
		return err
	}
	m.module = core[len(core)-1].Module.Path
	for _, p := range core {
		if p.Module.Path == m.module && p.ImportPath != m.module+"/internal/lock" {
			m.packages = append(m.packages, p)
		}
	}
	slices.SortFunc(m.packages, func(a, b pkg) int { return strings.Compare(a.ImportPath, b.ImportPath) })
	m.tested, err = m.goList("./...", "./engineio/webtransport")
	m.tested = slices.DeleteFunc(m.tested, func(p pkg) bool {
		if len(p.TestGoFiles)+len(p.XTestGoFiles) == 0 || !m.inside.MatchString(p.ImportPath) {
			return true
		}
		return !slices.ContainsFunc(slices.Concat(p.Deps, p.TestImports, p.XTestImports, []string{p.ImportPath}), m.inCore)
	})
	return err
}

func (m *mutator) inCore(path string) bool {
	return slices.ContainsFunc(m.packages, func(p pkg) bool { return p.ImportPath == path })
}

func (m *mutator) goList(args ...string) (found []pkg, err error) {
	cmd := exec.Command("go", append([]string{"list", "-json"}, args...)...)
	cmd.Dir, cmd.Stderr = m.root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			return nil, err
		}
		found = append(found, p)
	}
	return found, nil
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
	for _, all := range byKind {
		m.shuffle(seed, all)
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

// shuffle orders mutants by a hash of the seed and of what they are: so a commit that
// changes one function leaves the order of the others.
func (m *mutator) shuffle(seed string, all []mutant) {
	same := make(map[string]int) // changes of one function that read the same
	type ranked struct {
		mutant
		hash uint64
	}
	order := make([]ranked, len(all))
	for i, mu := range all {
		key := seed + " " + mu.kind + " " + mu.key(m)
		same[key]++
		hash := sha256.Sum256(fmt.Appendf(nil, "%s %d", key, same[key]))
		order[i] = ranked{mu, binary.BigEndian.Uint64(hash[:])}
	}
	slices.SortStableFunc(order, func(a, b ranked) int { return cmp.Compare(a.hash, b.hash) })
	for i := range order {
		all[i] = order[i].mutant
	}
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
