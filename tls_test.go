// SPDX-License-Identifier: MIT

// This file holds the server behind TLS that net/http ends: WebSocket on
// HTTP/1.1, long-polling on HTTP/1.1 and HTTP/2, and hosts with short timeouts.

package socketio_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"socketio"
	"socketio/engineio"
	"socketio/internal/memnet"
	"socketio/internal/rawclient"
	"socketio/internal/ws"
)

// What a TLS server speaks with clients that poll.
const (
	http1 = "http/1.1"
	http2 = "h2"
)

// certificate returns a new certificate for 127.0.0.1 that signs itself, and
// whom to trust to accept it.
func certificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// overTLS has a test over TLS, in virtual time and over TCP, with polling on the
// version of HTTP. host, if not nil, sets up the HTTP server.
func overTLS(t *testing.T, version string, opts *socketio.Options, host func(*http.Server), test func(w *world)) {
	t.Run(version+"/memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := memnet.Listen()
			w := newTLSWorld(t, version, with(opts, engineio.DriverGoroutine), host, l, l.Dial)
			w.bubble, w.patient = true, 5*time.Minute
			test(w)
		})
	})
	t.Run(version+"/tcp", func(t *testing.T) { overTCPAndTLS(t, version, opts, host, test) })
}

func overTCPAndTLS(t *testing.T, version string, opts *socketio.Options, host func(*http.Server), test func(w *world)) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	test(newTLSWorld(t, version, opts, host, l, func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", l.Addr().String())
	}))
}

func newTLSWorld(t testing.TB, version string, opts *socketio.Options, host func(*http.Server), l net.Listener, dial func(context.Context) (net.Conn, error)) *world {
	cert, pool := certificate(t)
	w := &world{TB: t, io: socketio.NewServer(opts), log: new(logBook), patient: time.Minute}
	w.handler = w.io
	w.url = "https://" + l.Addr().String() + "/socket.io/"
	// A WebSocket needs HTTP/1.1: a browser asks for it on a connection of its own.
	w.dial = func(ctx context.Context) (net.Conn, error) {
		nc, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		return tls.Client(nc, &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", NextProtos: []string{http1}}), nil
	}
	w.client = &http.Client{Transport: &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		TLSClientConfig:     &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"},
		ForceAttemptHTTP2:   version == http2,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 16,
	}}
	server := &http.Server{
		Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodConnect && r.Header.Get("Upgrade") == "" && r.Proto != map[string]string{http1: "HTTP/1.1", http2: "HTTP/2.0"}[version] {
				t.Errorf("%s %s comes by %s, not by %s", r.Method, r.URL, r.Proto, version)
			}
			w.handler.ServeHTTP(rw, r)
		}),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{http2, http1}},
		ErrorLog:  log.New(w.log, "", 0),
	}
	if host != nil {
		host(server)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.ServeTLS(l, "", "") // it ends with ErrServerClosed
	}()
	t.Cleanup(func() {
		w.client.CloseIdleConnections()
		_ = w.io.Close()
		_ = server.Close()
		<-ended
	})
	return w
}

// overTLSWith runs a test with each way to connect over TLS.
func overTLSWith(t *testing.T, opts *socketio.Options, host func(*http.Server), test func(w *world, transport string)) {
	for _, version := range []string{http1, http2} {
		overTLS(t, version, opts, host, func(w *world) { test(w, polling) })
	}
	t.Run(websocket, func(t *testing.T) {
		overTLS(t, http1, opts, host, func(w *world) { test(w, websocket) })
	})
}

// echoes has the server send each event back, and say what it knows of the peer.
func echoes(w *world) {
	w.io.OnConnection(func(s *socketio.Socket) {
		s.On("echo", func(args ...any) error { return s.Emit("echo", args...) })
		s.On("join", func(room string) error { return s.Join(room) })
		s.On("say", func(room, text string) error { return w.io.To(room).Emit("said", text) })
		s.On("secure", func() bool { return s.Handshake().Secure })
	})
}

func TestTLS(t *testing.T) {
	overTLSWith(t, nil, nil, func(w *world, transport string) {
		echoes(w)
		p, other := w.join(transport), w.join(transport)
		p.says(`2["echo","é€😀",1.5,null]`)
		p.hears(`2["echo","é€😀",1.5,null]`)
		p.says(`51-["echo",{"_placeholder":true,"num":0}]`, []byte{0, 255, 1})
		p.hears(`51-["echo",{"_placeholder":true,"num":0}]`, []byte{0, 255, 1})
		large := strings.Repeat("0123456789", 90_000)
		p.says(`2["echo","` + large + `"]`)
		p.hears(`2["echo","` + large + `"]`)
		for _, member := range []*peer{p, other} {
			member.says(`20["join","r"]`)
			member.hears("30[]")
		}
		p.says(`2["say","r","hello"]`)
		p.hears(`2["said","hello"]`)
		other.hears(`2["said","hello"]`)
		p.says(`21["secure"]`)
		p.hears(`31[true]`)
		for i := range 200 {
			p.says(`2["echo",` + strings.Repeat("1", 1+i%9) + `]`)
		}
		for i := range 200 {
			p.hears(`2["echo",` + strings.Repeat("1", 1+i%9) + `]`)
		}
		other.goes()
		p.isOpen()
		_ = w.io.Close()
		p.isClosed(ws.CodeGoingAway)
	})
}

// A session that polls over HTTP/2 upgrades on a second connection.
func TestTLSUpgrade(t *testing.T) {
	for _, version := range []string{http1, http2} {
		overTLS(t, version, nil, nil, func(w *world) {
			echoes(w)
			p := w.join(polling)
			p.says(`2["echo","before"]`)
			p.hears(`2["echo","before"]`)
			p.upgrades()
			p.says(`2["echo","after"]`)
			p.hears(`2["echo","after"]`)
			want(w, "sessions", w.io.Connections(), 1)
		})
	}
}

// HTTP/2 carries requests side by side on one connection. A stream that is reset
// is a poll given up, and ends its session alone.
func TestHTTP2Streams(t *testing.T) {
	overTLS(t, http2, nil, nil, func(w *world) {
		echoes(w)
		gone := make(chan string, 100)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.OnDisconnect(func(socketio.DisconnectReason) { gone <- s.ID() })
		})
		polls := w.polls()
		peers := make([]*peer, 30)
		for i := range peers {
			peers[i] = w.open(polling)
		}
		quitter := peers[7].joins("/")
		peers[7].polled(polls)
		peers[7].cancel()
		want(w, "who went", within(w, "the end of a session", gone), quitter)
		for i, p := range peers {
			if i != 7 {
				p.joins("/")
				p.says(`2["echo",1]`)
				p.hears(`2["echo",1]`)
			}
		}
	})
}

// polls notes the session of each poll that comes. Call it before any does.
func (w *world) polls() <-chan string {
	arrived, next := make(chan string, 1000), w.handler
	w.handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if sid := r.URL.Query().Get("sid"); sid != "" && r.Method == http.MethodGet {
			arrived <- sid
		}
		next.ServeHTTP(rw, r)
	})
	return arrived
}

// polled waits until p, who has joined, polls again: the poll before brought the
// answer.
func (p *peer) polled(polls <-chan string) {
	p.w.Helper()
	for n := 0; n < 2; {
		if within(p.w, "a poll", polls) == p.sid {
			n++
		}
	}
}

// What is refused over HTTP/1.1 is refused over HTTP/2.
func TestHTTP2Refusals(t *testing.T) {
	overTLS(t, http2, &socketio.Options{MaxPayload: 1000}, nil, func(w *world) {
		p := w.open(polling)
		p.joins("/")
		session := "?EIO=4&transport=polling&sid=" + url.QueryEscape(p.sid)
		for name, row := range map[string]struct {
			method, query, body string
			status              int
		}{
			"no such session": {"GET", "?EIO=4&transport=polling&sid=x", "", 400},
			"no transport":    {"GET", "?EIO=4", "", 400},
			"WebSocket":       {"GET", "?EIO=4&transport=websocket", "", 400},
			"a bad method":    {"PUT", "?EIO=4&transport=polling", "", 400},
		} {
			status, answer := p.request(row.method, row.query, row.body)
			if status != row.status || !strings.Contains(answer, `"code":`) {
				w.Errorf("%s: %d %s", name, status, answer)
			}
		}
		p.isOpen()
		status, answer := p.request("POST", session, "4"+strings.Repeat("x", 1500))
		want(w, "a body that is too large: "+answer, status, 413)
		p.isClosed(0)
	})
}

// A host with timeouts of 5 s cuts neither a parked poll nor a WebSocket, on any
// version of HTTP.
func TestTLSHostTimeouts(t *testing.T) {
	strict := func(s *http.Server) {
		s.ReadTimeout, s.WriteTimeout = 5*time.Second, 5*time.Second
		s.ReadHeaderTimeout, s.IdleTimeout = 5*time.Second, 5*time.Second
	}
	test := func(w *world, transport string) {
		echoes(w)
		p := w.join(transport)
		for range 3 {
			time.Sleep(17 * time.Second) // virtual; pings come meanwhile, but not just when the host closes idle connections
			p.says(`2["echo","late"]`)
			p.hears(`2["echo","late"]`)
		}
	}
	for name, row := range map[string]struct{ version, transport string }{
		"polling over HTTP/1.1": {http1, polling}, "polling over HTTP/2": {http2, polling}, "WebSocket": {http1, websocket},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := memnet.Listen()
				w := newTLSWorld(t, row.version, with(nil, engineio.DriverGoroutine), strict, l, l.Dial)
				w.bubble, w.patient = true, 5*time.Minute
				test(w, row.transport)
			})
		})
	}
}

// A POST that waits for a slow handler outlives the host's timeouts too.
func TestTLSHostTimeoutsAndSlowHandler(t *testing.T) {
	strict := func(s *http.Server) { s.ReadTimeout, s.WriteTimeout = 5*time.Second, 5*time.Second }
	for _, version := range []string{http1, http2} {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := memnet.Listen()
				opts := &socketio.Options{Limits: socketio.SocketLimits{MaxInboxPackets: 2}, Engine: engineio.Options{Driver: engineio.DriverGoroutine}}
				w := newTLSWorld(t, version, opts, strict, l, l.Dial)
				w.bubble, w.patient = true, 5*time.Minute
				w.io.OnConnection(func(s *socketio.Socket) {
					s.On("slow", func(int) error {
						select {
						case <-time.After(4 * time.Second):
							return s.Emit("done")
						case <-s.Context().Done():
							return nil
						}
					})
				})
				p := w.join(polling)
				p.says(`2["slow",1]`, `2["slow",2]`, `2["slow",3]`, `2["slow",4]`, `2["slow",5]`, `2["slow",6]`)
				for range 6 {
					p.hears(`2["done"]`)
				}
			})
		})
	}
}

// The client files over HTTP/2, and two servers and a page in one mux.
func TestTLSMux(t *testing.T) {
	overTLS(t, http2, nil, nil, func(w *world) {
		second := newServer(w, with(nil, engineio.DriverGoroutine))
		second.OnConnection(func(s *socketio.Socket) { s.On("who", func() string { return "second" }) })
		w.io.OnConnection(func(s *socketio.Socket) { s.On("who", func() string { return "first" }) })
		mux := http.NewServeMux()
		mux.Handle("/socket.io/", w.io)
		mux.Handle("/second/", second)
		mux.Handle("/stripped/", http.StripPrefix("/stripped", second))
		mux.HandleFunc("/", func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "page") })
		w.handler = mux
		root := strings.TrimSuffix(w.url, "socket.io/")
		for path, who := range map[string]string{"socket.io/": "first", "second/": "second", "stripped/ws/": "second"} {
			w.url = root + path
			for _, transport := range []string{polling, websocket} {
				p := w.join(transport)
				p.says(`21["who"]`)
				p.hears(`31["` + who + `"]`)
			}
			status, body := w.get("socket.io.min.js")
			if status != 200 || !strings.HasPrefix(body, "/*! Socket.IO client") {
				w.Errorf("%s: the client: %d %.40q", path, status, body)
			}
		}
		w.url = root
		if status, body := w.get("index.html"); status != 200 || body != "page" {
			w.Errorf("the page: %d %q", status, body)
		}
	})
}

func (w *world) get(path string) (status int, body string) {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.url+path, nil)
	if err != nil {
		w.Fatal(err)
	}
	got := rawclient.Do(w.client, r)
	if got.Err != nil {
		w.Fatal(got.Err)
	}
	return got.Status, got.Body
}
