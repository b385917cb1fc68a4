// SPDX-License-Identifier: MIT

// Command report makes tables and charts from results of the benchmark.
//
//	report -tables FILE                      tables on the terminal
//	report -doc PAGE -images DIRECTORY FILE  what is generated in a page, and its charts
//
// In the page, what stands between <!-- bench NAME --> and <!-- bench end --> is replaced.
// Several files are merged: of what a server did in a row, the last one counts.
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"socketio/bench/internal/results"
)

func main() {
	tables := flag.Bool("tables", false, "print the tables")
	doc := flag.String("doc", "", "the page whose generated parts are replaced")
	images := flag.String("images", "", "directory for the charts")
	merged := flag.String("merged", "", "a file for the merged results")
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*tables, *doc, *images, *merged, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func run(tables bool, doc, images, merged string, files []string) error {
	r, err := merge(files)
	if err != nil {
		return err
	}
	if merged != "" {
		if err := r.Save(merged); err != nil {
			return err
		}
	}
	if tables {
		terminal(os.Stdout, r)
	}
	if images != "" {
		for name, svg := range pictures(r) {
			if err := os.WriteFile(filepath.Join(images, name), svg, 0o644); err != nil {
				return err
			}
		}
	}
	if doc == "" {
		return nil
	}
	page, err := os.ReadFile(doc)
	if err != nil {
		return err
	}
	text, err := replace(string(page), sections(r))
	if err != nil {
		return fmt.Errorf("%s: %w", doc, err)
	}
	return os.WriteFile(doc, []byte(text), 0o644)
}

// merge reads files of results.
func merge(files []string) (*results.Run, error) {
	var all *results.Run
	for _, file := range files {
		r, err := results.Load(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if all == nil {
			all = r
			continue
		}
		for row, servers := range r.Samples {
			if all.Samples[row] == nil {
				all.Samples[row] = servers
				continue
			}
			maps.Copy(all.Samples[row], servers)
		}
		maps.Copy(all.Versions, r.Versions)
		maps.Copy(all.Missing, r.Missing)
		all.Notes = append(all.Notes, r.Notes...)
		all.Seconds += r.Seconds
		all.Date, all.Commit = r.Date, r.Commit
		if r.Million != nil {
			all.Million = r.Million
		}
	}
	if len(files) > 1 {
		all.Notes = append(all.Notes, fmt.Sprintf("these are the figures of %d short runs one after the other", len(files)))
	}
	return all, nil
}
