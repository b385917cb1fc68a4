// SPDX-License-Identifier: MIT

// This file tests the encoding of sessions.

package nodewire_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"socketio/adapter"
	"socketio/adapter/nodewire"
)

// nodeSession is what @socket.io/redis-streams-adapter 0.3.1 has stored.
const nodeSession = "84a3736964b46244716847746d324e363342444e424641414141a3706964b45042785269703136792d46307474597641414142a5726f6f6d7392b46244716847746d324e363342444e424641414141a5726f6f6d31a46461746182a46e616d65a36a6f65a16e05"

func session() *nodewire.SessionRecord {
	return &nodewire.SessionRecord{Namespace: "/chat", Owner: nodeA, Session: adapter.Session{
		ID: "id", Secret: "secret", Data: []byte(`{"name":"joe","n":5,"x":[null,true,"\"é"]}`),
		Rooms: []adapter.Membership{{Room: "id", From: 3}, {Room: "left", From: 1, To: 1<<63 + 5}, {Room: "r", From: 1 << 60}},
		Epoch: "epoch", Start: 3, Last: 1<<64 - 1, Checked: 1 << 40, Floor: 2, Lost: 5, Stale: "stale", Nonce: "nonce", Replies: []byte{0, 255},
		Ended: time.Unix(1_800_000_000, 123_456_789),
	}}
}

func sessionsEqual(a, b *nodewire.SessionRecord) bool {
	x, y := *a, *b
	same := x.Ended.Equal(y.Ended)
	x.Ended, y.Ended = time.Time{}, time.Time{}
	return same && reflect.DeepEqual(x, y)
}

func TestSession(t *testing.T) {
	live := session()
	live.Ended, live.Replies = time.Time{}, nil
	live.Rooms = live.Rooms[:1]
	for name, s := range map[string]*nodewire.SessionRecord{"ended": session(), "live": live, "empty": {Owner: "o", Session: adapter.Session{ID: "i", Secret: "s", Data: []byte("{}")}}} {
		data, err := nodewire.AppendSession([]byte("x"), s)
		if err != nil || data[0] != 'x' {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := nodewire.DecodeSession(data[1:])
		if err != nil || !sessionsEqual(got, s) || got.Foreign() {
			t.Errorf("%s: %v\n%+v\n%+v", name, err, got, s)
		}
		for n := 1; n < len(data); n++ {
			if got, err := nodewire.DecodeSession(data[1:n]); !errors.Is(err, nodewire.ErrFormat) {
				t.Errorf("%s: the first %d bytes are read: %+v", name, n-1, got)
			}
		}
	}
	for _, bad := range []string{`[1`, `{"a":}`, `{"a":` + strings.Repeat("[", 1200) + strings.Repeat("]", 1200) + `}`} {
		s := session()
		if s.Data = []byte(bad); bad[0] == '[' {
			s.Data = []byte(`{` + bad)
		}
		if _, err := nodewire.AppendSession(nil, s); !errors.Is(err, nodewire.ErrFormat) {
			t.Errorf("data %.20s: %v", bad, err)
		}
	}
	deep := session()
	deep.Data = []byte(`{"a":` + strings.Repeat("[", 1099) + strings.Repeat("]", 1099) + `}`)
	data, err := nodewire.AppendSession(nil, deep)
	if got, decodeErr := nodewire.DecodeSession(data); err != nil || decodeErr != nil || !sessionsEqual(got, deep) {
		t.Errorf("the deepest data: %v %v", err, decodeErr)
	}
}

// A server in Node.js reads the first members, which are those that it writes.
func TestSessionOfNode(t *testing.T) {
	data, _ := hex.DecodeString(nodeSession)
	got, err := nodewire.DecodeSession(data)
	want := nodewire.SessionRecord{Session: adapter.Session{
		ID: "bDqhGtm2N63BDNBFAAAA", Secret: "PBxRip16y-F0ttYvAAAB", Data: []byte(`{"name":"joe","n":5}`),
		Rooms: []adapter.Membership{{Room: "bDqhGtm2N63BDNBFAAAA"}, {Room: "room1"}},
	}}
	if err != nil || !reflect.DeepEqual(*got, want) || !got.Foreign() {
		t.Fatalf("%+v, %v, want %+v", got, err, want)
	}
	written, err := nodewire.AppendSession(nil, got)
	if err != nil || written[0] != 0x85 || !bytes.HasPrefix(written[1:], data[1:]) {
		t.Errorf("written as %x, %v", written, err)
	}
	if again, err := nodewire.DecodeSession(written); err != nil || !sessionsEqual(again, got) {
		t.Errorf("read again as %+v, %v", again, err)
	}
	for data, want := range map[string]string{
		"81a162c4020102": `{"b":{"type":"Buffer","data":[1,2]}}`, "c0": "{}", "93010203": "{}",
	} {
		packed, _ := hex.DecodeString("83" + "a3736964a161" + "a3706964a162" + "a464617461" + data)
		if got, err := nodewire.DecodeSession(packed); err != nil || string(got.Data) != want {
			t.Errorf("data %s: %+v, %v, want %s", data, got, err, want)
		}
	}
	numbers, _ := hex.DecodeString("84" + "a17893c0c40101c3" + "a3736964a161" + "a3706964a162" + "a5726f6f6d739207a172")
	if got, err := nodewire.DecodeSession(numbers); err != nil || len(got.Rooms) != 2 || got.Rooms[0].Room != "7" {
		t.Errorf("numbers as rooms: %+v, %v", got, err)
	}
}

// FuzzSession reads any bytes. What is read can be written, and then reads the same.
func FuzzSession(f *testing.F) {
	data, _ := hex.DecodeString(nodeSession)
	f.Add(data)
	data, _ = nodewire.AppendSession(nil, session())
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		got, err := nodewire.DecodeSession(data)
		if !bytes.Equal(before, data) {
			t.Fatal("the session was changed")
		}
		if err != nil {
			if !errors.Is(err, nodewire.ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		written, err := nodewire.AppendSession(nil, got)
		if err != nil {
			t.Fatalf("%+v: %v", got, err)
		}
		again, err := nodewire.DecodeSession(written)
		if err != nil {
			t.Fatalf("%x: %v", written, err)
		}
		second, err := nodewire.AppendSession(nil, again)
		if err != nil || !bytes.Equal(written, second) {
			t.Fatalf("%v\n%x\n%x", err, written, second)
		}
	})
}
