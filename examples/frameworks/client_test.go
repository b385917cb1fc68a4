// SPDX-License-Identifier: MIT

// This file holds a small client: polling and WebSocket, packets written by hand.

package frameworks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// A transport sends and receives Engine.IO packets.
type transport interface {
	send(packet string)
	receive() string
}

// connect opens a session and joins "/".
func connect(ctx context.Context, t *testing.T, kind, url string, header http.Header) transport {
	t.Helper()
	var c transport
	switch kind {
	case "polling":
		c = &polling{t: t, ctx: ctx, url: url + "/socket.io/?EIO=4&transport=polling", header: header}
	case "websocket":
		socket, _, err := websocket.Dial(ctx, url+"/socket.io/?EIO=4&transport=websocket", &websocket.DialOptions{HTTPHeader: header})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = socket.CloseNow() })
		c = &webSocket{t, ctx, socket}
	}
	var open struct{ SID string }
	packet := c.receive()
	if err := json.Unmarshal([]byte(strings.TrimPrefix(packet, "0")), &open); err != nil || open.SID == "" {
		t.Fatalf("got %q (%v), want an open packet", packet, err)
	}
	if p, ok := c.(*polling); ok {
		p.url += "&sid=" + open.SID
	}
	c.send("40")
	if packet := c.receive(); !strings.HasPrefix(packet, `40{"sid":`) {
		t.Fatalf("got %q, want the answer to CONNECT", packet)
	}
	return c
}

type webSocket struct {
	t      *testing.T
	ctx    context.Context
	socket *websocket.Conn
}

func (c *webSocket) send(packet string) {
	c.t.Helper()
	if err := c.socket.Write(c.ctx, websocket.MessageText, []byte(packet)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *webSocket) receive() string {
	c.t.Helper()
	_, data, err := c.socket.Read(c.ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(data)
}

type polling struct {
	t      *testing.T
	ctx    context.Context
	url    string
	header http.Header
	got    []string // packets of the last response that were not asked for yet
}

func (c *polling) send(packet string) {
	c.t.Helper()
	if answer := c.request("POST", strings.NewReader(packet)); answer != "ok" {
		c.t.Fatalf("POST: %q", answer)
	}
}

func (c *polling) receive() string {
	c.t.Helper()
	if len(c.got) == 0 {
		c.got = strings.Split(c.request("GET", nil), "\x1e")
	}
	packet := c.got[0]
	c.got = c.got[1:]
	return packet
}

func (c *polling) request(method string, body io.Reader) string {
	c.t.Helper()
	status, answer, err := request(c.ctx, method, c.url, c.header, body)
	if err != nil || status != http.StatusOK {
		c.t.Fatalf("%s: %d %s (%v)", method, status, answer, err)
	}
	return answer
}

func request(ctx context.Context, method, url string, header http.Header, body io.Reader) (status int, answer string, err error) {
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return 0, "", err
	}
	if header != nil {
		r.Header = header.Clone()
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, "", fmt.Errorf("reading the response: %w", err)
	}
	return resp.StatusCode, string(data), nil
}
