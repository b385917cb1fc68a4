// SPDX-License-Identifier: MIT

// This file holds a forwarded request as bytes: what one server tells another.

package forward

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"socketio/internal/fields"
)

// The headers between servers. Those of a client that have these names are not passed on.
const (
	headerRequest   = "Socketio-Forward"           // the request
	headerSignature = "Socketio-Forward-Signature" // its signature
	headerRefused   = "Socketio-Forward-Refused"   // of a response: why the request was not believed
)

// format is the first byte of a request.
const format = 1

const (
	maxCertificates = 8
	maxRequest      = 256 << 10 // of the encoded request
)

// A request is what a server passes on of a client's request, except its body.
type request struct {
	from, to string // tags
	at       int64  // Unix time in nanoseconds
	number   uint64
	method   string
	uri      string
	host     string
	remote   string // address of the client
	unix     bool   // the client is connected over a Unix socket
	admitted bool   // the Origin passes the rule of the sender
	length   int64  // of the body, -1 if it is not known
	deadline int64  // of the request's context, Unix time in nanoseconds, 0 without a deadline
	header   http.Header
	tls      *tls.ConnectionState // its plain values, PeerCertificates, and whether they were verified
}

var errFormat = errors.New("forward: malformed")

// append appends the encoded request to b.
func (q *request) append(b []byte) []byte {
	b = append(b, format)
	b = fields.AppendText(fields.AppendText(b, q.from), q.to)
	b = binary.AppendUvarint(binary.AppendVarint(b, q.at), q.number)
	b = fields.AppendText(fields.AppendText(b, q.method), q.uri)
	b = fields.AppendText(fields.AppendText(b, q.host), q.remote)
	b = fields.AppendBool(fields.AppendBool(b, q.unix), q.admitted)
	b = binary.AppendVarint(binary.AppendVarint(b, q.length), q.deadline)
	b = binary.AppendUvarint(b, uint64(len(q.header)))
	for name, values := range q.header {
		b = binary.AppendUvarint(fields.AppendText(b, name), uint64(len(values)))
		for _, v := range values {
			b = fields.AppendText(b, v)
		}
	}
	b = fields.AppendBool(b, q.tls != nil)
	if t := q.tls; t != nil {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(t.Version)), uint64(t.CipherSuite))
		b = fields.AppendText(fields.AppendText(b, t.ServerName), t.NegotiatedProtocol)
		b = fields.AppendBool(fields.AppendBool(b, t.DidResume), len(t.VerifiedChains) > 0)
		certs := t.PeerCertificates[:min(len(t.PeerCertificates), maxCertificates)]
		b = binary.AppendUvarint(b, uint64(len(certs)))
		for _, c := range certs {
			b = fields.AppendText(b, c.Raw)
		}
	}
	return b
}

// A reader reads an encoded request.
type reader struct{ fields.Reader }

// parseRequest reads an encoded request, whose signature has been checked.
func parseRequest(b []byte) (*request, error) {
	if len(b) == 0 || b[0] != format {
		return nil, errFormat
	}
	r := reader{fields.NewReader(b[1:])}
	q := &request{from: r.Text(), to: r.Text(), at: r.Int(), number: r.Uint(), method: r.Text(), uri: r.Text(), host: r.Text(), remote: r.Text()}
	q.unix, q.admitted = r.Bool(), r.Bool()
	q.length, q.deadline = r.Int(), r.Int()
	n := r.Count(2)
	q.header = make(http.Header, n)
	for range n {
		name := r.Text()
		values := make([]string, r.Count(1))
		for i := range values {
			values[i] = r.Text()
		}
		q.header[name] = values
	}
	if r.Bool() {
		q.tls = r.state()
	}
	if r.Failed() || r.Left() > 0 || q.length < -1 {
		return nil, errFormat
	}
	return q, nil
}

// state reads the TLS connection of a client.
func (r *reader) state() *tls.ConnectionState {
	t := &tls.ConnectionState{HandshakeComplete: true, Version: uint16(r.Uint()), CipherSuite: uint16(r.Uint()), ServerName: r.Text(), NegotiatedProtocol: r.Text(), DidResume: r.Bool()}
	verified := r.Bool()
	for range r.Count(1) {
		c, err := x509.ParseCertificate([]byte(r.Text()))
		if err != nil {
			r.Fail()
			return t
		}
		t.PeerCertificates = append(t.PeerCertificates, c)
	}
	if verified {
		t.VerifiedChains = [][]*x509.Certificate{t.PeerCertificates}
	}
	return t
}

// unixAddr is the address of a server's Unix socket at which a client is connected.
type unixAddr struct{}

func (unixAddr) Network() string { return "unix" }
func (unixAddr) String() string  { return "@" }

// isUnix reports whether a request came over a Unix socket.
func isUnix(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	_, ours := local.(unixAddr)
	return ours || local != nil && local.Network() == "unix"
}

// newRequest returns what is passed on of r from a server to another one.
func newRequest(r *http.Request, from, to string, number uint64, admitted bool) *request {
	q := &request{
		from: from, to: to, number: number, at: time.Now().UnixNano(),
		method: r.Method, uri: r.RequestURI, host: r.Host, remote: r.RemoteAddr, unix: isUnix(r),
		admitted: admitted, length: r.ContentLength, tls: r.TLS, header: make(http.Header, len(r.Header)),
	}
	if q.uri == "" { // a middleware, or a test, made the request
		q.uri = r.URL.RequestURI()
	}
	if r.Body == nil || r.Body == http.NoBody {
		q.length = 0
	}
	if end, ok := r.Context().Deadline(); ok {
		q.deadline = end.UnixNano()
	}
	for name, values := range r.Header {
		switch name {
		case headerRequest, headerSignature, headerRefused:
		default:
			q.header[name] = values
		}
	}
	return q
}

// apply gives r, which came from another server, the values of the client's request.
func (q *request) apply(r *http.Request) (err error) {
	if r.URL, err = url.ParseRequestURI(q.uri); err != nil {
		return errFormat
	}
	r.Method, r.RequestURI, r.Host, r.RemoteAddr = q.method, q.uri, q.host, q.remote
	r.Header, r.TLS, r.ContentLength = q.header, q.tls, q.length
	r.TransferEncoding, r.Trailer, r.Form, r.PostForm, r.MultipartForm = nil, nil, nil, nil, nil
	return nil
}
