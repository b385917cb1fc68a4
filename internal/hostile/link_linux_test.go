// SPDX-License-Identifier: MIT

// This file holds link: one connection for Socket.IO packets, whatever the transport, the
// packet format and the revision of Engine.IO.

package hostile

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"

	"socketio/internal/binding"
	"socketio/internal/rawclient"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
	"socketio/parser"
	"socketio/parser/msgpack"
)

// The ways of a link.
const (
	overWebSocket = "WebSocket"
	overPolling   = "polling"
	overMsgpack   = "msgpack" // over WebSocket
	overEIO3      = "EIO=3"   // over WebSocket
)

var errOver = errors.New("the session is over")

// A link belongs to one goroutine.
type link struct {
	way     string
	ws      *wstest.Client // nil over polling
	poll    *session
	codec   parser.Codec
	decoder parser.PacketDecoder
	read    []string // messages of the last poll that are still to be read
}

// link opens a connection; nil if the server is full.
func (a *attacker) link(way string) *link {
	a.t.Helper()
	l := &link{way: way, codec: new(binding.Codec)}
	path, revision := "/socket.io/", "4"
	switch way {
	case overPolling:
		r := a.ask(request("GET", "EIO=4&transport=polling", ""))
		if r.status == http.StatusServiceUnavailable {
			return nil
		}
		sid := sidOf(r.body)
		if sid == "" {
			a.fail("no session: %v, %v", r, r.err)
		}
		a.keep(sid)
		l.poll = &session{a, sid, "EIO=4&transport=polling&sid=" + sid}
		a.mu.Lock()
		a.polls = append(a.polls, l.poll)
		a.mu.Unlock()
	case overMsgpack:
		l.codec, path = new(msgpack.Codec), "/msgpack/"
	case overEIO3:
		revision = "3"
	}
	l.decoder = l.codec.NewDecoder()
	if l.poll != nil {
		return l
	}
	w := a.dial()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, resp, err := wstest.Dial(ctx, func(context.Context) (net.Conn, error) { return w, nil },
		"http://"+a.p.addr+path+"?transport=websocket&EIO="+revision, nil)
	if c == nil {
		if resp != nil && resp.StatusCode == http.StatusServiceUnavailable {
			return nil
		}
		a.fail("no WebSocket: %v %v", resp, err)
	}
	l.ws = c
	_, open, _ := c.ReadMessage()
	sid := sidOf(string(open))
	if sid == "" {
		a.fail("no open packet: %.100q", open)
	}
	if way != overEIO3 { // there it is the id of the socket too
		a.keep(sid)
	}
	return l
}

// packet encodes one packet: a CONNECT, a DISCONNECT or an event.
func (l *link) packet(p parser.Outgoing) string {
	if p.Type != parser.TypeEvent || p.ID == 0 {
		p.ID = parser.NoID
	}
	out, err := l.codec.AppendPacket(nil, p)
	if err != nil {
		panic(err) // a mistake of the test
	}
	if out.Binary {
		return string(out.Data)
	}
	return "4" + string(out.Data)
}

// says sends packets, all at once.
func (l *link) says(packets ...parser.Outgoing) error {
	var texts []string
	for _, p := range packets {
		texts = append(texts, l.packet(p))
	}
	if l.poll != nil {
		if r := l.poll.a.ask(request("POST", l.poll.query, rawclient.Join(texts...))); r.status != http.StatusOK {
			return errOver
		}
		return nil
	}
	op := ws.Text
	if l.way == overMsgpack {
		op = ws.Binary
	}
	var frames []byte
	for _, text := range texts {
		frames = append(frames, wstest.Frame(op, true, []byte(text))...)
	}
	return l.ws.WriteFrame(frames)
}

// hears reads the next packet.
func (l *link) hears() (p parser.Packet, err error) {
	for {
		message := ""
		if l.poll == nil {
			_, data, err := l.ws.ReadMessage()
			if err != nil {
				return p, err
			}
			message = string(data)
		} else {
			if len(l.read) == 0 {
				r := l.poll.get()
				if r.status != http.StatusOK {
					return p, errOver
				}
				l.read = rawclient.Split(r.body)
			}
			message, l.read = l.read[0], l.read[1:]
		}
		text, ok := strings.CutPrefix(message, "4")
		switch {
		case l.way == overMsgpack && len(message) > 1:
			text = message
		case message == "1":
			return p, errOver
		case !ok:
			continue // a ping
		}
		p, whole, err := l.decoder.Add(nil, l.way == overMsgpack, []byte(text))
		if err != nil || whole {
			return p, err
		}
	}
}

// awaits reads until a packet of a type arrives for a namespace. If that is a CONNECT, a
// rejection is an error.
func (l *link) awaits(t parser.Type, namespace string) error {
	for {
		p, err := l.hears()
		if err != nil {
			return err
		}
		if p.Namespace != namespace {
			continue
		}
		if p.Type == t {
			return nil
		}
		if t == parser.TypeConnect && p.Type == parser.TypeConnectError {
			return errors.New("refused: " + string(p.Data))
		}
	}
}

// joins joins namespaces, all at once.
func (l *link) joins(namespaces ...string) error {
	var packets []parser.Outgoing
	missing := make(map[string]bool)
	for _, name := range namespaces {
		if name == "/" && l.way == overEIO3 {
			continue // by itself
		}
		packets = append(packets, parser.Outgoing{Type: parser.TypeConnect, Namespace: name})
		missing[name] = true
	}
	if len(packets) == 0 {
		return nil
	}
	if err := l.says(packets...); err != nil {
		return err
	}
	for len(missing) > 0 {
		p, err := l.hears()
		switch {
		case err != nil:
			return err
		case p.Type == parser.TypeConnectError && missing[p.Namespace]:
			return errors.New("refused: " + string(p.Data))
		case p.Type == parser.TypeConnect:
			delete(missing, p.Namespace)
		}
	}
	return nil
}

// leaves leaves namespaces, all at once.
func (l *link) leaves(namespaces ...string) error {
	var packets []parser.Outgoing
	for _, name := range namespaces {
		packets = append(packets, parser.Outgoing{Type: parser.TypeDisconnect, Namespace: name})
	}
	return l.says(packets...)
}

// isServed waits until the server has read everything sent before. "/" was joined.
func (l *link) isServed() error {
	if err := l.says(parser.Outgoing{Type: parser.TypeEvent, ID: 7, Event: "echo", Args: []any{7}}); err != nil {
		return err
	}
	return l.awaits(parser.TypeAck, "/")
}

// goes ends the connection.
func (l *link) goes() {
	if l.poll != nil {
		l.poll.a.ask(request("POST", l.poll.query, "1"))
		return
	}
	_ = l.ws.Close()
}
