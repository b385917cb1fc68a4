// SPDX-License-Identifier: MIT

// This file holds the handler for other servers.

package forward

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"net/http"
	"time"

	"socketio/internal/telemetry"
)

// Why a request of another server is not believed.
const (
	refusedClosed    = "closed"         // this server closes, or forwarding is off
	refusedSignature = "signature"      // it is not signed with the secret, or was changed
	refusedServer    = "another server" // it is for another server, or an earlier start of this one
	refusedTime      = "time"           // it is too late, or the clocks differ
	refusedRepeated  = "repeated"       // it has arrived before
)

// ServeHTTP implements http.Handler, for the other servers. Requests that none of them has
// sent get status 403.
func (n *Node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !n.open() {
		n.refuse(w, r, http.StatusServiceUnavailable, refusedClosed)
		return
	}
	q, signature, why := n.accept(r.Header.Get(headerRequest), r.Header.Get(headerSignature), time.Now())
	if why != "" {
		n.refuse(w, r, http.StatusForbidden, why)
		return
	}
	n.counter.received.Add(1)
	ctx := r.Context()
	if q.unix {
		ctx = context.WithValue(ctx, http.LocalAddrContextKey, unixAddr{})
	}
	if q.deadline != 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, time.Unix(0, q.deadline))
		defer cancel()
	}
	body := r.Body
	r = r.WithContext(ctx) // a copy
	if q.apply(r) != nil {
		n.refuse(w, r, http.StatusForbidden, refusedSignature)
		return
	}
	r.Body = http.NoBody
	if q.length != 0 {
		r.Body = &unsealed{body: body, mac: n.keys.bodyMAC(signature), changed: func() {
			n.counter.refused.Add(1)
			n.warn("the body of a request that another server has forwarded was changed on its way")
		}}
	}
	w.Header().Set(headerRequest, "1") // the sender sees that it has reached a Node
	n.target.Serve(w, r, q.admitted)
}

// accept checks a request that another server may have sent. why is the reason for which it
// is not believed, or "".
func (n *Node) accept(encoded, encodedMAC string, now time.Time) (q *request, signature []byte, why string) {
	if len(encoded) > base64.RawStdEncoding.EncodedLen(maxRequest) || len(encodedMAC) > 2*macSize {
		return nil, nil, refusedSignature
	}
	raw, err := base64.RawStdEncoding.DecodeString(encoded)
	signature, err2 := base64.RawStdEncoding.DecodeString(encodedMAC)
	if err != nil || err2 != nil || len(raw) == 0 || !hmac.Equal(signature, sign(n.keys.request, string(raw))) {
		return nil, nil, refusedSignature
	}
	if q, err = parseRequest(raw); err != nil {
		return nil, nil, refusedSignature
	}
	switch age := now.UnixNano() - q.at; {
	case q.to != n.tag:
		return nil, nil, refusedServer
	case age > int64(maxSkew), age < -int64(maxSkew):
		return nil, nil, refusedTime
	case !n.received.take(q.from, q.number, now):
		return nil, nil, refusedRepeated
	}
	return q, signature, ""
}

// refuse answers a request that is not believed.
func (n *Node) refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	n.counter.refused.Add(1)
	n.warn("a request at the handler for other servers was rejected; clients must not reach it, the servers must have the same forward.Options.Secret, and their clocks must agree", "why", why, "peer", telemetry.Text(r.RemoteAddr))
	w.Header().Set(headerRefused, why)
	w.Header().Set("Connection", "close")
	http.Error(w, "rejected: "+why, status)
}
