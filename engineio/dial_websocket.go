// SPDX-License-Identifier: MIT

// This file holds the WebSockets of a Dialer: the handshake, on the goroutine of the
// caller, and the way to a driver.

package engineio

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"socketio/internal/telemetry"
	"socketio/internal/ws"
)

// dialWebSocket opens a connection on a WebSocket.
func (d *Dialer) dialWebSocket(ctx context.Context, a *address, accept func(*Conn) Handler) (*Conn, error) {
	nc, early, err := d.handshake(ctx, a)
	if err != nil {
		return nil, err
	}
	open, early, err := d.readOpen(ctx, nc, early)
	if err != nil {
		_ = nc.Close()
		return nil, err
	}
	c, ok := d.newConn(a, open)
	if !ok {
		_ = nc.Close()
		return nil, ErrClosed
	}
	t := d.transport(c, nc, false)
	c.begin(nil, t, nil, accept)
	c.readEnd()
	t.nc.Start(early)
	return c, nil
}

// transport gives a WebSocket to a driver.
func (d *Dialer) transport(c *Conn, nc net.Conn, probing bool) *wsTransport {
	t := &wsTransport{c: c}
	t.q.masked = true
	t.flags.set(isProbing, probing)
	t.nc, t.waits = d.attach(nc, t)
	return t
}

// upgrade probes a WebSocket beside polling.
func (d *Dialer) upgrade(c *Conn, a *address) {
	ctx, cancel := context.WithTimeout(d.ending, d.opts.UpgradeTimeout)
	defer cancel()
	nc, early, err := d.handshake(ctx, a)
	if err != nil {
		d.log.Debug("upgrade failed; the connection stays on polling", "conn", c.number, "error", telemetry.Error(err))
		return
	}
	t := d.transport(c, nc, true)
	if !t.beginUpgrade() {
		t.dead = true
		t.abandon(closeNormal)
	} else {
		probe := packetMsg(packetPing, "probe")
		c.logOut(probe)
		t.send(probe)
	}
	t.nc.Start(early)
}

// handshake connects and requests a WebSocket. early holds the bytes after the response.
func (d *Dialer) handshake(ctx context.Context, a *address) (nc net.Conn, early []byte, err error) {
	if nc, err = d.connect(ctx, a); err != nil {
		return nil, nil, err
	}
	err = within(ctx, nc, func() error {
		early, err = d.ask(nc, a)
		return err
	})
	if err != nil {
		_ = nc.Close()
		return nil, nil, err
	}
	return nc, early, nil
}

// within calls run, which reads and writes nc. The end of ctx interrupts it.
func within(ctx context.Context, nc net.Conn, run func() error) error {
	cut := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(cut)
		_ = nc.SetDeadline(time.Unix(1, 0))
	})
	err := run()
	if !stop() {
		<-cut
		if err == nil {
			err = context.Cause(ctx)
		}
	}
	return err
}

// connect opens the network connection, through a proxy and with TLS where required.
func (d *Dialer) connect(ctx context.Context, a *address) (net.Conn, error) {
	proxy, err := d.opts.Proxy(&http.Request{Method: http.MethodGet, URL: a.base, Host: a.base.Host, Header: make(http.Header)})
	if err != nil {
		return nil, fmt.Errorf("engineio: dial: proxy: %w", err)
	}
	to := a.base
	if proxy != nil {
		if proxy.Scheme != "http" && proxy.Scheme != "https" {
			return nil, fmt.Errorf("engineio: dial: a WebSocket can't go through a proxy of scheme %q; use http or https, or DialerOptions.DialContext", proxy.Scheme)
		}
		to = proxy
	}
	nc, err := d.opts.DialContext(ctx, "tcp", hostPort(to))
	if err != nil {
		return nil, fmt.Errorf("engineio: dial: %w", err)
	}
	if to.Scheme == "https" {
		nc, err = d.secure(ctx, nc, to.Hostname())
	}
	if err == nil && proxy != nil {
		err = within(ctx, nc, func() error { return tunnelThrough(nc, proxy, hostPort(a.base)) })
		if err == nil && a.base.Scheme == "https" {
			nc, err = d.secure(ctx, nc, a.base.Hostname())
		}
	}
	if err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("engineio: dial: %w", err)
	}
	return nc, nil
}

// hostPort returns the address of a URL, with its port.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		if port = "80"; u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// secure does the TLS handshake. It returns a connection to close with an error too.
func (d *Dialer) secure(ctx context.Context, nc net.Conn, name string) (net.Conn, error) {
	cfg := d.opts.TLS.Clone()
	if cfg == nil {
		cfg = new(tls.Config)
	}
	if cfg.ServerName == "" {
		cfg.ServerName = name
	}
	cfg.NextProtos = []string{"http/1.1"}
	secured := tls.Client(nc, cfg)
	return secured, secured.HandshakeContext(ctx)
}

// tunnelThrough asks a proxy for a connection.
func tunnelThrough(nc net.Conn, proxy *url.URL, address string) error {
	r := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: make(http.Header)}
	if u := proxy.User; u != nil {
		password, _ := u.Password()
		r.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	if err := r.Write(nc); err != nil {
		return err
	}
	in := &io.LimitedReader{R: oneByte{nc}, N: maxResponseHeader}
	resp, err := http.ReadResponse(bufio.NewReaderSize(in, 16), r)
	if err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the proxy answered %s", telemetry.Text(resp.Status))
	}
	return nil
}

// A oneByte reads one byte at a time, so that it consumes nothing after the header of a
// proxy's response.
type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }

// ask does the WebSocket handshake. early holds the bytes after the response.
func (d *Dialer) ask(nc net.Conn, a *address) (early []byte, err error) {
	r, err := http.NewRequest(http.MethodGet, a.url(WebSocket), nil)
	if err != nil {
		return nil, err
	}
	var random [16]byte
	_, _ = rand.Read(random[:]) // it does not fail
	key := base64.StdEncoding.EncodeToString(random[:])
	r.Header = d.header()
	for name, value := range map[string]string{"Upgrade": "websocket", "Connection": "Upgrade", "Sec-Websocket-Version": "13", "Sec-Websocket-Key": key} {
		r.Header.Set(name, value)
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	for _, cookie := range a.jar.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
	if err := r.Write(nc); err != nil {
		return nil, fmt.Errorf("engineio: dial: %w", err)
	}
	in := &io.LimitedReader{R: nc, N: maxResponseHeader}
	br := bufio.NewReader(in)
	resp, err := http.ReadResponse(br, r)
	if err != nil {
		if in.N <= 0 {
			err = fmt.Errorf("the header of the response is over %d bytes", maxResponseHeader)
		}
		return nil, fmt.Errorf("engineio: dial: the server did not answer the WebSocket handshake: %w", err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, refusalOf(resp)
	}
	if !strings.EqualFold(resp.Header.Get("Upgrade"), "websocket") || resp.Header.Get("Sec-Websocket-Accept") != ws.AcceptKey(key) ||
		resp.Header.Get("Sec-Websocket-Extensions") != "" {
		return nil, errors.New("engineio: dial: invalid response to the WebSocket handshake; it may come from a proxy in between")
	}
	if cookies := resp.Cookies(); len(cookies) > 0 {
		a.jar.SetCookies(r.URL, cookies)
	}
	early, _ = br.Peek(br.Buffered())
	return slices.Clone(early), nil
}

// A firstMessage receives the first message of a WebSocket.
type firstMessage struct {
	packet packet
	err    error
	done   bool
}

func (f *firstMessage) OnMessage(op ws.Opcode, data []byte) bool {
	f.done = true
	if op != ws.Text {
		f.err = errFirstPacket
		return false
	}
	f.packet, f.err = decodePacket(bytes.Clone(data))
	return false
}

func (f *firstMessage) OnControl(op ws.Opcode, data []byte) bool {
	if op == ws.Close {
		f.done = true
		code, reason := ws.ParseClose(data)
		f.err = fmt.Errorf("engineio: dial: the server closed the WebSocket: %d %s", code, telemetry.Text(string(reason)))
	}
	return !f.done
}

// maxOpenBytes bounds the open packet.
const maxOpenBytes = 64 << 10

// readOpen reads the open packet. rest holds the bytes after it.
func (d *Dialer) readOpen(ctx context.Context, nc net.Conn, early []byte) (open *openPacket, rest []byte, err error) {
	var p ws.Parser
	defer p.Release()
	cfg := d.wsConfig
	cfg.MaxMessage = min(d.opts.MaxPayload, maxOpenBytes)
	var f firstMessage
	buf, read := early, len(early)
	err = within(ctx, nc, func() error {
		for {
			took, err := p.Feed(&cfg, &f, buf)
			switch {
			case err != nil:
				return fmt.Errorf("engineio: dial: %w", err)
			case f.done:
				rest = slices.Clone(buf[took:])
				return f.err
			case read > 2*maxOpenBytes:
				return errors.New("engineio: dial: the server sends data, but no open packet")
			}
			buf = make([]byte, 4<<10)
			n, err := nc.Read(buf)
			if err != nil {
				return fmt.Errorf("engineio: dial: no open packet: %w", err)
			}
			buf, read = buf[:n], read+n
		}
	})
	if err != nil {
		return nil, nil, err
	}
	open, err = parseOpen(f.packet)
	return open, rest, err
}
