// SPDX-License-Identifier: MIT

// This file holds a WebSocket in a stream of HTTP/2, opened by an extended CONNECT
// (RFC 8441), as a net.Conn for the portable driver.

package engineio

import (
	"bytes"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"socketio/internal/lock"
	"socketio/internal/ws"
)

// A tunnel is a stream of HTTP/2 as a net.Conn.
//
// The goroutine of its request writes: Write passes it the bytes and waits. So Close
// unblocks a Write at once, even while net/http is blocked by a connection that the peer
// does not read, which only the end of that connection unblocks.
//
// The stream ends in both directions when that goroutine returns, because net/http can't
// close one direction. So CloseWrite waits, as long as the read deadline allows, until the
// peer has answered the close frame, which was written last.
type tunnel struct {
	// Immutable after newTunnel.
	w       http.ResponseWriter // the HTTP server's own; used by serve alone
	body    io.ReadCloser
	local   net.Addr
	remote  tunnelAddr
	timeout time.Duration // of a Write

	writes chan []byte   // to serve
	wrote  chan error    // from serve, one for each
	closed chan struct{} // closed by Close
	once   sync.Once     // for Close
	said   chan struct{} // closed by CloseWrite

	// Atomic; safe from anywhere.
	ended atomic.Bool // CloseWrite was called
	told  atomic.Bool // the last Read ended with a close frame
	late  atomic.Bool // the deadline for reads has passed

	mu       lock.Mutex  // guards the field below
	deadline *time.Timer // for reads, or nil
}

// tunnelAddr is the address of the peer as net/http reports it.
type tunnelAddr string

func (tunnelAddr) Network() string  { return "tcp" }
func (a tunnelAddr) String() string { return string(a) }

// newTunnel returns a tunnel for a request, or nil if its writer can't flush.
func newTunnel(w http.ResponseWriter, r *http.Request, timeout time.Duration) *tunnel {
	own := ownWriter(w, func(*baseWriter) {})
	switch own.(type) {
	case http.Flusher, interface{ FlushError() error }:
	default:
		return nil
	}
	ownWriter(w, func(b *baseWriter) { b.answered, b.taken = true, true })
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return &tunnel{
		w: own, body: r.Body, local: local, remote: tunnelAddr(r.RemoteAddr), timeout: timeout,
		writes: make(chan []byte), wrote: make(chan error, 1), closed: make(chan struct{}), said: make(chan struct{}),
	}
}

// accept makes the header of the response from the headers that middlewares and options
// have set.
func (t *tunnel) accept(set http.Header, protocol string, params ws.DeflateParams) {
	ws.SetConnectHeader(set, protocol, params)
	h := t.w.Header()
	maps.DeleteFunc(h, func(name string, _ []string) bool { return set[name] == nil })
	maps.Copy(h, set)
}

// serve answers the request and writes the bytes that Write passes to it, until Close. It
// runs on the request's goroutine.
func (t *tunnel) serve() {
	defer t.Close()
	rc := http.NewResponseController(t.w)
	_ = rc.SetReadDeadline(time.Time{}) // the host's deadlines were for a request
	err := t.within(rc, func() error {
		t.w.WriteHeader(http.StatusOK)
		return rc.Flush()
	})
	for err == nil {
		select {
		case b := <-t.writes:
			err = t.within(rc, func() error {
				if _, err := t.w.Write(b); err != nil {
					return err
				}
				return rc.Flush()
			})
			t.wrote <- err
		case <-t.closed:
			return
		}
	}
}

// within runs f with the deadline of a Write. A stream that misses it is reset.
func (t *tunnel) within(rc *http.ResponseController, f func() error) error {
	_ = rc.SetWriteDeadline(time.Now().Add(t.timeout))
	err := f()
	_ = rc.SetWriteDeadline(time.Time{}) // it would reset an idle stream too
	return err
}

// Write implements net.Conn. It is called by one goroutine at a time, and takes at most
// the timeout; then the tunnel is closed.
func (t *tunnel) Write(b []byte) (int, error) {
	late := time.NewTimer(t.timeout)
	defer late.Stop()
	select {
	case t.writes <- bytes.Clone(b): // serve may have it for longer than this call takes
	case <-t.closed:
		return 0, net.ErrClosed
	case <-late.C:
		t.Close()
		return 0, os.ErrDeadlineExceeded
	}
	select {
	case err := <-t.wrote:
		if err != nil {
			return 0, err
		}
		return len(b), nil
	case <-t.closed:
		return 0, net.ErrClosed
	case <-late.C:
		t.Close()
		return 0, os.ErrDeadlineExceeded
	}
}

// Read implements net.Conn.
func (t *tunnel) Read(b []byte) (int, error) {
	if t.ended.Load() && t.told.Load() {
		return 0, io.EOF
	}
	n, err := t.body.Read(b)
	if n > 0 {
		t.told.Store(endsWithClose(b[:n]))
	}
	switch {
	case err == nil:
	case err == io.EOF && n > 0:
		err = nil // the next Read returns it
	case err == io.EOF && t.told.Load():
		// Browsers end their side with the close frame, and want an answer.
		select {
		case <-t.said:
		case <-t.closed:
		}
	case err == io.EOF:
	case t.late.Load():
		err = os.ErrDeadlineExceeded
	case t.isClosed():
		err = net.ErrClosed
	case t.ended.Load() && t.told.Load():
		err = io.EOF
	}
	return n, err
}

// CloseWrite is called after the last Write.
func (t *tunnel) CloseWrite() error {
	if t.ended.Swap(true) {
		return nil
	}
	close(t.said)
	if t.told.Load() { // the peer closed first: nothing more will come
		return t.body.Close()
	}
	return nil
}

// Close ends the stream in both directions. Bytes that were written still arrive.
func (t *tunnel) Close() error {
	t.once.Do(func() {
		close(t.closed)
		_ = t.SetReadDeadline(time.Time{})
		_ = t.body.Close() // frees a Read
	})
	return nil
}

func (t *tunnel) isClosed() bool {
	select {
	case <-t.closed:
		return true
	default:
		return false
	}
}

// SetReadDeadline implements net.Conn, with one exception: a deadline that has passed is
// final.
func (t *tunnel) SetReadDeadline(at time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.deadline != nil {
		t.deadline.Stop()
		t.deadline = nil
	}
	if !at.IsZero() && !t.isClosed() {
		t.deadline = time.AfterFunc(time.Until(at), func() {
			t.late.Store(true)
			_ = t.body.Close()
		})
	}
	return nil
}

// SetWriteDeadline does nothing: each Write has its timeout.
func (t *tunnel) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline implements net.Conn.
func (t *tunnel) SetDeadline(at time.Time) error { return t.SetReadDeadline(at) }

// LocalAddr implements net.Conn.
func (t *tunnel) LocalAddr() net.Addr { return t.local }

// RemoteAddr implements net.Conn.
func (t *tunnel) RemoteAddr() net.Addr { return t.remote }

// endsWithClose reports whether b seems to end with a close frame of a client. Only the
// moment at which a stream ends depends on it.
func endsWithClose(b []byte) bool {
	const header = 6 // two bytes and the mask
	for size := 0; size <= 125 && size+header <= len(b); size++ {
		frame := b[len(b)-size-header:]
		if frame[0] == 0x80|byte(ws.Close) && frame[1] == 0x80|byte(size) {
			return true
		}
	}
	return false
}
