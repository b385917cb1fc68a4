// SPDX-License-Identifier: MIT

// This file holds the transports: polling, WebSocket, and upgrades.

package siotest

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"socketio/internal/rawclient"
	"socketio/internal/ws"
)

// newServer returns the server of a connection. Frames are masked with zeros, so that
// Link.CutAt finds plain text on the wire.
func (c *Conn) newServer(base string, o *ClientOptions) *rawclient.Server {
	return &rawclient.Server{
		URL:    base,
		Query:  o.Query.Encode(),
		Header: o.Header.Clone(),
		Dial:   o.Link.dial,
		Do: func(r *http.Request) rawclient.Reply {
			if r.Method == http.MethodPost {
				return c.posts.Do(r)
			}
			return c.polls.Do(r)
		},
		Plain: true,
	}
}

// Transport returns the transport in use: Polling or WebSocket.
func (c *Conn) Transport() Transport {
	if c.session.Socket() == nil {
		return Polling
	}
	return WebSocket
}

// start opens the connection and starts its goroutines.
func (c *Conn) start(transport Transport) error {
	ctx, cancel := context.WithTimeout(c.ctx, c.env.patience)
	defer cancel()
	open := c.server.Open
	switch transport {
	case WebSocket, "":
	case Polling, Upgrade:
		open = c.server.Polling
	default:
		return fmt.Errorf("siotest: unknown transport %q", transport)
	}
	session, err := open(ctx)
	if err != nil {
		return refused(err)
	}
	c.mu.Lock()
	c.session = session
	over := c.over
	c.mu.Unlock()
	if over {
		session.Close()
		<-c.ended
		return c.end
	}
	c.opened = OpenPacket(session.Opened)
	c.rec.names(c.opened.SID, "session")
	c.rec.packet(false, session.First)
	c.watchPings()
	c.running.Add(1)
	go c.write()
	c.startReading()
	return nil
}

// startReading starts the reading goroutine.
func (c *Conn) startReading() {
	c.pause, c.paused = make(chan struct{}), make(chan struct{})
	c.running.Add(1)
	go c.read(c.pause, c.paused)
}

// read is the reading goroutine. It ends with the connection, or when an upgrade pauses
// polling.
func (c *Conn) read(pause <-chan struct{}, paused chan<- struct{}) {
	defer c.running.Done()
	defer close(paused)
	for {
		if c.session.Unread() == 0 {
			select {
			case <-pause:
				return
			case <-c.ended:
				return
			default:
			}
		}
		p, err := c.session.Read(c.ctx)
		switch {
		case err != nil:
		case p.Binary != nil:
			err = c.packet(p.Binary)
		default:
			err = c.packet(p.Text)
		}
		if err != nil {
			c.finish(refused(err))
			return
		}
	}
}

// transmit writes packets, on the writing goroutine.
func (c *Conn) transmit(packets []any) error {
	wire := make([]rawclient.Packet, len(packets))
	for i, p := range packets {
		c.rec.packet(true, p)
		switch p := p.(type) {
		case []byte:
			wire[i].Binary = append([]byte{}, p...) // not nil
		case string:
			wire[i].Text = p
		}
	}
	return refused(c.session.Write(c.ctx, wire...))
}

// sayGoodbye ends the connection as clients do, on the writing goroutine.
func (c *Conn) sayGoodbye() error {
	if socket := c.session.Socket(); socket != nil {
		c.rec.note("a close frame")
		return socket.WriteFrame(ws.AppendMasked(nil, ws.Close, true, [4]byte{}, []byte{0x03, 0xe8}))
	}
	return c.transmit([]any{"1"})
}

// Upgrade moves a connection from polling to WebSocket. The test fails if that is not
// possible.
func (c *Conn) Upgrade() {
	c.env.t.Helper()
	c.env.settle()
	if err := c.TryUpgrade(); err != nil {
		c.env.t.Fatalf("%s can't upgrade: %v", c.name, err)
	}
	c.env.settle()
}

// errNoUpgrade is returned for a second upgrade.
var errNoUpgrade = errors.New("siotest: the connection is not on polling")

// TryUpgrade is like Upgrade but returns an error instead of failing the test. If the
// WebSocket can't be opened or the probe fails, the connection stays on polling.
func (c *Conn) TryUpgrade() error {
	var failed error
	err := c.await(unit{do: func() (fatal error) {
		fatal, failed = c.upgrade()
		return fatal
	}})
	if err != nil {
		return err
	}
	return failed
}

// upgrade runs on the writing goroutine, so nothing is written meanwhile. failed
// leaves the connection on polling.
//
// Polling pauses before the probe. Other clients poll on until the probe is answered,
// which races with the server: a poll that is parked too late stays for 100 ms.
func (c *Conn) upgrade() (fatal, failed error) {
	if c.session.Socket() != nil {
		return nil, errNoUpgrade
	}
	if err := c.session.Connect(c.ctx); err != nil {
		return c.Err(), refused(err)
	}
	close(c.pause)
	err := c.session.Probe(c.ctx)
	<-c.paused // packets on polling come first
	if err != nil {
		c.startReading()
		return nil, fmt.Errorf("the probe: %w", err)
	}
	c.rec.note("upgrade")
	if err := c.session.Switch(); err != nil {
		return err, nil
	}
	c.startReading()
	return nil, nil
}
