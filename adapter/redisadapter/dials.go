// SPDX-License-Identifier: MIT

// This file makes connections that end when the bus is closed.

package redisadapter

import (
	"context"
	"crypto/tls"
	"net"
	"sync"

	"github.com/redis/rueidis"
)

// dials are the connections of a bus.
type dials struct {
	ctx context.Context // of the bus

	mu     sync.Mutex // guards the fields below
	open   map[*tracked]struct{}
	closed bool
}

func newDials(ctx context.Context) *dials { return &dials{ctx: ctx, open: make(map[*tracked]struct{})} }

// A tracked is a connection.
type tracked struct {
	net.Conn
	dials *dials
}

// Close implements net.Conn.
func (c *tracked) Close() error {
	c.dials.mu.Lock()
	delete(c.dials.open, c)
	c.dials.mu.Unlock()
	return c.Conn.Close()
}

// wrap returns options whose connections are those of d.
func (d *dials) wrap(o rueidis.ClientOption) rueidis.ClientOption {
	connect, old := o.DialCtxFn, o.DialFn //nolint:staticcheck // callers may use DialFn
	if connect == nil && old != nil {
		connect = func(_ context.Context, addr string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
			return old(addr, dialer, config)
		}
	}
	if connect == nil {
		connect = dial
	}
	o.DialCtxFn = func(ctx context.Context, addr string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(d.ctx, cancel)()
		c, err := connect(ctx, addr, dialer, config)
		if err != nil {
			return nil, err
		}
		return d.track(c)
	}
	return o
}

func dial(ctx context.Context, addr string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
	if config != nil {
		return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, "tcp", addr)
	}
	return dialer.DialContext(ctx, "tcp", addr)
}

func (d *dials) track(c net.Conn) (net.Conn, error) {
	t := &tracked{Conn: c, dials: d}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	d.open[t] = struct{}{}
	return t, nil
}

// closeAll closes all connections, and those that are made later.
func (d *dials) closeAll() {
	d.mu.Lock()
	d.closed = true
	var all []*tracked
	for c := range d.open {
		all = append(all, c)
	}
	d.mu.Unlock()
	for _, c := range all {
		_ = c.Close()
	}
}

// A watched is a connection whose reads are announced.
type watched struct {
	net.Conn
	before func()
}

// Read implements net.Conn.
func (c *watched) Read(p []byte) (int, error) {
	c.before()
	return c.Conn.Read(p)
}

// beforeReads returns options whose connections call before on the goroutine that reads,
// when it has handled all that it has read.
func beforeReads(o rueidis.ClientOption, before func()) rueidis.ClientOption {
	connect := o.DialCtxFn
	o.DialCtxFn = func(ctx context.Context, addr string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
		c, err := connect(ctx, addr, dialer, config)
		if err != nil {
			return nil, err
		}
		return &watched{c, before}, nil
	}
	return o
}
