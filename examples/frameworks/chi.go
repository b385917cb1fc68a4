// SPDX-License-Identifier: MIT

// This file mounts socketio under chi, behind a login: the session cookie authorizes a
// socket, and every handler knows its user.

package frameworks

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"socketio"
)

// KeepUser is for Options.Handshake: the request ends, but the values of its context
// stay, as those of Socket.Context.
func KeepUser(r *http.Request) (context.Context, error) {
	return r.Context(), nil
}

// Chi mounts io, made with Options.Handshake: KeepUser, behind the login.
func Chi(io *socketio.Server, sessions *Sessions) http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.Recoverer)
	r.Post("/login", sessions.Login)
	r.Group(func(r chi.Router) {
		r.Use(sessions.Authenticate)
		r.Handle("/socket.io/*", io)
		r.Get("/hello", func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte("hello " + User(r.Context())))
		})
	})
	return r
}
