// SPDX-License-Identifier: MIT

// This file holds Args, arguments that an application decodes itself.

package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"

	"socketio/internal/binding"
	"socketio/parser"
)

// Args are the undecoded arguments of an event or an acknowledgement. The zero value has
// no arguments. Args may be kept, and read from any goroutine.
type Args struct {
	raw         [][]byte
	attachments [][]byte
	codec       parser.Codec
}

// Len is the number of arguments.
func (a Args) Len() int { return len(a.raw) }

// Decode decodes the first len(dst) arguments into dst, which must be pointers. A nil
// element skips an argument. A binary attachment is decoded into a []byte, all else as by
// encoding/json. Decode returns ErrMissingArgument if there are fewer arguments than
// elements of dst; further arguments are ignored.
func (a Args) Decode(dst ...any) error {
	return binding.DecodeValues("socketio", ErrMissingArgument, a.codec, a.raw, a.attachments, dst)
}

// Raw returns the JSON of argument i. Binary attachments are replaced by placeholder
// objects; see Attachments. With Options.Codec, the JSON is a translation by the codec,
// which determines the form of bytes. The caller must not change it.
func (a Args) Raw(i int) json.RawMessage { return binding.JSON(a.codec, a.raw[i]) }

// Attachments returns the binary attachments of all arguments, in the order of
// their placeholder numbers. The caller must not change them.
func (a Args) Attachments() [][]byte { return a.attachments }

// Values decodes all arguments as encoding/json does for an any, with []byte for binary
// attachments.
func (a Args) Values() ([]any, error) {
	return binding.AnyValues("socketio", a.codec, a.raw, a.attachments)
}

// clone returns a copy with its own list of arguments.
func (a Args) clone() Args {
	a.raw = slices.Clone(a.raw)
	return a
}

// MarshalJSON returns the arguments as a JSON array, so Args sent as one argument of
// another event arrive as an array. It returns an error if there are attachments. To
// forward the arguments one by one, with attachments, pass the result of Values to Emit.
func (a Args) MarshalJSON() ([]byte, error) {
	if len(a.attachments) > 0 {
		return nil, errors.New("socketio: binary arguments have no JSON: send what Args.Values returns")
	}
	return []byte(a.String()), nil
}

// String returns the arguments as a JSON array.
func (a Args) String() string {
	texts := make([][]byte, len(a.raw))
	for i := range texts {
		texts[i] = a.Raw(i)
	}
	return "[" + string(bytes.Join(texts, []byte{','})) + "]"
}
