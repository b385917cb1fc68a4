// SPDX-License-Identifier: MIT

// This file holds the tests of handlers: their shapes, their arguments, and how they
// end.

package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"socketio"
	"socketio/siotest"
)

type upload struct {
	Name  string            `json:"name"`
	Data  []byte            `json:"data"`
	Parts [][]byte          `json:"parts"`
	More  map[string][]byte `json:"more"`
}

type ctxKey struct{}

// Each valid shape receives the client's arguments. A handler returns them.
func TestHandlerShapes(t *testing.T) {
	type point struct{ X, Y float64 }
	const photo = `{"_placeholder":true,"num":0}`
	for name, test := range map[string]struct {
		fn     any
		event  string // the packet without type, id and attachments
		att    [][]byte
		answer string
	}{
		"no parameters":             {func() string { return "a" }, `["q",1,2]`, nil, `["a"]`},
		"string":                    {func(s string) string { return s }, `["q","\u0061\n"]`, nil, `["a\n"]`},
		"more arguments than asked": {func(s string) string { return s }, `["q","a",2,3]`, nil, `["a"]`},
		"numbers": {func(a int, b uint8, c float32, d int64) string { return fmt.Sprint(a, b, c, d) },
			`["q",-1,255,1.5,9007199254740993]`, nil, `["-1 255 1.5 9007199254740993"]`},
		"bool and struct":   {func(b bool, p point) string { return fmt.Sprint(b, p) }, `["q",true,{"x":1,"Y":2}]`, nil, `["true {1 2}"]`},
		"pointer to struct": {func(p *point) string { return fmt.Sprint(*p) }, `["q",{"X":1}]`, nil, `["{1 0}"]`},
		"pointers that are missing or null": {func(a *int, b *point, c any) string { return fmt.Sprint(a, b, c) },
			`["q",null]`, nil, `["\u003cnil\u003e \u003cnil\u003e \u003cnil\u003e"]`},
		"any":            {func(v any) string { return fmt.Sprintf("%T %v", v, v) }, `["q",{"a":[1,"b",null]}]`, nil, `["map[string]interface {} map[a:[1 b \u003cnil\u003e]]"]`},
		"slices and map": {func(a []int, m map[string]bool) string { return fmt.Sprint(a, m) }, `["q",[1,2],{"a":true}]`, nil, `["[1 2] map[a:true]"]`},
		"rest":           {func(a string, rest ...int) string { return fmt.Sprint(a, rest) }, `["q","a",1,2,3]`, nil, `["a[1 2 3]"]`},
		"empty rest":     {func(a string, rest ...int) string { return fmt.Sprint(a, len(rest)) }, `["q","a"]`, nil, `["a0"]`},
		"rest of any":    {func(rest ...any) string { return fmt.Sprint(rest...) }, `["q",1,true]`, nil, `["1 true"]`},
		"Args":           {func(a socketio.Args) string { return fmt.Sprint(a.Len(), a) }, `["q",{"a": 1}, "b"]`, nil, `["2 [{\"a\": 1},\"b\"]"]`},
		"no Args":        {func(a socketio.Args) string { return fmt.Sprint(a.Len(), a) }, `["q"]`, nil, `["0 []"]`},
		"context, socket, Args, error": {func(ctx context.Context, s *socketio.Socket, a socketio.Args) (bool, error) {
			return ctx == s.Context() && s.Connected() && a.Len() == 1, nil
		}, `["q",1]`, nil, `[true]`},
		"socket":                  {func(s *socketio.Socket, v string) bool { return s.Namespace().Name() == "/" && v == "a" }, `["q","a"]`, nil, `[true]`},
		"context":                 {func(ctx context.Context, v int) bool { return ctx.Err() == nil && v == 1 }, `["q",1]`, nil, `[true]`},
		"values of the handshake": {func(ctx context.Context, _ string) any { return ctx.Value(ctxKey{}) }, `["q","x"]`, nil, `["user 7"]`},
		"bytes":                   {func(b []byte) string { return string(b) }, `["q",` + photo + `]`, [][]byte{[]byte("abc")}, `["abc"]`},
		"bytes from base64":       {func(b []byte) string { return string(b) }, `["q","YWJj"]`, nil, `["abc"]`},
		"struct with bytes": {func(u upload) string { return fmt.Sprintf("%s %s %s %s", u.Name, u.Data, u.Parts, u.More["k"]) },
			`["q",{"name":"n","data":{"_placeholder":true,"num":2},"parts":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}],"more":{"k":{"_placeholder":true,"num":3}}}]`,
			[][]byte{[]byte("p0"), []byte("p1"), []byte("data"), []byte("more")}, `["n data [p0 p1] more"]`},
		"bytes inside any": {func(v any) string { return string(v.(map[string]any)["b"].([]byte)) }, `["q",{"b":` + photo + `}]`, [][]byte{[]byte("abc")}, `["abc"]`},
		"raw JSON":         {func(raw json.RawMessage) string { return string(raw) }, `["q",{"a": [1 ,2]}]`, nil, `["{\"a\": [1 ,2]}"]`},
		"results with bytes": {func() (upload, []byte) {
			return upload{Name: "n", Data: []byte("d")}, []byte("b")
		}, `["q"]`, nil, ``},
		"common: func(string) error":                  {func(string) error { return nil }, `["q","a"]`, nil, `[]`},
		"common: func(context.Context, string) error": {func(context.Context, string) error { return nil }, `["q","a"]`, nil, `[]`},
		"common: func([]byte)":                        {func([]byte) {}, `["q",null]`, nil, `[]`},
		"common: func() error":                        {func() error { return nil }, `["q"]`, nil, `[]`},
		"common: func(Args) error":                    {func(socketio.Args) error { return nil }, `["q"]`, nil, `[]`},
		"only an Ack":                                 {func(ack socketio.Ack) { _ = ack("a") }, `["q",1]`, nil, `["a"]`},
		"argument and Ack":                            {func(s string, ack socketio.Ack) { _ = ack(s) }, `["q","a"]`, nil, `["a"]`},
		"a type of its own":                           {handler(func(s string) string { return s }), `["q","a"]`, nil, `["a"]`},
	} {
		t.Run(name, func(t *testing.T) {
			opts := &socketio.Options{Handshake: withUser}
			memory(t, opts, func(w *world) {
				w.io.OnError(func(_ *socketio.Socket, err *socketio.HandlerError) { t.Error(err) })
				w.io.OnConnection(func(s *socketio.Socket) { s.On("q", test.fn) })
				p := w.join(websocket)
				packets := []any{`21` + test.event}
				if len(test.att) > 0 {
					packets[0] = fmt.Sprintf("5%d-1%s", len(test.att), test.event)
				}
				for _, a := range test.att {
					packets = append(packets, a)
				}
				p.says(packets...)
				if test.answer == "" {
					p.hears(`62-1[{"name":"n","data":{"_placeholder":true,"num":0},"parts":null,"more":null},{"_placeholder":true,"num":1}]`, []byte("d"), []byte("b"))
					return
				}
				got, err := p.next()
				if err != nil {
					w.Fatal(err)
				}
				var have, expected any
				_ = json.Unmarshal([]byte(strings.TrimPrefix(got.text, "31")), &have)
				_ = json.Unmarshal([]byte(test.answer), &expected)
				want(t, "the answer", fmt.Sprint(have), fmt.Sprint(expected))
			})
		})
	}
}

type handler func(string) string

// A value of the wrong type is an error of that argument.
func TestArgumentsThatDoNotFit(t *testing.T) {
	for name, test := range map[string]struct {
		fn       any
		args     string
		argument int
	}{
		"string is missing":     {func(string) {}, ``, 0},
		"bytes are missing":     {func([]byte) {}, ``, 0},
		"struct is missing":     {func(int, upload) {}, `,1`, 1},
		"slice is missing":      {func([]int) {}, ``, 0},
		"number for string":     {func(string) {}, `,1`, 0},
		"string for number":     {func(string, int) {}, `,"a","b"`, 1},
		"number out of range":   {func(uint8) {}, `,256`, 0},
		"fraction for integer":  {func(int) {}, `,1.5`, 0},
		"object for bytes":      {func([]byte) {}, `,{"a":1}`, 0},
		"one of the rest":       {func(...int) {}, `,1,2,"c"`, 2},
		"array for struct":      {func(upload) {}, `,[]`, 0},
		"no base64":             {func([]byte) {}, `,"?"`, 0},
		"context and a missing": {func(context.Context, string) error { return nil }, ``, 0},
	} {
		t.Run(name, func(t *testing.T) {
			memory(t, nil, func(w *world) {
				errs := make(chan *socketio.HandlerError, 1)
				w.io.OnError(func(_ *socketio.Socket, err *socketio.HandlerError) { errs <- err })
				w.io.OnConnection(func(s *socketio.Socket) { s.On("q", test.fn) })
				p := w.join(websocket)
				p.says(`2["q"` + test.args + `]`)
				want(t, "the argument", within(w, "the error", errs).ArgIndex, test.argument)
				p.isOpen()
			})
		})
	}
}

// An impossible shape is rejected at registration, with a message that says why.
func TestHandlersThatCannotBe(t *testing.T) {
	for what, fn := range map[string]any{
		"it is nil, not a function":                                                  nil,
		"it is a string, not a function":                                             "x",
		"it is a *int, not a function":                                               new(int),
		"it is nil":                                                                  (func(string))(nil),
		"handler of \"q\": it is nil":                                                (func(int) int)(nil),
		"a context.Context must be its first parameter":                              func(string, context.Context) {},
		"a *socketio.Socket must come before the arguments":                          func(string, *socketio.Socket) {},
		"a context.Context must be its first":                                        func(*socketio.Socket, context.Context) {},
		"a socketio.Args takes all arguments":                                        func(string, socketio.Args) {},
		"a socketio.Args takes all arguments and can't stand beside others":          func(...socketio.Args) {},
		"a socketio.Ack must be its last parameter":                                  func(socketio.Ack, string) {},
		"a socketio.Ack must be its":                                                 func(...socketio.Ack) {},
		"parameter 2 is a chan int, which JSON can't fill":                           func(string, chan int) {},
		"parameter 1 is a func(), which JSON can't fill":                             func(func()) {},
		"parameter 1 is a complex128":                                                func(complex128) {},
		"parameter ... is a chan int":                                                func(...chan int) {},
		"parameter 1 is the interface io.Reader; JSON needs a concrete type, or any": func(io.Reader) {},
		//lint:ignore ST1008 the mistake under test
		"an error must be its last result":                                             func() (error, int) { return nil, 0 },
		"result 2 is a chan int, which JSON can't carry":                               func() (int, chan int) { return 0, nil },
		"result 1 is a func(), which JSON can't carry":                                 func() func() { return nil },
		"it takes an Ack and has results; only one of them can be the acknowledgement": func(socketio.Ack) int { return 0 },
	} {
		memory(t, nil, func(w *world) {
			message := make(chan string, 2)
			w.io.OnConnection(func(s *socketio.Socket) {
				message <- panicOf(func() { s.On("q", fn) })
				message <- panicOf(func() { s.Once("q", fn) })
			})
			w.join(websocket)
			for range 2 {
				if got := within(w, "the panic", message); !strings.HasPrefix(got, `socketio: handler of "q": `) || !strings.Contains(got, what) {
					t.Errorf("On(%T) panics with %q, want %q", fn, got, what)
				}
			}
		})
	}
}

func TestNilListeners(t *testing.T) {
	memory(t, nil, func(w *world) {
		messages := make(chan string, 10)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.OnDisconnect(func(socketio.DisconnectReason) {}) // is well
			messages <- panicOf(func() { s.OnAny(nil) })
			messages <- panicOf(func() { s.OnDisconnect(nil) })
			messages <- panicOf(func() { s.OnDisconnecting(nil) })
		})
		for _, fn := range []func(){
			func() { w.io.OnConnection(nil) }, func() { w.io.Use(nil) }, func() { w.io.OnError(nil) },
		} {
			messages <- panicOf(fn)
		}
		w.join(websocket)
		for _, part := range []string{"OnConnection: the handler is nil", "Use: the middleware is nil", "OnError: the handler is nil",
			"OnAny: the handler is nil", "OnDisconnect: the handler is nil", "OnDisconnecting: the handler is nil"} {
			if got := within(w, "the panic", messages); !strings.Contains(got, part) {
				t.Errorf("panics with %q, want %q", got, part)
			}
		}
	})
}

// Once runs once; the functions returned by On, Once and OnAny unregister the listener.
func TestOnceAndRemove(t *testing.T) {
	memory(t, nil, func(w *world) {
		calls := newList()
		var removeOn, removeAny, removeOnce func()
		w.io.OnConnection(func(s *socketio.Socket) {
			removeAny = s.OnAny(func(event string, args socketio.Args) { calls.add("any " + event + args.String()) })
			removeOn = s.On("q", func() { calls.add("on") })
			removeOnce = s.Once("q", func() { calls.add("once"); removeOnce() })
			s.On("q", func() { calls.add("other") })
			s.Once("r", func() { calls.add("never") })()
		})
		p := w.join(websocket)
		p.says(`2["q",1]`, `2["q"]`, `2["r"]`)
		p.isOpen()
		w.settle()
		want(t, "calls", strings.Join(calls.all(), ", "), "any q[1], on, once, other, any q[], on, other, any r[]")
		removeOn()
		removeOn()
		removeAny()
		p.says(`2["q"]`)
		w.settle()
		want(t, "the last call", strings.Join(calls.all()[8:], ", "), "other")
	})
}

// Args may be kept when the handler has returned.
func TestArgsMayBeKept(t *testing.T) {
	memory(t, nil, func(w *world) {
		var kept []socketio.Args
		done := newList()
		w.io.OnConnection(func(s *socketio.Socket) {
			s.OnAny(func(_ string, a socketio.Args) { kept = append(kept, a) })
			s.On("q", func(a socketio.Args) { kept = append(kept, a); done.add("q") })
		})
		p := w.join(websocket)
		for i := range 20 {
			p.says(fmt.Sprintf(`51-["q",%d,{"_placeholder":true,"num":0}]`, i), []byte{byte(i)})
		}
		done.await(w, 20)
		for i, a := range kept {
			var n int
			var b []byte
			if err := a.Decode(&n, &b); err != nil || n != i/2 || b[0] != byte(n) {
				t.Errorf("arguments %d: %d %v %v", i, n, b, err)
			}
			values, err := a.Values()
			if err != nil || values[0].(float64) != float64(n) || len(values[1].([]byte)) != 1 || len(a.Attachments()) != 1 || string(a.Raw(0)) != fmt.Sprint(n) {
				t.Errorf("values %v %v", values, err)
			}
		}
	})
}

// Args that are forwarded must not arrive as an empty object.
func TestArgsAsAnArgument(t *testing.T) {
	memory(t, nil, func(w *world) {
		failed := newList()
		w.io.OnError(func(_ *socketio.Socket, e *socketio.HandlerError) { failed.add(e.Error()) })
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("echo", func(a socketio.Args) socketio.Args { return a })
			s.On("pass on", func(a socketio.Args) error { return s.Emit("passed on", map[string]any{"args": a}) })
		})
		c := w.kit.Connect()
		c.Ask("echo", 1, "two").Want([]any{1, "two"})
		c.Emit("pass on", nil)
		c.Want("passed on", map[string]any{"args": []any{nil}})
		c.Emit("pass on")
		c.Want("passed on", map[string]any{"args": []any{}})
		c.Emit("pass on", []byte{1})
		c.WantNothing()
		// Once, by the emit that failed, though the handler returned the error too.
		want(t, "errors", strings.Join(failed.all(), "; "), `socketio: event "passed on": socketio: emit "passed on": argument 1: `+
			`json: error calling MarshalJSON for type socketio.Args: socketio: binary arguments have no JSON: send what Args.Values returns`)
	})
}

func TestConnView(t *testing.T) {
	memory(t, nil, func(w *world) {
		var root, other socketio.ConnView
		w.io.OnConnection(func(s *socketio.Socket) { root = s.Conn() })
		w.io.Of("/other").OnConnection(func(s *socketio.Socket) { other = s.Conn() })
		c := w.kit.Connect()
		c.Conn().Join("/other", nil)
		if root != other || root.Number() != 1 || root.ID() == "" || root.Transport() != "websocket" || root.Handshake().Revision != 4 || root.Closed() {
			t.Errorf("views %v and %v of one connection", root, other)
		}
		if messages, bytes := root.Buffered(); messages != 0 || bytes != 0 || root.Dropped() != 0 {
			t.Errorf("%d messages and %d bytes wait, %d dropped", messages, bytes, root.Dropped())
		}
		root.Close()
		c.Conn().WantClosed(1000)
		if !other.Closed() {
			t.Error("the connection was closed, its view says that it is open")
		}
	})
}

// A handler that ends its goroutine, like t.FailNow, affects only that event.
func TestGoexitInAHandler(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		gone := make(chan struct{})
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("exit", func() { runtime.Goexit() })
			s.On("ask", func(n int) int { return n })
			s.OnDisconnect(func(socketio.DisconnectReason) { close(gone) })
		})
		p := w.join(transport)
		p.says(`2["exit"]`, `21["ask",1]`, `2["exit"]`, `22["ask",2]`)
		p.hears(`31[1]`, `32[2]`)
		p.goes()
		within(w, "the end of the socket", gone)
	})
}

// Handlers of the end, and middlewares of a namespace, may end their goroutine too.
func TestGoexitElsewhere(t *testing.T) {
	memory(t, nil, func(w *world) {
		left := newList()
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			if string(s.Handshake().Auth) != `{}` {
				runtime.Goexit()
			}
			return nil
		})
		w.io.OnConnection(func(s *socketio.Socket) {
			_ = s.Join("r")
			s.OnDisconnecting(func(socketio.DisconnectReason) { runtime.Goexit() })
			s.OnDisconnect(func(socketio.DisconnectReason) { left.add(fmt.Sprint(len(s.Rooms()))) })
		})
		p := w.open(websocket)
		p.says(`0{"exit":true}`)
		p.hears(`4{"message":"internal error"}`)
		p.joins("/")
		p.says(`1`)
		w.settle()
		want(t, "handlers of the end, rooms", strings.Join(left.all(), " "), "0")
		_ = w.io.To("r").Emit("x")
		p.hearsNothing()
		p.joins("/")
	})
}

// Names that are special in JavaScript are ordinary names here.
func TestOddEventNames(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		names := map[string]string{
			`"__proto__"`: "__proto__", `"constructor"`: "constructor", `"toString"`: "toString",
			`""`: "", `1`: "1", `-1.5e3`: "-1500", `"1"`: "1", `"error"`: "error", `"connection"`: "connection",
			`"\u0061\n\"b"`: "a\n\"b", `"` + strings.Repeat("n", 5000) + `"`: strings.Repeat("n", 5000),
		}
		w.io.OnConnection(func(s *socketio.Socket) {
			for _, name := range names {
				s.On(name, func(ack socketio.Ack) error { return ack("heard", name) })
			}
		})
		p := w.join(transport)
		for wire := range names {
			p.says(`20[` + wire + `]`)
			got, err := p.next()
			if err != nil || !strings.HasPrefix(got.text, `30["heard",`) {
				w.Fatalf("event %.40s is answered, not %v %v", wire, got, err)
			}
			if wire == `1` && got.text != `30["heard","1"]` {
				t.Errorf("a number as the name is delivered as a string: %v", got)
			}
		}
	})
}

// An event named "error" is not an error, even without a handler.
func TestEventNamedErrorHarmsNobody(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		p := w.join(transport)
		p.says(`2["error",{"message":"boo"}]`, `2["connection"]`, `2["message"]`)
		p.isOpen()
	})
}

// Every listener of a namespace is called for each of its sockets, and for no others.
func TestOfficialConnectionListeners(t *testing.T) {
	overEach(t, func(w *world, transport siotest.Transport) {
		heard := newList()
		for _, namespace := range []string{"/news", "/chat"} {
			for _, listener := range []string{" first", " second"} {
				w.io.Of(namespace).OnConnection(func(s *socketio.Socket) { heard.add(s.Namespace().Name() + listener) })
			}
		}
		root := w.kit.ConnectWith(&siotest.ClientOptions{Transport: transport})
		for _, namespace := range []string{"/news", "/chat"} {
			c := root.Conn().Join(namespace, nil)
			want(t, "the namespace", c.Namespace(), namespace)
		}
		again := w.kit.ConnectWith(&siotest.ClientOptions{Transport: transport, Namespace: "/news"})
		want(t, "who is heard of", strings.Join(heard.await(w, 6), ", "),
			"/news first, /news second, /chat first, /chat second, /news first, /news second")
		if again.ID() == root.ID() || len(w.io.Of("/news").Sockets()) != 2 {
			t.Error("a second client of a namespace is a second socket")
		}
	})
}
