// SPDX-License-Identifier: MIT

// This file holds how requests are refused.

package engineio

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"socketio/internal/coding"
	"socketio/internal/telemetry"
)

// The codes of refused requests, as in the reference implementation.
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

// causes are those of codes that have one alone.
var causes = [...]RefusalCause{
	codeUnknownTransport:   CauseUnknownTransport,
	codeUnknownSID:         CauseUnknownSession,
	codeBadMethod:          CauseHandshakeMethod,
	codeUnsupportedVersion: CauseUnsupportedVersion,
}

// OnConnectionError calls fn for each request that is refused, and for each WebSocket
// that can't be taken from the HTTP server (code 3, status 500), in the goroutine of
// that request, once the answer is written. As upstream, a request that ends its
// session does not count, be it answered 400, 408, 413 or 415: Handler.HandleClose and
// ConnObserver hear of it, with the error, so nothing counts twice; nor does a method
// that sessions do not have (500). The request must not be kept. A panic in fn is
// logged. remove takes fn off again.
func (s *Server) OnConnectionError(fn func(*http.Request, *ConnectionError)) (remove func()) {
	if fn == nil {
		panic("engineio: OnConnectionError: the function is nil")
	}
	p := &fn
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onRefusal = append(slices.Clip(s.onRefusal), p)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if i := slices.Index(s.onRefusal, p); i >= 0 {
			s.onRefusal = slices.Delete(slices.Clone(s.onRefusal), i, i+1)
		}
	}
}

// tellRefusal calls who wants to hear of refused requests.
func (s *Server) tellRefusal(r *http.Request, e *requestError) {
	s.mu.RLock()
	fns := s.onRefusal
	s.mu.RUnlock()
	told := func() *ConnectionError {
		return &ConnectionError{Code: e.code, Message: e.text(), Cause: e.why, Status: e.status, RemoteAddr: s.clientAddr(r), Detail: telemetry.Text(e.detail), Err: e.cause}
	}
	for _, fn := range fns {
		s.guard("OnConnectionError", func() { (*fn)(r, told()) })
	}
	s.obs.refusals.Each(func(o RefusalObserver) { o.RequestRefused(told()) })
}

// A requestError is a request that is refused.
type requestError struct {
	status  int
	code    int
	why     RefusalCause
	message string // empty means that of code
	detail  string // for the log
	cause   error  // of the application; may be nil
}

// text is what the client is told.
func (e *requestError) text() string {
	if e.message == "" {
		return codeMessages[e.code]
	}
	return e.message
}

func (e *requestError) Error() string {
	return fmt.Sprintf("engineio: request refused: %s (code %d, %s)", codeMessages[e.code], e.code, e.detail)
}

func refuse(code int, detail string) *requestError {
	status := http.StatusBadRequest
	if code == codeForbidden {
		status = http.StatusForbidden
	}
	return &requestError{status: status, code: code, why: causes[code], detail: detail}
}

// refuseFor is refuse with a cause that the code does not tell.
func refuseFor(why RefusalCause, code int, detail string) *requestError {
	e := refuse(code, detail)
	e.why = why
	return e
}

// write answers the request: a JSON object with the code and its message.
func (e *requestError) write(w http.ResponseWriter) {
	quoted, _ := json.Marshal(e.text()) // a string always encodes
	body := fmt.Appendf(nil, `{"code":%d,"message":%s}`, e.code, quoted)
	h := w.Header()
	setLength(h, len(body), coding.Applied(h))
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(e.status)
	_ = writeAll(w, body) // a peer that is gone needs no answer
}
