// SPDX-License-Identifier: MIT

// This file tests what a decoder keeps between messages.

package parser_test

import (
	"runtime"
	"strings"
	"testing"

	"socketio/parser"
)

// The last namespace is kept, so that a repetition allocates nothing, unless it is one
// that no client can join.
func TestLongNamespacesAreNotKept(t *testing.T) {
	limits := &parser.Limits{MaxNamespace: 1_000_000}
	decoders := make([]parser.Decoder, 50)
	before := heap()
	for i := range decoders {
		name := "/" + strings.Repeat("x", 999_000+i)
		if p, ok, err := decoders[i].Add(limits, false, []byte("0"+name+",")); !ok || err != nil || p.Namespace != name {
			t.Fatalf("%.20q %v %v", p.Namespace, ok, err)
		}
	}
	if kept := heap() - before; kept > 5_000_000 {
		t.Errorf("50 decoders keep %d bytes", kept)
	}
	runtime.KeepAlive(decoders)
}

// heap returns the bytes in use, without garbage.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestAwaited(t *testing.T) {
	var d parser.Decoder
	if _, _, ok := d.Awaited(); ok {
		t.Error("a new decoder awaits something")
	}
	if _, ok, err := d.Add(nil, false, []byte(`51-/a,["x",{"_placeholder":true,"num":0}]`)); ok || err != nil {
		t.Fatal(ok, err)
	}
	if typ, namespace, ok := d.Awaited(); !ok || typ != parser.TypeBinaryEvent || namespace != "/a" {
		t.Errorf("it awaits %v %q %v", typ, namespace, ok)
	}
	if _, ok, err := d.Add(nil, true, []byte{1}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, _, ok := d.Awaited(); ok {
		t.Error("it still awaits something")
	}
}
