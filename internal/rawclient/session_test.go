// SPDX-License-Identifier: MIT

// This file tests sessions against the engine: each transport, upgrades, both revisions.

package rawclient_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
	"socketio/internal/rawclient"
	"socketio/internal/ws"
)

// An echo sends each message back. The message "end" ends the session.
type echo struct{ c *engineio.Conn }

func (e echo) HandleMessage(binary bool, data []byte) {
	switch {
	case binary:
		e.c.Send(engineio.BinaryMessage(data))
	case string(data) == "end":
		e.c.Close()
	default:
		e.c.Send(engineio.TextMessage(string(data)))
	}
}
func (echo) HandleClose(engineio.CloseReason, error) {}
func (echo) HandleReadEnd()                          {}
func (echo) HandleTimer()                            {}
func (echo) HandleUpgrade()                          {}

// serve runs an engine until the test ends. Requests of polling go over lines, as those
// of browsers do.
func serve(t *testing.T) *rawclient.Server {
	t.Helper()
	engine := engineio.NewServer(&engineio.Options{AllowEIO3: true, PingInterval: time.Hour}, func(c *engineio.Conn) engineio.Handler { return echo{c} })
	srv := httptest.NewServer(engine)
	dial := func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", srv.Listener.Addr().String())
	}
	get, post := &rawclient.Line{Dial: dial}, &rawclient.Line{Dial: dial}
	t.Cleanup(func() {
		get.Close()
		post.Close()
		_ = engine.Close()
		srv.Close()
	})
	return &rawclient.Server{URL: srv.URL + "/engine.io/", Dial: dial, Do: func(r *http.Request) rawclient.Reply {
		if r.Method == http.MethodPost {
			return post.Do(r)
		}
		return get.Do(r)
	}}
}

// echoes sends packets and expects the same ones back.
func echoes(t *testing.T, c *rawclient.Session, packets ...rawclient.Packet) {
	t.Helper()
	if err := c.Write(t.Context(), packets...); err != nil {
		t.Fatal(err)
	}
	for _, want := range packets {
		got, err := c.Read(t.Context())
		if err != nil || got.Text != want.Text || string(got.Binary) != string(want.Binary) || (got.Binary == nil) != (want.Binary == nil) {
			t.Fatalf("%+v came back as %+v, %v", want, got, err)
		}
	}
}

var message = []rawclient.Packet{{Text: "4first"}, {Binary: []byte{0, 1, 255}}, {Text: "4é𝄞"}}

func TestSessions(t *testing.T) {
	for name, open := range map[string]func(*rawclient.Server) (*rawclient.Session, error){
		"polling":   func(s *rawclient.Server) (*rawclient.Session, error) { return s.Polling(t.Context()) },
		"websocket": func(s *rawclient.Server) (*rawclient.Session, error) { return s.Open(t.Context()) },
		"apart": func(s *rawclient.Server) (*rawclient.Session, error) {
			s.Apart = true
			return s.Open(t.Context())
		},
		"plain": func(s *rawclient.Server) (*rawclient.Session, error) {
			s.Plain = true
			return s.Open(t.Context())
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := open(serve(t))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if !strings.HasPrefix(c.First, `0{"sid":"`+c.Opened.SID+`"`) || c.Opened.PingInterval != 3600_000 || c.Header == nil {
				t.Errorf("opened by %s: %+v, %v", c.First, c.Opened, c.Header)
			}
			if (c.Socket() == nil) != (name == "polling") {
				t.Errorf("WebSocket %v", c.Socket())
			}
			echoes(t, c, message...)
			if err := c.Write(t.Context(), rawclient.Text("4end")...); err != nil {
				t.Fatal(err)
			}
			var closed *ws.CloseError
			var rejected *rawclient.Rejection
			got, err := c.Read(t.Context())
			for err == nil && got.Text != "1" { // a poll that is answered late
				got, err = c.Read(t.Context())
			}
			if name == "polling" && err != nil && !errors.As(err, &rejected) || name != "polling" && !errors.As(err, &closed) {
				t.Errorf("the end: %+v, %v", got, err)
			}
		})
	}
}

func TestUpgrade(t *testing.T) {
	for _, revision := range []int{3, 4} {
		s := serve(t)
		s.Revision = revision
		c, err := s.Polling(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Connect(t.Context()); err != nil {
			t.Fatal(revision, err)
		}
		if err := c.Probe(t.Context()); err != nil {
			t.Fatal(revision, err)
		}
		echoes(t, c, rawclient.Packet{Text: "4still polling"})
		if err := c.Switch(); err != nil || c.Socket() == nil {
			t.Fatal(revision, err)
		}
		echoes(t, c, rawclient.Packet{Text: "4over WebSocket"}, rawclient.Packet{Text: "4twice"})
		if revision == 4 {
			echoes(t, c, message...)
		}
	}
}

func TestRevision3(t *testing.T) {
	s := serve(t)
	s.Revision, s.Query = 3, "b64=1"
	c, err := s.Polling(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	echoes(t, c, rawclient.Text("4first", "4é𝄞", "b4AQI=")...)
	if err := c.Write(t.Context(), rawclient.Packet{Binary: []byte{1, 2}}); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Read(t.Context()); got.Text != "b4AQI=" || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRejections(t *testing.T) {
	s := serve(t)
	s.Query = "transport=none"
	const want = `status 400 {"code":0,"message":"Transport unknown"}`
	_, polling := s.Polling(t.Context())
	_, webSocket := s.Open(t.Context())
	for _, err := range []error{polling, webSocket} {
		var r *rawclient.Rejection
		if !errors.As(err, &r) || r.Status != 400 || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	s = serve(t)
	c, err := s.Polling(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Post(t.Context(), c.Opened.SID, "1")
	var r *rawclient.Rejection
	if err := c.Write(t.Context(), rawclient.Text("4late")...); !errors.As(err, &r) {
		t.Errorf("a POST after the end: %v", err)
	}
	if err := c.Connect(t.Context()); !errors.As(err, &r) {
		t.Errorf("an upgrade after the end: %v", err)
	}
}

func TestReadsEndWithTheirContext(t *testing.T) {
	s := serve(t)
	for name, open := range map[string]func(context.Context) (*rawclient.Session, error){"polling": s.Polling, "websocket": s.Open} {
		c, err := open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := c.Read(ctx)
			ended <- err
		}()
		cancel()
		if err := <-ended; err == nil {
			t.Errorf("%s: a read after its context has ended", name)
		}
	}
}

func TestAfterClose(t *testing.T) {
	c, err := serve(t).Polling(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := c.Connect(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("an upgrade: %v", err)
	}
}
