// SPDX-License-Identifier: MIT

// This file bounds the allocations of a connection from its dial to its end, and of an
// exchange by polling.

package socketio_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"socketio"
	"socketio/internal/rawclient"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
	"socketio/siotest"
)

// A rawExchange sends one request again and again over its own connection. The length of
// an answer is known from the first one, so it allocates nothing.
type rawExchange struct {
	conn    net.Conn
	request []byte
	answer  []byte
}

// newRawExchange opens a connection for requests of that method, query and body.
func (w *world) newRawExchange(method, query, body string) *rawExchange {
	conn, err := w.dial(context.Background())
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = conn.Close() })
	return &rawExchange{conn: conn, request: fmt.Appendf(nil,
		"%s /socket.io/?EIO=4&transport=polling%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s",
		method, query, len(body), body)}
}

func (e *rawExchange) send(tb testing.TB) {
	if _, err := e.conn.Write(e.request); err != nil {
		tb.Fatal(err)
	}
}

// receive returns the answer. The first one is read to the end of the given text.
func (e *rawExchange) receive(tb testing.TB, end string) string {
	if e.answer != nil {
		if _, err := io.ReadFull(e.conn, e.answer); err != nil {
			tb.Fatal(err)
		}
		if !bytes.HasSuffix(e.answer, []byte(end)) {
			tb.Fatalf("the answer is %q, not one that ends with %q", e.answer, end)
		}
		return ""
	}
	for one := make([]byte, 1); !bytes.HasSuffix(e.answer, []byte(end)); {
		if _, err := io.ReadFull(e.conn, one); err != nil {
			tb.Fatalf("after %q: %v", e.answer, err)
		}
		e.answer = append(e.answer, one[0])
	}
	return string(e.answer)
}

// A POST with an event, and the GET that was parked and carries the answer.
func TestPollingExchangeAllocations(t *testing.T) {
	tcp(t, nil, func(w *world) {
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("echo", func(text string) error { return s.Emit("echo", text) })
		})
		_, packet := w.fetch("GET", "EIO=4&transport=polling", "")
		open, err := rawclient.ParseOpen(packet)
		if err != nil {
			t.Fatal(err)
		}
		sid := "&sid=" + open.SID
		w.fetch("POST", "EIO=4&transport=polling"+sid, "40")
		w.fetch("GET", "EIO=4&transport=polling"+sid, "") // CONNECT
		event := `42["echo","hello, this is a chat message of some length"]`
		get, post := w.newRawExchange("GET", sid, ""), w.newRawExchange("POST", sid, event)
		perExchange := testing.AllocsPerRun(300, func() {
			get.send(t)
			post.send(t)
			post.receive(t, "\r\n\r\nok")
			get.receive(t, event)
		})
		t.Logf("allocations per exchange: %v", perExchange)
		if limit := 55.0; !raceEnabled && perExchange > limit {
			t.Errorf("%v allocations per exchange, want at most %v", perExchange, limit)
		}
	})
}

// A WebSocket that joins a namespace and leaves, beside one whose server only takes the
// connection over: the dial, the parsing of the request and the goroutine are net/http's.
func TestConnectAllocations(t *testing.T) {
	tcp(t, nil, func(w *world) {
		ended := make(chan struct{}, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.OnDisconnect(func(socketio.DisconnectReason) { ended <- struct{}{} })
		})
		request := []byte("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n" +
			"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		connect, leave := wstest.Frame(ws.Text, true, []byte("40")), wstest.Frame(ws.Text, true, []byte("41"))
		buf := make([]byte, 4096)
		dial := func(w *world) net.Conn {
			conn, err := w.dial(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write(request); err != nil {
				t.Fatal(err)
			}
			return conn
		}
		// until reads until the last bytes are these.
		until := func(conn net.Conn, end []byte) {
			for n := 0; !bytes.HasSuffix(buf[:n], end); {
				m, err := conn.Read(buf[n:])
				if err != nil {
					t.Fatalf("after %q: %v", buf[:n], err)
				}
				n += m
			}
		}
		ours := testing.AllocsPerRun(200, func() {
			conn := dial(w)
			until(conn, []byte("}")) // the open packet
			if _, err := conn.Write(connect); err != nil {
				t.Fatal(err)
			}
			until(conn, []byte("}"))
			if _, err := conn.Write(leave); err != nil {
				t.Fatal(err)
			}
			_ = conn.Close()
			<-ended
		})

		taken := siotest.NewServerWith(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			conn, _, err := rw.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = conn.Write([]byte("101}"))
			_ = conn.Close()
		}), &siotest.ServerOptions{TCP: true})
		floor := testing.AllocsPerRun(200, func() {
			conn := dial(&world{dial: taken.Dial})
			until(conn, []byte("}"))
			_ = conn.Close()
		})
		t.Logf("allocations per connection: %v, of a takeover alone: %v", ours, floor)
		if limit := floor + 36; !raceEnabled && ours > limit {
			t.Errorf("%v allocations per connection, want at most %v", ours, limit)
		}
	})
}
