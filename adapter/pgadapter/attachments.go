// SPDX-License-Identifier: MIT

// This file holds how a message becomes a notification: as it is, as base64, or as the
// number of a row of the table of attachments.

package pgadapter

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// A format writes and reads notifications.
type format struct {
	self  string // the uid of this bus in headers
	table string // of attachments
	node  bool   // servers in Node.js read them
}

// sealedMark is the first byte of a message with a seal, which no server in Node.js reads.
const sealedMark = 0xc1

// base64Mark begins a notification that is base64. JSON does not begin with it.
const base64Mark = 'B'

// payload returns the notification of a message. ok is false if the message must become an
// attachment.
func (f *format) payload(data []byte) (text string, ok bool) {
	switch {
	case len(data) == 0:
		return "", true
	case data[0] == '{':
		return string(data), len(data) <= maxPayload
	case f.node && data[0] != sealedMark, base64.StdEncoding.EncodedLen(len(data)) >= maxPayload:
		return "", false
	}
	return string(base64Mark) + base64.StdEncoding.EncodeToString(data), true
}

// insertSQL stores an attachment and notifies of it. Node.js wants the number as a text.
func (f *format) insertSQL() string {
	return `WITH a AS (INSERT INTO ` + quote(f.table) + ` (payload) VALUES ($1) RETURNING id)
SELECT pg_notify($2::text, $3::text || a.id::text || '"}') FROM a`
}

func (f *format) selectSQL() string {
	return `SELECT payload FROM ` + quote(f.table) + ` WHERE id = $1`
}

// header is the beginning of the notification of an attachment. The number follows. Node.js
// ignores a message without a uid.
func (f *format) header() string { return `{"uid":"` + f.self + `","attachmentId":"` }

// maxHeader bounds the notification of an attachment.
const maxHeader = 512

// A header is the notification of an attachment.
type header struct {
	UID          string          `json:"uid"`
	AttachmentID json.RawMessage `json:"attachmentId"`
}

// read returns the message of a notification, or the number of its attachment. own reports
// whether the attachment is one of this bus.
func (f *format) read(payload string) (data []byte, attachment string, own bool) {
	if len(payload) > 0 && payload[0] == base64Mark {
		if data, err := base64.StdEncoding.DecodeString(payload[1:]); err == nil {
			return data, "", false
		}
	}
	if len(payload) <= maxHeader && strings.Contains(payload, `"attachmentId"`) {
		var h header
		if json.Unmarshal([]byte(payload), &h) == nil {
			if id := strings.Trim(string(h.AttachmentID), `"`); id != "" && id != "null" {
				return nil, id, h.UID == f.self
			}
		}
	}
	return []byte(payload), "", false
}
