// SPDX-License-Identifier: MIT

// This file holds how requests are rejected.

package engineio

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"slices"
	"strconv"

	"socketio/internal/coding"
	"socketio/internal/lock"
	"socketio/internal/telemetry"
)

// The codes of rejected requests, as in the reference implementation.
const (
	codeUnknownTransport   = 0
	codeUnknownSID         = 1
	codeBadMethod          = 2
	codeBadRequest         = 3
	codeForbidden          = 4
	codeUnsupportedVersion = 5
)

var codeMessages = [...]string{
	codeUnknownTransport:   "Transport unknown",
	codeUnknownSID:         "Session ID unknown",
	codeBadMethod:          "Bad handshake method",
	codeBadRequest:         "Bad request",
	codeForbidden:          "Forbidden",
	codeUnsupportedVersion: "Unsupported protocol version",
}

// causes are those of the codes with a single cause.
var causes = [...]RefusalCause{
	codeUnknownTransport:   CauseUnknownTransport,
	codeUnknownSID:         CauseUnknownSession,
	codeBadMethod:          CauseHandshakeMethod,
	codeUnsupportedVersion: CauseUnsupportedVersion,
}

// A requestError is the reason why a request is rejected.
type requestError struct {
	status  int
	code    int
	why     RefusalCause
	message string // empty means that of code
	reason  string // for the client, beside the message; may be empty
	detail  string // for the log
	cause   error  // of the application; may be nil
}

// text returns the message for the client.
func (e *requestError) text() string {
	if e.message == "" {
		return codeMessages[e.code]
	}
	return e.message
}

func (e *requestError) Error() string {
	return fmt.Sprintf("engineio: request rejected: %s (code %d, %s)", codeMessages[e.code], e.code, e.detail)
}

func refuse(code int, detail string) *requestError {
	status := http.StatusBadRequest
	if code == codeForbidden {
		status = http.StatusForbidden
	}
	return &requestError{status: status, code: code, why: causes[code], detail: detail}
}

// refuseFor is refuse with a cause that the code does not determine.
func refuseFor(why RefusalCause, code int, detail string) *requestError {
	e := refuse(code, detail)
	e.why = why
	return e
}

// write answers the request: a JSON object with the code and its message.
func (e *requestError) write(w http.ResponseWriter) {
	quoted, _ := json.Marshal(e.text()) // a string always encodes
	body := fmt.Appendf(nil, `{"code":%d,"message":%s`, e.code, quoted)
	if e.reason != "" {
		quoted, _ = json.Marshal(e.reason)
		body = append(append(body, `,"reason":`...), quoted...)
	}
	body = append(body, '}')
	h := w.Header()
	setLength(h, len(body), coding.Applied(h))
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(e.status)
	_ = writeAll(w, body) // a lost client needs no answer
}

// refusals responds to rejected requests, and notifies observers of them.
type refusals struct {
	// Immutable.
	svc     *services
	proxies *proxies

	mu      lock.RWMutex                             // guards the field below
	watches []*func(*http.Request, *ConnectionError) // replaced when it changes
}

// watch calls fn for each rejected request until remove is called.
func (f *refusals) watch(fn func(*http.Request, *ConnectionError)) (remove func()) {
	p := &fn
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watches = append(slices.Clip(f.watches), p)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if i := slices.Index(f.watches, p); i >= 0 {
			f.watches = slices.Delete(slices.Clone(f.watches), i, i+1)
		}
	}
}

// notify calls the observers of rejected requests.
func (f *refusals) notify(r *http.Request, e *requestError) {
	f.mu.RLock()
	fns := f.watches
	f.mu.RUnlock()
	public := func() *ConnectionError {
		return &ConnectionError{Code: e.code, Message: e.text(), Cause: e.why, Status: e.status, RemoteAddr: f.proxies.clientAddr(r), Detail: telemetry.Text(e.detail), Err: e.cause}
	}
	for _, fn := range fns {
		f.svc.guard("OnConnectionError", func() { (*fn)(r, public()) })
	}
	f.svc.obs.refusals.Each(func(o RefusalObserver) { o.RequestRefused(public()) })
}

// answer rejects a request: it writes the response, and notifies.
func (f *refusals) answer(w http.ResponseWriter, r *http.Request, e *requestError) {
	if log := f.svc.log; log.Enabled(r.Context(), slog.LevelDebug) {
		log.Debug("request rejected", "code", e.code, "status", e.status, "detail", telemetry.Text(e.detail), "peer", telemetry.Text(f.proxies.clientAddr(r)))
	}
	if e.status == http.StatusServiceUnavailable {
		// Spread, so that the clients do not all come back at the same moment.
		n, _ := rand.Int(rand.Reader, big.NewInt(5)) // rand.Reader does not fail
		w.Header().Set("Retry-After", strconv.FormatInt(1+n.Int64(), 10))
	}
	if r.ProtoMajor == 1 && isUpgrade(r) { // in HTTP/2 that would end the other requests
		w.Header().Set("Connection", "close")
	}
	e.write(w)
	f.notify(r, e)
}

// unavailable rejects a session, or a WebSocket, of a server that is full or closing.
func unavailable() *requestError {
	return &requestError{status: http.StatusServiceUnavailable, code: codeForbidden, why: CauseUnavailable, message: "Service unavailable", detail: "full or closing"}
}

func noSession() *requestError { return refuse(codeUnknownSID, "no such session") }

// errUpgraded rejects a polling request of a session that no longer polls.
func errUpgraded() *requestError {
	return refuseFor(CauseTransportMismatch, codeBadRequest, "the session no longer polls")
}

func errOrigin() *requestError { return refuseFor(CauseOrigin, codeForbidden, "origin not allowed") }
