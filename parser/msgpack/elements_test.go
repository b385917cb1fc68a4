// SPDX-License-Identifier: MIT

// This file tests the bound on arrays and maps, and their memory as values of type any.

package msgpack_test

import (
	"bytes"
	"runtime"
	"testing"

	"socketio/parser"
	"socketio/parser/msgpack"
)

// crowd is an event with an array of n times the same bytes.
func crowd(n int, value string) []byte {
	head := "\x84\xa4type\x02\xa3nsp\xa1/\xa2id\xc0\xa4data\x92\xa1x\xdd"
	b := append([]byte(head), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	return append(b, bytes.Repeat([]byte(value), n)...)
}

func TestElements(t *testing.T) {
	for _, row := range []struct {
		what  string
		value string
		fits  int // how many do
	}{
		{"maps", "\x80", 1<<16 - 1},
		{"maps with a member", "\x81\xa0\xc0", 1<<16 - 1},
		{"arrays", "\x90", 1<<18 - 2},
		{"arrays with an element", "\x91\x00", 1<<18 - 2},
	} {
		for n := row.fits; n <= row.fits+1; n++ {
			_, ok, err := new(msgpack.Decoder).Add(nil, true, crowd(n, row.value))
			if want := n <= row.fits; ok != want || (err == nil) != want {
				t.Errorf("%d %s: %v %v, want %v", n, row.what, ok, err, want)
			}
		}
	}
	if _, ok, err := new(msgpack.Decoder).Add(nil, true, crowd(990_000, "\x01")); !ok {
		t.Errorf("numbers: %v", err)
	}
	if _, ok, err := new(msgpack.Decoder).Add(&parser.Limits{MaxElements: 1_000_000}, true, crowd(249_999, "\x80")); !ok {
		t.Errorf("maps at a higher bound: %v", err)
	}
}

// The worst message of 1 MB needs little more memory than one of numbers.
func TestElementsTakeLittleMemory(t *testing.T) {
	same := "\xde\x00\xff" + string(bytes.Repeat([]byte("\xa0\xc0"), 255)) // one key, 255 times
	for what, row := range map[string]struct {
		n     int
		value string
		most  int
	}{
		"maps":             {1<<16 - 1, "\x81\xa0\xc0", 30 << 20},
		"arrays":           {1<<18 - 2, "\x91\xc0", 30 << 20},
		"numbers":          {990_000, "\x01", 34 << 20},
		"nothings":         {990_000, "\xc0", 20 << 20},
		"maps of one key":  {1900, same, 2 << 20},
		"refused by Add":   {330_000, "\x81\xa0\xc0", 0},
		"refused, smaller": {990_000, "\x80", 0},
	} {
		raw := crowd(row.n, row.value)
		p, ok, _ := new(msgpack.Decoder).Add(nil, true, raw)
		if !ok {
			if row.most > 0 {
				t.Errorf("%s: refused", what)
			}
			continue
		}
		if row.most == 0 {
			t.Errorf("%s: taken", what)
			continue
		}
		for _, typed := range []bool{false, true} {
			args := new(msgpack.Codec).SplitArray(nil, p.Data)
			before := heap()
			var v any
			var maps []map[string]any
			var err error
			if typed && row.value[0] != 0xde && row.value[0] != 0x81 {
				continue
			}
			if typed {
				err = new(msgpack.Codec).Decode(args[1], nil, &maps)
			} else {
				err = new(msgpack.Codec).Decode(args[1], nil, &v)
			}
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if took := heap() - before; took > row.most {
				t.Errorf("%s, typed %v: %d KB become %d KB", what, typed, len(raw)>>10, took>>10)
			}
			runtime.KeepAlive(v)
			runtime.KeepAlive(maps)
		}
	}
}
