// SPDX-License-Identifier: MIT

// This file holds the packets that open a session, and payloads of polling.

package rawclient

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// separator stands between the packets of a payload.
const separator = "\x1e"

// An OpenPacket is the first packet of a server.
type OpenPacket struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int      `json:"pingInterval"` // ms
	PingTimeout  int      `json:"pingTimeout"`  // ms
	MaxPayload   int      `json:"maxPayload"`   // bytes
}

// ParseOpen parses the first packet of a server.
func ParseOpen(packet string) (open OpenPacket, err error) {
	text, ok := strings.CutPrefix(packet, "0")
	if ok {
		err = json.Unmarshal([]byte(text), &open)
	}
	if !ok || err != nil || open.SID == "" {
		return OpenPacket{}, fmt.Errorf("rawclient: no open packet: %.500q (%v)", packet, err)
	}
	return open, nil
}

// Join returns the payload of packets.
func Join(packets ...string) string { return strings.Join(packets, separator) }

// Split returns the packets of a payload.
func Split(payload string) []string { return strings.Split(payload, separator) }

// Binary returns the packet of a binary message on polling.
func Binary(message []byte) string { return "b" + base64.StdEncoding.EncodeToString(message) }

// ParseBinary returns the message of a binary packet on polling. binary is false for
// other packets.
func ParseBinary(packet string) (message []byte, binary bool, err error) {
	text, binary := strings.CutPrefix(packet, "b")
	if !binary {
		return nil, false, nil
	}
	if message, err = base64.StdEncoding.DecodeString(text); err != nil {
		return nil, true, fmt.Errorf("the server has sent %.500q: %w", packet, err)
	}
	return message, true, nil
}
