// SPDX-License-Identifier: MIT

// The Node process with npm socket.io-parser, for as long as a test runs.

package difftest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A message is one Engine.IO message of a case.
type message struct {
	binary bool
	data   []byte
}

func (m message) MarshalJSON() ([]byte, error) {
	if m.binary {
		return json.Marshal(map[string][]byte{"binary": m.data})
	}
	return json.Marshal(map[string]string{"text": string(m.data)})
}

// A step is the result of one message: a packet, more to wait for, or an error.
type step struct {
	Packet *packet
	More   bool
	Error  string
}

// A packet is a packet in the notation of both sides. Data may be nil; bytes
// in it are {"$bytes": base64}.
type packet struct {
	Type int
	Nsp  string
	ID   json.Number
	Data json.RawMessage
}

// An oracle asks the Node process. It is for one goroutine.
type oracle struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startOracle starts the process, which ends with the test.
func startOracle(t testing.TB) *oracle {
	t.Helper()
	if _, err := os.Stat("../../conformance/node_modules/socket.io"); err != nil {
		t.Fatal("the npm packages of conformance/ are missing: make test-diff installs them")
	}
	o := &oracle{cmd: exec.Command("node", "oracle.mjs")}
	o.cmd.Stderr = os.Stderr
	var err error
	if o.in, err = o.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	o.out = bufio.NewReaderSize(out, 1<<16)
	if err := o.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		o.in.Close()
		if err := o.cmd.Wait(); err != nil {
			t.Errorf("node: %v", err)
		}
	})
	var first struct{ Version string }
	o.read(t, &first)
	if !strings.HasPrefix(first.Version, "4.2.") {
		t.Fatalf("socket.io-parser %s, want 4.2", first.Version)
	}
	return o
}

func (o *oracle) read(t testing.TB, into any) {
	t.Helper()
	line, err := o.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, into)
	}
	if err != nil {
		t.Fatalf("node said %.200q: %v", line, err)
	}
}

// ask returns npm's results for the messages, a step for each, up to an error.
func (o *oracle) ask(t testing.TB, messages []message) []step {
	t.Helper()
	line, err := json.Marshal(map[string]any{"messages": messages})
	if err == nil {
		_, err = fmt.Fprintf(o.in, "%s\n", line)
	}
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Steps []step }
	o.read(t, &answer)
	return answer.Steps
}
