// SPDX-License-Identifier: MIT

// This file holds relay: one network connection between a client and the server,
// carried from one to the other by two goroutines.

package siotest

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"socketio/internal/memnet"
)

const (
	// readSize is how much is carried at a time.
	readSize = 16 << 10
	// maxHeld bounds the bytes that a delay holds before the writer must wait.
	maxHeld = 1 << 20
	// keptTail is the number of passed bytes that are kept for patterns.
	keptTail = 4 << 10
)

// A relay joins the client's end of a pipe with a connection to the server.
type relay struct {
	link   *Link
	client *memnet.Conn // the client's own end
	inner  *memnet.Conn // the relay's end towards the client
	server net.Conn     // the relay's end towards the server
	done   chan struct{}
	end    func() // closes done and both connections
}

func newRelay(l *Link, server net.Conn) *relay {
	r := &relay{link: l, server: server, done: make(chan struct{})}
	r.client, r.inner = memnet.Pipe(0)
	r.end = sync.OnceFunc(func() {
		close(r.done)
		_ = r.inner.Close()
		_ = r.server.Close()
	})
	return r
}

// start starts a pump for each direction. They end with their connections, at the
// latest with the link, which waits for them.
func (r *relay) start() {
	var both sync.WaitGroup
	both.Add(2)
	run := func(d Direction, dst, src net.Conn) {
		defer r.link.relays.Done()
		(&pump{relay: r, d: d, dst: dst, src: src}).run()
		both.Done()
		if d == Up {
			both.Wait()
			r.end()
			r.link.forget(r)
		}
	}
	go run(Up, r.server, r.inner)
	go run(Down, r.inner, r.server)
}

// cut ends the connection on both sides.
func (r *relay) cut(how Break) {
	if how == Reset {
		reset(r.server)
		reset(r.inner)
	}
	r.end()
}

func reset(c net.Conn) {
	switch c := c.(type) {
	case *memnet.Conn:
		c.Abort()
	case *net.TCPConn:
		_ = c.SetLinger(0) // Close then resets
		_ = c.Close()
	}
}

// A parcel is some bytes on their way, or the end of a connection.
type parcel struct {
	due  time.Time
	data []byte
	end  error
}

// A pump carries one direction. One goroutine owns it.
type pump struct {
	*relay
	d        Direction
	dst, src net.Conn

	held     []parcel // on their way, in order
	size     int      // bytes in held
	ended    bool     // src has ended
	deadline bool     // src has a deadline
	lost     bool     // dst accepts nothing more
	tail     []byte   // the last bytes that passed
}

func (p *pump) run() {
	buf := make([]byte, readSize)
	for {
		for len(p.held) > 0 && !time.Now().Before(p.held[0].due) {
			next := p.held[0]
			p.held, p.size = p.held[1:], p.size-len(next.data)
			if !p.deliver(next) {
				return
			}
		}
		switch {
		case p.ended && len(p.held) == 0:
			return
		case p.ended || p.size >= maxHeld:
			if !p.sleep(p.held[0].due) {
				return
			}
		default:
			p.read(buf)
		}
	}
}

// sleep reports whether the relay still runs at due.
func (p *pump) sleep(due time.Time) bool {
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.done:
		return false
	}
}

// read reads the next bytes, or returns when a held parcel is due.
func (p *pump) read(buf []byte) {
	if len(p.held) > 0 || p.deadline {
		var due time.Time
		if p.deadline = len(p.held) > 0; p.deadline {
			due = p.held[0].due
		}
		_ = p.src.SetReadDeadline(due) // on a closed connection the read fails
	}
	n, err := p.src.Read(buf)
	f, _ := p.link.now(p.d)
	due := time.Now().Add(f.delay)
	if len(p.held) > 0 && due.Before(p.held[len(p.held)-1].due) {
		due = p.held[len(p.held)-1].due
	}
	if n > 0 {
		p.held = append(p.held, parcel{due: due, data: append([]byte(nil), buf[:n]...)})
		p.size += n
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		p.held = append(p.held, parcel{due: due, end: err})
		p.ended = true
	}
}

// deliver passes a parcel on unless a fault holds it back. It reports false at the end.
func (p *pump) deliver(next parcel) bool {
	f, changed := p.link.now(p.d)
	for f.stalled && !f.dropped {
		select {
		case <-changed:
			f, changed = p.link.now(p.d)
		case <-p.done:
			return false
		}
	}
	if next.end != nil {
		return p.deliverEnd(next.end, f.dropped)
	}
	if f.dropped || p.lost {
		p.lost = true // a stream with a gap is useless, even after Heal
		return true
	}
	for data := next.data; len(data) > 0; {
		n, how, isCut := p.link.passes(p.d, p.tail, data)
		if !p.write(data[:n], f.split) {
			p.lost = true
			return true
		}
		if isCut {
			p.relay.cut(how)
			return false
		}
		data = data[n:]
	}
	return true
}

func (p *pump) deliverEnd(end error, dropped bool) bool {
	switch {
	case dropped || p.lost && p.d == Down: // the other side is not notified
		<-p.done
	case errors.Is(end, syscall.ECONNRESET):
		p.relay.cut(Reset)
	case p.d == Up: // clients close, they do not half close
		p.relay.end()
	default:
		_ = p.inner.CloseWrite()
	}
	return false
}

// write reports whether dst took the bytes.
func (p *pump) write(data []byte, split int) bool {
	if limiter, ok := p.dst.(interface{ SetBound(n int) }); ok {
		limiter.SetBound(split)
	}
	keep := min(p.link.longest(p.d), keptTail)
	p.tail = append(p.tail, data...)
	p.tail = p.tail[max(0, len(p.tail)-keep):]
	for len(data) > 0 {
		n := len(data)
		if split > 0 {
			n = min(n, split)
		}
		if _, err := p.dst.Write(data[:n]); err != nil {
			return false
		}
		data = data[n:]
	}
	return true
}
