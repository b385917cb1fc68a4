// SPDX-License-Identifier: MIT

// This file tests events that clients send again until they are acknowledged: of the
// browser client, which announces that, and of others, by a key of the application.

package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"socketio"
	"socketio/parser"
	"socketio/parser/msgpack"
)

// retryWatch is a RetryObserver.
type retryWatch struct{ *list }

func (w retryWatch) EventRepeated(s socketio.SocketInfo, e socketio.EventInfo, outcome string) {
	w.add(fmt.Sprint(e.Name, " ", e.Known, " ", outcome))
}

// A client that announces a nonce and sends an event again with the same id has it handled
// once, and receives the same reply each time.
func TestARetryIsHandledOnce(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		handled, heard := newList(), newList()
		w.io.OnConnection(func(s *socketio.Socket) { heard.add(string(s.Handshake().Auth)) })
		w.io.OnAny(func(_ *socketio.Socket, event string, _ socketio.Args) { handled.add(event) })
		w.io.On("text", func(text string) string { return text + "!" })
		w.io.On("bytes", func(b []byte) any { return map[string]any{"b": slices.Concat(b, b)} })
		w.io.On("empty", func() {})
		w.io.On("fails", func() error { return &socketio.PublicError{Message: "no", Code: "NO"} })
		w.io.On("later", func(ack socketio.Ack) { go func() { _ = ack(1, 2) }() })
		p := w.open(transport)
		p.says(`0{"a":1,"retryNonce":"n","b":[2]}`)
		p.hears(`0{"sid":"*","once":true}`)
		want(t, "the auth", heard.await(w, 1)[0], `{"a":1,"b":[2]}`)
		for range 3 {
			p.says(`20["text","a"]`)
			p.hears(`30["a!"]`)
			p.says(`51-1["bytes",{"_placeholder":true,"num":0}]`, []byte{7})
			p.hears(`61-1[{"b":{"_placeholder":true,"num":0}}]`, []byte{7, 7})
			p.says(`22["empty"]`)
			p.hears(`32[]`)
			p.says(`23["fails"]`)
			p.hears(`33[{"error":{"message":"no","code":"NO"}}]`)
			p.says(`24["later"]`)
			p.hears(`34[1,2]`)
		}
		want(t, "handled", strings.Join(handled.all(), " "), "text bytes empty fails later")
	})
}

// A client that announces nothing is what it was: each of its events is handled.
func TestWithoutANonceIDsMeanNothing(t *testing.T) {
	memory(t, nil, func(w *world) {
		n := 0
		w.io.On("e", func() int { n++; return n })
		p := w.open(websocket)
		p.says(`0{"a":1}`)
		p.hears(`0{"sid":"*"}`)
		p.says(`20["e"]`, `20["e"]`)
		p.hears(`30[1]`, `30[2]`)
	})
}

// In another format too the nonce is taken out of the auth, and binary packets are kept.
func TestRetriesInMsgpack(t *testing.T) {
	codec := new(msgpack.Codec)
	memory(t, &socketio.Options{Codec: codec, Recovery: &socketio.Recovery{}}, func(w *world) {
		encode := func(p parser.Outgoing) []byte {
			e, err := codec.AppendPacket(nil, p)
			if err != nil {
				t.Fatal(err)
			}
			return e.Data
		}
		n := 0
		auth := newList()
		w.io.OnConnection(func(s *socketio.Socket) { auth.add(string(s.Handshake().Auth)) })
		w.io.On("e", func(b []byte) (int, []byte) { n++; return n, b })
		event := encode(parser.Outgoing{Type: parser.TypeEvent, Namespace: "/", ID: 5, Event: "e", Args: []any{[]byte{1, 2}}})
		reply := encode(parser.Outgoing{Type: parser.TypeAck, Namespace: "/", ID: 5, Args: []any{1, []byte{1, 2}}})
		var pid string
		for i := range 2 {
			p := w.open(websocket)
			p.says(encode(parser.Outgoing{Type: parser.TypeConnect, Namespace: "/", ID: -1,
				Payload: map[string]any{"retryNonce": "n", "x": 1, "pid": pid}}))
			got, err := p.next()
			if err != nil {
				t.Fatal(err)
			}
			packet, _, _ := codec.NewDecoder().Add(&parser.Limits{}, true, got.binary)
			var answer struct {
				PID  string
				Once bool
			}
			if err := codec.Decode(packet.Data, nil, &answer); err != nil || !answer.Once || i == 1 && answer.PID != pid {
				t.Fatalf("the answer is %+v, %v", answer, err)
			}
			pid = answer.PID
			for range 2 {
				p.says(event)
				p.hears(reply)
			}
			p.goes()
			w.settle()
		}
		want(t, "auth", strings.Join(auth.all(), " "), `{"x":1} {"x":1}`)
	})
}

// While the handler of the first attempt runs, a further one waits for its reply.
func TestARetryWaitsForTheRunningCall(t *testing.T) {
	watch := retryWatch{newList()}
	memory(t, &socketio.Options{Observers: []any{watch}}, func(w *world) {
		acks := make(chan socketio.Ack, 10)
		w.io.On("e", func(ack socketio.Ack) { acks <- ack })
		p := w.open(websocket)
		p.joins("/", `{"retryNonce":"n"}`)
		p.says(`20["e"]`, `20["e"]`)
		p.hearsNothing()
		_ = within(w, "the call", acks)("done")
		p.hears(`30["done"]`, `30["done"]`)
		p.hearsNothing()
		want(t, "calls that wait", len(acks), 0)
		p.says(`20["e"]`)
		p.hears(`30["done"]`)
		want(t, "observed", strings.Join(watch.all(), ", "), "e true waits, e true answered")
	})
}

// ErrRetry leaves the acknowledgement open, and the next attempt is handled.
func TestErrRetryLeavesTheAcknowledgementOpen(t *testing.T) {
	for name, nonce := range map[string]string{"with a nonce": `{"retryNonce":"n"}`, "without": ""} {
		t.Run(name, func(t *testing.T) {
			memory(t, nil, func(w *world) {
				errs := newList()
				w.io.OnError(func(_ *socketio.Socket, err *socketio.HandlerError) { errs.add(err.Error()) })
				n := 0
				w.io.On("e", func() (int, error) {
					if n++; n < 3 {
						return n, fmt.Errorf("the database is away: %w", socketio.ErrRetry)
					}
					return n, nil
				})
				w.io.On("e", func() {}) // whose empty acknowledgement must not end it
				p := w.open(websocket)
				p.joins("/", nonce)
				for range 2 {
					p.says(`20["e"]`)
					p.hearsNothing()
				}
				p.says(`20["e"]`)
				p.hears(`30[3]`)
				text := `socketio: event "e": the database is away: socketio: the client should send the event again`
				want(t, "errors", strings.Join(errs.all(), "; "), text+"; "+text)
			})
		})
	}
}

// Nobody has acknowledged it: a further attempt is a new event.
func TestAnEventThatNobodyAnswersIsHandledAgain(t *testing.T) {
	memory(t, nil, func(w *world) {
		var s *socketio.Socket
		w.io.OnConnection(func(joined *socketio.Socket) { s = joined })
		p := w.open(websocket)
		p.joins("/", `{"retryNonce":"n"}`)
		p.says(`20["e"]`)
		p.hearsNothing()
		n := 0
		s.On("e", func() int { n++; return n })
		p.says(`20["e"]`, `20["e"]`)
		p.hears(`30[1]`, `30[1]`)

		passes := false
		s.Use(func(ctx context.Context, e socketio.Event, next func(context.Context, socketio.Event) error) error {
			if !passes {
				return nil
			}
			return next(ctx, e)
		})
		p.says(`21["e"]`)
		p.hearsNothing()
		passes = true
		p.says(`21["e"]`, `21["e"]`)
		p.hears(`31[2]`, `31[2]`)
	})
}

// Trap of a bound: beyond the last 1024 events, or 1 MiB of replies, an event is handled
// again, and that is counted.
func TestRetriesBeyondTheWindow(t *testing.T) {
	for name, test := range map[string]struct{ events, size int }{
		"events":  {1025, 0},
		"replies": {6, 200 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			watch := retryWatch{newList()}
			memory(t, &socketio.Options{Observers: []any{watch}}, func(w *world) {
				handled := 0
				reply := strings.Repeat("x", test.size)
				w.io.On("e", func() string { handled++; return reply })
				p := w.open(websocket)
				p.joins("/", `{"retryNonce":"n"}`)
				for id := range test.events {
					p.says(fmt.Sprintf(`2%d["e"]`, id))
					p.hears(fmt.Sprintf(`3%d["*"]`, id))
				}
				p.says(fmt.Sprintf(`2%d["e"]`, test.events-1))
				p.hears(`3*["*"]`)
				want(t, "handled", handled, test.events)
				p.says(`20["e"]`)
				p.hears(`30["*"]`)
				want(t, "handled", handled, test.events+1)
				want(t, "observed", strings.Join(watch.all(), ", "), "e true answered, e true handled")
			})
		})
	}
}

// The replies are kept with the session: a client that comes back and sends an event again
// gets the reply that its first connection did not carry.
func TestRepliesAreKeptWithTheSession(t *testing.T) {
	recovering(t, nil, func(w *world) {
		handled := newList()
		w.io.On("e", func(text string, b []byte) (string, []byte) { handled.add(text); return text + "!", b })
		acks := make(chan socketio.Ack, 10)
		w.io.On("later", func(ack socketio.Ack) { acks <- ack })
		r := w.returner().comes(`"retryNonce":"n"`)
		r.peer.says(`51-0["e","a",{"_placeholder":true,"num":0}]`, []byte{1})
		r.peer.hears(`61-0["a!",{"_placeholder":true,"num":0}]`, []byte{1})
		r.peer.says(`21["later"]`, `22["later"]`)
		w.settle()
		for range 3 { // it is not lost at the second time
			r.drops()
			r.comes(`"retryNonce":"n"`)
			r.is("recovered")
			r.peer.says(`51-0["e","a",{"_placeholder":true,"num":0}]`, []byte{1})
			r.peer.hears(`61-0["a!",{"_placeholder":true,"num":0}]`, []byte{1})
		}
		r.peer.says(`21["later"]`)
		r.peer.hearsNothing()
		_ = within(w, "the call of the first connection", acks)("done")
		r.peer.hears(`31["done"]`)
		r.drops()
		_ = within(w, "the other call", acks)("while away")
		r.comes(`"retryNonce":"n"`)
		r.is("recovered")
		r.peer.says(`22["later"]`)
		r.peer.hears(`32["while away"]`)
		want(t, "handled", strings.Join(handled.all(), " "), "a")

		// Another page that knows the secret begins to count again.
		r.drops()
		r.comes(`"retryNonce":"other"`)
		r.is("recovered")
		r.peer.says(`51-0["e","b",{"_placeholder":true,"num":0}]`, []byte{1})
		r.peer.hears(`61-0["b!",{"_placeholder":true,"num":0}]`, []byte{1})
		// One that is not recovered too.
		r.drops()
		r.pid = "unknown"
		r.comes(`"retryNonce":"other"`)
		r.is("unknown_session")
		r.peer.says(`51-0["e","c",{"_placeholder":true,"num":0}]`, []byte{1})
		r.peer.hears(`61-0["c!",{"_placeholder":true,"num":0}]`, []byte{1})
		want(t, "handled", strings.Join(handled.all(), " "), "a b c")
	})
}

// A nonce of more than 128 bytes is ignored: the client gets no kept replies.
func TestANonceThatIsTooLong(t *testing.T) {
	recovering(t, nil, func(w *world) {
		handled := newList()
		w.io.On("e", func(text string) string { handled.add(text); return text })
		auth := `"retryNonce":"` + strings.Repeat("n", 129) + `"`
		r := w.returner().comes(auth)
		r.peer.says(`21["e","first"]`)
		r.peer.hears(`31["first"]`)
		r.drops()
		r.comes(auth)
		r.is("recovered")
		r.peer.says(`21["e","second"]`)
		r.peer.hears(`31["second"]`)
		want(t, "handled", strings.Join(handled.all(), " "), "first second")
	})
}

// A nonce has up to 128 bytes, and all of them distinguish.
func TestLongNonces(t *testing.T) {
	recovering(t, nil, func(w *world) {
		handled := newList()
		w.io.On("e", func(text string) string { handled.add(text); return text })
		long := strings.Repeat("n", 127)
		r := w.returner().comes(`"retryNonce":"` + long + `a"`)
		r.peer.says(`21["e","first"]`)
		r.peer.hears(`31["first"]`)
		r.drops()
		r.comes(`"retryNonce":"` + long + `a"`)
		r.peer.says(`21["e","again"]`)
		r.peer.hears(`31["first"]`)
		r.drops()
		r.comes(`"retryNonce":"` + long + `b"`)
		r.is("recovered")
		r.peer.says(`21["e","other"]`)
		r.peer.hears(`31["other"]`)
		want(t, "handled", strings.Join(handled.all(), " "), "first other")
	})
}

// A client whose connections are cut again and again, before or after an event is handled,
// has each of its events handled once and in order.
func TestRetriesOverConnectionsThatAreCut(t *testing.T) {
	overBoth(t, &socketio.Options{Recovery: &socketio.Recovery{}}, func(w *world, transport string) {
		handled := newList()
		w.io.On("e", func(n int) int { handled.add(fmt.Sprint(n)); return 10 * n })
		pid := ""
		connect := func() *peer {
			p := w.open(transport)
			p.says(fmt.Sprintf(`0{"retryNonce":"n","pid":%q}`, pid))
			got, err := p.next()
			var reply struct{ PID string }
			if err != nil || json.Unmarshal([]byte(got.text[1:]), &reply) != nil || pid != "" && reply.PID != pid {
				w.Fatalf("the client is not recovered: %v %v", got, err)
			}
			pid = reply.PID
			return p
		}
		p := connect()
		const events = 30
		for id := range events {
			for range id % 3 {
				p.says(fmt.Sprintf(`2%d["e",%d]`, id, id))
				if id%2 == 0 {
					handled.await(w, id+1)
				}
				p.goes()
				p = connect()
			}
			p.says(fmt.Sprintf(`2%d["e",%d]`, id, id))
			p.hears(fmt.Sprintf(`3%d[%d]`, id, 10*id))
		}
		for i, n := range handled.all() {
			if n != fmt.Sprint(i) || len(handled.all()) != events {
				t.Fatalf("handled: %v", handled.all())
			}
		}
	})
}

// Without recovery, a new connection is a new session: an event may be handled once in each.
func TestARetryOfASessionThatIsLost(t *testing.T) {
	memory(t, nil, func(w *world) {
		n := 0
		w.io.On("e", func() int { n++; return n })
		for i := range 2 {
			p := w.open(websocket)
			p.joins("/", `{"retryNonce":"n"}`)
			p.says(`20["e"]`, `20["e"]`)
			reply := fmt.Sprintf(`30[%d]`, i+1)
			p.hears(reply, reply)
			p.goes()
		}
	})
}

// Replies count towards the bound of a session, and are dropped rather than the session.
func TestRepliesOfASessionAreBounded(t *testing.T) {
	watch := retryWatch{newList()}
	o := &socketio.Options{Recovery: &socketio.Recovery{MaxSessionBytes: 10 << 10}, Observers: []any{watch}}
	memory(t, o, func(w *world) {
		handled := 0
		w.io.On("e", func() string { handled++; return strings.Repeat("x", 4000) })
		r := w.returner().comes(`"retryNonce":"n"`)
		for id := range 5 {
			r.peer.says(fmt.Sprintf(`2%d["e"]`, id))
			r.peer.hears(fmt.Sprintf(`3%d["*"]`, id))
		}
		r.drops()
		r.comes(`"retryNonce":"n"`)
		r.is("recovered")
		for _, id := range []int{4, 3, 2, 0} {
			r.peer.says(fmt.Sprintf(`2%d["e"]`, id))
			r.peer.hears(fmt.Sprintf(`3%d["*"]`, id))
		}
		want(t, "handled", handled, 5+2)
		want(t, "observed", strings.Join(watch.all(), ", "), "e true answered, e true answered, e true handled, e true handled")
	})
}

// keyed has a namespace handle each message of a user once.
func keyed(d socketio.Deduplication) socketio.Deduplication {
	d.Key = func(_ *socketio.Socket, event string, args socketio.Args) string {
		var user, id string
		if event != "message" || args.Decode(&user, &id) != nil {
			return ""
		}
		return user + "/" + id
	}
	return d
}

// socket.io#5334: the npm client uses a new id for each attempt, and has a new
// socket after each connection. A key of the application tells that it is the same event.
func TestAKeyOfTheApplication(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		handled, acks := newList(), make(chan socketio.Ack, 10)
		w.io.Deduplicate(keyed(socketio.Deduplication{}))
		w.io.On("message", func(user, id string, ack socketio.Ack) {
			handled.add(user + "/" + id)
			if id == "slow" {
				acks <- ack
				return
			}
			_ = ack(id, []byte{1})
		})
		w.io.On("other", func() { handled.add("other") })
		p := w.join(transport)
		p.says(`20["message","ann","1"]`, `21["message","ann","1"]`, `22["message","bob","1"]`)
		for _, id := range []string{"0", "1", "2"} {
			p.hears(`61-`+id+`["1",{"_placeholder":true,"num":0}]`, []byte{1})
		}
		p.says(`23["other"]`, `24["other"]`, `25["message","ann","slow"]`)
		p.hears(`33[]`, `34[]`)
		ack := within(w, "the slow call", acks)
		other := w.join(transport)
		other.says(`20["message","ann","slow"]`, `21["message","ann","1"]`)
		other.hears(`61-1["1",{"_placeholder":true,"num":0}]`, []byte{1})
		p.goes()
		_ = ack("done", 2)
		other.hears(`30["done",2]`)
		want(t, "handled", strings.Join(handled.all(), " "), "ann/1 bob/1 other other ann/slow")
	})
}

func TestKeysAreBounded(t *testing.T) {
	for name, d := range map[string]socketio.Deduplication{
		"keys":  {MaxKeys: 2},
		"bytes": {MaxBytes: 2 * (64 + 1100)},
	} {
		t.Run(name, func(t *testing.T) {
			memory(t, nil, func(w *world) {
				handled := newList()
				w.io.Deduplicate(keyed(d))
				w.io.On("message", func(user, id string) string { handled.add(id); return strings.Repeat("x", 1000) })
				p := w.join(websocket)
				for i, id := range []int{1, 2, 3, 3, 2, 1} {
					p.says(fmt.Sprintf(`2%d["message","ann","%d"]`, i, id))
					p.hears(fmt.Sprintf(`3%d["*"]`, i))
				}
				want(t, "handled", strings.Join(handled.all(), " "), "1 2 3 1")
			})
		})
	}
}

// Keys that clients choose take the same memory, however long they are, and all of a long
// one counts.
func TestLongKeys(t *testing.T) {
	memory(t, nil, func(w *world) {
		handled := newList()
		w.io.Deduplicate(keyed(socketio.Deduplication{}))
		w.io.On("message", func(_, id string) string { handled.add(strings.Clone(id[len(id)-3:])); return "" })
		p := w.join(websocket)
		long, before, all := strings.Repeat("x", 30_000), heap(), ""
		for i := range 300 {
			for n := range 2 {
				p.says(fmt.Sprintf(`2%d["message","ann","%s%03d"]`, 2*i+n, long, i))
				p.hears(fmt.Sprintf(`3%d[""]`, 2*i+n))
			}
			all += fmt.Sprintf("%03d ", i)
		}
		if grown := heap() - before; grown > 3<<20 {
			t.Errorf("300 keys take %d KiB", grown>>10)
		}
		want(t, "handled", strings.Join(handled.all(), " ")+" ", all)
	})
}

// The namespaces of a parent keep their keys apart, and one may have its own.
func TestKeysOfAParent(t *testing.T) {
	memory(t, nil, func(w *world) {
		handled := newList()
		parent := w.io.OfMatch(func(string, socketio.Handshake) bool { return true })
		parent.Deduplicate(keyed(socketio.Deduplication{}))
		parent.On("message", func(s *socketio.Socket, user, id string) { handled.add(s.Namespace().Name()) })
		p := w.open(websocket)
		for _, namespace := range []string{"/a", "/b"} {
			p.joins(namespace)
			p.says(`2`+namespace+`,0["message","ann","1"]`, `2`+namespace+`,1["message","ann","1"]`)
			p.hears(`3`+namespace+`,0[]`, `3`+namespace+`,1[]`)
		}
		want(t, "handled", strings.Join(handled.all(), " "), "/a /b")
		own := keyed(socketio.Deduplication{})
		own.Key = func(*socketio.Socket, string, socketio.Args) string { return "" }
		w.io.Of("/a").Deduplicate(own)
		p.says(`2/a,2["message","ann","1"]`)
		p.hears(`3/a,2[]`)
		want(t, "handled", strings.Join(handled.all(), " "), "/a /b /a")
	})
}

// A function that panics is reported, and the event is handled.
func TestAKeyThatPanics(t *testing.T) {
	memory(t, nil, func(w *world) {
		errs := newList()
		w.io.OnError(func(_ *socketio.Socket, err *socketio.HandlerError) { errs.add(err.Error()) })
		w.io.Deduplicate(socketio.Deduplication{Key: func(*socketio.Socket, string, socketio.Args) string { panic("boom") }})
		w.io.On("e", func() int { return 1 })
		p := w.join(websocket)
		p.says(`20["e"]`, `2["e"]`)
		p.hears(`30[1]`)
		w.settle()
		want(t, "errors", strings.Join(errs.all(), ", "), `socketio: event "e": panic: boom`)
	})
	for _, d := range []socketio.Deduplication{{}, {Key: keyed(socketio.Deduplication{}).Key, MaxKeys: -1}, {Key: keyed(socketio.Deduplication{}).Key, MaxBytes: -1}} {
		if message := panicOf(func() { socketio.NewServer(nil).Deduplicate(d) }); !strings.HasPrefix(message, "socketio: Deduplicate: ") {
			t.Errorf("%+v: %q", d, message)
		}
	}
}

// A nonce that is no short text is one all the same, and does no harm.
func TestStrangeNonces(t *testing.T) {
	memory(t, nil, func(w *world) {
		w.io.On("e", func(s *socketio.Socket) json.RawMessage { return s.Handshake().Auth })
		for auth, rest := range map[string]string{
			`{"retryNonce":7}`: `{}`, `{"retryNonce":{"a":[]},"b":1}`: `{"b":1}`, `{"retryNonce":null,"b":1}`: `{"b":1}`, `{"retryNonce":""}`: `{}`,
			`{"retryNonce":"` + strings.Repeat("n", 1000) + `"}`: `{}`, `{"a":"retryNonce"}`: `{"a":"retryNonce"}`, `{"a":{"retryNonce":1}}`: `{"a":{"retryNonce":1}}`,
		} {
			p := w.open(websocket)
			p.joins("/", auth)
			p.says(`20["e"]`)
			p.hears(`30[` + rest + `]`)
			p.goes()
		}
	})
}
