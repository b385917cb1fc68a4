// SPDX-License-Identifier: MIT

// This file holds why connections close and why requests are refused.

package engineio

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// A CloseReason says why a Conn closed. The values equal those of the reference
// implementation.
type CloseReason string

const (
	// ReasonTransportClose: the peer went away, or closed.
	ReasonTransportClose CloseReason = "transport close"
	// ReasonTransportError: the transport failed or the peer broke its rules.
	ReasonTransportError CloseReason = "transport error"
	// ReasonForcedClose: this side closed the connection.
	ReasonForcedClose CloseReason = "forced close"
	// ReasonPingTimeout: no pong came in time.
	ReasonPingTimeout CloseReason = "ping timeout"
	// ReasonParseError: the peer sent a packet that is none.
	ReasonParseError CloseReason = "parse error"
)

var (
	// ErrClosed is returned for a connection or a server that is closed.
	ErrClosed = errors.New("engineio: closed")
	// ErrSlowConsumer is why a connection closed whose outbound queue reached
	// its bound, or whose peer took no byte for WriteTimeout.
	ErrSlowConsumer = errors.New("engineio: slow consumer")
	// ErrQueueFull is returned for a message that OverflowFail kept out of a full
	// queue.
	ErrQueueFull = errors.New("engineio: the outbound queue is full")
	// ErrShutdown is why a connection closed when Close or Shutdown was called.
	ErrShutdown = errors.New("engineio: the server shuts down")
	// ErrPaused is why a connection closed that was not read for PauseTimeout.
	ErrPaused = errors.New("engineio: not read for too long")
)

// errPending is why a session closed that was the oldest of too many unused ones.
var errPending = errors.New("engineio: too many sessions that are not in use")

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

// A Refusal is an error of Options.Handshake whose text the peer may see: it
// becomes the message of the 403 response. Any other error answers "Forbidden".
type Refusal struct{ Message string }

func (r *Refusal) Error() string { return r.Message }

// A requestError is a request that is refused.
type requestError struct {
	status  int
	code    int
	message string // empty means that of code
	detail  string // for the log
}

func (e *requestError) Error() string {
	return fmt.Sprintf("engineio: request refused: %s (code %d, %s)", codeMessages[e.code], e.code, e.detail)
}

func refuse(code int, detail string) *requestError {
	status := http.StatusBadRequest
	if code == codeForbidden {
		status = http.StatusForbidden
	}
	return &requestError{status: status, code: code, detail: detail}
}

// write answers the request: a JSON object with the code and its message.
func (e *requestError) write(w http.ResponseWriter) {
	message := e.message
	if message == "" {
		message = codeMessages[e.code]
	}
	quoted, _ := json.Marshal(message) // a string always encodes
	body := fmt.Appendf(nil, `{"code":%d,"message":%s}`, e.code, quoted)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(e.status)
	_, _ = w.Write(body) // a peer that is gone needs no answer
}
