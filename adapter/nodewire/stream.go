// SPDX-License-Identifier: MIT

// This file reads and writes the entries of Redis streams, which have the parts of an
// envelope as fields: "uid", "nsp", "type" and "data".

package nodewire

import (
	"bytes"
	"encoding/base64"
	"strconv"
)

// A StreamEntry has the fields of an entry of a stream, except the namespace.
type StreamEntry struct {
	From []byte // "uid"
	Kind []byte // "type": a decimal number
	// Data is "data": JSON, or MessagePack in Base64 if the event has attachments.
	Data []byte
	// Go is a JSON object for nodes in Go, or nil. Node.js ignores it.
	Go []byte
}

// EncodeStreamEntry returns m as a StreamEntry. It returns an error that wraps ErrFormat if Node.js
// can't read m, or ErrKind.
func EncodeStreamEntry(m *Message) (e StreamEntry, err error) {
	raw, err := appendData(make([]byte, 0, len(m.Event.JSON)+160), m)
	if err != nil {
		return e, err
	}
	e.From, e.Kind = []byte(m.From), strconv.AppendInt(nil, int64(m.Kind), 10)
	e.Data = bytes.TrimPrefix(raw, []byte(`,"data":`))
	e.Go = bytes.TrimPrefix(appendGo(nil, m, false), []byte(`,"go":`))
	if len(m.Event.Attachments) > 0 {
		binary := packed(nil, e.Data, m.Event.Attachments)
		e.Data = base64.StdEncoding.AppendEncode(make([]byte, 0, base64.StdEncoding.EncodedLen(len(binary))), binary)
	}
	return e, nil
}

// DecodeStreamEntry is the reverse of EncodeStreamEntry for an entry of a namespace. The result keeps
// parts of e, which must not be changed. The error wraps ErrFormat, or is ErrKind.
func DecodeStreamEntry(namespace string, e StreamEntry) (*Message, error) {
	kind, ok := integer(e.Kind)
	if !ok {
		return nil, malformed("type is not a number")
	}
	m := &Message{Kind: Kind(kind), From: string(e.From), Namespace: namespace}
	var p parts
	var attachments [][]byte
	var err error
	if len(e.Data) > 0 {
		if p.data, attachments, err = unpackEntry(e.Data); err != nil {
			return nil, err
		}
	}
	if len(e.Go) > 0 {
		if !checkText(e.Go) {
			return nil, malformed("not JSON")
		}
		p.golang = bytes.TrimSpace(e.Go)
	}
	if err := decodeData(m, &p, attachments); err != nil {
		return nil, err
	}
	if err := p.golangOf(m, attachments); err != nil {
		return nil, err
	}
	return m, nil
}

// unpackEntry returns the field "data" as JSON text. Like Node.js it takes Base64 of both
// alphabets, with and without padding.
func unpackEntry(data []byte) (raw []byte, attachments [][]byte, err error) {
	if data[0] == '{' {
		return unpack(data)
	}
	plain := bytes.Map(func(r rune) rune {
		switch r {
		case '-':
			return '+'
		case '_':
			return '/'
		}
		return r
	}, bytes.TrimRight(data, "="))
	binary, err := base64.RawStdEncoding.AppendDecode(make([]byte, 0, len(plain)), plain)
	if err != nil {
		return nil, nil, malformed("neither JSON nor Base64")
	}
	return textOf(binary)
}
