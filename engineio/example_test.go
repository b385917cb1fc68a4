// SPDX-License-Identifier: MIT

// This file holds the examples of the documentation. Their client uses polling, where a
// packet is a readable line: 0 open, 1 close, 4 message.

package engineio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"

	"socketio/engineio"
)

// An echo returns each message. Only HandleMessage does something.
type echo struct{ conn *engineio.Conn }

func (e echo) HandleMessage(binary bool, data []byte) {
	if binary {
		_ = e.conn.Send(engineio.BinaryMessage(data))
		return
	}
	_ = e.conn.Send(engineio.TextMessage(string(data)))
}

func (echo) HandleReadEnd() {}

func (echo) HandleClose(engineio.CloseReason, error) {}

func (echo) HandleTimer() {}

func (echo) HandleUpgrade() {}

// A mourner prints why the connection ended.
type mourner struct{ echo }

func (mourner) HandleClose(reason engineio.CloseReason, err error) { fmt.Println("closed:", reason) }

// A pollingExample is a client.
type pollingExample struct {
	server *httptest.Server
	query  string
}

// poll opens a session.
func poll(h http.Handler) *pollingExample {
	c := &pollingExample{httptest.NewServer(h), "/?EIO=4&transport=polling"}
	open := c.get()
	c.query += "&sid=" + regexp.MustCompile(`"sid":"([^"]+)"`).FindStringSubmatch(open)[1]
	return c
}

func (c *pollingExample) close() { c.server.Close() }

func (c *pollingExample) get() string { return c.body(http.Get(c.server.URL + c.query)) }

func (c *pollingExample) post(packets string) string {
	return c.body(http.Post(c.server.URL+c.query, "text/plain", strings.NewReader(packets)))
}

func (c *pollingExample) body(resp *http.Response, err error) string {
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// answer returns the response to a request, with headers as name, value.
func answer(h http.Handler, target string, header ...string) *http.Response {
	r := httptest.NewRequest("GET", target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// handshake opens a session over polling.
const handshake = "/?EIO=4&transport=polling"

// A server for clients of Engine.IO alone.
func ExampleServer() {
	srv := engineio.NewServer(nil, func(c *engineio.Conn) engineio.Handler { return echo{c} })
	defer srv.Close()

	client := poll(srv)
	defer client.close()
	fmt.Println(client.post("4hello"))
	fmt.Println(client.get())
	// Output:
	// ok
	// 4hello
}

// The reason is why a connection ended.
func ExampleCloseReason() {
	srv := engineio.NewServer(nil, func(c *engineio.Conn) engineio.Handler { return mourner{echo{c}} })
	defer srv.Close()

	client := poll(srv)
	defer client.close()
	client.post("1") // the client closes
	other := poll(srv)
	defer other.close()
	other.post("x") // no packet begins like this
	// Output:
	// closed: transport close
	// closed: parse error
}

func ExampleOptions() {
	srv := engineio.NewServer(&engineio.Options{
		MaxPayload:     100_000,
		Transports:     []string{engineio.WebSocket},
		AllowEIO3:      true,
		MaxConnections: 50_000,
	}, func(c *engineio.Conn) engineio.Handler { return echo{c} })
	defer srv.Close()

	fmt.Println(answer(srv, handshake).Status) // polling is off
	// Output: 400 Bad Request
}

// Options.Handshake may reject a client, with a message.
func ExampleRefusal() {
	srv := engineio.NewServer(&engineio.Options{
		Handshake: func(r *http.Request) (context.Context, error) {
			if r.Header.Get("Authorization") == "" {
				return nil, &engineio.Refusal{Message: "log in first"}
			}
			return r.Context(), nil
		},
	}, func(c *engineio.Conn) engineio.Handler { return echo{c} })
	defer srv.Close()

	resp := answer(srv, handshake)
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(body))
	// Output: 403 {"code":4,"message":"log in first"}
}

// A session can be bound to the client that opened it: here by a value that the handshake
// has found.
func ExampleSessionRequest() {
	type userKey struct{}
	login := func(r *http.Request) string { return r.Header.Get("Authorization") }
	srv := engineio.NewServer(&engineio.Options{
		Handshake: func(r *http.Request) (context.Context, error) {
			return context.WithValue(r.Context(), userKey{}, login(r)), nil
		},
		SessionBinding: func(ctx context.Context, r *engineio.SessionRequest) error {
			if login(r.Request) != ctx.Value(userKey{}) {
				return errors.New("another login")
			}
			return nil
		},
	}, func(c *engineio.Conn) engineio.Handler { return echo{c} })
	defer srv.Close()

	client := poll(srv) // with no login, and so with none ever after
	defer client.close()
	fmt.Println(client.post("4hello"))
	resp := answer(srv, client.query, "Authorization", "Bearer mallory")
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(body))
	fmt.Println(client.get())
	// Output:
	// ok
	// 400 {"code":1,"message":"Session ID unknown"}
	// 4hello
}

// Rejected requests can be counted or logged.
func ExampleConnectionError() {
	srv := engineio.NewServer(nil, func(c *engineio.Conn) engineio.Handler { return echo{c} })
	defer srv.Close()

	srv.OnConnectionError(func(r *http.Request, e *engineio.ConnectionError) {
		fmt.Println(e.Status, e.Code, e.Message)
	})
	answer(srv, "/?EIO=4&transport=pigeon")
	// Output: 400 0 Transport unknown
}

// Rejections can be counted by cause.
func ExampleRefusalCause() {
	srv := engineio.NewServer(nil, func(c *engineio.Conn) engineio.Handler { return echo{c} })
	defer srv.Close()

	srv.OnConnectionError(func(r *http.Request, e *engineio.ConnectionError) {
		switch e.Cause {
		case engineio.CauseOrigin:
			fmt.Println("a page of another origin:", r.Header.Get("Origin"))
		case engineio.CauseTransportHandshake:
			fmt.Println("a proxy that does not pass Upgrade on:", e.Detail)
		default:
			fmt.Println(e.Code, e.Cause)
		}
	})
	answer(srv, handshake, "Origin", "https://example.org")
	answer(srv, "/?EIO=4&transport=websocket")
	answer(srv, handshake+"&sid=gone")
	// Output:
	// a page of another origin: https://example.org
	// a proxy that does not pass Upgrade on: websocket without an upgrade
	// 1 UNKNOWN_SID
}

// A guard counts who names sessions that do not exist.
type guard struct{ guesses map[string]int }

func (g guard) RequestRefused(e *engineio.ConnectionError) {
	if e.Code == 1 && e.Err == nil { // a guard that is served many requests at once has a lock
		host, _, _ := net.SplitHostPort(e.RemoteAddr)
		g.guesses[host]++
	}
}

// Guesses at session ids can be counted by address.
func ExampleRefusalObserver() {
	g := guard{make(map[string]int)}
	srv := engineio.NewServer(&engineio.Options{Observers: []any{g}}, func(c *engineio.Conn) engineio.Handler { return echo{c} })
	defer srv.Close()

	for _, guess := range []string{"1", "2", "3"} {
		answer(srv, handshake+"&sid="+guess)
	}
	fmt.Println(g.guesses)
	// Output: map[192.0.2.1:3]
}

func ExampleCORS() {
	srv := engineio.NewServer(&engineio.Options{
		CORS: &engineio.CORS{Origins: []string{"https://example.com"}},
	}, func(c *engineio.Conn) engineio.Handler { return echo{c} })
	defer srv.Close()

	for _, origin := range []string{"https://example.com", "https://example.org"} {
		fmt.Println(origin, answer(srv, handshake, "Origin", origin).StatusCode)
	}
	// Output:
	// https://example.com 200
	// https://example.org 403
}

// The cookie lets a proxy send all requests of a session to one server.
func ExampleCookie() {
	srv := engineio.NewServer(&engineio.Options{
		Cookie: &engineio.Cookie{Name: "node"},
	}, func(c *engineio.Conn) engineio.Handler { return echo{c} })
	defer srv.Close()

	for _, cookie := range answer(srv, handshake).Cookies() {
		fmt.Println(cookie.Name, cookie.Path, cookie.HttpOnly, cookie.SameSite == http.SameSiteLaxMode)
	}
	// Output: node / true true
}

func ExampleHTTPCompression() {
	long := strings.Repeat("compressible ", 200)
	srv := engineio.NewServer(&engineio.Options{
		HTTPCompression: &engineio.HTTPCompression{Threshold: 1000},
		InitialPacket:   engineio.TextMessage(long),
	}, func(c *engineio.Conn) engineio.Handler { return echo{c} })
	defer srv.Close()

	fmt.Println(answer(srv, handshake, "Accept-Encoding", "gzip").Header.Get("Content-Encoding"))
	// Output: gzip
}

// Compression of WebSocket messages, and on which goroutines they are read.
func ExamplePerMessageDeflate() {
	opts := &engineio.Options{
		PerMessageDeflate: &engineio.PerMessageDeflate{Threshold: 4096},
		Driver:            engineio.DriverGoroutine,
	}
	srv := engineio.NewServer(opts, func(c *engineio.Conn) engineio.Handler { return echo{c} })
	defer srv.Close()

	fmt.Println(opts.PerMessageDeflate.Threshold, opts.Driver)
	// Output: 4096 goroutine
}

// What is kept of the request that opened a connection.
func ExampleHandshake() {
	srv := engineio.NewServer(nil, func(c *engineio.Conn) engineio.Handler {
		h := c.Handshake()
		fmt.Println(h.Host, h.Query().Get("room"), h.HeaderValue("User-Agent"), h.Revision)
		return echo{c}
	})
	defer srv.Close()

	answer(srv, "http://example.com"+handshake+"&room=7", "User-Agent", "radio")
	// Output: example.com 7 radio 4
}

// What waits for a client that does not fetch it is bounded.
func ExampleOverflow() {
	conns := make(chan *engineio.Conn, 1)
	srv := engineio.NewServer(&engineio.Options{MaxQueueMessages: 2}, func(c *engineio.Conn) engineio.Handler {
		conns <- c
		return echo{c}
	})
	defer srv.Close()
	client := poll(srv)
	defer client.close()
	conn := <-conns

	for i := range 3 {
		m := engineio.TextMessage(fmt.Sprint("news ", i)).Overflow(engineio.OverflowFail)
		err := conn.Send(m)
		fmt.Println(err, errors.Is(err, engineio.ErrQueueFull))
	}
	fmt.Println(client.get() == "4news 0\x1e4news 1")
	conn.Close()
	// Output:
	// <nil> false
	// <nil> false
	// engineio: the outbound queue is full true
	// true
}

// A connection may be sent to from any goroutine, and closed.
func ExampleConn() {
	conns := make(chan *engineio.Conn, 1)
	srv := engineio.NewServer(nil, func(c *engineio.Conn) engineio.Handler {
		conns <- c
		return echo{c}
	})
	defer srv.Close()
	client := poll(srv)
	defer client.close()
	conn := <-conns

	_ = conn.Send(engineio.TextMessage("last words"))
	messages, bytes := conn.Buffered()
	fmt.Println(conn.Transport(), messages, bytes)
	conn.Close()
	fmt.Println(client.get())
	// Output:
	// polling 1 13
	// 4last words
}

// A message to many connections is queued for several before it is written to them.
func ExampleUnwritten() {
	conns := make(chan *engineio.Conn, 2)
	srv := engineio.NewServer(nil, func(c *engineio.Conn) engineio.Handler {
		conns <- c
		return echo{c}
	})
	defer srv.Close()
	one, two := poll(srv), poll(srv)
	defer one.close()
	defer two.close()

	news := engineio.TextMessage("news")
	var rests []engineio.Unwritten
	for range 2 {
		if rest, err := (<-conns).Stage(news); err == nil {
			rests = append(rests, rest)
		}
	}
	for i := range rests {
		rests[i].Write()
	}
	fmt.Println(one.get(), two.get())
	// Output: 4news 4news
}

// The memory of a message for one connection is used again.
func ExampleDrafts() {
	conns := make(chan *engineio.Conn, 1)
	srv := engineio.NewServer(nil, func(c *engineio.Conn) engineio.Handler {
		conns <- c
		return echo{c}
	})
	defer srv.Close()
	client := poll(srv)
	defer client.close()
	conn := <-conns

	var drafts engineio.Drafts // one for a program
	m := drafts.New()
	m.Fill(append(m.Buffer(), "hello"...), nil, false)
	fmt.Println(conn.Send(m), m.Size())
	m.Release() // m must not be used any more
	fmt.Println(client.get())
	// Output:
	// <nil> 8
	// 4hello
}

// A message is encoded once and shared by all receivers. The bytes that belong to a text
// follow it, with nothing between them.
func ExampleMessage() {
	conns := make(chan *engineio.Conn, 1)
	srv := engineio.NewServer(nil, func(c *engineio.Conn) engineio.Handler {
		conns <- c
		return echo{c}
	})
	defer srv.Close()
	client := poll(srv)
	defer client.close()
	conn := <-conns

	text := append(make([]byte, engineio.HeaderRoom), "a photo follows"...)
	bytes := append(make([]byte, engineio.HeaderRoom), 1, 2, 3)
	for _, m := range []*engineio.Message{
		engineio.TextMessage("hello"),
		engineio.BinaryMessage([]byte{255}),
		engineio.NewMessage(text, [][]byte{{7, 8}}), // keeps text: nothing is copied
		engineio.NewBinaryMessage(bytes),
	} {
		_ = conn.Send(m)
	}
	for packet := range strings.SplitSeq(client.get(), "\x1e") {
		fmt.Println(packet)
	}
	// Output:
	// 4hello
	// b/w==
	// 4a photo follows
	// bBwg=
	// bAQID
}

// A watcher implements all interfaces of observers; one would be enough.
type watcher struct{ refusals int }

func (*watcher) ConnOpened(c engineio.ConnInfo) { fmt.Println(c.Number, "opened over", c.Transport) }

func (*watcher) ConnUpgraded(c engineio.ConnInfo) {}

func (*watcher) ConnClosed(c engineio.ConnInfo, reason engineio.CloseReason, err error) {
	fmt.Println(c.Number, "closed:", reason)
}

func (*watcher) TrafficIn(t engineio.Traffic) { fmt.Println(t.Conn, "in:", t.Bytes) }

func (*watcher) TrafficOut(t engineio.Traffic) { fmt.Println(t.Conn, "out:", t.Bytes) }

func (*watcher) MessagesDropped(c engineio.ConnInfo, n int, why engineio.DropReason) {
	fmt.Println(c.Number, "dropped:", n, why)
}

func (w *watcher) RequestRefused(e *engineio.ConnectionError) { w.refusals++ }

// Observers are notified of connections, their traffic, and dropped messages. In a server
// with more than one client they need a lock.
func ExampleConnObserver() {
	w := new(watcher)
	conns := make(chan *engineio.Conn, 1)
	srv := engineio.NewServer(&engineio.Options{Observers: []any{w}}, func(c *engineio.Conn) engineio.Handler {
		conns <- c
		return echo{c}
	})

	client := poll(srv)
	defer client.close()
	client.post("4hello")
	client.get()
	// Volatile: dropped, because no request waits for it.
	(<-conns).SendVolatile(engineio.TextMessage("now"))
	answer(srv, "/?EIO=4&transport=pigeon")
	srv.Close()
	fmt.Println("refused:", w.refusals)
	// Output:
	// 1 opened over polling
	// 1 in: 5
	// 1 out: 5
	// 1 dropped: 1 volatile
	// 1 closed: forced close
	// refused: 1
}

// The id of a session contains the tag of its server, so that another server can forward
// its requests there.
func ExampleTaggedIDs() {
	generate := engineio.TaggedIDs("node-7")
	id, err := generate(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	tag, ok := engineio.SessionTag(id)
	fmt.Println(tag, ok, len(id))
	// Output: node-7 true 27
}

func ExampleNewLentMessage() {
	text := append(make([]byte, engineio.HeaderRoom), `51-["photo",{"_placeholder":true,"num":0}]`...)
	photo := make([]byte, 1<<20)
	m := engineio.NewLentMessage(text, [][]byte{photo}) // which conn.Send(m) writes from where it is
	binary, first, attachments := m.Parts()
	fmt.Println(binary, string(first))
	fmt.Println(len(attachments), &attachments[0][0] == &photo[0], m.Size())
	// Output:
	// false 51-["photo",{"_placeholder":true,"num":0}]
	// 1 true 1048631
}
