// SPDX-License-Identifier: MIT

// This file holds attacker, connections for arbitrary bytes, and browser, a well-behaved
// polling client.

package hostile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"socketio/internal/rawclient"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// An attacker has any number of connections to a target.
type attacker struct {
	t         *testing.T
	p         *process
	sent      atomic.Int64 // bytes
	bystander *bystander   // the start of until
	patience  time.Duration

	mu      sync.Mutex
	secrets []string // issued session ids
	open    []net.Conn
	polls   []*session
}

func newAttacker(t *testing.T, p *process) *attacker { return &attacker{t: t, p: p} }

// each runs f n times at once, and waits. Inside, fail may be called.
func (a *attacker) each(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

// fail fails the test and ends the goroutine, which is one of each.
func (a *attacker) fail(format string, args ...any) {
	a.t.Helper()
	a.t.Errorf(format, args...)
	runtime.Goexit()
}

// until waits for a condition that no packet reports.
func (a *attacker) until(what string, holds func() bool) {
	a.t.Helper()
	limit := time.Now().Add(a.patience)
	for !holds() {
		if time.Now().After(limit) {
			sockets, others := a.p.descriptors()
			a.t.Errorf("it does not happen that %s: %+v, descriptors %q, %q", what, a.p.stats(), sockets, others)
			return
		}
		a.bystander.rounds(2)
	}
}

// hangUp closes what is still open.
func (a *attacker) hangUp() {
	a.each(8, func(part int) {
		for i := part; i < len(a.polls); i += 8 {
			a.ask(request("POST", a.polls[i].query, "1"))
			a.ask(request("GET", a.polls[i].query, "")) // it may wait to send its close
		}
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.open {
		_ = c.Close()
	}
	a.open = nil
}

func (a *attacker) keep(sid string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.secrets = append(a.secrets, sid)
}

// A wire counts what is written.
type wire struct {
	*net.TCPConn
	a *attacker
}

func (w wire) Write(b []byte) (int, error) {
	n, err := w.TCPConn.Write(b)
	w.a.sent.Add(int64(n))
	return n, err
}

// reset closes the connection as if its host had died.
func (w wire) reset() {
	_ = w.SetLinger(0)
	_ = w.Close()
}

// dial connects. The connection is closed after the attack at the latest.
func (a *attacker) dial() wire {
	a.t.Helper()
	return a.dialWith(net.Dialer{})
}

// dialNarrow is dial with such a small buffer that unread data stays with the server.
func (a *attacker) dialNarrow() wire {
	a.t.Helper()
	return a.dialWith(net.Dialer{Control: func(_, _ string, c syscall.RawConn) (err error) {
		controlErr := c.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10)
		})
		return errors.Join(controlErr, err)
	}})
}

func (a *attacker) dialWith(d net.Dialer) wire {
	a.t.Helper()
	c, err := d.Dial("tcp", a.p.addr)
	if err != nil {
		a.fail("connecting: %v", err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	a.mu.Lock()
	a.open = append(a.open, c)
	a.mu.Unlock()
	return wire{c.(*net.TCPConn), a}
}

// A reply is the answer to a request; status 0 means that the connection ended
// without one.
type reply struct {
	status int
	body   string
	err    error
}

func (r reply) String() string { return fmt.Sprintf("%d %.80q", r.status, r.body) }

// ask sends raw bytes on a connection of its own and reads one response.
func (a *attacker) ask(raw string) reply {
	a.t.Helper()
	w := a.dial()
	defer w.Close()
	_, _ = io.WriteString(w, raw) // rejected early: the response shows it
	return readReply(bufio.NewReader(w))
}

func readReply(r *bufio.Reader) reply {
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return reply{err: err}
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return reply{status: resp.StatusCode}
	}
	body, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, string(body), err}
}

// wants calls ask and compares. body may be a part of the response.
func (a *attacker) wants(what, raw string, status int, body string) {
	a.t.Helper()
	if got := a.ask(raw); got.status != status || !strings.Contains(got.body, body) {
		a.t.Errorf("%s: got %v (%v), want %d %s", what, got, got.err, status, body)
	}
}

// request is a request of one session, or of none, as bytes.
func request(method, query, body string, headers ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s /socket.io/?%s HTTP/1.1\r\nHost: target\r\nConnection: close\r\n", method, query)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	if method == "POST" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	return b.String() + "\r\n" + body
}

// upgrade is the request of a WebSocket as bytes.
func upgrade(query string) string {
	return "GET /socket.io/?" + query + " HTTP/1.1\r\nHost: target\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
}

// A session is one over polling.
type session struct {
	a     *attacker
	sid   string
	query string
}

// server is the target for raw clients. Each request has a connection of its own, and
// a WebSocket one of dial.
func (a *attacker) server() *rawclient.Server {
	return &rawclient.Server{
		URL: "http://" + a.p.addr + "/socket.io/",
		Do: func(r *http.Request) rawclient.Reply {
			var raw strings.Builder
			r.Close = true
			if err := r.Write(&raw); err != nil {
				return rawclient.Reply{Err: err}
			}
			got := a.ask(raw.String())
			return rawclient.Reply{Status: got.status, Body: got.body, Err: got.err}
		},
		Dial: func(context.Context) (net.Conn, error) { return a.dial(), nil },
	}
}

// polling opens a session over polling.
func (a *attacker) polling() *session {
	a.t.Helper()
	c, err := a.server().Polling(context.Background())
	if err != nil {
		a.fail("no session: %v", err)
	}
	return a.polled(c)
}

// polled keeps a session over polling, which ends with the attack.
func (a *attacker) polled(c *rawclient.Session) *session {
	a.keep(c.Opened.SID)
	s := &session{a, c.Opened.SID, "EIO=4&transport=polling&sid=" + c.Opened.SID}
	a.mu.Lock()
	a.polls = append(a.polls, s)
	a.mu.Unlock()
	return s
}

// joined is polling, with "/" joined.
func (a *attacker) joined() *session {
	a.t.Helper()
	s := a.polling()
	s.joins()
	return s
}

// joins joins "/". Before the answer an event would be a violation of the protocol.
func (s *session) joins() {
	s.a.t.Helper()
	s.post("40", 200)
	if r := s.get(); !strings.HasPrefix(r.body, `40{"sid":`) {
		s.a.fail("joining: %v", r)
	}
}

// old is polling of Engine.IO 3.
func (a *attacker) old() *session {
	a.t.Helper()
	server := a.server()
	server.Revision, server.Query = 3, "b64=1"
	c, err := server.Polling(context.Background())
	if err != nil {
		a.fail("no session: %v", err)
	}
	// Its id is that of the socket, so it is not secret.
	return &session{a, c.Opened.SID, "EIO=3&transport=polling&b64=1&sid=" + c.Opened.SID}
}

// leaves closes a session that may be over.
func (s *session) leaves() {
	s.a.ask(request("POST", s.query, "1:1"))
	s.a.ask(request("GET", s.query, ""))
}

// post sends a body and expects a status.
func (s *session) post(body string, status int, headers ...string) reply {
	s.a.t.Helper()
	r := s.a.ask(request("POST", s.query, body, headers...))
	if r.status != status {
		s.a.t.Errorf("a POST of %d bytes %.20q: got %v (%v), want %d", len(body), body, r, r.err, status)
	}
	return r
}

// cutOff sends a body with data after the packet that ends the session: a body that is
// not accepted completely is not "ok".
func (s *session) cutOff(body string) {
	s.a.t.Helper()
	if r := s.post(body, 400); !strings.Contains(r.body, `"code":1,`) {
		s.a.t.Errorf("a POST that is cut off: got %v, want code 1", r)
	}
}

func (s *session) get() reply { return s.a.ask(request("GET", s.query, "")) }

// over expects that the session has ended. A last poll may still deliver the end.
func (s *session) over() {
	s.a.t.Helper()
	r := s.get()
	for range 3 {
		if r.status == 400 && strings.Contains(r.body, `"code":1`) {
			return
		}
		r = s.get()
	}
	s.a.t.Errorf("the session should be over, a poll gets %v", r)
}

// goesOn wants the session to work.
func (s *session) goesOn() {
	s.a.t.Helper()
	s.post(`427["echo",8]`, 200)
	for range 5 {
		switch r := s.get(); {
		case strings.Contains(r.body, "666"):
			s.a.fail("what must not arrive has arrived: %v", r)
		case strings.Contains(r.body, "437[8]"):
			return
		case r.status != 200:
			s.a.fail("the session should go on, a poll gets %v", r)
		}
	}
	s.a.fail("the session does not answer")
}

// A socket is a WebSocket.
type socket struct {
	*wstest.Client
	a    *attacker
	wire wire
}

// webSocket opens a session over WebSocket, or joins one to it.
func (a *attacker) webSocket(more string, headers ...string) *socket {
	a.t.Helper()
	h := make(http.Header)
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return a.webSocketOn(a.dial(), more, h)
}

func (a *attacker) webSocketOn(w wire, more string, h http.Header) *socket {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	server := a.server()
	server.Query, server.Header = strings.TrimPrefix(more, "&"), h
	server.Dial = func(context.Context) (net.Conn, error) { return w, nil }
	c, _, err := server.WebSocket(ctx, "")
	if err != nil {
		a.fail("no WebSocket: %v", err)
	}
	s := &socket{c, a, w}
	if more == "" {
		sid := sidOf(s.next())
		if sid == "" {
			a.fail("no open packet")
		}
		a.keep(sid)
	}
	return s
}

// joinedSocket is webSocket, with "/" joined.
func (a *attacker) joinedSocket() *socket {
	a.t.Helper()
	return a.joinedSocketOn(a.dial())
}

func (a *attacker) joinedSocketOn(w wire) *socket {
	a.t.Helper()
	s := a.webSocketOn(w, "", nil)
	s.says("40")
	if got := s.next(); !strings.HasPrefix(got, `40{"sid":`) {
		a.fail("joining: %.100q", got)
	}
	return s
}

// next returns the next message.
func (s *socket) next() string {
	s.a.t.Helper()
	_, data, err := s.ReadMessage()
	if err != nil {
		s.a.fail("nothing comes: %v", err)
	}
	return string(data)
}

// says sends texts, one message each, all at once. The server may have closed.
func (s *socket) says(texts ...string) {
	var b []byte
	for _, text := range texts {
		b = append(b, wstest.Frame(ws.Text, true, []byte(text))...)
	}
	_ = s.WriteFrame(b) // the response shows it
}

// goesOn wants the session to work.
func (s *socket) goesOn() {
	s.a.t.Helper()
	s.says(`427["echo",8]`)
	for {
		if s.next() == "437[8]" {
			return
		}
	}
}

// closes expects the server to close with a code, after any messages.
func (s *socket) closes(code uint16) {
	s.a.t.Helper()
	for {
		_, _, err := s.ReadMessage()
		if err == nil {
			continue
		}
		var ce *ws.CloseError
		if !errors.As(err, &ce) || ce.Code != code {
			s.a.fail("the WebSocket should close with %d, but: %v", code, err)
		}
		_ = s.Close()
		return
	}
}

func sidOf(open string) string {
	v, _ := rawclient.ParseOpen(open)
	return v.SID
}

// A browser is the server as clients see it that are no part of an attack. On polling they
// reuse their connections.
type browser struct {
	rawclient.Server
	client *http.Client
}

func newBrowser(addr string) *browser {
	b := &browser{client: &http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: patience}}
	b.Server = rawclient.Server{
		URL: "http://" + addr + "/socket.io/",
		Do:  func(r *http.Request) rawclient.Reply { return rawclient.Do(b.client, r) },
		Dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		},
	}
	return b
}

func (b *browser) close() { b.client.CloseIdleConnections() }

// open opens a session over polling.
func (b *browser) open() (sid string, err error) {
	c, err := b.Polling(context.Background())
	if err != nil {
		return "", err
	}
	return c.Opened.SID, nil
}
