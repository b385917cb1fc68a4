// SPDX-License-Identifier: MIT

//go:build npm

// This file has servers in Go and in Node.js on one Postgres: each operation of both, and
// of emitters, with values of several kinds, reaches the clients of all.

package pgadapter_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/adapter/pgadapter"
	"socketio/adapter/pgadapter/internal/pgtest"
	"socketio/internal/clusterhost"
	"socketio/internal/npmcluster"
)

// kinds are values: the last argument is a tag. Notifications of Postgres have less than
// 8000 bytes; larger ones are attachments.
var kinds = []struct {
	name string
	args []any
}{
	{"text", []any{1, -2.5, "two", npmcluster.Object{"three": []any{4, nil, true}}}},
	{"unicode", []any{"\u00e9 <&> \"\\\u0000\u2028 \u65e5\u672c \U0001f600", npmcluster.Object{"sch\u00f6n \U0001f600": "\u00df"}}},
	{"binary", []any{[]byte{0, 1, 0xfe, 0xff}, npmcluster.Object{"in": []any{[]byte("second"), "x"}}, []byte{}}},
	{"large", []any{strings.Repeat("0123456789", 2000)}},
}

// mixedServers are the names of the servers: two in Go and one in Node.js. Each has two
// clients, whose names begin with its own; the first is in the room "one", and all are in
// the room "all".
var mixedServers = []string{"G", "H", "N"}

// A sender is a server or an emitter, as the table below uses them.
type sender interface {
	emit(nsp, room, except, event string, args []any) error
	ask(room, event string, args []any) (answers []any, err error)
	fetch(room string) (ids []string, err error)
	change(method, room string, to string) error
	serverSideEmit(event string, args []any) error
	serverSideAsk(event string, args []any) (answers int, err error)
}

// A mixed is a cluster of servers in Go and in Node.js.
type mixed struct {
	*testing.T
	node    *npmcluster.Program
	senders map[string]sender
	ids     map[string]string // of the clients
	tags    int
}

var nameKey = socketio.NewDataKey[string]("name")

func newMixed(t *testing.T) *mixed {
	server := pgtest.Start(t)
	w := &mixed{T: t, node: npmcluster.Start(t), senders: make(map[string]sender), ids: make(map[string]string)}
	url := server.URL("postgres", server.Addr())
	o := &pgadapter.Options{}
	o.Cluster.EchoTimeout = time.Hour // a machine that is busy is no fault here
	urls := make(map[string]string)
	for _, name := range mixedServers[:2] {
		io := socketio.NewServer(&socketio.Options{Cluster: pgadapter.Notify(server.Config(), o), PingInterval: 5 * time.Minute})
		w.prepare(name, io)
		http := httptest.NewServer(io)
		t.Cleanup(func() {
			if err := io.Close(); err != nil {
				t.Errorf("closing %s: %v", name, err)
			}
			http.Close()
		})
		urls[name], w.senders[name] = http.URL, goSender{io}
	}
	clusterhost.Eventually(t, "the table", func() bool { return server.Query(nil, "SELECT FROM socket_io_attachments") == nil })
	var there string
	w.node.Must(w.T, "serve", npmcluster.Object{"name": "N", "url": url, "options": npmcluster.Object{}, "namespaces": []string{"/other"}}, &there)
	urls["N"], w.senders["N"] = there, &npmSender{w.node, "N"}
	w.node.Must(w.T, "emitter", npmcluster.Object{"name": "e", "url": url, "prefix": "socket.io"}, nil)
	w.senders["e"] = &npmSender{w.node, "e"}
	w.senders["E"] = goEmitter{pgadapter.NewEmitter(dial(t, server), nil)}
	t.Cleanup(func() { w.node.Must(w.T, "reset", nil, nil) })
	for _, name := range mixedServers {
		for i, rooms := range [][]string{{"one", "all"}, {"all"}} {
			client := fmt.Sprint(name, i+1)
			var id string
			w.node.Must(w.T, "client", npmcluster.Object{"name": client, "url": urls[name], "rooms": rooms}, &id)
			w.ids[client] = id
		}
		w.node.Must(w.T, "client", npmcluster.Object{"name": name + "other", "url": urls[name], "nsp": "/other", "rooms": []string{"all"}}, nil)
	}
	for _, name := range mixedServers { // they hear each other's heartbeats
		clusterhost.Eventually(t, "the sockets that "+name+" finds", func() bool {
			ids, err := w.senders[name].fetch("")
			return err == nil && len(ids) == len(w.ids)
		})
	}
	return w
}

// prepare adds the handlers of a server in Go.
func (w *mixed) prepare(name string, io *socketio.Server) {
	for _, nsp := range []string{"/", "/other"} {
		ns := io.Of(nsp)
		ns.OnConnection(func(s *socketio.Socket) {
			var auth struct {
				Name  string
				Rooms []string
			}
			err := s.Handshake().DecodeAuth(&auth)
			nameKey.Set(s, auth.Name)
			if err = errors.Join(err, s.Join(auth.Rooms...)); err != nil {
				w.Errorf("%s: %v", auth.Name, err)
			}
		})
		ns.OnServerSideEmit("for servers", func(args socketio.Args) map[string]any {
			values, err := args.Values()
			if err != nil {
				w.Errorf("an event for servers: %v", err)
			}
			w.node.Tell(npmcluster.Told{Server: name, Event: "for servers", Args: npmcluster.Neutral(values).([]any)})
			return npmcluster.Object{"from": name, "args": values}
		})
	}
}

// tagged returns args with a tag of its own.
func (w *mixed) tagged(args []any) (with []any, tag string) {
	w.tags++
	tag = fmt.Sprint("tag ", w.tags)
	return append(slices.Clone(args), tag), tag
}

// received waits until clients or servers, and no others, have received args once. The last
// of args is its tag.
func (w *mixed) received(what string, args []any, names ...string) {
	w.Helper()
	tag := args[len(args)-1]
	var got []npmcluster.Told
	if !clusterhost.HoldsWithin(clusterhost.Limit, func() bool {
		got = w.node.Find(func(m *npmcluster.Told) bool { return len(m.Args) > 0 && m.Args[len(m.Args)-1] == tag })
		return len(got) >= len(names)
	}) {
		w.Errorf("%s: only %d of %d have it", what, len(got), len(names))
	}
	var who []string
	for _, m := range got {
		who = append(who, m.Client+m.Server)
		if want := npmcluster.Neutral(args); !reflect.DeepEqual(any(m.Args), want) {
			w.Errorf("%s: %s%s has received %.200v, want %.200v", what, m.Client, m.Server, m.Args, want)
		}
	}
	slices.Sort(who)
	slices.Sort(names)
	if !slices.Equal(who, names) {
		w.Errorf("%s: received by %q, want %q", what, who, names)
	}
}

// clients returns the names of clients: 1 or 2 of each server, or both.
func clients(numbers ...int) (names []string) {
	for _, server := range mixedServers {
		for _, i := range numbers {
			names = append(names, fmt.Sprint(server, i))
		}
	}
	return names
}

// Every operation of servers and emitters in Go and in Node.js.
func TestMixed(t *testing.T) {
	w := newMixed(t)
	for _, name := range []string{"G", "N", "E", "e"} {
		s := w.senders[name]
		check := func(what string, err error) {
			t.Helper()
			if err != nil {
				t.Errorf("%s of %s: %v", what, name, err)
			}
		}
		// The messages of the emitter of npm have no namespace: servers in Node.js ignore them.
		reach := func(names []string) []string {
			return slices.DeleteFunc(names, func(one string) bool { return name == "e" && one[:1] == "N" })
		}
		for _, kind := range kinds {
			what := kind.name + " of " + name
			args, _ := w.tagged(kind.args)
			check("emit", s.emit("/", "", "", "news", args))
			w.received(what+" to all", args, reach(clients(1, 2))...)
			args, _ = w.tagged(kind.args)
			check("emit", s.emit("/", "one", "", "news", args))
			w.received(what+" to a room", args, reach(clients(1))...)
			args, _ = w.tagged(kind.args)
			check("emit", s.emit("/", "all", "one", "news", args))
			w.received(what+" to all but a room", args, reach(clients(2))...)
			for _, client := range reach([]string{"H2", "N2"}) {
				args, _ = w.tagged(kind.args)
				check("emit", s.emit("/", w.ids[client], "", "news", args))
				w.received(what+" to a socket", args, client)
			}
			if name != "e" { // it forgets its options
				args, _ = w.tagged(kind.args)
				check("emit", s.emit("/other", "", "", "news", args))
				w.received(what+" in another namespace", args, "Gother", "Hother", "Nother")
			}
			args, _ = w.tagged(kind.args)
			check("serverSideEmit", s.serverSideEmit("for servers", args))
			w.received(what+" for servers", args, reach(slices.DeleteFunc(slices.Clone(mixedServers), func(one string) bool { return one == name }))...)
			if strings.ToLower(name) == "e" {
				continue
			}
			args, _ = w.tagged(kind.args)
			answers, err := s.ask("one", "question", args)
			check("ask", err)
			w.received(what+" with acknowledgements", args, clients(1)...)
			var from []string
			for _, a := range answers {
				from = append(from, fmt.Sprint(a.(npmcluster.Object)["from"]))
				if got := a.(npmcluster.Object)["args"]; !reflect.DeepEqual(got, npmcluster.Neutral(args)) {
					t.Errorf("%s: the answer is %.200v, want %.200v", what, got, args)
				}
			}
			if slices.Sort(from); !slices.Equal(from, clients(1)) {
				t.Errorf("%s: answers of %q, want %q", what, from, clients(1))
			}
			args, _ = w.tagged(kind.args)
			count, err := s.serverSideAsk("for servers", args)
			check("serverSideEmitWithAck", err)
			if count != 2 {
				t.Errorf("%s: %d servers have answered, want 2", what, count)
			}
		}
		w.moves(name, s, reach)
	}
}

// moves tests the operations on many sockets.
func (w *mixed) moves(name string, s sender, reach func([]string) []string) {
	w.Helper()
	room := "moved by " + name
	finds := func(what, room string, names ...string) {
		w.Helper()
		var want []string
		for _, client := range names {
			want = append(want, w.ids[client])
		}
		slices.Sort(want)
		for _, finder := range []string{"H", "N"} {
			var ids []string
			var err error
			if !clusterhost.HoldsWithin(clusterhost.Limit, func() bool {
				ids, err = w.senders[finder].fetch(room)
				slices.Sort(ids)
				return err == nil && slices.Equal(ids, want)
			}) {
				w.Errorf("%s of %s: %s finds %q, want %q: %v", what, name, finder, ids, want, err)
			}
		}
	}
	if err := s.change("join", "one", room); err != nil {
		w.Errorf("join of %s: %v", name, err)
	}
	finds("join", room, reach(clients(1))...)
	if err := s.change("leave", w.ids["H1"], room); err != nil {
		w.Errorf("leave of %s: %v", name, err)
	}
	finds("leave", room, slices.DeleteFunc(reach(clients(1)), func(one string) bool { return one == "H1" })...)
	if err := s.change("disconnect", w.ids["H2"], ""); err != nil {
		w.Errorf("disconnect of %s: %v", name, err)
	}
	finds("disconnect", w.ids["H2"])
	var id string
	w.node.Must(w.T, "reconnect", npmcluster.Object{"name": "H2"}, &id)
	w.ids["H2"] = id
	finds("reconnect", id, "H2")
}

// A goSender is a server in Go.
type goSender struct{ io *socketio.Server }

func (g goSender) to(nsp, room string) socketio.Broadcast {
	b := g.io.Of(nsp).Timeout(clusterhost.Limit)
	if room != "" {
		b = b.To(room)
	}
	return b
}

func (g goSender) emit(nsp, room, except, event string, args []any) error {
	b := g.to(nsp, room)
	if except != "" {
		b = b.Except(except)
	}
	return b.Emit(event, args...)
}

func (g goSender) ask(room, event string, args []any) (answers []any, err error) {
	for r, failed := range g.to("/", room).EmitWithAck(context.Background(), event, args...) {
		if failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		values, failed := r.Values()
		err = errors.Join(err, failed)
		answers = append(answers, npmcluster.Neutral(values[0]))
	}
	return answers, err
}

func (g goSender) fetch(room string) (ids []string, err error) {
	sockets, err := g.to("/", room).FetchSockets(context.Background())
	for _, r := range sockets {
		ids = append(ids, r.ID())
	}
	return ids, err
}

func (g goSender) change(method, room, to string) error {
	switch b := g.to("/", room); method {
	case "join":
		return b.SocketsJoin(to)
	case "leave":
		return b.SocketsLeave(to)
	default:
		return b.DisconnectSockets()
	}
}

func (g goSender) serverSideEmit(event string, args []any) error {
	return g.io.ServerSideEmit(event, args...)
}

func (g goSender) serverSideAsk(event string, args []any) (answers int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), clusterhost.Limit)
	defer cancel()
	for _, failed := range g.io.ServerSideEmitWithAck(ctx, event, args...) {
		if err = errors.Join(err, failed); failed == nil {
			answers++
		}
	}
	return answers, err
}

// An npmSender is a server or an emitter of npm.
type npmSender struct {
	node *npmcluster.Program
	name string
}

func (n *npmSender) command(nsp, room string, more npmcluster.Object) npmcluster.Object {
	c := npmcluster.Object{"server": n.name}
	if nsp != "/" {
		c["nsp"] = nsp
	}
	if room != "" {
		c["rooms"] = []string{room}
	}
	for key, value := range more {
		c[key] = value
	}
	return c
}

func (n *npmSender) emit(nsp, room, except, event string, args []any) error {
	more := npmcluster.Object{"event": event, "args": args}
	if except != "" {
		more["except"] = []string{except}
	}
	return n.node.Do("emit", n.command(nsp, room, more), nil)
}

func (n *npmSender) ask(room, event string, args []any) (answers []any, err error) {
	var result struct {
		Answers []any
		Failed  string
	}
	err = n.node.Do("ask", n.command("/", room, npmcluster.Object{"event": event, "args": args, "timeout": 30000}), &result)
	if result.Failed != "" {
		err = errors.Join(err, errors.New(result.Failed))
	}
	return result.Answers, err
}

func (n *npmSender) fetch(room string) (ids []string, err error) {
	var found []struct{ ID string }
	err = n.node.Do("fetch", n.command("/", room, nil), &found)
	for _, f := range found {
		ids = append(ids, f.ID)
	}
	return ids, err
}

func (n *npmSender) change(method, room, to string) error {
	return n.node.Do(method, n.command("/", room, npmcluster.Object{"to": []string{to}, "close": false}), nil)
}

func (n *npmSender) serverSideEmit(event string, args []any) error {
	return n.node.Do("serverSideEmit", n.command("/", "", npmcluster.Object{"event": event, "args": args}), nil)
}

func (n *npmSender) serverSideAsk(event string, args []any) (answers int, err error) {
	var result struct {
		Answers []any
		Failed  string
	}
	err = n.node.Do("serverSideAsk", n.command("/", "", npmcluster.Object{"event": event, "args": args}), &result)
	if result.Failed != "" {
		err = errors.Join(err, errors.New(result.Failed))
	}
	return len(result.Answers), err
}

var errAbsent = errors.New("an emitter receives nothing")

// A goEmitter is an emitter in Go.
type goEmitter struct{ e *pgadapter.Emitter }

func (g goEmitter) to(nsp, room string) pgadapter.EmitterBroadcast {
	if room == "" {
		return g.e.Of(nsp).Except()
	}
	return g.e.Of(nsp).To(room)
}

func (g goEmitter) emit(nsp, room, except, event string, args []any) error {
	b := g.to(nsp, room)
	if except != "" {
		b = b.Except(except)
	}
	return b.Emit(event, args...)
}

func (g goEmitter) ask(string, string, []any) ([]any, error) { return nil, errAbsent }
func (g goEmitter) fetch(string) ([]string, error)           { return nil, errAbsent }

func (g goEmitter) change(method, room, to string) error {
	switch b := g.to("/", room); method {
	case "join":
		return b.SocketsJoin(to)
	case "leave":
		return b.SocketsLeave(to)
	default:
		return b.DisconnectSockets()
	}
}

func (g goEmitter) serverSideEmit(event string, args []any) error {
	return g.e.ServerSideEmit(event, args...)
}

func (g goEmitter) serverSideAsk(string, []any) (int, error) { return 0, errAbsent }
