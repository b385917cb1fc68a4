// SPDX-License-Identifier: MIT

// This file tests attacks: by clients, by others who reach the handler for servers, and by
// others on the bus.

package forward_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio/engineio"
	"socketio/engineio/forward"
	"socketio/internal/rawclient"
)

// The headers between servers.
const (
	headerRequest   = "Socketio-Forward"
	headerSignature = "Socketio-Forward-Signature"
)

// A tap is the network between two servers. It sees and changes requests.
type tap struct {
	t      *testing.T
	proxy  *httptest.Server
	target string // of the real server

	mu     sync.Mutex
	change func(r *http.Request, body []byte) (newBody []byte) // may be nil
	last   *http.Request
	body   []byte
}

// between puts a tap between server 1 and server 0 of a world that is made with it.
func between(t *testing.T, more setting) (*world, *tap) {
	p := &tap{t: t}
	p.proxy = httptest.NewServer(p)
	t.Cleanup(p.proxy.Close)
	w := serve(t, 2, func(i int, f *forward.Options, o *engineio.Options) {
		if i == 0 {
			p.target, f.URL = f.URL, p.proxy.URL
		}
		if more != nil {
			more(i, f, o)
		}
	})
	return w, p
}

// ServeHTTP passes a request on.
func (p *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	if p.change != nil {
		body = p.change(r, body)
	}
	p.last, p.body = r.Clone(context.Background()), body
	p.mu.Unlock()
	resp, err := p.send(r, body)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

func (p *tap) send(r *http.Request, body []byte) (*http.Response, error) {
	out, err := http.NewRequest(r.Method, p.target, strings.NewReader(string(body)))
	if err != nil {
		p.t.Error(err)
		return nil, err
	}
	out.Header = r.Header.Clone()
	out.Close = true
	return http.DefaultTransport.RoundTrip(out)
}

// again sends the last request once more, and returns why it is rejected.
func (p *tap) again() string {
	p.t.Helper()
	p.mu.Lock()
	last, body := p.last, p.body
	p.mu.Unlock()
	resp, err := p.send(last, body)
	if err != nil {
		p.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		p.t.Errorf("the status is %d", resp.StatusCode)
	}
	return resp.Header.Get("Socketio-Forward-Refused")
}

func (p *tap) set(change func(r *http.Request, body []byte) []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change = change
}

// unreachable checks the response for a session that can't be reached.
func unreachable(t *testing.T, got rawclient.Reply, reason string) {
	t.Helper()
	if want := `{"code":1,"message":"Session ID unknown","reason":"` + reason + `"}`; got.Err != nil || got.Status != http.StatusBadRequest || got.Body != want {
		t.Errorf("the response is %d %s %v, want %s", got.Status, got.Body, got.Err, want)
	}
}

// A request that is recorded between two servers and sent again is not believed. Nothing of
// it reaches the session.
func TestRepeatedRequests(t *testing.T) {
	w, p := between(t, nil)
	c := w.polling(0)
	w.to(1)
	if err := c.Write(t.Context(), rawclient.Text("4once")...); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if why := p.again(); why != "repeated" {
			t.Errorf("rejected as %q", why)
		}
	}
	if got, err := c.Read(t.Context()); err != nil || got.Text != "4once" {
		t.Errorf("%v, %v", got, err)
	}
	echoes(t, c, rawclient.Text("4alive")...)
	if n := w.servers[0].node.Stats().Refused; n != 2 {
		t.Errorf("%d requests were refused", n)
	}
}

// A request that is changed between two servers is not believed: its header, its signature,
// or its body. Headers beside the signed ones have no effect.
func TestChangedRequests(t *testing.T) {
	w, p := between(t, nil)
	c := w.polling(0)
	w.to(1)
	flip := func(name string) func(*http.Request, []byte) []byte {
		return func(r *http.Request, body []byte) []byte {
			value := []byte(r.Header.Get(name))
			if value[10]++; value[10] > 'z' || value[10] == '=' {
				value[10] = 'A'
			}
			r.Header.Set(name, string(value))
			return body
		}
	}
	for name, change := range map[string]func(*http.Request, []byte) []byte{
		"the request":    flip(headerRequest),
		"the signature":  flip(headerSignature),
		"no signature":   func(r *http.Request, body []byte) []byte { r.Header.Del(headerSignature); return body },
		"nothing signed": func(r *http.Request, body []byte) []byte { r.Header.Del(headerRequest); return body },
		"not base64":     func(r *http.Request, body []byte) []byte { r.Header.Set(headerRequest, "%"); return body },
	} {
		p.set(change)
		unreachable(t, w.client.Post(t.Context(), c.Opened.SID, "4"+name), forward.ReasonNotTrusted)
		unreachable(t, w.client.Poll(t.Context(), c.Opened.SID), forward.ReasonNotTrusted)
	}
	p.set(func(r *http.Request, body []byte) []byte { // what others may add is not read
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("X-Forwarded-For", "192.0.2.1")
		r.Method = http.MethodPut
		return body
	})
	echoes(t, c, rawclient.Text("4alive")...)

	for name, change := range map[string]func(body []byte) []byte{
		"a letter":  func(b []byte) []byte { b[1] ^= 1; return b },
		"longer":    func(b []byte) []byte { return append([]byte("4more\x1e"), b...) },
		"shorter":   func(b []byte) []byte { return b[:len(b)-1] },
		"signature": func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"nothing":   func([]byte) []byte { return nil },
	} {
		c := w.polling(0)
		w.to(1)
		p.set(func(_ *http.Request, body []byte) []byte { return change(body) })
		before := w.servers[0].heard.Load()
		got := w.client.Post(t.Context(), c.Opened.SID, "4changed")
		if got.Status == http.StatusOK {
			t.Errorf("%s: the body is accepted", name)
		}
		if reason := wait(t, w.servers[0]); reason != engineio.ReasonTransportError {
			t.Errorf("%s: the session ended because of %q", name, reason)
		}
		p.set(nil)
		if w.servers[0].heard.Load() != before {
			t.Errorf("%s: the session has got a message", name)
		}
	}
}

// A server with another secret is not believed, by requests or by announcements.
func TestAnotherSecret(t *testing.T) {
	w := serve(t, 2, func(i int, f *forward.Options, _ *engineio.Options) {
		if i == 1 {
			f.Secret = []byte("another secret of sixteen bytes or more")
		}
	})
	c := w.polling(0)
	w.to(1)
	unreachable(t, w.rejected(c.Opened.SID), forward.ReasonUnknownServer)
	for _, s := range w.servers {
		if got := s.node.Stats(); got.Announcements != 1 {
			t.Errorf("%+v", got)
		}
		if log := s.log.String(); !strings.Contains(log, "forward.Options.Secret") {
			t.Errorf("the log does not say what is wrong: %q", log)
		}
	}
}

// An announcement is worth nothing under another name, changed, or malformed.
func TestForgedAnnouncements(t *testing.T) {
	w := serve(t, 2, nil)
	c := w.polling(0)
	a, b := w.servers[0].node, w.servers[1].node
	good := a.Announcement("a")
	evil := json.RawMessage(strings.Replace(string(good), `"url":"http://`, `"url":"http://evil.`, 1))
	b.Left("a")
	for name, data := range map[string]json.RawMessage{"another name": a.Announcement("x"), "another URL": evil, "malformed": json.RawMessage(`{`), "empty": json.RawMessage(`{}`)} {
		before := b.Stats().Announcements
		b.Announced("a", data)
		if b.Stats().Announcements != before+1 {
			t.Errorf("%s: it is believed", name)
		}
	}
	w.to(1)
	unreachable(t, w.rejected(c.Opened.SID), forward.ReasonUnknownServer)
	b.Announced("a", good)
	b.Announced("z", a.Announcement("z")) // the same server again, under another name: the first one counts
	b.Left("z")
	echoes(t, c, rawclient.Text("4alive")...)
}

// What a client says about itself in our headers is neither believed nor passed on, on the
// public handler and on that for servers.
func TestClientsWithOurHeaders(t *testing.T) {
	seen := make(chan http.Header, 10)
	w, p := between(t, func(i int, _ *forward.Options, o *engineio.Options) {
		o.SessionBinding = func(_ context.Context, r *engineio.SessionRequest) error {
			seen <- r.Request.Header.Clone()
			return nil
		}
	})
	c := w.polling(0)
	w.to(1)
	echoes(t, c, rawclient.Text("4a request to record")...)
	p.mu.Lock()
	recorded := p.last.Header
	p.mu.Unlock()
	for len(seen) > 0 {
		<-seen
	}
	evil := []string{headerRequest, recorded.Get(headerRequest), headerSignature, recorded.Get(headerSignature), "X-Own", "mine"}
	for _, i := range []int{0, 1} {
		w.to(i)
		if got := w.client.Request(t.Context(), http.MethodPost, w.client.Target("polling", c.Opened.SID), strings.NewReader("4hello"), evil...); got.Body != "ok" {
			t.Fatalf("%+v", got)
		}
		h := <-seen
		if h.Get("X-Own") != "mine" {
			t.Errorf("the headers are %v", h)
		}
		if i == 1 && h.Get(headerRequest)+h.Get(headerSignature) != "" {
			t.Errorf("our headers were passed on: %v", h)
		}
	}
	// The handler for servers believes nobody without a signature.
	for _, headers := range []http.Header{{}, {headerRequest: {"AQ"}, headerSignature: {"AQ"}}, {headerRequest: recorded[headerRequest]}} {
		r, _ := http.NewRequest(http.MethodGet, w.servers[0].private.URL+"/?EIO=4&transport=polling", nil)
		r.Header, r.Close = headers, true
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden || resp.Header.Get("Socketio-Forward-Refused") != "signature" {
			t.Errorf("%d %v", resp.StatusCode, resp.Header)
		}
	}
	if n := w.servers[0].engine.Count(); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// A made-up id with the tag of nobody is rejected by the table alone, also as an upgrade; so is
// one of this server that does not exist. Nothing is asked of other servers.
func TestUnknownTags(t *testing.T) {
	w := serve(t, 2, nil)
	w.to(0)
	unreachable(t, w.rejected("abcdef.aaaaaaaaaaaaaaaaaaaa"), forward.ReasonUnknownServer)
	_, _, err := w.client.WebSocket(t.Context(), "abcdef.aaaaaaaaaaaaaaaaaaaa")
	if rejection, ok := err.(*rawclient.Rejection); !ok {
		t.Errorf("the upgrade: %v", err)
	} else {
		unreachable(t, rejection.Reply, forward.ReasonUnknownServer)
	}
	// Sessions that have ended, here and there, and ids without a tag: as on one server.
	for _, sid := range []string{w.servers[0].node.Tag() + ".aaaaaaaaaaaaaaaaaaaa", w.servers[1].node.Tag() + ".aaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaa", "a/b", w.servers[1].node.Tag() + "."} {
		if got := w.rejected(sid); got.Status != http.StatusBadRequest || got.Body != `{"code":1,"message":"Session ID unknown"}` {
			t.Errorf("%q: %+v", sid, got)
		}
	}
	if n := w.servers[1].node.Stats().Received; n != 1 {
		t.Errorf("the other server has got %d requests", n)
	}
}

// A server that is gone: the response says so, at once, also to polls that were waiting.
// After a connection has failed, no other is tried for a second.
func TestTheServerIsGone(t *testing.T) {
	var mu sync.Mutex
	dials := 0
	w := serve(t, 2, func(_ int, f *forward.Options, _ *engineio.Options) {
		f.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			mu.Lock()
			dials++
			mu.Unlock()
			return new(net.Dialer).DialContext(ctx, network, addr)
		}
	})
	c := w.polling(0)
	w.to(1)
	parked := make(chan rawclient.Reply, 1)
	go func() { parked <- w.client.Poll(t.Context(), c.Opened.SID) }()
	until(t, "the poll waits", func() bool { return w.servers[0].node.Stats().Received == 1 })
	w.servers[0].private.CloseClientConnections()
	_ = w.servers[0].private.Listener.Close()
	unreachable(t, <-parked, forward.ReasonServerGone)
	mu.Lock()
	dials = 0
	mu.Unlock()
	for range 5 {
		unreachable(t, w.rejected(c.Opened.SID), forward.ReasonServerGone)
	}
	mu.Lock()
	if dials > 2 { // more only if a second has passed
		t.Errorf("%d connections were tried", dials)
	}
	mu.Unlock()
	w.servers[1].node.Left("a")
	unreachable(t, w.rejected(c.Opened.SID), forward.ReasonUnknownServer)
}

// A server that has started again at the URL of another one does not believe requests for it,
// nor does a program that is no server of ours.
func TestAnotherServerAtTheURL(t *testing.T) {
	w, p := between(t, nil)
	c := w.polling(0)
	other := start(t, 2, nil)
	defer other.stop()
	p.target = other.private.URL
	w.to(1)
	unreachable(t, w.rejected(c.Opened.SID), forward.ReasonNotTrusted)
	if log := w.servers[1].log.String(); !strings.Contains(log, "another server") {
		t.Errorf("the log: %q", log)
	}
	stranger := httptest.NewServer(http.NotFoundHandler())
	defer stranger.Close()
	p.target = stranger.URL
	unreachable(t, w.rejected(c.Opened.SID), forward.ReasonNotTrusted)
	_, _, err := w.client.WebSocket(t.Context(), c.Opened.SID)
	if rejection, ok := err.(*rawclient.Rejection); !ok || rejection.Status != http.StatusBadRequest {
		t.Errorf("the upgrade: %v", err)
	}
}

// The address of the client, its Host, and what proxies say of it reach the server of the session;
// what others say of a client is believed only from trusted peers, there as here.
func TestWhatTravels(t *testing.T) {
	seen := make(chan engineio.SessionRequest, 10)
	w := serve(t, 2, func(_ int, _ *forward.Options, o *engineio.Options) {
		o.SessionBinding = func(_ context.Context, r *engineio.SessionRequest) error {
			r.Request = r.Request.Clone(context.Background())
			seen <- *r
			return nil
		}
	})
	c := w.polling(0)
	var got [2]engineio.SessionRequest
	for i := range got {
		w.to(i)
		w.client.Request(t.Context(), http.MethodPost, w.client.Target("polling", c.Opened.SID)+"&more=%20x", strings.NewReader("4hello"),
			"X-Odd", "\xff\x80", "Cookie", "a=1", "Cookie", "b=2", "X-Forwarded-For", "192.0.2.1", "Host", "chat.example")
		got[i] = <-seen
	}
	direct, forwarded := got[0].Request, got[1].Request
	if forwarded.RequestURI != direct.RequestURI || forwarded.Host != direct.Host || forwarded.Method != direct.Method || forwarded.ContentLength != direct.ContentLength ||
		forwarded.URL.String() != direct.URL.String() || forwarded.TLS != nil {
		t.Errorf("direct %+v, forwarded %+v", direct, forwarded)
	}
	for name, values := range direct.Header {
		if strings.Join(forwarded.Header[name], "|") != strings.Join(values, "|") {
			t.Errorf("%s: %q, want %q", name, forwarded.Header[name], values)
		}
	}
	if a, b := got[0].RemoteAddr, got[1].RemoteAddr; a != b { // one connection of the client
		t.Errorf("the addresses are %q and %q", a, b)
	}
}

// Without a secret nothing is forwarded, ids have no tag, and the log says so.
func TestWithoutASecret(t *testing.T) {
	w := serve(t, 2, func(_ int, f *forward.Options, _ *engineio.Options) { f.Secret, f.URL = nil, "" })
	c := w.polling(0)
	if len(c.Opened.SID) != 20 {
		t.Errorf("the id is %q", c.Opened.SID)
	}
	w.to(1)
	if got := w.rejected(c.Opened.SID); got.Body != `{"code":1,"message":"Session ID unknown"}` {
		t.Errorf("%+v", got)
	}
	if log := w.servers[0].log.String(); !strings.Contains(log, "not forwarded: forward.Options.Secret is not set") {
		t.Errorf("the log: %q", log)
	}
	if w.servers[0].node.Announcement("a") != nil {
		t.Error("there is an announcement")
	}
	resp := httptest.NewRecorder()
	w.servers[0].node.ServeHTTP(resp, httptest.NewRequest(http.MethodGet, "/", nil))
	if resp.Code != http.StatusServiceUnavailable {
		t.Errorf("the handler for servers answers %d", resp.Code)
	}
}

// Options that can't work panic, with a message that names them.
func TestOptions(t *testing.T) {
	for want, o := range map[string]*forward.Options{
		"forward: Options.Secret ":      {Secret: []byte("short"), URL: "http://a/"},
		"forward: Options.URL ":         {Secret: secret},
		"forward: Options.URL must":     {Secret: secret, URL: "ftp://a/"},
		"forward: Options.URL must be":  {Secret: secret, URL: "http://user@a/"},
		"forward: Options.MaxRequests ": {Secret: secret, URL: "http://a/", MaxRequests: -1},
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, want) {
					t.Errorf("%+v: the panic is %q", o, text)
				}
			}()
			forward.New(o)
		}()
	}
}

// With upgrades disabled, a client stays on polling.
func TestUpgradesAreNotForwarded(t *testing.T) {
	w := serve(t, 2, func(_ int, f *forward.Options, _ *engineio.Options) { f.DisableUpgrades = true })
	c := w.polling(0)
	w.to(1)
	rejection, ok := c.Connect(t.Context()).(*rawclient.Rejection)
	if !ok {
		t.Fatal("the upgrade is accepted")
	}
	unreachable(t, rejection.Reply, forward.ReasonNotForwarded)
	echoes(t, c, rawclient.Text("4alive")...)
}

// Over TLS between the servers the same works, on polling and after the upgrade.
func TestTLSBetweenServers(t *testing.T) {
	own := httptest.NewTLSServer(http.NotFoundHandler())
	own.Close()
	config := &tls.Config{Certificates: own.TLS.Certificates, RootCAs: own.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	w := serve(t, 2, func(_ int, f *forward.Options, _ *engineio.Options) {
		f.TLS, f.URL = config, strings.Replace(f.URL, "http:", "https:", 1)
	})
	c := w.polling(0)
	w.to(1)
	echoes(t, c, messages...)
	upgrade(t, c)
	echoes(t, c, messages...)
}

// Polls above MaxRequests are rejected at once.
func TestMaxRequests(t *testing.T) {
	w := serve(t, 2, func(_ int, f *forward.Options, _ *engineio.Options) { f.MaxRequests = 1 })
	c, other := w.polling(0), w.polling(0)
	w.to(1)
	parked := make(chan rawclient.Reply, 1)
	go func() { parked <- w.client.Poll(t.Context(), c.Opened.SID) }()
	until(t, "the poll waits", func() bool { return w.servers[0].node.Stats().Received == 1 })
	unreachable(t, w.client.Post(t.Context(), other.Opened.SID, "4hello"), forward.ReasonBusy)
	w.to(0)
	if got := w.client.Post(t.Context(), c.Opened.SID, "4hello"); got.Body != "ok" {
		t.Errorf("%+v", got)
	}
	if got := <-parked; got.Body != "4hello" {
		t.Errorf("%+v", got)
	}
}

// The server of a session sees that a client has left a poll that was forwarded.
func TestAForwardedPollIsAborted(t *testing.T) {
	w := serve(t, 2, nil)
	c := w.polling(0)
	w.to(1)
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan rawclient.Reply, 1)
	go func() { left <- w.client.Poll(ctx, c.Opened.SID) }()
	until(t, "the poll waits", func() bool { return w.servers[0].node.Stats().Received == 1 })
	cancel()
	<-left
	if reason := wait(t, w.servers[0]); reason != engineio.ReasonTransportError {
		t.Errorf("the session ended because of %q", reason)
	}
}

// A body that is larger than the owner's limit is rejected with its response, before it has
// arrived; so is one that comes too slowly.
func TestBodiesUnderTheOwnersLimits(t *testing.T) {
	w := serve(t, 2, func(i int, _ *forward.Options, o *engineio.Options) {
		if i == 0 {
			o.MaxPayload, o.BodyTimeout = 1000, 50*time.Millisecond
		}
	})
	for name, test := range map[string]struct {
		body   func() (io.Reader, func())
		status int
	}{
		"too large": {func() (io.Reader, func()) { return strings.NewReader("4" + strings.Repeat("x", 1<<20)), func() {} }, http.StatusRequestEntityTooLarge},
		"too large, of unknown length": {func() (io.Reader, func()) {
			return struct{ io.Reader }{strings.NewReader("4" + strings.Repeat("x", 1<<20))}, func() {}
		}, http.StatusRequestEntityTooLarge},
		"too slow": {func() (io.Reader, func()) {
			r, wr := io.Pipe()
			go func() { _, _ = wr.Write([]byte("4x")) }()
			return r, func() { _ = wr.Close() }
		}, http.StatusRequestTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			c := w.polling(0)
			w.to(1)
			body, end := test.body()
			defer end()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.client.URL+"?"+w.client.Target("polling", c.Opened.SID), body)
			if err != nil {
				t.Fatal(err)
			}
			transport := new(http.Transport)
			defer transport.CloseIdleConnections()
			resp, err := transport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != test.status {
				t.Errorf("the status is %d", resp.StatusCode)
			}
			if reason := wait(t, w.servers[0]); reason != engineio.ReasonTransportError {
				t.Errorf("the session ended because of %q", reason)
			}
		})
	}
}

// After Close nothing is forwarded, forwarded WebSockets are closed, and no goroutine is left.
func TestClose(t *testing.T) {
	w := serve(t, 2, nil)
	c := w.polling(0)
	w.to(1)
	upgrade(t, c)
	echoes(t, c, rawclient.Text("4hello")...)
	_ = w.servers[1].node.Close()
	if got, err := c.Read(t.Context()); err == nil {
		t.Errorf("the client receives %v", got)
	}
	if n := w.servers[1].node.Stats().Open; n != 0 {
		t.Errorf("%d WebSockets are forwarded", n)
	}
	unreachable(t, w.rejected(c.Opened.SID), forward.ReasonBusy)
}
