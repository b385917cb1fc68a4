// SPDX-License-Identifier: MIT

// This file holds the Codec and the error of an argument.

package binding

import (
	"encoding/json"
	"strconv"
	"sync"
)

// A Codec encodes and decodes arguments. The zero value uses encoding/json. It
// must not be copied or changed after first use.
type Codec struct {
	// Marshal encodes the values that have no shortcut here. It must keep to
	// the rules of encoding/json, above all: a byte slice is a base64 string.
	// If nil, json.Marshal.
	Marshal func(v any) ([]byte, error)

	// Unmarshal is its counterpart. If nil, json.Unmarshal. It must skip line
	// ends in base64, as encoding/json does. When set, it also decides what an
	// any holds, so it sees all values that go into one, attachments aside.
	Unmarshal func(data []byte, v any) error

	plans sync.Map // reflect.Type to *plan; as many entries as there are types
}

// An ArgumentError says which argument could not be encoded. Err is the error of
// the encoder.
type ArgumentError struct {
	Index int // from 0
	Err   error
}

// Error names the argument, counting from 1.
func (e *ArgumentError) Error() string {
	return "argument " + strconv.Itoa(e.Index+1) + ": " + e.Err.Error()
}

// Unwrap returns the error of the encoder.
func (e *ArgumentError) Unwrap() error { return e.Err }

func (c *Codec) marshal(v any) ([]byte, error) {
	if c.Marshal != nil {
		return c.Marshal(v)
	}
	return json.Marshal(v)
}

func (c *Codec) unmarshal(data []byte, v any) error {
	if c.Unmarshal != nil {
		return c.Unmarshal(data, v)
	}
	return json.Unmarshal(data, v)
}
