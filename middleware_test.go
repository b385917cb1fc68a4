// SPDX-License-Identifier: MIT

// This file holds the tests of the handshake and of middlewares, which run before a
// socket joins.

package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/siotest"
)

func withUser(r *http.Request) (context.Context, error) {
	switch r.Header.Get("X-Token") {
	case "bad":
		return nil, &socketio.ConnectError{Message: "token expired"}
	case "error":
		return nil, errors.New("secret")
	}
	return context.WithValue(r.Context(), ctxKey{}, "user 7"), nil
}

func TestHandshakeOption(t *testing.T) {
	overBoth(t, &socketio.Options{Handshake: withUser}, func(w *world, transport string) {
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			if s.Context().Value(ctxKey{}) != "user 7" {
				return errors.New("nobody")
			}
			return nil
		})
		w.join(transport).isOpen()
		for token, body := range map[string]string{"bad": `{"code":4,"message":"token expired"}`, "error": `{"code":4,"message":"Forbidden"}`} {
			h := http.Header{"X-Token": {token}}
			if transport == polling {
				got := w.server("", h).Poll(w.Context(), "")
				want(t, "the refusal", fmt.Sprint(got.Status, got.Body), "403"+body)
				continue
			}
			socket, resp, err := w.dialWebSocket("", h)
			if socket != nil || err != nil || resp.StatusCode != 403 {
				t.Errorf("the WebSocket is refused with 403: %v %v", resp, err)
			}
		}
		want(t, "connections", w.io.Connections(), 1)
	})
}

func TestHandshakeOfASocket(t *testing.T) {
	opts := &socketio.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
	overBoth(t, opts, func(w *world, transport string) {
		type auth struct{ Token string }
		sockets := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
		p := w.openAt(transport, "&a=1&a=2&b=%C3%BC", http.Header{
			"X-Forwarded-For": {"203.0.113.9"}, "X-Forwarded-Proto": {"https"}, "X-Many": {"1", "2"}, "Cookie": {"session=9"},
		})
		id := p.joins("/", `{"token":"t","n":[1]}`)
		s := within(w, "the connection", sockets)
		h := s.Handshake()
		want(t, "id", s.ID(), id)
		want(t, "transport", s.Transport(), transport)
		want(t, "query a", fmt.Sprint(h.Query()["a"]), "[1 2]")
		want(t, "query b", h.Query().Get("b"), "ü")
		want(t, "EIO", h.Query().Get("EIO"), "4")
		want(t, "header", fmt.Sprint(h.Header()["X-Many"]), "[1 2]")
		want(t, "cookie", h.HeaderValue("cookie"), "session=9")
		if !strings.HasPrefix(h.RemoteAddr, "203.0.113.9") {
			t.Errorf("the address is what the trusted proxy says, not %s", h.RemoteAddr)
		}
		want(t, "secure", h.Secure, true)
		var a auth
		if err := h.DecodeAuth(&a); err != nil || a.Token != "t" {
			t.Errorf("auth %v %v", a, err)
		}
		var n struct{ N int }
		if err := h.DecodeAuth(&n); err == nil || !strings.HasPrefix(err.Error(), "socketio: auth: ") {
			t.Errorf("what does not decode is an error: %v", err)
		}
		want(t, "raw auth", string(h.Auth), `{"token":"t","n":[1]}`)

		p.says(`1`)
		p.joins("/")
		s = within(w, "the second connection", sockets)
		if err := s.Handshake().DecodeAuth(&a); err != nil || a.Token != "t" {
			t.Errorf("without auth nothing is decoded: %v %v", a, err)
		}
		want(t, "no auth", string(s.Handshake().Auth), `{}`)
		var text string
		if err := s.Handshake().DecodeAuth(&text); err != nil || text != "" {
			t.Errorf("without auth nothing is decoded, into a string neither: %q %v", text, err)
		}
		remotes, err := w.io.FetchSockets(w.Context())
		if err != nil || len(remotes) != 1 {
			t.Fatalf("%d sockets: %v", len(remotes), err)
		}
		want(t, "no auth of a RemoteSocket", string(remotes[0].Handshake().Auth), `{}`)
	})
}

// Neither a middleware nor the handshake of a socket sees the cookie of a visitor if a
// page of another site has opened the connection.
func TestCookiesOfForeignPages(t *testing.T) {
	for origin, cookie := range map[string]string{"https://evil.example": "", "null": "", "": "session=9"} {
		opts := &socketio.Options{
			CORS: &socketio.CORS{Origins: []string{"*"}},
			Handshake: func(r *http.Request) (context.Context, error) {
				want(t, "the cookie that Handshake sees", r.Header.Get("Cookie"), cookie)
				return nil, nil
			},
		}
		overBoth(t, opts, func(w *world, transport string) {
			w.io.Use(func(_ context.Context, s *socketio.Socket) error {
				want(t, "the cookie that a middleware sees", s.Handshake().HeaderValue("Cookie"), cookie)
				return nil
			})
			h := http.Header{"Cookie": {"session=9"}}
			if origin != "" {
				h.Set("Origin", origin)
			}
			sockets := make(chan *socketio.Socket, 1)
			w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
			w.openAt(transport, "", h).joins("/")
			want(t, "the cookie of the socket", within(w, "the connection", sockets).Handshake().Header().Get("Cookie"), cookie)
		})
	}
}

// Middlewares run in order, may join rooms and emit; what they emit precedes
// CONNECT; Disconnect does nothing there.
func TestMiddlewares(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		order := newList()
		for i := range 3 {
			w.io.Use(func(_ context.Context, s *socketio.Socket) error {
				order.add(fmt.Sprint(i))
				s.CloseConn()
				if len(w.io.Sockets()) != 0 {
					t.Error("the socket is no member yet")
				}
				if err := s.Emit("hello", i); err != nil {
					t.Error(err)
				}
				_ = w.io.Emit("to members only")
				return s.Join(fmt.Sprint("room", i), "twice", "left")
			})
		}
		w.io.Use(func(_ context.Context, s *socketio.Socket) error { s.Leave("left"); return nil })
		w.io.OnConnection(func(s *socketio.Socket) {
			rooms := slices.DeleteFunc(s.Rooms(), func(r string) bool { return r == s.ID() })
			slices.Sort(rooms)
			order.add(strings.Join(rooms, " "))
			_ = w.io.To("room1").Emit("welcome")
		})
		p := w.open(transport)
		p.says(`0`)
		p.hears(`2["hello",0]`, `2["hello",1]`, `2["hello",2]`, `0{"sid":"*"}`, `2["welcome"]`)
		got := order.await(w, 4)
		want(t, "the order", strings.Join(got, ", "), "0, 1, 2, room0 room1 room2 twice")
	})
}

// A client that disconnects while a middleware runs never joins, and the next middleware
// does not run.
func TestTheClientGoesDuringAMiddleware(t *testing.T) {
	for name, leave := range map[string]func(p *peer){
		"connection lost": func(p *peer) { p.goes() },
		"taken back":      func(p *peer) { p.says(`1`) },
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, nil, func(w *world, transport string) {
				running, ended := make(chan *socketio.Socket, 1), make(chan struct{})
				w.io.Use(func(_ context.Context, s *socketio.Socket) error {
					running <- s
					<-s.Context().Done()
					if err := s.Join("room"); err != nil {
						t.Error(err)
					}
					close(ended)
					return nil
				})
				w.io.Use(func(context.Context, *socketio.Socket) error { t.Error("the second middleware runs"); return nil })
				w.io.OnConnection(func(*socketio.Socket) { t.Error("the socket has joined") })
				p := w.open(transport)
				p.says(`0`)
				s := within(w, "the middleware", running)
				leave(p)
				within(w, "the end of the middleware", ended)
				want(t, "rooms", len(s.Rooms()), 0)
				want(t, "sockets", len(w.io.Sockets()), 0)
			})
		})
	}
}

// UnmarshalJSON and MarshalJSON replace encoding/json.
func TestOtherJSON(t *testing.T) {
	opts := &socketio.Options{
		Codec: socketio.JSON(func(v any) ([]byte, error) { return json.Marshal(map[string]any{"wrapped": v}) }, func(b []byte, v any) error { return json.Unmarshal([]byte(`{"X":42}`), v) }),
	}
	memory(t, opts, func(w *world) {
		type point struct{ X int }
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("q", func(p point) (point, string) { return p, "plain" })
		})
		p := w.join(websocket)
		p.says(`20["q",{"X":1}]`)
		p.hears(`30[{"wrapped":{"X":42}},"plain"]`)
	})
}

func TestConnectedAfterTheMiddleware(t *testing.T) {
	t.Run("trap 41", func(t *testing.T) {
		t.Run("connected", func(t *testing.T) {
			overBoth(t, nil, func(w *world, transport string) {
				states := newList()
				w.io.Use(func(_ context.Context, s *socketio.Socket) error { states.add(fmt.Sprint(s.Connected())); return nil })
				w.io.Use(func(_ context.Context, s *socketio.Socket) error { states.add(fmt.Sprint(s.Connected())); return nil })
				w.io.OnConnection(func(s *socketio.Socket) { states.add(fmt.Sprint(s.Connected())) })
				w.join(transport)
				want(t, "in two middlewares and the handler", strings.Join(states.await(w, 3), " "), "false false true")
			})
		})
		t.Run("the client goes meanwhile", func(t *testing.T) {
			overBoth(t, nil, func(w *world, transport string) {
				sockets, ended := make(chan *socketio.Socket, 1), make(chan struct{})
				w.io.Use(func(_ context.Context, s *socketio.Socket) error {
					sockets <- s
					<-s.Context().Done()
					close(ended)
					return nil // too late
				})
				w.io.OnConnection(func(*socketio.Socket) { t.Error("the socket has joined") })
				p := w.open(transport)
				p.says(`0`)
				s := within(w, "the middleware", sockets)
				p.goes()
				within(w, "its end", ended)
				want(t, "connected", s.Connected(), false)
				want(t, "sockets", len(w.io.Sockets()), 0)
			})
		})
		t.Run("data of the error", func(t *testing.T) {
			overBoth(t, nil, func(w *world, transport string) {
				w.io.Use(func(context.Context, *socketio.Socket) error {
					return &socketio.ConnectError{Message: "no", Data: map[string]any{"code": 7}}
				})
				p := w.open(transport)
				p.says(`0`)
				p.hears(`4{"message":"no","data":{"code":7}}`)
			})
		})
	})
}

func TestDisconnectInAMiddlewareDoesNothing(t *testing.T) {
	t.Run("quirk 23", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			w.io.Use(func(_ context.Context, s *socketio.Socket) error {
				s.Disconnect()
				s.CloseConn()
				return nil
			})
			p := w.join(transport)
			p.isOpen()
			want(t, "sockets", len(w.io.Sockets()), 1)
		})
	})
}

func TestEmitsOfAMiddlewarePrecedeConnect(t *testing.T) {
	t.Run("quirk 24", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			w.io.Use(func(_ context.Context, s *socketio.Socket) error { return s.Emit("session", 1, []byte{2}) })
			p := w.open(transport)
			p.says(`0`)
			p.hears(`51-["session",1,{"_placeholder":true,"num":0}]`, []byte{2}, `0{"sid":"*"}`)
		})
	})
}

// A slow middleware accepts when it has finished, with the data that it has found;
// middlewares of another namespace do not run.
func TestOfficialLengthyMiddleware(t *testing.T) {
	overEach(t, func(w *world, transport siotest.Transport) {
		name := socketio.NewDataKey[string]("name")
		w.io.Use(func(context.Context, *socketio.Socket) error {
			t.Error("the main namespace is not asked for")
			return nil
		})
		chat, order := w.io.Of("/chat"), newList()
		for _, step := range []string{"1", "2", "3"} {
			chat.Use(func(_ context.Context, s *socketio.Socket) error {
				order.add(step)
				<-time.After(100 * time.Millisecond)
				before, _ := name.Get(s)
				name.Set(s, before+step)
				return nil
			})
		}
		chat.OnConnection(func(s *socketio.Socket) {
			found, _ := name.Get(s)
			order.add("connection with " + found)
			s.On("name", func() string { return found })
		})
		start := time.Now()
		c := w.kit.ConnectWith(&siotest.ClientOptions{Transport: transport, Namespace: "/chat"})
		want(t, "the wait", time.Since(start), 300*time.Millisecond)
		c.Ask("name").Want("123")
		want(t, "the order", strings.Join(order.all(), ", "), "1, 2, 3, connection with 123")
	})
}

// python-socketio before its pre_connect state sent broadcasts to sockets whose
// connect handler had not accepted them yet.
func TestNoBroadcastBeforeTheMiddleware(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		waiting, decide := make(chan *socketio.Socket), make(chan error)
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			if err := s.Join("room"); err != nil {
				return err
			}
			waiting <- s
			return <-decide
		})
		for _, accepted := range []bool{true, false} {
			p := w.open(transport)
			p.says(`0`)
			s := within(w, "the middleware", waiting)
			for way, err := range map[string]error{
				"to all":         w.io.Emit("early", "all"),
				"to the room":    w.io.To("room").Emit("early", "room"),
				"to its own":     w.io.To(s.ID()).Emit("early", "own"),
				"but for others": w.io.Except("nobody").Emit("early", "except"),
				"volatile":       w.io.Volatile().Emit("early", "volatile"),
			} {
				if err != nil {
					t.Errorf("a broadcast %s: %v", way, err)
				}
			}
			want(t, "sockets that are there", len(w.io.Sockets()), 0)
			if !accepted {
				decide <- &socketio.ConnectError{Message: "no"}
				p.hears(`4{"message":"no"}`)
				_ = w.io.To("room").Emit("late")
				p.isOpen() // and nothing comes before the answer
				continue
			}
			decide <- nil
			p.hears(`0{"sid":"*"}`) // the first packet: nothing was kept for it
			_ = w.io.To("room").Emit("late")
			p.hears(`2["late"]`)
			s.CloseConn()
		}
	})
}
