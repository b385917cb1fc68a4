// SPDX-License-Identifier: MIT

// This file tests the paths that a mux passes to a Server.

package engineio_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
)

func TestMounting(t *testing.T) {
	mounts := map[string]struct {
		wrap func(http.Handler) http.Handler
		path string
	}{
		"in a mux": {func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/engine.io/", h)
			mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "page") })
			return mux
		}, "/engine.io/"},
		"without the last slash": {func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/engine.io", h)
			mux.Handle("/engine.io/", h)
			return mux
		}, "/engine.io"},
		"under a prefix that is stripped": {func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/a/b/", http.StripPrefix("/a/b", h))
			return mux
		}, "/a/b/engine.io/"},
		"under a pattern": {func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/tenants/{id}/socket/", h)
			return mux
		}, "/tenants/7/socket/"},
		"behind a writer that unwraps": {func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(&unwrapping{w}, r) })
		}, "/engine.io/"},
	}
	for name, m := range mounts {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(w *world) {
				r := w.serve(hosting{wrap: m.wrap, path: m.path})
				c := r.websocket()
				c.send("4x")
				c.want("the echo", "4x")
				p := r.polling()
				p.send("4x")
				p.want("the echo", "4x")
				p.upgrade()
				if name == "in a mux" {
					r.path = "/index.html"
					if got := r.get(""); got.body != "page" {
						w.t.Errorf("the neighbour answers %d %q", got.status, got.body)
					}
				}
			})
		})
	}
}

// engineioxide before 0.17.9 took every path that begins with its own, such as
// /engine.io-admin. Here a mux pattern that ends in a slash decides.
func TestPathsThatOnlyBeginAlike(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{wrap: func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/engine.io/", h)
			mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusTeapot)
				fmt.Fprint(w, "another handler")
			})
			return mux
		}, path: "/engine.io/"})
		for _, path := range []string{"/engine.io-admin", "/engine.io-admin/", "/engine.iox/", "/engine.io.old", "/engine.ioo/engine.io/", "/Engine.io/", "/a/engine.io/"} {
			r.path = path
			for _, got := range []reply{r.get("EIO=4&transport=polling"), r.post("EIO=4&transport=polling", "4x"), r.dialRefused("EIO=4&transport=websocket")} {
				if got.status != http.StatusTeapot || got.body != "another handler" {
					w.t.Errorf("%s is answered %v, want the other handler", path, got)
				}
			}
		}
		if n := r.srv.Count(); n != 0 {
			w.t.Errorf("%d sessions are open, want none", n)
		}
	})
}

// Differs from upstream: the mux decides which paths are served, and the handler accepts
// any path.
func TestTrailingSlash(t *testing.T) {
	t.Run("trap 06", func(t *testing.T) {
		everywhere(t, func(w *world) {
			for _, tt := range []struct {
				patterns     []string
				path, answer string
			}{
				{[]string{"/engine.io/"}, "/engine.io/", "served"},
				{[]string{"/engine.io/"}, "/engine.io/anything", "served"},
				{[]string{"/engine.io/"}, "/engine.iox/", "not found"},
				{[]string{"/engine.io"}, "/engine.io", "served"},
				{[]string{"/engine.io"}, "/engine.io/", "not found"},
				{[]string{"/engine.io", "/engine.io/"}, "/engine.io", "served"},
				{[]string{"/engine.io", "/engine.io/"}, "/engine.io/", "served"},
			} {
				r := w.serve(hosting{path: tt.path, wrap: func(h http.Handler) http.Handler {
					mux := http.NewServeMux()
					for _, pattern := range tt.patterns {
						mux.Handle(pattern, h)
					}
					return mux
				}})
				if tt.answer == "not found" {
					for _, got := range []reply{r.get("EIO=4&transport=polling"), r.dialRefused("EIO=4&transport=websocket")} {
						if got.status != 404 {
							w.t.Errorf("%v: %s got %d, want 404 of the mux", tt.patterns, tt.path, got.status)
						}
					}
					continue
				}
				for _, p := range []peer{r.polling(), r.websocket()} {
					p.send("4x")
					p.want("the echo at "+tt.path, "4x")
				}
			}
		})
	})
}

// Differs from upstream: an upgrade for another handler never reaches the server, because
// the mux passes it to that handler; one that does is rejected at once.
func TestForeignUpgrades(t *testing.T) {
	t.Run("trap 23", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{wrap: func(h http.Handler) http.Handler {
				mux := http.NewServeMux()
				mux.Handle("/engine.io/", h)
				mux.HandleFunc("/other", func(rw http.ResponseWriter, _ *http.Request) {
					conn, _, err := http.NewResponseController(rw).Hijack()
					if err != nil {
						w.t.Error(err)
						return
					}
					defer conn.Close()
					io.WriteString(conn, "HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\nContent-Length: 5\r\n\r\nother")
				})
				return mux
			}})
			r.wantRefusal("on our path", r.dialRefused("x=y"), 400, 0, "Transport unknown")
			r.path = "/other"
			if got := r.dialRefused(""); got.status != 426 || got.body != "other" {
				w.t.Errorf("the neighbour's upgrade got %d %q (%v)", got.status, got.body, got.err)
			}
		})
	})
}
