// SPDX-License-Identifier: MIT

// This file holds limits in time and number: messages and bodies that do not
// arrive, encodings that are not taken, sessions that are not used.

package engineio_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
	"socketio/internal/ws"
)

func TestMessageTimeout(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MessageTimeout: 7 * time.Second}})
		p := r.websocket()
		frame := ws.AppendMasked(nil, ws.Text, true, [4]byte{1, 2, 3, 4}, []byte("4hello"))

		p.raw(frame[:5])
		time.Sleep(6 * time.Second)
		p.raw(frame[5:])
		p.want("a message that is slow enough", "4hello")

		begun := r.elapsed()
		p.raw(frame[:5])
		p.wantClose("a message that does not arrive", 1008)
		if d := r.elapsed() - begun; d < 7*time.Second || d > 8*time.Second {
			w.t.Errorf("it closed after %v, want MessageTimeout", d)
		}
		r.side(p.id()).wantEnded("the session", engineio.ReasonTransportError, nil)
	})
}

// A body may be slow, but not slower than 1 KiB/s after 5 s, and not slower than
// BodyTimeout in all.
func TestBodyRate(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{})
		for _, c := range []struct {
			what   string
			each   int // bytes a second
			within time.Duration
		}{
			{"100 B/s", 100, 6 * time.Second},
			{"3 KiB/s, for ever", 3 << 10, 21 * time.Second},
		} {
			p := r.polling()
			begun := r.elapsed()
			conn := r.rawPost(p, "Content-Length: 900000", "4")
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				piece := []byte(strings.Repeat("a", c.each))
				for {
					time.Sleep(time.Second)
					if _, err := conn.Write(piece); err != nil {
						return
					}
				}
			}()
			head := make([]byte, 12)
			if _, err := io.ReadFull(conn, head); err != nil || string(head) != "HTTP/1.1 408" {
				w.t.Errorf("%s: the answer is %q (%v)", c.what, head, err)
			}
			if d := r.elapsed() - begun; d > c.within {
				w.t.Errorf("%s: it took %v, want at most %v", c.what, d, c.within)
			}
			conn.Close()
			<-ended
			r.side(p.id()).wantEnded(c.what, engineio.ReasonTransportError, nil)
		}
	})
}

func TestContentEncoding(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		if got := p.post("4a", "Content-Encoding", "identity"); got.status != 200 {
			w.t.Errorf("identity is no encoding: got %v", got)
		}
		p.want("the echo", "4a")
		got := p.post("4a", "Content-Encoding", "gzip")
		r.wantRefusal("an encoded body", got, 415, 3, "Unsupported content encoding")
		r.side(p.id()).wantEnded("the session", engineio.ReasonTransportError, nil)
	})
}

func TestMaxPending(t *testing.T) {
	const limit = 3
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MaxPending: limit}})
		peers := make([]*wsPeer, limit)
		for i := range peers {
			peers[i] = r.websocket()
		}
		r.side(peers[0].id()).Established()
		r.side(peers[0].id()).Established() // changes nothing
		extra := r.websocket()
		extra.send("4a")
		extra.want("one more fits where one is in use", "4a")
		over := r.websocket()
		peers[1].wantClose("the oldest that is not in use makes room", 1008)
		for i, p := range []*wsPeer{peers[0], peers[2], extra, over} {
			p.send(fmt.Sprintf("4%d", i))
			p.want("the others go on", fmt.Sprintf("4%d", i))
		}
	})
}
