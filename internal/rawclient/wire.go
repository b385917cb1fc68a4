// SPDX-License-Identifier: MIT

// This file holds the packets that open a session, and payloads of polling.

package rawclient

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
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
		return OpenPacket{}, fmt.Errorf("the server begins with %.500q, which is no open packet", packet)
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

// Join3 returns the payload of packets in the text form of revision 3.
func Join3(packets ...string) string {
	var b strings.Builder
	for _, p := range packets {
		fmt.Fprintf(&b, "%d:%s", len(utf16.Encode([]rune(p))), p)
	}
	return b.String()
}

// Split3 returns the packets of a payload in the text form of revision 3.
func Split3(payload string) (packets []string, err error) {
	for units := utf16.Encode([]rune(payload)); len(units) > 0; {
		digits, _, _ := strings.Cut(string(utf16.Decode(units)), ":")
		n, err := strconv.Atoi(digits)
		start := len(digits) + 1
		if err != nil || n < 1 || start+n > len(units) {
			return nil, fmt.Errorf("the server has sent the malformed payload %.500q", payload)
		}
		packets = append(packets, string(utf16.Decode(units[start:start+n])))
		units = units[start+n:]
	}
	return packets, nil
}

// Binary3 returns the packet of a binary message in the text form of revision 3.
func Binary3(message []byte) string { return "b4" + base64.StdEncoding.EncodeToString(message) }
