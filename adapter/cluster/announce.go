// SPDX-License-Identifier: MIT

// This file holds what a node says about itself, and the proof that it knows the secret.

package cluster

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"log/slog"
	"strconv"
	"time"

	"socketio/adapter/nodewire"
	"socketio/internal/jsontext"
)

// An Announcer adds data to the heartbeats of a node, and gets that of others. A node is
// named by its uid, which is the same until it ends. The methods are called without locks,
// must return at once, and may be called from any goroutine.
type Announcer interface {
	// Announcement returns the data of this node: JSON of at most 4 KiB, or nil. It is
	// called for each heartbeat.
	Announcement(node string) json.RawMessage
	// Announced is called for each heartbeat of another node that has data. Everyone who
	// can publish to the bus can send heartbeats, unless Options.Secret is set.
	Announced(node string, data json.RawMessage)
	// Left is called when another node has ended, or was not heard for Options.Lease. The
	// data may never have been Announced.
	Left(node string)
}

// An announcement is Message.Member of a heartbeat. A node with more than
// announcedSpaces namespaces names some of them in each heartbeat, and all of them in a
// round.
type announcement struct {
	id     string // adapter.Node.ID
	name   string
	epoch  uint64
	seq    uint64
	round  uint64
	spaces []string
	extra  json.RawMessage // of the Announcer
	time   uint64          // when it was sent, in milliseconds since 1970; 0 without a secret
	mac    string          // see sign; "" without a secret
}

const (
	announcedSpaces = 32
	maxNameLength   = 256     // of a name in an announcement
	maxSpaceLength  = 1024    // of a namespace
	maxExtra        = 4 << 10 // of the data of an Announcer
)

// append appends the announcement as a JSON object.
func (a *announcement) append(dst []byte) []byte {
	dst = jsontext.AppendString(append(dst, `{"id":`...), a.id)
	dst = jsontext.AppendString(append(dst, `,"name":`...), a.name)
	for _, number := range [...]struct {
		name  string
		value uint64
	}{{"epoch", a.epoch}, {"seq", a.seq}, {"round", a.round}, {"time", a.time}} {
		if number.value > 0 {
			dst = append(append(append(dst, `,"`...), number.name...), `":`...)
			dst = strconv.AppendUint(dst, number.value, 10)
		}
	}
	dst = append(dst, `,"spaces":[`...)
	for i, space := range a.spaces {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsontext.AppendString(dst, space)
	}
	dst = append(dst, ']')
	if a.extra != nil {
		dst = append(append(dst, `,"extra":`...), a.extra...)
	}
	if a.mac != "" {
		dst = jsontext.AppendString(append(dst, `,"mac":`...), a.mac)
	}
	return append(dst, '}')
}

// parseAnnouncement reads an announcement. ok is false if it is malformed. Unknown members
// are ignored.
func parseAnnouncement(raw json.RawMessage) (a announcement, ok bool) {
	ok = jsontext.Members(raw, func(key, value []byte) (ok bool) {
		switch string(key) {
		case `"id"`:
			a.id, ok = readText(value, maxNameLength)
		case `"name"`:
			a.name, ok = readText(value, maxNameLength)
		case `"mac"`:
			a.mac, ok = readText(value, maxNameLength)
		case `"epoch"`:
			a.epoch, ok = readNumber(value)
		case `"seq"`:
			a.seq, ok = readNumber(value)
		case `"round"`:
			a.round, ok = readNumber(value)
		case `"time"`:
			a.time, ok = readNumber(value)
		case `"extra"`:
			a.extra, ok = value, len(value) <= maxExtra
		case `"spaces"`:
			ok = a.readSpaces(value)
		default:
			ok = true
		}
		return ok
	})
	return a, ok
}

func (a *announcement) readSpaces(raw []byte) (ok bool) {
	return jsontext.Elements(raw, func(value []byte) bool {
		space, ok := readText(value, maxSpaceLength)
		a.spaces = append(a.spaces, space)
		return ok && len(a.spaces) <= announcedSpaces
	})
}

func readText(raw []byte, most int) (s string, ok bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	s, err := jsontext.Unquote(raw)
	return s, err == nil && len(s) <= most
}

func readNumber(raw []byte) (n uint64, ok bool) {
	n, err := strconv.ParseUint(string(raw), 10, 64)
	return n, err == nil
}

// maxAge is how old an announcement with a proof may be. The clocks of the nodes may
// differ by as much.
const maxAge = time.Minute

// sign sets the proof that a message of a kind, with the announcement, is of a node that
// knows the secret.
func (a *announcement) sign(secret []byte, kind nodewire.Kind, uid, space string) {
	if len(secret) > 0 {
		a.time = uint64(time.Now().UnixMilli())
		a.mac = a.proof(secret, kind, uid, space)
	}
}

// genuine reports whether the proof is right and not old, if there must be one.
func (a *announcement) genuine(secret []byte, kind nodewire.Kind, uid, space string) bool {
	if len(secret) == 0 {
		return true
	}
	age := time.Since(time.UnixMilli(int64(a.time))) //nolint:gosec // a nonsensical time is old
	return hmac.Equal([]byte(a.mac), []byte(a.proof(secret, kind, uid, space))) && age <= maxAge && age >= -maxAge
}

// proof is the HMAC of the fields, each with its length.
func (a *announcement) proof(secret []byte, kind nodewire.Kind, uid, space string) string {
	b := append(make([]byte, 0, 512), "socketio announcement"...)
	for _, n := range [...]uint64{uint64(kind), a.epoch, a.seq, a.round, a.time, uint64(len(a.spaces))} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	for _, s := range append([]string{uid, space, a.id, a.name, string(a.extra)}, a.spaces...) {
		b = append(binary.BigEndian.AppendUint64(b, uint64(len(s))), s...)
	}
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write(b)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// announcers calls the Announcer of a node, which may be nil.
type announcers struct {
	Announcer
	log *slog.Logger
}

// data returns the data of this node.
func (c announcers) data(uid string) json.RawMessage {
	if c.Announcer == nil {
		return nil
	}
	data := c.Announcement(uid)
	if len(data) > maxExtra || data != nil && !json.Valid(data) {
		c.log.Error("the data of the Announcer is not announced: it is not JSON, or longer than 4 KiB")
		return nil
	}
	return data
}

func (c announcers) heard(uid string, a *announcement) {
	if c.Announcer != nil && a.extra != nil {
		c.Announced(uid, a.extra)
	}
}

func (c announcers) left(uids ...string) {
	if c.Announcer == nil {
		return
	}
	for _, uid := range uids {
		c.Left(uid)
	}
}
