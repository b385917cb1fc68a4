// SPDX-License-Identifier: MIT

// This file forwards polls and POSTs.

package forward

import (
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"socketio/internal/telemetry"
)

// Why a session can't be reached, as clients see it in the field "reason".
const (
	// ReasonUnknownServer: the id has the tag of a server that is not known: it has stopped, or the
	// client has made the id up.
	ReasonUnknownServer = "unknown_server"
	// ReasonServerGone: the server does not answer.
	ReasonServerGone = "server_gone"
	// ReasonNotTrusted: the two servers do not trust each other; the log says why.
	ReasonNotTrusted = "not_trusted"
	// ReasonNotForwarded: the server does not forward WebSockets, or not this one.
	ReasonNotForwarded = "not_forwarded"
	// ReasonBusy: too many requests are being forwarded, or the server closes.
	ReasonBusy = "busy"
)

// Forward implements engineio.Forwarder.
func (n *Node) Forward(w http.ResponseWriter, r *http.Request, tag string, admitted bool) (reason string) {
	p := n.peers.find(tag)
	switch {
	case p == nil:
		reason = ReasonUnknownServer
	case p.rests(time.Now()):
		reason = ReasonServerGone
	case !n.open():
		reason = ReasonBusy
	case strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || r.Method == http.MethodConnect:
		reason = n.upgrade(w, r, p, admitted)
	default:
		select {
		case n.tokens <- struct{}{}:
			reason = n.send(w, r, p, admitted)
			<-n.tokens
		default:
			reason = ReasonBusy
		}
	}
	if reason != "" {
		n.counter.failed.Add(1)
	}
	return reason
}

// outgoing returns the request to another server, and its signature.
func (n *Node) outgoing(r *http.Request, p *peer, admitted bool) (out *http.Request, q *request, signature []byte) {
	q = newRequest(r, n.tag, p.tag, n.sent.next(), admitted)
	raw := q.append(make([]byte, 0, 2048))
	signature = sign(n.keys.request, string(raw))
	out = &http.Request{
		Method: http.MethodGet, URL: p.url, Host: p.url.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			headerRequest:   {base64.RawStdEncoding.EncodeToString(raw)},
			headerSignature: {base64.RawStdEncoding.EncodeToString(signature)},
			"User-Agent":    {""}, // none
		},
	}
	return out, q, signature
}

// send forwards a poll or a POST.
func (n *Node) send(w http.ResponseWriter, r *http.Request, p *peer, admitted bool) (reason string) {
	out, q, signature := n.outgoing(r, p, admitted)
	rc := http.NewResponseController(w)
	_ = rc.SetWriteDeadline(time.Time{}) // polls wait
	var body *sealed
	if q.length != 0 {
		body = n.keys.seal(r.Body, signature)
		out.Method, out.Body, out.ContentLength = http.MethodPost, body, -1
		if q.length > 0 {
			out.ContentLength = q.length + macSize
		}
		_ = rc.EnableFullDuplex() // the other server may answer before the end
	} else {
		_ = rc.SetReadDeadline(time.Time{})
	}
	c := watch(w, r)
	defer c.stop()
	resp, err := n.client.RoundTrip(out.WithContext(c.ctx))
	if err != nil {
		if body != nil {
			body.abandon(w, r, rc)
		}
		if c.ctx.Err() != nil {
			return "" // there is nobody to answer
		}
		p.note(err)
		return ReasonServerGone
	}
	defer resp.Body.Close()
	if why := n.distrusts(resp, p); why {
		if body != nil {
			body.abandon(w, r, rc)
		}
		return ReasonNotTrusted
	}
	p.answered.Store(time.Now().UnixNano())
	n.counter.requests.Add(1)
	early := false
	if body != nil {
		select {
		case <-body.closed:
			early = !body.ended
		default:
			early = true
		}
	}
	n.respond(w, r, rc, resp, early)
	if early {
		_ = rc.Flush()
		body.drain(rc, drainLimit)
	}
	return ""
}

// note remembers that a server can't be reached.
func (p *peer) note(err error) {
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
		p.fail(time.Now())
	}
}

// distrusts reports whether a response is not that of a session: the other server does not
// believe the request, or is not a server of this package.
func (n *Node) distrusts(resp *http.Response, p *peer) bool {
	why := resp.Header.Get(headerRefused)
	if why == "" && resp.Header.Get(headerRequest) == "" {
		why = "no handler for other servers at its URL"
	}
	if why == "" {
		return false
	}
	n.warn("another server has rejected a forwarded request", "why", telemetry.Text(why), "url", telemetry.Text(p.url.String()))
	return true
}

// hopByHop are the headers of a response that concern one connection, or are ours.
var hopByHop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Connection": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
	"Date": true, headerRequest: true, headerRefused: true,
}

const copySize = 32 << 10

var copies = sync.Pool{New: func() any { b := make([]byte, copySize); return &b }}

// respond passes a response on. It aborts the client's response if the other server's ends
// too early. last means that the client's connection ends with it.
func (n *Node) respond(w http.ResponseWriter, r *http.Request, rc *http.ResponseController, resp *http.Response, last bool) {
	h := w.Header()
	for name, values := range resp.Header {
		if !hopByHop[name] {
			h[name] = values
		}
	}
	if last && r.ProtoMajor == 1 {
		h.Set("Connection", "close")
	}
	w.WriteHeader(resp.StatusCode)
	b := copies.Get().(*[]byte)
	defer copies.Put(b)
	defer func() { _ = rc.SetWriteDeadline(time.Time{}) }() // the connection is used by other handlers afterwards
	for {
		k, err := resp.Body.Read(*b)
		if k > 0 {
			_ = rc.SetWriteDeadline(time.Now().Add(n.target.WriteTimeout))
			if _, err := w.Write((*b)[:k]); err != nil {
				return
			}
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
	}
}
