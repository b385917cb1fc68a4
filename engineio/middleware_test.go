// SPDX-License-Identifier: MIT

// This file tests HTTP middleware: that it sees every request, what it may do, and that
// its mistakes affect nothing else.

package engineio_test

import (
	"bufio"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio/engineio"
)

type middleware = func(http.Handler) http.Handler

// marking adds its name to a header of each response.
func marking(name string) middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("X-Passed", name)
			next.ServeHTTP(w, r)
		})
	}
}

func TestMiddlewareRunsForEveryRequest(t *testing.T) {
	t.Run("trap 24", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			r.srv.Use(marking("a"), marking("b"))
			r.srv.Use()
			r.srv.Use(marking("c"))
			want := func(what string, h http.Header) {
				w.t.Helper()
				if got := strings.Join(h["X-Passed"], ""); got != "abc" {
					w.t.Errorf("%s passed %q, want a, b, c", what, got)
				}
			}
			p := r.polling()
			want("the handshake", p.raw.header)
			want("a POST", p.post("4x").header)
			want("a poll", p.answer().header)
			want("an upgrade", p.upgrade().header)
			want("a WebSocket", r.websocket().header)
			want("a refusal", r.get("EIO=4&transport=pigeon").header)
			want("a refused WebSocket", r.dialRefused("EIO=4&transport=pigeon").header)
		})
	})
}

func TestMiddlewareMayEndTheResponse(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{CORS: &engineio.CORS{Origins: []string{"http://a.example"}}}})
		r.srv.Use(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Has("key") {
					next.ServeHTTP(w, r)
					return
				}
				http.Error(w, "no key", http.StatusUnauthorized)
			})
		})
		for transport, ask := range map[string]func(string, ...string) reply{"polling": r.get, "websocket": r.dialRefused} {
			got := ask("EIO=4&transport="+transport, "Origin", "http://a.example")
			if got.status != 401 || got.body != "no key\n" || got.header.Get("Access-Control-Allow-Origin") != "http://a.example" {
				w.t.Errorf("%s: got %d %q %v (%v)", transport, got.status, got.body, got.header, got.err)
			}
		}
		if got := r.do(w.t.Context(), "OPTIONS", "EIO=4&transport=polling", nil, "Origin", "http://a.example"); got.status != 204 {
			w.t.Errorf("a preflight got %d", got.status)
		}
		r.readOpen(r.get("EIO=4&transport=polling&key").body)
		r.readOpen(r.openWebSocket("EIO=4&transport=websocket&key").next("the open packet"))
		if n := r.srv.Count(); n != 2 {
			w.t.Errorf("%d sessions are open, want 2", n)
		}
	})
}

// A context that a middleware creates reaches Options.Handshake, and from there
// Conn.Context.
func TestMiddlewareContext(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{Handshake: func(r *http.Request) (context.Context, error) { return r.Context(), nil }}})
		r.srv.Use(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, "ada")))
			})
		})
		for _, transport := range []string{"polling", "websocket"} {
			if got := r.side(r.peer(transport).id()).Context().Value(userKey{}); got != "ada" {
				w.t.Errorf("%s: the value is %v", transport, got)
			}
		}
	})
}

// A lateWriter is the writer of a middleware that keeps sessions: it sets its
// cookie when the header is written, or at the end.
type lateWriter struct {
	http.ResponseWriter
	done bool
}

func (l *lateWriter) commit() {
	if !l.done {
		l.done = true
		http.SetCookie(l.ResponseWriter, &http.Cookie{Name: "session", Value: "s1"})
	}
}

func (l *lateWriter) WriteHeader(status int) {
	l.commit()
	l.ResponseWriter.WriteHeader(status)
}

func (l *lateWriter) Write(p []byte) (int, error) {
	l.commit()
	return l.ResponseWriter.Write(p)
}

func (l *lateWriter) Unwrap() http.ResponseWriter { return l.ResponseWriter }

func sessions(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l := &lateWriter{ResponseWriter: w}
		next.ServeHTTP(l, r)
		l.commit()
	})
}

func TestMiddlewareSetsTheSessionCookieLate(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		r.srv.Use(marking("outer"), sessions, marking("inner"))
		want := func(what string, h http.Header) {
			w.t.Helper()
			if got := h["Set-Cookie"]; len(got) != 1 || got[0] != "session=s1" {
				w.t.Errorf("%s sets %q", what, got)
			}
		}
		p := r.polling()
		want("the handshake", p.raw.header)
		want("a POST", p.post("4x").header)
		want("a poll", p.answer().header)
		want("an upgrade", p.upgrade().header)
		c := r.websocket()
		want("a WebSocket", c.header)
		c.send("4x")
		c.want("it works", "4x")
	})
}

// A middleware around the whole server sees no 101, and works otherwise.
func TestMiddlewareOutsideOfTheServer(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{wrap: sessions})
		p := r.polling()
		if p.raw.header.Get("Set-Cookie") == "" {
			w.t.Error("the handshake sets no cookie")
		}
		p.upgrade().want("nothing is lost")
		r.websocket()
	})
}

// A hidingWriter is one without Unwrap.
type hidingWriter struct{ http.ResponseWriter }

// A hijackingWriter has no Unwrap and implements Hijack itself.
type hijackingWriter struct{ http.ResponseWriter }

func (h hijackingWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.ResponseWriter.(http.Hijacker).Hijack()
}
func (h hijackingWriter) Flush() { h.ResponseWriter.(http.Flusher).Flush() }

func TestMiddlewareWithAWriterOfItsOwn(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		r.srv.Use(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(hijackingWriter{w}, r)
			})
		})
		p := r.polling()
		p.send("4x")
		p.want("polling", "4x")
		p.upgrade()
		r.websocket()

		r = w.serve(hosting{})
		r.srv.Use(sessions, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(hidingWriter{w}, r)
			})
		})
		r.polling()
		r.wantStatus("a WebSocket that can't be taken over", r.dialRefused("EIO=4&transport=websocket"), 500)
		if n := r.srv.Count(); n != 1 {
			w.t.Errorf("%d sessions are open, want 1", n)
		}
	})
}

// A server behind an HTTP server that can't give connections away answers 500,
// whatever the middlewares made of the 101.
func TestMiddlewareAndAFailedTakeover(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{wrap: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(hidingWriter{w}, r) })
		}})
		r.srv.Use(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(&onceWriter{ResponseWriter: w}, r)
			})
		})
		r.wantStatus("a WebSocket", r.dialRefused("EIO=4&transport=websocket"), 500)
		p := r.polling()
		p.send("4x")
		p.want("polling works", "4x")
	})
}

// A onceWriter lets the first WriteHeader through.
type onceWriter struct {
	http.ResponseWriter
	wrote bool
}

func (o *onceWriter) WriteHeader(status int) {
	if !o.wrote {
		o.wrote = true
		o.ResponseWriter.WriteHeader(status)
	}
}

func (o *onceWriter) Unwrap() http.ResponseWriter { return o.ResponseWriter }

func TestPanicInAMiddleware(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{server: func(s *http.Server) { s.ErrorLog = log.New(io.Discard, "", 0) }}) // it logs the panics
		r.srv.Use(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("X-Before") != "" {
					panic("before")
				}
				next.ServeHTTP(w, r)
				if r.Header.Get("X-After") != "" {
					panic("after")
				}
			})
		})
		p := r.polling()
		for _, query := range []string{p.query, "EIO=4&transport=polling"} {
			if got := r.get(query, "X-Before", "1"); got.err == nil {
				w.t.Errorf("the request got %d %q", got.status, got.body)
			}
		}
		if n := r.srv.Count(); n != 1 {
			w.t.Errorf("%d sessions are open, want 1", n)
		}
		p.send("4x")
		p.want("the session goes on", "4x")
		c := r.websocket("X-After", "1")
		c.send("4x")
		c.want("a WebSocket is no longer the middleware's", "4x")
		p.upgrade()
	})
}

// Middlewares are added while requests are served: each request passes those that existed
// when it arrived, in their order, and possibly later ones.
func TestUseWhileServing(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		p.park()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 10 {
					r.srv.Use(marking("x"))
				}
			})
		}
		for range 4 {
			wg.Go(func() {
				for last := 0; last < 40; {
					n := len(r.get("EIO=4&transport=pigeon").header["X-Passed"])
					if n < last {
						w.t.Errorf("a request passed %d middlewares, one before it %d", n, last)
						return
					}
					if last = n; w.virtual {
						time.Sleep(time.Millisecond)
					}
				}
			})
		}
		wg.Wait()
		r.side(p.id()).say("x")
		p.want("the poll that was there before", "4x")
	})
}

func TestUsePanicsOnNil(t *testing.T) {
	srv := engineio.NewServer(nil, nil)
	defer srv.Close()
	for _, m := range []middleware{nil, func(http.Handler) http.Handler { return nil }} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			srv.Use(m)
		}()
	}
}
