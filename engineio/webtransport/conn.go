// SPDX-License-Identifier: MIT

// This file holds conn: a WebTransport session and its one stream as a net.Conn.

package webtransport

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"
)

// The maximum durations of the steps of an orderly close; see conn.
const (
	linger   = 500 * time.Millisecond // the end of the stream has no answer
	patience = 2 * time.Second        // a connected client answers at once, unless its machine is busy
)

// closeCapsule says that the session is closed with code 0 and no text: the type
// 0x2843 and a length, as QUIC writes numbers, and the code.
var closeCapsule = [...]byte{0x68, 0x43, 4, 0, 0, 0, 0}

// A conn is a net.Conn; closing it closes the session.
//
// It closes in three steps. CloseWrite ends the stream, which the usual clients do not
// answer. After linger, in which sent data arrives, the reader announces on control that
// the session is closed. Then the client closes it, or Close does after patience. Finally
// a client that has answered has patience again, or until it closes the connection:
// Chromium answers before its page knows, and reports a failure to the page if the
// connection closes in between. Session.CloseWithError alone would drop data in transit,
// and tells a browser to stop sending before the reason arrives, which the browser takes
// for a failure.
type conn struct {
	*webtransport.Stream
	session *webtransport.Session
	control *http3.Stream   // of the request
	quic    context.Context // done when the connection is
	linger  time.Duration

	ended atomic.Bool // CloseWrite was called
	told  bool        // owned by the reader: the session was said to be closed
}

// Read reports the peer's close of the session as the end of the stream.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Stream.Read(b)
	if c.ended.Load() && !c.told && errors.Is(err, os.ErrDeadlineExceeded) {
		c.told = true
		if c.control.TryWriteAll(closeCapsule[:]) == nil && c.control.Close() == nil {
			_ = c.Stream.SetReadDeadline(time.Now().Add(patience))
			if n, err = c.Stream.Read(b); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				c.awaitPeer()
			}
		}
	}
	if gone := (*webtransport.SessionError)(nil); errors.As(err, &gone) {
		if err = net.ErrClosed; gone.Remote {
			err = io.EOF
		}
	}
	return n, err
}

// awaitPeer waits until the client has closed the connection, but at most patience.
func (c *conn) awaitPeer() {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-c.quic.Done():
	case <-late.C:
	}
}

// CloseWrite ends the sending side. It must not be called during a Write.
func (c *conn) CloseWrite() error {
	c.ended.Store(true)
	return c.Stream.Close()
}

// SetReadDeadline is that of the stream, but at most linger once CloseWrite was
// called.
func (c *conn) SetReadDeadline(t time.Time) error {
	if latest := time.Now().Add(c.linger); c.ended.Load() && (t.IsZero() || t.After(latest)) {
		t = latest
	}
	return c.Stream.SetReadDeadline(t)
}

// Close closes the session, and with it the stream: a Read and a Write under way
// return. What has not arrived is lost. It does not wait for the peer.
func (c *conn) Close() error { return c.session.CloseWithError(0, "") }

func (c *conn) LocalAddr() net.Addr  { return c.session.LocalAddr() }
func (c *conn) RemoteAddr() net.Addr { return c.session.RemoteAddr() }
