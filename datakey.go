// SPDX-License-Identifier: MIT

// This file holds values that an application keeps with a socket, by typed keys.

package socketio

import (
	"encoding/json"
	"maps"
	"sync/atomic"

	"socketio/internal/call"
)

// A DataKey names a value of type T that an application keeps with a socket. Keys
// are made once, at package level:
//
//	var userKey = socketio.NewDataKey[User]("user")
//
//	userKey.Set(s, u)
//	u, ok := userKey.Get(s)
//
// Keys of one name are one key. Other servers, and what recovery keeps, see the
// values as encoding/json writes them: T should survive that; a value that can't
// be written is not seen there. All methods may be called from any goroutine. A
// value that is a pointer, a map or a slice is shared, not copied.
type DataKey[T any] struct{ name string }

// NewDataKey returns the key of a name. It panics if name is "".
func NewDataKey[T any](name string) DataKey[T] {
	if name == "" {
		panic("socketio: NewDataKey: the name is empty")
	}
	return DataKey[T]{name}
}

// Name is the name of the key.
func (k DataKey[T]) Name() string { return k.name }

// Set keeps v with a socket, until the socket is no longer used.
func (k DataKey[T]) Set(s *Socket, v T) {
	s.data.change(func(m dataMap) { m[k.name] = v })
}

// Delete removes the value.
func (k DataKey[T]) Delete(s *Socket) {
	s.data.change(func(m dataMap) { delete(m, k.name) })
}

// Get returns the value kept with a *Socket or a RemoteSocket. ok is false if there
// is none, or it is of another type, or does not decode as T.
func (k DataKey[T]) Get(s DataHolder) (v T, ok bool) {
	held := s.dataValue(k.name)
	if raw, is := held.(rawData); is { // first: if T is any, raw is one too
		if ok = json.Unmarshal(raw, &v) == nil; !ok {
			v = *new(T)
		}
		return v, ok
	}
	v, ok = held.(T)
	return v, ok
}

// A DataHolder has values by DataKey: a *Socket or a RemoteSocket.
type DataHolder interface {
	dataValue(name string) any // nil if there is none
}

// A dataMap is the values of a socket. It is replaced, never changed.
type dataMap map[string]any

// rawData is a value that came as JSON.
type rawData json.RawMessage

func (s *Socket) dataValue(name string) any { return s.data.now()[name] }

// socketData holds the values of a socket. It is safe from anywhere.
type socketData struct{ p atomic.Pointer[dataMap] }

// now returns the values of this instant.
func (d *socketData) now() dataMap {
	if m := d.p.Load(); m != nil {
		return *m
	}
	return nil
}

func (d *socketData) change(change func(dataMap)) {
	for {
		now := d.p.Load()
		next := make(dataMap)
		if now != nil {
			next = maps.Clone(*now)
		}
		change(next)
		if d.p.CompareAndSwap(now, &next) {
			return
		}
	}
}

// json returns the values as a JSON object, without those that have no JSON.
func (m dataMap) json() json.RawMessage {
	fields := make(map[string]json.RawMessage, len(m))
	for name, v := range m {
		if raw, ok := v.(rawData); ok {
			fields[name] = json.RawMessage(raw)
		} else if text, err := marshalData(v); err == nil {
			fields[name] = text
		}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return json.RawMessage("{}")
	}
	return text
}

// marshalData calls an application's marshalers.
func marshalData(v any) (text []byte, err error) {
	defer call.Barrier(&err, newPanicError)
	return json.Marshal(v)
}

// parseData takes a JSON object apart. What is no object has no values.
func parseData(text json.RawMessage) dataMap {
	var fields map[string]json.RawMessage
	if json.Unmarshal(text, &fields) != nil {
		return nil
	}
	m := make(dataMap, len(fields))
	for name, raw := range fields {
		m[name] = rawData(raw)
	}
	return m
}
