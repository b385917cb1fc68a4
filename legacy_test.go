// SPDX-License-Identifier: MIT

// This file holds the tests of clients of Socket.IO 1 and 2.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/internal/rawclient"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// An oldPeer is a client of revision 4. It reads when a test wants to hear
// something, and asks for bytes as base64.
type oldPeer struct {
	w       *world
	session *rawclient.Session
	socket  *wstest.Client // nil on polling
	sid     string
}

// serverOld is server in Engine.IO 3. It asks for bytes as base64.
func (w *world) serverOld(query string) *rawclient.Server {
	s := w.server("&b64=1"+query, nil)
	s.Revision = 3
	return s
}

// openOld opens an Engine.IO 3 session. more is added to its query.
func (w *world) openOld(transport, more string) *oldPeer {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), w.patient)
	defer cancel()
	open := w.serverOld(more).Polling
	if transport == websocket {
		open = w.serverOld(more).Open
	}
	session, err := open(ctx)
	if err != nil {
		w.Fatalf("no session: %v", err)
	}
	if session.Unread() > 0 {
		more, err := session.Read(ctx)
		w.Fatalf("a session opens with an open packet alone, not %q %+v %v", session.First, more, err)
	}
	w.Cleanup(session.Close)
	return &oldPeer{w, session, session.Socket(), session.Opened.SID}
}

// joinOld opens a session and hears that it has joined "/".
func (w *world) joinOld(transport string) *oldPeer {
	w.Helper()
	p := w.openOld(transport, "")
	p.hears(`0`)
	return p
}

func (p *oldPeer) next() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), p.w.patient)
	defer cancel()
	got, err := p.session.Read(ctx)
	if err == nil && got.Binary != nil {
		err = fmt.Errorf("the server sent %d bytes in a binary frame", len(got.Binary))
	}
	return got.Text, err
}

// says sends Socket.IO packets: strings, and the []byte of attachments.
func (p *oldPeer) says(packets ...any) {
	p.w.Helper()
	wire := make([]string, len(packets))
	for i, packet := range packets {
		wire[i] = fmt.Sprintf("4%s", packet)
		if b, ok := packet.([]byte); ok {
			wire[i] = rawclient.Binary3(b)
		}
	}
	if err := p.session.Write(context.Background(), rawclient.Text(wire...)...); err != nil {
		p.w.Fatalf("the client could not say %.200q: %v", packets, err)
	}
}

// hears expects packets, in this order; * in a string stands for anything.
func (p *oldPeer) hears(packets ...any) {
	p.w.Helper()
	for _, expected := range packets {
		got, err := p.next()
		if err != nil {
			p.w.Fatalf("the client should hear %.200q, but %v", expected, err)
		}
		want := fmt.Sprintf("4%s", expected)
		if b, ok := expected.([]byte); ok {
			want = rawclient.Binary3(b)
		}
		if !matches(want, got) {
			p.w.Fatalf("the client should hear %.200s, but hears %.200s", want, got)
		}
	}
}

// isClosed expects the end of the connection, with a close code on WebSocket.
func (p *oldPeer) isClosed(code uint16) {
	p.w.Helper()
	for {
		got, err := p.next()
		if err == nil && (p.socket != nil || got != "1") {
			continue
		}
		var ce *ws.CloseError
		if p.socket != nil && (!errors.As(err, &ce) || ce.Code != code) {
			p.w.Fatalf("the WebSocket should close with %d, but ends with %v", code, err)
		}
		return
	}
}

func (p *oldPeer) isOpen() {
	p.w.Helper()
	p.says("0/nowhere,")
	p.hears(`4/nowhere,{"message":"Invalid namespace"}`)
}

// overOld runs a test over each transport against the server of the protocol
// suite, with clients of revision 4 let in.
func overOld(t *testing.T, setup func(io *socketio.Server), test func(w *world, transport string)) {
	t.Helper()
	overBoth(t, &socketio.Options{AllowEIO3: true, Limits: socketio.SocketLimits{ConnectTimeout: 10 * time.Second}}, func(w *world, transport string) {
		setup(w.io)
		test(w, transport)
	})
}

// Trap 50: a client joins "/" without asking, and the id of its socket is its
// session id.
func TestOldClientJoinsMain(t *testing.T) {
	ids := make(chan string, 1)
	setup := func(io *socketio.Server) {
		io.OnConnection(func(s *socketio.Socket) { ids <- s.ID() })
		echo(io)
	}
	overOld(t, setup, func(w *world, transport string) {
		p := w.openOld(transport, "&who=me")
		p.hears(`0`, `2["auth",{}]`)
		want(t, "the id of the socket", within(w, "the connection", ids), p.sid)
		s := w.io.Sockets()[0]
		want(t, "the query of the handshake", s.Handshake().Query().Get("who"), "me")
		want(t, "the revision of Engine.IO", s.Handshake().Revision, 3)
		want(t, "the auth", string(s.Handshake().Auth), `{}`)
		if err := w.io.To(p.sid).Emit("hello"); err != nil {
			t.Error(err)
		}
		p.hears(`2["hello"]`)
	})
}

// Trap 50: auth is the query of the namespace.
func TestOldClientJoinsNamespace(t *testing.T) {
	overOld(t, echo, func(w *world, transport string) {
		p := w.joinOld(transport)
		p.hears(`2["auth",{}]`)
		for query, auth := range map[string]string{
			"":                   `{}`,
			"?":                  `{}`,
			"?&&":                `{}`,
			"?token=1&x=y":       `{"token":"1","x":"y"}`,
			"?z=1&a=2":           `{"z":"1","a":"2"}`,
			"?a=1&b=&a=2&c&a":    `{"a":["1","2",""],"b":"","c":""}`,
			"?a=b=c&%C3%A9=%22+": `{"a":"b=c","é":"\" "}`,
			"?a=%2C%zz&b=%ff":    `{"a":"%2C%zz","b":"�"}`,
			"?a=1?b=2":           `{"a":"1?b=2"}`,
			"?__proto__=1":       `{"__proto__":"1"}`,
		} {
			p.says(`0/custom` + query + `,`)
			p.hears(`0/custom,`, `2/custom,["auth",`+auth+`]`)
			want(t, "the id of the socket", w.io.Of("/custom").Sockets()[0].ID(), "/custom#"+p.sid)
			p.says(`1/custom,`)
		}
		p.says(`0/custom?token=1`) // without a comma
		p.hears(`0/custom,`, `2/custom,["auth",{"token":"1"}]`)
		p.says(`2/custom?token=1,["message","the query of other packets is not looked at"]`)
		p.hears(`2/custom,["message-back","the query of other packets is not looked at"]`)
	})
}

func TestOldClientLongQuery(t *testing.T) {
	overOld(t, echo, func(w *world, transport string) {
		p := w.joinOld(transport)
		p.hears(`2["auth",{}]`)
		token := strings.Repeat("x", 8000)
		p.says(`0/custom?token=` + token + `,`)
		p.hears(`0/custom,`, `2/custom,["auth",{"token":"`+token+`"}]`)
		p.says(`0/custom?token=` + token + token + `,`)
		p.isClosed(1002)
	})
}

func TestOldClientIsRefused(t *testing.T) {
	setup := func(io *socketio.Server) {
		echo(io)
		io.Use(func(_ context.Context, s *socketio.Socket) error {
			switch s.Handshake().Query().Get("try") {
			case "text":
				return errors.New(`no "way"`)
			case "data":
				return &socketio.ConnectError{Message: "no", Data: map[string]int{"a": 1}}
			}
			return nil
		})
		io.Of("/deny").Use(func(context.Context, *socketio.Socket) error { return &socketio.ConnectError{Message: "no"} })
		io.Of("/broken").Use(func(context.Context, *socketio.Socket) error {
			return &socketio.ConnectError{Message: "no", Data: func() {}}
		})
	}
	overOld(t, setup, func(w *world, transport string) {
		p := w.joinOld(transport)
		p.hears(`2["auth",{}]`)
		p.says(`0/deny,`)
		p.hears(`4/deny,"no"`)
		p.says(`0/broken,`)
		p.hears(`4/broken,"no"`)
		p.says(`0/none?a=b,`)
		p.hears(`4/none,{"message":"Invalid namespace"}`)
		p = w.openOld(transport, "&try=data")
		p.hears(`4{"a":1}`)
		p = w.openOld(transport, "&try=text")
		p.hears(`4"no \"way\""`)
		p.says(`0/custom,`) // the connection goes on
		p.hears(`0/custom,`, `2/custom,["auth",{}]`)
	})
}

// There is no time by which a namespace must be joined.
func TestOldClientHasNoConnectTimeout(t *testing.T) {
	opts := &socketio.Options{AllowEIO3: true, Limits: socketio.SocketLimits{ConnectTimeout: time.Second, AttachmentTimeout: time.Second}}
	for _, transport := range []string{polling, websocket} {
		memory(t, opts, func(w *world) {
			w.io.Use(func(context.Context, *socketio.Socket) error { return errors.New("no") })
			p := w.openOld(transport, "")
			p.hears(`4"no"`)
			<-time.After(10 * time.Second)
			p.isOpen()
			p = w.openOld(transport, "")
			p.hears(`4"no"`)
			p.says(`51-["x",{"_placeholder":true,"num":0}]`) // for a namespace it is not in
			p.isClosed(1002)
		})
	}
}

func TestOldClientEvents(t *testing.T) {
	overOld(t, echo, func(w *world, transport string) {
		p := w.joinOld(transport)
		p.hears(`2["auth",{}]`)
		p.says(`2["message",1,"2",{"3":["é€𝄞"]}]`)
		p.hears(`2["message-back",1,"2",{"3":["é€𝄞"]}]`)
		p.says(`2456["message-with-ack",1,"2",{"3":[false]}]`)
		p.hears(`3456[1,"2",{"3":[false]}]`)
		p.says(`52-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, []byte{1, 2, 3}, []byte{4})
		p.hears(`52-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, []byte{1, 2, 3}, []byte{4})
		p.says(`51-789["message-with-ack",{"_placeholder":true,"num":0}]`, []byte{1, 2, 3})
		p.hears(`61-789[{"_placeholder":true,"num":0}]`, []byte{1, 2, 3})
	})
}

func TestOldClientLeaves(t *testing.T) {
	overOld(t, echo, func(w *world, transport string) {
		p := w.joinOld(transport)
		p.hears(`2["auth",{}]`)
		p.says(`0/custom,`)
		p.hears(`0/custom,`, `2/custom,["auth",{}]`)
		p.says(`1`)
		p.says(`2/custom,["message","still here"]`)
		p.hears(`2/custom,["message-back","still here"]`)
		p.says(`0`) // nobody asks for "/", but who has left may
		p.hears(`0`, `2["auth",{}]`)
		p.says(`1`)
		p.says(`2["message","too late"]`)
		p.isClosed(1002)
	})
}

func TestOldClientJoinsTwice(t *testing.T) {
	for _, packet := range []string{`0`, `0?a=b`, `0/`} {
		overOld(t, echo, func(w *world, transport string) {
			p := w.joinOld(transport)
			p.hears(`2["auth",{}]`)
			p.says(packet)
			p.isClosed(1002)
		})
	}
}

// A client that joins again gets the same id, so its previous socket must have ended
// first.
func TestOldClientJoinsAgain(t *testing.T) {
	type events struct {
		seen    *list
		leave   chan struct{}
		entered chan struct{}
	}
	overBoth(t, &socketio.Options{AllowEIO3: true}, func(w *world, transport string) {
		e := events{newList(), make(chan struct{}), make(chan struct{}, 1)}
		room := w.io.Of("/room")
		room.OnConnection(func(s *socketio.Socket) {
			e.seen.add("in " + string(s.Handshake().Auth))
			s.OnDisconnect(func(socketio.DisconnectReason) {
				e.entered <- struct{}{}
				<-e.leave
				e.seen.add("out " + string(s.Handshake().Auth))
			})
		})
		p := w.joinOld(transport)
		p.says(`0/room?n=1,`)
		p.hears(`0/room,`)
		p.says(`1/room,`)
		within(w, "leaving", e.entered)
		p.says(`0/room?n=2,`, `1/room,`) // comes and goes while the first is still here
		p.says(`0/room?n=3,`)
		p.isOpen() // other namespaces do not wait
		want(t, "who has come", strings.Join(e.seen.all(), ", "), `in {"n":"1"}`)
		e.leave <- struct{}{}
		p.hears(`0/room,`)
		want(t, "who has come and gone", strings.Join(e.seen.await(w, 3), ", "), `in {"n":"1"}, out {"n":"1"}, in {"n":"3"}`)
		if err := room.To("/room#" + p.sid).Emit("hello"); err != nil {
			t.Error(err)
		}
		p.hears(`2/room,["hello"]`)
		want(t, "how many there are", len(room.Sockets()), 1)
		close(e.leave)
	})
}

// The packets that a connection handler sends at once reach the client, including its
// close.
func TestOldClientIsSentAway(t *testing.T) {
	setup := func(io *socketio.Server) {
		io.OnConnection(func(s *socketio.Socket) {
			_ = s.Emit("bye", []byte{1})
			s.CloseConn()
		})
	}
	overOld(t, setup, func(w *world, transport string) {
		p := w.openOld(transport, "")
		p.hears(`0`, `51-["bye",{"_placeholder":true,"num":0}]`, []byte{1}, `1`)
		p.isClosed(1000)
	})
}

// A slow middleware of "/" delays no other client.
func TestOldClientWaitsForMain(t *testing.T) {
	gate := make(chan struct{})
	setup := func(io *socketio.Server) {
		gate = make(chan struct{})
		io.Use(func(context.Context, *socketio.Socket) error { <-gate; return nil })
		echo(io)
	}
	overOld(t, setup, func(w *world, transport string) {
		p := w.openOld(transport, "")
		p.says(`0/custom,`)
		p.hears(`0/custom,`, `2/custom,["auth",{}]`)
		close(gate)
		p.hears(`0`, `2["auth",{}]`)
	})
}

// Clients of all revisions share rooms.
func TestOldAndNewClients(t *testing.T) {
	overOld(t, func(*socketio.Server) {}, func(w *world, transport string) {
		old, young := w.joinOld(transport), w.join(transport)
		if err := w.io.Emit("news", "é", []byte{1, 2}); err != nil {
			t.Fatal(err)
		}
		old.hears(`51-["news","é",{"_placeholder":true,"num":0}]`, []byte{1, 2})
		young.hears(`51-["news","é",{"_placeholder":true,"num":0}]`, []byte{1, 2})
		young.says(`0/nowhere?a=b,`) // only revision 4 has queries
		young.hears(`4/nowhere?a=b,{"message":"Invalid namespace"}`)
	})
}

func TestOldClientIsNotLetIn(t *testing.T) {
	memory(t, nil, func(w *world) {
		_, err := w.serverOld("").Polling(w.Context())
		if err == nil || err.Error() != `status 400 {"code":5,"message":"Unsupported protocol version"}` {
			t.Errorf("the answer is %v", err)
		}
	})
}

func TestOldClients(t *testing.T) {
	t.Run("trap 50", func(t *testing.T) {
		setup := func(io *socketio.Server) {
			io.OnConnection(func(s *socketio.Socket) { _ = s.Emit("id", s.ID(), s.Handshake().Query().Get("token")) })
			io.Of("/custom").OnConnection(func(s *socketio.Socket) { _ = s.Emit("auth", s.Handshake().Auth) })
		}
		overOld(t, setup, func(w *world, transport string) {
			p := w.openOld(transport, "&token=t")
			p.hears(`0`, `2["id","`+p.sid+`","t"]`) // nobody asked for "/"
			p.says(`0/custom?token=u,`)
			p.hears(`0/custom,`, `2/custom,["auth",{"token":"u"}]`)
		})
	})
}

func TestInvalidNamespaceOfRevision4(t *testing.T) {
	t.Run("quirk 13", func(t *testing.T) {
		setup := func(io *socketio.Server) {
			io.Of("/picky").Use(func(context.Context, *socketio.Socket) error { return errors.New("no") })
		}
		overOld(t, setup, func(w *world, transport string) {
			p := w.joinOld(transport)
			p.says(`0/nowhere,`)
			p.hears(`4/nowhere,{"message":"Invalid namespace"}`)
			p.says(`0/picky,`)
			p.hears(`4/picky,"no"`) // other refusals are text
		})
	})
}
