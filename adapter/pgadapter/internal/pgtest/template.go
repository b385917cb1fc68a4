// SPDX-License-Identifier: MIT

// This file holds the programs and the data that each server begins with.

package pgtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// program returns the path of a program of PostgreSQL.
func program(name string) (string, error) {
	if dir := os.Getenv("PG_BIN"); dir != "" {
		return filepath.Join(dir, name), nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) > 0 {
		return found[len(found)-1], nil
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf(`%s is missing; "make setup" installs PostgreSQL`, name)
	}
	return path, nil
}

// folder makes a folder that the user of the server owns.
func folder() (string, error) {
	dir, err := os.MkdirTemp("", "pgtest")
	if err == nil {
		err = giveAway(dir)
	}
	return dir, err
}

// template makes the data once. The folder is removed by the last server that uses it.
var template struct {
	sync.Mutex
	dir   string
	users int
}

// useTemplate returns the folder of the template until done is called.
func useTemplate() (dir string, done func(), err error) {
	template.Lock()
	defer template.Unlock()
	if template.users == 0 {
		if template.dir, err = makeTemplate(); err != nil {
			return "", nil, err
		}
	}
	template.users++
	return template.dir, func() {
		template.Lock()
		defer template.Unlock()
		if template.users--; template.users == 0 {
			_ = os.RemoveAll(template.dir)
		}
	}, nil
}

func makeTemplate() (string, error) {
	initdb, err := program("initdb")
	if err != nil {
		return "", err
	}
	dir, err := folder()
	if err != nil {
		return "", err
	}
	cmd := exec.Command(initdb, "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8",
		"--locale=C", "--no-sync", "--wal-segsize=1", "--no-instructions")
	cmd.Dir = dir
	cmd.SysProcAttr = asServer()
	if out, err := cmd.CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir)
		return "", fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return dir, nil
}

// copyTemplate copies the data of the template into a new folder.
func copyTemplate(from string) (string, error) {
	dir, err := folder()
	if err != nil {
		return "", err
	}
	cmd := exec.Command("cp", "-a", filepath.Join(from, "data"), dir)
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Run(); err != nil {
		_ = os.RemoveAll(dir)
		return "", fmt.Errorf("cp: %w: %s", err, strings.TrimSpace(out.String()))
	}
	return dir, nil
}
