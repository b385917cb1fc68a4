// SPDX-License-Identifier: MIT

// This file holds the values of data keys, and their encoding.

package socketio

import (
	"encoding/json"
	"maps"
	"sync/atomic"

	"socketio/internal/call"
)

// A dataMap holds the values of a socket. It is replaced, never changed.
type dataMap map[string]any

// rawData is a value received as JSON.
type rawData json.RawMessage

// socketData holds the values of a socket. It is safe from anywhere.
type socketData struct{ p atomic.Pointer[dataMap] }

// now returns the current values.
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

// json returns the values as a JSON object, without values that can't be encoded.
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

// parseData returns the values of a JSON object; anything else has none.
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
