// SPDX-License-Identifier: MIT

// This file holds link: one connection for Socket.IO packets, whatever the transport, the
// packet format and the revision of Engine.IO.

package hostile

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"socketio/internal/binding"
	"socketio/internal/rawclient"
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
	*rawclient.Session
	way     string
	codec   parser.Codec
	decoder parser.PacketDecoder
}

// link opens a connection; nil if the server is full.
func (a *attacker) link(way string) *link {
	a.t.Helper()
	l := &link{way: way, codec: new(binding.Codec)}
	server := a.server()
	open := server.Open
	switch way {
	case overPolling:
		open = server.Polling
	case overMsgpack:
		l.codec, server.URL = new(msgpack.Codec), "http://"+a.p.addr+"/msgpack/"
	case overEIO3:
		server.Revision = 3
	}
	l.decoder = l.codec.NewDecoder()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	var rejected *rawclient.Rejection
	if l.Session, err = open(ctx); errors.As(err, &rejected) && rejected.Status == http.StatusServiceUnavailable {
		return nil
	}
	switch {
	case err != nil:
		a.fail("no session: %v", err)
	case way == overPolling:
		a.polled(l.Session)
	case way != overEIO3: // there it is the id of the socket too
		a.keep(l.Opened.SID)
	}
	return l
}

// packet encodes one packet: a CONNECT, a DISCONNECT or an event.
func (l *link) packet(p parser.Outgoing) rawclient.Packet {
	if p.Type != parser.TypeEvent || p.ID == 0 {
		p.ID = parser.NoID
	}
	out, err := l.codec.AppendPacket(nil, p)
	if err != nil {
		panic(err) // a mistake of the test
	}
	if out.Binary {
		return rawclient.Packet{Binary: out.Data}
	}
	return rawclient.Packet{Text: "4" + string(out.Data)}
}

// says sends packets, all at once.
func (l *link) says(packets ...parser.Outgoing) error {
	var wire []rawclient.Packet
	for _, p := range packets {
		wire = append(wire, l.packet(p))
	}
	return l.Write(context.Background(), wire...)
}

// hears reads the next packet.
func (l *link) hears() (p parser.Packet, err error) {
	for {
		got, err := l.Read(context.Background())
		if err != nil {
			return p, err
		}
		if got.Text == "1" {
			return p, errOver
		}
		message := got.Binary
		if message == nil {
			text, ok := strings.CutPrefix(got.Text, "4")
			if !ok {
				continue // a ping
			}
			message = []byte(text)
		}
		p, whole, err := l.decoder.Add(nil, got.Binary != nil, message)
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

// takesReserve sends a large message and goes: what a server takes once for all large
// messages, and keeps for a minute, is not counted as kept for the next ones.
func (a *attacker) takesReserve(way string) {
	a.each(1, func(int) {
		l := a.link(way)
		if err := l.joins("/"); err != nil {
			a.fail("joining: %v", err)
		}
		_ = l.says(event("/", "x", 40_000)) // isServed tells
		if err := l.isServed(); err != nil {
			a.fail("a client with a large message: %v", err)
		}
		l.goes()
	})
}

// goes ends the connection.
func (l *link) goes() {
	if l.Socket() == nil {
		_ = l.Write(context.Background(), rawclient.Text("1")...) // it may be over
	}
	l.Close()
}
