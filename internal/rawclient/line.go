// SPDX-License-Identifier: MIT

// This file holds Line: requests one after the other on a connection of the caller.

package rawclient

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxBody bounds the body of a response on a Line.
const maxBody = 64 << 20

// A Line sends requests over one connection at a time: the first request opens it, and
// so does the next one after the server or an error has closed it. One goroutine uses a
// Line at a time; Close may be called by another.
type Line struct {
	Dial func(context.Context) (net.Conn, error)

	br *bufio.Reader

	mu     sync.Mutex // guards the fields below
	nc     net.Conn
	closed bool
}

func (l *Line) connection(ctx context.Context) (net.Conn, error) {
	l.mu.Lock()
	nc, closed := l.nc, l.closed
	l.mu.Unlock()
	if closed {
		return nil, net.ErrClosed
	}
	if nc != nil {
		return nc, nil
	}
	nc, err := l.Dial(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = nc.Close()
		return nil, net.ErrClosed
	}
	l.nc, l.br = nc, bufio.NewReader(nc)
	return nc, nil
}

// Do sends a request and reads the whole response. The context of the request bounds
// both.
func (l *Line) Do(r *http.Request) Reply {
	nc, err := l.connection(r.Context())
	if err != nil {
		return Reply{Err: err}
	}
	stop := context.AfterFunc(r.Context(), func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	reply, keep := l.exchange(nc, r)
	if !stop() || !keep {
		l.hangUp()
	}
	return reply
}

// exchange sends a request. keep is true if the connection can carry another one.
func (l *Line) exchange(nc net.Conn, r *http.Request) (reply Reply, keep bool) {
	if err := r.Write(nc); err != nil {
		return Reply{Err: err}, false
	}
	resp, err := http.ReadResponse(l.br, r)
	if err != nil {
		return Reply{Err: err}, false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	return Reply{resp.StatusCode, resp.Header, string(body), err}, err == nil && !resp.Close
}

// hangUp closes the connection.
func (l *Line) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.nc != nil {
		_ = l.nc.Close()
		l.nc = nil
	}
}

// Close closes the connection. Later requests fail.
func (l *Line) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.hangUp()
}
