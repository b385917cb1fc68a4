// SPDX-License-Identifier: MIT

// This file holds the stage for the dialogues of this package: an engine behind an HTTP/3
// server on 127.0.0.1, and a client that is independent of its code.

package webtransport_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	wt "github.com/quic-go/webtransport-go"

	"socketio/engineio"
	"socketio/engineio/webtransport"
	"socketio/internal/leakcheck"
	"socketio/internal/rawclient"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// patience is the time limit for expected events.
const patience = time.Minute

// A stage is a running server.
type stage struct {
	t      *testing.T
	engine *engineio.Server
	wt     *webtransport.Server
	host   string // of HTTP/3
	polls  *httptest.Server
	roots  *x509.CertPool
	opened chan *side

	ended chan error // of Serve
}

// A side is the server's end of a session. It echoes.
type side struct {
	*engineio.Conn
	upgraded, closed chan struct{}
	reason           engineio.CloseReason
}

func (s *side) HandleMessage(binary bool, data []byte) {
	if binary {
		s.Send(engineio.BinaryMessage(data))
	} else {
		s.Send(engineio.TextMessage(string(data)))
	}
}

func (s *side) HandleClose(reason engineio.CloseReason, _ error) {
	s.reason = reason
	close(s.closed)
}
func (s *side) HandleReadEnd() {}
func (s *side) HandleTimer()   {}
func (s *side) HandleUpgrade() { close(s.upgraded) }

// wantEnd waits for the end of the session.
func (st *stage) wantEnd(s *side, reason engineio.CloseReason) {
	st.t.Helper()
	select {
	case <-s.closed:
	case <-time.After(patience):
		st.t.Fatal("the session is still open")
	}
	if s.reason != reason {
		st.t.Fatalf("it closed with %q, want %q", s.reason, reason)
	}
}

// next returns the next session that opens.
func (st *stage) next() *side {
	st.t.Helper()
	select {
	case s := <-st.opened:
		return s
	case <-time.After(patience):
		st.t.Fatal("no session opened")
	}
	return nil
}

// serve starts a server that ends with the test.
func serve(t *testing.T, o engineio.Options, wrap func(http.Handler) http.Handler) *stage {
	t.Helper()
	st := &stage{t: t, opened: make(chan *side, 16), ended: make(chan error, 1), roots: x509.NewCertPool()}
	if o.Transports == nil {
		o.Transports = []string{"polling", "websocket", "webtransport"}
	}
	st.engine = engineio.NewServer(&o, func(c *engineio.Conn) engineio.Handler {
		s := &side{Conn: c, upgraded: make(chan struct{}), closed: make(chan struct{})}
		st.opened <- s
		return s
	})
	h3 := &http3.Server{TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate(t, st.roots)}}}
	st.wt = webtransport.NewServer(st.engine, h3)
	st.wt.SetLinger(2 * time.Second) // a client on a slow machine needs that much
	if wrap != nil {
		h3.Handler = wrap(st.wt)
	}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	st.host = pc.LocalAddr().String()
	st.polls = httptest.NewServer(st.engine)
	go func() { st.ended <- st.wt.Serve(pc) }()
	t.Cleanup(func() {
		st.engine.Close()
		if n := st.engine.Count(); n != 0 {
			t.Errorf("%d sessions left", n)
		}
		st.wt.Close()
		<-st.ended
		pc.Close()
		st.polls.Close()
	})
	return st
}

// certificate returns a certificate for 127.0.0.1, and its root.
func certificate(t *testing.T, roots *x509.CertPool) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// A client is a WebTransport session and its stream.
type client struct {
	st      *stage
	session *wt.Session
	stream  *wt.Stream
	packets *rawclient.Stream
}

// dial opens a WebTransport session. window is the number of bytes that the client
// accepts before it reads; 0 means the default.
func (st *stage) dial(window uint64, headers ...string) (*http.Response, *wt.Session, error) {
	d := &wt.Transport{
		TLSClientConfig: &tls.Config{RootCAs: st.roots, NextProtos: []string{http3.NextProtoH3}},
		QUICConfig: &quic.Config{
			EnableDatagrams: true, EnableStreamResetPartialDelivery: true,
			InitialStreamReceiveWindow: window, MaxStreamReceiveWindow: window,
		},
	}
	header := make(http.Header)
	for i := 0; i < len(headers); i += 2 {
		header.Add(headers[i], headers[i+1])
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	rsp, session, err := d.Dial(ctx, "https://"+st.host+"/socket.io/?EIO=4&transport=webtransport", header)
	if session != nil {
		st.t.Cleanup(func() { session.CloseWithError(0, "") })
	}
	return rsp, session, err
}

// connect opens a session and a stream, and sends first on it.
func (st *stage) connect(window uint64, first string) *client {
	st.t.Helper()
	_, session, err := st.dial(window)
	if err != nil {
		st.t.Fatal(err)
	}
	stream, err := session.OpenStream()
	if err != nil {
		st.t.Fatal(err)
	}
	c := &client{st: st, session: session, stream: stream, packets: rawclient.NewStream(stream, stream)}
	stream.SetDeadline(time.Now().Add(patience))
	c.send(first)
	return c
}

// open opens an Engine.IO session.
func (st *stage) open(window uint64) (*client, *side) {
	st.t.Helper()
	c := st.connect(window, "0")
	text, _ := c.read()
	open, err := rawclient.ParseOpen(text)
	if err != nil {
		st.t.Fatal(err)
	}
	s := st.next()
	if open.SID != s.ID() {
		st.t.Fatalf("the open packet is %q, the session %q", text, s.ID())
	}
	return c, s
}

// raw sends bytes as they are.
func (c *client) raw(b []byte) {
	c.st.t.Helper()
	if _, err := c.stream.Write(b); err != nil {
		c.st.t.Fatal(err)
	}
}

func (c *client) send(text string) { c.write(rawclient.Packet{Text: text}) }

func (c *client) write(packet rawclient.Packet) {
	c.st.t.Helper()
	if err := c.packets.Write(packet); err != nil {
		c.st.t.Fatal(err)
	}
}

// read reads one frame; bytes begin with "b:".
func (c *client) read() (string, error) {
	packet, err := c.packets.Read()
	if packet.Binary != nil {
		return "b:" + string(packet.Binary), err
	}
	return packet.Text, err
}

func (c *client) want(what, text string) {
	c.st.t.Helper()
	if got, err := c.read(); err != nil || got != text {
		c.st.t.Fatalf("%s: got %.60q (%v), want %.60q", what, got, err, text)
	}
}

// wantGone expects the server to close the session, in time.
func (c *client) wantGone(what string) {
	c.st.t.Helper()
	err := c.end(what)
	// A reset may replace the close, which is sent within 10 ms or not at all.
	if reset := (*http3.Error)(nil); errors.As(err, &reset) && reset.ErrorCode == http3.ErrCodeDatagramError {
		return
	}
	c.wantOrder(what, err)
}

// wantClosed is wantGone with an orderly close.
func (c *client) wantClosed(what string) {
	c.st.t.Helper()
	c.wantOrder(what, c.end(what))
}

func (c *client) wantOrder(what string, err error) {
	c.st.t.Helper()
	var gone *wt.SessionError
	if !errors.As(err, &gone) || !gone.Remote || gone.ErrorCode != 0 {
		c.st.t.Fatalf("%s: the session ended with %v", what, err)
	}
}

// end waits for the end of the session and returns why it ended.
func (c *client) end(what string) error {
	c.st.t.Helper()
	select {
	case <-c.session.Context().Done():
	case <-time.After(patience):
		c.st.t.Fatalf("%s: the session is still open", what)
	}
	_, err := c.session.AcceptStream(context.Background())
	return err
}

// poll makes a request of long-polling.
func (st *stage) poll(method, query, body string) string {
	st.t.Helper()
	polls := rawclient.Server{URL: st.polls.URL + "/socket.io/", Do: func(r *http.Request) rawclient.Reply { return rawclient.Do(st.polls.Client(), r) }}
	got := polls.Request(context.Background(), method, "EIO=4&transport=polling"+query, strings.NewReader(body))
	if got.Err != nil || got.Status != 200 {
		st.t.Fatalf("%s %s: %d %s (%v)", method, query, got.Status, got.Body, got.Err)
	}
	return got.Body
}

// request makes an ordinary request over HTTP/3.
func (st *stage) request(method string) (*http.Response, error) {
	tr := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: st.roots}}
	defer tr.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "https://"+st.host+"/socket.io/", nil)
	if err != nil {
		return nil, err
	}
	rsp, err := tr.RoundTrip(req)
	if err == nil {
		rsp.Body.Close()
	}
	return rsp, err
}
