// SPDX-License-Identifier: MIT

// This file holds the tests of a cluster of servers inside the test process.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"socketio"
	"socketio/adapter/adaptertest"
	"socketio/engineio"
	"socketio/parser"
	"socketio/parser/msgpack"
)

// A twin is one server of a cluster of two or more.
type twin struct {
	*world
	node *adaptertest.MemoryNode
}

// twins runs a test with a cluster of n servers, in a bubble of virtual time.
func twins(t *testing.T, n int, opts func(i int) *socketio.Options, test func(twins []twin)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		bus := new(adaptertest.InMemory)
		all := make([]twin, n)
		for i := range all {
			var o socketio.Options
			if opts != nil {
				o = *opts(i)
			}
			all[i].node = bus.Node(fmt.Sprint("node", i))
			o.Cluster = all[i].node
			all[i].world = newWorld(t, with(&o, engineio.DriverGoroutine), nil)
			all[i].bubble, all[i].patient = true, 5*time.Minute
		}
		test(all)
		for i := range all {
			_ = all[i].io.Close()
			want(t, "how often the cluster was closed", all[i].node.Closed(), 1)
		}
	})
}

// crowds creates a crowd on each server; each knows the names of all.
func crowds(twins []twin, names ...[]string) []*crowd {
	crowds := make([]*crowd, len(twins))
	known := make(map[string]*socketio.Socket)
	for i := range twins {
		crowds[i] = newCrowd(twins[i].world, websocket, names[i]...)
		maps.Copy(known, crowds[i].sockets)
	}
	for _, c := range crowds {
		c.sockets = known
	}
	return crowds
}

func TestBroadcastsReachOtherServers(t *testing.T) {
	twins(t, 2, nil, func(tw []twin) {
		c := crowds(tw, []string{"a", "b"}, []string{"ab"})
		_ = tw[0].io.To("a").Emit("e", 1, []byte{2}, map[string][]byte{"x": {3}})
		for _, p := range []*peer{c[0].peers["a"], c[1].peers["ab"]} {
			p.hears(`52-["e",1,{"_placeholder":true,"num":0},{"x":{"_placeholder":true,"num":1}}]`, []byte{2}, []byte{3})
		}
		_ = c[0].sockets["a"].Broadcast().Emit("others")
		c[0].peers["b"].hears(`2["others"]`)
		c[1].peers["ab"].hears(`2["others"]`)
		_ = tw[1].io.Local().Emit("local")
		c[1].peers["ab"].hears(`2["local"]`)
		_ = tw[1].io.Except("a").Emit("except")
		c[0].peers["b"].hears(`2["except"]`)
		tw[0].node.Break(true)
		if err := tw[0].io.Emit("half"); !errors.Is(err, adaptertest.ErrBroken) {
			t.Errorf("a broken bus is told: %v", err)
		}
		for _, name := range []string{"a", "b"} {
			c[0].peers[name].hears(`2["half"]`)
			c[0].peers[name].hearsNothing()
		}
		c[1].peers["ab"].hearsNothing()
	})
}

func TestAcksFromOtherServers(t *testing.T) {
	twins(t, 3, nil, func(tw []twin) {
		c := crowds(tw, []string{"a"}, []string{"ab", "b"}, []string{"x"})
		for range tw[1].io.Local().To("nobody").EmitWithAck(tw[0].Context(), "skips an id") {
			t.Error("nobody answers")
		}
		a := c[0].ask(tw[0].io.To("a", "b"), tw[0].Context(), "q", 1)
		c[0].peers["a"].hears(`20["q",1]`)
		c[1].peers["ab"].hears(`21["q",1]`) // each server counts for itself
		c[1].peers["b"].hears(`21["q",1]`)
		c[1].peers["b"].says(`61-1[{"_placeholder":true,"num":0}]`, []byte{5})
		a.replies.await(tw[0].world, 1)
		c[0].peers["a"].says(`30["a"]`)
		a.replies.await(tw[0].world, 2)
		c[1].peers["ab"].says(`31["ab"]`)
		a.ends(c[0], nil, []string{`b [{"_placeholder":true,"num":0}]`, `a ["a"]`, `ab ["ab"]`})

		start := time.Now()
		gone := c[0].ask(tw[0].io.To("b"), tw[0].Context(), "q", 2)
		c[1].peers["b"].hears(`2*["q",2]`)
		c[1].peers["ab"].hears(`2*["q",2]`)
		c[1].peers["ab"].says(`32[]`)
		gone.replies.await(tw[0].world, 1)
		c[1].peers["b"].goes() // on another server it counts as silent at once, too
		err := within(tw[0].world, "the end of the range", gone.done)
		var silent *socketio.PartialError
		if !errors.As(err, &silent) || !errors.Is(err, socketio.ErrClosed) || strings.Join(silent.Nodes, " ") != "node1" {
			t.Errorf("%v", err)
		}
		want(t, "the wait", time.Since(start), 0)

		tw[2].node.Mute(true)
		mute := c[0].ask(tw[0].io.Timeout(time.Second), tw[0].Context(), "q", 3)
		c[0].peers["a"].hears(`2*["q",3]`)
		c[1].peers["ab"].hears(`2*["q",3]`)
		c[0].peers["a"].says(`32[]`)
		err = within(tw[0].world, "the end of the range", mute.done)
		if !errors.As(err, &silent) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		want(t, "the silent", fmt.Sprint(silent.Sockets, silent.Nodes, silent.Missing),
			fmt.Sprint([]string{c[0].sockets["ab"].ID()}, []string{"node1", "node2"}, 1))
		want(t, "the answers", strings.Join(mute.replies.all(), ";"), "a []")
		want(t, "the wait", time.Since(start), time.Second)
	})
}

var (
	nameKey     = socketio.NewDataKey[string]("name")
	anyScoreKey = socketio.NewDataKey[any]("score")
	scoreKey    = socketio.NewDataKey[struct{ Points []int }]("score")
)

func TestRemoteSockets(t *testing.T) {
	twins(t, 2, nil, func(tw []twin) {
		c := crowds(tw, []string{"a"}, []string{"ab"})
		nameKey.Set(c[0].sockets["ab"], "Anna")
		scoreKey.Set(c[0].sockets["ab"], struct{ Points []int }{[]int{1, 2}})
		nameKey.Set(c[0].sockets["a"], "Aron")
		found, err := tw[0].io.To("a").FetchSockets(tw[0].Context())
		if err != nil || len(found) != 2 {
			t.Fatalf("%v %v", found, err)
		}
		here, there := found[0], found[1]
		want(t, "ids", here.ID()+there.ID(), c[0].sockets["a"].ID()+c[0].sockets["ab"].ID())
		want(t, "nodes", here.Node()+there.Node(), "node1")
		rooms := there.Rooms()
		slices.Sort(rooms)
		others := slices.DeleteFunc(slices.Clone(rooms), func(room string) bool { return room == there.ID() })
		want(t, "rooms but for that of its id", fmt.Sprint(others), "[a b]")
		rooms[0] = "mine"
		want(t, "the caller owns the rooms", slices.Contains(there.Rooms(), "mine"), false)
		for r, name := range map[*socketio.RemoteSocket]string{&here: "Aron", &there: "Anna"} {
			got, ok := nameKey.Get(*r)
			want(t, "a name", fmt.Sprint(got, " ", ok), name+" true")
			h := r.Handshake()
			want(t, "the path", h.URL, "/socket.io/?EIO=4&transport=websocket")
			want(t, "a header", h.Header.Get("Upgrade"), "websocket")
			want(t, "the address", h.RemoteAddr != "" && !h.Time.IsZero(), true)
		}
		score, ok := scoreKey.Get(there)
		want(t, "the score", fmt.Sprint(score, ok), "{[1 2]} true")
		if _, ok := scoreKey.Get(here); ok {
			t.Error("nobody set this one's score")
		}
		points, ok := anyScoreKey.Get(there)
		want(t, "the score by a key of any type", fmt.Sprint(points, ok), "map[Points:[1 2]] true")
		want(t, "data", string(there.Data()), `{"name":"Anna","score":{"Points":[1,2]}}`)

		for i, r := range found {
			p := []*peer{c[0].peers["a"], c[1].peers["ab"]}[i]
			if err := errors.Join(r.Join("new"), r.Leave("a", "b"), r.Emit("e", i)); err != nil {
				t.Error(err)
			}
			p.hears(fmt.Sprintf(`2["e",%d]`, i))
			answer := make(chan string, 1)
			go func() {
				args, err := r.EmitWithAck(tw[0].Context(), "q")
				answer <- fmt.Sprint(args, err)
			}()
			p.hears(`20["q"]`)
			p.says(`30["yes"]`)
			want(t, "the answer", within(tw[0].world, "the answer", answer), `["yes"] <nil>`)
		}
		again, _ := tw[1].io.To("new").FetchSockets(tw[0].Context())
		want(t, "who joined", len(again), 2)
		again, _ = tw[1].io.To("a", "b").FetchSockets(tw[0].Context())
		want(t, "who is left", len(again), 0)
		for i, r := range found {
			leave := r.Disconnect
			if i == 0 {
				leave = r.CloseConn
			}
			if err := leave(); err != nil {
				t.Error(err)
			}
			tw[0].settle()
			_, err := r.EmitWithAck(tw[0].Context(), "q")
			if !errors.Is(err, socketio.ErrClosed) {
				t.Errorf("who has gone does not answer: %v", err)
			}
		}
		c[0].peers["a"].hears(`1`)
		c[1].peers["ab"].hears(`1`)
		c[1].peers["ab"].isOpen()
	})
}

// A silent server is named in the error, and only its sockets are missing.
func TestFetchSocketsWithASilentServer(t *testing.T) {
	twins(t, 3, nil, func(tw []twin) {
		crowds(tw, []string{"a"}, []string{"b"}, []string{"c"})
		tw[1].node.Mute(true)
		start := time.Now()
		found, err := tw[0].io.Timeout(3 * time.Second).FetchSockets(tw[0].Context())
		var silent *socketio.PartialError
		if !errors.As(err, &silent) || !errors.Is(err, context.DeadlineExceeded) || fmt.Sprint(silent.Nodes) != "[node1]" {
			t.Errorf("%v", err)
		}
		want(t, "found", len(found), 2)
		want(t, "the wait", time.Since(start), 3*time.Second)
		found, err = tw[1].io.Local().FetchSockets(tw[0].Context())
		want(t, "found here", fmt.Sprint(len(found), err), "1 <nil>")
		ended, cancel := context.WithCancel(tw[0].Context())
		cancel()
		if found, err = tw[0].io.FetchSockets(ended); !errors.Is(err, context.Canceled) || found != nil {
			t.Errorf("%v %v", found, err)
		}
	})
}

func TestServerSideEmit(t *testing.T) {
	twins(t, 3, nil, func(tw []twin) {
		heard := newList()
		for i := range tw {
			remove := tw[i].io.OnServerSideEmit("hello", func(ctx context.Context, who string, data []byte, rest ...int) {
				heard.add(fmt.Sprint(i, who, data, rest, ctx != nil))
			})
			defer remove()
		}
		if err := tw[0].io.ServerSideEmit("hello", "from 0", []byte{1}, 2, 3); err != nil {
			t.Error(err)
		}
		want(t, "who hears", strings.Join(heard.all(), "; "), "1from 0[1] [2 3] true; 2from 0[1] [2 3] true")

		tw[1].io.OnServerSideEmit("sum", func(a, b int) (int, []byte) { return a + b, []byte{9} })
		tw[1].io.OnServerSideEmit("sum", func(a, b int) int { return -1 }) // the first answer wins
		tw[2].io.OnServerSideEmit("sum", func(a, b int, ack socketio.Ack) { _ = ack(a * b) })
		var got []string
		for reply, err := range tw[0].io.ServerSideEmitWithAck(tw[0].Context(), "sum", 3, 4) {
			var n int
			if err != nil || reply.Decode(&n) != nil || reply.SocketID != "" {
				t.Errorf("%v %v", reply, err)
			}
			got = append(got, fmt.Sprint(reply.Node, n, len(reply.Attachments())))
		}
		slices.Sort(got)
		want(t, "the answers", strings.Join(got, "; "), "node17 1; node212 0")

		tw[1].io.OnServerSideEmit("fail", func() error { return &socketio.PublicError{Message: "no", Code: "X"} })
		tw[2].io.OnServerSideEmit("fail", func(n int) int { panic("boom") })
		got = nil
		for reply, err := range tw[0].io.ServerSideEmitWithAck(tw[0].Context(), "fail", 1) {
			got = append(got, fmt.Sprint(reply.Node, reply, err))
		}
		slices.Sort(got)
		want(t, "the failures", strings.Join(got, "; "),
			`node1[{"error":{"message":"no","code":"X"}}] <nil>; node2[{"error":{"message":"internal error","code":""}}] <nil>`)
		if log := tw[2].log.String(); !strings.Contains(log, "boom") || !strings.Contains(log, "event=fail") {
			t.Errorf("the log has the panic: %s", log)
		}

		start := time.Now()
		tw[2].node.Mute(true)
		got = nil
		for reply, err := range tw[0].io.ServerSideEmitWithAck(tw[0].Context(), "sum", 1, 1) {
			got = append(got, fmt.Sprint(reply.Node, reply, err))
		}
		want(t, "with a silent server", strings.Join(got, "; "),
			`node1[2,{"_placeholder":true,"num":0}] <nil>; [] socketio: no answer, nodes (node2): context deadline exceeded`)
		want(t, "the wait", time.Since(start), 20*time.Second)
	})
}

func TestServerSideEmitAlone(t *testing.T) {
	memory(t, nil, func(w *world) {
		w.io.OnServerSideEmit("hello", func() { t.Error("this server does not hear itself") })
		if err := w.io.Of("/").ServerSideEmit("hello"); err != nil {
			t.Error(err)
		}
		for reply, err := range w.io.ServerSideEmitWithAck(w.Context(), "hello") {
			t.Errorf("nobody answers: %v %v", reply, err)
		}
		for _, event := range []string{"connect", "connection", "new_namespace"} {
			if err := w.io.ServerSideEmit(event); !errors.Is(err, socketio.ErrReservedEvent) {
				t.Errorf("%s: %v", event, err)
			}
			for _, err := range w.io.ServerSideEmitWithAck(w.Context(), event) {
				if !errors.Is(err, socketio.ErrReservedEvent) {
					t.Errorf("%s: %v", event, err)
				}
			}
		}
		if err := w.io.ServerSideEmit("x", 1, func() {}); err == nil || !strings.Contains(err.Error(), "argument 2") {
			t.Errorf("what does not encode: %v", err)
		}
		for why, register := range map[string]func(){
			"no *socketio.Socket":  func() { w.io.OnServerSideEmit("x", func(*socketio.Socket) {}) },
			"named new_namespace":  func() { w.io.OnServerSideEmit("new_namespace", func() {}) },
			"it is nil":            func() { w.io.OnServerSideEmit("x", nil) },
			"which JSON can't fil": func() { w.io.OnServerSideEmit("x", func(chan int) {}) },
		} {
			func() {
				defer func() {
					if r := fmt.Sprint(recover()); !strings.Contains(r, why) {
						t.Errorf("it panics and says %q, not %q", why, r)
					}
				}()
				register()
			}()
		}
	})
}

// Servers with two formats share a cluster, whose encoding is neither.
func TestServersOfTwoFormats(t *testing.T) {
	twins(t, 2, func(i int) *socketio.Options {
		if i == 1 {
			return &socketio.Options{Codec: new(msgpack.Codec)}
		}
		return new(socketio.Options)
	}, func(tw []twin) {
		joined := make(chan *socketio.Socket, 1)
		tw[1].io.OnConnection(func(s *socketio.Socket) { joined <- s })
		text, packed := tw[0].join(websocket), tw[1].open(websocket)
		packed.says(pack(parser.TypeConnect, "/", -1))
		within(tw[1].world, "the connection", joined)
		unpack(packed)
		for i := range tw {
			_ = tw[i].io.Emit("e", i, []byte{7}, map[string]any{"deep": []byte{8}})
			text.hears(fmt.Sprintf(`52-["e",%d,{"_placeholder":true,"num":0},{"deep":{"_placeholder":true,"num":1}}]`, i), []byte{7}, []byte{8})
			_, data := unpack(packed)
			want(t, "what is unpacked", fmt.Sprint(data), fmt.Sprintf("[e %d [7] map[deep:[8]]]", i))
		}
		done := make(chan string, 3)
		go func() {
			for reply, err := range tw[0].io.EmitWithAck(tw[0].Context(), "q") {
				var b []byte
				done <- fmt.Sprint(reply.Decode(&b), b, err)
			}
			done <- "end"
		}()
		text.hears(`20["q"]`)
		unpack(packed)
		packed.says(pack(parser.TypeAck, "/", 0, []byte{6}))
		want(t, "the answer", within(tw[0].world, "the answer", done), "<nil> [6] <nil>")
		text.says(`30[1]`)
		within(tw[0].world, "the second answer", done)
		want(t, "the end", within(tw[0].world, "the end", done), "end")
	})
}
