// SPDX-License-Identifier: MIT

// This file describes packets for the log; see Options.Engine.LogPackets.

package socketio

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"socketio/internal/binding"
	"socketio/parser"
)

// shownData is the number of bytes of a packet that are read for a line of the log.
const shownData = 256

// DescribeMessage is for package engineio, which logs packets. The description has no
// auth, which in revision 4 is a query. It may be called from any goroutine.
func (c *conn) DescribeMessage(out, binary bool, data []byte) string {
	if !c.server.format.Default() {
		return c.describePacked(out, binary, data)
	}
	if binary {
		return fmt.Sprintf("attachment of %d bytes", len(data))
	}
	p := parser.Packet{Namespace: "/", ID: noAck}
	if len(data) > 0 {
		p.Type = parser.Type(data[0] - '0')
		data = data[1:]
	}
	data = data[:min(len(data), shownData)]
	attachments := ""
	if n := bytes.IndexByte(data, '-'); n >= 0 && p.Type.Binary() {
		attachments, data = string(data[:n]), data[n+1:]
	}
	if len(data) > 0 && data[0] == '/' {
		name, rest, _ := bytes.Cut(data, []byte{','})
		p.Namespace, data = string(name), rest
	}
	digits := 0
	for digits < len(data) && digits < 18 && data[digits] >= '0' && data[digits] <= '9' {
		digits++
	}
	if digits > 0 {
		p.ID, _ = strconv.ParseInt(string(data[:digits]), 10, 64)
		data = data[digits:]
	}
	return line(out, p, attachments, string(data))
}

// describePacked describes a packet in a format other than the default.
func (c *conn) describePacked(out, binary bool, data []byte) string {
	raw := fmt.Sprintf("%d bytes", len(data))
	if len(data) > 64<<10 {
		return raw
	}
	p, ok, err := c.server.format.Codec().NewDecoder().Add(c.server.format.Limits(), binary, bytes.Clone(data))
	if err != nil || !ok { // a part of a packet, or a client with another format
		return raw
	}
	text := binding.JSON(c.server.format.Codec(), p.Data)
	return line(out, p, "", string(text[:min(len(text), shownData)]))
}

// line returns the description of a packet.
func line(out bool, p parser.Packet, attachments, data string) string {
	var b strings.Builder
	b.WriteString(p.Type.String())
	if end := strings.IndexAny(p.Namespace, "?{"); end >= 0 { // a query, or a mistake of the client
		p.Namespace = p.Namespace[:end]
	}
	if p.Namespace != "/" {
		b.WriteString(" " + p.Namespace)
	}
	if p.ID != noAck {
		fmt.Fprintf(&b, " #%d", p.ID)
	}
	if attachments != "" {
		b.WriteString(" with attachments: " + attachments)
	}
	switch {
	case data == "":
	case p.Type == parser.TypeConnect && !out:
		b.WriteString(" (auth is not shown)")
	default:
		b.WriteString(" " + data)
	}
	return b.String()
}
