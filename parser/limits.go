// SPDX-License-Identifier: MIT

// This file holds the limits of a Decoder, and their defaults.

package parser

// The defaults and the maximum values of [Limits].
const (
	DefaultMaxAttachments     = 10
	DefaultMaxDepth           = 512
	DefaultMaxIncompleteBytes = 11_000_000 // 10 attachments and the text, 1,000,000 bytes each
	DefaultMaxNamespace       = 255
	DefaultMaxElements        = 1 << 18

	ceilingAttachments = 99   // the count has at most two digits
	ceilingDepth       = 1024 // the nesting stack of the validator is a fixed array of bits
)

// Limits bound the packets of a peer. A packet that exceeds a limit results in a
// [DecodeError]. The zero value and a nil pointer mean the defaults. Limits may be shared
// by any number of decoders as long as they do not change.
type Limits struct {
	// MaxAttachments is the maximum number of attachments of one packet. If zero or
	// negative, 10. At most 99.
	MaxAttachments int

	// MaxDepth is how deep arrays and objects may nest; the array of an event
	// counts as one. If zero or negative, 512. At most 1024.
	MaxDepth int

	// MaxIncompleteBytes bounds the memory that a Decoder keeps while it waits for
	// attachments: the text and all attachments of one packet together. If zero or
	// negative, 11,000,000 bytes.
	MaxIncompleteBytes int

	// MaxElements bounds the number of arrays and objects of one packet, at any depth: an
	// array counts as one, an object as four. Each takes a few bytes of text, but many
	// times that when decoded into an any. If zero or negative, 262,144: 65,536 objects,
	// or four times as many arrays.
	MaxElements int

	// MaxNamespace is the longest namespace, in bytes. If zero or negative, 255.
	MaxNamespace int
}

func (l *Limits) maxAttachments() int {
	if l == nil || l.MaxAttachments <= 0 {
		return DefaultMaxAttachments
	}
	return min(l.MaxAttachments, ceilingAttachments)
}

func (l *Limits) maxDepth() int {
	if l == nil || l.MaxDepth <= 0 {
		return DefaultMaxDepth
	}
	return min(l.MaxDepth, ceilingDepth)
}

func (l *Limits) maxElements() int {
	if l == nil || l.MaxElements <= 0 {
		return DefaultMaxElements
	}
	return l.MaxElements
}

func (l *Limits) maxIncompleteBytes() int {
	if l == nil || l.MaxIncompleteBytes <= 0 {
		return DefaultMaxIncompleteBytes
	}
	return l.MaxIncompleteBytes
}

func (l *Limits) maxNamespace() int {
	if l == nil || l.MaxNamespace <= 0 {
		return DefaultMaxNamespace
	}
	return l.MaxNamespace
}
