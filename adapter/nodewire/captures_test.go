// SPDX-License-Identifier: MIT

// This file compares what is read and written with messages of the npm packages.

package nodewire_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"socketio/adapter"
	"socketio/adapter/nodewire"
)

// captures returns the messages of testdata/captures.txt by name.
func captures(tb testing.TB) map[string][]byte {
	tb.Helper()
	text, err := os.ReadFile("testdata/captures.txt")
	if err != nil {
		tb.Fatal(err)
	}
	all := make(map[string][]byte)
	for line := range strings.Lines(string(text)) {
		name, data, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || name == "#" {
			continue
		}
		all[name] = []byte(data)
		if data[0] != '{' {
			if all[name], err = hex.DecodeString(data); err != nil {
				tb.Fatalf("%s: %v", name, err)
			}
		}
	}
	return all
}

func decode(name string, data []byte) (*nodewire.Message, error) {
	if !strings.HasPrefix(name, "classic/") {
		return nodewire.DecodeEnvelope(data)
	}
	switch {
	case data[0] == 0x93:
		return nodewire.DecodeClassicBroadcast(data)
	case strings.Contains(name, "answer") || strings.Contains(name, "count"):
		return nodewire.DecodeClassicAnswer(data)
	}
	return nodewire.DecodeClassicRequest(data)
}

func encode(name string, m *nodewire.Message) ([]byte, error) {
	if strings.HasPrefix(name, "classic/") {
		return nodewire.AppendClassic(nil, m)
	}
	return nodewire.AppendEnvelope(nil, m, strings.HasPrefix(name, "streams/"))
}

func payload(text string, attachments ...[]byte) adapter.Payload {
	return adapter.Payload{JSON: []byte(text), Attachments: attachments}
}

func rooms(names ...string) adapter.Target { return adapter.Target{Rooms: names} }

const (
	nodeA = "749ada6d973df68e"
	nodeB = "3bd65f7bb4313863"
)

// both are captures that are read and written, to the byte.
var both = map[string]nodewire.Message{
	"classic/emit": {Kind: nodewire.KindBroadcast, From: "lrLmDe", Namespace: "/", Event: payload(`["hello",1,"2",{"3":["4"]}]`)},
	"classic/room": {Kind: nodewire.KindBroadcast, From: "lrLmDe", Namespace: "/", Event: payload(`["hello","room"]`), Target: rooms("room1")},
	"classic/rooms": {Kind: nodewire.KindBroadcast, From: "lrLmDe", Namespace: "/", Event: payload(`["hello"]`),
		Target: adapter.Target{Rooms: []string{"room1", "room2"}, Except: []string{"room3"}}, Flags: adapter.Flags{Volatile: true, Uncompressed: true}},
	"classic/socket-to": {Kind: nodewire.KindBroadcast, From: "lrLmDe", Namespace: "/", Event: payload(`["fromsock","x"]`),
		Target: adapter.Target{Rooms: []string{"room1"}, Except: []string{"2EyuaI9L24995g3oAAAA"}}},
	"classic/namespace":       {Kind: nodewire.KindBroadcast, From: "1DOQwH", Namespace: "/chat", Event: payload(`["hello","chat"]`)},
	"classic/fetch":           {Kind: nodewire.KindFetchSockets, From: "lrLmDe", Ask: true, RequestID: "yiBmop"},
	"classic/all-rooms":       {Kind: nodewire.KindAllRooms, From: "lrLmDe", Ask: true, RequestID: "2utY0i"},
	"classic/ids":             {Kind: nodewire.KindAllIDs, From: "zzzzzz", Ask: true, RequestID: "r0", Rooms: []string{"room1"}},
	"classic/join":            {Kind: nodewire.KindSocketsJoin, From: "lrLmDe", Target: rooms("room1"), Rooms: []string{"a", "b"}},
	"classic/leave":           {Kind: nodewire.KindSocketsLeave, From: "lrLmDe", Target: adapter.Target{Except: []string{"room1"}}, Rooms: []string{"b"}},
	"classic/disconnect":      {Kind: nodewire.KindDisconnect, From: "lrLmDe", Target: rooms("room1")},
	"classic/server-side":     {Kind: nodewire.KindServerSideEmit, From: "lrLmDe", Event: payload(`["sse",1,"x",{"d":1}]`)},
	"classic/emitter-join":    {Kind: nodewire.KindSocketsJoin, Target: rooms("room1"), Rooms: []string{"r2"}},
	"classic/emitter-leave":   {Kind: nodewire.KindSocketsLeave, Target: rooms("room1"), Rooms: []string{"r2", "r3"}},
	"classic/ack-count":       {Kind: nodewire.KindClientCount, RequestID: "I7Tq42", Count: 1},
	"classic/ack-answer":      {Kind: nodewire.KindClientAnswer, RequestID: "I7Tq42", Event: payload(`["ackB"]`)},
	"classic/ack-answer-none": {Kind: nodewire.KindClientAnswer, RequestID: "r7", Event: payload(`[]`)},
	"classic/ack-answer-binary": {Kind: nodewire.KindClientAnswer, RequestID: "U6LEI5",
		Event: payload(`[{"_placeholder":true,"num":0}]`, []byte{1, 2})},
	"classic/all-rooms-answer":      {Kind: nodewire.KindAllRooms, RequestID: "2utY0i", Rooms: []string{"w0XR3GVzVikSSOlwAAAB", "room1", "a", "b"}},
	"classic/emitter-disconnect":    {Kind: nodewire.KindDisconnect, Close: true},
	"classic/emitter-server-side":   {Kind: nodewire.KindServerSideEmit, From: "emitter", Event: payload(`["sse",1,{"a":2}]`)},
	"classic/server-side-ack":       {Kind: nodewire.KindServerSideEmit, From: "lrLmDe", Ask: true, RequestID: "3p7G7G", Event: payload(`["sse","y"]`)},
	"classic/server-side-answer":    {Kind: nodewire.KindServerSideAnswer, RequestID: "3p7G7G", Event: payload(`[{"from":"B"}]`)},
	"classic/server-side-no-answer": {Kind: nodewire.KindServerSideAnswer, RequestID: "r6", Event: payload(`[]`)},
	"classic/ack": {Kind: nodewire.KindBroadcast, From: "lrLmDe", Namespace: "/", Ask: true, RequestID: "I7Tq42", Event: payload(`["q","z"]`),
		Timeout: 800 * time.Millisecond},

	"sharded/emit":        {Kind: nodewire.KindBroadcast, From: nodeA, Namespace: "/", Event: payload(`["hello",1,"2",{"3":["4"]}]`)},
	"sharded/room":        {Kind: nodewire.KindBroadcast, From: nodeA, Namespace: "/", Event: payload(`["hello","room"]`), Target: rooms("room1")},
	"sharded/join":        {Kind: nodewire.KindSocketsJoin, From: nodeA, Namespace: "/", Target: rooms("room1"), Rooms: []string{"a", "b"}},
	"sharded/leave":       {Kind: nodewire.KindSocketsLeave, From: nodeA, Namespace: "/", Target: adapter.Target{Except: []string{"room1"}}, Rooms: []string{"b"}},
	"sharded/disconnect":  {Kind: nodewire.KindDisconnect, From: nodeA, Namespace: "/", Target: rooms("room1")},
	"sharded/fetch":       {Kind: nodewire.KindFetchSockets, From: nodeA, Namespace: "/", Ask: true, RequestID: "e1fb7de21c446109"},
	"sharded/server-side": {Kind: nodewire.KindServerSideEmit, From: nodeA, Namespace: "/", Event: payload(`["sse",1,"x",{"d":1}]`)},
	"sharded/server-side-binary": {Kind: nodewire.KindServerSideEmit, From: nodeA, Namespace: "/",
		Event: payload(`["sse",{"_placeholder":true,"num":0}]`, []byte{1, 2, 255})},
	"sharded/server-side-ack":    {Kind: nodewire.KindServerSideEmit, From: nodeA, Namespace: "/", Ask: true, RequestID: "911d96fa1475744c", Event: payload(`["sse","y"]`)},
	"sharded/server-side-answer": {Kind: nodewire.KindServerSideAnswer, From: nodeB, Namespace: "/", RequestID: "911d96fa1475744c", Event: payload(`[{"from":"B"}]`)},
	"sharded/server-side-answer-binary": {Kind: nodewire.KindServerSideAnswer, From: nodeB, Namespace: "/", RequestID: "22787ce5fe798e49",
		Event: payload(`[{"_placeholder":true,"num":0}]`, []byte{9, 9})},
	"sharded/ack": {Kind: nodewire.KindBroadcast, From: nodeA, Namespace: "/", Ask: true, RequestID: "875072242a17e110", Event: payload(`["q","z"]`),
		Timeout: 800 * time.Millisecond},
	"sharded/ack-count":       {Kind: nodewire.KindClientCount, From: nodeB, Namespace: "/", RequestID: "875072242a17e110", Count: 1},
	"sharded/ack-answer":      {Kind: nodewire.KindClientAnswer, From: nodeB, Namespace: "/", RequestID: "875072242a17e110", Event: payload(`["ackB"]`)},
	"sharded/ack-answer-none": {Kind: nodewire.KindClientAnswer, From: nodeB, Namespace: "/", RequestID: "rq1", Event: payload(`[]`)},
	"sharded/ack-answer-binary": {Kind: nodewire.KindClientAnswer, From: nodeB, Namespace: "/", RequestID: "4d74e47fb5c0adc1",
		Event: payload(`[{"_placeholder":true,"num":0}]`, []byte{1, 2})},

	"streams/fetch":              {Kind: nodewire.KindFetchSockets, From: "01d97096fd4d000d", Namespace: "/", Ask: true, RequestID: "9bf88359352fea72"},
	"streams/server-side":        {Kind: nodewire.KindServerSideEmit, From: "01d97096fd4d000d", Namespace: "/", Event: payload(`["sse",1,"x",{"d":1}]`)},
	"streams/server-side-ack":    {Kind: nodewire.KindServerSideEmit, From: "01d97096fd4d000d", Namespace: "/", Ask: true, RequestID: "35cb8b7dd3e0a9d8", Event: payload(`["sse","y"]`)},
	"streams/server-side-answer": {Kind: nodewire.KindServerSideAnswer, From: "9c68076ecce37c74", Namespace: "/", RequestID: "35cb8b7dd3e0a9d8", Event: payload(`[{"from":"B"}]`)},
	"streams/ack": {Kind: nodewire.KindBroadcast, From: "01d97096fd4d000d", Namespace: "/", Ask: true, RequestID: "c222838bd5886316", Event: payload(`["q","z"]`),
		Timeout: 800 * time.Millisecond},
	"streams/ack-count":  {Kind: nodewire.KindClientCount, From: "9c68076ecce37c74", Namespace: "/", RequestID: "c222838bd5886316", Count: 1},
	"streams/ack-answer": {Kind: nodewire.KindClientAnswer, From: "9c68076ecce37c74", Namespace: "/", RequestID: "c222838bd5886316", Event: payload(`["ackB"]`)},

	"postgres/hello":     {Kind: nodewire.KindHello, From: "4ce58c6b8dd24575", Namespace: "/"},
	"postgres/heartbeat": {Kind: nodewire.KindHeartbeat, From: "4ce58c6b8dd24575", Namespace: "/"},
	"postgres/bye":       {Kind: nodewire.KindBye, From: "08c790e0509f4388", Namespace: "/"},
}

// readOnly are captures with what our nodes never write: dates, another order of members,
// members of others, binary as text.
var readOnly = map[string]nodewire.Message{
	"classic/binary": {Kind: nodewire.KindBroadcast, From: "lrLmDe", Namespace: "/", Event: payload(
		`["bin",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1},{"_placeholder":true,"num":2},"2023-11-14T22:13:20.123Z",null,{}]`,
		[]byte{1, 2, 3}, []byte{4, 5}, []byte{6, 7})},
	"classic/remote": {Kind: nodewire.KindBroadcast, From: "lrLmDe", Namespace: "/", Event: payload(`["x"]`), Target: rooms("w0XR3GVzVikSSOlwAAAB")},
	"classic/server-side-binary": {Kind: nodewire.KindServerSideEmit, From: "lrLmDe",
		Event: payload(`["sse",{"_placeholder":true,"num":0}]`, []byte{1, 2, 255})},
	"classic/emitter": {Kind: nodewire.KindBroadcast, From: "emitter", Namespace: "/", Event: payload(`["hello",1,"a"]`)},
	"classic/emitter-room": {Kind: nodewire.KindBroadcast, From: "emitter", Namespace: "/", Event: payload(`["hello"]`),
		Target: rooms("room1"), Flags: adapter.Flags{Volatile: true}},
	"sharded/binary": {Kind: nodewire.KindBroadcast, From: nodeA, Namespace: "/", Event: payload(
		`["bin",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1},{"_placeholder":true,"num":2},"2023-11-14T22:13:20.123Z",null,{}]`,
		[]byte{1, 2, 3}, []byte{4, 5}, []byte{6, 7})},
	"postgres/emitter":      {Kind: nodewire.KindBroadcast, From: "emitter", Namespace: "/", Event: payload(`["hello",1,"a"]`)},
	"postgres/emitter-join": {Kind: nodewire.KindSocketsJoin, From: "emitter", Target: rooms("room1"), Rooms: []string{"r2"}},
	"postgres/emitter-binary": {Kind: nodewire.KindBroadcast, From: "emitter", Namespace: "/", Event: payload(
		`["bin",{"_placeholder":true,"num":0},"2023-11-14T22:13:20.123Z",null]`, []byte{1, 2})},
	"postgres/primary": {Kind: nodewire.KindBroadcast, From: "fc93d22b62a3374c", Namespace: "/", Event: payload(`["hello"]`)},
}

func TestCapturesAreRead(t *testing.T) {
	all := captures(t)
	for name, data := range all {
		want, ok := both[name]
		if !ok {
			if want, ok = readOnly[name]; !ok {
				t.Errorf("%s is in no table", name)
				continue
			}
		}
		before := bytes.Clone(data)
		got, err := decode(name, data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v\n%s\n%s", name, *got, want, got.Event.JSON, want.Event.JSON)
		}
		if !bytes.Equal(data, before) {
			t.Errorf("%s: the message was changed", name)
		}
	}
	if len(all) != len(both)+len(readOnly) {
		t.Errorf("%d captures, want %d and %d", len(all), len(both), len(readOnly))
	}
}

func TestCapturesAreWrittenToTheByte(t *testing.T) {
	all := captures(t)
	for name, m := range both {
		got, err := encode(name, &m)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !bytes.Equal(got, all[name]) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, all[name])
		}
	}
}

// The Sender of a Target is one of the exceptions, as in Node.js.
func TestTheSenderIsAnException(t *testing.T) {
	m := both["classic/socket-to"]
	m.Target.Except, m.Target.Sender = nil, m.Target.Except[0]
	got, err := nodewire.AppendClassic(nil, &m)
	if err != nil || !bytes.Equal(got, captures(t)["classic/socket-to"]) {
		t.Errorf("%q %v", got, err)
	}
}
