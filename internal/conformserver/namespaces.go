// SPDX-License-Identifier: MIT

// This file holds the namespaces and their middleware.

package conformserver

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"socketio"
	"socketio/internal/nodes"
)

// register registers all handlers. node is nil if the server is alone.
func register(io *socketio.Server, notes nodes.Notes, node *nodes.Node) *app {
	app := &app{io: io, notes: notes, node: node}
	io.OnNewNamespace(app.noteMade)
	io.Engine().OnConnectionError(app.noteRefusal)
	io.OnServerSideEmit("status", app.own)
	io.OnServerSideEmit("settle", settled)
	app.makeParents()
	middleware := app.middleware()
	for _, name := range []string{"/", "/custom", "/denied", "/bare", "/token", "/slow", "/gate", "/chain", "/lobby"} {
		nsp := io.Of(name)
		app.namespaces = append(app.namespaces, nsp)
		for _, mw := range middleware[name] {
			nsp.Use(mw)
		}
		nsp.OnConnection(func(s *socketio.Socket) { app.serve(nsp, s) })
	}
	return app
}

func (a *app) middleware() map[string][]func(context.Context, *socketio.Socket) error {
	return map[string][]func(context.Context, *socketio.Socket) error{
		"/denied": {func(context.Context, *socketio.Socket) error {
			return &socketio.ConnectError{Message: "denied", Data: map[string]any{
				"code":   42,
				"nested": map[string]any{"list": []any{1, "two", nil}},
			}}
		}},
		"/bare": {func(context.Context, *socketio.Socket) error {
			return &socketio.ConnectError{Message: "no reason given"}
		}},
		"/token": {func(_ context.Context, s *socketio.Socket) error {
			var auth struct {
				Token string `json:"token"`
			}
			if err := s.Handshake().DecodeAuth(&auth); err != nil || auth.Token != "secret" {
				return &socketio.ConnectError{Message: "not authorized", Data: map[string]any{"hint": "token"}}
			}
			return nil
		}},
		"/slow": {func(_ context.Context, s *socketio.Socket) error {
			wait := time.NewTimer(200 * time.Millisecond)
			defer wait.Stop()
			select {
			case <-wait.C:
				return nil
			case <-s.Context().Done():
				return context.Cause(s.Context())
			}
		}},
		"/gate":  {a.waitAtGate},
		"/chain": {a.note("first"), a.second, a.note("third")},
		"/lobby": {a.lobby},
	}
}

// waitAtGate accepts a socket when the gate that the client names has been opened.
func (a *app) waitAtGate(_ context.Context, s *socketio.Socket) error {
	var auth struct {
		Gate string `json:"gate"`
	}
	if err := s.Handshake().DecodeAuth(&auth); err != nil {
		return err
	}
	_, err := a.notes.Wait(s.Context(), gate(auth.Gate))
	return err
}

// lobby joins rooms before it accepts or rejects a socket.
func (a *app) lobby(_ context.Context, s *socketio.Socket) error {
	if err := s.Join("lobby", "forgotten"); err != nil {
		return err
	}
	s.Leave("forgotten")
	if refuses(s.Handshake()) {
		return &socketio.ConnectError{Message: "no entry"}
	}
	a.steps.Store(s, []string{fmt.Sprint("connected: ", s.Connected())})
	return nil
}

// refuses reports whether a client asks to be rejected.
func refuses(h socketio.Handshake) bool {
	var auth struct {
		Refuse bool `json:"refuse"`
	}
	return h.DecodeAuth(&auth) == nil && auth.Refuse
}

// makeParents makes the parents of dynamic namespaces: teams by pattern, clubs by
// function.
func (a *app) makeParents() {
	a.parents = map[string]*socketio.ParentNamespace{
		"/team-": a.io.OfPattern(regexp.MustCompile(`^/team-\d+$`)),
		"/club-": a.io.OfMatch(func(name string, h socketio.Handshake) bool {
			var auth struct {
				Member bool `json:"member"`
			}
			return strings.HasPrefix(name, "/club-") && h.DecodeAuth(&auth) == nil && auth.Member
		}),
	}
	for _, parent := range a.parents {
		parent.Use(func(_ context.Context, s *socketio.Socket) error {
			if refuses(s.Handshake()) {
				return &socketio.ConnectError{Message: "not in this team"}
			}
			return nil
		})
		parent.OnConnection(func(s *socketio.Socket) { a.serve(s.Namespace(), s) })
	}
}

// note returns a middleware that accepts every socket and notes that it ran.
func (a *app) note(step string) func(context.Context, *socketio.Socket) error {
	return func(_ context.Context, s *socketio.Socket) error {
		a.steps.Store(s, append(a.stepsOf(s), step))
		return nil
	}
}

// second records that it ran, and rejects a socket that asks for it.
func (a *app) second(_ context.Context, s *socketio.Socket) error {
	steps := append(a.stepsOf(s), "second")
	a.steps.Store(s, steps)
	var auth struct {
		Stop any `json:"stop"` // clients of Socket.IO 1 and 2 send text
	}
	if err := s.Handshake().DecodeAuth(&auth); err != nil {
		return err
	}
	if auth.Stop != nil {
		a.steps.Delete(s)
		return &socketio.ConnectError{Message: "stopped", Data: steps}
	}
	return nil
}
