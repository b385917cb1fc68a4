// SPDX-License-Identifier: MIT

//go:build npm

// This file holds a cluster of servers in Go and in Node.js, and those that send to it.

package redisadapter_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio"
	"socketio/adapter/cluster"
	"socketio/adapter/redisadapter"
	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/clusterhost"
	"socketio/internal/npmcluster"
)

// A wire is a way of using Redis.
type wire struct {
	name string
	mode redisadapter.Mode
	// node is the subscriptionMode of Node.js, or "classic".
	node      string
	npmClient string // "ioredis"; otherwise redis
	options   npmcluster.Object
	pattern   bool // Options.ByPattern
	sharded   bool // StreamsOptions.Sharded
}

// streams reports whether the servers use streams.
func (w *wire) streams() bool { return w.mode == redisadapter.ModeStreams }

// The servers. The names of their clients begin with theirs.
const (
	goOne, goTwo, npm = "G", "H", "N"
	clientsEach       = 3
)

var servers = []string{goOne, goTwo, npm}

// The events for servers, as in node.mjs.
var serverEvents = []string{"for servers", "f\u00fcr \u65e5\u672c \U0001f600"}

// rooms are the rooms of the clients 1, 2 and 3 of each server. The names of the second
// kind have what is not ASCII, and the character that separates names in channels.
var rooms = [clientsEach][]string{
	{"red", "both", "all", "r\u00f6t #1", "beide \U0001f600", "alle"},
	{"blue", "both", "all", "\u65e5\u672c", "beide \U0001f600", "alle"},
	{"all", "alle"},
}

var nameKey = socketio.NewDataKey[string]("name")

// A world is a cluster of two servers in Go and one in Node.js, with three clients each, and a
// fourth in another namespace.
type world struct {
	t     *testing.T
	wire  wire
	redis *redistest.Server
	node  *npmcluster.Program
	urls  map[string]string
	ios   map[string]*socketio.Server
	buses map[string]*cluster.Cluster // of the same servers
	from  map[string]sender
	tags  int

	mu  sync.Mutex
	ids map[string]string // of the clients
}

// newWorld starts a cluster, and waits until everything is connected and subscribed.
func newWorld(t *testing.T, w wire, node *npmcluster.Program, redis *redistest.Server) *world {
	t.Helper()
	world := &world{
		t: t, wire: w, redis: redis, node: node, urls: make(map[string]string), ios: make(map[string]*socketio.Server),
		buses: make(map[string]*cluster.Cluster), from: make(map[string]sender), ids: make(map[string]string),
	}
	port := redis.Addr()[strings.LastIndexByte(redis.Addr(), ':')+1:]
	for _, name := range []string{goOne, goTwo} {
		world.serve(name)
	}
	options := npmcluster.Object{
		"key": world.prefix(), "channelPrefix": world.prefix(), "requestsTimeout": npmcluster.Patience.Milliseconds(),
		"streamName": world.prefix(), "sessionKeyPrefix": world.prefix() + ":session:",
	}
	for key, value := range w.options {
		options[key] = value
	}
	var url string
	node.Must(t, "serve", npmcluster.Object{
		"name": npm, "port": port, "mode": w.node, "npmClient": w.npmClient, "options": options, "namespaces": []string{alone(npm), other},
	}, &url)
	world.urls[npm] = url
	world.from[npm] = &nodeSender{node: node, name: npm}
	world.from["E"] = emitterSender{redisadapter.NewEmitter(connected(t, redis), w.mode, &redisadapter.EmitterOptions{Prefix: world.prefix(), Stream: world.prefix()})}
	if w.mode == redisadapter.ModeClassic || w.streams() {
		node.Must(t, "emitter", npmcluster.Object{"name": "e", "port": port, "prefix": world.prefix(), "mode": w.node}, nil)
		world.from["e"] = &nodeSender{node: node, name: "e"}
	}
	node.Forget()
	t.Cleanup(func() { node.Must(t, "reset", nil, nil) })
	t.Cleanup(world.explain)
	world.settle()
	var all sync.WaitGroup
	for _, server := range servers {
		for i := range clientsEach {
			all.Go(func() { world.connect(client(server, i), "/", rooms[i]) })
		}
		all.Go(func() { world.connect(client(server, clientsEach), other, rooms[0][:3]) })
	}
	all.Wait()
	world.settle()
	return world
}

// prefix begins the names of channels. It keeps the clusters of a Redis server apart.
func (w *world) prefix() string { return "sio-" + w.wire.name }

// other is a namespace of all servers, with one client each.
const other = "/other"

// alone is a namespace that only one server has.
func alone(server string) string { return "/alone-" + server }

func client(server string, i int) string { return fmt.Sprint(server, i+1) }

// serve starts a server in Go.
func (w *world) serve(name string) {
	dial := on(w.redis.Addr())
	common := cluster.Options{EchoTimeout: time.Hour, Lease: time.Hour} // a machine that is busy is no fault here
	opts := &redisadapter.Options{Prefix: w.prefix(), ByPattern: w.wire.pattern, Cluster: common}
	var bus *cluster.Cluster
	switch {
	case w.wire.streams():
		bus = redisadapter.Streams(dial, &redisadapter.StreamsOptions{
			Stream: w.prefix(), Prefix: w.prefix(), SessionPrefix: w.prefix() + ":session:", Sharded: w.wire.sharded, Cluster: common,
		})
	case w.wire.mode == redisadapter.ModeClassic:
		bus = redisadapter.Classic(dial, opts)
	default:
		bus = redisadapter.Sharded(dial, w.wire.mode, opts)
	}
	io := socketio.NewServer(&socketio.Options{Cluster: bus, PingInterval: 5 * time.Minute})
	for _, ns := range []*socketio.Namespace{io.Of("/"), io.Of(alone(name)), io.Of(other)} {
		ns.OnConnection(func(s *socketio.Socket) {
			var auth struct {
				Name  string
				Rooms []string
			}
			err := s.Handshake().DecodeAuth(&auth)
			nameKey.Set(s, auth.Name)
			if err = errors.Join(err, s.Join(auth.Rooms...)); err != nil {
				w.t.Errorf("%s: %v", auth.Name, err)
			}
		})
		for _, event := range serverEvents {
			ns.OnServerSideEmit(event, func(args socketio.Args) map[string]any {
				values, err := args.Values()
				if err != nil {
					w.t.Errorf("an event for servers: %v", err)
				}
				w.node.Tell(npmcluster.Told{Server: name, Event: event, Args: npmcluster.Neutral(values).([]any)})
				return map[string]any{"from": name, "args": values}
			})
		}
	}
	server := httptest.NewServer(io)
	w.t.Cleanup(func() {
		if err := io.Close(); err != nil {
			w.t.Errorf("closing %s: %v", name, err)
		}
		server.Close()
	})
	w.ios[name], w.buses[name], w.urls[name], w.from[name] = io, bus, server.URL, goSender{io}
}

// explain says what the servers in Go know, if the test has failed.
func (w *world) explain() {
	if !w.t.Failed() {
		return
	}
	for name, io := range w.ios {
		w.t.Logf("%s: %+v, %+v, %d servers", name, w.buses[name].Health(), w.buses[name].Stats(), w.buses[name].Nodes())
		sockets, err := io.Local().FetchSockets(context.Background())
		for _, s := range sockets {
			w.t.Logf("%s: the socket %s, %s, is in %q", name, s.ID(), s.Data(), s.Rooms())
		}
		if err != nil {
			w.t.Logf("%s: %v", name, err)
		}
	}
	w.t.Logf("clients were disconnected: %+v", w.node.Find(isDisconnected))
}

// connect connects a client.
func (w *world) connect(name, nsp string, rooms []string) {
	var id string
	if err := w.node.Do("client", npmcluster.Object{"name": name, "url": w.urls[name[:1]], "nsp": nsp, "rooms": rooms}, &id); err != nil {
		w.t.Errorf("%s: %v", name, err)
	}
	if nsp != "/" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids[name] = id
}

// settle waits until Redis has the subscriptions of all servers.
func (w *world) settle() {
	w.t.Helper()
	w.mu.Lock()
	ids := make(map[string]string, len(w.ids))
	for name, id := range w.ids {
		ids[id] = name
	}
	w.mu.Unlock()
	want := make(map[string]int)
	channel := func(room string) string { return w.prefix() + "#/#" + room + "#" }
	goRooms := !w.wire.pattern && w.wire.mode != redisadapter.ModeShardedStatic && !w.wire.streams()
	nodeRooms := w.wire.mode == redisadapter.ModeSharded || w.wire.mode == redisadapter.ModeShardedPrivate
	private := w.wire.mode == redisadapter.ModeShardedPrivate || w.wire.mode == redisadapter.ModeClassic
	if w.wire.mode == redisadapter.ModeClassic {
		want[w.prefix()+"-request#/#"], want[w.prefix()+"-request#/other#"] = len(servers), len(servers)
	} else {
		want[w.prefix()+"#/#"], want[w.prefix()+"#/other#"] = len(servers), len(servers)
	}
	if len(ids) > 0 {
		for _, all := range rooms {
			for _, room := range all {
				want[channel(room)] = 0
				if goRooms {
					want[channel(room)] += 2
				}
				if nodeRooms {
					want[channel(room)]++
				}
			}
		}
		for id, name := range ids {
			if private && !w.wire.streams() && (name[:1] == npm && nodeRooms || name[:1] != npm && goRooms) {
				want[channel(id)] = 1
			}
		}
	}
	command := "NUMSUB"
	if w.wire.mode != redisadapter.ModeClassic && !w.wire.streams() || w.wire.sharded {
		command = "SHARDNUMSUB"
	}
	for name, n := range want {
		w.redis.Until("PUBSUB", command, name, fmt.Sprintf("[%s %d]", name, n))
	}
	if w.wire.streams() && len(ids) == 0 {
		// Node.js reads from the end of the stream on, whatever that is, until it has read an
		// entry.
		w.redis.Until("INFO", "clients", fmt.Sprintf("blocked_clients:%d", len(servers)))
		w.redis.Must("XADD", w.prefix(), "*", "nothing", "to read")
	}
}

// A selection is a namespace and a target.
type selection struct {
	nsp           string
	rooms, except []string
	volatile      bool
	compress      bool // set to false
	local         bool // sockets of the sender alone
	timeout       time.Duration
}

// A found is a socket that fetch finds.
type found struct {
	ID    string
	Rooms []string
	Data  struct{ Name string }
	Auth  struct{ Name string }
	URL   string
}

// answers are those of an event with acknowledgements.
type answers struct {
	Answers []any
	Failed  string
}

// errAbsent is returned for what a sender can't do.
var errAbsent = errors.New("there is no such method")

// A sender is what the operations of the matrix are called on: a server, or an emitter.
type sender interface {
	emit(s selection, event string, args []any) error
	ask(s selection, event string, args []any) (answers, error)
	fetch(s selection) ([]found, error)
	join(s selection, rooms []string) error
	leave(s selection, rooms []string) error
	disconnect(s selection, close bool) error
	serverSideEmit(s selection, event string, args []any) error
	serverSideAsk(s selection, event string, args []any) (answers, error)
	// remote calls a method, by its name in Node.js, of a socket that was fetched.
	remote(id, method string, args ...any) (result any, err error)
}

// A goSender is a server in Go.
type goSender struct{ io *socketio.Server }

func (g goSender) of(s selection) socketio.Broadcast {
	b := g.io.Of(s.nsp).Timeout(cmp.Or(s.timeout, npmcluster.Patience))
	if s.rooms != nil {
		b = b.To(s.rooms...)
	}
	b = b.Except(s.except...)
	if s.volatile {
		b = b.Volatile()
	}
	if s.compress {
		b = b.Compress(false)
	}
	if s.local {
		b = b.Local()
	}
	return b
}

func (g goSender) emit(s selection, event string, args []any) error {
	return g.of(s).Emit(event, args...)
}

func (g goSender) ask(s selection, event string, args []any) (answers, error) {
	return collected(func(yield func(socketio.Reply, error) bool) {
		g.of(s).EmitWithAck(context.Background(), event, args...)(yield)
	})
}

// collected collects replies as Node.js does.
func collected(replies func(func(socketio.Reply, error) bool)) (a answers, err error) {
	a.Answers = []any{}
	for r, err := range replies {
		if err != nil {
			a.Failed = err.Error()
			continue
		}
		values, err := r.Values()
		if err != nil {
			return a, err
		}
		var first any
		if len(values) > 0 {
			first = npmcluster.Neutral(values[0])
		}
		a.Answers = append(a.Answers, first)
	}
	return a, nil
}

func (g goSender) fetch(s selection) (all []found, err error) {
	sockets, err := g.of(s).FetchSockets(context.Background())
	for _, r := range sockets {
		f := found{ID: r.ID(), Rooms: r.Rooms(), URL: r.Handshake().URL}
		err = errors.Join(err, json.Unmarshal(r.Data(), &f.Data), json.Unmarshal(r.Handshake().Auth, &f.Auth))
		all = append(all, f)
	}
	return all, err
}

func (g goSender) join(s selection, rooms []string) error  { return g.of(s).SocketsJoin(rooms...) }
func (g goSender) leave(s selection, rooms []string) error { return g.of(s).SocketsLeave(rooms...) }

func (g goSender) disconnect(s selection, close bool) error {
	if close {
		return g.of(s).CloseConns()
	}
	return g.of(s).DisconnectSockets()
}

func (g goSender) serverSideEmit(s selection, event string, args []any) error {
	return g.io.Of(s.nsp).ServerSideEmit(event, args...)
}

func (g goSender) serverSideAsk(s selection, event string, args []any) (answers, error) {
	ctx, cancel := context.WithTimeout(context.Background(), npmcluster.Patience)
	defer cancel()
	return collected(g.io.Of(s.nsp).ServerSideEmitWithAck(ctx, event, args...))
}

func (g goSender) remote(id, method string, args ...any) (any, error) {
	all, err := g.io.To(id).FetchSockets(context.Background())
	if err != nil || len(all) != 1 {
		return nil, fmt.Errorf("%d sockets are found: %w", len(all), err)
	}
	r := all[0]
	switch method {
	case "emit":
		return nil, r.Emit(args[0].(string), args[1:]...)
	case "emitWithAck":
		ctx, cancel := context.WithTimeout(context.Background(), npmcluster.Patience)
		defer cancel()
		answer, err := r.EmitWithAck(ctx, args[0].(string), args[1:]...)
		if err != nil {
			return nil, err
		}
		values, err := answer.Values()
		return npmcluster.Neutral(values[0]), err
	case "join":
		return nil, r.Join(args[0].(string))
	case "leave":
		return nil, r.Leave(args[0].(string))
	case "disconnect":
		if args[0] == true {
			return nil, r.CloseConn()
		}
		return nil, r.Disconnect()
	}
	return nil, errAbsent
}

// A nodeSender is an npm server or emitter.
type nodeSender struct {
	node *npmcluster.Program
	name string
}

func (n *nodeSender) command(s selection, more npmcluster.Object) npmcluster.Object {
	c := npmcluster.Object{"server": n.name, "nsp": s.nsp, "volatile": s.volatile, "local": s.local}
	if s.rooms != nil {
		c["rooms"] = s.rooms
	}
	if s.except != nil {
		c["except"] = s.except
	}
	if s.compress {
		c["compress"] = false
	}
	for key, value := range more {
		c[key] = value
	}
	return c
}

func (n *nodeSender) emit(s selection, event string, args []any) error {
	return n.node.Do("emit", n.command(s, npmcluster.Object{"event": event, "args": args}), nil)
}

func (n *nodeSender) ask(s selection, event string, args []any) (a answers, err error) {
	err = n.node.Do("ask", n.command(s, npmcluster.Object{"event": event, "args": args, "timeout": cmp.Or(s.timeout, npmcluster.Patience/2).Milliseconds()}), &a)
	return a, err
}

func (n *nodeSender) fetch(s selection) (all []found, err error) {
	err = n.node.Do("fetch", n.command(s, npmcluster.Object{"timeout": npmcluster.Patience.Milliseconds() / 2}), &all)
	return all, err
}

func (n *nodeSender) join(s selection, rooms []string) error {
	return n.node.Do("join", n.command(s, npmcluster.Object{"to": rooms}), nil)
}

func (n *nodeSender) leave(s selection, rooms []string) error {
	return n.node.Do("leave", n.command(s, npmcluster.Object{"to": rooms}), nil)
}

func (n *nodeSender) disconnect(s selection, close bool) error {
	return n.node.Do("disconnect", n.command(s, npmcluster.Object{"close": close}), nil)
}

func (n *nodeSender) serverSideEmit(s selection, event string, args []any) error {
	return n.node.Do("serverSideEmit", n.command(s, npmcluster.Object{"event": event, "args": args}), nil)
}

func (n *nodeSender) serverSideAsk(s selection, event string, args []any) (a answers, err error) {
	err = n.node.Do("serverSideAsk", n.command(s, npmcluster.Object{"event": event, "args": args}), &a)
	return a, err
}

func (n *nodeSender) remote(id, method string, args ...any) (result any, err error) {
	c := npmcluster.Object{"server": n.name, "socket": id, "method": method, "args": args}
	if method == "emitWithAck" {
		c["timeout"] = npmcluster.Patience.Milliseconds() / 2
	}
	err = n.node.Do("remote", c, &result)
	return result, err
}

// An emitterSender is an emitter in Go.
type emitterSender struct{ e *redisadapter.Emitter }

func (e emitterSender) of(s selection) redisadapter.EmitterBroadcast {
	b := e.e.Of(s.nsp).Except(s.except...)
	if s.rooms != nil {
		b = b.To(s.rooms...)
	}
	if s.volatile {
		b = b.Volatile()
	}
	if s.compress {
		b = b.Compress(false)
	}
	return b
}

func (e emitterSender) emit(s selection, event string, args []any) error {
	return e.of(s).Emit(event, args...)
}
func (e emitterSender) join(s selection, rooms []string) error { return e.of(s).SocketsJoin(rooms...) }
func (e emitterSender) leave(s selection, rooms []string) error {
	return e.of(s).SocketsLeave(rooms...)
}

func (e emitterSender) disconnect(s selection, close bool) error {
	if close {
		return e.of(s).CloseConns()
	}
	return e.of(s).DisconnectSockets()
}

func (e emitterSender) serverSideEmit(s selection, event string, args []any) error {
	return e.e.Of(s.nsp).ServerSideEmit(event, args...)
}

func (e emitterSender) ask(selection, string, []any) (answers, error) { return answers{}, errAbsent }
func (e emitterSender) fetch(selection) ([]found, error)              { return nil, errAbsent }
func (e emitterSender) remote(string, string, ...any) (any, error)    { return nil, errAbsent }
func (e emitterSender) serverSideAsk(selection, string, []any) (answers, error) {
	return answers{}, errAbsent
}

// roomsOf returns the rooms of a client on its own server.
func (w *world) roomsOf(name string) []string {
	w.mu.Lock()
	id := w.ids[name]
	w.mu.Unlock()
	if io := w.ios[name[:1]]; io != nil {
		s, ok := io.Of("/").Socket(id)
		if !ok {
			return nil
		}
		return s.Rooms()
	}
	var all []string
	w.node.Must(w.t, "rooms", npmcluster.Object{"server": npm, "socket": id}, &all)
	return all
}

// untilRoom waits until a client is in a room, or is not.
func (w *world) untilRoom(name, room string, in bool) error {
	if clusterhost.HoldsWithin(npmcluster.Patience, func() bool { return slices.Contains(w.roomsOf(name), room) == in }) {
		return nil
	}
	return fmt.Errorf("%s: in room %q is not %v", name, room, in)
}
