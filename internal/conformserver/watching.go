// SPDX-License-Identifier: MIT

// This file holds the handlers that watch: catch-all listeners, middleware of events,
// namespaces that are made, rejected requests.

package conformserver

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"socketio"
	"socketio/engineio"
)

// ears record the events of the catch-all listeners of a socket.
type ears struct {
	mu     sync.Mutex
	heard  []any
	remove []func()
}

func (e *ears) listener(way string) func(string, socketio.Args) {
	return func(event string, args socketio.Args) {
		values, err := args.Values()
		if err != nil {
			values = []any{err.Error()}
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.heard = append(e.heard, append([]any{way, event}, values...))
	}
}

// stop removes the listeners and returns their events.
func (e *ears) stop() []any {
	for _, remove := range e.remove {
		remove()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	heard := append([]any{}, e.heard...)
	e.remove, e.heard = nil, nil
	return heard
}

func (a *app) onWatching(nsp *socketio.Namespace, s *socketio.Socket) {
	e := new(ears)
	s.On("listen", func() {
		e.remove = append(e.remove, s.OnAny(e.listener("in")), s.OnAnyOutgoing(e.listener("out")))
	})
	s.On("heard", e.stop)
	s.On("reserved", func(name string) string { return reserved(nsp, s, name) })
	s.On("namespaces", a.namespaceNames)
	s.On("refusals", a.refusals)
	s.On("use", func() { use(nsp, s) })
}

// Errors are emitted as "fault".
func use(nsp *socketio.Namespace, s *socketio.Socket) {
	for _, name := range []string{"first", "second"} {
		s.Use(func(ctx context.Context, e socketio.Event, next func(context.Context, socketio.Event) error) error {
			if e.Name == "forbidden" && name == "first" {
				return errors.New("not allowed")
			}
			if e.Name == "wrap" {
				if err := s.Emit("passed", name, e.Name); err != nil {
					return err
				}
				if name == "second" {
					e.Name = "echo"
				}
			}
			return next(ctx, e)
		})
	}
	s.On("forbidden", func() error { return s.Emit("fault", "it was handled") })
	remove := nsp.OnError(func(failed *socketio.Socket, err *socketio.HandlerError) {
		if failed == s {
			_ = s.Emit("fault", err.Err.Error()) // the socket may be gone
		}
	})
	s.OnDisconnect(func(socketio.DisconnectReason) { remove() })
}

// reserved reports whether an event with that name is rejected.
func reserved(nsp *socketio.Namespace, s *socketio.Socket, name string) string {
	return fmt.Sprint(s.Emit(name) != nil, " ", nsp.To("nobody").Emit(name) != nil)
}

func (a *app) noteMade(nsp *socketio.Namespace) {
	nsp.OnServerSideEmit("settle", settled)
	a.append(made, nsp.Name())
}

func (a *app) noteRefusal(_ *http.Request, e *engineio.ConnectionError) {
	a.append(refusals, fmt.Sprint(e.Code))
}

func (a *app) append(list, entry string) {
	if _, err := a.notes.Append(list, entry); err != nil {
		log.Printf("%s %s: %v", list, entry, err)
	}
}

func (a *app) refusals() (codes []int, err error) {
	list, err := a.notes.List(refusals)
	codes = make([]int, len(list))
	for i, code := range list {
		if codes[i], err = strconv.Atoi(code); err != nil {
			break
		}
	}
	return codes, err
}

// namespaceNames are the names that were made, and those that are there.
func (a *app) namespaceNames(ctx context.Context) (map[string][]string, error) {
	list, err := a.notes.List(made)
	if err != nil {
		return nil, err
	}
	all, err := a.status(ctx)
	return map[string][]string{"made": list, "there": slices.Sorted(maps.Keys(all.Sockets))}, err
}
