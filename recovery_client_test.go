// SPDX-License-Identifier: MIT

// This file has a client that continues its session as the npm client does.

package socketio_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/adapter"
)

// recovering runs a test in memory with a server that recovers clients.
func recovering(t *testing.T, r *socketio.Recovery, test func(w *world)) {
	t.Helper()
	if r == nil {
		r = new(socketio.Recovery)
	}
	memory(t, &socketio.Options{Recovery: r}, test)
}

// A returner is a client that comes back, one connection after the other. It takes any
// string that is the last argument of an event for a position.
type returner struct {
	w         *world
	namespace string
	peer      *peer
	sid, pid  string
	offset    any // a string, or nil
	recovered bool
	reason    string // field notRecovered of the CONNECT
	connected int    // events before it
	events    []string
}

func (w *world) returner() *returner { return &returner{w: w, namespace: "/"} }

// comes connects and returns when the client is answered, and OnConnection has run.
func (r *returner) comes(auth ...string) *returner {
	r.w.Helper()
	r.begins(auth...)
	for r.sid == "" {
		r.takes()
	}
	r.w.settle()
	return r
}

// begins connects. auth are more members of its auth object.
func (r *returner) begins(auth ...string) {
	r.w.Helper()
	r.peer = r.w.open(websocket)
	if r.pid != "" {
		own, _ := json.Marshal(map[string]any{"pid": r.pid, "offset": r.offset})
		if r.offset == nil {
			own = fmt.Appendf(nil, `{"pid":%q}`, r.pid)
		}
		auth = append([]string{strings.Trim(string(own), "{}")}, auth...)
	}
	r.sid, r.reason, r.recovered, r.connected = "", "", false, 0
	packet := "0" + prefix(r.namespace)
	if len(auth) > 0 {
		packet += "{" + strings.Join(auth, ",") + "}"
	}
	r.peer.says(packet)
}

// ofRedis matches the positions of shared logs in tests.
var ofRedis = regexp.MustCompile(`^[0-9]{10,}-[0-9]+$`)

// takes takes the next packet.
func (r *returner) takes() {
	r.w.Helper()
	got, err := r.peer.next()
	if err != nil {
		r.w.Fatalf("a packet should come, but %v", err)
	}
	text, ours := strings.CutPrefix(got.text[1:], strings.TrimSuffix(prefix(r.namespace), ","))
	text = strings.TrimPrefix(text, ",")
	switch {
	case ours && got.text[0] == '0':
		var reply struct{ SID, PID, NotRecovered string }
		if err := json.Unmarshal([]byte(text), &reply); err != nil {
			r.w.Fatalf("the answer is %s", got)
		}
		r.recovered = reply.PID == r.pid
		r.sid, r.pid, r.reason, r.connected = reply.SID, reply.PID, reply.NotRecovered, len(r.events)
	case ours && got.text[0] == '2':
		var args []any
		if err := json.Unmarshal([]byte(text), &args); err != nil {
			r.w.Fatalf("an event is %s", got)
		}
		position, is := args[len(args)-1].(string)
		if is {
			r.offset = position
			if _, _, ok := adapter.ParsePosition(position); ok || ofRedis.MatchString(position) {
				args = args[:len(args)-1]
			}
		}
		r.events = append(r.events, strings.TrimSuffix(fmt.Sprintln(args...), "\n"))
	default:
		r.w.Fatalf("an event should come, but %s comes", got)
	}
}

// hears expects events, in this order, from the first that was not asked for.
func (r *returner) hears(events ...string) {
	r.w.Helper()
	for len(r.events) < len(events) {
		r.takes()
	}
	got := r.events[:len(events)]
	r.events = r.events[len(events):]
	if strings.Join(got, ", ") != strings.Join(events, ", ") {
		r.w.Fatalf("the client hears %q, want %q", got, events)
	}
}

// hearsNothing expects that no event is there.
func (r *returner) hearsNothing() {
	r.w.Helper()
	if len(r.events) > 0 {
		r.w.Fatalf("the client should hear nothing, but hears %q", r.events)
	}
	r.peer.hearsNothing()
}

// drops closes the connection and waits until the server knows.
func (r *returner) drops() *returner {
	r.peer.goes()
	r.w.settle()
	return r
}

// is expects how the latest CONNECT has ended: "recovered", or a reason.
func (r *returner) is(outcome string) {
	r.w.Helper()
	got := r.reason
	if r.recovered {
		got = "recovered"
	}
	if got != outcome {
		r.w.Fatalf("the client is %q, want %q", got, outcome)
	}
}

// after is a time of the bubble.
func (w *world) after(d time.Duration) {
	time.Sleep(d) // of virtual time
	w.settle()
}
