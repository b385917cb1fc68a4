// SPDX-License-Identifier: MIT

// This file holds examples of observers: values that implement one or more of the
// interfaces, given to Options.Observers.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"socketio"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
)

// Notes are the observations of an observer. Its methods may be called by several
// goroutines at once.
type notes chan string

func (n notes) add(format string, args ...any) { n <- fmt.Sprintf(format, args...) }

// print waits for as many notes and prints them.
func (n notes) print(count int) {
	for range count {
		fmt.Println(<-n)
	}
}

type socketNotes struct{ notes }

func (n socketNotes) SocketJoined(s socketio.SocketInfo) { n.add("joined %s", s.Namespace) }

func (n socketNotes) SocketRefused(s socketio.SocketInfo, err error) {
	n.add("refused %s: %v", s.Namespace, err)
}

func (n socketNotes) SocketLeft(s socketio.SocketInfo, reason socketio.DisconnectReason, err error) {
	n.add("left %s: %s", s.Namespace, reason)
}

// Counting sockets: one place for all namespaces.
func ExampleSocketObserver() {
	heard := make(notes, 16)
	io := socketio.NewServer(&socketio.Options{Observers: []any{socketNotes{heard}}})
	defer io.Close()
	io.Of("/admin").Use(func(_ context.Context, s *socketio.Socket) error { return errors.New("no entry") })

	client := connect(io)
	defer client.close()
	client.join("/")
	client.askFor("/admin", nil)
	client.Disconnect()
	heard.print(3)
	// Output:
	// joined /
	// refused /admin: no entry
	// left /: client namespace disconnect
}

type recoveryNotes struct{ notes }

func (n recoveryNotes) SocketRecovered(s socketio.SocketInfo, missed int) {
	n.add("recovered, with %d missed events", missed)
}

func (n recoveryNotes) SocketNotRecovered(s socketio.SocketInfo, reason string) {
	n.add("not recovered: %s", reason)
}

// A client that presents the secret of a session that the server does not know begins a
// new one.
func ExampleRecoveryObserver() {
	heard := make(notes, 16)
	io := socketio.NewServer(&socketio.Options{Recovery: &socketio.Recovery{}, Observers: []any{recoveryNotes{heard}}})
	defer io.Close()

	client := connect(io)
	defer client.close()
	client.askFor("/", map[string]string{"pid": "of an earlier server"})
	heard.print(1)
	// Output: not recovered: unknown_session
}

type clusterNotes struct{ notes }

func (n clusterNotes) ClusterChanged(h socketio.ClusterHealth) { n.add("degraded: %v", h.Degraded) }

func ExampleClusterObserver() {
	heard := make(notes, 16)
	bus := membus.New(1).Node("a")
	io := socketio.NewServer(&socketio.Options{
		Cluster: cluster.New(bus, nil), Observers: []any{clusterNotes{heard}}, Logger: slog.New(slog.DiscardHandler),
	})
	defer io.Close()

	bus.Break()
	heard.print(1)
	bus.Mend()
	heard.print(1)
	// Output:
	// degraded: membus: the bus is down
	// degraded: <nil>
}

type retryNotes struct{ notes }

func (n retryNotes) EventRepeated(s socketio.SocketInfo, e socketio.EventInfo, outcome string) {
	n.add("%s was sent again: %s", e.Name, outcome)
}

// A client that sends an event again, as the option retries of the JavaScript client
// does, is recognized by an id in the event.
func ExampleRetryObserver() {
	heard := make(notes, 16)
	io := socketio.NewServer(&socketio.Options{Observers: []any{retryNotes{heard}}})
	defer io.Close()
	io.Deduplicate(socketio.Deduplication{Key: func(s *socketio.Socket, event string, args socketio.Args) string {
		var id string
		_ = args.Decode(&id) // an event without an id is not deduplicated
		return id
	}})
	orders := 0
	io.On("order", func(id string) string {
		orders++
		return fmt.Sprint("order ", orders)
	})

	client := connect(io)
	defer client.close()
	client.join("/")
	fmt.Println(client.call("order", "7f3a"))
	fmt.Println(client.call("order", "7f3a"))
	heard.print(1)
	// Output:
	// ["order 1"]
	// ["order 1"]
	// order was sent again: answered
}

type roomNotes struct{ notes }

func (n roomNotes) RoomJoined(s socketio.SocketInfo, room string) { n.add("joined %s", room) }

func (n roomNotes) RoomLeft(s socketio.SocketInfo, room string) { n.add("left %s", room) }

func (n roomNotes) NamespaceCreated(i socketio.NamespaceInfo) { n.add("created %s", i.Name) }

func (n roomNotes) NamespaceRemoved(i socketio.NamespaceInfo) { n.add("removed %s", i.Name) }

// An observer may implement several of the interfaces, here two.
func ExampleRoomObserver() {
	heard := make(notes, 16)
	io := socketio.NewServer(&socketio.Options{Observers: []any{roomNotes{heard}}})
	defer io.Close()
	io.OnConnection(func(s *socketio.Socket) {
		s.Join("lobby")
		s.Leave("lobby")
	})
	io.Of("/news")

	client := connect(io)
	defer client.close()
	client.join("/")
	heard.print(4)
	// Output:
	// created /
	// created /news
	// joined lobby
	// left lobby
}

type eventNotes struct{ notes }

func (eventNotes) EventIn(s socketio.SocketInfo, size int) {}

func (n eventNotes) EventHandled(s socketio.SocketInfo, e socketio.EventInfo, took time.Duration, err error) {
	n.add("%s, known: %t, took time: %t, error: %v", e.Name, e.Known, took > 0, err)
}

func (eventNotes) EventsDropped(s socketio.SocketInfo, n int) {}

func (n eventNotes) EventOut(o socketio.OutInfo) { n.add("%s to %d", o.Event, o.Recipients) }

// Measuring events. A name without a handler is the client's choice, so it is not used as
// a label of a metric.
func ExampleEventObserver() {
	heard := make(notes, 16)
	io := socketio.NewServer(&socketio.Options{Observers: []any{eventNotes{heard}}})
	defer io.Close()
	io.OnConnection(func(s *socketio.Socket) {
		s.On("say", func(text string) error { return io.Emit("said", text) })
	})

	client := connect(io)
	defer client.close()
	client.join("/")
	client.say("say", "hello")
	client.say("anything")
	heard.print(3)
	// Output:
	// said to 1
	// say, known: true, took time: true, error: <nil>
	// anything, known: false, took time: true, error: <nil>
}

type spanKey struct{}

type traceNotes struct{ notes }

func (traceNotes) HandlerStart(ctx context.Context, s socketio.SocketInfo, e socketio.EventInfo) context.Context {
	return context.WithValue(ctx, spanKey{}, "trace of "+e.Name)
}

func (n traceNotes) HandlerEnd(ctx context.Context, s socketio.SocketInfo, e socketio.EventInfo, err error) {
	n.add("end of %v", ctx.Value(spanKey{}))
}

func (n traceNotes) HandlerFailed(s socketio.SocketInfo, e *socketio.HandlerError) {
	n.add("failed: %v", e.Err)
}

// Tracing: handlers receive the context that the observer returns.
func ExampleTraceObserver() {
	heard := make(notes, 16)
	server := socketio.NewServer(&socketio.Options{
		Observers: []any{traceNotes{heard}},
		Logger:    slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	defer server.Close()
	server.OnConnection(func(s *socketio.Socket) {
		s.On("save", func(ctx context.Context) error {
			heard.add("in %v", ctx.Value(spanKey{}))
			return errors.New("disk full")
		})
	})

	client := connect(server)
	defer client.close()
	client.join("/")
	client.say("save")
	heard.print(3)
	// Output:
	// in trace of save
	// failed: disk full
	// end of trace of save
}

type ackNotes struct{ notes }

func (n ackNotes) AckAsked(ctx context.Context, s socketio.SocketInfo, event string) {
	n.add("asked %s", event)
}

func (n ackNotes) AckEnded(ctx context.Context, s socketio.SocketInfo, event string, took time.Duration, err error) {
	n.add("answered %s: %v", event, err)
}

func (ackNotes) ReadingPaused(c socketio.ConnInfo) {}

func (ackNotes) ReadingResumed(c socketio.ConnInfo) {}

// How long clients take to answer.
func ExampleAckObserver() {
	heard := make(notes, 16)
	io := socketio.NewServer(&socketio.Options{Observers: []any{ackNotes{heard}}})
	defer io.Close()
	io.OnConnection(func(s *socketio.Socket) {
		s.EmitWithAck(s.Context(), "ready?")
	})

	client := connect(io)
	defer client.close()
	client.join("/")
	client.answer(true)
	heard.print(2)
	// Output:
	// asked ready?
	// answered ready?: <nil>
}
