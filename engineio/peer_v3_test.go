// SPDX-License-Identifier: MIT

// This file holds the clients of a dialogue in revision 3 of the protocol: the
// differences from peer_test.go.

package engineio_test

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"

	"socketio/engineio"
)

// suiteV3 is suite with AllowEIO3.
func suiteV3() *engineio.Options {
	o := suite()
	o.AllowEIO3 = true
	return o
}

// calmV3 and patientV3 are calm and patient with AllowEIO3.
func (w *world) calmV3() *engineio.Options {
	o := w.calm()
	o.AllowEIO3 = true
	return o
}

func (w *world) patientV3() *engineio.Options {
	o := w.patient()
	o.AllowEIO3 = true
	return o
}

// A pollPeerV3 is a client on long-polling. It sends and expects payloads in the
// text form, unless a test says otherwise.
type pollPeerV3 struct{ *pollPeer }

// pollingV3 opens a session over polling. more is added to its query.
func (r *rig) pollingV3(more ...string) *pollPeerV3 {
	r.t.Helper()
	raw := r.get(strings.Join(append([]string{"EIO=3&transport=polling"}, more...), "&"))
	if raw.err != nil || raw.status != 200 {
		r.t.Fatalf("the polling handshake: %d %s (%v)", raw.status, raw.body, raw.err)
	}
	packets := r.splitV3(raw.body)
	if len(packets) != 1 {
		r.t.Fatalf("the handshake has the packets %q", packets)
	}
	p := &pollPeer{r: r, raw: raw, open: r.readOpen(packets[0])}
	p.query = "EIO=3&transport=polling&sid=" + p.open.SID
	return &pollPeerV3{p}
}

// websocketV3 opens a session over WebSocket. more is added to its query.
func (r *rig) websocketV3(more ...string) *wsPeer {
	r.t.Helper()
	p := r.openWebSocket(strings.Join(append([]string{"EIO=3&transport=websocket"}, more...), "&"))
	p.first = p.next("the open packet")
	p.open = r.readOpen(p.first)
	p.sid = p.open.SID
	return p
}

// transportsV3 plays f over each transport.
func transportsV3(w *world, h hosting, f func(r *rig, p peer)) {
	r := w.serve(h)
	f(r, r.pollingV3())
	r = w.serve(h)
	f(r, r.websocketV3())
}

// joinV3 is a payload in the text form.
func joinV3(packets ...string) string {
	var b strings.Builder
	for _, p := range packets {
		fmt.Fprintf(&b, "%d:%s", len(utf16.Encode([]rune(p))), p)
	}
	return b.String()
}

// splitV3 splits a payload of the text form.
func (r *rig) splitV3(body string) (packets []string) {
	r.t.Helper()
	for units := utf16.Encode([]rune(body)); len(units) > 0; {
		digits, _, _ := strings.Cut(string(utf16.Decode(units)), ":")
		n, err := strconv.Atoi(digits)
		start := len(digits) + 1
		if err != nil || n < 1 || start+n > len(units) {
			r.t.Fatalf("the payload %q is malformed", body)
		}
		packets = append(packets, string(utf16.Decode(units[start:start+n])))
		units = units[start+n:]
	}
	return packets
}

func (p *pollPeerV3) send(packets ...string) {
	p.r.t.Helper()
	p.posts(joinV3(packets...))
}

// posts posts a body that must be accepted.
func (p *pollPeerV3) posts(body string, headers ...string) {
	p.r.t.Helper()
	if got := p.post(body, headers...); got.err != nil || got.status != 200 || got.body != "ok" {
		p.r.t.Fatalf("POST %.40q: got %d %s (%v), want 200 ok", body, got.status, got.body, got.err)
	}
}

func (p *pollPeerV3) want(what string, packets ...string) {
	p.r.t.Helper()
	for i, want := range packets {
		if len(p.got) == 0 {
			got := p.answer()
			if got.err != nil || got.status != 200 || got.header.Get("Content-Type") != "text/plain; charset=UTF-8" {
				p.r.t.Fatalf("%s: the poll got %d %q %q (%v)", what, got.status, got.header.Get("Content-Type"), got.body, got.err)
			}
			p.got = p.r.splitV3(got.body)
		}
		if p.got[0] != want {
			p.r.t.Fatalf("%s: packet %d is %.80q, want %.80q", what, i+1, p.got[0], want)
		}
		p.got = p.got[1:]
	}
}

// wantBinary polls and expects a response in the binary form.
func (p *pollPeerV3) wantBinary(what, body string) {
	p.r.t.Helper()
	if got := p.answer(); got.err != nil || got.status != 200 || got.body != body || got.header.Get("Content-Type") != "application/octet-stream" {
		p.r.t.Fatalf("%s: the poll got %d %q %x (%v), want %x", what, got.status, got.header.Get("Content-Type"), got.body, got.err, body)
	}
}

func (p *pollPeerV3) wantEnd(what string) {
	p.r.t.Helper()
	if p.parked != nil {
		p.wantAnswer(what, "1:1")
	}
	p.r.side(p.id()).awaitEnd(what)
	p.r.wantRefusal(what, p.r.get(p.query), 400, 1, "Session ID unknown")
}

// upgrade moves the session to WebSocket. more is added to the query.
func (p *pollPeerV3) upgrade(more ...string) *wsPeer {
	p.r.t.Helper()
	c := p.r.openWebSocket(strings.Join(append([]string{"EIO=3&transport=websocket&sid=" + p.id()}, more...), "&"))
	c.send("2probe")
	c.want("the answer to the probe", "3probe")
	if p.parked != nil {
		p.want("the parked poll is released", "6")
	}
	c.send("5")
	side := p.r.side(p.id())
	side.await("the upgrade", func() bool { return side.upgrades == 1 })
	c.sid = p.id()
	return c
}
