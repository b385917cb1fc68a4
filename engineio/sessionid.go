// SPDX-License-Identifier: MIT

// This file holds the ids of sessions.

package engineio

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"socketio/internal/telemetry"
)

// maxID bounds the length of an id that Options.GenerateID makes, in bytes.
const maxID = 128

var errID = errors.New("engineio: Options.GenerateID must return 1 to 128 letters, digits, '-', '_', '.' or '~'")

// idLen is the length of what newID returns.
const idLen = 20

// newID returns 120 random bits as 20 characters.
func newID() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ids makes the ids of sessions. It is immutable.
type ids struct {
	svc      *services
	generate func(*http.Request) (string, error) // Options.GenerateID; may be nil
}

// next makes the id of a new session.
func (g *ids) next(r *http.Request) (string, *requestError) {
	if g.generate == nil {
		return newID(), nil
	}
	id, err := "", errors.New("engineio: Options.GenerateID panicked")
	g.svc.guard("Options.GenerateID", func() { id, err = g.generate(r) })
	switch {
	case err != nil:
		err = fmt.Errorf("engineio: no session id: %w", err)
	case !validID(id):
		err = errID
	default:
		return id, nil
	}
	g.svc.log.Error("a session was rejected: it got no usable id", "error", telemetry.Error(err)) // without the id
	e := refuseFor(CauseSessionID, codeBadRequest, "no session id")
	e.cause = err
	return "", e
}

// validID reports whether an id needs no escaping in a query and in JSON.
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

// TaggedIDs returns a function for Options.GenerateID whose ids begin with tag and a dot,
// so that a front end, or another server, can tell by SessionTag which server a session
// lives on. 120 random bits follow, as in ids without a tag. It panics on a tag that is
// empty, longer than 100 bytes, or has other characters than letters, digits, '-', '_'
// and '~'. The tag is not a secret: clients see it.
func TaggedIDs(tag string) func(*http.Request) (string, error) {
	if !validID(tag) || len(tag) > 100 || strings.Contains(tag, ".") {
		panic("engineio: TaggedIDs: the tag must be 1 to 100 letters, digits, '-', '_' or '~'")
	}
	return func(*http.Request) (string, error) { return tag + "." + newID(), nil }
}

// SessionTag returns the tag of an id that TaggedIDs has made. ok is false for an id
// without a tag. A client may make up an id, so the tag must be looked up in a list of
// known servers, never be used as an address.
func SessionTag(sid string) (tag string, ok bool) {
	tag, rest, found := strings.Cut(sid, ".")
	if !found || tag == "" || len(rest) != idLen || !validID(sid) {
		return "", false
	}
	return tag, true
}
