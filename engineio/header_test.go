// SPDX-License-Identifier: MIT

// This file tests the bound on the header of a request, on every path to a session.

package engineio_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"socketio/engineio"
)

// headerBytes counts like Options.MaxHeaderBytes.
func headerBytes(r *http.Request) int {
	n := len(r.RequestURI) + len(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + 32
		}
	}
	return n
}

// headerWays are the kinds of requests. Each makes a request with additional headers, and
// reports whether it was accepted, or the response.
func headerWays() map[string]func(r *rig, name, value string) (in bool, refusal reply) {
	session := func(r *rig, got reply) (bool, reply) { return got.status == 200, got }
	webSocket := func(r *rig, query, name, value string) (bool, reply) {
		c, resp, err := r.shake(query, name, value)
		if c != nil {
			return true, reply{}
		}
		if err != nil {
			return false, reply{err: err}
		}
		body := make([]byte, 1000)
		n, _ := resp.Body.Read(body)
		return false, reply{resp.StatusCode, resp.Header, string(body[:n]), nil}
	}
	stream := func(r *rig, p *pollPeer, name, value string) (bool, reply) {
		query, first := "EIO=4&transport=webtransport", "0"
		if p != nil {
			query, first = query+"&sid="+p.id(), `0{"sid":"`+p.id()+`"}`
		}
		c := r.stream(query, name, value)
		r.quiet()
		select {
		case <-c.served:
			return false, reply{c.answer.Code, c.answer.Header(), c.answer.Body.String(), nil}
		default:
		}
		c.send(first)
		<-c.served
		return true, reply{}
	}
	return map[string]func(*rig, string, string) (bool, reply){
		"polling":             func(r *rig, n, v string) (bool, reply) { return session(r, r.get("EIO=4&transport=polling", n, v)) },
		"polling, revision 3": func(r *rig, n, v string) (bool, reply) { return session(r, r.get("EIO=3&transport=polling", n, v)) },
		"a poll": func(r *rig, n, v string) (bool, reply) {
			p := r.polling()
			r.side(p.id()).say("x")
			return session(r, r.get(p.query, n, v))
		},
		"a POST":                func(r *rig, n, v string) (bool, reply) { return session(r, r.polling().post("4x", n, v)) },
		"WebSocket":             func(r *rig, n, v string) (bool, reply) { return webSocket(r, "EIO=4&transport=websocket", n, v) },
		"WebSocket, revision 3": func(r *rig, n, v string) (bool, reply) { return webSocket(r, "EIO=3&transport=websocket", n, v) },
		"an upgrade": func(r *rig, n, v string) (bool, reply) {
			return webSocket(r, "EIO=4&transport=websocket&sid="+r.polling().id(), n, v)
		},
		"WebTransport":               func(r *rig, n, v string) (bool, reply) { return stream(r, nil, n, v) },
		"an upgrade to WebTransport": func(r *rig, n, v string) (bool, reply) { return stream(r, r.polling(), n, v) },
	}
}

func TestMaxHeaderBytes(t *testing.T) {
	for name, request := range headerWays() {
		for _, protocol := range []string{"http/1.1", "http/2", "tls"} {
			if protocol == "http/2" && (strings.HasPrefix(name, "WebSocket") || name == "an upgrade") {
				continue // not available in memory
			}
			t.Run(name+"/"+protocol, func(t *testing.T) {
				inMemory(t, func(w *world) {
					var size atomic.Int64
					var log syncBuffer
					o := withStreams(&engineio.Options{AllowEIO3: true, MaxHeaderBytes: 2000, Logger: log.logger()})
					r := w.serve(hosting{options: o, protocol: protocol, wrap: func(h http.Handler) http.Handler {
						return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
							size.Store(int64(headerBytes(r)))
							h.ServeHTTP(w, r)
						})
					}})
					if in, refusal := request(r, "X-Pad", "x"); !in {
						w.t.Fatalf("a small header: %d %s (%v)", refusal.status, refusal.body, refusal.err)
					}
					small := int(size.Load())
					if strings.HasSuffix(name, "WebTransport") {
						small = len(r.path+"?EIO=4&transport=webtransport") + len(r.host) + len("X-Pad") + len("x") + 32
						if strings.HasPrefix(name, "an upgrade") {
							small += len("&sid=") + 20
						}
					}
					for d := -1; d <= 1; d++ {
						in, refusal := request(r, "X-Pad", strings.Repeat("x", 2001-small+d))
						if in != (d <= 0) {
							w.t.Errorf("%d bytes at a bound of 2000: let in: %v (%d %q, %v)", 2000+d, in, refusal.status, refusal.body, refusal.err)
						}
						if !in {
							r.wantRefusal("over the bound", refusal, 431, 3, "Request header fields too large")
						}
					}
					if text := log.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "raise engineio.Options.MaxHeaderBytes") || !strings.Contains(text, "size=2001 max=2000") {
						w.t.Errorf("the log says %s", text)
					}
				})
			})
		}
	}
}

// Everything counts: many small headers, the target, the host. The bound has a default.
func TestMaxHeaderBytesCounts(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{})
		many := make([]string, 0, 2000)
		for i := range 1000 {
			many = append(many, fmt.Sprintf("A%d", i%500), "")
		}
		for what, got := range map[string]reply{
			"many small headers": r.get("EIO=4&transport=polling", many...),
			"a large cookie":     r.get("EIO=4&transport=polling", "Cookie", "a="+strings.Repeat("x", 32<<10)),
			"a long query":       r.get("EIO=4&transport=polling&x=" + strings.Repeat("x", 32<<10)),
			"a long host":        r.get("EIO=4&transport=polling", "Host", strings.Repeat("x", 32<<10)),
			"a WebSocket":        r.dialRefused("EIO=4&transport=websocket", "Cookie", "a="+strings.Repeat("x", 32<<10)),
		} {
			r.wantRefusal(what, got, 431, 3, "Request header fields too large")
		}
		if n := r.srv.Count(); n != 0 {
			w.t.Errorf("%d sessions were opened", n)
		}
		p := r.polling("Cookie", "a="+strings.Repeat("x", 30<<10))
		if got := len(r.side(p.id()).Handshake().HeaderValue("Cookie")); got != 30<<10+2 {
			w.t.Errorf("a cookie under the bound is kept with %d bytes", got)
		}
	})
}
