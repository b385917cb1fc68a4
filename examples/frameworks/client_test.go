// SPDX-License-Identifier: MIT

// This file holds the client: packets written by hand, over polling and WebSocket.

package frameworks_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"socketio/internal/rawclient"
)

// A client is a session whose test fails when a step does.
type client struct {
	t       *testing.T
	ctx     context.Context
	session *rawclient.Session
}

// connect opens a session and joins "/".
func connect(ctx context.Context, t *testing.T, kind, url string, header http.Header) *client {
	t.Helper()
	server := &rawclient.Server{
		URL:    url + "/socket.io/",
		Header: header,
		Do:     func(r *http.Request) rawclient.Reply { return rawclient.Do(http.DefaultClient, r) },
		Dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(url, "http://"))
		},
	}
	open := server.Polling
	if kind == "websocket" {
		open = server.Open
	}
	session, err := open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(session.Close)
	c := &client{t, ctx, session}
	c.send("40")
	if packet := c.receive(); !strings.HasPrefix(packet, `40{"sid":`) {
		t.Fatalf("got %q, want the answer to CONNECT", packet)
	}
	return c
}

func (c *client) send(packet string) {
	c.t.Helper()
	if err := c.session.Write(c.ctx, rawclient.Text(packet)...); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) receive() string {
	c.t.Helper()
	packet, err := c.session.Read(c.ctx)
	if err != nil || packet.Binary != nil {
		c.t.Fatalf("got %d bytes, %v", len(packet.Binary), err)
	}
	return packet.Text
}

func request(ctx context.Context, method, url string, header http.Header, body io.Reader) (status int, answer string, err error) {
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return 0, "", err
	}
	if header != nil {
		r.Header = header.Clone()
	}
	got := rawclient.Do(http.DefaultClient, r)
	return got.Status, got.Body, got.Err
}
