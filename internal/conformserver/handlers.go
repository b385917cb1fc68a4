// SPDX-License-Identifier: MIT

// This file holds the handlers for values, acknowledgements and rooms.

package conformserver

import (
	"context"
	"errors"
	"time"

	"socketio"
)

var oddNames = []string{"__proto__", "toString", "constructor", "hasOwnProperty", "", "error", "connection", "1", "0", "-1.5"}

func (a *app) serve(nsp *socketio.Namespace, s *socketio.Socket) {
	if name := nsp.Name(); name == "/" || name == "/custom" {
		_ = s.Emit("auth", authOf(s)) // a client that has left already still has an end to report
	}
	onValues(s)
	onAsking(s)
	a.onRooms(nsp, s)
	a.onMany(nsp, s)
	a.onWatching(nsp, s)
	a.onLife(nsp, s)
	onTraffic(nsp, s)
}

func onValues(s *socketio.Socket) {
	s.On("message", func(args ...any) error { return s.Emit("message-back", args...) })
	s.On("message-with-ack", echo)
	s.On("echo", echo)
	s.On("echo-raw", func(args socketio.Args, ack socketio.Ack) error {
		if len(args.Attachments()) > 0 {
			return echo(args, ack)
		}
		raw := make([]any, args.Len())
		for i := range raw {
			raw[i] = args.Raw(i)
		}
		return ack(raw...)
	})
	s.On("echo-event", func(args ...any) error { return s.Emit("echo-event", args...) })
	s.On("typed", typed)
	s.On("gift", func(ack socketio.Ack) error {
		if err := s.Emit("gift", "before", box(), []byte{255, 0}, "after"); err != nil {
			return err
		}
		return ack([]byte{9, 8, 7}, box())
	})
	for _, name := range oddNames {
		s.On(name, func(args socketio.Args, ack socketio.Ack) error {
			all, err := args.Values()
			if err != nil {
				return err
			}
			if err := s.Emit(name, all...); err != nil {
				return err
			}
			return ack(append([]any{name}, all...)...)
		})
	}
}

// echo decodes the arguments and acknowledges with them.
func echo(args socketio.Args, ack socketio.Ack) error {
	all, err := args.Values()
	if err != nil {
		return err
	}
	return ack(all...)
}

type record struct {
	Name string   `json:"name"`
	Tags []string `json:"tags"`
}

func typed(text string, whole int, real float64, flag bool, bytes []byte, r record) (string, int, float64, bool, []byte, record) {
	return text, whole, real, flag, bytes, r
}

// box is binary at some depth.
func box() map[string]any {
	return map[string]any{
		"deep":  map[string]any{"list": []any{[]byte{1, 2, 3}, map[string]any{"inner": []byte("é")}}, "none": nil},
		"empty": []byte{},
	}
}

func onAsking(s *socketio.Socket) {
	s.On("ask", func(ctx context.Context, ms int, event string, args ...any) (answered, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
		defer cancel()
		reply, err := s.EmitWithAck(ctx, event, args...)
		if errors.Is(err, context.DeadlineExceeded) {
			return answered{Error: "timeout"}, nil
		}
		if err != nil {
			return answered{}, err
		}
		values, err := reply.Values()
		if err != nil {
			return answered{}, err
		}
		return answered{OK: true, Reply: values}, nil
	})
}

func (a *app) onRooms(nsp *socketio.Namespace, s *socketio.Socket) {
	s.On("join", func(rooms ...string) error { return s.Join(rooms...) })
	s.On("leave", func(room string) { s.Leave(room) })
	s.On("rooms", func() []string { return sortedRooms(s) })
	s.On("volatile", func(event string, args ...any) error { return s.Volatile().Emit(event, args...) })
	s.On("chat message", func(ctx context.Context, text string) error {
		return errors.Join(nsp.Emit("chat message", text), a.settle(ctx, nsp))
	})
}
