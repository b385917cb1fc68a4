// SPDX-License-Identifier: MIT

//go:build npm

// This file has the matrix: each operation on servers and emitters in Go and in Node.js,
// with several kinds of values, reaches the clients of all servers.

package redisadapter_test

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"socketio/adapter/redisadapter"
	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/npmcluster"
)

// wires are the ways of using Redis. The short form has the first three.
var wires = []wire{
	{name: "classic", mode: redisadapter.ModeClassic, node: "classic"},
	{name: "sharded", mode: redisadapter.ModeSharded, node: "dynamic"},
	{name: "streams", mode: redisadapter.ModeStreams, node: "streams"},
	{name: "pattern", mode: redisadapter.ModeClassic, node: "classic", pattern: true, options: npmcluster.Object{"publishOnSpecificResponseChannel": true}},
	{name: "ioredis", mode: redisadapter.ModeClassic, node: "classic", npmClient: "ioredis"},
	{name: "private", mode: redisadapter.ModeShardedPrivate, node: "dynamic-private"},
	{name: "static", mode: redisadapter.ModeShardedStatic, node: "static"},
	{name: "streams, sharded", mode: redisadapter.ModeStreams, node: "streams", sharded: true, options: npmcluster.Object{"useShardedPubSub": true}},
	{name: "streams, ioredis", mode: redisadapter.ModeStreams, node: "streams", npmClient: "ioredis"},
}

// A kind is a kind of values, and the rooms they are sent to.
type kind struct {
	letter, name    string
	event           string
	args            []any
	red, blue       string
	both, everybody string
}

var kinds = []kind{
	{"t", "text", "news", []any{1, -2.5, "two", npmcluster.Object{"three": []any{4, nil, true}}}, "red", "blue", "both", "all"},
	{"b", "binary", "picture", []any{[]byte{0, 1, 0xfe, 0xff}, npmcluster.Object{"in": []any{[]byte("second"), "x"}}, []byte{}}, "red", "blue", "both", "all"},
	{"u", "unicode", serverEvents[1], []any{"\u00e9 <&> \"\\\u0000\u2028 \u65e5\u672c \U0001f600", npmcluster.Object{"sch\u00f6n \U0001f600": "\u00df"}},
		rooms[0][3], rooms[1][3], rooms[0][4], rooms[0][5]},
	{"z", "zero matches", "news", []any{1}, "nobody", "nowhere", "none", "all"},
}

const binary, zero = "b", "z"

// A direction is from a sender to the servers of clients.
type direction struct{ from, to string }

var directions = []direction{{"Go", "Node"}, {"Node", "Go"}, {"Go", "Go"}, {"emitter", "Node"}, {"emitter", "Go"}, {"npm emitter", "Go"}}

// The names of senders in a world.
var senders = map[string]string{"Go": goOne, "Node": npm, "emitter": "E", "npm emitter": "e"}

// to returns the direction from a sender to a server.
func to(from, server string) direction {
	if server == npm {
		return direction{from, "Node"}
	}
	return direction{from, "Go"}
}

// An operation is a row of the matrix. run returns what is wrong, by server.
type operation struct {
	name string
	run  func(w *world, s sender, o *outcome)
}

var operations = []operation{
	{"emit to all", func(w *world, s sender, o *outcome) { o.emit(selection{nsp: o.space()}, o.unless(1, 2, 3)...) }},
	{"to a room", func(w *world, s sender, o *outcome) {
		o.emit(selection{nsp: "/", rooms: []string{o.kind.red}}, o.unless(1)...)
	}},
	{"to several rooms", func(w *world, s sender, o *outcome) {
		o.emit(selection{nsp: "/", rooms: []string{o.kind.red, o.kind.both}}, o.unless(1, 2)...)
	}},
	{"except", func(w *world, s sender, o *outcome) {
		if o.kind.letter == zero {
			o.emit(selection{nsp: "/", except: []string{o.kind.everybody}})
			return
		}
		o.emit(selection{nsp: "/", rooms: []string{o.kind.both}, except: []string{o.kind.red}}, 2)
		o.emit(selection{nsp: "/", except: []string{o.kind.red, "nobody"}}, 2, 3)
	}},
	{"to a socket id", (*world).toIDs},
	{"volatile", func(w *world, s sender, o *outcome) {
		o.emit(selection{nsp: "/", rooms: []string{o.kind.red}, volatile: true}, o.unless(1)...)
	}},
	{"with acknowledgements", (*world).asks},
	{"fetchSockets", (*world).fetches},
	{"socketsJoin", (*world).joins},
	{"socketsLeave", (*world).leaves},
	{"disconnectSockets", (*world).disconnects},
	{"serverSideEmit", (*world).serverSide},
	{"serverSideEmit, answered", (*world).serverSideAsks},
	// More of what the npm servers have.
	{"not compressed", func(w *world, s sender, o *outcome) {
		o.emit(selection{nsp: "/", rooms: []string{o.kind.red}, compress: true}, o.unless(1)...)
	}},
	{"another namespace", (*world).others},
	{"local", (*world).locals},
	{"nobody answers", (*world).unanswered},
	{"sockets that were fetched", (*world).remotes},
}

// absent returns why a cell can't apply, or "".
func absent(w *wire, op string, d direction, k *kind) string {
	switch {
	case d.from == "npm emitter" && w.mode != redisadapter.ModeClassic && !w.streams():
		return "npm has no emitter for sharded channels"
	case strings.HasSuffix(d.from, "emitter") && (op == "with acknowledgements" || op == "fetchSockets" || op == "serverSideEmit, answered"):
		return "an emitter receives nothing"
	case strings.HasSuffix(d.from, "emitter") && (op == "local" || op == "nobody answers" || op == "sockets that were fetched"):
		return "an emitter receives nothing"
	case k.letter == binary && op == "nobody answers", k.letter == zero && (op == "local" || op == "nobody answers" || op == "sockets that were fetched"):
		return "it makes no difference"
	case k.letter == binary && (op == "fetchSockets" || op == "socketsJoin" || op == "socketsLeave" || op == "disconnectSockets"):
		return "it carries no values of the application"
	}
	return ""
}

// A cell is one combination.
type cell struct {
	op   string
	d    direction
	kind string // its letter
}

// TestMatrix has a subtest for each cell that applies. Those that do not are listed first.
func TestMatrix(t *testing.T) {
	all := wires
	if testing.Short() {
		all = wires[:3]
	}
	listAbsent(t, all)
	redis := redistest.Start(t)
	node := npmcluster.Start(t)
	var table strings.Builder
	for _, w := range all {
		t.Run(w.name, func(t *testing.T) {
			results := newWorld(t, w, node, redis).run()
			report(t, &w, results)
			draw(&table, &w, results)
		})
	}
	fmt.Fprint(os.Stdout, table.String())
}

// listAbsent prints the cells that can't apply.
func listAbsent(t *testing.T, all []wire) {
	count := make(map[string]int)
	applies := 0
	for _, w := range all {
		for _, op := range operations {
			for _, d := range directions {
				for _, k := range kinds {
					if why := absent(&w, op.name, d, &k); why != "" {
						count[why]++
					} else {
						applies++
					}
				}
			}
		}
	}
	var lines []string
	for why, n := range count {
		lines = append(lines, fmt.Sprintf("%4d cells can't apply: %s", n, why))
	}
	slices.Sort(lines)
	fmt.Fprintf(os.Stdout, "%s\n%4d cells apply\n", strings.Join(lines, "\n"), applies)
}

// run runs all operations of all senders, and returns what is wrong in each cell.
func (w *world) run() map[cell]error {
	results := make(map[cell]error)
	for _, from := range []string{"Go", "Node", "emitter", "npm emitter"} {
		s := w.from[senders[from]]
		if s == nil {
			continue
		}
		for _, op := range operations {
			for i := range kinds {
				o := &outcome{w: w, s: s, name: senders[from], kind: &kinds[i], wrong: make(map[string]error)}
				if absent(&w.wire, op.name, direction{from, "Go"}, o.kind) != "" && absent(&w.wire, op.name, direction{from, "Node"}, o.kind) != "" {
					continue
				}
				op.run(w, s, o)
				o.fence()
				for _, server := range servers {
					if d := to(from, server); server != o.name {
						c := cell{op.name, d, o.kind.letter}
						results[c] = errors.Join(results[c], o.wrong[server], o.wrong[o.name], o.wrong[""])
					}
				}
			}
		}
	}
	return results
}

// report makes a subtest of each cell that applies.
func report(t *testing.T, w *wire, results map[cell]error) {
	for _, op := range operations {
		for _, d := range directions {
			for i := range kinds {
				k := &kinds[i]
				if absent(w, op.name, d, k) != "" {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s to %s/%s", op.name, d.from, d.to, k.name), func(t *testing.T) {
					if err, ran := results[cell{op.name, d, k.letter}]; !ran {
						t.Error("the cell has not run")
					} else if err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
}

// draw adds a wire to the table: a letter for each kind of values that works, "!" for one
// that does not, and "." for one that can't apply.
func draw(b *strings.Builder, w *wire, results map[cell]error) {
	fmt.Fprintf(b, "\n%-26s", w.name)
	for _, d := range directions {
		fmt.Fprintf(b, "%-18s", d.from+" > "+d.to)
	}
	for _, op := range operations {
		fmt.Fprintf(b, "\n%-26s", op.name)
		for _, d := range directions {
			marks := ""
			for i := range kinds {
				k := &kinds[i]
				err, ran := results[cell{op.name, d, k.letter}]
				switch {
				case absent(w, op.name, d, k) != "":
					marks += "."
				case err != nil || !ran:
					marks += "!"
				default:
					marks += k.letter
				}
			}
			fmt.Fprintf(b, "%-18s", marks)
		}
	}
	b.WriteString("\nt text, b binary, u unicode, z zero matches; ! fails, . can't apply\n")
}

// An outcome is what one operation has done.
type outcome struct {
	w     *world
	s     sender
	name  string // of the sender
	kind  *kind
	wrong map[string]error // by server; "" is the sender
}

func (o *outcome) fail(server string, err error) {
	if err != nil {
		o.wrong[server] = errors.Join(o.wrong[server], err)
	}
}

// unless returns numbers of clients, but none if nothing is to match.
func (o *outcome) unless(clients ...int) []int {
	if o.kind.letter == zero {
		return nil
	}
	return clients
}

// space is the namespace for all sockets, or one without any.
func (o *outcome) space() string {
	if o.kind.letter != zero {
		return "/"
	}
	return o.alone()
}

// alone is a namespace that only the sender has; an emitter has none.
func (o *outcome) alone() string {
	if o.w.urls[o.name] == "" {
		return "/nowhere"
	}
	return alone(o.name)
}

// args returns the values with a tag, which is the last.
func (o *outcome) args() (args []any, tag string) {
	o.w.tags++
	tag = fmt.Sprintf("%s %s %d", o.w.wire.name, o.name, o.w.tags)
	return append(slices.Clone(o.kind.args), tag), tag
}

// tagged returns whether what was told is an event of a client with a tag.
func tagged(tag string) func(m *npmcluster.Told) bool {
	return func(m *npmcluster.Told) bool {
		return m.Client != "" && len(m.Args) > 0 && m.Args[len(m.Args)-1] == tag
	}
}

// emit emits an event, which the clients of those numbers of all servers must receive once,
// and no others.
func (o *outcome) emit(s selection, clients ...int) {
	args, tag := o.args()
	o.fail("", o.s.emit(s, o.kind.event, args))
	var names []string
	for _, server := range servers {
		for _, i := range clients {
			names = append(names, client(server, i-1))
		}
	}
	o.received(tag, args, names...)
}

// received waits until clients have received an event, and checks that no other has.
func (o *outcome) received(tag string, args []any, names ...string) {
	match := tagged(tag)
	for _, name := range names {
		_, err := o.w.node.Until(func(m *npmcluster.Told) bool { return m.Client == name && match(m) })
		if err != nil {
			o.fail(name[:1], fmt.Errorf("client %s: %w", name, err))
		}
	}
	o.fence()
	times := make(map[string]int)
	for _, m := range o.w.node.Find(match) {
		if times[m.Client]++; times[m.Client] > 1 {
			o.fail(m.Client[:1], fmt.Errorf("client %s has received it %d times", m.Client, times[m.Client]))
		}
		if !slices.Contains(names, m.Client) {
			o.fail(m.Client[:1], fmt.Errorf("client %s has received what was not for it", m.Client))
		}
		if want := npmcluster.Neutral(args); m.Event != o.kind.event || !reflect.DeepEqual(any(m.Args), want) {
			o.fail(m.Client[:1], fmt.Errorf("client %s has received %q %v, want %q %v", m.Client, m.Event, m.Args, o.kind.event, want))
		}
	}
}

// fence waits until each client has received an event that was sent after all before.
func (o *outcome) fence() {
	o.w.tags++
	tag := fmt.Sprint("fence ", o.w.tags)
	o.fail("", o.s.emit(selection{nsp: "/"}, "fence", []any{tag}))
	match := tagged(tag)
	for _, server := range servers {
		for i := range clientsEach {
			name := client(server, i)
			if _, err := o.w.node.Until(func(m *npmcluster.Told) bool { return m.Client == name && match(m) }); err != nil {
				o.fail(server, fmt.Errorf("client %s is deaf: %w", name, err))
			}
		}
	}
}
