// SPDX-License-Identifier: MIT

// This file writes the parts that both formats have in common, as JSON text.

package nodewire

import (
	"bytes"
	"strconv"

	"socketio/adapter"
	"socketio/internal/jsontext"
	"socketio/parser"
)

// eventType is the type of an event in a packet, with attachments too.
const eventType = 2

// checkEvent reports an event that Node.js must not get.
func checkEvent(e *adapter.Payload) error {
	if len(e.JSON) < 2 || e.JSON[0] != '[' || e.JSON[len(e.JSON)-1] != ']' {
		return malformed("the event is not an array")
	}
	if len(e.Attachments) > maxAttachments {
		return malformed("more than %d attachments", maxAttachments)
	}
	return nil
}

// appendPacket appends the packet of a Broadcast. The classic format has its namespace.
func appendPacket(dst []byte, m *Message, namespace bool) []byte {
	dst = append(dst, `{"type":`...)
	dst = strconv.AppendInt(dst, eventType, 10)
	dst = append(append(dst, `,"data":`...), m.Event.JSON...)
	if namespace {
		dst = appendMember(dst, "nsp", m.Namespace)
	}
	return append(dst, '}')
}

// appendOptions appends the target of a message, with its flags if the format has them.
func appendOptions(dst []byte, m *Message, flags bool) []byte {
	dst = appendNames(append(dst, `{"rooms":`...), m.Target.Rooms...)
	dst = append(dst, `,"except":`...)
	if m.Target.Sender == "" {
		dst = appendNames(dst, m.Target.Except...)
	} else {
		all := make([]string, 0, 8)
		dst = appendNames(dst, append(append(all, m.Target.Except...), m.Target.Sender)...)
	}
	if flags {
		dst = appendFlags(append(dst, `,"flags":`...), m)
	}
	return append(dst, '}')
}

// appendFlags appends the flags that are set.
func appendFlags(dst []byte, m *Message) []byte {
	start := len(dst)
	if m.Flags.Volatile {
		dst = append(dst, `,"volatile":true`...)
	}
	if m.Flags.Uncompressed {
		dst = append(dst, `,"compress":false`...)
	}
	if m.Timeout > 0 {
		dst = strconv.AppendInt(append(dst, `,"timeout":`...), max(m.Timeout.Milliseconds(), 1), 10)
	}
	if m.Flags.Overflow != adapter.OverflowUnset {
		dst = strconv.AppendUint(append(dst, `,"overflow":`...), uint64(m.Flags.Overflow), 10)
	}
	if m.Flags.Conflate != "" {
		dst = appendMember(dst, "conflate", m.Flags.Conflate)
	}
	if len(dst) == start {
		return append(dst, "{}"...)
	}
	dst[start] = '{' // the first comma
	return append(dst, '}')
}

// appendMember appends a member, other than the first, that is a text.
func appendMember(dst []byte, name, value string) []byte {
	dst = append(append(append(dst, `,"`...), name...), `":`...)
	return jsontext.AppendString(dst, value)
}

// appendAnswer appends a member with the first argument of an answer, unless it has none.
func appendAnswer(dst []byte, name string, m *Message) []byte {
	if args := parser.SplitArray(nil, m.Event.JSON); len(args) > 0 {
		dst = append(append(append(dst, `,"`...), name...), `":`...)
		dst = append(dst, args[0]...)
	}
	return dst
}

// appendGo appends the member for nodes in Go, which Node.js ignores. from is set if the
// format has no other place for the sender.
func appendGo(dst []byte, m *Message, from bool) []byte {
	if !m.Go {
		return dst
	}
	dst = append(dst, `,"go":`...)
	start := len(dst)
	if from {
		dst = appendMember(dst, "uid", m.From)
	}
	for _, member := range [...]struct{ name, value string }{
		{"origin", m.Event.Origin}, {"position", m.Event.Position}, {"socket", m.Socket},
	} {
		if member.value != "" {
			dst = appendMember(dst, member.name, member.value)
		}
	}
	if m.After > 0 { // as a text: MessagePack in Node.js rounds large numbers
		dst = appendMember(dst, "after", strconv.FormatUint(m.After, 10))
	}
	if m.Number > 0 {
		dst = strconv.AppendUint(append(dst, `,"n":`...), m.Number, 10)
	}
	if m.Event.Version > adapter.Version {
		dst = strconv.AppendInt(append(dst, `,"version":`...), int64(m.Event.Version), 10)
	}
	if m.Kind == KindClientCount {
		dst = appendNames(append(dst, `,"sockets":`...), m.IDs...)
	}
	if m.Part > 0 {
		dst = strconv.AppendInt(append(dst, `,"part":`...), int64(m.Part), 10)
	}
	if m.More {
		dst = append(dst, `,"more":true`...)
	}
	if m.Member != nil {
		dst = append(append(dst, `,"member":`...), m.Member...)
	}
	if m.Kind == KindServerSideAnswer || m.Kind == KindClientAnswer {
		if args := parser.SplitArray(nil, m.Event.JSON); len(args) > 1 {
			dst = append(append(dst, `,"rest":[`...), bytes.Join(args[1:], []byte{','})...)
			dst = append(dst, ']')
		}
	}
	if len(dst) == start {
		return append(dst, "{}"...)
	}
	dst[start] = '{'
	return append(dst, '}')
}
