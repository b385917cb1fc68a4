// SPDX-License-Identifier: MIT

// This file tests that events are encoded beside each other, before they get their order.

package socketio_test

import (
	"fmt"
	"testing"

	"socketio"
	"socketio/adapter"
	"socketio/parser"
	"socketio/parser/msgpack"
)

// A slowValue is encoded when its gate opens.
type slowValue struct{ begun, gate chan struct{} }

func (v slowValue) wait() {
	close(v.begun)
	<-v.gate
}

func (v slowValue) MarshalJSON() ([]byte, error) {
	v.wait()
	return []byte(`"value"`), nil
}

// A slowCodec is that of msgpack, and encodes the events "slow" when its gate opens.
type slowCodec struct {
	msgpack.Codec
	slowValue
}

func (c *slowCodec) AppendPacket(dst []byte, p parser.Outgoing) (parser.Encoded, error) {
	if p.Event == "slow" {
		c.wait()
	}
	return c.Codec.AppendPacket(dst, p)
}

// While one event is being encoded, others go out, each with the position of its turn.
func TestASlowEncodingHoldsNobodyUp(t *testing.T) {
	slow := func() slowValue { return slowValue{make(chan struct{}), make(chan struct{})} }
	value, codec := slow(), &slowCodec{slowValue: slow()}
	for name, c := range map[string]struct {
		parser.Codec
		slowValue
		arg any
	}{
		"a value": {new(msgpack.Codec), value, value},
		"a codec": {codec, codec.slowValue, "value"},
	} {
		t.Run(name, func(t *testing.T) {
			store := adapter.NewMemoryStore()
			tcp(t, &socketio.Options{Codec: c.Codec, Recovery: &socketio.Recovery{Store: store}}, func(w *world) {
				p := w.open(websocket)
				packJoins(p, "/")
				emitted := make(chan error, 1)
				emit := func(event string, arg any) { emitted <- w.io.Emit(event, arg) }
				var number uint64
				hears := func(event string) {
					_, data := unpack(p)
					list, _ := data.([]any)
					want(t, "the event", fmt.Sprint(list[:max(0, len(list)-1)]), fmt.Sprintf("[%s value]", event))
					position, _ := list[len(list)-1].(string)
					_, n, _ := adapter.ParsePosition(position)
					if number++; n != number {
						t.Errorf("the position of %q is %q, want number %d", event, position, number)
					}
				}
				go emit("slow", c.arg) // ends when the gate opens
				within(w, "the slow event is being encoded", c.begun)
				for range 3 {
					go emit("fast", "value") // ends at once
					if err := within(w, "Emit beside it", emitted); err != nil {
						t.Error(err)
					}
					hears("fast")
				}
				close(c.gate)
				if err := within(w, "Emit of the slow event", emitted); err != nil {
					t.Error(err)
				}
				hears("slow")
				_ = w.io.Emit("later", "value")
				hears("later")
			})
		})
	}
}
