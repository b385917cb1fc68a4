// SPDX-License-Identifier: MIT

// This file holds the warning about clients whose polls arrive and whose POSTs do not.

package engineio_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
)

const muteWarning = "none of its POSTs"

// getOnly lets no POST through, in ways that occur in practice.
var getOnly = map[string]func(http.Handler) http.Handler{
	"a mux with a method": func(h http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("GET /engine.io/", h)
		return mux
	},
	"a filter of methods": func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				http.Error(w, "no", http.StatusForbidden)
				return
			}
			h.ServeHTTP(w, r)
		})
	},
	"a redirect": func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				http.Redirect(w, r, r.URL.String(), http.StatusMovedPermanently)
				return
			}
			h.ServeHTTP(w, r)
		})
	},
}

// visitMute acts like npm's client where POSTs fail: it polls, posts and hangs up.
func visitMute(r *rig) {
	r.t.Helper()
	p := r.polling()
	p.park()
	if got := p.post("40"); got.status == 200 && got.body == "ok" {
		r.t.Fatal("the POST came through")
	}
	p.drop()
	r.side(p.id()).awaitEnd("the client has hung up")
	<-p.parked
}

func TestMuteClients(t *testing.T) {
	for name, wrap := range getOnly {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(w *world) {
				var log syncBuffer
				o := w.calm()
				o.Logger = log.logger()
				r := w.serve(hosting{options: o, wrap: wrap})
				for range 3 {
					visitMute(r)
				}
				wantMuteWarnings(r, &log, 1)
				if text := log.String(); !strings.Contains(text, "let POST through") {
					w.t.Errorf("the warning does not say what to do: %s", text)
				}
			})
		})
	}
	t.Run("once a minute", func(t *testing.T) {
		inMemory(t, func(w *world) {
			var log syncBuffer
			r := w.serve(hosting{options: &engineio.Options{Logger: log.logger()}, wrap: getOnly["a filter of methods"]})
			for range 13 {
				visitMute(r)
				time.Sleep(10 * time.Second)
			}
			wantMuteWarnings(r, &log, 3)
		})
	})
	t.Run("a client that polls until its time is up", func(t *testing.T) {
		inMemory(t, func(w *world) {
			var log syncBuffer
			r := w.serve(hosting{options: &engineio.Options{Logger: log.logger()}})
			other := r.polling()
			other.send("4x")
			p := r.polling()
			p.want("the ping", "2")
			p.park()
			other.send("3")
			r.side(p.id()).wantEnded("no pong", engineio.ReasonPingTimeout, nil)
			wantMuteWarnings(r, &log, 1)
		})
	})
	t.Run("a client whose upgrade has begun", func(t *testing.T) {
		for name, leave := range map[string]func(p *pollPeer){
			"its poll is left to its time": func(p *pollPeer) { p.r.side(p.id()).wantEnded("no pong", engineio.ReasonPingTimeout, nil) },
			"it hangs up":                  func(p *pollPeer) { p.drop() },
		} {
			t.Run(name, func(t *testing.T) {
				inMemory(t, func(w *world) {
					var log syncBuffer
					r := w.serve(hosting{options: &engineio.Options{Logger: log.logger()}, wrap: getOnly["a mux with a method"]})
					p := r.polling()
					ws := p.probe()
					p.post("40")
					ws.c.Close()
					p.park()
					leave(p)
					wantMuteWarnings(r, &log, 1)
				})
			})
		}
	})
	t.Run("a client that polls until it should have joined", func(t *testing.T) {
		inMemory(t, func(w *world) {
			var log syncBuffer
			r := w.serve(hosting{options: &engineio.Options{Logger: log.logger()}})
			p := r.polling()
			p.park()
			r.side(p.id()).Abort(engineio.ReasonForcedClose, errors.New("no CONNECT"), 1008, "") // like the layer above
			p.wantAnswer("the end", "1")
			wantMuteWarnings(r, &log, 1)
		})
	})
}

func wantMuteWarnings(r *rig, log *syncBuffer, n int) {
	r.t.Helper()
	r.quiet()
	// Over TCP the warning may come a little after the end.
	for limit := time.Now().Add(r.w.patience); !r.w.virtual && strings.Count(log.String(), muteWarning) < n && time.Now().Before(limit); {
		time.Sleep(time.Millisecond)
	}
	if got := strings.Count(log.String(), muteWarning); got != n {
		r.t.Errorf("%d warnings, want %d: %s", got, n, log.String())
	}
}

// A client that does nothing wrong causes no warning.
func TestMuteClientsAreNotThese(t *testing.T) {
	for name, visit := range map[string]func(r *rig){
		"a health check that opens a session": func(r *rig) {
			r.polling()
			time.Sleep(time.Minute)
		},
		"a client that leaves": func(r *rig) {
			p := r.polling()
			p.send("4x")
			p.want("the echo", "4x")
			p.park()
			p.drop()
		},
		"one that leaves at once, where others are heard": func(r *rig) {
			for range 5 {
				other := r.polling()
				other.send("4x")
				p := r.polling()
				p.park()
				p.drop()
				r.side(p.id()).awaitEnd("the client has hung up")
			}
		},
		"one that upgrades": func(r *rig) {
			p := r.polling()
			p.park()
			p.upgrade().c.Close()
		},
		"one whose POST is of a foreign origin": func(r *rig) {
			p := r.polling()
			p.park()
			p.post("4x", "Origin", "http://other.example")
			p.drop()
		},
		"one whose POST is broken": func(r *rig) {
			p := r.polling()
			p.park()
			p.post("")
		},
		"a WebSocket": func(r *rig) { r.websocket().c.Close() },
		"one that the server closes": func(r *rig) {
			p := r.polling()
			p.park()
			r.side(p.id()).Close()
		},
		"one at Shutdown": func(r *rig) {
			r.polling().park()
			r.srv.Shutdown(context.Background())
		},
		"one at Close": func(r *rig) {
			r.polling().park()
			r.srv.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(w *world) {
				var log syncBuffer
				r := w.serve(hosting{options: &engineio.Options{Logger: log.logger()}})
				visit(r)
				time.Sleep(2 * time.Second)
				wantMuteWarnings(r, &log, 0)
			})
		})
	}
}
