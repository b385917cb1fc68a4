// SPDX-License-Identifier: MIT

// This file holds line: sequential HTTP requests over one connection of a Link. It does
// not retry and does not pool, so that a fault has one effect.

package siotest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxBody bounds the body of a response.
const maxBody = 64 << 20

// A RefusedError reports a request that the server has rejected.
type RefusedError struct {
	// Status is the HTTP status.
	Status int
	// Code and Message are from the JSON body, or zero if there is no such body.
	Code    int
	Message string
	// Body is the whole body.
	Body string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the server answers with status %d %s", e.Status, shorten(e.Body))
}

func refused(status int, body string) *RefusedError {
	e := &RefusedError{Status: status, Body: body}
	var said struct {
		Code    int
		Message string
	}
	if json.Unmarshal([]byte(body), &said) == nil { // other bodies are kept as text
		e.Code, e.Message = said.Code, said.Message
	}
	return e
}

// A line carries requests. One goroutine uses it at a time; close may be called from
// another.
type line struct {
	link *Link
	br   *bufio.Reader

	mu     sync.Mutex // guards the fields below
	nc     net.Conn   // nil until the first request, and after the server has closed it
	closed bool
}

func (l *line) connection(ctx context.Context) (net.Conn, error) {
	l.mu.Lock()
	nc, closed := l.nc, l.closed
	l.mu.Unlock()
	if closed {
		return nil, net.ErrClosed
	}
	if nc != nil {
		return nc, nil
	}
	nc, err := l.link.dial(ctx)
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

// do sends a request and returns the whole answer; a status other than 200 is a
// *RefusedError.
func (l *line) do(ctx context.Context, r *http.Request) (body string, err error) {
	nc, err := l.connection(ctx)
	if err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	keep := false
	defer func() {
		if !keep {
			l.hangUp()
		}
	}()
	if err := r.Write(nc); err != nil {
		return "", err
	}
	resp, err := http.ReadResponse(l.br, r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return "", err
	}
	keep = !resp.Close
	if resp.StatusCode != http.StatusOK {
		return "", refused(resp.StatusCode, string(data))
	}
	return string(data), nil
}

// hangUp closes the connection; the next request opens another.
func (l *line) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.nc != nil {
		_ = l.nc.Close()
		l.nc = nil
	}
}

func (l *line) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.hangUp()
}

// newRequest makes a request of a client.
func newRequest(method, url, body string, header http.Header) (*http.Request, error) {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	for name, values := range header {
		if strings.EqualFold(name, "Host") && len(values) > 0 {
			r.Host = values[0]
			continue
		}
		r.Header[name] = values
	}
	return r, nil
}
