// SPDX-License-Identifier: MIT

// This file tests requests over HTTP/1.0, as from nginx without proxy_http_version:
// polling, and upgrades to WebSocket.

package engineio_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
)

// A conn10 replaces HTTP/1.1 by HTTP/1.0 in its client's requests.
type conn10 struct {
	net.Conn
}

func (c conn10) Write(b []byte) (int, error) {
	if line, rest, ok := bytes.Cut(b, []byte(" HTTP/1.1\r\n")); ok && !bytes.Contains(line, []byte("\n")) {
		if _, err := c.Conn.Write(fmt.Appendf(nil, "%s HTTP/1.0\r\n%s", line, rest)); err != nil {
			return 0, err
		}
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// overHTTP10 makes all requests of the rig HTTP/1.0.
func (r *rig) overHTTP10() {
	dial := r.dial
	r.dial = func(ctx context.Context) (net.Conn, error) {
		c, err := dial(ctx)
		return conn10{c}, err
	}
}

// Each kind of request works over HTTP/1.0, as with the npm server.
func TestHTTP10(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{AllowEIO3: true, PerMessageDeflate: new(engineio.PerMessageDeflate)}})
		r.overHTTP10()

		c := r.websocket()
		c.send("4direct", "<0102>")
		c.want("a WebSocket", "4direct", "<0102>")
		if r.side(c.id()).Transport() != "websocket" {
			w.t.Error("it is no WebSocket")
		}

		p := r.polling()
		p.send("4polled")
		p.want("polling", "4polled")
		p.park()
		up := p.upgrade()
		up.send("4upgraded")
		up.want("an upgrade", "4upgraded")

		c3 := r.websocketV3()
		c3.send("4older", "2")
		c3.want("a WebSocket of revision 3", "4older", "3")
		p3 := r.pollingV3()
		up3 := p3.upgrade()
		up3.send("4older")
		up3.want("an upgrade of revision 3", "4older")
	})
}

// The response to an upgrade is HTTP/1.1, whatever else the request says, as RFC 9110,
// section 7.8, requires for a 101. A rejection closes the connection.
func TestHTTP10Bytes(t *testing.T) {
	const shake = "GET /engine.io/?EIO=4&transport=websocket HTTP/1.0\r\n%sSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		say := func(head string) net.Conn {
			w.t.Helper()
			conn, err := r.dial(w.t.Context())
			if err != nil {
				w.t.Fatal(err)
			}
			r.keep(conn)
			conn.SetDeadline(time.Now().Add(w.patience))
			if _, err := fmt.Fprintf(conn, shake, head); err != nil {
				w.t.Fatal(err)
			}
			return conn
		}
		for _, head := range []string{
			"Host: chat.example\r\nUpgrade: websocket\r\nConnection: upgrade\r\n",
			"Upgrade: websocket\r\nConnection: upgrade\r\n", // a Host is not required
			"Host: chat.example\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n",
			"Host: chat.example\r\nUpgrade: websocket\r\nConnection: close, upgrade\r\nOrigin: http://chat.example\r\n",
		} {
			want := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n"
			got := make([]byte, len(want))
			if _, err := io.ReadFull(say(head), got); err != nil || string(got) != want {
				w.t.Errorf("%q got %q (%v), want %q", head, got, err, want)
			}
		}
		for _, row := range []struct{ head, status, body string }{
			{"Host: chat.example\r\nUpgrade: websocket\r\nConnection: keep-alive, upgrade\r\nOrigin: http://evil.example\r\n", "403 Forbidden", `{"code":4,"message":"Forbidden"}`},
			{"Host: chat.example\r\nUpgrade: websocket\r\nConnection: keep-alive\r\n", "400 Bad Request", `{"code":3,"message":"Invalid Connection header"}`},
			{"Host: chat.example\r\nConnection: close\r\n", "400 Bad Request", `{"code":3,"message":"Bad request"}`}, // nginx without any line for Upgrade
		} {
			got, err := io.ReadAll(say(row.head)) // to the end of the connection
			if err != nil || !strings.HasPrefix(string(got), "HTTP/1.0 "+row.status+"\r\n") || !strings.HasSuffix(string(got), "\r\n\r\n"+row.body) {
				w.t.Errorf("%q got %q (%v), want %s %s", row.head, got, err, row.status, row.body)
			}
		}
	})
}
