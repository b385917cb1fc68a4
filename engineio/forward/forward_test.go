// SPDX-License-Identifier: MIT

// This file tests sessions whose requests reach any server.

package forward_test

import (
	"bytes"
	"strings"
	"testing"

	"socketio/engineio"
	"socketio/internal/rawclient"
)

var messages = []rawclient.Packet{{Text: "4first"}, {Binary: []byte{0, 1, 255}}, {Text: "4" + strings.Repeat("é𝄞", 50_000)}}

// A session works whichever server its requests reach, on polling and after the upgrade.
func TestRequestsReachAnyServer(t *testing.T) {
	w := serve(t, 3, nil)
	for i := range w.servers {
		c := w.polling(i)
		if tag, ok := engineio.SessionTag(c.Opened.SID); !ok || tag != w.servers[i].node.Tag() || len(tag) != 6 {
			t.Fatalf("the id %q has not the tag of its server, %q", c.Opened.SID, w.servers[i].node.Tag())
		}
		w.to(-1)
		for range 3 {
			echoes(t, c, messages...)
		}
		w.to((i + 1) % 3)
		upgrade(t, c)
		for range 3 {
			echoes(t, c, messages...)
		}
	}
	open := 0
	for _, s := range w.servers {
		got := s.node.Stats()
		if got.Requests == 0 || got.Received == 0 || got.Failed != 0 || got.Refused != 0 {
			t.Errorf("%+v", got)
		}
		open += got.Open
	}
	if open != 3 {
		t.Errorf("%d WebSockets are forwarded", open)
	}
}

// When the client closes its forwarded WebSocket, its session ends; when the session ends,
// the client's WebSocket closes. Nothing is left on the server between.
func TestTheEndOfAForwardedWebSocket(t *testing.T) {
	w := serve(t, 2, nil)
	forwarded := w.servers[1].node
	for name, end := range map[string]func(c *rawclient.Session){
		"the client closes": func(c *rawclient.Session) { c.Close() },
		"the session ends": func(c *rawclient.Session) {
			if err := c.Write(t.Context(), rawclient.Text("1")...); err != nil {
				t.Fatal(err)
			}
			if got, err := c.Read(t.Context()); err == nil {
				t.Errorf("the client receives %v", got)
			}
			c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := w.polling(0)
			w.to(1)
			upgrade(t, c)
			echoes(t, c, rawclient.Text("4hello")...)
			if n := forwarded.Stats().Open; n != 1 {
				t.Errorf("%d WebSockets are forwarded", n)
			}
			end(c)
			if got := wait(t, w.servers[0]); got != engineio.ReasonTransportClose {
				t.Errorf("the session ended because of %q", got)
			}
			until(t, "no WebSocket is forwarded", func() bool { return forwarded.Stats().Open == 0 })
		})
	}
}

// The server between does not collect what a client does not read: the server that has the
// session finds out that its client is slow. What arrives is complete and in order.
func TestAForwardedWebSocketHasBackPressure(t *testing.T) {
	w := serve(t, 2, nil)
	c := w.polling(0)
	w.to(1)
	upgrade(t, c)
	const count = 200
	data := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	sent := make(chan error, 1)
	go func() { // ends with the test's client
		for i := range count {
			data := bytes.Clone(data)
			data[0] = byte(i)
			if err := c.Write(t.Context(), rawclient.Packet{Binary: data}); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	for i := range count {
		got, err := c.Read(t.Context())
		if err != nil || len(got.Binary) != len(data) || got.Binary[0] != byte(i) || !bytes.Equal(got.Binary[1:], data[1:]) {
			t.Fatalf("message %d: %d bytes, %v", i, len(got.Binary), err)
		}
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}
