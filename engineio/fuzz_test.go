// SPDX-License-Identifier: MIT

// This file holds the fuzz targets of the text packets and of the polling
// payload. It is inside the package because both are.

package engineio

import (
	"bytes"
	"slices"
	"testing"
)

func FuzzDecodePacket(f *testing.F) {
	for _, s := range []string{"", "0{}", "1", "2probe", "3", "4hello", "5", "6", "7", "b", "bAQIDBA==", "bAQ", "b=", "bAQ\nID", "\xff", "4\x1e"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := decodePacket(slices.Clone(in))
		if err != nil {
			if p.data != nil || p.typ != 0 {
				t.Fatalf("%q: a packet %v besides the error %v", in, p, err)
			}
			return
		}
		switch {
		case p.binary:
			if in[0] != 'b' || p.typ != packetMessage || len(p.data) > len(in)*3/4 {
				t.Fatalf("%q: bytes %v", in, p)
			}
			again, err := decodePacket(appendPayload(nil, BinaryMessage(p.data)))
			if err != nil || !again.binary || !bytes.Equal(again.data, p.data) {
				t.Fatalf("%q: decoded %x, encoded and decoded again %x (%v)", in, p.data, again.data, err)
			}
		case p.typ < packetOpen || p.typ > packetNoop:
			t.Fatalf("%q: type %q", in, p.typ)
		default:
			if got := appendPayload(nil, packetMsg(p.typ, string(p.data))); !bytes.Equal(got, in) {
				t.Fatalf("%q: encoded again %q", in, got)
			}
		}
	})
}

// A payload that FuzzPayload accepts is decoded into packets and encoded again from
// messages; the result must be the same.
func FuzzPayload(f *testing.F) {
	for _, s := range []string{"", "4a", "4a\x1e4b", "4hello\x1ebAQIDBA==\x1e2", "\x1e", "4a\x1e", "\x1e\x1e4", "4\xff", "4é\x1e4€", "b\x1eb"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if (&payload{revision: 4}).begin(in) != nil {
			return
		}
		var again []byte
		count, whole := 0, true
		rest := slices.Clone(in)
		for done := false; !done; count++ {
			var first []byte
			if first, rest, done = nextPacket(rest); bytes.IndexByte(first, payloadSeparator) >= 0 {
				t.Fatalf("%q: the packet %q has a separator", in, first)
			}
			text := string(first)
			p, err := decodePacket(first)
			switch {
			case err != nil:
				whole = false // the session would end here
			case p.binary:
				m := BinaryMessage(p.data)
				again = appendPayload(again, m)
				// Line breaks inside base64 are accepted and not kept.
				if back := appendPayload(nil, m); string(back) != text {
					whole = false
				}
			default:
				again = appendPayload(again, packetMsg(p.typ, string(p.data)))
			}
		}
		if count > maxPayloadPackets {
			t.Fatalf("%d packets, the bound is %d", count, maxPayloadPackets)
		}
		if whole && !bytes.Equal(again, in) {
			t.Fatalf("%q: put together again %q", in, again)
		}
	})
}
