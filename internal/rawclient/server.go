// SPDX-License-Identifier: MIT

// This file holds Server: the address of a server and the requests to it.

package rawclient

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"socketio/internal/ws/wstest"
)

// A Server is a server as a client sees it: where it is, and what the client adds to each
// request. It must not change once it is used; then any number of goroutines may use it.
type Server struct {
	// URL is the address of the engine, without a query.
	URL string
	// Query has more parameters, without a separator before them. A parameter with the
	// name of one of Engine.IO's replaces it.
	Query string
	// Header is sent with each request. Host replaces the host of URL. A POST is of type
	// text/plain unless Header has Content-Type; a nil value there means none.
	Header http.Header
	// Revision is that of Engine.IO, 3 or 4. 0 means 4.
	Revision int

	// Do sends the requests of polling.
	Do func(*http.Request) Reply
	// Dial opens the connection of a WebSocket.
	Dial func(context.Context) (net.Conn, error)
	// Shake requests a WebSocket. If nil, it is wstest.Dial on a connection of Dial.
	Shake func(ctx context.Context, url string, header http.Header) (*wstest.Client, *http.Response, error)

	// Plain masks the frames of WebSockets with zeros, so that they can be read on the
	// wire.
	Plain bool
	// Apart writes each packet of a WebSocket by itself. Otherwise the packets of one
	// Session.Write are written at once.
	Apart bool
}

// Target returns the query of a request; sid is empty for a new session.
func (s *Server) Target(transport, sid string) string {
	var b strings.Builder
	own := [][2]string{{"EIO", strconv.Itoa(cmp.Or(s.Revision, 4))}, {"transport", transport}, {"sid", url.QueryEscape(sid)}}
	for _, p := range own {
		if p[1] != "" && !strings.Contains("&"+s.Query, "&"+p[0]+"=") {
			b.WriteString("&" + p[0] + "=" + p[1])
		}
	}
	if s.Query != "" {
		b.WriteString("&" + s.Query)
	}
	return b.String()[1:]
}

// Request sends a request with any query. body may be nil. headers are names and values
// that are added to Header.
func (s *Server) Request(ctx context.Context, method, query string, body io.Reader, headers ...string) Reply {
	r, err := http.NewRequestWithContext(ctx, method, s.URL+"?"+query, body)
	if err != nil {
		return Reply{Err: err}
	}
	for name, values := range s.Header {
		if strings.EqualFold(name, "Host") && len(values) > 0 {
			r.Host = values[0]
			continue
		}
		r.Header[name] = values
	}
	AddHeader(r, headers...)
	return s.Do(r)
}

// Poll sends a GET of a session; sid is empty for a new one.
func (s *Server) Poll(ctx context.Context, sid string) Reply {
	return s.Request(ctx, http.MethodGet, s.Target("polling", sid), nil)
}

// Post sends a payload to a session.
func (s *Server) Post(ctx context.Context, sid, payload string) Reply {
	var headers []string
	if _, set := s.Header["Content-Type"]; !set {
		headers = []string{"Content-Type", "text/plain;charset=UTF-8"}
	}
	return s.Request(ctx, http.MethodPost, s.Target("polling", sid), strings.NewReader(payload), headers...)
}

// WebSocket requests a WebSocket for a session; sid is empty for a new one. If the server
// rejects it, the error is a *Rejection.
func (s *Server) WebSocket(ctx context.Context, sid string) (*wstest.Client, *http.Response, error) {
	shake := s.Shake
	if shake == nil {
		shake = func(ctx context.Context, url string, header http.Header) (*wstest.Client, *http.Response, error) {
			return wstest.Dial(ctx, s.Dial, url, header)
		}
	}
	c, resp, err := shake(ctx, s.URL+"?"+s.Target("websocket", sid), s.Header)
	if err == nil && c == nil {
		err = (&Rejection{Read(resp)}).orErr()
	}
	return c, resp, err
}

// A Rejection is a response that does not do what was asked.
type Rejection struct{ Reply }

func (e *Rejection) Error() string { return fmt.Sprintf("status %d %s", e.Status, e.Body) }

// orErr returns the error of a request without a response, otherwise the Rejection.
func (e *Rejection) orErr() error {
	if e.Err != nil {
		return e.Err
	}
	return e
}
