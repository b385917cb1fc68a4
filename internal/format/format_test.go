// SPDX-License-Identifier: MIT

// This file tests how the list of an event is split.

package format_test

import (
	"bytes"
	"strings"
	"testing"

	"socketio/internal/format"
	"socketio/internal/leakcheck"
	"socketio/parser"
	"socketio/parser/msgpack"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// The name is that of the codec, also where SplitEvent finds it without it.
func TestSplitEvent(t *testing.T) {
	f := format.New(nil, parser.Limits{})
	for _, list := range []string{
		`["a"]`, `[ "chat message" , 1, {"b":[2]} ]`, `[""]`, `[12,"a"]`, `[-1.50]`, `["caf\u00e9",1]`, `["é"]`, `["a\"b",2]`, `["tab\t"]`, `[]`, ``,
	} {
		var spans [8][]byte
		name, args := f.SplitEvent(spans[:0], []byte(list))
		if want := parser.EventName([]byte(list)); !bytes.Equal(name, want) || (name == nil) != (want == nil) {
			t.Errorf("%s: the name is %q, want %q", list, name, want)
		}
		all := parser.SplitArray(nil, []byte(list))
		if want := all[min(len(all), 1):]; !bytes.Equal(bytes.Join(args, []byte("|")), bytes.Join(want, []byte("|"))) {
			t.Errorf("%s: the arguments are %q, want %q", list, args, want)
		}
	}
	codec := new(msgpack.Codec)
	list := []byte{0x92, 0xA3, '"', 'a', '"', 0x01} // a name that looks like JSON
	name, args := format.New(codec, parser.Limits{}).SplitEvent(nil, list)
	if string(name) != `"a"` || len(args) != 1 {
		t.Errorf("msgpack: %q %q", name, args)
	}
}

func TestSplitEventAllocatesNothing(t *testing.T) {
	f := format.New(nil, parser.Limits{})
	list := []byte(`["chat message","hello",{"a":1}]`)
	var spans [8][]byte
	if n := testing.AllocsPerRun(100, func() { f.SplitEvent(spans[:0], list) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// A muteCodec encodes as msgpack does, and takes every message for the start of a packet.
type muteCodec struct{ msgpack.Codec }

type muteDecoder struct{ parser.PacketDecoder }

func (c *muteCodec) NewDecoder() parser.PacketDecoder { return muteDecoder{c.Codec.NewDecoder()} }

func (muteDecoder) Add(*parser.Limits, bool, []byte) (p parser.Packet, ok bool, err error) {
	return p, false, nil
}

// A codec of the application that does not understand itself is an error, not an event
// without a name.
func TestACodecThatCannotReadItself(t *testing.T) {
	for name, c := range map[string]struct {
		codec parser.Codec
		want  string
	}{"msgpack": {new(msgpack.Codec), ""}, "mute": {new(muteCodec), "can't decode its own packet"}} {
		f := format.New(c.codec, parser.Limits{})
		m, err := f.Event("/", -1, "e", []any{1, []byte{2}})
		if err != nil {
			t.Fatal(err)
		}
		e, err := f.Split("/", m)
		if said := strings.TrimPrefix(text(err), "socketio: the codec "); said != c.want || (err == nil) != (e.Name == "e") {
			t.Errorf("%s: the event %q, %v", name, e.Name, err)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
