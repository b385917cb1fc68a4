// SPDX-License-Identifier: MIT

// Dialer is a Socket.IO client of at most 40 lines beside its imports: package engineio
// connects, package parser reads and writes the packets. It emits one event, prints the
// events of the server, acknowledges them on request, and ends with the connection:
//
//	go run ./examples/dialer http://localhost:3000/socket.io/
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"socketio/engineio"
	"socketio/parser"
)

type client struct {
	*engineio.Conn
	packets parser.Decoder
	closed  chan engineio.CloseReason
}

func (c *client) send(p parser.Packet) {
	c.Send(engineio.NewMessage(parser.AppendPacket(make([]byte, engineio.HeaderRoom), &p), nil))
}

func (c *client) HandleMessage(binary bool, data []byte) {
	switch p, whole, err := c.packets.Add(nil, binary, data); {
	case err != nil, p.Type == parser.TypeDisconnect:
		c.Close()
	case whole:
		fmt.Printf("%v %s, %d attachments\n", p.Type, p.Data, len(p.Attachments))
		if p.Type == parser.TypeConnect {
			c.send(parser.Packet{Type: parser.TypeEvent, ID: 0, Data: []byte(`["hello","gopher"]`)})
		} else if p.ID != parser.NoID && (p.Type == parser.TypeEvent || p.Type == parser.TypeBinaryEvent) {
			c.send(parser.Packet{Type: parser.TypeAck, ID: p.ID, Data: []byte(`["fine"]`)})
		}
	}
}

func (c *client) HandleClose(reason engineio.CloseReason, _ error) { c.closed <- reason }
func (c *client) HandleReadEnd()                                   {}
func (c *client) HandleTimer()                                     {}
func (c *client) HandleUpgrade()                                   {}

func main() {
	d := engineio.NewDialer(nil)
	c := &client{closed: make(chan engineio.CloseReason, 1)}
	accept := func(conn *engineio.Conn) engineio.Handler { c.Conn = conn; return c }
	if _, err := d.Dial(context.Background(), os.Args[1], accept); err != nil {
		log.Fatal(err)
	}
	c.send(parser.Packet{Type: parser.TypeConnect, ID: parser.NoID})
	fmt.Println("closed:", <-c.closed)
	d.Close()
}
