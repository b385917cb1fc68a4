// SPDX-License-Identifier: MIT

// This file holds the tables and the fuzz target of the framing of Engine.IO 3. It is
// inside the package because the framing is.

package engineio

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// messagesV3 makes a message of each string, and of each []byte.
func messagesV3(parts ...any) (items []*Message) {
	for _, part := range parts {
		switch part := part.(type) {
		case string:
			items = append(items, TextMessage(part))
		case []byte:
			items = append(items, BinaryMessage(part))
		}
	}
	return items
}

func TestPayloadV3Encoding(t *testing.T) {
	long := strings.Repeat("é", 1000)
	for name, tt := range map[string]struct {
		items  []*Message
		text   string
		binary string
	}{
		"one text":       {messagesV3("hello"), "6:4hello", "\x00\x06\xff4hello"},
		"no text":        {messagesV3(""), "1:4", "\x00\x01\xff4"},
		"several texts":  {messagesV3("a", "bc"), "2:4a3:4bc", "\x00\x02\xff4a\x00\x03\xff4bc"},
		"two bytes":      {messagesV3("é"), "2:4é", "\x00\x03\xff4é"},
		"three bytes":    {messagesV3("€"), "2:4€", "\x00\x04\xff4€"},
		"four bytes":     {messagesV3("𝄞"), "3:4𝄞", "\x00\x05\xff4𝄞"},
		"bytes":          {messagesV3([]byte{1, 2, 3, 4}), "10:b4AQIDBA==", "\x01\x05\xff\x04\x01\x02\x03\x04"},
		"no bytes":       {messagesV3([]byte{}), "2:b4", "\x01\x01\xff\x04"},
		"padding":        {messagesV3([]byte{255}, []byte{255, 255}), "6:b4/w==6:b4//8=", "\x01\x02\xff\x04\xff\x01\x03\xff\x04\xff\xff"},
		"mixed":          {messagesV3("€", []byte{1, 2, 3, 4}), "2:4€10:b4AQIDBA==", "\x00\x04\xff4€\x01\x05\xff\x04\x01\x02\x03\x04"},
		"many digits":    {messagesV3(long), "1001:4" + long, "\x00\x02\x00\x00\x01\xff4" + long},
		"other packets":  {[]*Message{packetMsg(packetNoop, ""), packetMsg(packetClose, "")}, "1:61:1", "\x00\x01\xff6\x00\x01\xff1"},
		"pong":           {[]*Message{packetMsg(packetPong, "probe")}, "6:3probe", "\x00\x06\xff3probe"},
		"one of several": {[]*Message{NewMessage(append(make([]byte, HeaderRoom), "51-[]"...), [][]byte{{9}})}, "6:451-[]6:b4CQ==", "\x00\x06\xff451-[]\x01\x02\xff\x04\x09"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := appendPayloadV3(nil, tt.items, false); string(got) != tt.text {
				t.Errorf("the text form is %q, want %q", got, tt.text)
			}
			if got := appendPayloadV3(nil, tt.items, true); string(got) != tt.binary {
				t.Errorf("the binary form is %q, want %q", got, tt.binary)
			}
		})
	}
}

// decodeV3 decodes a payload: text packets as they are, bytes after a "b".
func decodeV3(body string, binary bool) (packets []string, err error) {
	in := payload{revision: 3, binary: binary}
	if err := in.begin([]byte(body)); err != nil {
		return nil, err
	}
	for !in.done {
		p, err := in.next()
		if err != nil {
			return packets, err
		}
		if p.binary {
			packets = append(packets, "b"+string(p.data))
		} else {
			packets = append(packets, string(p.typ)+string(p.data))
		}
	}
	return packets, nil
}

func TestPayloadV3Decoding(t *testing.T) {
	for _, tt := range []struct {
		body   string
		binary bool
		want   []string
		err    error
	}{
		{"6:4hello", false, []string{"4hello"}, nil},
		{"06:4hello", false, []string{"4hello"}, nil},
		{"2:4€3:4𝄞1:4", false, []string{"4€", "4𝄞", "4"}, nil},
		{"6:2probe1:51:11:61:3", false, []string{"2probe", "5", "1", "6", "3"}, nil},
		{"10:b4AQIDBA==2:b4", false, []string{"b\x01\x02\x03\x04", "b"}, nil},
		{"2:4:3:4::", false, []string{"4:", "4::"}, nil},
		{"2:4a3:4b", false, []string{"4a"}, errPayloadV3},
		{"", false, nil, errPayloadV3},
		{"0:", false, nil, errPayloadV3},
		{":4", false, nil, errPayloadV3},
		{"1", false, nil, errPayloadV3},
		{"1:", false, nil, errPayloadV3},
		{"2:4𝄞", false, nil, errPayloadV3}, // ends inside a pair
		{"+1:4", false, nil, errPayloadV3},
		{" 1:4", false, nil, errPayloadV3},
		{"1 :4", false, nil, errPayloadV3},
		{"0000000001:4", false, nil, errPayloadV3},
		{strings.Repeat("1", 400) + ":4", false, nil, errPayloadV3},
		{"18446744073709551617:4", false, nil, errPayloadV3},
		{"2:4\xff", false, nil, errInvalidUTF8},
		{"1:7", false, nil, errUnknownPacket},
		{"1:b", false, nil, errUnknownPacket},
		{"8:bAQIDBA=", false, nil, errUnknownPacket},
		{"4:b2AQ", false, nil, errUnknownPacket},
		{"3:b4A", false, nil, errBase64},

		{"\x00\x06\xff4hello", true, []string{"4hello"}, nil},
		{"\x00\x00\x06\xff4hello", true, []string{"4hello"}, nil},
		{"\x00\x04\xff4€\x01\x05\xff\x04\x01\x02\x03\x04", true, []string{"4€", "b\x01\x02\x03\x04"}, nil},
		{"\x01\x01\xff\x04", true, []string{"b"}, nil},
		{"\x01\x01\x02\xff\x04" + strings.Repeat("\xff", 11), true, []string{"b" + strings.Repeat("\xff", 11)}, nil},
		{"\x00\x06\xffb4AQ==", true, []string{"b\x01"}, nil},
		{"\x00\x02\xff4a\x00", true, []string{"4a"}, errPayloadV3},
		{"", true, nil, errPayloadV3},
		{"\x00", true, nil, errPayloadV3},
		{"\x00\xff", true, nil, errPayloadV3},
		{"\x00\x00\xff", true, nil, errPayloadV3},
		{"\x00\x01", true, nil, errPayloadV3},
		{"\x00\x02\xff4", true, nil, errPayloadV3},
		{"\x00\x0a\xff4", true, nil, errPayloadV3},
		{"\x02\x01\xff4", true, nil, errPayloadV3},
		{"\x00" + strings.Repeat("\x09", 10) + "\xff4", true, nil, errPayloadV3},
		{"\x00" + strings.Repeat("\x00", 400) + "\x01\xff4", true, nil, errPayloadV3},
		{"\x00\x02\xff4\xed", true, nil, errInvalidUTF8},
		{"\x00\x01\xff7", true, nil, errUnknownPacket},
		{"\x01\x01\xff\x02", true, nil, errUnknownPacket},
		{"\x01\x01\xff4", true, nil, errUnknownPacket},
		{"6:4hello", true, nil, errPayloadV3},
	} {
		got, err := decodeV3(tt.body, tt.binary)
		if err != tt.err || !slices.Equal(got, tt.want) {
			t.Errorf("%.60q (binary %v): got %q (%v), want %q (%v)", tt.body, tt.binary, got, err, tt.want, tt.err)
		}
	}
}

func TestPayloadV3TooMany(t *testing.T) {
	if _, err := decodeV3(strings.Repeat("1:2", maxPayloadPackets), false); err != nil {
		t.Errorf("as many packets as there may be: %v", err)
	}
	for form, body := range map[bool]string{false: "1:2", true: "\x00\x01\xff2"} {
		if got, err := decodeV3(strings.Repeat(body, maxPayloadPackets+1), form); err != errTooMany || len(got) != maxPayloadPackets {
			t.Errorf("one more (binary %v): %d packets (%v), want %v", form, len(got), err, errTooMany)
		}
	}
}

// A payload that FuzzPayloadV3 accepts is encoded again in both forms, and both must
// decode to the same packets.
func FuzzPayloadV3(f *testing.F) {
	for _, s := range []string{"6:4hello", "2:4€10:b4AQIDBA==", "3:4𝄞1:2", "0:", "1:", "2:4𝄞", "999999999:4", "2:4\xff"} {
		f.Add([]byte(s), false)
	}
	for _, s := range []string{"\x00\x04\xff4€\x01\x05\xff\x04\x01\x02\x03\x04", "\x01\x01\xff\x04", "\x00\x06\xffb4AQ==", "\x00\x02\xff4\xff", "\x00\x09\x09\x09\xff4"} {
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, form bool) {
		packets, err := decodeV3(string(body), form)
		if err != nil && len(packets) == 0 {
			return
		}
		var items []*Message
		for _, p := range packets {
			if p[0] == 'b' {
				items = append(items, BinaryMessage([]byte(p[1:])))
			} else {
				items = append(items, packetMsg(packetType(p[0]), p[1:]))
			}
		}
		for _, form := range []bool{false, true} {
			again, err := decodeV3(string(appendPayloadV3(nil, items, form)), form)
			if err != nil || !slices.Equal(again, packets) {
				t.Fatalf("%q, encoded (binary %v) and decoded again %q (%v)", packets, form, again, err)
			}
		}
	})
}

// The length of a text is its length in JavaScript.
func FuzzUTF16Length(f *testing.F) {
	for _, s := range []string{"", "a", "é€𝄞", "\U0010ffff", "￿𐀀"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "?")
		n := len(utf16.Encode([]rune(s)))
		if got := utf16Length([]byte(s)); got != n {
			t.Fatalf("%q has length %d, want %d", s, got, n)
		}
		if end, ok := utf16Offset([]byte(s+"tail"), n); !ok || end != len(s) {
			t.Fatalf("%q ends at %d (%v), want %d", s, end, ok, len(s))
		}
	})
}

// The forms of a WebSocket frame are whole frames, and the shared message is not changed.
func TestFrameV3(t *testing.T) {
	for _, size := range []int{0, 1, 92, 93, 124, 125, 126, 65534, 65535, 65536} {
		m := BinaryMessage(bytes.Repeat([]byte{7}, size))
		before := bytes.Clone(m.first.wire)
		asBytes, asText := frameV3(m.first, false), frameV3(m.first, true)
		if !bytes.Equal(m.first.wire, before) {
			t.Fatalf("%d bytes: the message was changed", size)
		}
		if b := asBytes.wire[asBytes.body:]; !asBytes.binary || asBytes.wire[0] != 0x82 || b[0] != 4 || len(b) != size+1 || frameLength(asBytes.wire) != size+1 {
			t.Errorf("%d bytes: the frame is % x... with %d bytes", size, asBytes.wire[:2], len(b))
		}
		p, err := decodePacketV3(bytes.Clone(asText.wire[asText.body:]), false)
		if err != nil || !p.binary || len(p.data) != size || asText.wire[0] != 0x81 || frameLength(asText.wire) != len(asText.wire)-int(asText.body) {
			t.Errorf("%d bytes: the text frame is %.20q (%v)", size, asText.wire, err)
		}
	}
}

// frameLength is the length in the header of an unmasked frame.
func frameLength(wire []byte) int {
	switch n := wire[1]; n {
	case 126:
		return int(binary.BigEndian.Uint16(wire[2:]))
	case 127:
		return int(binary.BigEndian.Uint64(wire[2:]))
	default:
		return int(n)
	}
}
