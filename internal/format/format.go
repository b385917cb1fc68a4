// SPDX-License-Identifier: MIT

// This file holds Format: a codec and its limits.

package format

import (
	"socketio/engineio"
	"socketio/internal/binding"
	"socketio/parser"
)

// A Format is the packet format of one server or client. Its methods may be called from
// any goroutine.
type Format struct {
	// Immutable after New.
	codec  parser.Codec
	wire   *binding.Codec      // the default format, used between servers
	json   *binding.Codec      // wire if that is codec, otherwise nil
	late   parser.TextAppender // codec, if it is one and not wire
	limits parser.Limits

	drafts engineio.Drafts // safe from anywhere
}

// New returns a Format. A nil codec selects the default format with encoding/json; a
// *binding.Codec is the default format with its own functions for JSON. limits bound the
// packets to encode, and those to decode.
func New(codec parser.Codec, limits parser.Limits) *Format {
	f := &Format{codec: codec, limits: limits}
	if codec == nil {
		f.codec = new(binding.Codec)
	}
	var ok bool
	if f.json, ok = f.codec.(*binding.Codec); ok {
		f.wire = f.json
	} else {
		f.wire = new(binding.Codec)
		f.late, _ = f.codec.(parser.TextAppender)
	}
	return f
}

// Codec returns the codec of the format.
func (f *Format) Codec() parser.Codec { return f.codec }

// Wire returns the codec for values between servers, the default one.
func (f *Format) Wire() parser.Codec { return f.wire }

// Limits returns the limits of packets to decode. The caller must not change them.
func (f *Format) Limits() *parser.Limits { return &f.limits }

// Default reports whether this is the default format: text, with JSON.
func (f *Format) Default() bool { return f.json != nil }
