// SPDX-License-Identifier: MIT

// Close codes, the close frame, and the reasons for which a Parser gives up.

package ws

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The close codes this package gives or reads (RFC 6455, section 7.4.1).
const (
	CodeNormal        uint16 = 1000
	CodeGoingAway     uint16 = 1001
	CodeProtocolError uint16 = 1002
	CodeNoStatus      uint16 = 1005 // never on the wire: the close frame was empty
	CodeInvalidData   uint16 = 1007
	CodePolicy        uint16 = 1008
	CodeTooBig        uint16 = 1009
	CodeInternalError uint16 = 1011
)

// maxReason is the room a close frame has after its code.
const maxReason = MaxControl - 2

// A CloseError says why a connection ends: the code and reason for the close
// frame to send, or those of the one received.
type CloseError struct {
	Code   uint16
	Reason string
}

func (e *CloseError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("ws: close %d", e.Code)
	}
	return fmt.Sprintf("ws: close %d: %s", e.Code, e.Reason)
}

// AppendClose appends a whole, unmasked close frame to dst. A code of 0 or
// CodeNoStatus makes an empty one, without the reason. The reason is cut at a
// character's end to the 123 bytes that fit, and what is not UTF-8 in it is
// replaced.
func AppendClose(dst []byte, code uint16, reason string) []byte {
	if code == 0 || code == CodeNoStatus {
		return AppendHeader(dst, Close, 0)
	}
	reason = strings.ToValidUTF8(reason, "\uFFFD")
	if len(reason) > maxReason {
		cut := maxReason
		for !utf8.RuneStart(reason[cut]) {
			cut--
		}
		reason = reason[:cut]
	}
	dst = AppendHeader(dst, Close, 2+len(reason))
	dst = binary.BigEndian.AppendUint16(dst, code)
	return append(dst, reason...)
}

// ParseClose parses the payload of a close frame. An empty one has CodeNoStatus. The reason
// shares memory with data. The payload must be valid, like any that a Parser passes to
// OnControl.
func ParseClose(data []byte) (code uint16, reason []byte) {
	if len(data) < 2 {
		return CodeNoStatus, nil
	}
	return binary.BigEndian.Uint16(data), data[2:]
}

// ValidCloseCode reports whether a close frame may carry code: 1000 to 1003,
// 1007 to 1014 and 3000 to 4999.
func ValidCloseCode(code uint16) bool {
	return code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999
}

// checkClose returns the fault in the payload of a close frame.
func checkClose(data []byte) fault {
	switch code, reason := ParseClose(data); {
	case len(data) == 0:
		return faultNone
	case len(data) == 1:
		return faultCloseLength
	case !ValidCloseCode(code):
		return faultCloseCode
	case !utf8.Valid(reason):
		return faultCloseReason
	}
	return faultNone
}

// A fault is one way to break the protocol or a limit. It is a small number so
// that a Parser can remember it in a byte.
type fault uint8

const (
	faultNone fault = iota
	faultReservedBits
	faultReservedOpcode
	faultControlFragmented
	faultControlLength
	faultContinuation
	faultInterleaved
	faultMaskMissing
	faultMaskPresent
	faultLengthForm
	faultLengthSign
	faultCloseLength
	faultCloseCode
	faultCloseReason
	faultText
	faultDeflate
	faultFragments
	faultTooBig
)

// faults holds the error for the peer of each fault. The values are returned by pointer and
// never modified.
var faults = [...]CloseError{
	faultNone:              {},
	faultReservedBits:      {CodeProtocolError, "reserved bits set"},
	faultReservedOpcode:    {CodeProtocolError, "reserved opcode"},
	faultControlFragmented: {CodeProtocolError, "fragmented control frame"},
	faultControlLength:     {CodeProtocolError, "control frame too long"},
	faultContinuation:      {CodeProtocolError, "continuation without a message"},
	faultInterleaved:       {CodeProtocolError, "new message inside a message"},
	faultMaskMissing:       {CodeProtocolError, "frame not masked"},
	faultMaskPresent:       {CodeProtocolError, "frame masked"},
	faultLengthForm:        {CodeProtocolError, "length not in its shortest form"},
	faultLengthSign:        {CodeProtocolError, "length out of range"},
	faultCloseLength:       {CodeProtocolError, "close frame of one byte"},
	faultCloseCode:         {CodeProtocolError, "invalid close code"},
	faultCloseReason:       {CodeInvalidData, "close reason is not UTF-8"},
	faultText:              {CodeInvalidData, "text is not UTF-8"},
	faultDeflate:           {CodeInvalidData, "message can't be inflated"},
	faultFragments:         {CodePolicy, "too many fragments"},
	faultTooBig:            {CodeTooBig, "message too big"},
}

func (f fault) err() *CloseError { return &faults[f] }
