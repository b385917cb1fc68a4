// SPDX-License-Identifier: MIT

// This file tests Options.SessionBinding: the requests that it sees, and the effect of a
// rejection.

package engineio_test

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"socketio/engineio"
)

var errOtherCookie = errors.New("another cookie than the handshake's")

// sameCookie binds a session to the Cookie header of its handshake.
func sameCookie(_ context.Context, r *engineio.SessionRequest) error {
	if r.Request.Header.Get("Cookie") != r.Handshake.HeaderValue("Cookie") {
		return errOtherCookie
	}
	return nil
}

// A client with the id but without the cookie gets the response for an unknown id to
// every request, and the session is not affected.
func TestSessionBinding(t *testing.T) {
	everywhere(t, func(w *world) {
		refused := make(chan *engineio.ConnectionError, 100)
		r := w.serve(hosting{options: withStreams(&engineio.Options{SessionBinding: sameCookie})})
		r.srv.OnConnectionError(func(_ *http.Request, e *engineio.ConnectionError) { refused <- e })
		p := r.polling()
		s := r.side(p.id())
		thief := []string{"Cookie", "session=thief"}
		told := func(what string) {
			w.t.Helper()
			e := <-refused
			if e.Code != 1 || e.Status != 400 || !errors.Is(e, errOtherCookie) || e.RemoteAddr == "" {
				w.t.Errorf("%s: notified of %+v", what, *e)
			}
		}
		steal := func(when string) {
			w.t.Helper()
			for what, ask := range map[string]func(query string) reply{
				"a poll":            func(q string) reply { return r.get(q, thief...) },
				"a POST":            func(q string) reply { return r.post(q, "4stolen", thief...) },
				"a POST of the end": func(q string) reply { return r.post(q, "1", thief...) },
				"another method":    func(q string) reply { return r.do(w.t.Context(), "PUT", q, nil, thief...) },
				"another revision":  func(q string) reply { return r.get(q+"&EIO=3", thief...) },
				"a plain WebSocket": func(q string) reply { return r.get(q+"&transport=websocket", thief...) },
				"an upgrade":        func(q string) reply { return r.dialRefused(q+"&transport=websocket", thief...) },
				"a bad upgrade": func(q string) reply {
					return r.dialRefused(q+"&transport=websocket", append(thief, "Sec-WebSocket-Key", "")...)
				},
				"an upgrade on EIO 3": func(q string) reply { return r.dialRefused(q+"&transport=websocket&EIO=3", thief...) },
			} {
				r.wantRefusal(when+", "+what, ask(p.query), 400, 1, "Session ID unknown")
				told(what)
				none := ask("EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA")
				r.wantRefusal(when+", "+what+" of no session", none, 400, 1, "Session ID unknown")
				if e := <-refused; e.Err != nil {
					w.t.Errorf("the binding of no session refused: %v", e)
				}
			}
			c := r.stream("EIO=4&transport=webtransport", thief...)
			c.send(`0{"sid":"` + p.id() + `"}`)
			c.wantRefused(when + ", a stream")
			told("a stream")
		}

		p.park()
		steal("while a poll waits")
		s.wantOpen("the session")
		s.say("hello")
		p.want("the poll that waited", "4hello")
		p.send("4x")
		p.want("polling goes on", "4x")

		c := p.probed()
		steal("during an upgrade")
		c.send("5", "4y")
		c.want("the upgrade goes on", "4y")

		steal("on a WebSocket")
		c.send("4z")
		c.want("the WebSocket goes on", "4z")
		s.wantHeard("nothing of the thief", "x", "y", "z")
		if s.upgrades != 1 {
			w.t.Errorf("%d upgrades", s.upgrades)
		}
	})
}

// Rejected attempts do not count towards the attempts of a session, and a stream may
// upgrade like a WebSocket.
func TestSessionBindingLetsTheClientUpgrade(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: withStreams(&engineio.Options{SessionBinding: sameCookie})})
		p := r.polling()
		for range 5 {
			r.dialRefused("EIO=4&transport=websocket&sid="+p.id(), "Cookie", "a=b")
		}
		c := p.candidate()
		c.send("2probe")
		c.want("the answer to the probe", "3probe")
		c.send("5", "4x")
		c.want("the stream", "4x")
	})
}

// The arguments of the hook, and how often it is called.
func TestSessionBindingSees(t *testing.T) {
	inMemory(t, func(w *world) {
		var seen []string
		r := w.serve(hosting{options: &engineio.Options{
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			Handshake: func(r *http.Request) (context.Context, error) {
				return context.WithValue(r.Context(), userKey{}, r.Header.Get("X-User")), nil
			},
			SessionBinding: func(ctx context.Context, r *engineio.SessionRequest) error {
				user, _ := ctx.Value(userKey{}).(string)
				seen = append(seen, r.Request.Method+" "+r.RemoteAddr+" of "+user+" at "+r.Handshake.RemoteAddr)
				return ctx.Err()
			},
		}})
		sid := r.readOpen(r.get("EIO=4&transport=polling", "X-User", "ada", "X-Forwarded-For", "1.2.3.4").body).SID
		if len(seen) != 0 {
			w.t.Errorf("the handshake asked: %q", seen)
		}
		query := "EIO=4&transport=polling&sid=" + sid
		r.get("EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA")
		r.post(query, "4x", "X-Forwarded-For", "1.2.3.4", "X-User", "bob")
		r.get(query, "X-Forwarded-For", "5.6.7.8")
		want := []string{"POST 1.2.3.4 of ada at 1.2.3.4", "GET 5.6.7.8 of ada at 1.2.3.4"}
		if !slices.Equal(seen, want) {
			w.t.Errorf("seen %q, want %q", seen, want)
		}
	})
}

// A panic is logged, rejects the request, and has no other effect.
func TestSessionBindingPanics(t *testing.T) {
	everywhere(t, func(w *world) {
		var text syncBuffer
		r := w.serve(hosting{options: &engineio.Options{
			Logger: text.logger(),
			SessionBinding: func(_ context.Context, r *engineio.SessionRequest) error {
				if r.Request.Header.Get("X-Panic") != "" {
					panic("what now")
				}
				return nil
			},
		}})
		p := r.polling()
		r.wantRefusal("a poll", r.get(p.query, "X-Panic", "1"), 400, 1, "Session ID unknown")
		r.wantRefusal("an upgrade", r.dialRefused("EIO=4&transport=websocket&sid="+p.id(), "X-Panic", "1"), 400, 1, "Session ID unknown")
		p.upgrade()
		if got := text.String(); strings.Count(got, "panic in Options.SessionBinding") != 2 || !strings.Contains(got, "what now") || strings.Contains(got, p.id()) {
			w.t.Errorf("the log says %s", got)
		}
	})
}

// The hook runs without locks: it may take long, and the session may end meanwhile.
func TestSessionBindingMayWait(t *testing.T) {
	inMemory(t, func(w *world) {
		asked, decide := make(chan struct{}), make(chan struct{})
		r := w.serve(hosting{options: &engineio.Options{SessionBinding: func(_ context.Context, r *engineio.SessionRequest) error {
			if r.Request.Header.Get("X-Slow") != "" {
				asked <- struct{}{}
				<-decide
			}
			return nil
		}}})
		p := r.polling()
		slow := make(chan reply, 1)
		post := func(body string) {
			go func() { slow <- p.post(body, "X-Slow", "1") }()
			<-asked
		}
		post("4late")
		p.send("4x")
		p.want("others do not wait", "4x")
		decide <- struct{}{}
		if got := <-slow; got.body != "ok" {
			w.t.Errorf("a POST that was let through got %d %q", got.status, got.body)
		}
		p.want("its echo", "4late")

		post("4lost")
		p.send("1")
		r.side(p.id()).awaitEnd("the client closes")
		decide <- struct{}{}
		r.wantRefusal("a POST after the end", <-slow, 400, 1, "Session ID unknown")
		r.side(p.id()).wantHeard("what came in time", "x", "late")
	})
}
