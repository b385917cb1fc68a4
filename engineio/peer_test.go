// SPDX-License-Identifier: MIT

// This file holds the clients of a dialogue: a polling peer and a WebSocket peer that are
// independent of the server's code, and whose expectations are sentences.

package engineio_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"

	"socketio/internal/rawclient"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// A peer is a client with a session. Packets are written as on the wire of
// polling; a binary frame of a WebSocket is written <hex>.
type peer interface {
	send(packets ...string)
	want(what string, packets ...string)
	wantEnd(what string)
	id() string
}

// peer opens a session over a transport.
func (r *rig) peer(transport string) peer {
	r.t.Helper()
	switch transport {
	case "polling":
		return r.polling()
	case "webtransport":
		return r.webtransport()
	}
	return r.websocket()
}

// transports plays f over each transport, everywhere.
func transports(w *world, h hosting, f func(r *rig, p peer)) {
	for _, transport := range []string{"polling", "websocket", "webtransport"} {
		if transport == "webtransport" {
			h.options = withStreams(h.options)
		}
		r := w.serve(h)
		f(r, r.peer(transport))
	}
}

// A reply is an HTTP response.
type reply struct {
	status int
	header http.Header
	body   string
	err    error
}

// server is the server for raw clients.
func (r *rig) server() *rawclient.Server {
	return &rawclient.Server{
		URL: r.scheme + "://" + r.host + r.path,
		Do:  func(req *http.Request) rawclient.Reply { return rawclient.Do(r.client, req) },
	}
}

// do makes one request. headers are name, value, name, value.
func (r *rig) do(ctx context.Context, method, query string, body io.Reader, headers ...string) reply {
	ctx, cancel := context.WithTimeout(ctx, r.w.patience)
	defer cancel()
	return replyOf(r.server().Request(ctx, method, query, body, headers...))
}

func replyOf(r rawclient.Reply) reply { return reply{r.Status, r.Header, r.Body, r.Err} }

func (r *rig) get(query string, headers ...string) reply {
	return r.do(context.Background(), "GET", query, nil, headers...)
}

func (r *rig) post(query, body string, headers ...string) reply {
	return r.do(context.Background(), "POST", query, strings.NewReader(body), headers...)
}

// dialRefused requests a WebSocket that must be rejected.
func (r *rig) dialRefused(query string, headers ...string) reply {
	r.t.Helper()
	c, resp, err := r.shake(query, headers...)
	if err != nil {
		return reply{err: err}
	}
	if c != nil {
		r.t.Fatalf("a WebSocket with %q opened", query)
	}
	return replyOf(rawclient.Read(resp))
}

func (r *rig) shake(query string, headers ...string) (*wstest.Client, *http.Response, error) {
	header := make(http.Header)
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			header[headers[i]] = nil
		} else {
			header.Add(headers[i], headers[i+1])
		}
	}
	if isOverHTTP2 {
		return r.connect(query, header)
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.w.patience)
	defer cancel()
	c, resp, err := wstest.Dial(ctx, r.dial, "ws://"+r.host+r.path+"?"+query, header)
	if c != nil {
		r.keep(c)
	}
	return c, resp, err
}

// wantRefusal checks a rejection: status and the exact JSON body.
func (r *rig) wantRefusal(what string, got reply, status, code int, message string) {
	r.t.Helper()
	want := fmt.Sprintf(`{"code":%d,"message":%q}`, code, message)
	if got.err != nil || got.status != status || got.body != want || got.header.Get("Content-Type") != "application/json" {
		r.t.Fatalf("%s: got %d %q %s (%v), want %d %s", what, got.status, got.header.Get("Content-Type"), got.body, got.err, status, want)
	}
}

// wantStatus checks a status and that there is no body.
func (r *rig) wantStatus(what string, got reply, status int) {
	r.t.Helper()
	if got.err != nil || got.status != status || got.body != "" {
		r.t.Fatalf("%s: got %d %q (%v), want %d without a body", what, got.status, got.body, got.err, status)
	}
}

// openPacket is the first packet of the server.
type openPacket = rawclient.OpenPacket

func (r *rig) readOpen(packet string) openPacket {
	r.t.Helper()
	open, err := rawclient.ParseOpen(packet)
	if err != nil {
		r.t.Fatal(err)
	}
	return open
}

// A pollPeer is a client on long-polling. In revision 3 it sends and expects payloads in
// the text form, unless a test says otherwise.
type pollPeer struct {
	r        *rig
	revision int
	open     openPacket
	raw      reply // of the handshake
	query    string
	got      []string   // packets that have arrived and were not yet expected
	parked   chan reply // a GET under way; nil if none
	drop     context.CancelFunc
}

// polling opens a session over polling.
func (r *rig) polling(headers ...string) *pollPeer {
	r.t.Helper()
	return r.pollingWith(4, "EIO=4&transport=polling", headers...)
}

// pollingWith opens a session with any query.
func (r *rig) pollingWith(revision int, query string, headers ...string) *pollPeer {
	r.t.Helper()
	raw := r.get(query, headers...)
	if raw.err != nil || raw.status != 200 {
		r.t.Fatalf("the polling handshake: %d %s (%v)", raw.status, raw.body, raw.err)
	}
	p := &pollPeer{r: r, revision: revision, raw: raw}
	packets := p.split(raw.body)
	if len(packets) != 1 {
		r.t.Fatalf("the handshake has the packets %q", packets)
	}
	p.open = r.readOpen(packets[0])
	p.query = fmt.Sprintf("EIO=%d&transport=polling&sid=%s", revision, p.open.SID)
	return p
}

func (p *pollPeer) id() string { return p.open.SID }

// join returns the payload of packets.
func (p *pollPeer) join(packets ...string) string {
	if p.revision == 3 {
		return rawclient.Join3(packets...)
	}
	return rawclient.Join(packets...)
}

// split returns the packets of a payload.
func (p *pollPeer) split(payload string) []string {
	p.r.t.Helper()
	if p.revision == 3 {
		return p.r.splitV3(payload)
	}
	return rawclient.Split(payload)
}

// send posts packets in one payload.
func (p *pollPeer) send(packets ...string) {
	p.r.t.Helper()
	p.posts(p.join(packets...))
}

// posts posts a body that must be accepted.
func (p *pollPeer) posts(body string, headers ...string) {
	p.r.t.Helper()
	if got := p.post(body, headers...); got.err != nil || got.status != 200 || got.body != "ok" {
		p.r.t.Fatalf("POST %.40q: got %d %s (%v), want 200 ok", body, got.status, got.body, got.err)
	}
}

func (p *pollPeer) post(body string, headers ...string) reply {
	return p.r.post(p.query, body, headers...)
}

// park begins a GET and returns when the server has it.
func (p *pollPeer) park() {
	p.r.t.Helper()
	if p.parked != nil {
		p.r.t.Fatal("a GET is parked already")
	}
	parked := make(chan reply, 1)
	ctx, cancel := context.WithCancel(context.Background())
	p.parked, p.drop = parked, cancel
	go func() {
		defer cancel()
		parked <- p.r.do(ctx, "GET", p.query, nil)
	}()
	p.r.quiet()
	// Over TCP there is no other way to know; the response may come first.
	for limit := time.Now().Add(p.r.w.patience); !p.r.w.virtual && len(parked) == 0 && !p.r.side(p.id()).Parked(); runtime.Gosched() {
		if time.Now().After(limit) {
			p.r.t.Fatal("the GET never arrived")
		}
	}
}

// answer waits for the response to the parked GET.
func (p *pollPeer) answer() reply {
	p.r.t.Helper()
	if p.parked == nil {
		p.park()
	}
	got := <-p.parked
	p.parked = nil
	return got
}

// next returns the next packet, polling for it if necessary.
func (p *pollPeer) next(what string) string {
	p.r.t.Helper()
	if len(p.got) == 0 {
		got := p.answer()
		if got.err != nil || got.status != 200 {
			p.r.t.Fatalf("%s: the poll got %d %s (%v)", what, got.status, got.body, got.err)
		}
		if ct := got.header.Get("Content-Type"); ct != "text/plain; charset=UTF-8" {
			p.r.t.Fatalf("%s: the poll has Content-Type %q", what, ct)
		}
		p.got = p.split(got.body)
	}
	first := p.got[0]
	p.got = p.got[1:]
	return first
}

func (p *pollPeer) want(what string, packets ...string) {
	p.r.t.Helper()
	p.r.wantAll(what, p.next, packets)
}

// wantAll expects packets one after the other.
func (r *rig) wantAll(what string, next func(what string) string, packets []string) {
	r.t.Helper()
	for i, want := range packets {
		if got := next(what); got != want {
			r.t.Fatalf("%s: packet %d is %.80q, want %.80q", what, i+1, got, want)
		}
	}
}

// wantAnswer checks the whole response to the parked GET.
func (p *pollPeer) wantAnswer(what, body string) {
	p.r.t.Helper()
	if got := p.answer(); got.err != nil || got.status != 200 || got.body != body {
		p.r.t.Fatalf("%s: the poll got %d %q (%v), want 200 %q", what, got.status, got.body, got.err, body)
	}
}

// wantEnd expects that the session is unknown.
func (p *pollPeer) wantEnd(what string) {
	p.r.t.Helper()
	if p.parked != nil {
		p.wantAnswer(what, p.join("1"))
	}
	p.r.side(p.id()).awaitEnd(what)
	p.r.wantRefusal(what, p.r.get(p.query), 400, 1, "Session ID unknown")
}

func (s *side) awaitEnd(what string) {
	s.r.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(s.r.w.patience):
		s.r.t.Fatalf("%s: the connection is still open", what)
	}
}

// probe opens a WebSocket for the session. more is added to its query.
func (p *pollPeer) probe(more ...string) *wsPeer {
	p.r.t.Helper()
	query := fmt.Sprintf("EIO=%d&transport=websocket&sid=%s", p.revision, p.id())
	return p.r.openWebSocket(strings.Join(append([]string{query}, more...), "&"))
}

// probed is probe, and sends the probe and reads its answer.
func (p *pollPeer) probed(more ...string) *wsPeer {
	p.r.t.Helper()
	c := p.probe(more...)
	c.send("2probe")
	c.want("the answer to the probe", "3probe")
	return c
}

// upgrade moves the session to WebSocket. more is added to the query.
func (p *pollPeer) upgrade(more ...string) *wsPeer {
	p.r.t.Helper()
	c := p.probed(more...)
	if p.parked != nil {
		p.want("the parked poll is released", "6")
	}
	c.send("5")
	p.r.side(p.id()).await("the upgrade", func() bool { return p.r.side(p.id()).upgrades == 1 })
	c.sid = p.id()
	return c
}

// A framePeer is what the clients on WebSocket and WebTransport share. A binary frame is
// written <hex>.
type framePeer struct {
	r     *rig
	conn  io.Closer
	read  func() (string, error)
	write func(rawclient.Packet) error
	sid   string
	open  openPacket
	first string // the open packet as received
}

func (p *framePeer) id() string { return p.sid }

// opened reads the open packet.
func (p *framePeer) opened() {
	p.r.t.Helper()
	p.first = p.next("the open packet")
	p.open = p.r.readOpen(p.first)
	p.sid = p.open.SID
}

// packetOf returns the packet that is written so.
func packetOf(text string) rawclient.Packet {
	inner, ok := strings.CutPrefix(text, "<")
	if !ok {
		return rawclient.Packet{Text: text}
	}
	data, _ := hex.DecodeString(strings.TrimSuffix(inner, ">"))
	return rawclient.Packet{Binary: data}
}

func (p *framePeer) send(packets ...string) {
	p.r.t.Helper()
	for _, packet := range packets {
		if err := p.write(packetOf(packet)); err != nil {
			p.r.t.Fatalf("send %.40q: %v", packet, err)
		}
	}
}

// next reads one frame: text as it is, binary as <hex>, others by name.
func (p *framePeer) next(what string) string {
	p.r.t.Helper()
	s, err := p.read()
	if err != nil {
		p.r.t.Fatalf("%s: %v", what, err)
	}
	return s
}

func (p *framePeer) want(what string, packets ...string) {
	p.r.t.Helper()
	p.r.wantAll(what, p.next, packets)
}

// wantEOF expects the end of the stream next.
func (p *framePeer) wantEOF(what string) {
	p.r.t.Helper()
	if got, err := p.read(); err == nil {
		p.r.t.Fatalf("%s: got %.80q, want the end of the stream", what, got)
	} else if ne, ok := err.(net.Error); ok && ne.Timeout() {
		p.r.t.Fatalf("%s: the stream does not end", what)
	}
	p.conn.Close()
}

// A wsPeer is a client on WebSocket.
type wsPeer struct {
	framePeer
	c      *wstest.Client
	header http.Header // of the 101
}

// wsPeer returns the peer on a WebSocket.
func (r *rig) wsPeer(c *wstest.Client, header http.Header) *wsPeer {
	p := &wsPeer{framePeer{r: r, conn: c}, c, header}
	p.read = p.frame
	p.write = func(packet rawclient.Packet) error {
		if packet.Binary != nil {
			return c.WriteBinary(packet.Binary)
		}
		return c.WriteText(packet.Text)
	}
	return p
}

// websocket opens a session over WebSocket.
func (r *rig) websocket(headers ...string) *wsPeer {
	r.t.Helper()
	p := r.openWebSocket("EIO=4&transport=websocket", headers...)
	p.opened()
	return p
}

func (r *rig) openWebSocket(query string, headers ...string) *wsPeer {
	r.t.Helper()
	c, resp, err := r.shake(query, headers...)
	if err != nil {
		r.t.Fatal(err)
	}
	if c == nil {
		r.t.Fatalf("the WebSocket was refused: %v", &rawclient.Rejection{Reply: rawclient.Read(resp)})
	}
	return r.wsPeer(c, resp.Header)
}

// raw sends frames as they are.
func (p *wsPeer) raw(frames ...[]byte) {
	p.r.t.Helper()
	if err := p.c.WriteFrame(slices.Concat(frames...)); err != nil {
		p.r.t.Fatal(err)
	}
}

// frame reads one frame.
func (p *wsPeer) frame() (string, error) {
	p.c.SetDeadline(time.Now().Add(p.r.w.patience))
	op, data, err := p.c.ReadFrame()
	switch {
	case err != nil:
		return "", err
	case op == ws.Text:
		return string(data), nil
	case op == ws.Binary:
		return "<" + hex.EncodeToString(data) + ">", nil
	case op == ws.Close:
		if isOverHTTP2 { // where the stream ends only then
			_ = p.c.WriteMessage(ws.Close, data)
		}
		code, reason := ws.ParseClose(data)
		return strings.TrimSpace(fmt.Sprintf("close %d %s", code, reason)), nil
	}
	return fmt.Sprintf("%v %s", op, data), nil
}

// wantClose expects a close frame with a code as the next frame, then the end of the
// stream, which it answers by hanging up.
func (p *wsPeer) wantClose(what string, code int) {
	p.r.t.Helper()
	want := fmt.Sprintf("close %d", code)
	if got := p.next(what); got != want && !strings.HasPrefix(got, want+" ") {
		p.r.t.Fatalf("%s: got %.80q, want %s", what, got, want)
	}
	p.wantEOF(what)
}

// wantEnd expects a close frame, after any other frames, and the end.
func (p *wsPeer) wantEnd(what string) {
	p.r.t.Helper()
	for {
		got := p.next(what)
		if strings.HasPrefix(got, "close ") {
			break
		}
	}
	p.wantEOF(what)
	p.r.side(p.id()).awaitEnd(what)
}
