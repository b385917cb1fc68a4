// SPDX-License-Identifier: MIT

// This file has the matrix: each operation on a server in Go, with several kinds of values
// and of names, reaches the clients of all servers.

package natsadapter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/adapter/cluster"
	"socketio/adapter/natsadapter"
	"socketio/adapter/natsadapter/internal/natstest"
	"socketio/internal/clusterhost"
	"socketio/siotest"
)

// A kind is a kind of values, and the rooms they are sent to.
type kind struct {
	name                 string
	event                string
	args                 []any
	red, blue, both, all string
}

var kinds = []kind{
	{"text", "news", []any{1.0, -2.5, "two", map[string]any{"three": []any{4.0, nil, true}}}, "red", "blue", "both", "all"},
	{"binary", "picture", []any{[]byte{0, 1, 0xfe, 0xff}, map[string]any{"in": []any{[]byte("second"), "x"}}}, "red", "blue", "both", "all"},
	{"unicode", "f\u00fcr \U0001f600", []any{"\u00e9 <&> \"\\\u2028 \u65e5\u672c \U0001f600", map[string]any{"sch\u00f6n": "\u00df"}}, "r\u00f6t .*>", "\u65e5\u672c", "beide \U0001f600", "alle . *"},
	{"nobody", "news", []any{1.0}, "nobody", "no.body", "none", "all"},
}

// zero is the kind whose rooms have no members.
const zero = "nobody"

// A player is a client, in the rooms of all kinds.
type player struct {
	*siotest.Client
	name string
	id   string
}

// A table is a cluster of three servers with two clients each.
type table struct {
	t       *testing.T
	ios     []*socketio.Server
	players []*player
	fences  int
	k       *kind
	wrong   error
}

var nameOf = socketio.NewDataKey[string]("name")

func newTable(t *testing.T, mode string, url string) *table {
	b := &table{t: t}
	prefix := newPrefix()
	for range 3 {
		o := natsadapter.Options{Prefix: prefix, Cluster: cluster.Options{EchoTimeout: time.Hour, Lease: time.Hour, JoinTimeout: 10 * time.Second}}
		io := socketio.NewServer(&socketio.Options{Cluster: modes[mode](url, &o), PingInterval: 5 * time.Minute})
		io.On("join", func(s *socketio.Socket, name string, rooms []string) error {
			nameOf.Set(s, name)
			return s.Join(rooms...)
		})
		io.OnServerSideEmit("to servers", func(args socketio.Args) string { return "answer " + args.String() })
		b.ios = append(b.ios, io)
	}
	for i, io := range b.ios {
		server := siotest.NewServer(t, io)
		for k := range 2 {
			p := &player{Client: server.Connect(), name: fmt.Sprint(string(rune('G'+i)), k+1)}
			p.id = p.ID()
			var rooms []string
			for _, kind := range kinds {
				if kind.name != zero {
					rooms = append(rooms, []string{kind.red, kind.blue}[k], kind.both, kind.all)
				}
			}
			p.On("question", func(e *siotest.Event) { e.Ack(p.name, e.Raw(e.Len()-1)) })
			p.Emit("join", p.name, rooms)
			b.players = append(b.players, p)
		}
	}
	for _, io := range b.ios {
		clusterhost.Eventually(t, "all sockets in their rooms", func() bool {
			all, err := io.To("both").FetchSockets(t.Context())
			return err == nil && len(all) == len(b.players)
		})
	}
	for _, k := range kinds {
		for _, room := range []string{k.red, k.blue, k.both, k.all} {
			b.subscribed(room)
		}
	}
	return b
}

// subscribed waits until events to a room reach the servers that have members: these are in
// the room a moment before.
func (b *table) subscribed(room string) {
	for _, io := range b.ios {
		clusterhost.Eventually(b.t, "the subscription of "+room, func() bool { return io.In(room).Local().SocketsJoin(room) == nil })
	}
}

func (b *table) fail(format string, args ...any) {
	b.wrong = errors.Join(b.wrong, fmt.Errorf(format, args...))
}

// who returns the players of those numbers, of all servers.
func (b *table) who(numbers ...string) (names []string) {
	for _, p := range b.players {
		if b.k.name != zero && slices.Contains(numbers, p.name[1:]) {
			names = append(names, p.name)
		}
	}
	return names
}

// heard reads what the players have received before a fence, and checks that those with
// names have received the event of the kind once, and nobody anything else.
func (b *table) heard(from *socketio.Server, names []string) {
	b.fences++
	fence := fmt.Sprint("fence ", b.fences)
	if err := from.Emit(fence); err != nil {
		b.fail("%s: %v", fence, err)
	}
	for _, p := range b.players {
		times := 0
		for {
			e, err := p.TryNext()
			if err != nil {
				b.fail("%s waits for the %s: %v", p.name, fence, err)
				break
			}
			if e.Name == fence {
				break
			}
			values, err := e.Values()
			if err != nil || e.Name != b.k.event || !reflect.DeepEqual(plain(values), plain(b.k.args)) {
				b.fail("%s has received %s: %v", p.name, e, err)
			}
			times++
		}
		if want := strings.Count(strings.Join(names, " "), p.name); times != want {
			b.fail("%s has received it %d times, want %d", p.name, times, want)
		}
	}
}

// plain returns values in a form that can be compared.
func plain(values []any) string { return fmt.Sprintf("%#v", wrapBytes(values)) }

func wrapBytes(v any) any {
	switch v := v.(type) {
	case []byte:
		return fmt.Sprintf("bytes %x", v)
	case []any:
		all := make([]string, len(v))
		for i := range v {
			all[i] = fmt.Sprint(wrapBytes(v[i]))
		}
		return all
	case map[string]any:
		var all []string
		for key := range v {
			all = append(all, key+": "+fmt.Sprint(wrapBytes(v[key])))
		}
		slices.Sort(all)
		return all
	}
	text, _ := json.Marshal(v)
	return string(text)
}

// An operation is a row of the matrix.
type operation struct {
	name string
	run  func(b *table, io *socketio.Server, k *kind)
}

var operations = []operation{
	{"emit to all", func(b *table, io *socketio.Server, k *kind) {
		if k.name == zero {
			b.sent(b.alone(io).Emit(k.event, k.args...))
		} else {
			b.sent(io.Emit(k.event, k.args...))
		}
		b.heard(io, b.who("1", "2"))
	}},
	{"to a room", func(b *table, io *socketio.Server, k *kind) {
		b.sent(io.To(k.red).Emit(k.event, k.args...))
		b.heard(io, b.who("1"))
	}},
	{"to several rooms", func(b *table, io *socketio.Server, k *kind) {
		b.sent(io.To(k.red, k.both).Emit(k.event, k.args...))
		b.heard(io, b.who("1", "2"))
	}},
	{"except", func(b *table, io *socketio.Server, k *kind) {
		if k.name == zero {
			b.sent(io.Except(k.all).Emit(k.event, k.args...))
			b.heard(io, nil)
			return
		}
		b.sent(io.To(k.both).Except(k.red).Emit(k.event, k.args...))
		b.heard(io, b.who("2"))
		b.sent(io.Except(k.blue, "nobody").Emit(k.event, k.args...))
		b.heard(io, b.who("1"))
	}},
	{"to a socket id", func(b *table, io *socketio.Server, k *kind) {
		if k.name == zero {
			b.sent(io.To("AAAAAAAAAAAAAAAAAAAA").Emit(k.event, k.args...))
			b.heard(io, nil)
			return
		}
		for _, p := range b.players {
			b.sent(io.To(p.id).Emit(k.event, k.args...))
			b.heard(io, []string{p.name})
		}
	}},
	{"volatile", func(b *table, io *socketio.Server, k *kind) {
		b.sent(io.To(k.red).Volatile().Emit(k.event, k.args...))
		b.heard(io, b.who("1"))
	}},
	{"local", func(b *table, io *socketio.Server, k *kind) {
		b.sent(io.To(k.both).Local().Emit(k.event, k.args...))
		b.heard(io, slices.DeleteFunc(b.who("1", "2"), func(name string) bool { return b.ios[name[0]-'G'] != io }))
	}},
	{"with acknowledgements", (*table).asks},
	{"fetchSockets", (*table).fetches},
	{"socketsJoin and socketsLeave", (*table).moves},
	{"serverSideEmit, answered", (*table).serverSide},
	{"sockets that were fetched", (*table).remotes},
}

// alone returns a namespace that no other server has.
func (b *table) alone(io *socketio.Server) *socketio.Namespace {
	return io.Of(fmt.Sprint("/alone ", slices.Index(b.ios, io)))
}

func (b *table) sent(err error) {
	if err != nil {
		b.fail("%v", err)
	}
}

func (b *table) asks(io *socketio.Server, k *kind) {
	ctx, cancel := context.WithTimeout(b.t.Context(), clusterhost.Limit)
	defer cancel()
	var names []string
	for r, err := range io.To(k.both).EmitWithAck(ctx, "question", k.args...) {
		var name string
		if err == nil {
			var last any
			err = r.Decode(&name, &last)
		}
		b.sent(err)
		names = append(names, name)
	}
	slices.Sort(names)
	if want := b.who("1", "2"); !slices.Equal(names, want) {
		b.fail("answers of %v, want %v", names, want)
	}
	b.heard(io, nil)
}

func (b *table) fetched(io *socketio.Server, room string) (names []string) {
	ctx, cancel := context.WithTimeout(b.t.Context(), clusterhost.Limit)
	defer cancel()
	all, err := io.In(room).FetchSockets(ctx)
	b.sent(err)
	for _, r := range all {
		var data struct{ Name string }
		b.sent(json.Unmarshal(r.Data(), &data))
		if !slices.Contains(r.Rooms(), room) || r.ID() == "" {
			b.fail("%s is found with the rooms %q", data.Name, r.Rooms())
		}
		names = append(names, data.Name)
	}
	slices.Sort(names)
	return names
}

func (b *table) fetches(io *socketio.Server, k *kind) {
	for room, want := range map[string][]string{k.red: b.who("1"), k.both: b.who("1", "2")} {
		if got := b.fetched(io, room); !slices.Equal(got, want) {
			b.fail("in %q are %v, want %v", room, got, want)
		}
	}
}

func (b *table) moves(io *socketio.Server, k *kind) {
	const to = "another . room"
	b.sent(io.In(k.red).SocketsJoin(to))
	clusterhost.Eventually(b.t, "the sockets of others in the room", func() bool { return slices.Equal(b.fetched(io, to), b.who("1")) })
	b.subscribed(to)
	b.sent(io.To(to).Emit(k.event, k.args...))
	b.heard(io, b.who("1"))
	b.sent(io.In(k.both).SocketsLeave(to))
	b.heard(io, nil)
	if got := b.fetched(io, to); len(got) > 0 {
		b.fail("%v are still in the room", got)
	}
}

func (b *table) serverSide(io *socketio.Server, k *kind) {
	ctx, cancel := context.WithTimeout(b.t.Context(), clusterhost.Limit)
	defer cancel()
	space, answers := io.Of("/"), 0
	want := len(b.ios) - 1
	if k.name == zero {
		space, want = b.alone(io), 0
	}
	for r, err := range space.ServerSideEmitWithAck(ctx, "to servers", k.args...) {
		b.sent(err)
		if err == nil && !strings.HasPrefix(fmt.Sprint(r.Args), `["answer `) {
			b.fail("an answer: %v", r.Args)
		}
		answers++
	}
	if answers != want {
		b.fail("%d servers have answered, want %d", answers, want)
	}
}

func (b *table) remotes(io *socketio.Server, k *kind) {
	for _, p := range b.players {
		all, err := io.In(p.id).FetchSockets(b.t.Context())
		if err != nil || len(all) != 1 {
			b.fail("%d sockets are found: %v", len(all), err)
			continue
		}
		if k.name == zero {
			continue
		}
		b.sent(all[0].Emit(k.event, k.args...))
		b.heard(io, []string{p.name})
		ctx, cancel := context.WithTimeout(b.t.Context(), clusterhost.Limit)
		r, err := all[0].EmitWithAck(ctx, "question", k.args...)
		cancel()
		if b.sent(err); err == nil && !strings.Contains(fmt.Sprint(r), p.name) {
			b.fail("the answer of %s: %v", p.name, r)
		}
	}
}

// TestMatrix has a subtest for each cell: an operation, the server that does it, and a kind
// of values. At its end, all sockets of other servers are disconnected.
func TestMatrix(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t, natstest.JetStream)
	var drawing strings.Builder
	for _, mode := range []string{"core", "JetStream"} {
		t.Run(mode, func(t *testing.T) {
			b := newTable(t, mode, server.URL())
			fmt.Fprintf(&drawing, "%s\n", mode)
			for _, op := range operations {
				marks := ""
				for i := range kinds {
					for n, io := range b.ios {
						b.k, b.wrong = &kinds[i], nil
						op.run(b, io, b.k)
						mark := b.k.name[:1]
						if b.wrong != nil {
							mark = "!"
							t.Errorf("%s, server %d, %s: %v", op.name, n+1, b.k.name, b.wrong)
						}
						marks += mark
					}
				}
				fmt.Fprintf(&drawing, "  %-30s%s\n", op.name, marks)
			}
			b.sent(b.ios[0].In(kinds[0].red).DisconnectSockets())
			for _, p := range b.players {
				if p.name[1:] == "1" {
					p.WantDisconnect("io server disconnect")
				}
			}
		})
	}
	fmt.Fprintf(os.Stdout, "%s  t text, b binary, u unicode, n nobody matches, by each of three servers; ! fails\n", drawing.String())
}
