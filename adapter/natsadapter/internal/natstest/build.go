// SPDX-License-Identifier: MIT

// This file builds the program.

package natstest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
)

// source is where the module of the program is, for the packages that use this one.
var source = []string{"../../tools/natsserver", "../../../tools/natsserver", "../../../../tools/natsserver"}

// program returns the path of the program.
var program = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("NATS_SERVER"); path != "" {
		return exec.LookPath(path)
	}
	for _, dir := range source {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return build(dir)
		}
	}
	return "", fmt.Errorf("natstest: the module natsserver is in none of %v", source)
})

// build builds the program, unless it was built before from the same files.
func build(dir string) (string, error) {
	sum := sha256.New()
	for _, name := range []string{"go.sum", "main.go"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		sum.Write(text)
	}
	sum.Write([]byte(runtime.Version()))
	folder, err := os.UserCacheDir()
	if err != nil {
		folder = os.TempDir()
	}
	folder = filepath.Join(folder, "socketio-natstest")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	name := "natsserver-" + hex.EncodeToString(sum.Sum(nil)[:8])
	path := filepath.Join(folder, name+".exe")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	made, err := os.MkdirTemp(folder, name)
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(made) }()
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(made, name), ".")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("natstest: go build: %w\n%s", err, out)
	}
	return path, os.Rename(filepath.Join(made, name), path) // another process may have done it too
}
