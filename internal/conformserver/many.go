// SPDX-License-Identifier: MIT

// This file holds the handlers that do something with many sockets: broadcasts,
// broadcasts with acknowledgements, listing, moving and disconnecting sockets.

package conformserver

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"socketio"
)

// A target is a choice of sockets, and how to reach them.
type target struct {
	Via      string   `json:"via"` // "io", "parent", or from the socket to others
	To       []string `json:"to"`
	In       []string `json:"in"`
	Except   []string `json:"except"`
	Volatile bool     `json:"volatile"`
	Local    bool     `json:"local"`
	Compress *bool    `json:"compress"`
}

// broadcast is the choice as a value of the package.
func (a *app) broadcast(nsp *socketio.Namespace, s *socketio.Socket, t target) socketio.Broadcast {
	b := s.Broadcast().Except(t.Except...)
	switch t.Via {
	case "io":
		b = nsp.Except(t.Except...)
	case "parent":
		b = a.parentOf(nsp).Except(t.Except...)
	}
	if len(t.To) > 0 {
		b = b.To(t.To...)
	}
	for _, room := range t.In {
		b = b.In(room)
	}
	if t.Volatile {
		b = b.Volatile()
	}
	if t.Local {
		b = b.Local()
	}
	if t.Compress != nil {
		b = b.Compress(*t.Compress)
	}
	return b
}

// A step is one emit of a series: to the socket itself if Target is nil.
type step struct {
	Target   *target `json:"target"`
	Volatile bool    `json:"volatile"`
	Event    string  `json:"event"`
	Args     []any   `json:"args"`
	Size     int     `json:"size"` // so much text after Args
	Bytes    []byte  `json:"bytes"`
}

func (a *app) onMany(nsp *socketio.Namespace, s *socketio.Socket) {
	s.On("send", func(ctx context.Context, t target, event string, args ...any) error {
		return errors.Join(a.broadcast(nsp, s, t).Emit(event, args...), a.settle(ctx, nsp))
	})
	s.On("series", func(ctx context.Context, steps ...step) error {
		var errs []error
		for _, each := range steps {
			errs = append(errs, a.emit(nsp, s, each))
		}
		return errors.Join(append(errs, a.settle(ctx, nsp))...)
	})
	s.On("ask-many", func(ctx context.Context, ms int, t target, event string, args ...any) answered {
		return askMany(ctx, a.broadcast(nsp, s, t).Timeout(time.Duration(ms)*time.Millisecond), event, args)
	})
	s.On("user", func(name string) { user.Set(s, name) })
	s.On("fetch", func(ctx context.Context, t target) ([]found, error) {
		return fetch(ctx, a.broadcast(nsp, s, t))
	})
	s.On("sockets-join", func(ctx context.Context, t target, rooms ...string) error {
		return errors.Join(a.broadcast(nsp, s, t).SocketsJoin(rooms...), a.settle(ctx, nsp))
	})
	s.On("sockets-leave", func(ctx context.Context, t target, rooms ...string) error {
		return errors.Join(a.broadcast(nsp, s, t).SocketsLeave(rooms...), a.settle(ctx, nsp))
	})
	s.On("sockets-disconnect", func(t target, close bool) error { return disconnectAll(a.broadcast(nsp, s, t), close) })
	s.On("linger", func(room string) error {
		s.Disconnect()
		return s.Join(room)
	})
	s.On("server-side", func(ctx context.Context, event string, args ...any) ([]any, error) {
		replies := []any{}
		for reply, err := range nsp.ServerSideEmitWithAck(ctx, event, args...) {
			if err != nil {
				return nil, err
			}
			replies = append(replies, reply.String())
		}
		return replies, nsp.ServerSideEmit(event, args...)
	})
}

func (a *app) emit(nsp *socketio.Namespace, s *socketio.Socket, each step) error {
	args := each.Args
	if each.Size > 0 {
		args = append(args, strings.Repeat("x", each.Size))
	}
	if each.Bytes != nil {
		args = append(args, each.Bytes)
	}
	switch {
	case each.Target != nil:
		return a.broadcast(nsp, s, *each.Target).Emit(each.Event, args...)
	case each.Volatile:
		return s.Volatile().Emit(each.Event, args...)
	default:
		return s.Emit(each.Event, args...)
	}
}

// askMany collects the first argument of each answer, in the order of arrival.
func askMany(ctx context.Context, b socketio.Broadcast, event string, args []any) answered {
	all := answered{OK: true, Reply: []any{}}
	for reply, err := range b.EmitWithAck(ctx, event, args...) {
		var first any
		if err == nil {
			err = reply.Decode(&first)
		}
		if err != nil {
			all.OK, all.Error = false, "timeout"
			continue
		}
		all.Reply = append(all.Reply, first)
	}
	return all
}

// user is data of a socket that others see.
var user = socketio.NewDataKey[string]("user")

// found is a socket as FetchSockets finds it.
type found struct {
	ID    string          `json:"id"`
	Rooms []string        `json:"rooms"`
	User  string          `json:"user"`
	Auth  json.RawMessage `json:"auth,omitempty"`
}

// fetch finds sockets, in the order of their ids.
func fetch(ctx context.Context, b socketio.Broadcast) ([]found, error) {
	sockets, err := b.FetchSockets(ctx)
	if err != nil {
		return nil, err
	}
	all := []found{}
	for _, each := range sockets {
		name, _ := user.Get(each)
		rooms := slices.Clone(each.Rooms())
		slices.Sort(rooms)
		all = append(all, found{ID: each.ID(), Rooms: rooms, User: name, Auth: each.Handshake().Auth})
	}
	slices.SortFunc(all, func(x, y found) int { return strings.Compare(x.ID, y.ID) })
	return all, nil
}
