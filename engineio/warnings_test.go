// SPDX-License-Identifier: MIT

// This file tests the warnings about problems between the clients and the server: each is
// caused, logged once a minute, and names its remedy.

package engineio_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio/engineio"
)

// A warnings is a log without Debug.
type warnings struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *warnings) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// options is o with this log.
func (l *warnings) options(o *engineio.Options) *engineio.Options {
	if o == nil {
		o = new(engineio.Options)
	}
	o.Logger = slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return o
}

// take returns the lines since the last call.
func (l *warnings) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.buf.Reset()
	return strings.Split(strings.TrimSuffix(l.buf.String(), "\n"), "\n")
}

// want wants one line with all of the texts, and none of them a session id.
func (l *warnings) want(t *testing.T, what string, texts ...string) {
	t.Helper()
	lines := l.take()
	if len(lines) != 1 || len(texts) > 0 && lines[0] == "" {
		t.Fatalf("%s: got %d lines, want one: %q", what, len(lines), lines)
	}
	for _, text := range texts {
		if !strings.Contains(lines[0], text) {
			t.Errorf("%s: the line %q has no %q", what, lines[0], text)
		}
	}
	if len(texts) == 0 && lines[0] != "" {
		t.Errorf("%s: got %q, want nothing", what, lines[0])
	}
}

const (
	hostRemedy = "the proxy does not pass Host on: fix it there, or name it in TrustedProxies"
	corsRemedy = "origin rejected; to allow it add it to Options.CORS.Origins"
)

func TestWarningsOfRefusedOrigins(t *testing.T) {
	kinds := map[string]func(r *rig, headers ...string) int{
		"WebSocket": func(r *rig, headers ...string) int {
			return r.dialRefused("EIO=4&transport=websocket", headers...).status
		},
		"WebSocket of EIO 3": func(r *rig, headers ...string) int {
			return r.dialRefused("EIO=3&transport=websocket", headers...).status
		},
		"upgrade": func(r *rig, headers ...string) int {
			return r.dialRefused("EIO=4&transport=websocket&sid="+r.polling().id(), headers...).status
		},
		"polling": func(r *rig, headers ...string) int { return r.get("EIO=4&transport=polling", headers...).status },
		"POST":    func(r *rig, headers ...string) int { return r.polling().post("4x", headers...).status },
		"WebTransport": func(r *rig, headers ...string) int {
			c := r.stream("", headers...)
			c.wantEOF("refused")
			<-c.served
			return c.answer.Code
		},
		"WebTransport that upgrades": func(r *rig, headers ...string) int {
			r.polling(pageGET...)
			c := r.stream("", headers...)
			c.send(`0{"sid":"` + r.polling().id() + `"}`)
			c.wantRefused("refused")
			<-c.served
			return 403
		},
	}
	for kind, request := range kinds {
		t.Run(kind, func(t *testing.T) {
			inMemory(t, func(w *world) {
				var log warnings
				r := w.serve(hosting{options: log.options(withStreams(nil))})
				r.host = "internal:8080"
				refused := func(headers ...string) {
					t.Helper()
					if status := request(r, headers...); status != 403 {
						t.Fatalf("got %d, want 403", status)
					}
				}
				refused("Origin", "https://evil.example")
				log.want(t, "another origin", corsRemedy, "origin=https://evil.example", "host=internal:8080", "peer=")
				for range 50 {
					refused("Origin", "https://evil.example")
					refused("Origin", "https://other.example")
					refused("Origin", "https://evil.example", "X-Forwarded-Host", "other.example")
				}
				log.want(t, "more of them within a minute")
				for range 10 {
					refused("Origin", "https://chat.example", "X-Forwarded-Host", "chat.example")
				}
				log.want(t, "Host was changed by a proxy: a kind of its own", hostRemedy, "origin=https://chat.example", "host=internal:8080")
				time.Sleep(time.Minute)
				refused("Origin", "https://evil.example", "X-Forwarded-Host", "chat.example")
				log.want(t, "after a minute, with the number of those left out", corsRemedy, "more=150")
				refused("Origin", "https://chat.example", "X-Forwarded-Host", "chat.example, inner.example")
				log.want(t, "two proxies", hostRemedy, "more=9")
				time.Sleep(time.Minute)
				refused("Origin", "https://chat.example", "X-Forwarded-Host", "chat.example", "X-Forwarded-Host", "b.example, c.example")
				log.want(t, "two lines of proxies", hostRemedy)
				refused("Origin", "https://chat.example", "X-Forwarded-Host", strings.Repeat("b.example,", 1000)+"chat.example")
				log.want(t, "a thousand proxies are no proxies", corsRemedy)
				time.Sleep(time.Minute)
				refused("Origin", "https://evil.example\" level=ERROR msg=\""+strings.Repeat("a", 1000))
				if lines := log.take(); len(lines) != 1 || len(lines[0]) > 600 || strings.Contains(lines[0], `" level=ERROR msg="a`) && !strings.Contains(lines[0], `\"`) {
					t.Errorf("a client's text: %q", lines)
				}
			})
		})
	}
}

// A trusted proxy passes Host on in X-Forwarded-Host: the remedy is CORS.
func TestWarningsBehindATrustedProxy(t *testing.T) {
	inMemory(t, func(w *world) {
		var log warnings
		r := w.serve(hosting{options: log.options(&engineio.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})})
		r.host = "internal:8080"
		r.dialRefused("EIO=4&transport=websocket", "Origin", "https://evil.example", "X-Forwarded-Host", "chat.example")
		log.want(t, "another origin", corsRemedy, "host=chat.example")
	})
}

// Requests that pass the rule, or to which it does not apply, cause no warning.
func TestNoWarningsOfOrigins(t *testing.T) {
	inMemory(t, func(w *world) {
		var log warnings
		r := w.serve(hosting{options: log.options(nil)})
		r.websocket()
		r.websocket("Origin", "https://chat.example")
		r.host = "internal:8080"
		p := r.polling(pageGET...)
		p.post("4x", pagePOST...)
		r.shake("EIO=4&transport=websocket&sid="+p.id(), pageSocket...)
		log.want(t, "pages of its own")
	})
}

func TestWarningOfUnknownSessions(t *testing.T) {
	const remedy = "several processes behind a load balancer without sticky sessions?"
	inMemory(t, func(w *world) {
		var logs [2]warnings
		var rigs [2]*rig
		for i := range rigs {
			rigs[i] = w.serve(hosting{options: logs[i].options(&engineio.Options{AllowEIO3: true})})
		}
		// Two processes alternate, as behind a load balancer.
		for range 40 {
			p := rigs[0].polling()
			rigs[1].wantRefusal("the other process", rigs[1].post(p.query, "4x"), 400, 1, "Session ID unknown")
			rigs[1].polling()
		}
		logs[0].want(t, "the one that opens")
		logs[1].want(t, "the one that is asked", remedy)
		time.Sleep(time.Minute)
		for range 40 {
			rigs[1].get("EIO=3&transport=polling&sid=a")
			rigs[1].dialRefused("EIO=4&transport=websocket&sid=b")
		}
		logs[1].want(t, "on all transports", remedy)

		// A few are normal: laptops wake. So are some among many sessions that open.
		var log warnings
		r := w.serve(hosting{options: log.options(nil)})
		for range 20 {
			for range 5 {
				r.get("EIO=4&transport=polling&sid=gone")
			}
			time.Sleep(time.Minute)
		}
		log.want(t, "a few a minute")
		for range 100 {
			r.side(r.polling().id()).Close()
		}
		for range 20 {
			r.get("EIO=4&transport=polling&sid=gone")
		}
		log.want(t, "20 while 100 sessions open")
	})
}

// A session that is bound to another client is not unknown.
func TestNoWarningOfBoundSessions(t *testing.T) {
	inMemory(t, func(w *world) {
		var log warnings
		r := w.serve(hosting{options: log.options(&engineio.Options{SessionBinding: func(context.Context, *engineio.SessionRequest) error { return errors.New("no") }})})
		p := r.polling()
		for range 100 {
			r.wantRefusal("bound", r.get(p.query), 400, 1, "Session ID unknown")
		}
		log.want(t, "a bound session")
	})
}

func TestWarningOfRevision3(t *testing.T) {
	inMemory(t, func(w *world) {
		var log warnings
		r := w.serve(hosting{options: log.options(nil)})
		for range 100 {
			r.wantRefusal("polling", r.get("EIO=3&transport=polling"), 400, 5, "Unsupported protocol version")
			r.wantRefusal("WebSocket", r.dialRefused("EIO=3&transport=websocket"), 400, 5, "Unsupported protocol version")
		}
		log.want(t, "clients of Socket.IO 2", "protocol 4", "Options.AllowEIO3")
		time.Sleep(time.Minute)
		r.wantRefusal("no client", r.get("transport=polling"), 400, 5, "Unsupported protocol version")
		r.wantRefusal("no client", r.get("EIO=5&transport=polling"), 400, 5, "Unsupported protocol version")
		log.want(t, "what no client sends")
		r.get("EIO=3&transport=polling")
		log.want(t, "after a minute", "more=199")

		allowed := w.serve(hosting{options: log.options(&engineio.Options{AllowEIO3: true})})
		if got := allowed.get("EIO=3&transport=polling"); got.status != 200 {
			t.Errorf("got %d %s", got.status, got.body)
		}
		log.want(t, "where it is allowed")
	})
}
