// SPDX-License-Identifier: MIT

//go:build npm

// This file has the operations of the matrix that are more than one event.

package redisadapter_test

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"socketio/internal/npmcluster"
)

// toIDs sends to the third client of each server alone.
func (w *world) toIDs(s sender, o *outcome) {
	if o.kind.letter == zero {
		o.emit(selection{nsp: "/", rooms: []string{"AAAAAAAAAAAAAAAAAAAA"}})
		return
	}
	for _, server := range servers {
		args, tag := o.args()
		name := client(server, 2)
		o.fail("", s.emit(selection{nsp: "/", rooms: []string{w.ids[name]}}, o.kind.event, args))
		o.received(tag, args, name)
	}
}

// asks asks the first two clients of each server, and then, for text, those who do not
// answer as others do.
func (w *world) asks(s sender, o *outcome) {
	args, tag := o.args()
	sel := selection{nsp: "/", rooms: []string{o.kind.both}}
	got, err := s.ask(sel, o.kind.event, args)
	o.fail("", err)
	var want []any
	var names []string
	for _, server := range servers {
		for _, i := range o.unless(1, 2) {
			names = append(names, client(server, i-1))
			want = append(want, npmcluster.Neutral(npmcluster.Object{"from": client(server, i-1), "args": args}))
		}
	}
	o.answered(got, want)
	o.received(tag, args, names...)
	if o.kind.letter != "t" {
		return
	}
	args, tag = o.args()
	args[0] = "an empty answer"
	got, err = s.ask(sel, o.kind.event, args)
	o.fail("", err)
	empty := make([]any, len(names))
	for i, a := range got.Answers {
		if a != nil {
			o.fail("", fmt.Errorf("answer %d is %v, want none", i, a))
		}
	}
	if len(got.Answers) != len(empty) || got.Failed != "" {
		o.fail("", fmt.Errorf("%d empty answers, want %d: %s", len(got.Answers), len(empty), got.Failed))
	}
	o.received(tag, args, names...)
}

// answered compares the answers of clients or servers, in any order.
func (o *outcome) answered(got answers, want []any) {
	if got.Failed != "" {
		o.fail("", errors.New(got.Failed))
	}
	left := slices.Clone(got.Answers)
	for _, a := range want {
		i := slices.IndexFunc(left, func(b any) bool { return reflect.DeepEqual(a, b) })
		if i < 0 {
			o.fail(a.(map[string]any)["from"].(string)[:1], fmt.Errorf("no answer %v", a))
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	if len(left) > 0 {
		o.fail("", fmt.Errorf("answers %v", left))
	}
}

// fetches finds the sockets of a room, and those of several but one.
func (w *world) fetches(s sender, o *outcome) {
	o.fetched(selection{nsp: "/", rooms: []string{o.kind.red}}, o.unless(1)...)
	if o.kind.letter == zero {
		o.fetched(selection{nsp: o.alone()})
		return
	}
	o.fetched(selection{nsp: "/"}, 1, 2, 3)
	o.fetched(selection{nsp: "/", rooms: []string{o.kind.both, o.kind.everybody}, except: []string{o.kind.red}}, 2, 3)
}

func (o *outcome) fetched(s selection, clients ...int) {
	all, err := o.s.fetch(s)
	o.fail("", err)
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.Data.Name, b.Data.Name) })
	var want []string
	for _, server := range servers {
		for _, i := range clients {
			name := client(server, i-1)
			want = append(want, name)
			n := slices.IndexFunc(all, func(f found) bool { return f.Data.Name == name })
			if n < 0 {
				o.fail(server, fmt.Errorf("%s is not found", name))
				continue
			}
			f := all[n]
			in := append(slices.Clone(rooms[i-1]), o.w.ids[name])
			slices.Sort(in)
			slices.Sort(f.Rooms)
			if f.ID != o.w.ids[name] || f.Auth.Name != name || !slices.Equal(f.Rooms, in) || !strings.Contains(f.URL, "transport=websocket") {
				o.fail(server, fmt.Errorf("%s is found as %+v, want the id %s and the rooms %q", name, f, o.w.ids[name], in))
			}
		}
	}
	if len(all) != len(want) {
		o.fail("", fmt.Errorf("%d sockets are found, want %d", len(all), len(want)))
	}
}

// joins has the first client of each server join two rooms.
func (w *world) joins(s sender, o *outcome) {
	added := []string{"new " + o.kind.name, "neu \U0001f600 " + o.kind.name}
	o.fail("", s.join(selection{nsp: "/", rooms: []string{o.kind.red}}, added))
	o.moved(added, true, o.unless(1)...)
}

// leaves has them leave one of those.
func (w *world) leaves(s sender, o *outcome) {
	added := []string{"new " + o.kind.name, "neu \U0001f600 " + o.kind.name}
	o.fail("", s.leave(selection{nsp: "/", rooms: []string{o.kind.both}}, added[:1]))
	o.fence()
	o.moved(added[:1], false, 1, 2, 3)
	o.moved(added[1:], true, o.unless(1)...)
	o.fail("", s.leave(selection{nsp: "/", except: []string{"nobody"}}, added))
	o.fence()
	o.moved(added, false, 1, 2, 3)
}

// moved waits until clients are in rooms, or are not, and checks that the others are not.
func (o *outcome) moved(rooms []string, in bool, clients ...int) {
	o.fence()
	for _, server := range servers {
		for i := range clientsEach {
			name := client(server, i)
			for _, room := range rooms {
				expected := slices.Contains(clients, i+1) && in
				o.fail(server, o.w.untilRoom(name, room, expected))
			}
		}
	}
}

// disconnects disconnects the second client of each server, which connects again.
func (w *world) disconnects(s sender, o *outcome) {
	var names []string
	for _, server := range servers {
		for _, i := range o.unless(2) {
			names = append(names, client(server, i-1))
		}
	}
	o.disconnected(names, func() error {
		return s.disconnect(selection{nsp: "/", rooms: []string{o.kind.blue}}, o.kind.letter == "u")
	})
}

// disconnected waits until do has disconnected clients, and no others, which then connect
// again.
func (o *outcome) disconnected(names []string, do func() error) {
	w := o.w
	old := w.node.Find(isDisconnected)
	o.fail("", do())
	for _, name := range names {
		before := 0
		for _, m := range old {
			if m.Client == name {
				before++
			}
		}
		_, err := w.node.Until(func(m *npmcluster.Told) bool {
			if m.Client == name && isDisconnected(m) {
				before--
			}
			return before < 0
		})
		if err != nil {
			o.fail(name[:1], fmt.Errorf("client %s is not disconnected: %w", name, err))
		}
	}
	for _, name := range names {
		var id string
		if err := w.node.Do("reconnect", npmcluster.Object{"name": name}, &id); err != nil {
			o.fail(name[:1], err)
			continue
		}
		w.ids[name] = id
	}
	w.settle()
	o.fence()
	if all := w.node.Find(isDisconnected)[len(old):]; len(all) != len(names) {
		o.fail("", fmt.Errorf("disconnected are %v, want %q", all, names))
	}
}

func isDisconnected(m *npmcluster.Told) bool { return m.Disconnected != "" }

// serverSide sends an event to the other servers, or to none.
func (w *world) serverSide(s sender, o *outcome) {
	args, tag := o.args()
	event := serverEvents[0]
	if o.kind.letter == "u" {
		event = serverEvents[1]
	}
	sel := selection{nsp: o.space()}
	o.fail("", s.serverSideEmit(sel, event, args))
	o.servers(tag, event, args)
}

// servers waits until the other servers have received an event for servers.
func (o *outcome) servers(tag, event string, args []any) {
	match := func(m *npmcluster.Told) bool {
		return m.Server != "" && len(m.Args) > 0 && m.Args[len(m.Args)-1] == tag
	}
	want := 0
	for _, server := range servers {
		if server == o.name || o.kind.letter == zero {
			continue
		}
		want++
		m, err := o.w.node.Until(func(m *npmcluster.Told) bool { return m.Server == server && match(m) })
		if err == nil && (m.Event != event || !reflect.DeepEqual(any(m.Args), npmcluster.Neutral(args))) {
			err = fmt.Errorf("%q %v, want %q %v", m.Event, m.Args, event, npmcluster.Neutral(args))
		}
		if err != nil {
			o.fail(server, fmt.Errorf("server %s: %w", server, err))
		}
	}
	o.fence()
	if all := o.w.node.Find(match); len(all) != want {
		o.fail("", fmt.Errorf("%d servers have received it, want %d", len(all), want))
	}
}

// serverSideAsks sends an event to the other servers, which answer.
func (w *world) serverSideAsks(s sender, o *outcome) {
	args, tag := o.args()
	event := serverEvents[0]
	if o.kind.letter == "u" {
		event = serverEvents[1]
	}
	got, err := s.serverSideAsk(selection{nsp: o.space()}, event, args)
	o.fail("", err)
	var want []any
	for _, server := range servers {
		if server != o.name && o.kind.letter != zero {
			want = append(want, npmcluster.Neutral(npmcluster.Object{"from": server, "args": args}))
		}
	}
	o.answered(got, want)
	o.servers(tag, event, args)
}

// others sends to the fourth client of each server, which is in a namespace of its own.
func (w *world) others(s sender, o *outcome) {
	sel := selection{nsp: other, rooms: []string{"both"}}
	if o.kind.letter == zero {
		sel.rooms = []string{"nobody"}
	}
	o.emit(sel, o.unless(clientsEach+1)...)
}

// locals sends to the sockets of the sender.
func (w *world) locals(s sender, o *outcome) {
	args, tag := o.args()
	o.fail("", s.emit(selection{nsp: "/", rooms: []string{o.kind.both}, local: true}, o.kind.event, args))
	o.received(tag, args, client(o.name, 0), client(o.name, 1))
}

// unanswered asks clients that do not answer: that ends with the timeout, and is an error.
func (w *world) unanswered(s sender, o *outcome) {
	args, tag := o.args()
	args[0] = "no answer"
	got, err := s.ask(selection{nsp: "/", rooms: []string{o.kind.red}, timeout: 50 * time.Millisecond}, o.kind.event, args)
	o.fail("", err)
	if len(got.Answers) != 0 || got.Failed == "" {
		o.fail("", fmt.Errorf("the answers are %v, and %q", got.Answers, got.Failed))
	}
	o.received(tag, args, client(goOne, 0), client(goTwo, 0), client(npm, 0))
}

// remotes calls the methods of the third socket of each other server.
func (w *world) remotes(s sender, o *outcome) {
	for _, server := range servers {
		if server == o.name {
			continue
		}
		name := client(server, 2)
		id := w.ids[name]
		call := func(method string, args ...any) any {
			result, err := s.remote(id, method, args...)
			if err != nil {
				o.fail(server, fmt.Errorf("%s of %s: %w", method, name, err))
			}
			return result
		}
		args, tag := o.args()
		call("emit", append([]any{o.kind.event}, args...)...)
		o.received(tag, args, name)
		args, tag = o.args()
		if got, want := call("emitWithAck", append([]any{o.kind.event}, args...)...), npmcluster.Neutral(npmcluster.Object{"from": name, "args": args}); !reflect.DeepEqual(got, want) {
			o.fail(server, fmt.Errorf("%s has answered %v, want %v", name, got, want))
		}
		o.received(tag, args, name)
		room := "fetched " + o.kind.event
		call("join", room)
		o.fail(server, w.untilRoom(name, room, true))
		call("leave", room)
		o.fail(server, w.untilRoom(name, room, false))
		o.disconnected([]string{name}, func() error {
			_, err := s.remote(id, "disconnect", o.kind.letter == "u")
			return err
		})
	}
}
