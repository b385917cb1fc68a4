// SPDX-License-Identifier: MIT

// This file tests frames of WebTransport.

package rawclient_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"socketio/internal/rawclient"
)

func TestStreams(t *testing.T) {
	var wire bytes.Buffer
	s := rawclient.NewStream(&wire, &wire)
	var packets []rawclient.Packet
	for _, n := range []int{1, 125, 126, 65535, 65536} {
		text := strings.Repeat("x", n)
		packets = append(packets, rawclient.Packet{Text: text}, rawclient.Packet{Binary: []byte(text)})
	}
	if err := s.Write(packets...); err != nil {
		t.Fatal(err)
	}
	all := wire.Bytes()
	if head := string(all[:2]); head != "\x01x" {
		t.Errorf("the first frame begins with %q", head)
	}
	for _, want := range packets {
		got, err := s.Read()
		if err != nil || got.Text != want.Text || !bytes.Equal(got.Binary, want.Binary) {
			t.Fatalf("%d and %d bytes came as %d and %d, %v", len(want.Text), len(want.Binary), len(got.Text), len(got.Binary), err)
		}
	}
	for raw, want := range map[string]error{"": io.EOF, "\x02x": io.ErrUnexpectedEOF, "\x7e\x01": io.ErrUnexpectedEOF, "\x00": nil, "\x7f\x80\x00\x00\x00\x00\x00\x00\x00": nil} {
		_, err := rawclient.NewStream(strings.NewReader(raw), nil).Read()
		if err == nil || want != nil && err != want {
			t.Errorf("%q: %v, want %v", raw, err, want)
		}
	}
}
