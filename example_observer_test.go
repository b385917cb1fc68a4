// SPDX-License-Identifier: MIT

// This file holds the example of an observer.

package socketio_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"socketio"
)

// meter counts sockets and events. It is all that a metrics library needs: replace
// the numbers by its gauges, counters and histograms.
type meter struct {
	sockets, handled, failed, sent atomic.Int64
}

// meter is a socketio.SocketObserver.

func (m *meter) SocketJoined(socketio.SocketInfo)         { m.sockets.Add(1) }
func (m *meter) SocketRefused(socketio.SocketInfo, error) {}
func (m *meter) SocketLeft(socketio.SocketInfo, socketio.DisconnectReason, error) {
	m.sockets.Add(-1)
}

// And a socketio.EventObserver.

func (m *meter) EventIn(socketio.SocketInfo, int)       {}
func (m *meter) EventsDropped(socketio.SocketInfo, int) {}
func (m *meter) EventOut(o socketio.OutInfo)            { m.sent.Add(int64(o.Recipients)) }
func (m *meter) EventHandled(s socketio.SocketInfo, e socketio.EventInfo, took time.Duration, err error) {
	m.handled.Add(1)
	if err != nil {
		m.failed.Add(1)
	}
}

// An observer implements what it wants to hear of.
func ExampleOptions_observers() {
	m := new(meter)
	io := socketio.NewServer(&socketio.Options{Observers: []any{m}})
	defer io.Close()

	io.OnConnection(func(s *socketio.Socket) {
		_ = io.Emit("arrived", s.Namespace().Name())
		s.On("hello", func(name string) (string, error) {
			if name == "" {
				return "", errors.New("who?")
			}
			return "hello " + name, nil
		})
	})

	client := connect(io)
	defer client.close()
	client.join("/")
	client.hear()
	client.call("hello", "")
	client.call("hello", "Ada") // answered after the books of the one before are closed
	fmt.Println("sockets:", m.sockets.Load(), "events sent:", m.sent.Load(), "failed:", m.failed.Load())
	// Output: sockets: 1 events sent: 1 failed: 1
}
