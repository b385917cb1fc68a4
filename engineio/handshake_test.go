// SPDX-License-Identifier: MIT

// This file holds what an application sees of the request that opened a
// connection, and Options.Handshake.

package engineio_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"reflect"
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
		// Nothing but handshakes asks.
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

// Clients that do not escape what they write into a query get in all the same.
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

// Bytes in base64 come with or without padding, in either alphabet.
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

// PingInterval: 25000 is 25 µs. Each option that is a time asks what was meant.
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
		if !f.Type.ConvertibleTo(reflect.TypeFor[int64]()) || f.Name == "QueueBudget" { // where it means none
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
