// SPDX-License-Identifier: MIT

// This file holds Args: arguments that an application decodes itself.

package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"socketio/internal/format"
	"socketio/parser"
)

// Args are the arguments of an event, or of an acknowledgement, as they came.
// The zero value has none. It may be kept, and read from any goroutine.
type Args struct {
	raw         [][]byte
	attachments [][]byte
	codec       parser.Codec
}

// Len is the number of arguments.
func (a Args) Len() int { return len(a.raw) }

// Decode decodes the first arguments into dst, one each, all non-nil pointers. A
// nil dst skips an argument. A []byte takes a binary attachment, anything else
// what encoding/json would. It returns ErrMissingArgument if there are fewer
// arguments than dst; more are ignored.
func (a Args) Decode(dst ...any) error {
	for i, d := range dst {
		if i >= len(a.raw) {
			return fmt.Errorf("%w %d", ErrMissingArgument, i)
		}
		if d == nil {
			continue
		}
		if err := a.codec.Decode(a.raw[i], a.attachments, d); err != nil {
			return fmt.Errorf("socketio: argument %d: %w", i, err)
		}
	}
	return nil
}

// Raw returns the JSON of argument i. Binary attachments stand in it as
// placeholder objects; see Attachments. With Options.Codec it is a translation, and
// what that says of bytes holds. The caller must not change it.
func (a Args) Raw(i int) json.RawMessage { return format.JSON(a.codec, a.raw[i]) }

// Attachments returns the binary attachments of all arguments, in the order of
// their placeholder numbers. The caller must not change them.
func (a Args) Attachments() [][]byte { return a.attachments }

// Values decodes all arguments as encoding/json decodes into an any, with []byte
// for binary attachments.
func (a Args) Values() ([]any, error) {
	return format.Values(a.codec, a.raw, a.attachments)
}

// clone makes a copy whose list of arguments is its own.
func (a Args) clone() Args {
	a.raw = slices.Clone(a.raw)
	return a
}

// MarshalJSON returns the arguments as a JSON array: sent as one argument of another
// event, Args arrive as an array. It is an error if they have attachments. To send them
// on one by one, with attachments, send what Values returns.
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
