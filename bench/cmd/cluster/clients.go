// SPDX-License-Identifier: MIT

//go:build linux

// This file holds the clients of the server, which count what they receive.

package main

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/lxzan/gws"
)

const (
	count     = 100 // rooms
	clientsOf = 10  // clients, which have the rooms among them
)

// clients are the connections to a server.
type clients struct {
	gws.BuiltinEventHandler
	conns []*gws.Conn

	mu      sync.Mutex
	ready   int // connected, and then joined
	events  int
	changed *sync.Cond
}

// connect connects all clients, which join their rooms, whose names begin with kind.
func connect(addr, kind string) (*clients, error) {
	c := new(clients)
	c.changed = sync.NewCond(&c.mu)
	for i := range clientsOf {
		conn, _, err := gws.NewClient(c, &gws.ClientOption{Addr: "ws://" + addr + "/socket.io/?EIO=4&transport=websocket"})
		if err != nil {
			return nil, err
		}
		c.conns = append(c.conns, conn)
		go conn.ReadLoop() // ends with the connection
		if err := conn.WriteString("40"); err != nil {
			return nil, err
		}
		if err := c.until(func() bool { return c.ready == 2*i+1 }); err != nil {
			return nil, err
		}
		if err := conn.WriteString(`420["join","` + names(kind, i) + `"]`); err != nil {
			return nil, err
		}
		if err := c.until(func() bool { return c.ready == 2*i+2 }); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *clients) close() {
	for _, conn := range c.conns {
		_ = conn.NetConn().Close()
	}
}

// OnMessage implements gws.Event.
func (c *clients) OnMessage(_ *gws.Conn, m *gws.Message) {
	defer func() { _ = m.Close() }()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch data := m.Bytes(); {
	case bytes.HasPrefix(data, []byte("42")):
		c.events++
	case bytes.HasPrefix(data, []byte("40")), bytes.HasPrefix(data, []byte("43")):
		c.ready++
	}
	c.changed.Broadcast()
}

func (c *clients) received() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.events
}

// wait waits until that many events have been received.
func (c *clients) wait(events int) error { return c.until(func() bool { return c.events >= events }) }

func (c *clients) until(done func() bool) error {
	late := false
	timer := time.AfterFunc(time.Minute, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		late = true
		c.changed.Broadcast()
	})
	defer timer.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !done() {
		if late {
			return fmt.Errorf("after a minute the clients have received %d events", c.events)
		}
		c.changed.Wait()
	}
	return nil
}

// room returns the name of a room of the clients, or of one that is elsewhere.
func room(i int, away bool) string {
	if away {
		return fmt.Sprint("away ", i%count)
	}
	return fmt.Sprint("room ", i%count)
}

// names returns the rooms of a client, with commas between.
func names(kind string, client int) string {
	var all []string
	for i := client; i < count; i += clientsOf {
		all = append(all, fmt.Sprint(kind, i))
	}
	return strings.Join(all, ",")
}
