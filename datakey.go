// SPDX-License-Identifier: MIT

// This file holds DataKey: typed keys for values that an application stores with a
// socket.

package socketio

import "encoding/json"

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
	rareOf(s).data.change(func(m dataMap) { m[k.name] = v })
	s.changed()
}

// Delete removes the value.
func (k DataKey[T]) Delete(s *Socket) {
	rareOf(s).data.change(func(m dataMap) { delete(m, k.name) })
	s.changed()
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
	dataValue(name string) any // nil without a value
}

func (s *Socket) dataValue(name string) any { return valuesOf(s)[name] }
