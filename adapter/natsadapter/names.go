// SPDX-License-Identifier: MIT

// This file holds the names of subjects.

package natsadapter

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/nats-io/nats.go"

	"socketio/adapter/cluster"
)

// defaultPrefix is the beginning of the names of subjects.
const defaultPrefix = "socketio"

const (
	escapeByte = '='
	// longest is the length of a token. The hash of a longer one takes its place.
	longest = 120
	// hashed begins a token that is a hash. No byte is written like that.
	hashed = "=-"
	// empty is the token of "".
	empty = "="
)

// token returns what stands for a name in a subject, and in a key of a bucket: letters,
// digits, hyphens, underscores and "=". exact is false if it is a hash.
func token(name string) (t string, exact bool) {
	if name == "" {
		return empty, true
	}
	plain := true
	for i := range len(name) {
		plain = plain && isPlain(name[i])
	}
	if plain && len(name) <= longest {
		return name, true
	}
	var b strings.Builder
	for i := 0; i < len(name) && b.Len() <= longest; i++ {
		if isPlain(name[i]) {
			b.WriteByte(name[i])
			continue
		}
		const digits = "0123456789ABCDEF"
		b.WriteByte(escapeByte)
		b.WriteByte(digits[name[i]>>4])
		b.WriteByte(digits[name[i]&15])
	}
	if b.Len() <= longest {
		return b.String(), true
	}
	sum := sha256.Sum256([]byte(name))
	return hashed + base64.RawURLEncoding.EncodeToString(sum[:]), false
}

func isPlain(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '-' || c == '_'
}

// untoken is the reverse of token. ok is false for a hash, and for what token does not
// return.
func untoken(t string) (name string, ok bool) {
	if t == empty {
		return "", true
	}
	if strings.HasPrefix(t, hashed) {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(t); i++ {
		if t[i] != escapeByte {
			b.WriteByte(t[i])
			continue
		}
		if len(t) < i+3 {
			return "", false
		}
		high, low := strings.IndexByte("0123456789ABCDEF", t[i+1]), strings.IndexByte("0123456789ABCDEF", t[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		b.WriteByte(byte(high<<4 | low))
		i += 2
	}
	name = b.String()
	again, exact := token(name)
	return name, exact && again == t
}

// subjects are the names of one cluster: prefix.nodes, and for each namespace
// prefix.ns.NAMESPACE.events, .requests, .room.ROOM and .node.NODE.
type subjects struct{ prefix string }

// of returns the subject of a channel. exact is false if it has a hash, so that messages
// carry the names of their channel.
func (s subjects) of(c cluster.Channel) (subject string, exact bool) {
	if c.Class == cluster.ClassNodes {
		return s.prefix + ".nodes", true
	}
	space, exact := token(c.Namespace)
	subject = s.prefix + ".ns." + space
	switch c.Class {
	case cluster.ClassEvents:
		return subject + ".events", exact
	case cluster.ClassRequests:
		return subject + ".requests", exact
	case cluster.ClassRoom:
		name, whole := token(c.Name)
		return subject + ".room." + name, exact && whole
	case cluster.ClassAnyRoom:
		return subject + ".room.*", exact
	case cluster.ClassNode:
		name, whole := token(c.Name)
		return subject + ".node." + name, exact && whole
	case cluster.ClassLog:
		return s.prefix + ".out." + space, true // see stream; entries carry the name
	}
	return subject + ".answers", exact // ClassAnswers: nobody publishes to it
}

// sync is the subject by which a server in Go asks whether all NATS servers know its
// subscriptions.
func (s subjects) sync() string { return s.prefix + ".sync" }

// inboxName returns a name that no other server has.
func inboxName() string { return nats.NewInbox()[len(nats.InboxPrefix):] }

// headerChannel has the names of a channel whose subject has a hash.
const headerChannel = "Socketio-Channel"

// fullName is what a message carries whose subject has a hash.
func fullName(c cluster.Channel) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(c.Namespace)) + "." + encode([]byte(c.Name))
}

// parseFullName is the reverse of fullName.
func parseFullName(text string) (namespace, name string, ok bool) {
	first, second, ok := strings.Cut(text, ".")
	a, err := base64.RawURLEncoding.DecodeString(first)
	b, err2 := base64.RawURLEncoding.DecodeString(second)
	return string(a), string(b), ok && err == nil && err2 == nil
}
