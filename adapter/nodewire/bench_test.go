// SPDX-License-Identifier: MIT

// This file measures a broadcast to a room in each format.

package nodewire_test

import (
	"testing"

	"socketio/adapter/nodewire"
)

func broadcasts() map[string]nodewire.Message {
	text := both["sharded/room"]
	text.Go = true
	binary := text
	binary.Event = payload(`["hello",{"_placeholder":true,"num":0}]`, make([]byte, 64))
	return map[string]nodewire.Message{"text": text, "binary": binary}
}

func BenchmarkAppend(b *testing.B) {
	for name, m := range broadcasts() {
		b.Run("envelope/"+name, func(b *testing.B) {
			buf := make([]byte, 0, 1024)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = nodewire.AppendEnvelope(buf, &m, false)
			}
		})
		b.Run("classic/"+name, func(b *testing.B) {
			buf := make([]byte, 0, 1024)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = nodewire.AppendClassic(buf, &m)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, m := range broadcasts() {
		envelope, err := nodewire.AppendEnvelope(nil, &m, false)
		if err != nil {
			b.Fatal(err)
		}
		classic, err := nodewire.AppendClassic(nil, &m)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("envelope/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = nodewire.DecodeEnvelope(envelope)
			}
		})
		b.Run("classic/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = nodewire.DecodeClassicBroadcast(classic)
			}
		})
	}
}

// A broadcast takes a bounded number of allocations. The race detector adds one or two.
func TestAllocations(t *testing.T) {
	all := broadcasts()
	text := all["text"]
	buf := make([]byte, 0, 1024)
	envelope, _ := nodewire.AppendEnvelope(nil, &text, false)
	classic, _ := nodewire.AppendClassic(nil, &text)
	for name, test := range map[string]struct {
		most float64
		run  func()
	}{
		"append envelope": {0, func() { _, _ = nodewire.AppendEnvelope(buf, &text, false) }},
		"append classic":  {1, func() { _, _ = nodewire.AppendClassic(buf, &text) }},
		"decode envelope": {7, func() { _, _ = nodewire.DecodeEnvelope(envelope) }},
		"decode classic":  {8, func() { _, _ = nodewire.DecodeClassicBroadcast(classic) }},
	} {
		if got := testing.AllocsPerRun(100, test.run); got > test.most {
			t.Errorf("%s: %v allocations, want at most %v", name, got, test.most)
		}
	}
}
