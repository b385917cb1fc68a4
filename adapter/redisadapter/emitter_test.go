// SPDX-License-Identifier: MIT

// This file tests what emitters publish. That servers in Go and in Node.js understand it
// is tested with them.

package redisadapter_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"socketio"
	"socketio/adapter/cluster"
	"socketio/adapter/redisadapter"
	"socketio/adapter/redisadapter/internal/redistest"
)

// connected returns a client of a server.
func connected(t *testing.T, s *redistest.Server) rueidis.Client {
	t.Helper()
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.Addr()}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// A tap receives the messages of channels.
type tap struct {
	t    *testing.T
	conn *redistest.Conn
}

// newTap subscribes to all channels, or to those of a shard if some are named.
func newTap(t *testing.T, s *redistest.Server, shard ...string) tap {
	t.Helper()
	c, err := redistest.Dial(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if len(shard) == 0 {
		_, err = c.Do("PSUBSCRIBE", "*")
	}
	for _, channel := range shard {
		if err == nil {
			_, err = c.Do("SSUBSCRIBE", channel)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return tap{t, c}
}

// next returns the next message and its channel.
func (p tap) next() (channel, data string) {
	p.t.Helper()
	reply, err := p.conn.Receive()
	if err != nil {
		p.t.Fatal(err)
	}
	m := reply.([]any)
	return m[len(m)-2].(string), m[len(m)-1].(string)
}

// A published is an operation of an emitter, and what it publishes.
type published struct {
	name          string
	do            func(e *redisadapter.Emitter) error
	channel, data string // data is in hexadecimal digits if it is MessagePack
}

// text returns data as in a published.
func text(data string) string {
	if strings.HasPrefix(data, "{") {
		return data
	}
	return hex.EncodeToString([]byte(data))
}

// An emitter publishes to the channels, and in the format, of the one of npm. In the data
// only the order of rooms, except and flags differs, which Node.js does not look at.
func TestEmitterClassic(t *testing.T) {
	s := redistest.Start(t)
	e := redisadapter.NewEmitter(connected(t, s), redisadapter.ModeClassic, nil)
	wire := newTap(t, s)
	for _, c := range []published{
		{"emit", func(e *redisadapter.Emitter) error { return e.Emit("hello", 1, "a") }, "socket.io#/#",
			"93a7656d697474657283a47479706502a46461746193a568656c6c6f01a161a36e7370a12f83a5726f6f6d7390a665786365707490a5666c61677380"},
		{"a room", func(e *redisadapter.Emitter) error { return e.To("room1").Volatile().Compress(false).Emit("hello") }, "socket.io#/#room1#",
			"93a7656d697474657283a47479706502a46461746191a568656c6c6fa36e7370a12f83a5726f6f6d7391a5726f6f6d31a665786365707490a5666c61677382a8766f6c6174696c65c3a8636f6d7072657373c2"},
		{"two rooms", func(e *redisadapter.Emitter) error { return e.To("a").In("b").Except("c").Emit("x") }, "socket.io#/#",
			"93a7656d697474657283a47479706502a46461746191a178a36e7370a12f83a5726f6f6d7392a161a162a665786365707491a163a5666c61677380"},
		{"bytes", func(e *redisadapter.Emitter) error { return e.Of("n").Emit("x", []byte{1, 2}) }, "socket.io#/n#",
			"93a7656d697474657283a47479706502a46461746192a178c4020102a36e7370a22f6e83a5726f6f6d7390a665786365707490a5666c61677380"},
		{"join", func(e *redisadapter.Emitter) error { return e.In("room1").SocketsJoin("r2") }, "socket.io-request#/#",
			`{"type":2,"opts":{"rooms":["room1"],"except":[]},"rooms":["r2"]}`},
		{"leave", func(e *redisadapter.Emitter) error { return e.In("room1").SocketsLeave("r2", "r3") }, "socket.io-request#/#",
			`{"type":3,"opts":{"rooms":["room1"],"except":[]},"rooms":["r2","r3"]}`},
		{"disconnect", func(e *redisadapter.Emitter) error { return e.Except("r").DisconnectSockets() }, "socket.io-request#/#",
			`{"type":4,"opts":{"rooms":[],"except":["r"]},"close":false}`},
		{"close", func(e *redisadapter.Emitter) error { return e.CloseConns() }, "socket.io-request#/#",
			`{"type":4,"opts":{"rooms":[],"except":[]},"close":true}`},
		{"an event for servers", func(e *redisadapter.Emitter) error { return e.ServerSideEmit("sse", 1, map[string]int{"a": 2}) }, "socket.io-request#/#",
			`{"uid":"emitter","type":6,"data":["sse",1,{"a":2}]}`},
	} {
		if err := c.do(e); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if channel, data := wire.next(); channel != c.channel || text(data) != c.data {
			t.Errorf("%s: %s\n     %s, want %s\n     %s", c.name, channel, text(data), c.channel, c.data)
		}
	}
}

// On the channels of a shard an emitter publishes envelopes.
func TestEmitterSharded(t *testing.T) {
	s := redistest.Start(t)
	e := redisadapter.NewEmitter(connected(t, s), redisadapter.ModeSharded, &redisadapter.EmitterOptions{Prefix: "p"})
	wire := newTap(t, s, "p#/#", "p#/#room1#", "p#/n#")
	for _, c := range []published{
		{"emit", func(e *redisadapter.Emitter) error { return e.Send(1) }, "p#/#",
			`{"type":3,"data":{"packet":{"type":2,"data":["message",1]},"opts":{"rooms":[],"except":[],"flags":{}}},"uid":"emitter","nsp":"/"}`},
		{"a room", func(e *redisadapter.Emitter) error { return e.To("room1").Volatile().Emit("hello") }, "p#/#room1#",
			`{"type":3,"data":{"packet":{"type":2,"data":["hello"]},"opts":{"rooms":["room1"],"except":[],"flags":{"volatile":true}}},"uid":"emitter","nsp":"/"}`},
		{"bytes", func(e *redisadapter.Emitter) error { return e.Of("/n").Emit("x", []byte{1, 2}) }, "p#/n#",
			"84a47479706503a46461746182a67061636b657482a47479706502a46461746192a178c4020102a46f70747383a5726f6f6d7390a665786365707490a5666c61677380a3756964a7656d6974746572a36e7370a22f6e"},
		{"join", func(e *redisadapter.Emitter) error { return e.In("room1").SocketsJoin("r2") }, "p#/#",
			`{"type":4,"data":{"opts":{"rooms":["room1"],"except":[],"flags":{}},"rooms":["r2"]},"uid":"emitter","nsp":"/"}`},
		{"close", func(e *redisadapter.Emitter) error { return e.CloseConns() }, "p#/#",
			`{"type":6,"data":{"opts":{"rooms":[],"except":[],"flags":{}},"close":true},"uid":"emitter","nsp":"/"}`},
		{"an event for servers", func(e *redisadapter.Emitter) error { return e.ServerSideEmit("sse") }, "p#/#",
			`{"type":9,"data":{"packet":["sse"]},"uid":"emitter","nsp":"/"}`},
	} {
		if err := c.do(e); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if channel, data := wire.next(); channel != c.channel || text(data) != c.data {
			t.Errorf("%s: %s\n     %s, want %s\n     %s", c.name, channel, text(data), c.channel, c.data)
		}
	}
}

// The modes of sharded servers differ in the rooms that have channels. Lengths are counted
// in UTF-16 units.
func TestEmitterRoomChannels(t *testing.T) {
	s := redistest.Start(t)
	client := connected(t, s)
	short, units, runes := strings.Repeat("a", 19), strings.Repeat("\U0001f600", 10), strings.Repeat("\u00e9", 20)
	long := strings.Repeat("\U0001f600", 20) // 40 units
	rooms := []string{short, units, runes, long}
	channels := []string{"socket.io#/#"}
	for _, room := range rooms {
		channels = append(channels, "socket.io#/#"+room+"#")
	}
	for _, c := range []struct {
		mode redisadapter.Mode
		own  []bool // whether each of rooms has a channel
	}{
		{redisadapter.ModeSharded, []bool{true, false, false, true}},
		{redisadapter.ModeShardedPrivate, []bool{true, true, true, true}},
		{redisadapter.ModeShardedStatic, []bool{false, false, false, false}},
	} {
		e := redisadapter.NewEmitter(client, c.mode, nil)
		wire := newTap(t, s, channels...)
		for i, room := range rooms {
			want := channels[0]
			if c.own[i] {
				want = channels[i+1]
			}
			if err := e.To(room).Emit("x"); err != nil {
				t.Fatal(err)
			}
			if channel, _ := wire.next(); channel != want {
				t.Errorf("mode %d: room %q on %q, want %q", c.mode, room, channel, want)
			}
		}
	}
}

// What can't be sent is an error, and nothing is published.
func TestEmitterRefuses(t *testing.T) {
	s := redistest.Start(t)
	client := connected(t, s)
	for _, mode := range []redisadapter.Mode{redisadapter.ModeClassic, redisadapter.ModeSharded} {
		e := redisadapter.NewEmitter(client, mode, &redisadapter.EmitterOptions{MaxMessage: 1000})
		wire := newTap(t, s)
		if mode == redisadapter.ModeSharded {
			wire = newTap(t, s, "socket.io#/#")
		}
		for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
			if err := e.To("r").Emit(name); !errors.Is(err, socketio.ErrReservedEvent) {
				t.Errorf("Emit(%q): %v", name, err)
			}
		}
		for _, name := range []string{"connect", "connection", "new_namespace"} {
			if err := e.ServerSideEmit(name); !errors.Is(err, socketio.ErrReservedEvent) {
				t.Errorf("ServerSideEmit(%q): %v", name, err)
			}
		}
		if err := e.SocketsJoin("r", strings.Repeat("r", 513)); !errors.Is(err, socketio.ErrRoomName) {
			t.Errorf("a long room: %v", err)
		}
		if err := e.Emit("x", strings.Repeat("x", 1000)); !errors.Is(err, cluster.ErrTooLarge) {
			t.Errorf("a large event: %v", err)
		}
		if err := e.Emit("x", func() {}); err == nil {
			t.Error("a function is sent")
		}
		if err := e.ServerSideEmit("x", func() {}); err == nil {
			t.Error("a function is sent to servers")
		}
		nobody := e.To()
		if err := errors.Join(nobody.Emit("x"), nobody.SocketsJoin("r"), nobody.SocketsLeave("r"), nobody.DisconnectSockets(),
			e.SocketsJoin(), e.SocketsLeave()); err != nil {
			t.Errorf("nothing to do: %v", err)
		}
		if err := e.Emit("last"); err != nil {
			t.Fatal(err)
		}
		if _, data := wire.next(); !strings.Contains(data, "last") {
			t.Errorf("was published: %q", data)
		}
	}
}

// Redis that is gone is an error.
func TestEmitterWithoutRedis(t *testing.T) {
	s := redistest.Start(t)
	e := redisadapter.NewEmitter(connected(t, s), redisadapter.ModeClassic, nil)
	if err := e.Emit("x"); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	if err := e.Emit("x"); err == nil {
		t.Error("no error without Redis")
	}
	s.Restart()
	var err error
	for range 1000 { // the client connects again
		if err = e.Emit("x"); err == nil {
			return
		}
	}
	t.Errorf("after a restart: %v", err)
}

// An EmitterBroadcast is a value: it is not changed by what is derived from it.
func TestEmitterBroadcastIsAValue(t *testing.T) {
	s := redistest.Start(t)
	e := redisadapter.NewEmitter(connected(t, s), redisadapter.ModeSharded, nil)
	wire := newTap(t, s, "socket.io#/#")
	base := e.To("a", "b")
	for i := range 3 {
		_ = base.To(fmt.Sprint(i)).Except("x").Volatile()
	}
	_ = base.Emit("x")
	if _, data := wire.next(); !strings.Contains(data, `"opts":{"rooms":["a","b"],"except":[],"flags":{}}`) {
		t.Errorf("published %s", data)
	}
	var _ socketio.Emitter = e
	var _ socketio.Emitter = base
}

// With streams an emitter adds entries, with the fields of @socket.io/redis-streams-emitter
// 0.1.1, of which captures have the members of data in another order, and the namespace a
// second time.
func TestEmitterStreams(t *testing.T) {
	s := redistest.Start(t)
	client := connected(t, s)
	e := redisadapter.NewEmitter(client, redisadapter.ModeStreams, nil)
	for _, c := range []struct {
		name     string
		do       func(e *redisadapter.Emitter) error
		nsp, typ string
		data     string
	}{
		{"emit", func(e *redisadapter.Emitter) error { return e.Emit("hello", 1, "a") }, "/", "3",
			`{"packet":{"type":2,"data":["hello",1,"a"]},"opts":{"rooms":[],"except":[],"flags":{}}}`},
		{"a room", func(e *redisadapter.Emitter) error { return e.To("room1").Except("c").Volatile().Emit("hello") }, "/", "3",
			`{"packet":{"type":2,"data":["hello"]},"opts":{"rooms":["room1"],"except":["c"],"flags":{"volatile":true}}}`},
		{"bytes", func(e *redisadapter.Emitter) error { return e.Of("n").Emit("b", []byte{1, 2}) }, "/n", "3",
			"gqZwYWNrZXSCpHR5cGUCpGRhdGGSoWLEAgECpG9wdHODpXJvb21zkKZleGNlcHSQpWZsYWdzgA=="},
		{"join", func(e *redisadapter.Emitter) error { return e.In("room1").SocketsJoin("r2") }, "/", "4",
			`{"opts":{"rooms":["room1"],"except":[],"flags":{}},"rooms":["r2"]}`},
		{"leave", func(e *redisadapter.Emitter) error { return e.In("room1").SocketsLeave("r2") }, "/", "5",
			`{"opts":{"rooms":["room1"],"except":[],"flags":{}},"rooms":["r2"]}`},
		{"close", func(e *redisadapter.Emitter) error { return e.CloseConns() }, "/", "6",
			`{"opts":{"rooms":[],"except":[],"flags":{}},"close":true}`},
		{"an event for servers", func(e *redisadapter.Emitter) error { return e.ServerSideEmit("sse", 1) }, "/", "9", `{"packet":["sse",1]}`},
	} {
		if err := c.do(e); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		last := s.Must("XREVRANGE", "socket.io", "+", "-", "COUNT", "1").([]any)[0].([]any)[1]
		if got, want := fmt.Sprint(last), fmt.Sprint([]any{"uid", "emitter", "nsp", c.nsp, "type", c.typ, "data", c.data}); got != want {
			t.Errorf("%s: %s, want %s", c.name, got, want)
		}
	}

	few := redisadapter.NewEmitter(client, redisadapter.ModeStreams, &redisadapter.EmitterOptions{Stream: "few", Streams: 3, MaxLen: 100})
	for range 1000 {
		if err := few.Of("/notifications").Emit("x"); err != nil {
			t.Fatal(err)
		}
	}
	// The name is that which Node.js makes of the negative hash.
	if kept := s.Must("XLEN", "few--2").(int64); kept < 100 || kept > 300 {
		t.Errorf("the stream keeps %d entries, want about 100", kept)
	}
}
