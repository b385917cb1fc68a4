// SPDX-License-Identifier: MIT

//go:build linux

// This file holds clients over long-polling: as in browsers, one connection for polls and
// one for what is sent.

package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"socketio/internal/rawclient"
)

// Pollers are clients over long-polling. Each has a goroutine while it echoes: what
// they cost is the driver's, not the server's.
type Pollers struct {
	Latency Latency

	mu      sync.Mutex // guards Latency
	addr    string
	clients []*poller
}

// NewPollers connects n clients, which join the namespace "/".
func NewPollers(t *Target, n int) (*Pollers, error) {
	p := &Pollers{addr: (&net.TCPAddr{IP: t.addr[:], Port: t.port}).String()}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for range n {
		c := newPoller(p.addr)
		p.clients = append(p.clients, c)
		if err := c.join(ctx); err != nil {
			p.Leave()
			return nil, fmt.Errorf("load: polling: %w", err)
		}
	}
	return p, nil
}

// Echo lets every client send each message once the answer to the one before has come,
// and returns how many answers came.
func (p *Pollers) Echo(each int) (ops int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	done := make(chan error, len(p.clients))
	for _, c := range p.clients {
		// Ends after its echoes, or with ctx.
		go func() { done <- p.echo(ctx, c, each) }()
	}
	for range p.clients {
		err = errors.Join(err, <-done)
	}
	return len(p.clients) * each, err
}

// Leave closes the sessions and all connections.
func (p *Pollers) Leave() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, c := range p.clients {
		if c.session != nil {
			_ = c.session.Write(ctx, rawclient.Text("1")...) // the connections close in any case
		}
		c.in.Close()
		c.out.Close()
	}
}

type poller struct {
	server  *rawclient.Server
	session *rawclient.Session // nil until it has opened
	in, out rawclient.Line
}

func newPoller(addr string) *poller {
	dial := func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", addr) }
	c := &poller{in: rawclient.Line{Dial: dial}, out: rawclient.Line{Dial: dial}}
	header := make(http.Header)
	for _, h := range browserHeaders(addr) {
		header.Set(h[0], h[1])
	}
	c.server = &rawclient.Server{URL: "http://" + addr + "/socket.io/", Header: header, Do: func(r *http.Request) rawclient.Reply {
		if r.Method == http.MethodPost {
			return c.out.Do(r)
		}
		return c.in.Do(r)
	}}
	return c
}

func (c *poller) join(ctx context.Context) (err error) {
	if c.session, err = c.server.Polling(ctx); err != nil {
		c.session = nil
		return err
	}
	if err = c.session.Write(ctx, rawclient.Text("40")...); err != nil {
		return err
	}
	return c.await(ctx, "40")
}

func (p *Pollers) echo(ctx context.Context, c *poller, each int) error {
	for range each {
		begin := time.Now()
		if err := c.session.Write(ctx, rawclient.Text(echoPacket)...); err != nil {
			return err
		}
		if err := c.await(ctx, "42"); err != nil {
			return err
		}
		p.mu.Lock()
		p.Latency.Add(time.Since(begin))
		p.mu.Unlock()
	}
	return nil
}

// await reads until a packet that begins so has come.
func (c *poller) await(ctx context.Context, prefix string) error {
	for {
		p, err := c.session.Read(ctx)
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(p.Text, prefix):
			return nil
		case p.Text == "2":
			if err := c.session.Write(ctx, rawclient.Text("3")...); err != nil {
				return err
			}
		case p.Text != "6":
			return fmt.Errorf("the server has sent %.100q", p.Text)
		}
	}
}
