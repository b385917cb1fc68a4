// SPDX-License-Identifier: MIT

// This file holds how a session gets its id.

package engineio

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"

	"socketio/internal/telemetry"
)

// maxID bounds the length of an id that Options.GenerateID makes, in bytes.
const maxID = 128

var errID = errors.New("engineio: Options.GenerateID must return 1 to 128 letters, digits, '-', '_', '.' or '~'")

// newID returns 120 random bits as 20 characters.
func newID() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// sessionID makes the id of a new session.
func (s *Server) sessionID(r *http.Request) (string, *requestError) {
	generate := s.cfg.GenerateID
	if generate == nil {
		return newID(), nil
	}
	id, err := "", errors.New("engineio: Options.GenerateID panicked")
	s.guard("Options.GenerateID", func() { id, err = generate(r) })
	switch {
	case err != nil:
		err = fmt.Errorf("engineio: no session id: %w", err)
	case !validID(id):
		err = errID
	default:
		return id, nil
	}
	s.cfg.Logger.Error("a session was refused: it got no usable id", "error", telemetry.Error(err)) // without the id
	e := refuseFor(CauseSessionID, codeBadRequest, "no session id")
	e.cause = err
	return "", e
}

// validID reports whether an id may stand in a query and in JSON as it is.
func validID(id string) bool {
	for _, c := range []byte(id) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		digit := '0' <= c && c <= '9'
		if !letter && !digit && c != '-' && c != '_' && c != '.' && c != '~' {
			return false
		}
	}
	return id != "" && len(id) <= maxID
}
