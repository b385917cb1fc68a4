// SPDX-License-Identifier: MIT

// This file tests the package against a server of fixed answers.

package rawclient_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"testing"

	"socketio/internal/leakcheck"
	"socketio/internal/rawclient"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

func TestOpenPackets(t *testing.T) {
	open, err := rawclient.ParseOpen(`0{"sid":"x","upgrades":["websocket"],"pingInterval":1,"pingTimeout":2,"maxPayload":3}`)
	want := rawclient.OpenPacket{SID: "x", Upgrades: []string{"websocket"}, PingInterval: 1, PingTimeout: 2, MaxPayload: 3}
	if err != nil || !reflect.DeepEqual(open, want) {
		t.Errorf("%+v, %v", open, err)
	}
	for _, packet := range []string{"", "0", "0{}", `4{"sid":"x"}`, `0{"sid":"x"`, `{"sid":"x"}`} {
		if open, err := rawclient.ParseOpen(packet); err == nil {
			t.Errorf("%q opens %+v", packet, open)
		}
	}
}

func TestPayloads(t *testing.T) {
	packets := []string{"4text", rawclient.Binary([]byte{1, 2, 3, 4}), "6"}
	payload := rawclient.Join(packets...)
	if payload != "4text\x1ebAQIDBA==\x1e6" || !slices.Equal(rawclient.Split(payload), packets) {
		t.Errorf("%q", payload)
	}
	for packet, want := range map[string]string{"bAQIDBA==": "\x01\x02\x03\x04 true", "4b": " false", "b": " true"} {
		message, binary, err := rawclient.ParseBinary(packet)
		if got := string(message) + map[bool]string{true: " true", false: " false"}[binary]; got != want || err != nil {
			t.Errorf("%s: %q, %v", packet, got, err)
		}
	}
	if _, binary, err := rawclient.ParseBinary("b!"); !binary || err == nil {
		t.Errorf("binary %v, %v", binary, err)
	}
}

func TestRequests(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.Host+" "+r.Header.Get("X-Sent"))
		if r.URL.Path == "/cut" {
			w.Header().Set("Content-Length", "10")
		}
		w.WriteHeader(418)
		_, _ = w.Write([]byte("body"))
	}))
	defer srv.Close()
	defer srv.Client().CloseIdleConnections()
	for path, fails := range map[string]bool{"/": false, "/cut": true} {
		r, err := http.NewRequest(http.MethodGet, srv.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		rawclient.AddHeader(r, "Host", "chat.example", "X-Sent", "yes")
		got := rawclient.Do(srv.Client(), r)
		if got.Status != 418 || got.Body != "body" || got.Header.Get("X-Seen") != "chat.example yes" || (got.Err != nil) != fails {
			t.Errorf("%s: %+v", path, got)
		}
	}
	srv.Close()
	r, err := http.NewRequest(http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := rawclient.Do(srv.Client(), r); got.Err == nil || got.Status != 0 {
		t.Errorf("a server that has gone: %+v", got)
	}
}

func TestTargets(t *testing.T) {
	for _, row := range []struct {
		s         rawclient.Server
		sid, want string
	}{
		{rawclient.Server{}, "", "EIO=4&transport=polling"},
		{rawclient.Server{Revision: 3, Query: "b64=1"}, "a b", "EIO=3&transport=polling&sid=a+b&b64=1"},
		{rawclient.Server{Query: "transport=x&EIO=2"}, "", "transport=x&EIO=2"},
		{rawclient.Server{Query: "myEIO=2"}, "", "EIO=4&transport=polling&myEIO=2"},
	} {
		if got := row.s.Target("polling", row.sid); got != row.want {
			t.Errorf("%+v: %s, want %s", row.s, got, row.want)
		}
	}
}

func TestHeaders(t *testing.T) {
	var sent *http.Request
	s := rawclient.Server{URL: "http://a/", Do: func(r *http.Request) rawclient.Reply {
		sent = r
		return rawclient.Reply{}
	}}
	s.Post(t.Context(), "x", "4")
	if got := sent.Header.Get("Content-Type"); got != "text/plain;charset=UTF-8" || sent.ContentLength != 1 {
		t.Errorf("a POST of %d bytes, %q", sent.ContentLength, got)
	}
	s.Header = http.Header{"Content-Type": nil, "Host": {"b"}, "X-Sent": {"1", "2"}}
	s.Post(t.Context(), "x", "4")
	if sent.Header.Get("Content-Type") != "" || sent.Host != "b" || len(sent.Header["X-Sent"]) != 2 {
		t.Errorf("%+v", sent)
	}
}

// A Line keeps its connection, opens another one when the server closes it, and opens none
// after Close.
func TestLines(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/last" {
			w.Header().Set("Connection", "close")
		}
		if r.URL.Path == "/wait" {
			<-r.Context().Done()
		}
	}))
	defer srv.Close()
	dials := 0
	line := &rawclient.Line{Dial: func(ctx context.Context) (net.Conn, error) {
		dials++
		return new(net.Dialer).DialContext(ctx, "tcp", srv.Listener.Addr().String())
	}}
	do := func(ctx context.Context, path string) rawclient.Reply {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		return line.Do(r)
	}
	for i, want := range []int{1, 1, 2} {
		path := []string{"/", "/last", "/"}[i]
		if got := do(t.Context(), path); got.Err != nil || got.Status != 200 || dials != want {
			t.Errorf("%s: %+v over connection %d, want %d", path, got, dials, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan rawclient.Reply)
	go func() { ended <- do(ctx, "/wait") }()
	cancel()
	if got := <-ended; got.Err == nil {
		t.Errorf("after its context has ended: %+v", got)
	}
	line.Close()
	if got := do(t.Context(), "/"); !errors.Is(got.Err, net.ErrClosed) {
		t.Errorf("after Close: %+v", got)
	}
}

// A POST is accepted by 200 and "ok" alone.
func TestAnswersToPosts(t *testing.T) {
	answer := rawclient.Reply{Status: 200, Body: `0{"sid":"x"}`}
	s := rawclient.Server{Do: func(*http.Request) rawclient.Reply { return answer }}
	c, err := s.Polling(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		answer   rawclient.Reply
		accepted bool
	}{{rawclient.Reply{Status: 200, Body: "ok"}, true}, {rawclient.Reply{Status: 200}, false}, {rawclient.Reply{Status: 413, Body: "ok"}, false}, {rawclient.Reply{Err: net.ErrClosed}, false}} {
		answer = row.answer
		if err := c.Write(t.Context(), rawclient.Text("4")...); (err == nil) != row.accepted {
			t.Errorf("%+v: %v", row.answer, err)
		}
	}
}
