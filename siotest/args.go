// SPDX-License-Identifier: MIT

// This file holds Args, the arguments of events and acknowledgements: how they are
// decoded, compared, and shown in messages.

package siotest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"socketio/internal/binding"
	"socketio/parser"
)

// errMissing is returned by Decode for a missing argument.
var errMissing = errors.New("siotest: missing argument")

// maxAttachments is the maximum number of attachments that a client accepts in one
// packet.
const maxAttachments = 99

// Any matches any single argument in comparisons:
//
//	bob.Want("joined", siotest.Any{}, "lobby")
type Any struct{}

// Args are the undecoded arguments of an event or an acknowledgement. They may be kept
// and read from any goroutine.
type Args struct {
	raw         [][]byte
	attachments [][]byte
	codec       parser.Codec
}

// Len is the number of arguments.
func (a Args) Len() int { return len(a.raw) }

// Decode decodes the first len(dst) arguments into dst, which must be pointers. A nil
// element skips an argument. A binary attachment is decoded into a []byte, all else as by
// encoding/json.
func (a Args) Decode(dst ...any) error {
	return binding.DecodeValues("siotest", errMissing, a.codec, a.raw, a.attachments, dst)
}

// Raw returns the JSON of argument i. Binary attachments are replaced by placeholder
// objects; see Attachments. With ServerOptions.Codec, the JSON is a translation, or nil
// if the argument can't be translated. The caller must not change it.
func (a Args) Raw(i int) json.RawMessage { return binding.JSON(a.codec, a.raw[i]) }

// Values decodes all arguments as encoding/json does for an any, with []byte for binary
// attachments.
func (a Args) Values() ([]any, error) {
	return binding.AnyValues("siotest", a.codec, a.raw, a.attachments)
}

// Attachments returns the binary attachments, in order. The caller must not change
// them.
func (a Args) Attachments() [][]byte { return a.attachments }

// String returns the arguments as a JSON array. Attachments are replaced by placeholders.
func (a Args) String() string {
	texts := make([][]byte, len(a.raw))
	for i := range a.raw {
		texts[i] = a.text(i)
	}
	return "[" + string(bytes.Join(texts, []byte{','})) + "]"
}

// text returns argument i for a message.
func (a Args) text(i int) []byte {
	if raw := a.Raw(i); raw != nil {
		return raw
	}
	return []byte("?")
}

// equals reports whether the arguments are equal to want as encoded.
func (a Args) equals(want []any) (bool, error) {
	expected, err := encodeArgs(a.codec, want)
	if err != nil {
		return false, err
	}
	if len(a.raw) != len(expected.raw) {
		return false, nil
	}
	for i := range want {
		if _, any := want[i].(Any); any {
			continue
		}
		got, err := a.tree(i)
		if err != nil {
			return false, err
		}
		exp, err := expected.tree(i)
		if err != nil {
			return false, err
		}
		if !reflect.DeepEqual(got, exp) {
			return false, nil
		}
	}
	return true, nil
}

// encodeArgs encodes args as an acknowledgement and splits it.
func encodeArgs(codec parser.Codec, args []any) (Args, error) {
	enc, err := codec.AppendPacket(nil, parser.Outgoing{Type: parser.TypeAck, Args: args})
	if err != nil {
		return Args{}, err
	}
	decoder := codec.NewDecoder()
	limits := &parser.Limits{MaxAttachments: maxAttachments}
	p, ok, err := decoder.Add(limits, enc.Binary, enc.Data)
	for _, b := range enc.Attachments {
		if err == nil && !ok {
			p, ok, err = decoder.Add(limits, true, b)
		}
	}
	if err != nil {
		return Args{}, err
	}
	return Args{raw: codec.SplitArray(nil, p.Data), attachments: p.Attachments, codec: codec}, nil
}

// tree decodes argument i into maps, slices, strings, []byte and numbers that are
// equal if their values are.
func (a Args) tree(i int) (v any, err error) {
	codec := a.codec
	if _, is := codec.(*binding.Codec); is {
		codec = &binding.Codec{Unmarshal: exactly} // keeps large integers exact
	}
	if err := codec.Decode(a.raw[i], a.attachments, &v); err != nil {
		return nil, err
	}
	return normal(v), nil
}

func exactly(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(v)
}

// normal makes numbers comparable: integers as digits, all others as float64.
func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = normal(v[name])
		}
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	case json.Number:
		if _, err := strconv.ParseInt(string(v), 10, 64); err == nil && v != "-0" {
			return v
		}
		f, err := v.Float64()
		if n := json.Number(strconv.FormatFloat(f, 'f', -1, 64)); err == nil && f == float64(int64(f)) && f < 1<<53 && f > -1<<53 {
			return n // 1.0 and 1e2 are integers too
		}
		return f
	}
	return v
}

// describe returns args as JSON, for a message.
func describe(codec parser.Codec, args []any) string {
	enc, err := encodeArgs(codec, args)
	if err != nil {
		return fmt.Sprint(args)
	}
	text := enc.String()
	if len(args) > 0 {
		parts := make([]string, len(args))
		for i, a := range args {
			if _, is := a.(Any); is {
				parts[i] = "anything"
			} else {
				parts[i] = string(enc.text(i))
			}
		}
		text = "[" + strings.Join(parts, ",") + "]"
	}
	return shorten(text)
}

// shorten cuts a text that is too long for a message.
func shorten(s string) string {
	const most = 500
	if len(s) > most {
		return fmt.Sprintf("%s... (%d bytes)", s[:most], len(s))
	}
	return s
}

// because shows an error behind a message.
func because(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf(" (%v)", err)
}
