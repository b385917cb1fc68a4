// SPDX-License-Identifier: MIT

// This file reads validated payloads: the event name and the spans of the
// arguments. It also knows the reserved event names.

package parser

import "socketio/internal/jsontext"

// maxReservedRaw is the length of the longest reserved name when every
// character is written as an escape, with the quotes.
const maxReservedRaw = len("removeListener")*6 + 2

// IsReserved reports whether event is one of the six names that belong to the
// protocol and the JavaScript event emitter. They cannot be emitted.
func IsReserved(event string) bool {
	switch event {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}

// EventName returns the name of the event in data, the payload of a decoded
// event. A number is converted to text as in JavaScript. The result aliases data
// where possible; otherwise it is fresh memory. It is nil if data is not an event
// payload.
func EventName(data []byte) []byte {
	raw := eventNameSpan(data)
	if len(raw) == 0 {
		return nil
	}
	if raw[0] != '"' {
		return jsontext.NumberText(raw)
	}
	if n := jsontext.PlainLen(raw, 1); n == len(raw)-2 {
		return raw[1 : len(raw)-1]
	}
	name, err := jsontext.AppendUnquoted(make([]byte, 0, len(raw)), raw)
	if err != nil {
		return nil
	}
	return name
}

// eventNameSpan returns the first element of the array data when it is a string
// or a number, else nil.
func eventNameSpan(data []byte) []byte {
	i := jsontext.SkipSpace(data, 0)
	if i >= len(data) || data[i] != '[' {
		return nil
	}
	if i = jsontext.SkipSpace(data, i+1); i >= len(data) {
		return nil
	}
	end, ok := i, false
	switch c := data[i]; {
	case c == '"':
		end, ok = jsontext.ScanString(data, i)
	case c == '-' || jsontext.IsDigit(c):
		end, ok = jsontext.ScanNumber(data, i)
	}
	if !ok {
		return nil
	}
	return data[i:end]
}

// startsReserved reports whether the JSON text at data starts with a string that
// is a reserved name. It looks at a bounded number of bytes.
func startsReserved(data []byte) bool {
	if data[0] != '"' {
		return false
	}
	n := jsontext.PlainLen(data[:min(len(data), maxReservedRaw)], 1)
	if 1+n < len(data) && data[1+n] == '"' {
		return IsReserved(string(data[1 : 1+n]))
	}
	end, ok := jsontext.ScanString(data[:min(len(data), maxReservedRaw)], 0)
	if !ok {
		return false // longer than any reserved name
	}
	var buf [maxReservedRaw]byte
	name, err := jsontext.AppendUnquoted(buf[:0], data[:end])
	return err == nil && IsReserved(string(name))
}

// SplitArray appends the raw elements of the JSON array data to dst and returns the
// result. The elements alias data and have no white space around them. The array must
// have been validated: for other data the result is unspecified, but SplitArray does not
// panic.
func SplitArray(dst [][]byte, data []byte) [][]byte {
	i := jsontext.SkipSpace(data, 0)
	if i >= len(data) || data[i] != '[' {
		return dst
	}
	i++
	for {
		i = jsontext.SkipSpace(data, i)
		start := i
		if i = jsontext.SkipValue(data, i); i == start {
			return dst // the closing bracket, or not an array
		}
		dst = append(dst, data[start:i:i])
		if i = jsontext.SkipSpace(data, i); i >= len(data) || data[i] != ',' {
			return dst
		}
		i++
	}
}
