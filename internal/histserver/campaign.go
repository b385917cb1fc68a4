// SPDX-License-Identifier: MIT

// This file runs the delivery suite of several servers for the test of an engine.

package histserver

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"socketio/internal/histcheck"
	"socketio/internal/tether"
)

// An Engine is what the suite of several servers must know of what connects them.
type Engine struct {
	Name   string
	ByRoom bool // the events of one server keep their order within each room only
	Logged bool // it has a log, so that clients are recovered on other servers
	// Env makes this program a server, by ServeNode.
	Env    []string
	Broker Broker
}

// A Broker is what connects the servers. Restart and Resume return when it works again.
type Broker interface {
	Kill()
	Restart()
	Pause()
	Resume()
}

// pauseFor is how long a broker is paused.
const pauseFor = 4 * time.Second

// faults are done to the broker. Each returns when it works again.
func faults(b Broker) map[string]func() {
	return map[string]func(){
		"restart": func() { b.Kill(); b.Restart() },
		"pause":   func() { b.Pause(); time.Sleep(pauseFor); b.Resume() },
	}
}

// Run runs the suite with this program as each of three servers. NODE_FAULTS is how many
// faults there are.
func (e *Engine) Run(t *testing.T) {
	t.Helper()
	e.run(t)
}

// Rebalance runs the suite without faults: the servers send clients away, until each
// client has moved. All must be recovered. The engine must have a log.
func (e *Engine) Rebalance(t *testing.T) {
	t.Helper()
	e.run(t, "REBALANCE=1")
}

func (e *Engine) run(t *testing.T, env ...string) {
	t.Helper()
	faults := faults(e.Broker)
	broker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		do := faults[strings.TrimPrefix(r.URL.Path, "/")]
		if do == nil {
			http.NotFound(w, r)
			return
		}
		do()
		w.WriteHeader(http.StatusNoContent)
	}))
	defer broker.Close()
	order := histcheck.OrderAll
	if e.ByRoom {
		order = histcheck.OrderRoom
	}
	cmd := exec.Command("node", "../../conformance/delivery/nodes.mjs") // of a package of adapter
	cmd.Env = append(os.Environ(), "COMMAND="+os.Args[0], "ENGINE="+e.Name, "ORDER="+order, "BROKER="+broker.URL,
		"FAULTS="+strings.Join(slices.Sorted(maps.Keys(faults)), ","), "GORACE=atexit_sleep_ms=10")
	if e.Logged {
		cmd.Env = append(cmd.Env, "LOGGED=1")
	}
	cmd.Env = append(append(cmd.Env, e.Env...), env...)
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
