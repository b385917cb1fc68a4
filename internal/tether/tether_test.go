// SPDX-License-Identifier: MIT

//go:build unix

package tether_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"socketio/internal/leakcheck"
	"socketio/internal/tether"
)

const variable = "TETHER"

func TestMain(m *testing.M) { leakcheck.Main(m) }

// TestKilledTestProgram kills this program while it has a child. The child has the pipe that
// the test reads: it ends with the child.
func TestKilledTestProgram(t *testing.T) {
	if os.Getenv(variable) != "" {
		child := exec.Command("sh", "-c", "while :; do sleep 0.1; done")
		child.Stdout = os.Stdout
		if err := tether.Start(t, child); err != nil {
			t.Fatal(err)
		}
		fmt.Println("here") // not the child: it may be faster than the shell beside it
		_ = child.Wait()
		return
	}
	self := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	self.Env = append(os.Environ(), variable+"=1")
	out, err := self.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); line != "here\n" {
		t.Fatalf("the program says %q, %v", line, err)
	}
	if err := self.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
		t.Errorf("after the end: %q, %v", rest, err)
	}
	_ = self.Wait()
}

// TestChildThatHasEnded: nothing is left to be ended.
func TestChildThatHasEnded(t *testing.T) {
	child := exec.Command("sh", "-c", "echo done; exit 3")
	var out strings.Builder
	child.Stdout = &out
	if err := tether.Start(t, child); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); fmt.Sprint(err) != "exit status 3" || out.String() != "done\n" {
		t.Errorf("%v, %q", err, out.String())
	}
	if err := tether.Start(t, exec.Command("/no/such/program")); err == nil {
		t.Error("a program that does not exist has started")
	}
}
