// SPDX-License-Identifier: MIT

// This file tests the entries of Redis streams.

package nodewire_test

import (
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"socketio/adapter"
	"socketio/adapter/nodewire"
)

// streamCaptures are the field "data" of entries that @socket.io/redis-streams-adapter 0.3.1
// has written, and what they say.
var streamCaptures = []struct {
	kind, data string
	message    nodewire.Message
}{
	{"3", `{"packet":{"type":2,"data":["hello",1,"2",{"3":["4"]}]},"opts":{"rooms":[],"except":[],"flags":{}}}`,
		nodewire.Message{Kind: nodewire.KindBroadcast, Event: payload(`["hello",1,"2",{"3":["4"]}]`)}},
	{"3", "gqZwYWNrZXSCpHR5cGUCpGRhdGGXo2JpbsQDAQIDxAIEBYDX/x1TUwBlU/EAwIGhdcCkb3B0c4Olcm9vbXOQpmV4Y2VwdJClZmxhZ3OA",
		nodewire.Message{Kind: nodewire.KindBroadcast, Event: payload(
			`["bin",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1},{},"2023-11-14T22:13:20.123Z",null,{"u":null}]`,
			[]byte{1, 2, 3}, []byte{4, 5})}},
	{"4", `{"opts":{"rooms":["room1"],"except":[],"flags":{}},"rooms":["a","b"]}`,
		nodewire.Message{Kind: nodewire.KindSocketsJoin, Target: rooms("room1"), Rooms: []string{"a", "b"}}},
	{"5", `{"opts":{"rooms":[],"except":["room1"],"flags":{}},"rooms":["b"]}`,
		nodewire.Message{Kind: nodewire.KindSocketsLeave, Target: adapter.Target{Except: []string{"room1"}}, Rooms: []string{"b"}}},
	{"6", `{"opts":{"rooms":["room1"],"except":[],"flags":{}},"close":false}`,
		nodewire.Message{Kind: nodewire.KindDisconnect, Target: rooms("room1")}},
}

func TestStreamEntries(t *testing.T) {
	for _, c := range streamCaptures {
		want := c.message
		want.From, want.Namespace = nodeA, "/n"
		e := nodewire.StreamEntry{From: []byte(nodeA), Kind: []byte(c.kind), Data: []byte(c.data)}
		m, err := nodewire.DecodeStreamEntry("/n", e)
		if err != nil || !reflect.DeepEqual(*m, want) {
			t.Errorf("%s: %+v, %v, want %+v", c.data, m, err, want)
			continue
		}
		again, err := nodewire.EncodeStreamEntry(m)
		if err != nil {
			t.Errorf("%s: %v", c.data, err)
		}
		if c.data[0] == '{' { // a Date, for example, is written as a text
			if string(again.Data) != c.data || string(again.Kind) != c.kind || string(again.From) != nodeA || len(again.Go) > 0 {
				t.Errorf("%s is written as %s %s %s %s", c.data, again.From, again.Kind, again.Data, again.Go)
			}
			continue
		}
		for _, other := range []string{strings.NewReplacer("+", "-", "/", "_").Replace(c.data), strings.TrimRight(c.data, "=")} {
			if m, err := nodewire.DecodeStreamEntry("/n", nodewire.StreamEntry{From: []byte(nodeA), Kind: []byte(c.kind), Data: []byte(other)}); err != nil || !reflect.DeepEqual(*m, want) {
				t.Errorf("%s: %+v, %v", other, m, err)
			}
		}
	}
}

// What only nodes in Go know goes in a field of its own.
func TestStreamEntryOfGo(t *testing.T) {
	want := nodewire.Message{
		Kind: nodewire.KindBroadcast, From: nodeA, Namespace: "/", Go: true, Number: 7, Target: rooms("a", "b"),
		Event: payload(`["e",{"_placeholder":true,"num":0}]`, []byte{0, 255}),
	}
	want.Event.Origin, want.Event.Version, want.Flags.Conflate = "server", adapter.Version, "key"
	e, err := nodewire.EncodeStreamEntry(&want)
	if err != nil {
		t.Fatal(err)
	}
	if e.Data[0] == '{' || !strings.Contains(string(e.Go), `"n":7`) {
		t.Errorf("data %s, go %s", e.Data, e.Go)
	}
	got, err := nodewire.DecodeStreamEntry("/", e)
	if err != nil || !reflect.DeepEqual(*got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

// Malformed entries are errors.
func TestMalformedStreamEntries(t *testing.T) {
	for _, e := range []nodewire.StreamEntry{
		{}, {Kind: []byte("x")}, {Kind: []byte("3")}, {Kind: []byte("3"), Data: []byte("{")}, {Kind: []byte("3"), Data: []byte("%%%")},
		{Kind: []byte("3"), Data: []byte("AAAA")}, {Kind: []byte("3"), Data: []byte(`{"packet":{"type":2,"data":["e"]}}`)},
		{Kind: []byte("4"), Data: []byte(`{"opts":{},"rooms":null}`)}, {Kind: []byte("6"), Data: []byte("=")},
		{Kind: []byte("2"), Go: []byte("{")}, {Kind: []byte("2"), Go: []byte(`[1]`)},
	} {
		if m, err := nodewire.DecodeStreamEntry("/", e); !errors.Is(err, nodewire.ErrFormat) {
			t.Errorf("%s %s %s: %+v, %v", e.Kind, e.Data, e.Go, m, err)
		}
	}
	if _, err := nodewire.DecodeStreamEntry("/", nodewire.StreamEntry{Kind: []byte("99"), Data: []byte("{}")}); !errors.Is(err, nodewire.ErrKind) {
		t.Errorf("an unknown kind: %v", err)
	}
}

func FuzzStreamEntry(f *testing.F) {
	for _, c := range streamCaptures {
		f.Add(c.kind, []byte(c.data), []byte(`{"n":1}`))
	}
	binary, _ := hex.DecodeString("ff00")
	f.Add("3", binary, []byte(nil))
	f.Fuzz(func(t *testing.T, kind string, data, golang []byte) {
		m, err := nodewire.DecodeStreamEntry("/", nodewire.StreamEntry{Kind: []byte(kind), Data: data, Go: golang})
		if (m == nil) == (err == nil) {
			t.Errorf("%v, %v", m, err)
		}
		if err != nil {
			return
		}
		if _, err := nodewire.EncodeStreamEntry(m); err != nil && !errors.Is(err, nodewire.ErrFormat) && !errors.Is(err, nodewire.ErrKind) {
			t.Errorf("what was read can't be written: %v", err)
		}
	})
}
