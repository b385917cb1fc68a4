// SPDX-License-Identifier: MIT

// This file holds Proxy: a Link between TCP ports of this machine.

package faultnet

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"
)

// dialTime bounds how long a connection to the server may take.
const dialTime = 10 * time.Second

// A Proxy accepts connections on a port of 127.0.0.1 and carries each through its Link to
// a port of the server, or of the next one of several servers. Its methods are those of
// the Link and safe for concurrent use.
type Proxy struct {
	*Link
	ln    net.Listener
	ctx   context.Context // ends dials
	stop  context.CancelFunc
	tasks sync.WaitGroup // the accepting goroutine, and dials

	mu      sync.Mutex // guards the fields below
	targets []string
	next    int // of the targets
	refused int // connections that are still to be refused
}

// Listen starts a proxy to the address of a server, or to several, separated by commas: each
// connection goes to the next one that accepts it. onPoint is that of NewLink.
func Listen(target string, onPoint func(d Direction, p Point, a Action)) (*Proxy, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &Proxy{Link: NewLink(onPoint), ln: ln, ctx: ctx, stop: stop, targets: strings.Split(target, ",")}
	p.tasks.Add(1)
	go p.accept() // until Close
	return p, nil
}

// Port returns the port that clients connect to.
func (p *Proxy) Port() int { return p.ln.Addr().(*net.TCPAddr).Port }

// Aim directs later connections to other addresses, as in Listen.
func (p *Proxy) Aim(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets = strings.Split(target, ",")
}

// Refuse resets the next n connections before a byte has passed.
func (p *Proxy) Refuse(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = n
}

// Close ends all connections, and waits for all goroutines.
func (p *Proxy) Close() {
	_ = p.ln.Close()
	p.stop()
	p.Link.Close()
	p.tasks.Wait()
}

func (p *Proxy) accept() {
	defer p.tasks.Done()
	for {
		client, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.tasks.Add(1)
		go p.carry(client) // dials at most dialTime
	}
}

func (p *Proxy) carry(client net.Conn) {
	defer p.tasks.Done()
	p.mu.Lock()
	refused := p.refused > 0
	if refused {
		p.refused--
	}
	p.mu.Unlock()
	if refused {
		reset(client)
		return
	}
	server, err := p.dial()
	if err != nil {
		reset(client)
		return
	}
	_ = p.Link.Carry(client, server) // after Close it ends both
}

// dial connects to the next of the targets that accepts the connection.
func (p *Proxy) dial() (server net.Conn, err error) {
	p.mu.Lock()
	targets, first := p.targets, p.next
	p.next++
	p.mu.Unlock()
	ctx, stop := context.WithTimeout(p.ctx, dialTime)
	defer stop()
	var dialer net.Dialer
	for i := range targets {
		if server, err = dialer.DialContext(ctx, "tcp4", targets[(first+i)%len(targets)]); err == nil {
			return server, nil
		}
	}
	return nil, err
}
