// SPDX-License-Identifier: MIT

// This file holds peer: a raw Socket.IO client that says and hears packets as
// they are on the wire, over either transport.

package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"socketio/internal/rawclient"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// A packet is a Socket.IO packet, or one attachment of it, without what Engine.IO
// puts around it.
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

// A peer is a client that takes part in a dialogue. One goroutine of its own reads
// and answers pings.
type peer struct {
	w      *world
	header http.Header
	inbox  chan packet
	ended  chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
	mute   atomic.Bool // pings are not answered

	// Set before ended is closed.
	end     error  // why reading ended
	goodbye bool   // the server sent an Engine.IO close packet
	opening string // the data of the open packet
	noops   atomic.Int32

	sid     string
	socket  *wstest.Client // nil on polling; an upgrade sets it while it holds writing
	writing chan struct{}  // a lock: one write at a time; waiting for a mutex would stop virtual time
	pause   chan struct{}  // closed to end the polling loop for an upgrade
	polls   chan struct{}  // closed when the polling loop has ended
}

func (p *peer) opened(packet string) {
	p.w.Helper()
	open, err := rawclient.ParseOpen(packet)
	if err != nil {
		p.w.Fatal(err)
	}
	p.opening, p.sid = packet[1:], open.SID
}

func (p *peer) openWebSocket(query string) {
	p.w.Helper()
	socket, resp, err := p.w.dialWebSocket(query, p.header)
	if err != nil || socket == nil {
		p.w.Fatalf("no WebSocket: %v %v", resp, err)
	}
	p.socket = socket
	_, open, err := socket.ReadMessage()
	if err != nil {
		p.w.Fatal(err)
	}
	p.opened(string(open))
	go func() {
		defer close(p.ended)
		p.readWebSocket()
	}()
}

func (p *peer) readWebSocket() {
	for {
		op, data, err := p.socket.ReadMessage()
		if err != nil {
			p.end = err
			_ = p.socket.Close() // the server waits for that, but not for long
			return
		}
		if op == ws.Binary {
			p.inbox <- packet{binary: data}
			continue
		}
		if !p.take(string(data)) {
			p.end = io.EOF
			return
		}
	}
}

// take takes an Engine.IO packet. It reports whether more will come.
func (p *peer) take(text string) bool {
	switch text[0] {
	case '1':
		p.goodbye = true
		return false
	case '2':
		if !p.mute.Load() {
			go func() { _ = p.write("3") }() // the end is seen by the reader
		}
	case '4':
		p.inbox <- packet{text: text[1:]}
	case '6':
		p.noops.Add(1)
	case 'b':
		b, _, err := rawclient.ParseBinary(text)
		if err != nil {
			p.end = err
			return false
		}
		p.inbox <- packet{binary: b}
	default:
		p.end = errors.New("the server sent " + text)
		return false
	}
	return true
}

func (p *peer) openPolling(query string) {
	p.w.Helper()
	status, body := p.request(http.MethodGet, "?EIO=4&transport=polling"+query, "")
	if status != http.StatusOK {
		p.w.Fatalf("no session: %d %s", status, body)
	}
	p.opened(body)
	p.polling()
}

// polling begins to poll, or does so again after pause was closed.
func (p *peer) polling() {
	p.pause, p.polls = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(p.polls)
		if p.poll() {
			close(p.ended)
		}
	}()
}

// poll polls until the session ends or pause is closed. It reports whether the
// session has ended.
func (p *peer) poll() bool {
	for {
		select {
		case <-p.pause:
			return false
		default:
		}
		status, body := p.request(http.MethodGet, "?EIO=4&transport=polling&sid="+url.QueryEscape(p.sid), "")
		if status != http.StatusOK {
			p.end = fmt.Errorf("status %d %s", status, body)
			return true
		}
		for _, text := range rawclient.Split(body) {
			if text == "" || !p.take(text) {
				if p.end == nil {
					p.end = io.EOF
				}
				return true
			}
		}
	}
}

// request sends an HTTP request. A failure has status 0.
func (p *peer) request(method, query, body string) (status int, answer string) {
	r, err := http.NewRequestWithContext(p.ctx, method, p.w.url+query, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	for name, values := range p.header {
		r.Header[name] = values
	}
	if host := p.header.Get("Host"); host != "" {
		r.Host = host
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	got := rawclient.Do(p.w.client, r)
	if got.Err != nil {
		return 0, got.Err.Error()
	}
	return got.Status, got.Body
}

// write sends Engine.IO packets: on polling in one POST.
func (p *peer) write(packets ...string) error {
	p.writing <- struct{}{}
	defer func() { <-p.writing }()
	if p.socket != nil {
		for _, text := range packets {
			var err error
			if b, binary, _ := rawclient.ParseBinary(text); binary {
				err = p.socket.WriteBinary(b)
			} else {
				err = p.socket.WriteText(text)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	status, answer := p.request(http.MethodPost, "?EIO=4&transport=polling&sid="+url.QueryEscape(p.sid), rawclient.Join(packets...))
	if status != http.StatusOK {
		return fmt.Errorf("status %d %s", status, answer)
	}
	return nil
}

// says sends Socket.IO packets, on polling in one payload. A packet is a string,
// or the []byte of an attachment.
func (p *peer) says(packets ...any) {
	p.w.Helper()
	if err := p.tries(packets...); err != nil {
		p.w.Fatalf("the client could not say %.200q: %v", packets, err)
	}
}

// tries is says where the server may already have gone.
func (p *peer) tries(packets ...any) error {
	wire := make([]string, len(packets))
	for i, packet := range packets {
		switch packet := packet.(type) {
		case string:
			wire[i] = "4" + packet
		case []byte:
			wire[i] = rawclient.Binary(packet)
		}
	}
	return p.write(wire...)
}

// next returns the next packet.
func (p *peer) next() (packet, error) {
	select { // what has come counts, also when the end has come too
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

// hears expects packets, in this order. A packet is a string, in which * stands
// for anything, or the []byte of an attachment.
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

// prefix is how a namespace stands in a packet.
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

// isClosed expects the end of the connection: on WebSocket with a close code, on
// polling in whatever way. Packets that came before are dropped.
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

// goes closes the network connection without a packet; on polling it sends a close, since
// there is no connection to close.
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
	if p.socket != nil {
		_ = p.socket.Close()
	}
	if p.polls != nil {
		<-p.polls
	}
	if p.socket != nil {
		<-p.ended
	}
}
