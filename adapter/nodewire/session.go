// SPDX-License-Identifier: MIT

// This file reads and writes the sessions of clients that may come back, as the adapter
// for Redis streams of Node.js stores them.

package nodewire

import (
	"time"

	"socketio/adapter"
	"socketio/internal/jsontext"
	"socketio/internal/mpack"
)

// A SessionRecord is a session as a broker keeps it.
type SessionRecord struct {
	// Namespace and Owner, the node that has the session, are "" if a server in Node.js
	// has written it: the session has ended then, and nobody owns it.
	Namespace, Owner string
	adapter.Session
}

// Foreign reports whether a server in Node.js has written the session. It has only an ID,
// a Secret, current rooms and Data; the rest of Session is zero, also Ended.
func (r *SessionRecord) Foreign() bool { return r.Owner == "" && r.Namespace == "" }

// AppendSession appends a session in MessagePack and returns the result. Node.js can read
// it: the members of nodes in Go are in one of their own. It returns an error that wraps
// ErrFormat if Data is not an object in JSON.
func AppendSession(dst []byte, r *SessionRecord) ([]byte, error) {
	data := appendObject(nil, r.Data)
	if !checkText(data) {
		return nil, malformed("the data of a session is not JSON, or nested too deep")
	}
	const members = 5
	dst = mpack.AppendMapHead(dst, members)
	dst = appendPackedMember(dst, "sid", r.ID)
	dst = appendPackedMember(dst, "pid", r.Secret)
	dst = appendPackedName(dst, "rooms")
	head := len(dst)
	dst, count := append(dst, 0), 0
	for _, m := range r.Rooms {
		if m.To == 0 {
			dst = appendPackedString(dst, m.Room)
			count++
		}
	}
	dst = mpack.FinishArrayHead(dst, head, count)
	dst = packed(appendPackedName(dst, "data"), data, nil)
	return appendSessionOfGo(appendPackedName(dst, "go"), r), nil
}

// appendSessionOfGo appends the members that Node.js does not have. Those that are zero
// are left out.
func appendSessionOfGo(dst []byte, r *SessionRecord) []byte {
	head, count := len(dst), 0
	dst = append(dst, 0)
	for _, m := range [...]struct{ name, value string }{
		{"nsp", r.Namespace}, {"owner", r.Owner}, {"epoch", r.Epoch}, {"stale", r.Stale}, {"nonce", r.Nonce},
	} {
		if m.value != "" {
			dst = appendPackedMember(dst, m.name, m.value)
			count++
		}
	}
	for _, m := range [...]struct {
		name  string
		value uint64
	}{{"start", r.Start}, {"last", r.Last}, {"checked", r.Checked}, {"floor", r.Floor}, {"lost", r.Lost}} {
		if m.value > 0 {
			dst = mpack.AppendUint(appendPackedName(dst, m.name), m.value)
			count++
		}
	}
	if !r.Ended.IsZero() {
		dst = mpack.AppendInt(appendPackedName(dst, "ended"), r.Ended.UnixNano())
		count++
	}
	if len(r.Replies) > 0 {
		dst = mpack.AppendBinary(appendPackedName(dst, "replies"), r.Replies)
		count++
	}
	dst = mpack.AppendArrayHead(appendPackedName(dst, "rooms"), len(r.Rooms))
	for _, m := range r.Rooms {
		const parts = 3
		dst = appendPackedString(mpack.AppendArrayHead(dst, parts), m.Room)
		dst = mpack.AppendUint(mpack.AppendUint(dst, m.From), m.To)
	}
	return mpack.FinishMapHead(dst, head, count+1)
}

func appendPackedString(dst []byte, s string) []byte {
	return append(mpack.AppendStringHead(dst, len(s)), s...)
}

func appendPackedName(dst []byte, name string) []byte { return appendPackedString(dst, name) }

func appendPackedMember(dst []byte, name, value string) []byte {
	return appendPackedString(appendPackedName(dst, name), value)
}

// DecodeSession reads a session. The error wraps ErrFormat. The rooms of a session of
// Node.js were joined before all events.
func DecodeSession(data []byte) (*SessionRecord, error) {
	r := new(SessionRecord)
	d := sessionReader{toText: toText{reader: reader{data: data}}}
	var rooms []string
	if !d.object(func(name string) (ok bool) {
		switch name {
		case "sid":
			return d.text(&r.ID)
		case "pid":
			return d.text(&r.Secret)
		case "rooms":
			return d.list(func() bool {
				var room string
				ok := d.room(&room)
				rooms = append(rooms, room)
				return ok
			})
		case "data":
			raw, attachments, ok := d.json()
			if ok && len(raw) > 0 && raw[0] == '{' {
				r.Data = inlineBytes(raw, attachments)
			}
			return ok
		case "go":
			return d.ofGo(r)
		}
		return d.skip()
	}) || d.i != len(data) || r.ID == "" || r.Secret == "" {
		return nil, malformed("not a session")
	}
	if r.Data == nil {
		r.Data = []byte("{}")
	}
	if r.Foreign() {
		r.Session = adapter.Session{ID: r.ID, Secret: r.Secret, Data: r.Data}
		for _, room := range rooms {
			r.Rooms = append(r.Rooms, adapter.Membership{Room: room})
		}
	}
	return r, nil
}

// A sessionReader reads the values of a session one after the other. Its methods report
// false for a value of another kind, or if the data ends.
type sessionReader struct{ toText }

func (d *sessionReader) kind(k mpack.Kind) (h mpack.Head, ok bool) {
	h, ok = d.head()
	return h, ok && h.Kind == k
}

// object reads a map. each reads the value of a name.
func (d *sessionReader) object(each func(name string) bool) bool {
	h, ok := d.kind(mpack.Map)
	for n := 0; ok && n < h.N; n++ {
		var name string
		ok = d.text(&name) && each(name)
	}
	return ok
}

// list reads an array. each reads a value.
func (d *sessionReader) list(each func() bool) bool {
	h, ok := d.kind(mpack.Array)
	for n := 0; ok && n < h.N; n++ {
		ok = each()
	}
	return ok
}

func (d *sessionReader) text(s *string) bool {
	h, ok := d.kind(mpack.String)
	if ok {
		*s = string(d.take(h.N))
	}
	return ok
}

// room reads the name of a room, which is a number in JavaScript now and then.
func (d *sessionReader) room(s *string) bool {
	if h, _, ok := mpack.ReadHead(d.data, d.i); ok && h.Kind == mpack.String {
		return d.text(s)
	}
	raw, _, ok := d.json()
	*s = string(raw)
	return ok && len(raw) > 0 && (raw[0] == '-' || jsontext.IsDigit(raw[0]))
}

func (d *sessionReader) number(n *uint64) (ok bool) {
	h, ok := d.kind(mpack.Uint)
	*n = h.Num
	return ok
}

// json reads any value as JSON text.
func (d *sessionReader) json() (raw []byte, attachments [][]byte, ok bool) {
	d.dst, d.attachments = nil, nil
	ok = d.value(0) == nil
	return d.dst, d.attachments, ok
}

func (d *sessionReader) skip() bool {
	_, _, ok := d.json()
	return ok
}

// ofGo reads the members that Node.js does not have.
func (d *sessionReader) ofGo(r *SessionRecord) bool {
	texts := map[string]*string{"nsp": &r.Namespace, "owner": &r.Owner, "epoch": &r.Epoch, "stale": &r.Stale, "nonce": &r.Nonce}
	numbers := map[string]*uint64{"start": &r.Start, "last": &r.Last, "checked": &r.Checked, "floor": &r.Floor, "lost": &r.Lost}
	return d.object(func(name string) (ok bool) {
		if s := texts[name]; s != nil {
			return d.text(s)
		}
		if n := numbers[name]; n != nil {
			return d.number(n)
		}
		switch name {
		case "ended":
			h, ok := d.head()
			r.Ended = time.Unix(0, int64(h.Num)) //nolint:gosec // any time is one
			return ok && (h.Kind == mpack.Uint || h.Kind == mpack.Int)
		case "replies":
			h, ok := d.kind(mpack.Binary)
			if ok {
				r.Replies = append([]byte(nil), d.take(h.N)...)
			}
			return ok
		case "rooms":
			r.Rooms = nil
			return d.list(func() bool {
				m, part := adapter.Membership{}, 0
				ok := d.list(func() bool {
					part++
					switch part {
					case 1:
						return d.text(&m.Room)
					case 2:
						return d.number(&m.From)
					case 3:
						return d.number(&m.To)
					}
					return d.skip()
				})
				r.Rooms = append(r.Rooms, m)
				return ok && part > 2
			})
		}
		return d.skip()
	})
}
