// SPDX-License-Identifier: MIT

// This file tests connections that are reset at every byte that a client sends, over real
// sockets, on each driver: nothing of them may remain.

package engineio_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"socketio/engineio"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// resources are what a connection holds in this process.
type resources struct{ sessions, goroutines, descriptors int }

func (r *rig) resources() resources {
	r.client.CloseIdleConnections()
	return resources{r.srv.Count(), runtime.NumGoroutine(), descriptors()}
}

// descriptors returns the number of open descriptors, where that can be known.
func descriptors() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

// wantBack waits until no more resources are held than before, calling help meanwhile.
func (r *rig) wantBack(what string, before resources, help ...func()) {
	r.t.Helper()
	limit := time.After(r.w.patience)
	for {
		for _, f := range help {
			f()
		}
		now := r.resources()
		if now.sessions <= before.sessions && now.goroutines <= before.goroutines && now.descriptors <= before.descriptors {
			return
		}
		select {
		case <-limit:
			r.t.Fatalf("%s: %+v, before %+v", what, now, before)
		case <-time.After(time.Millisecond):
		}
	}
}

// warm opens enough sessions to start each loop and each wheel, and returns the resources
// that are held after they have closed.
func (r *rig) warm() resources {
	r.t.Helper()
	for range 2 * runtime.GOMAXPROCS(0) {
		c := r.polling().upgrade()
		c.c.Close()
		r.side(c.id()).awaitEnd("the client has gone")
	}
	least := r.resources()
	for same := 0; same < 50; same++ { // those of net/http are still closing
		runtime.Gosched()
		now := r.resources()
		if now.sessions < least.sessions || now.goroutines < least.goroutines || now.descriptors < least.descriptors {
			least, same = now, 0
		}
	}
	return least
}

// CloseIdleConnections is called by http.Client.
func (c cancelling) CloseIdleConnections() { c.next.CloseIdleConnections() }

// dialTCP connects and sends nothing.
func (r *rig) dialTCP() *net.TCPConn {
	r.t.Helper()
	conn, err := r.dial(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(r.w.patience))
	return conn.(*net.TCPConn)
}

// sayAndReset sends data and resets the connection.
func (r *rig) sayAndReset(say string) {
	r.t.Helper()
	conn := r.dialTCP()
	if _, err := conn.Write([]byte(say)); err != nil {
		r.t.Fatal(err)
	}
	reset(conn)
}

// wantForgotten waits until the server has noticed that a candidate is gone: until then
// the session accepts no other.
func (r *rig) wantForgotten(p *pollPeer) {
	r.t.Helper()
	limit := time.After(r.w.patience)
	for s := r.side(p.id()); s.Probed(); {
		select {
		case <-limit:
			r.t.Fatal("the candidate has gone and is not forgotten")
		case <-time.After(time.Millisecond):
		}
	}
}

func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0) // what fails here shows as a FIN instead of a reset
	_ = conn.Close()
}

// upgradeRequest is the request of a WebSocket.
func (r *rig) upgradeRequest(query string) string {
	return fmt.Sprintf("GET %s?%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", r.path, query, r.host)
}

func TestResetInTheHandshake(t *testing.T) {
	overTCP(t, func(w *world) {
		r := w.serve(hosting{})
		before := r.warm()
		for _, request := range []string{
			r.upgradeRequest("EIO=4&transport=websocket"),
			fmt.Sprintf("GET %s?EIO=4&transport=polling HTTP/1.1\r\nHost: %s\r\n\r\n", r.path, r.host),
		} {
			for cut := range len(request) + 1 {
				r.sayAndReset(request[:cut])
			}
		}
		// A polling session exists, whether or not the answer arrived.
		r.wantBack("every handshake was reset", before, func() {
			for _, s := range r.all() {
				if s.Transport() == engineio.Polling {
					s.Abort(engineio.ReasonForcedClose, nil, 1000, "")
				}
			}
		})
	})
}

func TestResetInTheUpgrade(t *testing.T) {
	probe, over := string(wstest.Frame(ws.Text, true, []byte("2probe"))), string(wstest.Frame(ws.Text, true, []byte("5")))
	overTCP(t, func(w *world) {
		r := w.serve(hosting{})
		before := r.warm()
		length := len(r.upgradeRequest("EIO=4&transport=websocket&sid=01234567890123456789") + probe + over)
		for cut := range length + 1 {
			p := r.polling()
			r.sayAndReset((r.upgradeRequest("EIO=4&transport=websocket&sid="+p.id()) + probe + over)[:cut])
			s := r.side(p.id())
			if cut < length {
				p.send("4still here", "1")
				s.wantEnded("polling goes on to its own end", engineio.ReasonTransportClose, nil)
				s.wantHeard("polling goes on", "still here")
				continue
			}
			// The reset may have overtaken everything: then the session is on polling.
			p.post("1")
			s.awaitEnd("the upgrade was complete")
		}
		r.wantBack("every upgrade was reset", before)
	})
}

// A reset after the response, before the probe, is noticed at once: the session
// can probe again, and the attempts that failed are forgotten by their own end.
func TestResetAfterTheAnswerToTheProbe(t *testing.T) {
	overTCP(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{UpgradeTimeout: 2 * w.patience}}) // which is not what ends an attempt
		before := r.warm()
		p := r.polling()
		for range 2 {
			c := p.probed()
			p.park()
			reset(c.c.Conn().(*net.TCPConn))
			p.send("4x")
			for got := "6"; got != "4x"; got = p.next("the echo") {
				if got != "6" {
					w.t.Fatalf("the poll got %q", got)
				}
			}
			// The reset and the POST used different connections, so their order is
			// undefined.
			r.wantForgotten(p)
		}
		c := p.upgrade()
		c.send("4y")
		c.want("the third attempt succeeds", "4y")
		reset(c.c.Conn().(*net.TCPConn))
		r.side(p.id()).awaitEnd("reset")
		r.wantBack("at the end", before)
	})
}

func TestResetInTheClosingHandshake(t *testing.T) {
	goodbyes := map[string][]byte{
		"close frame":  wstest.Frame(ws.Close, true, []byte{3, 232, 'b', 'y', 'e'}),
		"close packet": wstest.Frame(ws.Text, true, []byte("1")),
	}
	overTCP(t, func(w *world) {
		r := w.serve(hosting{})
		before := r.warm()
		for name, goodbye := range goodbyes {
			for cut := range len(goodbye) + 1 {
				for _, serverFirst := range []bool{false, true} {
					c := r.websocket()
					s := r.side(c.id())
					if serverFirst {
						s.say("before")
						s.Close()
						c.want("the server says goodbye", "4before", "close 1000")
					}
					c.raw(slices.Clone(goodbye[:cut]))
					reset(c.c.Conn().(*net.TCPConn))
					s.awaitEnd(fmt.Sprintf("%s, reset after %d bytes", name, cut))
				}
			}
		}
		r.wantBack("every closing handshake was reset", before)
	})
}

// Connected peers that never answer, at each stage.
func TestHalfOpenPeers(t *testing.T) {
	overTCP(t, func(w *world) {
		// Enough time to reach each stage on a slow machine.
		options := &engineio.Options{PingInterval: 3 * time.Second, PingTimeout: 3 * time.Second, UpgradeTimeout: 5 * time.Second}
		r := w.serve(hosting{options: options})
		before := r.warm()
		var silent []*net.TCPConn
		for range 20 {
			r.websocket()
			r.polling()
			r.polling().park()
			p := r.polling()
			conn := r.dialTCP()
			fmt.Fprint(conn, r.upgradeRequest("EIO=4&transport=websocket&sid="+p.id()))
			c := r.polling().upgrade()
			s := r.side(c.id())
			s.Send(engineio.BinaryMessage(make([]byte, 1<<20))) // more than the peer will take, at times
			silent = append(silent, conn)
		}
		for _, s := range r.all() {
			s.awaitEnd("no pong")
			if s.reason != engineio.ReasonPingTimeout && s.reason != engineio.ReasonTransportClose {
				w.t.Errorf("closed with %q (%v), want a ping timeout", s.reason, s.err)
			}
		}
		if n := r.srv.Count(); n != 0 {
			w.t.Errorf("%d sessions of peers that do not answer", n)
		}
		for _, conn := range silent {
			conn.Close()
		}
		r.hangUp()
		r.wantBack("the peers have gone", before)
	})
}
