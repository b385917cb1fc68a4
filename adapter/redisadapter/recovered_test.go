// SPDX-License-Identifier: MIT

//go:build npm

// This file tests that clients of npm leave a server and are recovered on another, in Go
// and in Node.js.

package redisadapter_test

import (
	"fmt"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/adapter/cluster"
	"socketio/adapter/redisadapter"
	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/clusterhost"
	"socketio/internal/npmcluster"
)

// A recoveryWorld has two servers in Go and one in Node.js, which recover clients.
type recoveryWorld struct {
	t      *testing.T
	node   *npmcluster.Program
	redis  *redistest.Server
	stream string
	urls   map[string]string
	ios    map[string]*socketio.Server
	from   map[string]sender
}

func newRecoveryWorld(t *testing.T, name string, sharded bool, node *npmcluster.Program, redis *redistest.Server) *recoveryWorld {
	w := &recoveryWorld{
		t: t, node: node, redis: redis, stream: "recover-" + name, urls: make(map[string]string), ios: make(map[string]*socketio.Server),
		from: make(map[string]sender),
	}
	for _, name := range []string{goOne, goTwo} {
		w.serve(name, sharded)
	}
	var url string
	node.Must(t, "serve", npmcluster.Object{
		"name": npm, "port": redis.Addr()[strings.LastIndexByte(redis.Addr(), ':')+1:], "mode": "streams",
		"options":  npmcluster.Object{"streamName": w.stream, "channelPrefix": w.stream, "sessionKeyPrefix": w.session(), "useShardedPubSub": sharded},
		"recovery": npmcluster.Object{"maxDisconnectionDuration": time.Hour.Milliseconds(), "skipMiddlewares": true},
	}, &url)
	w.urls[npm], w.from[npm] = url, &nodeSender{node: node, name: npm}
	t.Cleanup(func() { node.Must(t, "reset", nil, nil) })
	// Node.js reads from the end of the stream on, whatever that is, until it has read an entry.
	redis.Until("INFO", "clients", fmt.Sprintf("blocked_clients:%d", len(servers)))
	redis.Must("XADD", w.stream, "*", "nothing", "to read")
	return w
}

// session begins the names of keys that have sessions.
func (w *recoveryWorld) session() string { return w.stream + ":session:" }

func (w *recoveryWorld) serve(name string, sharded bool) {
	io := socketio.NewServer(&socketio.Options{
		Cluster: redisadapter.Streams(on(w.redis.Addr()), &redisadapter.StreamsOptions{
			Stream: w.stream, Prefix: w.stream, SessionPrefix: w.session(), Sharded: sharded,
			Cluster: cluster.Options{EchoTimeout: time.Hour, Lease: time.Hour}, // a machine that is busy is no fault here
		}),
		Recovery: &socketio.Recovery{Window: time.Hour}, PingInterval: 5 * time.Minute,
	})
	io.OnConnection(func(s *socketio.Socket) {
		if s.Recovered() {
			return
		}
		var auth struct {
			Name  string
			Rooms []string
		}
		if err := s.Handshake().DecodeAuth(&auth); err != nil {
			w.t.Errorf("auth: %v", err)
		}
		nameKey.Set(s, auth.Name)
		if err := s.Join(auth.Rooms...); err != nil {
			w.t.Errorf("Join: %v", err)
		}
	})
	server := httptest.NewServer(io)
	w.t.Cleanup(func() {
		if err := io.Close(); err != nil {
			w.t.Errorf("closing %s: %v", name, err)
		}
		server.Close()
	})
	w.ios[name], w.urls[name], w.from[name] = io, server.URL, goSender{io}
}

// emit emits an event, and returns when it is in the stream.
func (w *recoveryWorld) emit(from string, s selection, event string, args ...any) {
	w.t.Helper()
	before := w.redis.Must("XLEN", w.stream).(int64)
	if err := w.from[from].emit(s, event, append([]any{}, args...)); err != nil {
		w.t.Fatalf("emit of %s: %v", from, err)
	}
	w.redis.Until("XLEN", w.stream, fmt.Sprint(before+1))
}

// A comeback is how a client has connected again.
type comeback struct {
	ID        string
	Recovered bool
}

// moves has a client leave a server, miss events, and come to another.
func (w *recoveryWorld) moves(t *testing.T, from, to string) {
	defer func(all *testing.T) { w.t = all }(w.t)
	w.t = t
	name := w.stream + ", " + from + " to " + to
	var id string
	w.node.Must(t, "client", npmcluster.Object{"name": name, "url": w.urls[from], "rooms": []string{"in " + name, "r\u00f6\u00f6m"}}, &id)
	received := func(tag string) bool {
		for _, m := range w.node.Find(func(m *npmcluster.Told) bool { return m.Client == name }) {
			if slices.Contains(m.Args, any(tag)) {
				return true
			}
		}
		return false
	}
	for _, server := range servers {
		tag := fmt.Sprint("before ", name, server)
		w.emit(server, selection{nsp: "/"}, "before", tag)
		clusterhost.Eventually(t, "an event from "+server, func() bool { return received(tag) })
	}
	w.node.Must(t, "drop", npmcluster.Object{"name": name}, nil)
	clusterhost.Eventually(t, "the session in Redis", func() bool {
		return len(w.redis.Must("KEYS", w.session()+"*").([]any)) == 1
	})

	room := []string{"in " + name}
	var want []any
	for _, server := range servers {
		missed := func(s selection, event string, args ...any) {
			want = append(want, npmcluster.Neutral(append([]any{event}, args...)))
			s.nsp = "/"
			w.emit(server, s, event, args...)
		}
		missed(selection{}, "text", server, npmcluster.Object{"a": []any{1, nil, "\u00fc"}})
		missed(selection{rooms: room}, "bytes", []byte{0, 1, 255}, npmcluster.Object{"in": []byte("x")})
		w.emit(server, selection{nsp: "/", rooms: []string{"elsewhere"}}, "for others")
		w.emit(server, selection{nsp: "/", except: room}, "except", "it")
		missed(selection{rooms: []string{"elsewhere", "r\u00f6\u00f6m"}, except: []string{"nobody"}}, "rooms", server)
		missed(selection{rooms: []string{id}}, "to this client only", server)
	}
	seen := len(w.node.Find(func(m *npmcluster.Told) bool { return m.Client == name }))
	var came comeback
	w.node.Must(t, "come", npmcluster.Object{"name": name, "url": w.urls[to]}, &came)
	if came.ID != id || !came.Recovered {
		t.Fatalf("it came back as %+v, want the id %s", came, id)
	}
	for _, server := range servers {
		tag := fmt.Sprint("after ", name, server)
		want = append(want, npmcluster.Neutral([]any{"after", tag}))
		w.emit(server, selection{nsp: "/", rooms: room}, "after", tag)
		clusterhost.Eventually(t, "an event from "+server, func() bool { return received(tag) })
	}
	var got []any
	for _, m := range w.node.Find(func(m *npmcluster.Told) bool { return m.Client == name })[seen:] {
		args := m.Args
		if last, ok := args[len(args)-1].(string); ok && strings.Contains(last, "-") && m.Event != "after" || m.Event == "after" {
			args = args[:len(args)-1] // the position
		}
		got = append(got, append([]any{m.Event}, args...))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("it has received\n%v, want\n%v", got, want)
	}
	all, err := w.from[npm].fetch(selection{nsp: "/", rooms: room})
	if err != nil || len(all) != 1 || all[0].ID != id || all[0].Data.Name != name || len(all[0].Rooms) != 3 {
		t.Errorf("its socket is %+v, %v", all, err)
	}
	w.node.Must(t, "go", npmcluster.Object{"name": name}, nil)
}

// TestRecoveredElsewhere has clients leave a server and come to another, with both
// transports of streams.
func TestRecoveredElsewhere(t *testing.T) {
	redis, node := redistest.Start(t), npmcluster.Start(t)
	for name, sharded := range map[string]bool{"pubsub": false, "sharded": true} {
		t.Run(name, func(t *testing.T) {
			w := newRecoveryWorld(t, name, sharded, node, redis)
			for _, d := range [][2]string{{goOne, npm}, {npm, goOne}, {goOne, goTwo}, {goTwo, goTwo}, {npm, npm}} {
				t.Run(d[0]+" to "+d[1], func(t *testing.T) { w.moves(t, d[0], d[1]) })
			}
		})
	}
}
