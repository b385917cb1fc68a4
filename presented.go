// SPDX-License-Identifier: MIT

// This file takes what the library of a client adds to its auth out of it.

package socketio

import (
	"bytes"
	"encoding/json"

	"socketio/internal/binding"
	"socketio/parser"
)

// nonceKey is the key in the auth of a client that sends events again with the same id.
const nonceKey = "retryNonce"

// announced returns the nonce that a client has announced, and the rest of its auth. The
// nonce is "" if there is none, or one that is too long.
func announced(f encoder, auth []byte) (nonce string, rest []byte) {
	if !bytes.Contains(auth, []byte(nonceKey)) {
		return "", auth
	}
	rest = without(f, auth, func(name string, value json.RawMessage) bool {
		if name != nonceKey {
			return false
		}
		if nonce = shortString(value); nonce == "?" {
			nonce = "" // two that are too long must not be the same
		}
		return true
	})
	return nonce, rest
}

// without returns an auth without the members for which taken returns true. It returns the
// same auth if that is not an object.
func without(f encoder, auth []byte, taken func(name string, value json.RawMessage) bool) []byte {
	dec := json.NewDecoder(bytes.NewReader(binding.JSON(f.Codec(), auth)))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return auth
	}
	rest := []byte{'{'}
	for dec.More() {
		var value json.RawMessage
		key, err := dec.Token()
		if err != nil || dec.Decode(&value) != nil {
			return auth
		}
		name, _ := key.(string)
		if taken(name, value) {
			continue
		}
		if len(rest) > 1 {
			rest = append(rest, ',')
		}
		quoted, _ := json.Marshal(name) // a string can be encoded
		rest = append(append(append(rest, quoted...), ':'), value...)
	}
	return f.auth(append(rest, '}'))
}

// shortString returns the string that raw encodes, if it is short enough to be a secret, a
// position or a nonce, "" for null, and otherwise "?", which is none of them.
func shortString(raw json.RawMessage) (s string) {
	if json.Unmarshal(raw, &s) == nil && len(s) <= 128 {
		return s
	}
	if string(raw) == "null" {
		return ""
	}
	return "?"
}

// auth encodes a JSON object in the format of the server, or returns nil.
func (f encoder) auth(text []byte) []byte {
	if f.Default() {
		return text
	}
	p, err := f.Codec().AppendPacket(nil, parser.Outgoing{Type: parser.TypeConnect, Namespace: "/", ID: noAck, Payload: json.RawMessage(text)})
	if err != nil {
		return nil
	}
	packet, ok, err := f.Codec().NewDecoder().Add(f.Limits(), p.Binary, p.Data)
	if err != nil || !ok {
		return nil
	}
	return packet.Data
}
