// SPDX-License-Identifier: MIT

// This file holds the examples of Dialer.

package engineio_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"socketio/engineio"
)

// A listener is a Handler that prints what it receives.
type listener struct{ done chan struct{} }

func (listener) HandleMessage(_ bool, data []byte) { fmt.Printf("received %s\n", data) }
func (listener) HandleReadEnd()                    {}
func (listener) HandleTimer()                      {}
func (listener) HandleUpgrade()                    {}
func (l listener) HandleClose(reason engineio.CloseReason, _ error) {
	fmt.Println("closed:", reason)
	close(l.done)
}

// A greeter is a server's Handler that answers one message and closes.
type greeter struct{ c *engineio.Conn }

func (g greeter) HandleMessage(_ bool, data []byte) {
	g.c.Send(engineio.TextMessage("hello " + string(data)))
	g.c.Close()
}
func (greeter) HandleReadEnd()                          {}
func (greeter) HandleTimer()                            {}
func (greeter) HandleUpgrade()                          {}
func (greeter) HandleClose(engineio.CloseReason, error) {}

func ExampleDialer() {
	server := engineio.NewServer(nil, func(c *engineio.Conn) engineio.Handler { return greeter{c} })
	defer server.Close()
	host := httptest.NewServer(server)
	defer host.Close()

	d := engineio.NewDialer(&engineio.DialerOptions{Transports: []string{"websocket"}})
	defer d.Close()
	l := listener{make(chan struct{})}
	c, err := d.Dial(context.Background(), host.URL, func(*engineio.Conn) engineio.Handler { return l })
	if err != nil {
		panic(err)
	}
	c.Send(engineio.TextMessage("world"))
	<-l.done
	// Output:
	// received hello world
	// closed: transport close
}

func ExampleNewDialer() {
	d := engineio.NewDialer(nil) // one for a program: it has the loops of all connections
	fmt.Println(d.Close())
	_, err := d.Dial(context.Background(), "http://localhost:3000", func(*engineio.Conn) engineio.Handler { return nil })
	fmt.Println(err)
	// Output:
	// <nil>
	// engineio: closed
}

func ExampleDialerOptions() {
	d := engineio.NewDialer(&engineio.DialerOptions{
		Header:      http.Header{"Authorization": {"Bearer secret"}},
		DialTimeout: 5 * time.Second,
	})
	defer d.Close()
	_, err := d.Dial(context.Background(), "localhost:3000", func(*engineio.Conn) engineio.Handler { return nil })
	fmt.Println(err)
	// Output: engineio: dial "localhost:3000": the URL must begin with http://, https://, ws:// or wss://
}

func ExampleDialError() {
	host := httptest.NewServer(http.NotFoundHandler())
	defer host.Close()
	d := engineio.NewDialer(nil)
	defer d.Close()
	_, err := d.Dial(context.Background(), host.URL, func(*engineio.Conn) engineio.Handler { return nil })
	var refused *engineio.DialError
	if errors.As(err, &refused) {
		fmt.Println(refused.Status)
	}
	fmt.Println(err)
	// Output:
	// 404
	// engineio: the server answered 404: is the path of the URL that of the server?
}
