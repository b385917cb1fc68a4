// SPDX-License-Identifier: MIT

// This file tests the opening of sessions: the open packet, ids, queries that open
// nothing, the record of the request, and Options.Handshake.

package engineio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
)

type userKey struct{}

func TestHandshakeOption(t *testing.T) {
	everywhere(t, func(w *world) {
		calls := make(chan string, 100)
		r := w.serve(hosting{options: &engineio.Options{Handshake: func(req *http.Request) (context.Context, error) {
			calls <- req.Method
			switch req.URL.Query().Get("who") {
			case "nobody":
				return nil, errors.New("a secret reason")
			case "banned":
				return nil, &engineio.Refusal{Message: `you are "banned"`}
			case "wrapped":
				return nil, fmt.Errorf("while checking: %w", &engineio.Refusal{Message: "not you"})
			case "":
				return nil, nil
			}
			ctx, cancel := context.WithCancel(context.WithValue(req.Context(), userKey{}, req.URL.Query().Get("who")))
			cancel() // does not count
			return ctx, nil
		}}})
		for _, transport := range []string{"polling", "websocket"} {
			ask := r.get
			if transport == "websocket" {
				ask = r.dialRefused
			}
			query := "EIO=4&transport=" + transport
			r.wantRefusal("an error says nothing", ask(query+"&who=nobody"), 403, 4, "Forbidden")
			r.wantRefusal("a Refusal says what it says", ask(query+"&who=banned"), 403, 4, `you are "banned"`)
			r.wantRefusal("so does a wrapped one", ask(query+"&who=wrapped"), 403, 4, "not you")
		}
		if n := r.srv.Count(); n != 0 {
			w.t.Errorf("%d sessions exist", n)
		}
		p := r.polling("X-Who", "x")
		if v := r.side(p.id()).Context().Value(userKey{}); v != nil {
			w.t.Errorf("without a context the value is %v", v)
		}
		named := r.readOpen(r.get("EIO=4&transport=polling&who=ada").body)
		c := r.side(named.SID)
		if v := c.Context().Value(userKey{}); v != "ada" || c.Context().Err() != nil {
			w.t.Errorf("the context's value is %v (%v), want ada", v, c.Context().Err())
		}
		// Only handshakes call it.
		for len(calls) > 0 {
			<-calls
		}
		p.send("4x")
		p.want("the echo", "4x")
		p.upgrade()
		if len(calls) != 0 {
			w.t.Errorf("%d requests of an open session asked", len(calls))
		}
	})
}

func TestHandshakeRecord(t *testing.T) {
	inMemory(t, func(w *world) {
		options := &engineio.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
		r := w.serve(hosting{options: options, path: "/a/b/"})
		headers := []string{
			"Cookie", "a=b", "X-Two", "1", "X-Two", "2", "X-Empty", "",
			"X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "chat.example",
		}
		r.host = "internal:8080"
		time.Sleep(time.Second)
		raw := r.get("EIO=4&transport=polling&token=a%20b&token=c", headers...)
		h := r.side(r.readOpen(raw.body).SID).Handshake()
		if h.URL != "/a/b/?EIO=4&transport=polling&token=a%20b&token=c" {
			w.t.Errorf("URL is %q", h.URL)
		}
		if h.RemoteAddr != "1.2.3.4" || h.Host != "chat.example" || !h.Secure {
			w.t.Errorf("RemoteAddr %q, Host %q, Secure %v", h.RemoteAddr, h.Host, h.Secure)
		}
		if d := time.Since(h.Time); d != 0 {
			w.t.Errorf("Time is %v ago", d)
		}
		if got := h.Query()["token"]; !reflect.DeepEqual(got, []string{"a b", "c"}) {
			w.t.Errorf("token is %q", got)
		}
		if got := h.Header()["X-Two"]; !reflect.DeepEqual(got, []string{"1", "2"}) {
			w.t.Errorf("X-Two is %q", got)
		}
		if got := h.Header()["X-Empty"]; !reflect.DeepEqual(got, []string{""}) {
			w.t.Errorf("X-Empty is %q", got)
		}
		for name, want := range map[string]string{"cookie": "a=b", "x-TWO": "1", "x-empty": "", "x-none": ""} {
			if got := h.HeaderValue(name); got != want {
				w.t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	})
}

func TestTransportsOption(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{Transports: []string{"polling"}}})
		if p := r.polling(); len(p.open.Upgrades) != 0 {
			w.t.Errorf("upgrades are %q", p.open.Upgrades)
		}
		r.wantRefusal("no websocket", r.dialRefused("EIO=4&transport=websocket"), 400, 0, "Transport unknown")
		r = w.serve(hosting{options: &engineio.Options{Transports: []string{"websocket"}}})
		r.websocket()
		r.wantRefusal("no polling", r.get("EIO=4&transport=polling"), 400, 0, "Transport unknown")
	})
	for _, o := range []*engineio.Options{{Transports: []string{"pigeon"}}, {Driver: "pigeon"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic for options that can't work")
				}
			}()
			engineio.NewServer(o, nil)
		}()
	}
}

func TestSubprotocol(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{})
		for offer, want := range map[string]string{"": "", "chat, other": "chat", "chat": "chat"} {
			c := r.openWebSocket("EIO=4&transport=websocket", "Sec-WebSocket-Protocol", offer)
			if got := c.header.Get("Sec-WebSocket-Protocol"); got != want {
				w.t.Errorf("%q was answered %q, want %q", offer, got, want)
			}
		}
		c := r.websocket("Sec-WebSocket-Extensions", "permessage-deflate")
		if got := c.header.Get("Sec-WebSocket-Extensions"); got != "" {
			w.t.Errorf("extensions %q were accepted", got)
		}
	})
}

// Clients that do not escape their query are accepted.
func TestLenientQuery(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{})
		open := r.readOpen(r.get("EIO=4&transport=polling&share=100%&x=%zz&token=a;b&&flag").body)
		q := r.side(open.SID).Handshake().Query()
		for name, want := range map[string]string{"share": "100%", "x": "%zz", "token": "a;b", "flag": ""} {
			if got := q.Get(name); got != want || !q.Has(name) {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	})
}

// Base64 is accepted with or without padding, in both alphabets.
func TestLenientBase64(t *testing.T) {
	everywhere(t, func(w *world) {
		transports(w, hosting{}, func(r *rig, p peer) {
			first, second := "bAQIDBA==", "b+/+/"
			if _, ok := p.(*pollPeer); !ok { // bytes as the peer prints them
				first, second = "<01020304>", "<fbffbf>"
			}
			p.send("bAQIDBA==")
			p.want("padded", first)
			p.send("bAQIDBA")
			p.want("not padded", first)
			p.send("bAQID\r\nBA==\n")
			p.want("in lines", first)
			p.send("b-_-_")
			p.want("the alphabet of URLs", second)
		})
	})
}

// PingInterval: 25000 is 25 µs. Each option that is a duration panics with the question
// what was meant.
func TestDurationsWithoutAUnit(t *testing.T) {
	options := reflect.TypeFor[engineio.Options]()
	for i := range options.NumField() {
		f := options.Field(i)
		if f.Type != reflect.TypeFor[time.Duration]() {
			continue
		}
		o := new(engineio.Options)
		reflect.ValueOf(o).Elem().Field(i).SetInt(25000)
		func() {
			defer func() {
				if got, want := recover(), "engineio: Options."+f.Name+" is 25000 nanoseconds: did you mean 25*time.Second?"; got != want {
					t.Errorf("%s: panic %v, want %q", f.Name, got, want)
				}
			}()
			_ = engineio.NewServer(o, func(*engineio.Conn) engineio.Handler { return nil }).Close()
		}()
	}
}

func TestNegativeOptions(t *testing.T) {
	options := reflect.TypeFor[engineio.Options]()
	for i := range options.NumField() {
		f := options.Field(i)
		if !f.Type.ConvertibleTo(reflect.TypeFor[int64]()) || f.Name == "QueueBudget" { // where it disables the limit
			continue
		}
		o := new(engineio.Options)
		reflect.ValueOf(o).Elem().Field(i).SetInt(-1)
		func() {
			defer func() {
				if got, want := recover(), "engineio: Options."+f.Name+" must not be negative"; got != want {
					t.Errorf("%s: -1: panic %v, want %q", f.Name, got, want)
				}
			}()
			_ = engineio.NewServer(o, func(*engineio.Conn) engineio.Handler { return nil }).Close()
		}()
	}
}

// engineioxide before 0.17.9 opened a session for an id that it could not read.
func TestMalformedIDsOpenNothing(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		for _, sid := range []string{
			"%00", "%zz", "%", "%C3%28", "%F0%9F%98%80", "a;b", "a%20b", "+", "%0d%0aSet-Cookie:%20a=b", "undefined", "null",
			"[object%20Object]", "../../" + p.id(), p.id() + "%00", p.id() + "=", "%20" + p.id(), strings.ToUpper(p.id()) + "A",
			strings.Repeat("a", 5000), p.id() + "&sid=x", "0", "-1", "..", "__proto__",
		} {
			query := "EIO=4&transport=polling&sid=" + sid
			r.wantRefusal("a poll with sid="+sid, r.get(query), 400, 1, "Session ID unknown")
			r.wantRefusal("a POST with sid="+sid, r.post(query, "4x"), 400, 1, "Session ID unknown")
			r.wantRefusal("a WebSocket with sid="+sid, r.dialRefused("EIO=4&transport=websocket&sid="+sid), 400, 1, "Session ID unknown")
		}
		if n := r.srv.Count(); n != 1 {
			w.t.Errorf("%d sessions are open, want the one", n)
		}
		p.send("4x")
		p.want("the session goes on", "4x")
	})
}

// wantOpenPacket checks that the open packet has exactly the keys it should.
func wantOpenPacket(t *testing.T, packet string, o *engineio.Options, upgrades []any) {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(packet[1:]), &got); packet[0] != '0' || err != nil {
		t.Fatalf("the open packet is %q (%v)", packet, err)
	}
	if sid, ok := got["sid"].(string); !ok || len(sid) != 20 {
		t.Errorf("the session id is %v, want 20 characters", got["sid"])
	}
	delete(got, "sid")
	want := map[string]any{"upgrades": upgrades, "maxPayload": 1e6,
		"pingInterval": float64(o.PingInterval.Milliseconds()), "pingTimeout": float64(o.PingTimeout.Milliseconds())}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the open packet has %v, want %v (keys %v)", got, want, slices.Sorted(maps.Keys(got)))
	}
}

func TestOpen(t *testing.T) {
	t.Run("a session opens/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			p := w.serve(hosting{options: w.calm()}).polling()
			wantOpenPacket(w.t, p.raw.body, w.calm(), []any{"websocket"})
			if ct := p.raw.header.Get("Content-Type"); ct != "text/plain; charset=UTF-8" {
				w.t.Errorf("Content-Type is %q", ct)
			}
			if cc := p.raw.header.Get("Cache-Control"); cc != "no-store" {
				w.t.Errorf("Cache-Control is %q", cc)
			}
		})
	})
	t.Run("a session opens/W", func(t *testing.T) {
		everywhere(t, func(w *world) {
			wantOpenPacket(w.t, w.serve(hosting{options: w.calm()}).websocket().first, w.calm(), []any{})
		})
	})
	for name, query := range map[string]string{"a missing EIO": "", "an unknown EIO": "EIO=abc&", "revision 3": "EIO=3&", "revision 5": "EIO=5&"} {
		t.Run(name+" is refused/PW", func(t *testing.T) {
			everywhere(t, func(w *world) {
				w.serve(hosting{options: w.calm()}).refused("either", query+"transport=$T", 400, 5, "Unsupported protocol version")
			})
		})
	}
	for name, query := range map[string]string{"a missing transport": "EIO=4", "an unknown transport": "EIO=4&transport=abc"} {
		t.Run(name+" is refused/PW", func(t *testing.T) {
			everywhere(t, func(w *world) {
				w.serve(hosting{options: w.calm()}).refused("either", query, 400, 0, "Transport unknown")
			})
		})
	}
	t.Run("POST or PUT without a sid is refused/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: w.calm()})
			for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
				got := r.do(w.t.Context(), method, "EIO=4&transport=polling", nil)
				r.wantRefusal(method, got, 400, 2, "Bad handshake method")
			}
			if got := r.do(w.t.Context(), "HEAD", "EIO=4&transport=polling", nil); got.status != 400 {
				w.t.Errorf("HEAD got %d (%v), want 400", got.status, got.err)
			}
		})
	})
}

// refused makes a request over both transports and expects the same rejection. $T in the
// query is the transport.
func (r *rig) refused(what, query string, status, code int, message string, headers ...string) {
	r.t.Helper()
	r.wantRefusal(what+" on polling", r.get(strings.ReplaceAll(query, "$T", "polling"), headers...), status, code, message)
	r.wantRefusal(what+" on websocket", r.dialRefused(strings.ReplaceAll(query, "$T", "websocket"), headers...), status, code, message)
	if n := r.srv.Count(); n != 0 {
		r.t.Errorf("%s: %d sessions exist", what, n)
	}
}

func TestOwnKeysOnly(t *testing.T) {
	t.Run("trap 01", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			for _, name := range []string{"constructor", "__proto__", "toString", "hasOwnProperty"} {
				r.refused(name, "EIO=4&transport="+name, 400, 0, "Transport unknown")
				r.refused(name, "EIO=4&transport=$T&sid="+name, 400, 1, "Session ID unknown")
			}
		})
	})
}

// screen rejects requests by their query.
func screen(r *http.Request) (context.Context, error) {
	switch r.URL.Query().Get("who") {
	case "banned":
		return nil, &engineio.Refusal{Message: "you are banned"}
	case "unlucky":
		return nil, errors.New("the database is down")
	}
	return nil, nil
}
