// SPDX-License-Identifier: MIT

// This file tests what is read from the disk.

package diskstore

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"socketio/adapter"
)

func someEvent() adapter.KeptEvent {
	return adapter.KeptEvent{
		Number: 7, Time: time.UnixMilli(1700000000123), Socket: "id",
		Event: adapter.Payload{
			JSON: []byte(`["e",1]`), Attachments: [][]byte{{1, 2}, {}},
			Meta: adapter.Meta{Origin: "node", Version: 1},
		},
		Flags:  adapter.Flags{Volatile: true, Overflow: adapter.OverflowFail, Conflate: "key"},
		Target: adapter.Target{Rooms: []string{"a", "b\xff"}, Except: []string{}, Sender: "s", Local: true},
	}
}

func someSession() *adapter.Session {
	return &adapter.Session{
		ID: "id", Secret: "secret", Data: []byte(`{"k":1}`), Epoch: "epoch", Stale: "stale", Nonce: "nonce", Replies: []byte("replies"),
		Rooms: []adapter.Membership{{Room: "a", From: 3}, {Room: "b\xff", From: 4, To: 5}},
		Start: 2, Last: 6, Checked: 7, Floor: 1, Lost: 4, Ended: time.UnixMilli(1700000000123),
	}
}

// Each cut and each change of a byte of a record is noticed.
func TestDamagedRecordsAreNoticed(t *testing.T) {
	e := someEvent()
	record := appendRecord(nil, 3, &e)
	log, got, err := parseRecord(record)
	if err != nil || log != 3 || !reflect.DeepEqual(got, e) {
		t.Fatalf("%d %+v %v", log, got, err)
	}
	s := someSession()
	session := appendSession(nil, "/n", s)
	for _, all := range []reflect.Value{reflect.ValueOf(e), reflect.ValueOf(*s)} {
		for i := range all.NumField() {
			if all.Field(i).IsZero() {
				t.Errorf("%s is not tested", all.Type().Field(i).Name)
			}
		}
	}
	namespace, back, err := parseSession(session)
	if err != nil || namespace != "/n" || !reflect.DeepEqual(back, s) {
		t.Fatalf("%q %+v %v", namespace, back, err)
	}
	row := logRow{"/n", "epoch", 1, 2, 3}
	log3 := appendLogRow(nil, &row)
	if got, err := parseLogRow(log3); err != nil || got != row {
		t.Fatalf("%+v %v", got, err)
	}
	text := []byte(stateText{clean: true, boot: "boot"}.String())
	if got, err := parseState(string(text)); err != nil || got != (stateText{clean: true, boot: "boot"}) || len(text) != stateSize {
		t.Fatalf("%+v %v", got, err)
	}
	for name, c := range map[string]struct {
		b     []byte
		parse func([]byte) error
	}{
		"event":   {record, func(b []byte) error { _, _, err := parseRecord(b); return err }},
		"session": {session, func(b []byte) error { _, _, err := parseSession(b); return err }},
		"log":     {log3, func(b []byte) error { _, err := parseLogRow(b); return err }},
		"state":   {text, func(b []byte) error { _, err := parseState(string(b)); return err }},
	} {
		for i := range c.b {
			if c.parse(c.b[:i]) == nil {
				t.Errorf("%s: the first %d bytes are valid", name, i)
			}
			for bit := range 8 {
				b := bytes.Clone(c.b)
				b[i] ^= 1 << bit
				if c.parse(b) == nil {
					t.Errorf("%s: bit %d of byte %d does not matter", name, bit, i)
				}
			}
		}
	}
}

// The smallest event is at least as long as the bound of what damaged bytes may have been.
func TestSmallestEvent(t *testing.T) {
	if n := len(appendRecord(nil, 0, &adapter.KeptEvent{})) - headerSize; n < minBody {
		t.Errorf("its body has %d bytes", n)
	}
}

// What is valid is decoded and encoded to itself; nothing makes the reader fail, whatever
// the checksums say.
func FuzzRecord(f *testing.F) {
	e := someEvent()
	f.Add(appendRecord(nil, 3, &e))
	f.Add(appendSession(nil, "/n", someSession()))
	f.Add(appendLogRow(nil, &logRow{"/n", "epoch", 1, 2, 3}))
	f.Add([]byte(stateText{boot: "boot"}.String()))
	f.Fuzz(func(t *testing.T, b []byte) {
		if log, e, err := parseRecord(b); err == nil {
			if _, again, err := parseRecord(appendRecord(nil, log, &e)); err != nil || !reflect.DeepEqual(again, e) {
				t.Fatalf("%+v becomes %+v (%v)", e, again, err)
			}
		}
		if len(b) > headerSize {
			sum := checksum(b[headerSize:])
			if log, e, err := parseBody(b[headerSize:], sum); err == nil {
				if _, again, err := parseRecord(appendRecord(nil, log, &e)); err != nil || !reflect.DeepEqual(again, e) {
					t.Fatalf("%+v becomes %+v (%v)", e, again, err)
				}
			}
		}
		_, _, _ = parseSession(b)
		_, _, _ = parseSession(withSum(bytes.Clone(b), 0))
		_, _ = parseLogRow(withSum(bytes.Clone(b), 0))
		_, _ = parseState(string(b))
		if n, damaged := scan(b, func(int64, int, uint64, *adapter.KeptEvent) {}); n > int64(len(b)) || n == int64(len(b)) && damaged {
			t.Fatalf("%d of %d bytes are valid, damaged: %v", n, len(b), damaged)
		}
	})
}
