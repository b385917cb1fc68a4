// SPDX-License-Identifier: MIT

// This file holds DataKey: typed keys for values that an application stores with a
// socket.

package socketio

import (
	"encoding/json"
	"maps"
	"sync/atomic"

	"socketio/internal/call"
)

// A DataKey names a value of type T that an application stores with a socket. Create keys
// once, at package level:
//
//	var userKey = socketio.NewDataKey[User]("user")
//
//	userKey.Set(s, u)
//	u, ok := userKey.Get(s)
//
// Keys with the same name refer to the same value. Other servers receive the values as
// encoded by encoding/json, so T should survive encoding and decoding; a value that can't
// be encoded is left out. All methods may be called from any goroutine. A value that is a
// pointer, a map or a slice is shared, not copied.
type DataKey[T any] struct{ name string }

// NewDataKey returns the key with the given name. It panics if name is "".
func NewDataKey[T any](name string) DataKey[T] {
	if name == "" {
		panic("socketio: NewDataKey: the name is empty")
	}
	return DataKey[T]{name}
}

// Name is the name of the key.
func (k DataKey[T]) Name() string { return k.name }

// Set stores v with a socket.
func (k DataKey[T]) Set(s *Socket, v T) {
	s.data.change(func(m dataMap) { m[k.name] = v })
}

// Delete removes the value.
func (k DataKey[T]) Delete(s *Socket) {
	s.data.change(func(m dataMap) { delete(m, k.name) })
}

// Get returns the value stored with a *Socket or a RemoteSocket. ok is false if there is
// no value, or it has another type or can't be decoded into a T.
func (k DataKey[T]) Get(s DataHolder) (v T, ok bool) {
	held := s.dataValue(k.name)
	if raw, is := held.(rawData); is { // checked first, since T may be any
		if ok = json.Unmarshal(raw, &v) == nil; !ok {
			v = *new(T)
		}
		return v, ok
	}
	v, ok = held.(T)
	return v, ok
}

// A DataHolder is a *Socket or a RemoteSocket, which have values by DataKey.
type DataHolder interface {
	dataValue(name string) any // nil if there is none
}

// A dataMap holds the values of a socket. It is replaced, never modified.
type dataMap map[string]any

// rawData is a value received as JSON.
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

// json returns the values as a JSON object, without those that can't be encoded.
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

// parseData splits a JSON object into its values. It returns no values for other JSON.
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
