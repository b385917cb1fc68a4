// SPDX-License-Identifier: MIT

// This file kills a server under clients of the npm package, and restarts it. The delivery
// suite has the clients, and the checker of what they and the servers have recorded. "make
// setup" installs the package.

//go:build npm && unix

package diskstore_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"socketio/internal/tether"
)

// deliver runs the suite with this program as its server.
func deliver(t *testing.T, what string, times int) {
	t.Helper()
	cmd := exec.Command("node", "../../conformance/delivery/run.mjs")
	cmd.Env = append(os.Environ(), what+"="+fmt.Sprint(times), "COMMAND="+os.Args[0], roleVariable+"="+roleServes, dirVariable+"="+t.TempDir())
	out := &output{t: t}
	cmd.Stdout, cmd.Stderr = out, out
	if err := tether.Start(t, cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// An output is the log of a test.
type output struct{ t *testing.T }

func (o *output) Write(b []byte) (int, error) {
	o.t.Logf("%s", b)
	return len(b), nil
}

// A server that is killed again and again while clients send, receive and come back loses
// nothing, and its clients are recovered. KILLS is how many times; 5 by default.
func TestKilledServer(t *testing.T) {
	times := 5
	if n, err := strconv.Atoi(os.Getenv("KILLS")); err == nil {
		times = n
	}
	deliver(t, "KILLS", times)
}

// So does a server that is shut down and started again.
func TestRestartedServer(t *testing.T) {
	t.Setenv("KILLS", "")
	deliver(t, "RESTARTS", 3)
}
