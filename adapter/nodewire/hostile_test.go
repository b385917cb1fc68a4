// SPDX-License-Identifier: MIT

// This file tests messages that no node should send.

package nodewire_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"socketio/adapter/nodewire"
)

func TestMalformedMessages(t *testing.T) {
	decoders := map[string]func([]byte) (*nodewire.Message, error){
		"envelope": nodewire.DecodeEnvelope, "broadcast": nodewire.DecodeClassicBroadcast,
		"request": nodewire.DecodeClassicRequest, "answer": nodewire.DecodeClassicAnswer,
	}
	const event, opts = `{"type":2,"data":["e"]}`, `{"rooms":[],"except":[],"flags":{}}`
	for _, test := range []struct{ decoder, message string }{
		{"envelope", ``}, {"envelope", `{`}, {"envelope", `{}`}, {"envelope", `{"type":"3"}`}, {"envelope", `{"type":3} x`},
		{"envelope", `{"type":3}`}, {"envelope", `{"type":1.5}`}, {"envelope", `{"type":1,"uid":5}`}, {"envelope", `{"type":1,"nsp":[]}`},
		{"envelope", `{"type":3,"data":{"packet":` + event + `}}`},
		{"envelope", `{"type":3,"data":{"packet":` + event + `,"opts":null}}`},
		{"envelope", `{"type":3,"data":{"packet":null,"opts":` + opts + `}}`},
		{"envelope", `{"type":3,"data":{"packet":{"type":0,"data":["e"]},"opts":` + opts + `}}`},
		{"envelope", `{"type":3,"data":{"packet":{"type":2,"data":[]},"opts":` + opts + `}}`},
		{"envelope", `{"type":3,"data":{"packet":{"type":2,"data":[null]},"opts":` + opts + `}}`},
		{"envelope", `{"type":3,"data":{"packet":{"type":2,"data":["disconnect"]},"opts":` + opts + `}}`},
		{"envelope", `{"type":3,"data":{"packet":` + event + `,"opts":{"rooms":"r"}}}`},
		{"envelope", `{"type":3,"data":{"packet":` + event + `,"opts":{"rooms":[[]]}}}`},
		{"envelope", `{"type":3,"data":{"packet":` + event + `,"opts":{"except":{}}}}`},
		{"envelope", `{"type":3,"data":{"packet":` + event + `,"opts":{"flags":[]}}}`},
		{"envelope", `{"type":3,"data":{"packet":` + event + `,"requestId":5,"opts":` + opts + `}}`},
		{"envelope", `{"type":3,"data":{"packet":` + event + `,"opts":` + opts + `},"go":5}`},
		{"envelope", `{"type":3,"data":{"packet":` + event + `,"opts":` + opts + `},"go":{"position":5}}`},
		{"envelope", `{"type":4,"data":{"opts":` + opts + `}}`}, {"envelope", `{"type":4,"data":{"opts":` + opts + `,"rooms":[]}}`},
		{"envelope", `{"type":7,"data":{"opts":` + opts + `}}`}, {"envelope", `{"type":7,"data":{"opts":` + opts + `,"requestId":null}}`},
		{"envelope", `{"type":8,"data":{"requestId":"r","sockets":null}}`}, {"envelope", `{"type":8,"data":{"requestId":"r"}}`},
		{"envelope", `{"type":8,"data":{"requestId":"r","sockets":[5]}}`},
		{"envelope", `{"type":8,"data":{"requestId":"r","sockets":[{"id":"a"}]}}`},
		{"envelope", `{"type":8,"data":{"requestId":"r","sockets":[{"id":"a","rooms":null}]}}`},
		{"envelope", `{"type":8,"data":{"requestId":"r","sockets":[{"rooms":[]}]}}`},
		{"envelope", `{"type":8,"data":{"sockets":[]}}`},
		{"envelope", `{"type":9,"data":{"packet":{}}}`}, {"envelope", `{"type":10,"data":{}}`},
		{"envelope", `{"type":11,"data":{"requestId":"r","clientCount":-1}}`}, {"envelope", `{"type":11,"data":{"requestId":"r"}}`},
		{"envelope", `{"type":11,"data":{"requestId":"r","clientCount":1e99}}`},
		{"envelope", "hex:c1"}, {"envelope", "hex:81a474797065"}, {"envelope", "hex:81a47479706501c0"}, {"envelope", "hex:dfffffffff"},
		{"envelope", "hex:81c001"}, {"envelope", "hex:81a474797065d40000"}, {"envelope", "hex:81a474797065c40101"},
		{"envelope", `{"type":1,"x":` + strings.Repeat("[", 1200) + strings.Repeat("]", 1200) + `}`},
		{"envelope", "hex:82a47479706501a178" + strings.Repeat("91", 1200) + "01"},
		{"envelope", `hex:82a47479706501a178dc0065` + strings.Repeat("c40101", 101)},

		{"broadcast", `["a"]`}, {"broadcast", `{"type":3}`}, {"broadcast", "hex:80"}, {"broadcast", "hex:92a16180"}, {"broadcast", "hex:93a1618080"},
		// The event's name is bytes: Node.js sends its clients a placeholder instead.
		{"broadcast", "hex:93a6666f72656967" + "83a47479706502a46461746191c40161a36e7370a12f" + "83a5726f6f6d7390a665786365707490a5666c61677380"},
		{"broadcast", "hex:93a6666f726569678183"}, {"broadcast", ""},
		{"request", `[]`}, {"request", `{"type":5}`}, {"request", `{"type":2,"opts":{"rooms":[]}}`}, {"request", `{"uid":"a","type":5,"opts":{}}`},
		{"request", `{"type":7,"opts":{},"packet":` + event + `}`}, {"request", `{"type":6}`}, {"request", `{"type":6,"data":{}}`},
		{"request", `{"type":2,"sid":"a"}`}, {"request", `{"type":3,"sid":"a","room":5}`}, {"request", `{"type":4,"sid":5}`}, {"request", `{"type":5,"requestId":"r","sid":"a"}`},
		{"envelope", `{"type":1,"go":{"n":-1}}`}, {"envelope", `{"type":1,"go":{"n":1e300}}`}, {"envelope", `{"type":1,"go":{"n":"1"}}`},
		{"answer", `{"type":102,"go":5}`},
		{"request", `{"type":0,"requestId":"r","rooms":5}`}, {"request", `{"type":"6","data":["e"]}`},
		{"answer", `{}`}, {"answer", `{"requestId":"r"}`}, {"answer", `{"requestId":"r","sockets":null}`}, {"answer", `{"type":6,"data":1}`},
		{"answer", `{"requestId":"r","rooms":{}}`}, {"answer", `{"type":8,"requestId":"r","clientCount":"1"}`},
	} {
		data := []byte(test.message)
		if digits, ok := strings.CutPrefix(test.message, "hex:"); ok {
			data, _ = hex.DecodeString(digits)
		}
		m, err := decoders[test.decoder](data)
		if !errors.Is(err, nodewire.ErrFormat) || m != nil {
			t.Errorf("%s %.80s: %+v %v", test.decoder, test.message, m, err)
		}
	}
	for name, message := range map[string]string{"envelope": `{"type":99,"data":{}}`, "request": `{"type":99}`, "answer": `{"type":99,"requestId":"r"}`} {
		if _, err := decoders[name]([]byte(message)); !errors.Is(err, nodewire.ErrKind) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What Node.js tolerates is tolerated.
func TestToleratedMessages(t *testing.T) {
	for message, want := range map[string]string{
		`{"type":3,"data":{"packet":{"type":2,"data":["e"]},"opts":{"rooms":null,"except":null,"flags":null}},"nsp":"/"}`: `["e"] [] false`,
		`{"type":3,"data":{"packet":{"type":2,"data":["e"]},"opts":{}},"x":[{}],"nsp":"/"}`:                               `["e"] [] false`,
		`{"type":3,"data":{"packet":{"type":5,"data":["e"]},"opts":{"rooms":[7,"a"],"flags":{"volatile":null}}}}`:         `["e"] [7 a] false`,
		// null is no request: a node that would answer would name a request that nobody made.
		`{"type":3,"data":{"packet":{"type":2,"data":["e"]},"requestId":null,"opts":{}}}`:            `["e"] [] false`,
		`{"type":3,"data":{"packet":{"type":2,"data":["e"]},"requestId":"","opts":{}}}`:              `["e"] [] true`,
		"{ \"ty\\u0070e\" : 3.0 ,\n\"data\":{\"opts\":{}, \"packet\":{\"data\":[1],\"type\":2}}} \n": `[1] [] false`,
	} {
		m, err := nodewire.DecodeEnvelope([]byte(message))
		if err != nil {
			t.Errorf("%s: %v", message, err)
			continue
		}
		if got := fmt.Sprint(string(m.Event.JSON), " ", m.Target.Rooms, " ", m.Ask); got != want {
			t.Errorf("%s: %s, want %s", message, got, want)
		}
	}
}

// A placeholder that a client has sent as a value is not that of an attachment, and
// attachments outside the event are not its own.
func TestPlaceholdersOfOthers(t *testing.T) {
	m, err := nodewire.DecodeEnvelope([]byte(`{"type":9,"data":{"packet":["e",{"_placeholder":true,"num":0}]}}`))
	if err != nil || len(m.Event.Attachments) != 0 {
		t.Errorf("%+v %v", m, err)
	}
	// {x: bin 09, type: 9, data: {packet: ["e", bin 07]}}
	data, _ := hex.DecodeString("83a178c40109a47479706509a46461746181a67061636b657492a165c40107")
	m, err = nodewire.DecodeEnvelope(data)
	if err != nil || string(m.Event.JSON) != `["e",{"_placeholder":true,"num":0}]` || len(m.Event.Attachments) != 1 || m.Event.Attachments[0][0] != 7 {
		t.Errorf("%+v %v", m, err)
	}
	// {type: 9, data: {packet: ["e", {_placeholder: true, num: 5}, bin 07]}}
	data, _ = hex.DecodeString("82a47479706509a46461746181a67061636b657493a16582ac5f706c616365686f6c646572c3a36e756d05c40107")
	if m, err = nodewire.DecodeEnvelope(data); !errors.Is(err, nodewire.ErrFormat) {
		t.Errorf("%+v %v", m, err)
	}
}

// The memory that a message takes is bounded by a small multiple of its size.
func TestMemoryOfHostileMessages(t *testing.T) {
	const size = 1 << 16
	for name, data := range map[string][]byte{
		"nested":   bytes.Repeat([]byte{0x91}, size),
		"nulls":    append([]byte{0xdd, 0, 0, 0xff, 0xf0}, bytes.Repeat([]byte{0xc0}, 0xfff0)...),
		"lengths":  bytes.Repeat([]byte{0xdd, 0xff, 0xff, 0xff, 0xff}, size/5),
		"text":     append([]byte{0xdb, 0, 0, 0xff, 0xf0}, bytes.Repeat([]byte{1}, 0xfff0)...),
		"brackets": []byte(`{"type":` + strings.Repeat("[", size)),
		"names":    []byte(`{"type":4,"data":{"opts":{},"rooms":[` + strings.Repeat("1,", size/2) + "1]}}"),
		"sockets":  []byte(`{"type":8,"data":{"requestId":"r","sockets":[` + strings.Repeat("{},", size/3) + "{}]}}"),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = nodewire.DecodeEnvelope(data)
		runtime.ReadMemStats(&after)
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 60*size {
			t.Errorf("%s: %d bytes for %d", name, taken, len(data))
		}
	}
}

// FuzzDecode feeds each decoder. What it accepts can be written, and then reads the same.
func FuzzDecode(f *testing.F) {
	for _, data := range captures(f) {
		for format := range byte(4) {
			f.Add(format, data)
		}
	}
	f.Fuzz(func(t *testing.T, format byte, data []byte) {
		before := bytes.Clone(data)
		var m *nodewire.Message
		var err error
		switch format % 4 {
		case 0:
			m, err = nodewire.DecodeEnvelope(data)
		case 1:
			m, err = nodewire.DecodeClassicBroadcast(data)
		case 2:
			m, err = nodewire.DecodeClassicRequest(data)
		default:
			m, err = nodewire.DecodeClassicAnswer(data)
		}
		if !bytes.Equal(before, data) {
			t.Fatal("the message was changed")
		}
		if err != nil {
			if !errors.Is(err, nodewire.ErrFormat) && !errors.Is(err, nodewire.ErrKind) {
				t.Fatal(err)
			}
			return
		}
		if m.Event.JSON != nil && !json.Valid(m.Event.JSON) {
			t.Fatalf("not JSON: %q", m.Event.JSON)
		}
		if format%4 == 0 {
			writeAgain(t, m)
		}
	})
}

// writeAgain writes an envelope, reads it, and writes it again: the bytes are the same.
func writeAgain(t *testing.T, m *nodewire.Message) {
	t.Helper()
	first, err := nodewire.AppendEnvelope(nil, m, false)
	if err != nil {
		t.Fatalf("%+v: %v", m, err)
	}
	again, err := nodewire.DecodeEnvelope(first)
	if err != nil {
		t.Fatalf("%q: %v", first, err)
	}
	second, err := nodewire.AppendEnvelope(nil, again, false)
	if err != nil || !bytes.Equal(first, second) {
		t.Fatalf("%v\n%q\n%q", err, first, second)
	}
}

// Events as deep as the limit of clients are read, and a bit deeper ones; much deeper ones are
// not. Bytes that are not UTF-8 are kept.
func TestDepthOfMessages(t *testing.T) {
	read := func(event string) error {
		_, err := nodewire.DecodeEnvelope([]byte(`{"type":3,"uid":"u","nsp":"/","data":{"packet":{"type":2,"data":["e",` + event + `]},"opts":{"rooms":[],"except":[],"flags":{}}}}`))
		return err
	}
	for depth, ok := range map[int]bool{1: true, 1000: true, 1023: true, 1090: true, 1100: false, 100_000: false} {
		if err := read(strings.Repeat("[", depth) + strings.Repeat("]", depth)); (err == nil) != ok {
			t.Errorf("%d levels: %v", depth, err)
		}
	}
	if err := read("\"\xff\""); err != nil {
		t.Errorf("bytes that are not UTF-8: %v", err)
	}
	for _, event := range []string{`"`, `[`, `{"a"}`, "\"\x01\"", `01`, "\"\xff\"]"} {
		if read(event) == nil {
			t.Errorf("%s is read", event)
		}
	}
}
