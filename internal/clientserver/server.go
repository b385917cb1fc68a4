// SPDX-License-Identifier: MIT

// This file holds the program and its handlers.

package clientserver

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"socketio"
	"socketio/internal/nodes"
	"socketio/parser/msgpack"
)

// Run is the program. With NODES, it is that many servers on a bus.
func Run(bus nodes.Bus) error {
	if text := os.Getenv("NODES"); text != "" {
		count, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("NODES: %w", err)
		}
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
		defer stop()
		return nodes.Run(ctx, count, bus, startNode)
	}
	io := socketio.NewServer(options())
	register(io, nodes.NewNotes())
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", os.Getenv("PORT")))
	if err != nil {
		return err
	}
	fmt.Println("listening", l.Addr().(*net.TCPAddr).Port)
	return http.Serve(l, io)
}

// startNode starts one of several servers.
func startNode(n *nodes.Node) (*nodes.Server, error) {
	opts := options()
	cluster := n.Connect(opts)
	io := socketio.NewServer(opts)
	register(io, n.Notes)
	return &nodes.Server{
		Handler:   io,
		Strangers: func(context.Context) int { return n.Count - cluster.Nodes() },
		End:       io.Shutdown,
		Close:     io.Close,
	}, nil
}

func options() *socketio.Options {
	opts := new(socketio.Options)
	if os.Getenv("CODEC") == "msgpack" {
		opts.Codec = new(msgpack.Codec)
	}
	if os.Getenv("RECOVERY") == "1" {
		opts.Recovery = new(socketio.Recovery)
	}
	return opts
}

func register(io *socketio.Server, notes nodes.Notes) {
	if os.Getenv("KEY") == "1" {
		io.Deduplicate(socketio.Deduplication{Key: func(_ *socketio.Socket, event string, args socketio.Args) string {
			var id string
			if event != "order" || args.Decode(&id) != nil {
				return ""
			}
			return id
		}})
	}
	// The orders of all clients, in the order in which they were handled.
	io.On("order", func(id string) (int, error) { return notes.Append("orders", id) })
	io.On("orders", func() ([]string, error) { return notes.List("orders") })
	for _, name := range []string{"/", "/admin"} {
		ns := io.Of(name)
		ns.OnConnection(func(s *socketio.Socket) { serve(ns, s, notes) })
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
}

func serve(ns *socketio.Namespace, s *socketio.Socket, notes nodes.Notes) {
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
	s.On("reason", func(ctx context.Context, tag string) (string, error) { return notes.Wait(ctx, "reason "+tag) })
	s.OnDisconnect(func(reason socketio.DisconnectReason) {
		var auth struct{ Tag string }
		if err := s.Handshake().DecodeAuth(&auth); err == nil && auth.Tag != "" {
			check(notes.Set("reason "+auth.Tag, string(reason)))
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
