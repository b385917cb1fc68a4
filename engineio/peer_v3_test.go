// SPDX-License-Identifier: MIT

// This file holds the clients of a dialogue in revision 3 of the protocol: the
// differences from peer_test.go.

package engineio_test

import (
	"strings"

	"socketio/engineio"
	"socketio/internal/rawclient"
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

// pollingV3 opens a session over polling. more is added to its query.
func (r *rig) pollingV3(more ...string) *pollPeer {
	r.t.Helper()
	return r.pollingWith(3, strings.Join(append([]string{"EIO=3&transport=polling"}, more...), "&"))
}

// websocketV3 opens a session over WebSocket. more is added to its query.
func (r *rig) websocketV3(more ...string) *wsPeer {
	r.t.Helper()
	p := r.openWebSocket(strings.Join(append([]string{"EIO=3&transport=websocket"}, more...), "&"))
	p.opened()
	return p
}

// transportsV3 plays f over each transport.
func transportsV3(w *world, h hosting, f func(r *rig, p peer)) {
	r := w.serve(h)
	f(r, r.pollingV3())
	r = w.serve(h)
	f(r, r.websocketV3())
}

// splitV3 splits a payload of the text form.
func (r *rig) splitV3(payload string) []string {
	r.t.Helper()
	packets, err := rawclient.Split3(payload)
	if err != nil {
		r.t.Fatal(err)
	}
	return packets
}

// wantBinary polls and expects a response in the binary form.
func (p *pollPeer) wantBinary(what, body string) {
	p.r.t.Helper()
	if got := p.answer(); got.err != nil || got.status != 200 || got.body != body || got.header.Get("Content-Type") != "application/octet-stream" {
		p.r.t.Fatalf("%s: the poll got %d %q %x (%v), want %x", what, got.status, got.header.Get("Content-Type"), got.body, got.err, body)
	}
}
