// SPDX-License-Identifier: MIT

package main

// This file holds the namespaces and their middleware.

import (
	"context"
	"time"

	"socketio"
)

func register(io *socketio.Server) {
	app := &app{io: io}
	middleware := app.middleware()
	for _, name := range []string{"/", "/custom", "/denied", "/bare", "/token", "/slow", "/chain"} {
		nsp := io.Of(name)
		app.namespaces = append(app.namespaces, nsp)
		for _, mw := range middleware[name] {
			nsp.Use(mw)
		}
		nsp.OnConnection(func(s *socketio.Socket) { app.serve(nsp, s) })
	}
}

func (a *app) middleware() map[string][]func(*socketio.Socket) error {
	return map[string][]func(*socketio.Socket) error{
		"/denied": {func(*socketio.Socket) error {
			return &socketio.ConnectError{Message: "denied", Data: map[string]any{
				"code":   42,
				"nested": map[string]any{"list": []any{1, "two", nil}},
			}}
		}},
		"/bare": {func(*socketio.Socket) error {
			return &socketio.ConnectError{Message: "no reason given"}
		}},
		"/token": {func(s *socketio.Socket) error {
			var auth struct {
				Token string `json:"token"`
			}
			if err := s.Handshake().DecodeAuth(&auth); err != nil || auth.Token != "secret" {
				return &socketio.ConnectError{Message: "not authorized", Data: map[string]any{"hint": "token"}}
			}
			return nil
		}},
		"/slow": {func(s *socketio.Socket) error {
			wait := time.NewTimer(200 * time.Millisecond)
			defer wait.Stop()
			select {
			case <-wait.C:
				return nil
			case <-s.Context().Done():
				return context.Cause(s.Context())
			}
		}},
		"/chain": {a.note("first"), a.second, a.note("third")},
	}
}

// note returns a middleware that lets in and notes that it ran.
func (a *app) note(step string) func(*socketio.Socket) error {
	return func(s *socketio.Socket) error {
		a.steps.Store(s, append(a.stepsOf(s), step))
		return nil
	}
}

// second notes that it ran, and refuses a socket that asks for it.
func (a *app) second(s *socketio.Socket) error {
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

func (a *app) stepsOf(s *socketio.Socket) []string {
	steps, _ := a.steps.Load(s)
	list, _ := steps.([]string)
	return list
}
