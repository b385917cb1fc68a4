// SPDX-License-Identifier: MIT

// This file holds the clients of a dialogue over HTTP/2, where a WebSocket is a stream
// that an extended CONNECT opens (RFC 8441). net/http accepts such a request only in a
// process with GODEBUG=http2xconnect=1, so a test starts this program again; in that
// process all peers of this package use HTTP/2.

package engineio_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"socketio/internal/ws/wstest"
)

const (
	xconnect = "http2xconnect=1"
	overH2   = "ENGINEIO_TEST_HTTP2" // in the environment: peers speak HTTP/2
)

// isOverHTTP2 reports whether all peers of this process use HTTP/2.
var isOverHTTP2 = os.Getenv(overH2) != ""

// inHTTP2 runs tests of this package in a process where peers use HTTP/2. Each must pass
// there.
func inHTTP2(t *testing.T, names ...string) {
	t.Helper()
	debug := xconnect
	if set := os.Getenv("GODEBUG"); set != "" {
		debug = set + "," + xconnect
	}
	args := []string{"-test.v", "-test.count=1", "-test.run=^(" + strings.Join(names, "|") + ")$"}
	if testing.Short() {
		args = append(args, "-test.short")
	}
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = append(os.Environ(), overH2+"=1", "GODEBUG="+debug)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, failures(out))
	}
	for _, name := range names {
		if !regexp.MustCompile(`(?m)^--- PASS: ` + regexp.QuoteMeta(name) + ` `).Match(out) {
			t.Errorf("%s did not run:\n%s", name, failures(out))
		}
	}
}

// failures returns an output without the tests that passed.
func failures(out []byte) string {
	var left []string
	for line := range strings.Lines(string(out)) {
		if s := strings.TrimSpace(line); !strings.HasPrefix(s, "=== ") && !strings.HasPrefix(s, "--- PASS") {
			left = append(left, line)
		}
	}
	return strings.Join(left, "")
}

// certificate is the certificate of every server of this process. It is valid in a bubble
// too.
var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		DNSNames:     []string{"chat.example"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
})

// useHTTP2 makes the rig speak HTTP/2. It returns the listener in TLS.
func (r *rig) useHTTP2(l net.Listener, transport *http.Transport) net.Listener {
	own := certificate()
	roots := x509.NewCertPool()
	roots.AddCert(own.Leaf)
	r.scheme, r.h2 = "https", transport
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: "chat.example"}
	transport.ForceAttemptHTTP2 = true
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{own}, NextProtos: []string{"h2", "http/1.1"}})
}

// streams returns a RoundTripper for a connection of HTTP/2. It accepts a header that
// http.Transport would reject.
func (r *rig) streams(ctx context.Context) http.RoundTripper {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.roundTrips != nil {
		return r.roundTrips
	}
	r.h2.Clone() // now TLSNextProto is set
	config := r.h2.TLSClientConfig.Clone()
	config.NextProtos = []string{"h2"}
	plain, err := r.dial(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	c := tls.Client(plain, config)
	if err := c.HandshakeContext(ctx); err != nil {
		r.t.Fatal(err)
	}
	r.h2conn = plain
	r.roundTrips = r.h2.TLSNextProto["h2"]("chat.example:443", c)
	return r.roundTrips
}

// connect requests a WebSocket in a stream.
func (r *rig) connect(query string, header http.Header) (*wstest.Client, *http.Response, error) {
	pr, pw := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodConnect, "https://chat.example"+r.path+"?"+query, pr)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	req.Host = r.host
	req.Header = http.Header{":protocol": {"websocket"}, "Sec-Websocket-Version": {"13"}}
	for name, values := range header {
		if req.Header[http.CanonicalHeaderKey(name)] = values; values == nil {
			delete(req.Header, http.CanonicalHeaderKey(name))
		}
	}
	late := time.AfterFunc(r.w.patience, cancel)
	resp, err := r.streams(ctx).RoundTrip(req)
	late.Stop()
	if err != nil {
		cancel()
		return nil, nil, err
	}
	end := &streamEnd{w: pw, r: resp.Body, cancel: cancel}
	if resp.StatusCode != http.StatusOK {
		r.keep(end)
		return nil, resp, nil
	}
	resp.Body = http.NoBody // it is the stream
	c := wstest.Over(end)
	r.keep(c)
	return c, resp, nil
}

// A streamEnd is the client's end of a stream as a net.Conn.
type streamEnd struct {
	net.Conn // nil: no other method is used
	w        *io.PipeWriter
	r        io.ReadCloser
	cancel   func()
	expired  atomic.Bool

	mu    sync.Mutex
	timer *time.Timer
}

func (e *streamEnd) Read(b []byte) (int, error) {
	n, err := e.r.Read(b)
	if err != nil && e.expired.Load() {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

func (e *streamEnd) Write(b []byte) (int, error) { return e.w.Write(b) }

// CloseWrite ends the client's side.
func (e *streamEnd) CloseWrite() error { return e.w.Close() }

// Close resets the stream if it has not ended.
func (e *streamEnd) Close() error {
	e.SetDeadline(time.Time{})
	e.cancel()
	e.w.Close()
	return e.r.Close()
}

// SetDeadline resets the stream at a time.
func (e *streamEnd) SetDeadline(at time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.timer != nil {
		e.timer.Stop()
		e.timer = nil
	}
	if !at.IsZero() {
		e.timer = time.AfterFunc(time.Until(at), func() {
			e.expired.Store(true)
			e.cancel()
		})
	}
	return nil
}
