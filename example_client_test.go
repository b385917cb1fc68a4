// SPDX-License-Identifier: MIT

// This file holds the client of the examples: it writes packets by hand and
// prints what it hears in a form that reads well.

package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"socketio/internal/ws/wstest"
)

// An exampleClient is a client over WebSocket.
type exampleClient struct {
	server *httptest.Server
	socket *wstest.Client
}

// connect serves h and opens a session.
func connect(h http.Handler, header ...string) *exampleClient {
	server := httptest.NewServer(h)
	asked := make(http.Header)
	for i := 0; i+1 < len(header); i += 2 {
		asked.Set(header[i], header[i+1])
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	socket, resp, err := wstest.Dial(ctx, func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", server.Listener.Addr().String())
	}, server.URL+"/socket.io/?EIO=4&transport=websocket", asked)
	if err != nil || socket == nil {
		panic(fmt.Sprint("no WebSocket: ", resp, err))
	}
	_ = socket.SetDeadline(time.Now().Add(10 * time.Second))
	c := &exampleClient{server: server, socket: socket}
	c.read() // the open packet
	return c
}

func (c *exampleClient) close() {
	_ = c.socket.Close()
	c.server.Close()
}

func (c *exampleClient) read() string {
	_, data, err := c.socket.ReadMessage()
	if err != nil {
		panic(err)
	}
	return string(data)
}

func (c *exampleClient) write(packet string) {
	if err := c.socket.WriteText(packet); err != nil {
		panic(err)
	}
}

// join joins a namespace.
func (c *exampleClient) join(namespace string) {
	c.write("40" + prefix(namespace))
	c.read()
}

// ask asks to join "/" and tells how that went.
func (c *exampleClient) ask(auth string) string {
	c.write("40" + auth)
	answer := c.read()
	if refusal, ok := strings.CutPrefix(answer, "44"); ok {
		return "refused: " + refusal
	}
	return "connected"
}

func arguments(event string, args []any) string {
	data, err := json.Marshal(append([]any{event}, args...))
	if err != nil {
		panic(err)
	}
	return string(data)
}

// say emits an event.
func (c *exampleClient) say(event string, args ...any) { c.write("42" + arguments(event, args)) }

// call emits an event and returns the acknowledgement.
func (c *exampleClient) call(event string, args ...any) string {
	c.write("420" + arguments(event, args))
	return strings.TrimPrefix(c.read(), "430")
}

// hear returns the next event: namespace, name and arguments.
func (c *exampleClient) hear() string {
	packet := strings.TrimLeft(strings.TrimPrefix(c.read(), "42"), "0123456789")
	namespace, array, ok := strings.Cut(packet, ",[")
	if !ok || !strings.HasPrefix(namespace, "/") {
		namespace, array = "/", packet[1:]
	}
	var parts []json.RawMessage
	if err := json.Unmarshal([]byte("["+array), &parts); err != nil {
		panic(err)
	}
	var event string
	if err := json.Unmarshal(parts[0], &event); err != nil {
		panic(err)
	}
	args, err := json.Marshal(parts[1:])
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("%s %s %s", namespace, event, args)
}

// answer hears a question, acknowledges it and returns the question.
func (c *exampleClient) answer(value string) string {
	question := c.hear()
	c.write("430[" + value + "]")
	return question
}
