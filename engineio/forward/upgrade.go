// SPDX-License-Identifier: MIT

// This file forwards WebSockets.

package forward

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"socketio/internal/telemetry"
)

// upgrade forwards a WebSocket: it asks the other server, and if that accepts, joins the two
// connections.
func (n *Node) upgrade(w http.ResponseWriter, r *http.Request, p *peer, admitted bool) (reason string) {
	if n.opts.DisableUpgrades || r.ProtoMajor != 1 {
		return ReasonNotForwarded
	}
	if !n.take() {
		return ReasonBusy
	}
	defer n.taking.Done()
	server, in, resp, err := n.ask(r, p, admitted)
	if err != nil {
		p.note(err)
		return ReasonServerGone
	}
	spliced := false
	defer func() {
		if !spliced {
			_ = server.Close()
		}
	}()
	if n.distrusts(resp, p) {
		return ReasonNotTrusted
	}
	rc := http.NewResponseController(w)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		defer resp.Body.Close()
		n.respond(w, r, rc, resp, true)
		return ""
	}
	client, rw, err := rc.Hijack()
	if err != nil {
		n.warn("a WebSocket can't be taken over from the HTTP server; a middleware hides http.Hijacker: give its ResponseWriter a method Unwrap", "error", telemetry.Error(err))
		return ReasonNotForwarded
	}
	_ = client.SetDeadline(time.Now().Add(n.target.WriteTimeout))
	if _, err := client.Write(switching(resp.Header, w.Header())); err != nil {
		_ = client.Close()
		return ""
	}
	_, _ = client.SetDeadline(time.Time{}), server.SetDeadline(time.Time{})
	spliced = true
	n.counter.upgrades.Add(1)
	splice(n.attach, client, server, buffered(rw.Reader), buffered(in), &n.counter.open)
	return ""
}

// ask sends the request for a WebSocket to another server and reads the response.
func (n *Node) ask(r *http.Request, p *peer, admitted bool) (nc net.Conn, in *bufio.Reader, resp *http.Response, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), handshakeTimeout)
	defer cancel()
	if nc, err = n.dialPeer(ctx, p); err != nil {
		return nil, nil, nil, err
	}
	deadline, _ := ctx.Deadline()
	_ = nc.SetDeadline(deadline)
	out, _, _ := n.outgoing(r, p, admitted)
	for name, values := range r.Header { // for proxies between the servers
		switch name {
		case "Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Extensions", "Sec-Websocket-Protocol":
			out.Header[name] = values
		}
	}
	out.Header.Set("Connection", "Upgrade")
	out.Header.Set("Upgrade", "websocket")
	if err = out.Write(nc); err == nil {
		in = bufio.NewReader(nc)
		resp, err = http.ReadResponse(in, out)
	}
	if err != nil {
		_ = nc.Close()
		return nil, nil, nil, err
	}
	return nc, in, resp, nil
}

// dialPeer opens a connection to another server.
func (n *Node) dialPeer(ctx context.Context, p *peer) (net.Conn, error) {
	port := p.url.Port()
	if port == "" {
		if port = "80"; p.url.Scheme == "https" {
			port = "443"
		}
	}
	nc, err := n.dial(ctx, "tcp", net.JoinHostPort(p.url.Hostname(), port))
	if err != nil || p.url.Scheme != "https" {
		return nc, err
	}
	config := new(tls.Config)
	if n.opts.TLS != nil {
		config = n.opts.TLS.Clone()
	}
	if config.ServerName == "" {
		config.ServerName = p.url.Hostname()
	}
	config.NextProtos = nil
	secure := tls.Client(nc, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return secure, nil
}

// switching returns the response that makes a connection a WebSocket, with the header of
// the other server, and of this one's middlewares where that has nothing.
func switching(header, own http.Header) []byte {
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
	for name, values := range own {
		if header[name] == nil && name != "Content-Encoding" { // there is no content
			header[name] = values
		}
	}
	_ = header.WriteSubset(&b, hopByHop) // a buffer does not fail
	b.WriteString("\r\n")
	return b.Bytes()
}

// buffered returns what a reader has read beyond a header.
func buffered(r *bufio.Reader) []byte {
	b, _ := r.Peek(r.Buffered())
	return bytes.Clone(b)
}
