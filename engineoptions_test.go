// SPDX-License-Identifier: MIT

// This file tests that the options of the engine reach it, and the uses of Server.Engine.

package socketio_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"socketio"
	"socketio/engineio"
	"socketio/internal/rawclient"
)

// fetch makes one request.
func (w *world) fetch(method, query, body string, headers ...string) (rawclient.Reply, string) {
	w.Helper()
	got := w.server("", nil).Request(w.Context(), method, query, strings.NewReader(body), headers...)
	if got.Err != nil {
		w.Fatal(got.Err)
	}
	return got, got.Body
}

func TestSessionBindingReachesTheEngine(t *testing.T) {
	type key struct{}
	opts := &socketio.Options{
		Handshake: func(r *http.Request) (context.Context, error) {
			return context.WithValue(r.Context(), key{}, r.Header.Get("X-User")), nil
		},
		Engine: engineio.Options{SessionBinding: func(ctx context.Context, r *engineio.SessionRequest) error {
			if r.Request.Header.Get("X-User") != ctx.Value(key{}) {
				return errors.New("another user")
			}
			return nil
		}, GenerateID: func(*http.Request) (string, error) { return "my-id", nil }},
	}
	memory(t, opts, func(w *world) {
		const session = "EIO=4&transport=polling&sid=my-id"
		w.fetch("GET", "EIO=4&transport=polling", "", "X-User", "ada")
		resp, body := w.fetch("POST", session, "40", "X-User", "bob")
		want(t, "the status", resp.Status, 400)
		want(t, "the refusal", body, `{"code":1,"message":"Session ID unknown"}`)
		_, body = w.fetch("POST", session, "40", "X-User", "ada")
		want(t, "the client's own request", body, "ok")
		w.settle()
		_, body = w.fetch("GET", session, "", "X-User", "ada")
		want(t, "the namespace is joined", strings.HasPrefix(body, `40{"sid":`), true)
		w.fetch("POST", session, "1", "X-User", "ada")
	})
}

func TestEngineOptionsReachTheEngine(t *testing.T) {
	opts := &socketio.Options{
		Engine: engineio.Options{GenerateID: func(*http.Request) (string, error) { return "my-id", nil }, InitialPacket: engineio.TextMessage("2initial"), Cookie: &engineio.Cookie{Name: "node"}, InitialHeaders: func(h http.Header, _ *http.Request) { h.Set("X-Initial", "1") }, Headers: func(h http.Header, _ *http.Request) { h.Set("X-Each", "1") }, HTTPCompression: &engineio.HTTPCompression{Threshold: 100}},
	}
	memory(t, opts, func(w *world) {
		w.io.OnConnection(func(s *socketio.Socket) {
			text := strings.Repeat("a compressible text ", 100)
			want(w, "the error of an emit", s.Compress(true).Emit("e", text), nil)
			s.On("again", func() { _ = s.Compress(false).Emit("e", text) })
		})
		resp, body := w.fetch("GET", "EIO=4&transport=polling", "")
		if !strings.HasPrefix(body, `0{"sid":"my-id",`) || !strings.HasSuffix(body, "\x1e42initial") {
			t.Errorf("the handshake is %q", body)
		}
		want(t, "X-Initial", resp.Header.Get("X-Initial"), "1")
		want(t, "the cookie", strings.HasPrefix(resp.Header.Get("Set-Cookie"), "node="), true)

		const session = "EIO=4&transport=polling&sid=my-id"
		resp, _ = w.fetch("POST", session, "40")
		want(t, "X-Each of a POST", resp.Header.Get("X-Each"), "1")
		w.settle()
		resp, body = w.fetch("GET", session, "", "Accept-Encoding", "gzip")
		want(t, "the coding of a poll", resp.Header.Get("Content-Encoding"), "gzip")
		z, err := gzip.NewReader(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		plain, _ := io.ReadAll(z)
		if !strings.HasPrefix(string(plain), "40{") || !strings.Contains(string(plain), `42["e","a comp`) {
			t.Errorf("the poll is %.100q", plain)
		}
		w.fetch("POST", session, `42["again"]`)
		w.settle()
		resp, body = w.fetch("GET", session, "", "Accept-Encoding", "gzip")
		want(t, "the coding of an event that may not be compressed", resp.Header.Get("Content-Encoding"), "")
		want(t, "it", strings.HasPrefix(body, `42["e","a comp`), true)
	})
}

// A stored broadcast keeps its own choice of compression.
func TestCompressIsAValue(t *testing.T) {
	memory(t, &socketio.Options{Engine: engineio.Options{PerMessageDeflate: &engineio.PerMessageDeflate{Threshold: -1}}}, func(w *world) {
		c, _, err := w.dialWebSocket("", http.Header{"Sec-WebSocket-Extensions": {"permessage-deflate"}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.AllowCompressed()
		read := func(what string) (compressed bool) {
			t.Helper()
			if _, _, err := c.ReadMessage(); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			return c.Compressed()
		}
		read("the open packet")
		if err := c.WriteText("40"); err != nil {
			t.Fatal(err)
		}
		read("CONNECT")
		text := strings.Repeat("text ", 100)
		base := w.io.Compress(true)
		never := base.Compress(false)
		for _, row := range []struct {
			b    socketio.Broadcast
			want bool
		}{{never, false}, {base, true}, {never.Compress(true), true}, {w.io.Of("/").Compress(false).Except("nobody"), false}} {
			want(t, "the error of an emit", row.b.Emit("e", text), nil)
			want(t, "compressed", read("an event"), row.want)
		}
	})
}

func TestEngineMiddlewareAndRefusals(t *testing.T) {
	type key struct{}
	banned := errors.New("banned")
	opts := &socketio.Options{Handshake: func(r *http.Request) (context.Context, error) {
		if r.URL.Query().Has("ban") {
			return nil, banned
		}
		return r.Context(), nil
	}}
	overBoth(t, opts, func(w *world, transport string) {
		w.io.Engine().Use(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(rw, r.WithContext(context.WithValue(r.Context(), key{}, "ada")))
			})
		})
		refused := make(chan *engineio.ConnectionError, 1)
		w.io.Engine().OnConnectionError(func(_ *http.Request, e *engineio.ConnectionError) { refused <- e })
		joined := make(chan any, 1)
		w.io.OnConnection(func(s *socketio.Socket) { joined <- s.Context().Value(key{}) })
		w.join(transport)
		want(w, "the value in the context of the socket", within(w, "the connection", joined), any("ada"))

		resp, _ := w.fetch("GET", "EIO=4&transport=polling&ban", "")
		want(w, "the status", resp.Status, 403)
		e := within(w, "the refusal", refused)
		want(w, "the code", e.Code, 4)
		want(w, "the cause is the error of Handshake", errors.Is(e, banned), true)
	})
}
