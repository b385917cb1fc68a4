// SPDX-License-Identifier: MIT

// Command datapath checks the section "Data paths" of docs/DESIGN.md: it sends one
// event each way (conformance/cmd/datapath) with coverage, and every file that the
// description of that way names must have lines that ran. Connecting does not count.
//
// A way is a paragraph that begins with "In, WebSocket:", "In, polling:", "Out, to one
// socket:" or "Out, to a room:". Files stand between backquotes with their path from the
// root of the repository. A package between backquotes needs one file that ran.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// ways are the paragraphs, and the name of the way in the program.
var ways = map[string]string{
	"In, WebSocket:":      "in-websocket",
	"In, polling:":        "in-polling",
	"Out, to one socket:": "out-socket",
	"Out, to a room:":     "out-room",
}

// fewest is how many files each paragraph names at least: one that names none would
// describe nothing.
const fewest = 5

func main() {
	log.SetFlags(0)
	dir := flag.String("dir", ".", "the root of the repository")
	show := flag.Bool("show", false, "print the files that ran, for each way")
	flag.Parse()
	wrong, err := check(*dir, *show)
	if err != nil {
		log.Fatal(err)
	}
	for _, w := range wrong {
		fmt.Println(w)
	}
	if len(wrong) > 0 {
		os.Exit(1)
	}
}

func check(root string, show bool) (wrong []string, err error) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "DESIGN.md"))
	if err != nil {
		return nil, err
	}
	named := describedWays(string(text))
	temp, err := os.MkdirTemp("", "datapath-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	module, err := runEvents(root, temp)
	if err != nil {
		return nil, err
	}
	for _, begin := range slices.Sorted(maps.Keys(ways)) {
		ran, err := filesThatRan(root, module, filepath.Join(temp, ways[begin]))
		if err != nil {
			return nil, err
		}
		if show {
			fmt.Println(begin, strings.Join(slices.Sorted(maps.Keys(ran)), " "))
		}
		names := named[begin]
		if len(names) < fewest {
			wrong = append(wrong, fmt.Sprintf("docs/DESIGN.md: the paragraph %q names %d files, want at least %d", begin, len(names), fewest))
		}
		for _, name := range names {
			if !ran[name] {
				wrong = append(wrong, fmt.Sprintf("docs/DESIGN.md: %q names %s, where no line runs", begin, name))
			}
		}
	}
	return wrong, nil
}

// code is a file or a package between backquotes; after a file may come a function.
var code = regexp.MustCompile("`([a-z0-9_/]+(?:\\.go|/[a-z0-9_]+))(?:: [^`]*)?`")

// describedWays returns the files that each paragraph of the section names.
func describedWays(text string) map[string][]string {
	_, section, _ := strings.Cut(text, "Data paths\n")
	section, _, _ = strings.Cut(section, "\n## ")
	named := make(map[string][]string)
	for paragraph := range strings.SplitSeq(section, "\n\n") {
		paragraph = strings.TrimSpace(paragraph)
		for begin := range ways {
			if rest, ok := strings.CutPrefix(paragraph, begin); ok {
				for _, m := range code.FindAllStringSubmatch(rest, -1) {
					named[begin] = append(named[begin], m[1])
				}
			}
		}
	}
	return named
}

// runEvents runs the program, which writes a directory for each way, and returns the path
// of the module.
func runEvents(root, temp string) (module string, err error) {
	list := exec.Command("go", "list", "-f", "{{.Module.Path}}", ".")
	list.Dir, list.Stderr = root, os.Stderr
	out, err := list.Output()
	if err != nil {
		return "", err
	}
	module = strings.TrimSpace(string(out))
	packages := []string{".", "./adapter", "./engineio", "./parser/...", "./internal/...", "./conformance/cmd/datapath"}
	program := filepath.Join(temp, "program")
	build := exec.Command("go", "build", "-o", program, "-cover", "-covermode=atomic", "-coverpkg="+strings.Join(packages, ","),
		"./conformance/cmd/datapath")
	for _, cmd := range []*exec.Cmd{build, exec.Command(program, temp)} {
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "GOCOVERDIR="+temp) // for what is written at the end, too
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w\n%s", err, out)
		}
	}
	return module, nil
}

// filesThatRan returns the files, and their packages, of which a line ran, by their
// path from the root.
func filesThatRan(root, module, dir string) (map[string]bool, error) {
	profile := filepath.Join(dir, "profile")
	convert := exec.Command("go", "tool", "covdata", "textfmt", "-i="+dir, "-o="+profile)
	convert.Dir = root
	if out, err := convert.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	f, err := os.Open(profile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	ran := make(map[string]bool)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		place, count, _ := strings.Cut(lines.Text(), ":")
		if name, ok := strings.CutPrefix(place, module+"/"); ok && !strings.HasSuffix(count, " 0") {
			ran[name] = true
			ran[path.Dir(name)] = true
		}
	}
	return ran, nil
}
