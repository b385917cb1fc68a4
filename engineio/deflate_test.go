// SPDX-License-Identifier: MIT

// This file tests permessage-deflate on connections: what is compressed, that the order
// is kept, and what happens to a decompression bomb.

package engineio_test

import (
	"fmt"
	"strings"
	"testing"

	"socketio/engineio"
	"socketio/internal/ws"
)

// deflating opens a WebSocket that compresses.
func (r *rig) deflating(query string) *wsPeer {
	r.t.Helper()
	c, resp, err := r.shake(query, "Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
	if err != nil || c == nil {
		r.t.Fatalf("the handshake got %v, %v", resp, err)
	}
	want := "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	if got := resp.Header.Get("Sec-WebSocket-Extensions"); got != want {
		r.t.Fatalf("the extensions are %q, want %q", got, want)
	}
	c.AllowCompressed()
	return r.wsPeer(c, nil)
}

// wantMessage expects a message, inflated, and whether it was compressed.
func (p *wsPeer) wantMessage(what, text string, compressed bool) {
	p.r.t.Helper()
	_, data, err := p.c.ReadMessage()
	if err != nil || string(data) != text || p.c.Compressed() != compressed {
		p.r.t.Fatalf("%s: got %.80q (%v), compressed %v; want %.80q, compressed %v", what, data, err, p.c.Compressed(), text, compressed)
	}
}

func TestDeflate(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{PerMessageDeflate: new(engineio.PerMessageDeflate)}})
		p := r.deflating("EIO=4&transport=websocket")
		open, err := p.read()
		if err != nil || !strings.HasPrefix(open, "0{") {
			w.t.Fatalf("the open packet is %q (%v)", open, err)
		}
		long := strings.Repeat("a compressible text ", 500)
		for i := range 50 { // compressed and plain in turn: the order stays
			if err := p.c.WriteCompressed(ws.Text, []byte(fmt.Sprintf("4%d %s", i, long))); err != nil {
				w.t.Fatal(err)
			}
			p.send(fmt.Sprintf("4%d", i))
		}
		for i := range 50 {
			p.wantMessage("the long one", fmt.Sprintf("4%d %s", i, long), true)
			p.wantMessage("the short one", fmt.Sprintf("4%d", i), false)
		}
	})
}

// One message goes to connections that compress and to others.
func TestDeflateIsPerConnection(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{PerMessageDeflate: &engineio.PerMessageDeflate{Threshold: 10}}})
		plain := r.websocket()
		packed := r.deflating("EIO=4&transport=websocket")
		open := r.readOpen(packed.next("the open packet"))
		text := strings.Repeat("to all ", 100)
		m := engineio.TextMessage(text)
		for range 2 {
			for _, id := range []string{open.SID, plain.id()} {
				if err := r.side(id).Send(m); err != nil {
					w.t.Fatal(err)
				}
			}
		}
		for range 2 {
			plain.want("plain", "4"+text)
			packed.wantMessage("compressed", "4"+text, true)
		}
	})
}

func TestDeflateBomb(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MaxPayload: 100_000, PerMessageDeflate: new(engineio.PerMessageDeflate)}})
		bystander := r.websocket()
		p := r.deflating("EIO=4&transport=websocket")
		p.next("the open packet")
		if err := p.c.WriteCompressed(ws.Text, []byte("4"+strings.Repeat("a", 2_000_000))); err != nil {
			w.t.Fatal(err)
		}
		p.wantClose("a message that inflates over the limit", 1009)
		bystander.send("4still here")
		bystander.want("the others", "4still here")
	})
}

func TestDeflateIsOffByDefault(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		c, resp, err := r.shake("EIO=4&transport=websocket", "Sec-WebSocket-Extensions", "permessage-deflate")
		if err != nil || c == nil {
			w.t.Fatal(err)
		}
		if got := resp.Header.Get("Sec-WebSocket-Extensions"); got != "" {
			w.t.Errorf("the answer to an offer is %q", got)
		}
	})
}

// Two connections get one message: the compressed form must not be sent to the plain one,
// nor the plain form to the other.
func TestSharedFramesAndDeflate(t *testing.T) {
	t.Run("trap 22", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{PerMessageDeflate: &engineio.PerMessageDeflate{Threshold: 10}}})
			plain, packed := r.websocket(), r.deflating("EIO=4&transport=websocket")
			open := r.readOpen(packed.next("the open packet"))
			text := strings.Repeat("to all ", 100)
			m := engineio.TextMessage(text)
			for _, id := range []string{open.SID, plain.id(), open.SID, plain.id()} {
				if err := r.side(id).Send(m); err != nil {
					w.t.Fatal(err)
				}
			}
			for range 2 {
				plain.want("the plain frame", "4"+text)
				packed.wantMessage("the compressed frame", "4"+text, true)
			}
		})
	})
}
