// SPDX-License-Identifier: MIT

// This file holds the client of the examples: a client of the test kit that prints what
// it receives in a readable form.

package socketio_test

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"

	"socketio/siotest"
)

// An exampleTB is the test that an example is: it can only panic.
type exampleTB struct{ cleanups []func() }

func (*exampleTB) Helper()                           {}
func (*exampleTB) Failed() bool                      { return false }
func (*exampleTB) Logf(format string, args ...any)   { log.Printf(format, args...) }
func (*exampleTB) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (*exampleTB) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (t *exampleTB) Cleanup(fn func())               { t.cleanups = append(t.cleanups, fn) }

// An exampleClient is a client over WebSocket with a server of its own.
type exampleClient struct {
	*siotest.Client // of the namespace that was joined last
	tb              *exampleTB
	conn            *siotest.Conn
}

// connect serves h and opens a session.
func connect(h http.Handler, header ...string) *exampleClient {
	asked := make(http.Header)
	for i := 0; i+1 < len(header); i += 2 {
		asked.Set(header[i], header[i+1])
	}
	tb := new(exampleTB)
	// The handler is closed by the example, not by the kit.
	srv := siotest.NewServer(tb, http.HandlerFunc(h.ServeHTTP))
	return &exampleClient{tb: tb, conn: srv.OpenWith(&siotest.ClientOptions{Header: asked})}
}

func (c *exampleClient) close() {
	for i := len(c.tb.cleanups) - 1; i >= 0; i-- {
		c.tb.cleanups[i]()
	}
}

// join joins a namespace.
func (c *exampleClient) join(namespace string) { c.Client = c.conn.Join(namespace, nil) }

// ask asks to join "/" and prints the result.
func (c *exampleClient) ask(auth any) string { return c.askFor("/", auth) }

// askFor asks to join a namespace and prints the result.
func (c *exampleClient) askFor(namespace string, auth any) string {
	var refusal *siotest.ConnectError
	_, err := c.conn.TryJoin(namespace, auth)
	if errors.As(err, &refusal) {
		return strings.TrimSpace(fmt.Sprintf("refused: %s %s", refusal.Message, refusal.Data))
	} else if err != nil {
		panic(err)
	}
	return "connected"
}

// say emits an event.
func (c *exampleClient) say(event string, args ...any) { c.Emit(event, args...) }

// call emits an event and returns the acknowledgement.
func (c *exampleClient) call(event string, args ...any) string {
	return c.EmitWithAck(event, args...).String()
}

// hear returns the next event: namespace, name and arguments.
func (c *exampleClient) hear() string {
	e := c.Next()
	return fmt.Sprintf("%s %s %s", c.Namespace(), e.Name, e.Args)
}

// answer receives an event with an acknowledgement, answers and returns the event.
func (c *exampleClient) answer(value any) string {
	e := c.Next()
	e.Ack(value)
	return fmt.Sprintf("%s %s %s", c.Namespace(), e.Name, e.Args)
}
