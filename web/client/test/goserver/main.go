// SPDX-License-Identifier: MIT

// Command goserver is the Go server of the client's scenarios: it does what
// ../server-contract.md says.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"socketio"
	"socketio/parser/msgpack"
)

func main() {
	var opts socketio.Options
	if os.Getenv("CODEC") == "msgpack" {
		opts.Codec = new(msgpack.Codec)
	}
	if os.Getenv("RECOVERY") == "1" {
		opts.Recovery = new(socketio.Recovery)
	}
	io := socketio.NewServer(&opts)
	if os.Getenv("KEY") == "1" {
		io.Deduplicate(socketio.Deduplication{Key: func(_ *socketio.Socket, event string, args socketio.Args) string {
			var id string
			if event != "order" || args.Decode(&id) != nil {
				return ""
			}
			return id
		}})
	}
	orders := new(orders)
	io.On("order", orders.add)
	io.On("orders", orders.all)
	reasons := &reasons{known: make(map[string]socketio.DisconnectReason), waiting: make(map[string]socketio.Ack)}
	for _, name := range []string{"/", "/admin"} {
		ns := io.Of(name)
		ns.OnConnection(func(s *socketio.Socket) { serve(ns, s, reasons) })
	}
	io.Of("/deny").Use(func(context.Context, *socketio.Socket) error {
		return &socketio.ConnectError{Message: "denied", Data: map[string]int{"code": 7}}
	})
	token := io.Of("/token")
	token.Use(func(_ context.Context, s *socketio.Socket) error {
		var auth struct{ Token string }
		if err := s.Handshake().DecodeAuth(&auth); err != nil || auth.Token != "secret" {
			return &socketio.ConnectError{Message: "bad token"}
		}
		return nil
	})
	token.OnConnection(func(s *socketio.Socket) {
		s.On("whoami", func() json.RawMessage { return s.Handshake().Auth })
	})
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", os.Getenv("PORT")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening", l.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(l, io))
}

func serve(ns *socketio.Namespace, s *socketio.Socket, r *reasons) {
	s.On("echo", func(args ...any) { check(s.Emit("echo", args...)) })
	s.On("echo-ack", func(args socketio.Args, ack socketio.Ack) error {
		values, err := args.Values()
		if err != nil {
			return err
		}
		return ack(values...)
	})
	s.On("ask", func(args ...any) error {
		reply, err := s.EmitWithAck(s.Context(), "question", args...)
		if err != nil {
			return err
		}
		values, err := reply.Values()
		if err != nil {
			return err
		}
		return s.Emit("answer", values...)
	})
	s.On("silent", func(socketio.Ack) {})
	s.On("fail", func() error { return &socketio.PublicError{Message: "boom", Code: "E_BOOM"} })
	s.On("join", func(room string) error { return s.Join(room) })
	s.On("leave", func(room string) { s.Leave(room) })
	s.On("say", func(room string, args ...any) error { return s.To(room).Emit("said", args...) })
	s.On("shout", func(args ...any) error { return ns.Emit("said", args...) })
	ups := []int{}
	s.On("up", func(n int) { ups = append(ups, n) })
	s.On("ups", func() []int { return ups })
	s.On("stream", func(count int) { go stream(s, count) })
	s.On("bye", func() { s.Disconnect() })
	s.On("drop", func() { s.Conn().Close() })
	s.On("reason", func(tag string, ack socketio.Ack) { r.ask(tag, ack) })
	s.OnDisconnect(func(reason socketio.DisconnectReason) {
		var auth struct{ Tag string }
		if err := s.Handshake().DecodeAuth(&auth); err == nil && auth.Tag != "" {
			r.tell(auth.Tag, reason)
		}
	})
}

// stream ends with its count or with the socket.
func stream(s *socketio.Socket, count int) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for i := range count {
		select {
		case <-tick.C:
			check(s.Emit("tick", i))
		case <-s.Context().Done():
			return
		}
	}
}

func check(err error) {
	if err != nil {
		log.Print(err)
	}
}

// orders are the orders of all clients, in the order in which they were handled.
type orders struct {
	mu   sync.Mutex
	list []string
}

func (o *orders) add(id string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = append(o.list, id)
	return len(o.list)
}

func (o *orders) all() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string{}, o.list...)
}

// reasons keeps the reasons why sockets ended, by tag, and the waiters for them.
type reasons struct {
	mu      sync.Mutex
	known   map[string]socketio.DisconnectReason
	waiting map[string]socketio.Ack
}

func (r *reasons) tell(tag string, reason socketio.DisconnectReason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[tag] = reason
	if ack := r.waiting[tag]; ack != nil {
		check(ack(reason))
	}
}

func (r *reasons) ask(tag string, ack socketio.Ack) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if reason, ok := r.known[tag]; ok {
		check(ack(reason))
		return
	}
	r.waiting[tag] = ack
}
