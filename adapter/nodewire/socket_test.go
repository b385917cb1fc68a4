// SPDX-License-Identifier: MIT

// This file tests the descriptions of sockets.

package nodewire_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"socketio/adapter"
	"socketio/adapter/nodewire"
)

const described = `{"id":"w0XR3GVzVikSSOlwAAAB","handshake":{"headers":{"cookie":"a=1; b=2","host":"example.org","origin":"https://example.org","x-many":"1, 2"},` +
	`"time":"Mon Nov 23 2026 02:42:03 GMT+0000 (Coordinated Universal Time)","address":"127.0.0.1","xdomain":true,"secure":true,"issued":1795401723612,` +
	`"url":"/socket.io/?x=1&EIO=4&x=2&transport=websocket","query":{"x":["1","2"],"EIO":"4","transport":"websocket"},"auth":{"token":"t"}},` +
	`"rooms":["w0XR3GVzVikSSOlwAAAB","room1"],"data":{"user":"B"}}`

func TestSocketsAreWrittenAsInNode(t *testing.T) {
	info := adapter.MemberInfo{
		ID: "w0XR3GVzVikSSOlwAAAB", Rooms: []string{"w0XR3GVzVikSSOlwAAAB", "room1"}, Data: []byte(`{"user":"B"}`),
		Handshake: adapter.HandshakeInfo{
			URL: "/socket.io/?x=1&EIO=4&x=2&transport=websocket", RemoteAddr: "127.0.0.1:4000", Host: "example.org", Secure: true,
			Header: http.Header{"Cookie": {"a=1", "b=2"}, "X-Many": {"1", "2"}, "Origin": {"https://example.org"}},
			Time:   time.UnixMilli(1795401723612), Auth: []byte(`{"token":"t"}`),
		},
	}
	if got := string(nodewire.AppendSocket(nil, &info)); got != described {
		t.Errorf("\n got %s\nwant %s", got, described)
	}
	want := `{"id":"","handshake":{"headers":{},"time":"Mon Jan 01 0001 00:00:00 GMT+0000 (Coordinated Universal Time)","address":"","xdomain":false,` +
		`"secure":false,"issued":-62135596800000,"url":"","query":{},"auth":{}},"rooms":[],"data":{}}`
	if got := string(nodewire.AppendSocket(nil, new(adapter.MemberInfo))); got != want {
		t.Errorf("without contents\n got %s\nwant %s", got, want)
	}
}

func TestSocketsOfNode(t *testing.T) {
	read := func(socket string) adapter.MemberInfo {
		m, err := nodewire.DecodeClassicAnswer([]byte(`{"requestId":"r","sockets":[` + socket + `]}`))
		if err != nil || len(m.Sockets) != 1 {
			t.Fatalf("%v %v", m, err)
		}
		return m.Sockets[0]
	}
	s := read(described)
	h := s.Handshake
	got := fmt.Sprint(s.ID, s.Rooms, string(s.Data), h.Host, h.Header, h.RemoteAddr, h.Secure, h.Time.UnixMilli(), h.URL, string(h.Auth))
	want := `w0XR3GVzVikSSOlwAAAB[w0XR3GVzVikSSOlwAAAB room1]{"user":"B"}example.org` +
		`map[Cookie:[a=1; b=2] Origin:[https://example.org] X-Many:[1, 2]]127.0.0.1true 1795401723612` +
		`/socket.io/?x=1&EIO=4&x=2&transport=websocket{"token":"t"}`
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	s = read(`{"id":"a","rooms":[],"data":5,"handshake":{"headers":{"a":5,"set-cookie":["x","y"]},"issued":"now","auth":[],"address":{},"url":7}}`)
	if got := fmt.Sprint(s.Handshake.Header, string(s.Data), s.Handshake.Time.IsZero(), s.Handshake.Auth == nil); got != "map[Set-Cookie:[x y]]{}true true" {
		t.Error(got)
	}
	if s = read(`{"id":"a","rooms":[]}`); string(s.Data) != "{}" {
		t.Errorf("%+v", s)
	}
}

// Bytes in the data of a socket are what JSON.stringify makes of them.
func TestBytesInTheDataOfSockets(t *testing.T) {
	// {requestId: "r", sockets: [{id: "a", rooms: [], data: {b: bin 01ff}}]}
	data := []byte("\x82\xa9requestId\xa1r\xa7sockets\x91\x83\xa2id\xa1a\xa5rooms\x90\xa4data\x81\xa1b\xc4\x02\x01\xff")
	m, err := nodewire.DecodeClassicAnswer(data)
	if err != nil || string(m.Sockets[0].Data) != `{"b":{"type":"Buffer","data":[1,255]}}` {
		t.Errorf("%+v %v", m, err)
	}
}
