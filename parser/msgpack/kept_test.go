// SPDX-License-Identifier: MIT

// This file tests what a decoder keeps between messages.

package msgpack_test

import (
	"runtime"
	"strings"
	"testing"

	"socketio/parser"
	"socketio/parser/msgpack"
)

// The last namespace is kept, so that a repetition allocates nothing, unless it is one
// that no client can join.
func TestLongNamespacesAreNotKept(t *testing.T) {
	limits := &parser.Limits{MaxNamespace: 1_000_000}
	decoders := make([]msgpack.Decoder, 50)
	before := heap()
	for i := range decoders {
		name := "/" + strings.Repeat("x", 999_000+i)
		if p, ok, err := decoders[i].Add(limits, true, connect(t, name)); !ok || err != nil || p.Namespace != name {
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

func connect(t *testing.T, namespace string) []byte {
	enc, err := new(msgpack.Codec).AppendPacket(nil, parser.Outgoing{Type: parser.TypeConnect, Namespace: namespace, ID: parser.NoID})
	if err != nil {
		t.Fatal(err)
	}
	return enc.Data
}
