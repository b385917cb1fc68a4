// SPDX-License-Identifier: MIT

// This file tests what an application adds to responses, headers and the initial packet,
// and how it is notified of rejections.

package engineio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"socketio/engineio"
)

// A syncBuffer is a log.
type syncBuffer struct {
	mu sync.Mutex // guards the field below
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (b *syncBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// hooked returns options whose hooks count their calls in the headers that they set.
func hooked() *engineio.Options {
	return &engineio.Options{
		InitialHeaders: func(h http.Header, r *http.Request) {
			h.Set("X-First", "initial "+r.Method)
			h.Set("X-Both", "initial")
		},
		Headers: func(h http.Header, r *http.Request) {
			h.Add("X-Each", r.Method)
			h.Set("X-Both", "each")
		},
	}
}

// wantHooks checks what hooked has set.
func wantHooks(w *world, what string, h http.Header, method string, first bool) {
	w.t.Helper()
	want := ""
	if first {
		want = "initial " + method
	}
	if h.Get("X-First") != want || h.Get("X-Both") != "each" || len(h["X-Each"]) != 1 || h.Get("X-Each") != method {
		w.t.Errorf("%s has X-First %q, X-Both %q, X-Each %q", what, h["X-First"], h["X-Both"], h["X-Each"])
	}
}

func TestHeadersOnEveryResponseInitialOnesOnce(t *testing.T) {
	t.Run("trap 21", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: hooked()})
			p := r.polling()
			wantHooks(w, "the handshake", p.raw.header, "GET", true)
			wantHooks(w, "a POST", p.post("4x").header, "POST", false)
			wantHooks(w, "a poll", p.answer().header, "GET", false)
			wantHooks(w, "the 101 of an upgrade", p.upgrade().header, "GET", false)
			wantHooks(w, "the 101 of a session", r.websocket().header, "GET", true)
		})
	})
}

func TestNoHeadersOnRefusals(t *testing.T) {
	inMemory(t, func(w *world) {
		options := hooked()
		options.MaxConnections = 1
		r := w.serve(hosting{options: options})
		p := r.polling()
		p.park()
		for what, got := range map[string]reply{
			"unknown transport":  r.get("EIO=4&transport=pigeon"),
			"unknown session":    r.get("EIO=4&transport=polling&sid=abc"),
			"a full server":      r.get("EIO=4&transport=polling"),
			"a full server (ws)": r.dialRefused("EIO=4&transport=websocket"),
			"another method":     r.do(w.t.Context(), "PUT", p.query, nil),
			"two polls":          r.get(p.query),
		} {
			if got.err != nil || got.status < 400 || got.header["X-First"] != nil || got.header["X-Each"] != nil {
				t.Errorf("%s: got %d %v (%v)", what, got.status, got.header, got.err)
			}
		}
	})
}

// The order is CORS, cookie, InitialHeaders, Headers: each sees what came before.
func TestHeaderHooksSeeWhatIsSetBefore(t *testing.T) {
	inMemory(t, func(w *world) {
		options := &engineio.Options{
			CORS: &engineio.CORS{Origins: []string{"http://other.example"}}, Cookie: new(engineio.Cookie),
			InitialHeaders: func(h http.Header, _ *http.Request) {
				if h.Get("Access-Control-Allow-Origin") != "" && len(h["Set-Cookie"]) == 1 {
					h.Add("Set-Cookie", "mine=1")
				}
			},
			Headers: func(h http.Header, _ *http.Request) {
				if len(h["Set-Cookie"]) == 2 {
					h.Del("Access-Control-Allow-Origin")
				}
			},
		}
		h := w.serve(hosting{options: options}).polling("Origin", "http://other.example").raw.header
		if h.Get("Access-Control-Allow-Origin") != "" || len(h["Set-Cookie"]) != 2 || h["Set-Cookie"][1] != "mine=1" {
			t.Errorf("the headers are %v", h)
		}
	})
}

// Values set by a hook can't end the header of a response, over either transport.
func TestHeadersCannotSplitAResponse(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{Headers: func(h http.Header, _ *http.Request) {
			h["X-Value"] = []string{"a\r\nX-Smuggled: 1\r\n\r\n4body"}
			h["X-Name\r\nX-Smuggled"] = []string{"1"}
			h["X-Fine"] = []string{"yes"}
		}}})
		for what, h := range map[string]http.Header{"polling": r.polling().raw.header, "websocket": r.websocket().header} {
			if h["X-Smuggled"] != nil || !strings.Contains(h.Get("X-Value"), "X-Smuggled: 1") || h.Get("X-Fine") != "yes" {
				w.t.Errorf("%s: the headers are %q", what, h)
			}
		}
	})
}

func TestPanicInAHeaderHook(t *testing.T) {
	everywhere(t, func(w *world) {
		var log syncBuffer
		r := w.serve(hosting{options: &engineio.Options{Logger: log.logger(), Headers: func(http.Header, *http.Request) { panic("in a hook") }}})
		transports(w, hosting{options: r.h.options}, func(r *rig, p peer) {
			p.send("4x")
			p.want("the session goes on", "4x")
		})
		if !strings.Contains(log.String(), "panic in Options.Headers") {
			w.t.Errorf("the log is %s", log.String())
		}
	})
}

func TestInitialPacketTravelsWithTheHandshake(t *testing.T) {
	t.Run("trap 05", func(t *testing.T) {
		everywhere(t, func(w *world) {
			for _, row := range []struct {
				packet  *engineio.Message
				polling string
				ws      []string
			}{
				{engineio.TextMessage("welcome"), "4welcome", []string{"4welcome"}},
				{engineio.BinaryMessage([]byte{1, 2, 3, 4}), "bAQIDBA==", []string{"<01020304>"}},
				{engineio.NewMessage(append(make([]byte, engineio.HeaderRoom), "two"...), [][]byte{{255}}), "4two\x1eb/w==", []string{"4two", "<ff>"}},
			} {
				r := w.serve(hosting{options: &engineio.Options{InitialPacket: row.packet}, onOpen: func(s *side) { s.say("later") }})
				for range 2 { // the packet is shared by all
					got := r.get("EIO=4&transport=polling")
					open, rest, _ := strings.Cut(got.body, "\x1e")
					if rest != row.polling {
						w.t.Errorf("the response to the handshake ends in %q, want %q", rest, row.polling)
					}
					p := &pollPeer{r: r, revision: 4, open: r.readOpen(open)}
					p.query = "EIO=4&transport=polling&sid=" + p.open.SID
					p.want("what was sent then", "4later")
					c := r.websocket()
					c.want("the initial packet", row.ws...)
					c.want("what was sent then", "4later")
				}
			}
		})
	})
}

func TestInitialPacketInRevision3(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{AllowEIO3: true, InitialPacket: engineio.BinaryMessage([]byte{7})}})
		got := r.get("EIO=3&transport=polling&b64=1")
		if !strings.HasSuffix(got.body, "6:b4Bw==") {
			w.t.Errorf("the handshake is %q", got.body)
		}
		c := r.openWebSocket("EIO=3&transport=websocket")
		r.readOpen(c.next("the open packet"))
		c.want("the initial packet", "<0407>")
	})
}

func TestConnectionErrors(t *testing.T) {
	everywhere(t, func(w *world) {
		banned := &engineio.Refusal{Message: "you are banned"}
		noID := errors.New("no id")
		var log syncBuffer
		options := &engineio.Options{
			Logger: log.logger(),
			Handshake: func(r *http.Request) (context.Context, error) {
				if r.URL.Query().Has("ban") {
					return nil, banned
				}
				return nil, nil
			},
			GenerateID: func(r *http.Request) (string, error) { return r.URL.Query().Get("id"), noID },
		}
		r := w.serve(hosting{options: options})
		told := make(chan *engineio.ConnectionError, 10)
		r.srv.OnConnectionError(func(*http.Request, *engineio.ConnectionError) { panic("in a listener") })
		remove := r.srv.OnConnectionError(func(req *http.Request, e *engineio.ConnectionError) {
			if req.URL.Query().Get("EIO") == "" {
				w.t.Error("the request is not the refused one")
			}
			told <- e
		})
		for _, row := range []struct {
			query   string
			headers []string
			status  int
			code    int
			message string
			err     error
			detail  string
		}{
			{"EIO=4&transport=pigeon", nil, 400, 0, "Transport unknown", nil, "pigeon"},
			{"EIO=4&transport=$T&sid=abc", nil, 400, 1, "Session ID unknown", nil, "no such session"},
			{"EIO=4&transport=$T", []string{"Origin", "http://evil.example"}, 403, 4, "Forbidden", nil, "origin not allowed"},
			{"EIO=4&transport=$T&ban", nil, 403, 4, "you are banned", banned, "you are banned"},
			{"EIO=3&transport=$T", nil, 400, 5, "Unsupported protocol version", nil, "3"},
			{"EIO=4&transport=$T", nil, 400, 3, "Bad request", noID, "no session id"},
		} {
			for transport, ask := range map[string]func(string, ...string) reply{"polling": r.get, "websocket": r.dialRefused} {
				query := strings.ReplaceAll(row.query, "$T", transport)
				r.wantRefusal(query, ask(query, row.headers...), row.status, row.code, row.message)
				e := <-told
				if e.Code != row.code || e.Message != row.message || e.Status != row.status || !errors.Is(e, row.err) && row.err != nil || row.err == nil && e.Err != nil || e.Detail != row.detail {
					w.t.Errorf("%s: notified of %+v", query, e)
				}
			}
		}
		if !strings.Contains(log.String(), "panic in OnConnectionError") {
			w.t.Error("the panic of the other listener is not in the log")
		}
		remove()
		r.get("EIO=4&transport=pigeon")
		if len(told) != 0 {
			w.t.Error("a listener that was removed is called")
		}
	})
}

// Listeners are called in the order in which they were added, and can be removed in any.
func TestRemovedListeners(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{})
		called := ""
		remove := make(map[string]func())
		for _, name := range []string{"a", "b", "c"} {
			remove[name] = r.srv.OnConnectionError(func(*http.Request, *engineio.ConnectionError) { called += name })
		}
		for _, step := range []struct{ remove, want string }{{"", "abc"}, {"b", "ac"}, {"b", "ac"}, {"a", "c"}, {"c", ""}, {"a", ""}} {
			if step.remove != "" {
				remove[step.remove]()
			}
			called = ""
			r.get("EIO=4&transport=pigeon")
			if called != step.want {
				w.t.Errorf("after the removal of %q: %q are called, want %q", step.remove, called, step.want)
			}
		}
	})
}

// Rejections with the same code differ in their causes.
func TestRefusalCauses(t *testing.T) {
	inMemory(t, func(w *world) {
		no := errors.New("no")
		options := &engineio.Options{
			MaxConnections: 2, MaxPending: 2,
			AllowEIO3: true,
			Handshake: func(r *http.Request) (context.Context, error) {
				if r.URL.Query().Has("ban") {
					return nil, no
				}
				return nil, nil
			},
			SessionBinding: func(_ context.Context, r *engineio.SessionRequest) error {
				if r.Request.URL.Query().Has("thief") {
					return no
				}
				return nil
			},
			GenerateID: func(r *http.Request) (string, error) {
				if id := r.URL.Query().Get("id"); id != "" {
					return id, nil
				}
				return fmt.Sprintf("id%p", r), nil
			},
		}
		r := w.serve(hosting{options: withStreams(options)})
		fixed := w.serve(hosting{options: &engineio.Options{DisableUpgrades: true}})
		var told []*engineio.ConnectionError
		for _, each := range []*rig{r, fixed} {
			each.srv.OnConnectionError(func(_ *http.Request, e *engineio.ConnectionError) { told = append(told, e) })
		}
		p, q := r.polling(), fixed.polling()
		ws := "EIO=4&transport=websocket"
		codes := map[engineio.RefusalCause]int{}
		want := func(cause engineio.RefusalCause, code int, got reply) {
			t.Helper()
			if len(told) != 1 {
				t.Fatalf("%s: notified of %d refusals, want one; got %d %s", cause, len(told), got.status, got.body)
			}
			if e := told[0]; e.Cause != cause || e.Code != code || !strings.Contains(got.body, fmt.Sprintf(`{"code":%d,`, code)) {
				t.Errorf("%s: notified of %+v, the answer is %s", cause, e, got.body)
			}
			told, codes[cause] = nil, code
		}
		want(engineio.CauseUnknownTransport, 0, r.get("EIO=4&transport=pigeon"))
		want(engineio.CauseUnknownSession, 1, r.get("EIO=4&transport=polling&sid=none"))
		want(engineio.CauseSessionBinding, 1, r.get(p.query+"&thief"))
		want(engineio.CauseHandshakeMethod, 2, r.post("EIO=4&transport=polling", "x"))
		want(engineio.CauseHandshakeMethod, 2, r.post(ws, "x"))
		want(engineio.CauseTransportMismatch, 3, r.get(ws+"&sid="+p.id()))
		want(engineio.CauseTransportHandshake, 3, r.get(ws))
		want(engineio.CauseTransportHandshake, 3, r.dialRefused(ws, "Sec-WebSocket-Key", ""))
		want(engineio.CauseTransportHandshake, 3, r.dialRefused(ws+"&sid="+p.id(), "Sec-WebSocket-Version", "12"))
		want(engineio.CauseProtocolMismatch, 3, r.get("EIO=3&transport=polling&sid="+p.id()))
		want(engineio.CauseUpgradeDisabled, 3, fixed.dialRefused(ws+"&sid="+q.id()))
		want(engineio.CauseInvalidOrigin, 3, r.get("EIO=4&transport=polling", "Origin", "http://a\x80b"))
		want(engineio.CauseSessionID, 3, r.get("EIO=4&transport=polling&id=a/b"))
		want(engineio.CauseSessionID, 3, r.get("EIO=4&transport=polling&id="+p.id()))
		want(engineio.CauseJSONP, 3, r.get("EIO=4&transport=polling&j=0"))
		want(engineio.CauseHeaderSize, 3, r.get("EIO=4&transport=polling", "X-Large", strings.Repeat("x", 40_000)))
		want(engineio.CauseOrigin, 4, r.get("EIO=4&transport=polling", "Origin", "https://evil.example"))
		want(engineio.CauseHandshake, 4, r.get("EIO=4&transport=polling&ban"))
		want(engineio.CauseUnsupportedVersion, 5, fixed.get("EIO=3&transport=polling"))
		c := r.websocket()
		want(engineio.CauseUnavailable, 4, r.get("EIO=4&transport=polling"))
		want(engineio.CauseTransportMismatch, 3, r.get("EIO=4&transport=polling&sid="+c.id()))

		stream := func(first string, headers ...string) reply {
			s := r.stream("", headers...)
			if first != "" {
				s.send(first)
			}
			s.wantRefused("a stream")
			<-s.served
			body := s.answer.Body.String()
			if s.taken.Load() && len(told) == 1 { // there is no answer then
				body = fmt.Sprintf(`{"code":%d,`, told[0].Code)
			}
			return reply{status: s.answer.Code, body: body}
		}
		want(engineio.CauseOrigin, 4, stream("", "Origin", "https://evil.example"))
		want(engineio.CauseUnknownSession, 1, stream(`0{"sid":"none"}`))
		want(engineio.CauseUnavailable, 4, stream("0"))
		if len(codes) != 16 {
			t.Errorf("%d causes were brought about, there are 16", len(codes))
		}
	})
}

// A WebSocket that can't be taken over is reported, with the reason: the end of a new
// session would not be reported otherwise, and that of an upgrade only in the log.
func TestConnectionErrorOfATakeover(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{wrap: func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(hidingWriter{w}, r) })
		}})
		told := make(chan *engineio.ConnectionError, 10)
		r.srv.OnConnectionError(func(_ *http.Request, e *engineio.ConnectionError) { told <- e })
		p := r.polling()
		for _, query := range []string{"EIO=4&transport=websocket", "EIO=4&transport=websocket&sid=" + p.id()} {
			r.wantStatus(query, r.dialRefused(query), 500)
			if e := <-told; e.Code != 3 || e.Status != 500 || e.Cause != engineio.CauseTransportHandshake || e.Message != "Bad request" || !errors.Is(e, http.ErrNotSupported) {
				w.t.Errorf("notified of %+v", *e)
			}
		}
		p.send("4x")
		p.want("the session goes on", "4x")
	})
}

// An error that ends a session is reported with the end of the session, and nowhere else.
func TestConnectionErrorsThatAreNone(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MaxPayload: 100}})
		r.srv.OnConnectionError(func(_ *http.Request, e *engineio.ConnectionError) { w.t.Errorf("notified of %+v", *e) })
		for status, ask := range map[int]func(p *pollPeer) reply{
			400: func(p *pollPeer) reply { return p.post("4\xff") },
			413: func(p *pollPeer) reply { return p.post(strings.Repeat("4", 101)) },
			415: func(p *pollPeer) reply { return p.post("4x", "Content-Encoding", "gzip") },
		} {
			p := r.polling()
			if got := ask(p); got.status != status {
				w.t.Errorf("got %d, want %d", got.status, status)
			}
			s := r.side(p.id())
			s.awaitEnd("the session")
			if s.err == nil {
				w.t.Errorf("%d: HandleClose got no error", status)
			}
		}
		p := r.polling()
		r.wantStatus("an unsupported method", r.do(w.t.Context(), "PUT", p.query, nil), 500)
	})
}

// A client that sends b64 gets bytes as text, also over WebSocket.
func TestBase64IsForced(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{PerMessageDeflate: new(engineio.PerMessageDeflate)}})
		c := r.openWebSocket("EIO=4&transport=websocket&b64=1")
		r.readOpen(c.next("the open packet"))
		c.send("<01020304>", "4text")
		c.want("bytes and text", "bAQIDBA==", "4text")
		p := r.polling()
		c = r.openWebSocket("EIO=4&transport=websocket&b64=true&sid=" + p.id())
		c.send("2probe")
		c.want("the answer", "3probe")
		p.want("the poll is released", "6")
		r.side(p.id()).Send(engineio.BinaryMessage([]byte{1}))
		c.send("5")
		c.want("what waited", "bAQ==")
	})
}
