// SPDX-License-Identifier: MIT

// This file holds peer: a client of the dialogues, which sends and expects packets of
// Socket.IO as they are on the wire, over either transport. It stands on
// internal/rawclient.

package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"socketio/internal/rawclient"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// A packet is a Socket.IO packet, or one of its attachments, without the framing of
// Engine.IO.
type packet struct {
	text   string
	binary []byte
}

func (p packet) String() string {
	if p.binary != nil {
		return fmt.Sprintf("%d bytes % .32x", len(p.binary), p.binary)
	}
	if len(p.text) > 200 {
		return p.text[:200] + "..."
	}
	return p.text
}

// A peer is a client in a dialogue. A goroutine of its own reads and answers pings.
type peer struct {
	w       *world
	server  *rawclient.Server
	session *rawclient.Session
	inbox   chan packet
	ended   chan struct{}
	ctx     context.Context
	cancel  context.CancelFunc
	mute    atomic.Bool // pings are not answered

	// Set before ended is closed.
	end     error // why reading ended
	goodbye bool  // the server sent an Engine.IO close packet
	noops   atomic.Int32

	opening string // the data of the open packet
	sid     string
	socket  *wstest.Client // nil on polling
	pause   chan struct{}  // closed to end polling for an upgrade; nil on WebSocket
	polls   chan struct{}  // closed when the reading goroutine has ended
}

// opens opens a session.
func (p *peer) opens(transport string) {
	p.w.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, p.w.patient)
	defer cancel()
	open := p.server.Polling
	if transport == websocket {
		open = p.server.Open
	}
	session, err := open(ctx)
	if err != nil {
		p.w.Fatalf("no session: %v", err)
	}
	p.session, p.socket = session, session.Socket()
	p.opening, p.sid = session.First[1:], session.Opened.SID
	if p.socket == nil {
		p.polling()
	} else {
		p.reading()
	}
}

// polling begins to poll, or does so again after pause was closed.
func (p *peer) polling() {
	p.pause = make(chan struct{})
	p.reading()
}

// reading starts the goroutine that reads.
func (p *peer) reading() {
	p.polls = make(chan struct{})
	go func() {
		defer close(p.polls)
		if p.read() {
			close(p.ended)
		}
	}()
}

// read reads until the session ends, or pause is closed before a poll. It reports whether
// the session has ended.
func (p *peer) read() bool {
	for {
		if p.session.Unread() == 0 {
			select {
			case <-p.pause:
				return false
			default:
			}
		}
		got, err := p.session.Read(p.ctx)
		switch {
		case err != nil:
			p.end = err
			p.session.Close() // the server waits for that, but not for long
			return true
		case got.Binary != nil:
			p.inbox <- packet{binary: got.Binary}
		case !p.take(got.Text):
			if p.end == nil {
				p.end = io.EOF
			}
			return true
		}
	}
}

// take takes a text packet of Engine.IO. It reports whether more will come.
func (p *peer) take(text string) bool {
	switch {
	case text == "1":
		p.goodbye = true
		return false
	case text == "2":
		if !p.mute.Load() {
			go func() { _ = p.write("3") }() // the end is seen by the reader
		}
	case strings.HasPrefix(text, "4"):
		p.inbox <- packet{text: text[1:]}
	case text == "6":
		p.noops.Add(1)
	default:
		p.end = fmt.Errorf("the server sent %q", text)
		return false
	}
	return true
}

// request sends an HTTP request. A failure has status 0.
func (p *peer) request(method, query, body string) (status int, answer string) {
	var headers []string
	if method == http.MethodPost {
		headers = []string{"Content-Type", "text/plain;charset=UTF-8"}
	}
	got := p.server.Request(p.ctx, method, strings.TrimPrefix(query, "?"), strings.NewReader(body), headers...)
	if got.Err != nil {
		return 0, got.Err.Error()
	}
	return got.Status, got.Body
}

// write sends Engine.IO packets of text: on polling in one POST.
func (p *peer) write(packets ...string) error {
	return p.session.Write(p.ctx, rawclient.Text(packets...)...)
}

// says sends Socket.IO packets, on polling in one payload. A packet is a string,
// or the []byte of an attachment.
func (p *peer) says(packets ...any) {
	p.w.Helper()
	if err := p.tries(packets...); err != nil {
		p.w.Fatalf("the client could not say %.200q: %v", packets, err)
	}
}

// tries is says, where the server may have closed already.
func (p *peer) tries(packets ...any) error {
	wire := make([]rawclient.Packet, len(packets))
	for i, packet := range packets {
		switch packet := packet.(type) {
		case string:
			wire[i].Text = "4" + packet
		case []byte:
			wire[i].Binary = packet
		}
	}
	return p.session.Write(p.ctx, wire...)
}

// upgrades moves a peer from polling to WebSocket as other clients do: it probes, waits for
// the parked poll, then switches.
func (p *peer) upgrades() {
	p.w.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, p.w.patient)
	defer cancel()
	if err := p.session.Connect(ctx); err != nil {
		p.w.Fatalf("no WebSocket: %v", err)
	}
	if err := p.session.Probe(ctx); err != nil {
		p.w.Fatal(err)
	}
	close(p.pause)
	<-p.polls // packets on polling come first
	if err := p.session.Switch(); err != nil {
		p.w.Fatal(err)
	}
	p.socket, p.pause = p.session.Socket(), nil
	p.reading()
}

// next returns the next packet.
func (p *peer) next() (packet, error) {
	select { // packets that have arrived come before the end
	case got := <-p.inbox:
		return got, nil
	default:
	}
	select {
	case got := <-p.inbox:
		return got, nil
	case <-p.ended:
		select {
		case got := <-p.inbox:
			return got, nil
		default:
		}
		return packet{}, fmt.Errorf("the connection has ended: %w", p.end)
	case <-time.After(p.w.patient):
		return packet{}, errors.New("nothing came")
	}
}

// hears expects packets in this order. A packet is a string, in which * matches any text,
// or the []byte of an attachment.
func (p *peer) hears(packets ...any) {
	p.w.Helper()
	for _, expected := range packets {
		got, err := p.next()
		if err != nil {
			p.w.Fatalf("the client should hear %.200q, but %v", expected, err)
		}
		switch expected := expected.(type) {
		case string:
			if got.binary != nil || !matches(expected, got.text) {
				p.w.Fatalf("the client should hear %.200s, but hears %v", expected, got)
			}
		case []byte:
			if got.binary == nil || string(got.binary) != string(expected) {
				p.w.Fatalf("the client should hear % .32x, but hears %v", expected, got)
			}
		}
	}
}

func matches(pattern, s string) bool {
	if !strings.Contains(pattern, "*") {
		return pattern == s
	}
	return regexp.MustCompile("(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$").MatchString(s)
}

// hearsNothing expects that nothing more comes. It needs virtual time.
func (p *peer) hearsNothing() {
	p.w.Helper()
	p.w.settle()
	select {
	case got := <-p.inbox:
		p.w.Fatalf("the client should hear nothing, but hears %v", got)
	default:
	}
}

// prefix returns the form of a namespace in a packet.
func prefix(namespace string) string {
	if namespace == "/" {
		return ""
	}
	return namespace + ","
}

// joins joins a namespace and returns the id of the socket.
func (p *peer) joins(namespace string, auth ...string) (id string) {
	p.w.Helper()
	p.says("0" + prefix(namespace) + strings.Join(auth, ""))
	got, err := p.next()
	if err != nil {
		p.w.Fatalf("the client should join %s, but %v", namespace, err)
	}
	data, ok := strings.CutPrefix(got.text, "0"+prefix(namespace))
	var reply struct{ SID string }
	if !ok || json.Unmarshal([]byte(data), &reply) != nil || reply.SID == "" {
		p.w.Fatalf("the client should join %s, but hears %v", namespace, got)
	}
	if reply.SID == p.sid {
		p.w.Fatal("the public id of a socket is the secret session id")
	}
	return reply.SID
}

// isClosed expects the end of the connection: on WebSocket with a close code, on polling
// in any way. Earlier packets are dropped.
func (p *peer) isClosed(code uint16) {
	p.w.Helper()
	timeout := time.After(p.w.patient)
	for {
		select {
		case <-p.inbox:
		case <-p.ended:
			if p.socket == nil {
				return
			}
			var ce *ws.CloseError
			if !errors.As(p.end, &ce) {
				p.w.Fatalf("the WebSocket should close with %d, but ends with %v", code, p.end)
			}
			if ce.Code != code {
				p.w.Fatalf("the WebSocket should close with %d, but closes with %d %q", code, ce.Code, ce.Reason)
			}
			return
		case <-timeout:
			p.w.Fatalf("the connection should close with %d, but stays open", code)
		}
	}
}

// isOpen expects that the connection is open: a namespace answers.
func (p *peer) isOpen() {
	p.w.Helper()
	p.says("0/nowhere,")
	p.hears(`4/nowhere,{"message":"Invalid namespace"}`)
}

// goes closes the network connection without a packet; on polling, where there is none,
// it sends a close packet.
func (p *peer) goes() {
	if p.socket != nil {
		_ = p.socket.Close()
	} else {
		_ = p.write("1")
	}
	<-p.ended
}

// leave ends the peer with its test.
func (p *peer) leave() {
	p.cancel()
	p.session.Close()
	<-p.polls
}
