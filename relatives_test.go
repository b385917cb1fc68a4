// SPDX-License-Identifier: MIT

// This file holds what went wrong in other implementations of Socket.IO, after
// their advisories and changelogs; see SECURITY-REGRESSIONS.md.

package socketio_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"socketio"
	"socketio/parser"
	"socketio/parser/msgpack"
)

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

// engineioxide before 0.17.9 took every path that begins with its own. Here the
// pattern of the mux decides, in the form that the documentation shows.
func TestPathsThatOnlyBeginAlike(t *testing.T) {
	s := newServer(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", s)
	for _, path := range []string{"/socket.io-admin", "/socket.io-admin/", "/socket.iox/", "/socket.io.js", "/engine.io-admin/", "/Socket.IO/", "/a/socket.io/"} {
		for _, method := range []string{"GET", "POST"} {
			want(t, method+" "+path, fetch(mux, method, path+"?EIO=4&transport=polling").StatusCode, 404)
		}
	}
	want(t, "its own path", fetch(mux, "GET", "/socket.io/?EIO=4&transport=polling").StatusCode, 200)
	want(t, "sessions", s.Engine().Count(), 1)
}

// socketioxide before 0.18.9 went on after a text between attachments, and after a
// second CONNECT.
func TestOutOfTurnOnEveryWay(t *testing.T) {
	event := `52-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`
	for name, packets := range map[string][]any{
		"text between attachments":           {event, []byte{1}, `2["x"]`, []byte{2}},
		"a CONNECT between attachments":      {event, []byte{1}, `0/custom,`, []byte{2}},
		"a disconnect between attachments":   {event, []byte{1}, `1`, []byte{2}},
		"an ack between attachments":         {event, []byte{1}, `30[]`, []byte{2}},
		"a binary event between attachments": {event, []byte{1}, event, []byte{1}, []byte{2}},
		"a second CONNECT":                   {`0`},
		"a second CONNECT with a token":      {`0{"token":"x"}`},
		"a second CONNECT of a namespace":    {`0/custom,`, `0/custom,`},
	} {
		t.Run(name, func(t *testing.T) { violates(t, packets...) })
	}
}

// GHSA-7xpx-rcqc-8qjh, GHSA-c6g7-r2mf-pf5g and the ext types of socketioxide's
// parser: MessagePack that ends early, promises more than there is, or nests
// without end. Each closes the connection that sent it and harms no other.
func TestMsgpackThatLies(t *testing.T) {
	const event = "\x83\xa4type\x02\xa3nsp\xa1/\xa4data"
	for name, data := range map[string]string{
		"an array longer than the message":    event + "\xdd\xff\xff\xff\xff",
		"a map longer than the message":       event + "\xdf\xff\xff\xff\xff",
		"a string longer than the message":    event + "\x92\xa1e\xdb\xff\xff\xff\xff",
		"bytes longer than the message":       event + "\x92\xa1e\xc6\xff\xff\xff\xff",
		"an extension longer than it":         event + "\x92\xa1e\xc9\xff\xff\xff\xff\x01",
		"a map of the envelope that is short": "\xdf\xff\xff\xff\xff\xa4type\x02",
		"the key id without a value":          "\x84\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa1e\xa2id",
		"the key data without a value":        event,
		"the key type without a value":        "\x81\xa4type",
		"ext 8 without its type":              event + "\x92\xa1e\xc7\x01",
		"ext 16 without its type":             event + "\x92\xa1e\xc8\x00\x01",
		"ext 32 without its type":             event + "\x92\xa1e\xc9\x00\x00\x00\x01",
		"ext 8 of nothing without its type":   event + "\x92\xa1e\xc7\x00",
		"fixext 1 without its type":           event + "\x92\xa1e\xd4",
		"fixext 16 without its data":          event + "\x92\xa1e\xd8\x01",
		"arrays 100,000 deep":                 event + "\x92\xa1e" + strings.Repeat("\x91", 100_000) + "\xc0",
		"maps 100,000 deep":                   event + "\x92\xa1e" + strings.Repeat("\x81\xa1a", 100_000) + "\xc0",
		"arrays 100,000 deep outside data":    "\x84\xa4type\x02\xa3nsp\xa1/\xa1x" + strings.Repeat("\x91", 100_000) + "\xc0\xa4data\x91\xa1e",
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, &socketio.Options{Codec: new(msgpack.Codec)}, func(w *world, transport string) {
				echo(w.io)
				bystander, p := w.open(websocket), w.open(transport)
				packJoins(bystander, "/")
				unpack(bystander) // "auth"
				packJoins(p, "/")
				_ = p.tries([]byte(data))
				p.isClosed(1002)
				bystander.says(pack(parser.TypeEvent, "/", parser.NoID, "message", "still here"))
				if got, back := unpack(bystander); got.Type != parser.TypeEvent {
					t.Errorf("another client hears %v %v, want the echo", got, back)
				}
			})
		})
	}
}

// python-socketio let a client into the room that another socket has of its own:
// a room whose name a client chooses may be the id of another.
func TestRoomOfAnotherSocket(t *testing.T) {
	for _, reserved := range []bool{false, true} {
		overBoth(t, &socketio.Options{ReserveSocketIDs: reserved}, func(w *world, transport string) {
			w.io.OnConnection(func(s *socketio.Socket) {
				s.On("join", func(room string) string {
					if err := s.Join("fine", room); err != nil {
						return err.Error()
					}
					return "joined"
				})
				s.On("join all", func(room string) string {
					if err := w.io.SocketsJoin(room); err != nil {
						return err.Error()
					}
					return "joined"
				})
			})
			victim, p := w.open(websocket), w.open(transport)
			id, own := victim.joins("/"), p.joins("/")
			if !reserved {
				p.says(`20["join","` + id + `"]`)
				p.hears(`30["joined"]`)
				_ = w.io.To(id).Emit("secret")
				p.hears(`2["secret"]`) // as the comment of Join warns
				return
			}
			const refused = `["socketio: room named by the id of another socket"]`
			p.says(`20["join","` + id + `"]`)
			p.hears(`30` + refused)
			p.says(`21["join all","` + id + `"]`)
			p.hears(`31` + refused)
			p.says(`22["join","` + own + `"]`)
			p.hears(`32["joined"]`)
			p.says(`23["join","chat:` + id + `"]`)
			p.hears(`33["joined"]`)
			_ = w.io.To(id).Emit("secret")
			victim.hears(`2["secret"]`)
			p.isOpen() // and heard nothing of it
			s, _ := w.io.Socket(own)
			if slices.Contains(s.Rooms(), id) || !slices.Contains(s.Rooms(), "chat:"+id) {
				t.Errorf("it is in the rooms %q", s.Rooms())
			}
		})
	}
}
