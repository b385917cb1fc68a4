// SPDX-License-Identifier: MIT

// This file tests the types that parameters and results of handlers may have.

package socketio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"socketio"
	"socketio/engineio"
)

type (
	hidden struct{ _ string } // no field that a client can fill
	//lint:ignore U1000 the mistake under test
	outer   struct{ hidden }
	ignored struct {
		Text string `json:"-"`
	}
	withSocket struct {
		Text   string
		Socket *socketio.Socket
	}
	withReply struct {
		Text  string
		Reply socketio.Ack `json:"reply"`
	}
	withChan struct {
		Text string
		Done chan int
	}
	deep struct {
		Text string
		In   []map[string]*withChan
	}
	locked struct {
		sync.Mutex
		N int
	}
	withLock struct {
		Mu sync.Mutex
		N  int
	}
	optional struct {
		N    int
		Done chan int `json:",omitzero"`
	}
	linked struct{ Next *linked }
	lists  []lists
	fails  struct{ Code int }
	shown  struct{ _ string }
	inside struct{ Text string }
	shell  struct{ inside }
)

func (*fails) Error() string { return "" }

func (*shown) UnmarshalText([]byte) error { return nil }

func (*shown) MarshalText() ([]byte, error) { return nil, nil }

var socketValue = reflect.TypeFor[socketio.Socket]()

// taking is a function with parameters that vet would report.
func taking(params ...reflect.Type) any {
	return reflect.MakeFunc(reflect.FuncOf(params, nil, false), func([]reflect.Value) []reflect.Value { return nil }).Interface()
}

// A type that can't work is rejected at registration, with an alternative.
func TestParametersThatCannotBe(t *testing.T) {
	s := oneSocket(t)
	for _, c := range []struct {
		fn   any
		want string
	}{
		{taking(socketValue), "parameter 1 is a socketio.Socket: take a *socketio.Socket, before the arguments of the event"},
		{taking(reflect.TypeFor[context.Context](), socketValue, reflect.TypeFor[string]()), "parameter 1 is a socketio.Socket: take a *socketio.Socket"},
		{func(**socketio.Socket) {}, "parameter 1 is a **socketio.Socket: take a *socketio.Socket"},
		{func([]*socketio.Socket) {}, "parameter 1 is a []*socketio.Socket, which JSON can't fill: no client can send a *socketio.Socket"},
		{func(string, *socketio.Ack) {}, "parameter 2 is a *socketio.Ack: take a socketio.Ack, as the last parameter"},
		{func(*socketio.Args) {}, "parameter 1 is a *socketio.Args: take a socketio.Args"},
		{func([]socketio.Args) {}, "parameter 1 is a []socketio.Args, which JSON can't fill: no client can send a socketio.Args"},
		{func(*context.Context) {}, "parameter 1 is a *context.Context: take a context.Context, as the first parameter"},
		{func(map[string]context.Context) {}, "which JSON can't fill: no client can send a context.Context"},
		{func(*http.Request) {}, "parameter 1 is a *http.Request, which no client can send; Socket.Handshake has the request that opened the connection"},
		{func(http.Request, string) {}, "parameter 1 is an http.Request, which no client can send"},
		{func(http.ResponseWriter) {}, "parameter 1 is an http.ResponseWriter, which no client can send"},
		{func(http.ResponseWriter, *http.Request) {}, "parameter 1 is an http.ResponseWriter, which no client can send"},
		{func(socketio.Handshake) {}, "parameter 1 is a socketio.Handshake: take a *socketio.Socket and call its Handshake"},
		{func(*engineio.Handshake) {}, "parameter 1 is a *engineio.Handshake: take a *socketio.Socket and call its Handshake"},
		{func(*socketio.Server) {}, "parameter 1 is a *socketio.Server, which no client can send"},
		{func(*socketio.Namespace) {}, "parameter 1 is a *socketio.Namespace, which no client can send"},
		{func(*socketio.ParentNamespace) {}, "parameter 1 is a *socketio.ParentNamespace, which no client can send"},
		{func(socketio.RemoteSocket) {}, "parameter 1 is a socketio.RemoteSocket, which no client can send"},
		{func(*socketio.RemoteSocket) {}, "parameter 1 is a *socketio.RemoteSocket, which no client can send"},
		{func(socketio.Broadcast) {}, "parameter 1 is a socketio.Broadcast, which no client can send"},
		{func(*engineio.Conn) {}, "parameter 1 is a *engineio.Conn, which no client can send"},
		{func(string, func(string)) {}, "parameter 2 is a func(string), which JSON can't fill; to answer by hand take a socketio.Ack as the last parameter"},
		{func(func(...any) error) {}, "parameter 1 is a func(...interface {}) error, which JSON can't fill; to answer by hand take a socketio.Ack"},
		{func(*func()) {}, "parameter 1 is a *func(), which JSON can't fill; to answer by hand take a socketio.Ack"},
		{func(context.CancelFunc) {}, "parameter 1 is a context.CancelFunc, which JSON can't fill"},
		{func(...func()) {}, "parameter ... is a func(), which JSON can't fill; to answer by hand take a socketio.Ack"},
		{func([]chan int) {}, "parameter 1 is a []chan int, which JSON can't fill: chan int"},
		{func(*chan int) {}, "parameter 1 is a *chan int, which JSON can't fill"},
		{func([2]complex64) {}, "parameter 1 is a [2]complex64, which JSON can't fill"},
		{func(map[string]func()) {}, "parameter 1 is a map[string]func(), which JSON can't fill"},
		{func(map[struct{ X int }]string) {}, "which JSON can't fill: the keys of a JSON object are strings"},
		{func(map[bool]string) {}, "parameter 1 is a map[bool]string, which JSON can't fill: the keys of a JSON object are strings"},
		{func(unsafe.Pointer) {}, "parameter 1 is an unsafe.Pointer, which JSON can't fill"},
		{func([]io.Reader) {}, "parameter 1 is a []io.Reader, which JSON can't fill: io.Reader is an interface; JSON needs a concrete type, or any"},
		{func(error) {}, "parameter 1 is the interface error; JSON needs a concrete type, or any"},
		{taking(reflect.TypeFor[sync.Mutex]()), "parameter 1 is a sync.Mutex, which JSON can't fill"},
		{func(*sync.WaitGroup) {}, "parameter 1 is a *sync.WaitGroup, which JSON can't fill"},
		{func(*sync.Cond) {}, "parameter 1 is a *sync.Cond, which JSON can't fill"},
		{func(*sync.Pool) {}, "parameter 1 is a *sync.Pool, which JSON can't fill"},
		{func(*atomic.Int64) {}, "parameter 1 is a *atomic.Int64, which JSON can't fill"},
		{func(*time.Timer) {}, "parameter 1 is a *time.Timer, which JSON can't fill"},
		{func(*slog.Logger) {}, "parameter 1 is a *slog.Logger, which JSON can't fill"},
		{func(*bytes.Buffer) {}, "parameter 1 is a *bytes.Buffer, which JSON can't fill: it has no exported field"},
		{func(net.Conn) {}, "parameter 1 is the interface net.Conn"},
		{func(hidden) {}, "parameter 1 is a socketio_test.hidden, which JSON can't fill: it has no exported field"},
		{func(*outer) {}, "parameter 1 is a *socketio_test.outer, which JSON can't fill: it has no exported field"},
		{func(ignored) {}, "which JSON can't fill: it has no exported field"},
		{func([]hidden) {}, "parameter 1 is a []socketio_test.hidden, which JSON can't fill: socketio_test.hidden has no exported field"},
		{func(withSocket) {}, "parameter 1 is a socketio_test.withSocket, which JSON can't fill: no client can send a *socketio.Socket"},
		{func(withReply) {}, "which JSON can't fill: no client can send a socketio.Ack"},
		{func(string) hidden { return hidden{} }, "result 1 is a socketio_test.hidden, which JSON can't carry: it has no exported field"},
		{func() *socketio.Socket { return nil }, "result 1 is a *socketio.Socket, which JSON can't carry: no client can get a *socketio.Socket"},
		{func() (int, []socketio.RemoteSocket) { return 0, nil }, "result 2 is a []socketio.RemoteSocket, which JSON can't carry"},
		{func() map[string]*socketio.Namespace { return nil }, "which JSON can't carry: no client can get a *socketio.Namespace"},
		{func() *http.Request { return nil }, "result 1 is a *http.Request, which JSON can't carry"},
		{func() http.ResponseWriter { return nil }, "result 1 is an http.ResponseWriter, which JSON can't carry"},
		{func() context.Context { return nil }, "result 1 is a context.Context, which JSON can't carry"},
		{func() socketio.Ack { return nil }, "result 1 is a socketio.Ack, which JSON can't carry"},
		{func() []chan int { return nil }, "result 1 is a []chan int, which JSON can't carry: chan int"},
		{func() withChan { return withChan{} }, "result 1 is a socketio_test.withChan, which JSON can't carry: its field Done is a chan int"},
		{func() (deep, error) { return deep{}, nil }, "result 1 is a socketio_test.deep, which JSON can't carry: its field In.Done is a chan int"},
		{func() *sync.Mutex { return nil }, "result 1 is a *sync.Mutex, which JSON can't carry"},
		{func() *withLock { return nil }, "which JSON can't carry: its field Mu is a sync.Mutex"},
		{func() map[bool]int { return nil }, "which JSON can't carry: the keys of a JSON object are strings"},
		{func() *fails { return nil }, "result 1 is a *socketio_test.fails: a handler that may fail has a last result of type error"},
		{func() (int, *socketio.PublicError) { return 0, nil }, "result 2 is a *socketio.PublicError: a handler that may fail has a last result of type error"},
		{7, "it is an int, not a function"},
		{uint8(7), "it is a uint8, not a function"},
		{[]any{}, "it is a []interface {}, not a function"},
		{struct{}{}, "it is a struct {}, not a function"},
		{new(http.Request), "it is a *http.Request, not a function"},
		{errors1{}, "it is a socketio_test.errors1, not a function"},
	} {
		for how, fn := range map[string]func(){
			"On":               func() { s.On("q", c.fn) },
			"On again":         func() { s.On("q", c.fn) },
			"Once":             func() { s.Once("q", c.fn) },
			"On of Parallel":   func() { s.On("q", socketio.Parallel(2, c.fn)) },
			"OnServerSideEmit": func() { s.Namespace().OnServerSideEmit("q", c.fn) },
		} {
			if got := message(fn); !strings.HasPrefix(got, `socketio: handler of "q": `) || !strings.Contains(got, c.want) {
				t.Errorf("%s(%T) panics with %q, want %q", how, c.fn, got, c.want)
			}
		}
	}
}

// oneSocket returns a socket of a server that ends with the test.
func oneSocket(t *testing.T) (s *socketio.Socket) {
	memory(t, nil, func(w *world) {
		joined := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) { joined <- s })
		w.join(websocket)
		s = within(w, "the socket", joined)
	})
	return s
}

type errors1 struct{}

// Types that JSON can express are allowed.
func TestParametersThatCanBe(t *testing.T) {
	s := oneSocket(t)
	for _, fn := range []any{
		func(time.Time, *time.Time, time.Duration) {},
		func(json.RawMessage, []byte, *[]byte, [4]byte, any, *any, []any, map[string]any) {},
		func(*big.Int, big.Float, netip.Addr, *netip.Prefix, net.IP) {},
		func(**int, map[int]string, map[uint8]bool, map[netip.Addr]string) {},
		func(struct{}, *struct{}) {},
		func(linked, lists, shell, *shown, shown, *locked, withChan, deep) {},
		func(socketio.DisconnectReason, http.Header, *http.Cookie) {},
		func(context.Context, *socketio.Socket, string, ...*int) {},
		func(*socketio.Socket, socketio.Args, socketio.Ack) {},
		func() (any, []byte, time.Time, *locked, error) { return nil, nil, time.Time{}, nil, nil },
		func() (socketio.Args, *socketio.Args, json.RawMessage) { return socketio.Args{}, nil, nil },
		func() (linked, lists, shell, *shown, struct{}, map[string]any, []error) {
			return linked{}, nil, shell{}, nil, struct{}{}, nil, nil
		},
		func() (json.Marshaler, map[netip.Addr]int, optional) { return nil, nil, optional{} },
	} {
		if got := message(func() { s.On("q", fn) }); got != "" {
			t.Errorf("On(%T) panics with %q", fn, got)
		}
	}
}

// Names with another meaning in Node lead to the alternative here.
func TestOnOfWhatIsNoEvent(t *testing.T) {
	log := new(logBook)
	memory(t, &socketio.Options{Logger: slog.New(slog.NewTextHandler(log, nil))}, func(w *world) {
		joined := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) { joined <- s })
		p := w.join(websocket)
		s := within(w, "the socket", joined)
		for event, instead := range map[string]string{
			"connect": "OnConnection", "connect_error": "Use", "disconnect": "OnDisconnect", "disconnecting": "OnDisconnecting",
			"newListener": "OnConnection", "removeListener": "OnDisconnect",
		} {
			for _, on := range []func(string, any) func(){s.On, s.Once} {
				got := message(func() { on(event, func() {}) })
				if !strings.HasPrefix(got, "socketio: On: no client can send an event named "+event+"; ") || !strings.Contains(got, instead) {
					t.Errorf("On(%q) panics with %q, want %q", event, got, instead)
				}
			}
		}
		want(t, "the log", log.String(), "")
		// These can be sent: they work, and a word is said once.
		heard := make(chan string, 10)
		for range 3 {
			for _, event := range []string{"connection", "error"} {
				defer s.Once(event, func() { heard <- event })()
			}
		}
		p.says(`2["connection"]`, `2["error"]`)
		want(t, "the first", within(w, "an event", heard), "connection")
		for _, instead := range []string{"OnConnection of the Server", "OnError of the Server"} {
			if n := strings.Count(log.String(), instead); n != 1 {
				t.Errorf("%d lines name %s, want 1: %s", n, instead, log.String())
			}
		}
	})
}
