// SPDX-License-Identifier: MIT

// This file holds a program that the test waits for.

package tether

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// script waits for a line, and ends a process if its input ends before.
const script = `trap '' HUP INT TERM; read -r done || { kill "$1"; sleep 5; kill -KILL "$1"; }`

// Start starts cmd. A shell beside it asks it to end when the test program ends before the
// test, and kills it after 5 s. The test waits for cmd itself.
func Start(t testing.TB, cmd *exec.Cmd) error {
	t.Helper()
	if err := cmd.Start(); err != nil {
		return err
	}
	in, out, err := os.Pipe()
	if err != nil {
		return err
	}
	shell := exec.Command("/bin/sh", "-c", script, "sh", fmt.Sprint(cmd.Process.Pid))
	shell.Stdin = in
	err = shell.Start()
	_ = in.Close()
	if err != nil {
		_ = out.Close()
		return err
	}
	t.Cleanup(func() {
		_, _ = out.WriteString("done\n")
		_ = out.Close()
		_ = shell.Wait()
	})
	return nil
}
